"""The clock under control: pause, resume, step, advance, another speed, another place in the recording.

Everything that time brings happens in its order, however time is moved: the market's messages, the timers, what is
under way. A long way is gone in chunks, between which others get their turn.

**Seek.** Beside the wall's clock it is a jump of the market, forwards or back, like the seam of a loop: books, last
trades, marks and funding are those of the place that is jumped to, and nothing fills from what lies between. In the
recording's own time it means to play everything up to there, so that resting orders fill as they would have. The way
back leads through the start: the exchange begins anew and plays up to there, and all that customers did is undone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final, Protocol

from simulator.core.commands import Command
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
from simulator.runtime.clock import SteeredClock
from simulator.runtime.runner import Runner

log = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 50


class CannotSteer(ValueError):
    """What was asked is not possible: one line that says why."""


def _cannot_start_over() -> None:
    raise CannotSteer("the exchange cannot begin anew, and there is no other way back")


class Market(Protocol):
    """A recording that is being played. Its own times are ``first`` to ``last``."""

    first: Nanos
    last: Nanos
    loop: bool

    def position(self, now: Nanos) -> Nanos:
        """The recorded time that is being played."""
        ...

    def change_speed(self, now: Nanos, speed: Fraction) -> None:
        """Another pace from now on."""
        ...

    def put_off(self, due: Nanos, now: Nanos) -> None:
        """What was due then is due now, and the rest as much later."""
        ...

    def tell_whole(self, symbol: str) -> None:
        """Somebody else told this symbol's book: the next one is told whole."""
        ...

    def seek(self, to: Nanos, now: Nanos) -> Sequence[Command]:
        """Play on from a recorded time; what tells the exchange of it."""
        ...


class Steering:
    """One exchange's clock and the market that it plays. ``recorded``: it lives in the recording's time."""

    def __init__(
        self, runner: Runner, clock: SteeredClock, market: Market | None, speed: Fraction | None, *, recorded: bool
    ) -> None:
        self._runner = runner
        self.clock = clock
        self.market = market
        self.recorded = recorded
        self.speed = speed
        self.start_over: Callable[[], None] = _cannot_start_over
        self._times_restored = 0
        self._loops = market is not None and market.loop
        self._lost: Nanos = 0
        self._advancing = 0
        if market is not None:
            runner.fell_behind = self._fell_behind
        self._loop_unless_flat_out()

    def __getstate__(self) -> tuple[Fraction | None, Fraction | None, bool]:
        """For snapshots: how time goes on, not where it is."""
        return self.speed, self.clock.speed, self.clock.paused

    def __setstate__(self, pace: tuple[Fraction | None, Fraction | None, bool]) -> None:
        self.speed, speed, paused = pace
        self.clock.go_to(self.clock.now(), speed, paused=paused)
        self._times_restored += 1
        self._loop_unless_flat_out()

    def pause(self) -> None:
        """Time stands, once all that is due has happened."""
        self.clock.pause()
        self._runner.catch_up()

    def resume(self) -> None:
        """Time goes on from where it stood."""
        self.clock.resume()
        self._runner.wake()

    async def advance(self, nanos: Nanos) -> None:
        """Let so much time go by at once, and everything happen that it brings."""
        self._runner.catch_up()
        self.clock.advance(nanos)
        until = self.clock.now()
        times_restored = self._times_restored
        self._advancing += 1
        try:
            while self._runner.play(until, _MOST_AT_ONCE):
                await asyncio.sleep(0)  # others get their turn
                if self._times_restored != times_restored:
                    return
        finally:
            self._advancing -= 1
        self._runner.catch_up()
        self._runner.wake()

    def change_speed(self, speed: Fraction | None) -> None:
        """Of the recording, from now on; None: as fast as it can be played. Without a market, of time itself."""
        if self.market is None and self._runner.source is not None:
            raise CannotSteer("a live market has the speed that it has")
        now = self._runner.catch_up()
        if self.recorded:
            self.clock.change_speed(speed)
        elif speed is None:
            raise CannotSteer("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        elif self.market is None:
            self.clock.change_speed(speed)
        else:
            self.market.change_speed(now, speed)
        self.speed = speed
        self._loop_unless_flat_out()
        self._runner.wake()

    def _loop_unless_flat_out(self) -> None:
        """At full speed a recording is played to its end: looping, it would never come to rest."""
        if self.market is not None:
            self.market.loop = self._loops and self.speed is not None

    def _fell_behind(self, due: Nanos, now: Nanos) -> None:
        """The machine is too slow for the speed: the market goes on from where it has come to."""
        if self._advancing or self.clock.paused:
            return  # a way that somebody wants to be gone, not one that the machine is late on
        if self.recorded:
            self.clock.hold_back(now - due)
        elif self.market is not None:
            self.market.put_off(due, now)
        told, self._lost = self._lost, self._lost + now - due
        if self._lost >= 2 * told:
            log.warning(
                "this machine cannot play the market at speed %s: it goes on %.1f s later than it should; "
                "use a lower --speed",
                self.speed,
                self._lost / NANOS_PER_SECOND,
            )

    def by_hand(self, symbol: str) -> None:
        """Somebody sets the market of a symbol, which is possible where no other market speaks."""
        if self._runner.source is None:
            return
        if self.market is None:
            raise CannotSteer("the market behind this exchange is live and speaks for itself: serve --empty")
        if not self.clock.paused:
            raise CannotSteer("the market behind this exchange speaks for itself: pause the clock, or serve --empty")
        self.market.tell_whole(symbol)

    async def step(self, messages: int) -> int:
        """Play the next messages of the market and what came at the same moments; returns how many moments."""
        if not self.clock.paused:
            raise CannotSteer("steps are for a clock that stands: pause it first")
        for done in range(messages):
            if self._runner.step() is None:
                return done
            if done % _MOST_AT_ONCE == 0:
                await asyncio.sleep(0)
        return messages

    async def seek(self, to: Nanos) -> None:
        """Go to a recorded time; see the module."""
        market = self.market
        if market is None:
            raise CannotSteer("there is no recording in which a place could be looked for")
        if not market.first <= to <= market.last:
            span = f"{market.first // NANOS_PER_MILLI} to {market.last // NANOS_PER_MILLI}"
            raise CannotSteer(f"the recording reaches from {span}, in milliseconds since 1970")
        now = self._runner.catch_up()
        if self.recorded:
            if to < market.position(now):
                pace = self.__getstate__()
                self.start_over()
                self.__setstate__(pace)
                now = self._runner.catch_up()
            await self.advance(to - market.position(now))
            return
        for command in market.seek(to, now):
            self._runner.act(now, command)
        self._runner.catch_up()
        self._runner.wake()
