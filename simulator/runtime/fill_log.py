"""Says in the log, at debug level, why each fill happened: one line each."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from simulator.core.events import Event, OrderFilled
from simulator.core.explaining import Explainer
from simulator.core.units import Nanos

log = logging.getLogger(__name__)


class FillLog:
    """A subscriber; the history must have heard the events before."""

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Explaining takes time, so only where somebody reads it."""
        if not log.isEnabledFor(logging.DEBUG):
            return
        for event in events:
            if type(event) is OrderFilled:
                log.debug("%s", self.said(now, event))

    def said(self, now: Nanos, fill: OrderFilled) -> str:
        """One line."""
        told = self._explainer.fill(now, fill)
        return (
            f"{fill.account}: order {fill.order_id} in {fill.symbol} filled {told.qty} at {told.price}: {told.reason} "
            f"(queue {told.model}, residual {told.residual})"
        )
