"""The venue's times in ours: the smallest (arrival - venue time) of the last seconds is what lies between them.

Venue times decide which of a trade, a book and an own order came first (see ``core/mirror/fills.py``), so they
must be told in the time that orders are stamped with. What is measured is the difference of the two clocks plus
the way; the smallest of many has the shortest way in it. So no venue time lies after its arrival, and a frame that
was late keeps its place. The window is short: an upstream may be a simulator that plays a recording of 2024 at
sixty times its speed, whose clock runs away from ours all the time; there the newest frame is simply now.
A new connection may lead to another clock, so it measures anew.

HashKey's ``/api/v1/time`` would give the difference without the way. The way is left in on purpose: to a customer
here, the market happens when it is seen here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Millis, Nanos

WINDOW: Final[Nanos] = 10 * NANOS_PER_SECOND


class VenueClock:
    """A sliding minimum. Differences in ``_kept`` rise from the oldest to the newest."""

    def __init__(self, window: Nanos = WINDOW) -> None:
        self._window = window
        self._kept: deque[tuple[Nanos, Nanos]] = deque()
        self.offset: Nanos = 0
        """Our time less the venue's; 0 before anything was heard."""

    def restart(self) -> None:
        """What comes next may have another clock; until it comes, the last one holds."""
        self._kept.clear()

    def heard(self, arrival: Nanos, venue_ms: Millis) -> None:
        """Something of venue time ``venue_ms`` arrived."""
        kept, difference = self._kept, arrival - venue_ms * NANOS_PER_MILLI
        while kept and kept[-1][1] >= difference:
            kept.pop()
        kept.append((arrival, difference))
        while kept[0][0] < arrival - self._window:
            kept.popleft()
        self.offset = kept[0][1]

    def __call__(self, venue_ms: Millis) -> Nanos:
        """A venue time in ours."""
        return venue_ms * NANOS_PER_MILLI + self.offset
