"""Where ``now`` comes from. The core never asks; the runner does, once per command.

``WallClock`` is the system's. ``ManualClock`` stands until it is moved. ``RecordedClock`` lives in a
recording's time: it starts at the recording's first moment and runs ``speed`` times as fast as the
wall; at speed None ("max") it stands at whatever was played last.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Protocol

from simulator.core.units import Nanos


class Clock(Protocol):
    """Tells the exchange's time."""

    def now(self) -> Nanos:
        """Nanoseconds since 1970; never goes back."""
        ...

    def reached(self, now: Nanos) -> None:
        """The runner has played everything up to ``now``."""
        ...


class WallClock:
    """The system's clock, kept from going back."""

    def __init__(self) -> None:
        self._last: Nanos = 0

    def now(self) -> Nanos:
        """The time of day."""
        self._last = max(self._last, time.time_ns())
        return self._last

    def reached(self, now: Nanos) -> None:
        """The wall does not care, but never goes back behind what was played."""
        self._last = max(self._last, now)


class ManualClock:
    """Stands until moved."""

    def __init__(self, start: Nanos = 0) -> None:
        self._now = start

    def now(self) -> Nanos:
        """Where it stands."""
        return self._now

    def advance(self, nanos: Nanos) -> None:
        """Move forward."""
        self._now += max(0, nanos)

    def reached(self, now: Nanos) -> None:
        """Follow what was played."""
        self._now = max(self._now, now)


class RecordedClock:
    """A recording's time; ``speed`` None is as fast as it can be played."""

    def __init__(self, start: Nanos, speed: Fraction | None) -> None:
        self._start = start
        self._speed = speed
        self._wall_start = time.monotonic_ns()
        self._last = start

    def now(self) -> Nanos:
        """The recording's time."""
        if self._speed is not None:
            elapsed = time.monotonic_ns() - self._wall_start
            running = self._start + elapsed * self._speed.numerator // self._speed.denominator
            self._last = max(self._last, running)
        return self._last

    def reached(self, now: Nanos) -> None:
        """At full speed, what was played is what time it is."""
        self._last = max(self._last, now)
