"""Where ``now`` comes from. The core never asks; the runner does, once per command.

``WallClock`` is the system's. ``RecordedClock`` lives in a recording's time: it starts at the recording's
first moment and runs ``speed`` times as fast as the wall; at speed None ("max") it stands at whatever was
played last. ``ManualClock`` stands until it is moved.

The first two can be *paused*: time stands, and later goes on **from where it stood**. So an exchange on the
wall's clock that was paused lags behind the wall by as long (``advance`` moves it on), and its clients' requests are
judged by the exchange's time: who stamps them with his own clock is then out of their window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from math import inf
from typing import Protocol

from simulator.core.units import NANOS_PER_SECOND, Nanos


class Clock(Protocol):
    """Tells the exchange's time."""

    def now(self) -> Nanos:
        """Nanoseconds since 1970; never goes back."""
        ...

    def reached(self, now: Nanos) -> None:
        """The runner has played everything up to ``now``."""
        ...

    @property
    def flat_out(self) -> bool:
        """Whether the market is to be played as fast as it can be, without waiting for any time."""
        ...

    def seconds_until(self, time: Nanos) -> float:
        """How long the host has to wait until it is so late; infinite where time stands."""
        ...


class SteeredClock:
    """Runs beside the host's clock, at a speed, until it is paused, moved or set to another speed.

    ``speed`` None: it stands at what was played last.
    """

    def __init__(
        self, start: Nanos | None, speed: Fraction | None, host: Callable[[], Nanos], *, paused: bool = False
    ) -> None:
        self._host = host
        self.speed = speed
        self.paused = paused
        self._last = host() if start is None else start
        self._go_on()

    def now(self) -> Nanos:
        """Where it has come to; it goes back neither with the host's clock nor behind what was played."""
        if self._runs:
            elapsed = self._host() - self._since
            if self._stretched is not None:
                elapsed = elapsed * self._stretched.numerator // self._stretched.denominator
            now = self._base + elapsed
            if now > self._last:  # noqa: PLR1730 - asked for every command
                self._last = now
        return self._last

    def reached(self, now: Nanos) -> None:
        """Never behind what was played; where time stands, what was played is what time it is."""
        self._last = max(self._last, now)

    @property
    def flat_out(self) -> bool:
        """At speed None, unless it is paused."""
        return self.speed is None and not self.paused

    def seconds_until(self, time: Nanos) -> float:
        """See Clock."""
        if self.speed is None or self.paused:
            return inf
        return float((time - self.now()) / self.speed / NANOS_PER_SECOND)

    def pause(self) -> None:
        """Stand still."""
        self.now()
        self.paused = True
        self._go_on()

    def resume(self) -> None:
        """Run on from here."""
        if self.paused:
            self.paused = False
            self._go_on()

    def advance(self, nanos: Nanos) -> None:
        """So much later, at once."""
        self._last = self.now() + max(0, nanos)
        self._go_on()

    def hold_back(self, nanos: Nanos) -> None:
        """So much earlier; for whoever has done nothing yet with the time that it was."""
        self._last = self.now() - nanos
        self._go_on()

    def change_speed(self, speed: Fraction | None) -> None:
        """From now on."""
        self.now()
        self.speed = speed
        self._go_on()

    def go_to(self, time: Nanos, speed: Fraction | None, *, paused: bool) -> None:
        """Any time, also one that was before: another history begins there."""
        self._last, self.speed, self.paused = time, speed, paused
        self._go_on()

    def _go_on(self) -> None:
        self._base, self._since = self._last, self._host()
        self._runs = self.speed is not None and not self.paused
        self._stretched = None if self.speed == 1 else self.speed


def _time_of_day() -> Nanos:
    return time.time_ns()


def _time_since_boot() -> Nanos:
    return time.monotonic_ns()


class WallClock(SteeredClock):
    """The system's clock, kept from going back."""

    def __init__(self, *, paused: bool = False) -> None:
        super().__init__(None, Fraction(1), _time_of_day, paused=paused)


class RecordedClock(SteeredClock):
    """A recording's time; ``speed`` None is as fast as it can be played."""

    def __init__(self, start: Nanos, speed: Fraction | None, *, paused: bool = False) -> None:
        super().__init__(start, speed, _time_since_boot, paused=paused)


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

    flat_out = False

    def seconds_until(self, time: Nanos) -> float:
        """Nobody knows."""
        return inf
