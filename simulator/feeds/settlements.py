"""When the venue's funding settles, in our time: found once for each settlement, and kept.

The difference between the clocks is measured anew all the time, and the venue may go on telling a settlement for a
moment after it is over. Were it placed anew each time, one settlement could be paid twice. So the same settlement stays
where it was first placed, unless the clocks have really parted (an upstream that plays faster than time). It is placed
at a whole second, as the venue's are: the way of a message is no part of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from simulator.core.commands import Command
from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.feeds.sync import Quotes, VenueTime
from simulator.venues.hashkey.feed import FundingMessage

_PARTED: Final[Nanos] = 5 * NANOS_PER_SECOND


class _Placed(NamedTuple):
    told: FundingMessage
    time: Nanos


class Settlements:
    """What was told of each perpetual last."""

    def __init__(self, quotes: Quotes, venue_time: VenueTime) -> None:
        self._quotes = quotes
        self._venue_time = venue_time
        self._placed: dict[str, _Placed] = {}

    def commands(self, message: FundingMessage) -> list[Command]:
        """What is new in it."""
        time = _whole_second(self._venue_time(message.settle_ms))
        last = self._placed.get(message.symbol)
        if last is not None and last.told.settle_ms == message.settle_ms and abs(time - last.time) < _PARTED:
            if last.told == message:
                return []
            time = last.time
        commands = self._quotes.commands(message, lambda _: time)
        self._placed[message.symbol] = _Placed(message, time)
        return commands


def _whole_second(time: Nanos) -> Nanos:
    return (time + NANOS_PER_SECOND // 2) // NANOS_PER_SECOND * NANOS_PER_SECOND
