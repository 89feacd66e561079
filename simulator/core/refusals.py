"""Orders that never came to be, kept for a while, so that somebody can ask why: a subscriber."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from simulator.core.commands import PlaceOrder, PlaceStop
from simulator.core.events import Event, Rejected
from simulator.core.rejections import RejectReason
from simulator.core.units import Nanos

KEPT: Final = 10_000
"""A client that is refused again and again must not fill the memory; somebody asks soon or never."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An order that was refused, when, and why."""

    ts: Nanos
    order: PlaceOrder
    reason: RejectReason


class Refusals:
    """The latest of them, of all accounts."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: deque[Refused] = deque(maxlen=KEPT)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep what was refused."""
        if len(events) == 1 and isinstance(event := events[0], Rejected):
            command = event.command
            if isinstance(command, PlaceOrder):
                self._kept.append(Refused(now, command, event.reason))
            elif isinstance(command, PlaceStop):
                self._kept.append(Refused(now, command.order, event.reason))

    def of(self, client_order_id: str, whose: Callable[[str], bool]) -> Iterator[Refused]:
        """Newest first; ``whose`` says by its name whether an account is meant."""
        for one in reversed(self._kept):
            if one.order.client_order_id == client_order_id and whose(one.order.account):
                yield one
