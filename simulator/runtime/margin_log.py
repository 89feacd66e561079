"""Says in the log when somebody's margin runs out: the venue's own streams have no warning for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from simulator.core.events import DeficitCovered, Event, MarginWarning, PositionLiquidated
from simulator.core.units import Nanos, money_text, price_text

log = logging.getLogger(__name__)


def on_events(now: Nanos, events: Sequence[Event]) -> None:
    """A subscriber."""
    for event in events:
        if type(event) in _TOLD:
            log.warning("%s", said(event))


def said(event: Event) -> str:
    """One line."""
    if isinstance(event, MarginWarning):
        what = "its cross positions" if event.side is None else f"its {event.side.name} position in {event.symbol}"
        equity, maintenance = money_text(event.equity), money_text(event.maintenance)
        return f"{event.account}: {equity} {event.asset} stand behind {what}, which need {maintenance}"
    if isinstance(event, PositionLiquidated):
        return (
            f"{event.account}: its {event.side.name} position of {event.lots} in {event.symbol} was taken over "
            f"at {price_text(event.price)}, marked {price_text(event.mark)}"
        )
    assert isinstance(event, DeficitCovered)
    return f"{event.account}: the insurance fund paid {money_text(event.amount)} {event.asset} that it owed"


_TOLD = frozenset({MarginWarning, PositionLiquidated, DeficitCovered})
