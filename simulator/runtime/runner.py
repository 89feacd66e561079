"""The door: everything that happens goes through ``Runner``, one command at a time.

A command is written down, handled, and told to the subscribers, all of it synchronously, so nothing
can come between. Before a customer's command everything that the market source has due by then is
played, so the same recording and the same commands at the same times always meet in the same order.

**Ticks** are the exchange's own beat: whoever works on a period (public pushes, listen keys) is called
at each multiple of ``TICK`` of the exchange's time, before the first command at or after it. In a pause
they come one by one for ``BUSY`` after the last command; of what is left of a longer pause only the
last one is announced, so that a gap of days costs nothing. Periods up to ``BUSY`` therefore do the same
work whether the pause was lived through or skipped, and a replay repeats what was pushed. No command
happens before a tick that was announced, even when the market source hands it over late.

**Timers.** What happens on the exchange by time alone (funding settles, a mark waits for its second) has its time
on the same line as the source's commands: at ``Exchange.next_timer()`` the runner brings AdvanceTime, before
whatever else is due then. At full speed time is where the source is, so its end is the end of the timers too.

**The timeline** holds what is under way (see ``timeline.py``). It is played in one order of time with the source and
the timers; at equal times ticks come first, then timers, then the market, then what was under way: an order meets the
book as it is when it arrives. Where time stands, it waits until time is moved. At full speed it is played between the
source's frames, and when the source has ended time jumps from one entry to the next, so nobody waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from simulator.core.commands import AdvanceTime, Command
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
from simulator.runtime.clock import Clock
from simulator.runtime.timeline import NEVER, Call, Timeline

Subscriber: TypeAlias = Callable[[Nanos, Sequence[Event]], None]
Journal: TypeAlias = Callable[[Nanos, Command], None]
Tick: TypeAlias = Callable[[Nanos], None]

TICK: Final[Nanos] = 100 * NANOS_PER_MILLI
BUSY: Final[Nanos] = NANOS_PER_SECOND
LATE: Final[Nanos] = 2 * NANOS_PER_SECOND

_LONGEST_SLEEP: Final = 0.05
_SHORTEST_SLEEP: Final = 0.0005
_MOST_AT_ONCE: Final = 50
"""Steps of the source in one turn of the event loop: about 5 ms of depth frames, which others wait for."""


class Source(Protocol):
    """The outside market, as commands in the order of their times."""

    def due(self) -> Nanos | None:
        """When the next commands are due; None: there are no more, or none yet (who gets one calls ``catch_up``)."""
        ...

    def take(self) -> Sequence[Command]:
        """The next commands."""
        ...


def _no_journal(now: Nanos, command: Command) -> None:
    """Nothing is written down."""


class Runner:
    """One exchange, its clock, its market source, what is under way, and everybody who listens.

    ``moment`` is the time of what happened last: of the command, tick or arrival that is being told right now.
    ``fell_behind`` is called with the time that the market has come to and the time that it is, when the machine is too
    slow for the market's pace: else the way to catch up would grow with every command.
    """

    def __init__(self, exchange: Exchange, clock: Clock, journal: Journal = _no_journal) -> None:
        self.exchange = exchange
        self.clock = clock
        self.journal = journal
        self.subscribers: list[Subscriber] = []
        self.ticks: list[Tick] = []
        self.source: Source | None = None
        self.timeline = Timeline()
        self.moment: Nanos = 0
        self.fell_behind: Callable[[Nanos, Nanos], None] | None = None
        self._next_tick: Nanos = 0
        self._playing: Nanos | None = None
        self._sleep: tuple[Nanos, asyncio.Future[None]] | None = None

    def now(self) -> Nanos:
        """The exchange's time; while something on the timeline happens, that is when it was due."""
        return self._not_before(self.clock.now()) if self._playing is None else self._playing

    def _not_before(self, time: Nanos) -> Nanos:
        return max(time, self.exchange.state.now, self._next_tick - TICK)

    def do(self, command: Command) -> list[Event]:
        """Let a command happen now, after everything that was due before it."""
        return self.act(self.catch_up(), command)

    def catch_up(self) -> Nanos:
        """Play and announce what is due by now; returns now."""
        if self._playing is not None:
            return self._playing
        now = self.now()
        self.play(now)
        self._let_timers_run(now)
        if now >= self._next_tick:
            self._announce(now)
        while self.timeline.due <= now:
            # What timers and ticks sent on its way has arrived already.
            self.play(now)
        self.moment = now = self._not_before(now)
        return now

    def play(self, until: Nanos, most: int | None = None) -> int:
        """Play source and timeline up to a time, at most so many of their steps; returns how many."""
        source, timeline, played = self.source, self.timeline, 0
        while most is None or played < most:
            due = None if source is None else source.due()
            waiting = timeline.due
            if waiting < (NEVER if due is None else due):
                if waiting > until:
                    break
                self._arrive(waiting)
            elif due is None or due > until:
                break
            else:
                assert source is not None
                self._take(source, due)
            played += 1
        return played

    def _take(self, source: Source, due: Nanos) -> None:
        """One step of the source."""
        self._let_timers_run(due)
        now = self._not_before(due)
        for command in source.take():
            self.act(now, command)
        self.clock.reached(now)

    def step(self) -> Nanos | None:
        """Play up to and with the source's next step and what came at the same moment; None: there is no more."""
        due = None if self.source is None else self.source.due()
        if due is None:
            return None
        self.clock.reached(due)
        self.catch_up()
        return due

    def later(self, due: Nanos, call: Call) -> None:
        """Let something happen at a time, before which nothing that is due then is known."""
        self.timeline.add(due, call)
        if self._sleep is not None and due < self._sleep[0]:
            self.wake()

    def let_arrive(self) -> Nanos:
        """What is under way arrives now, whenever it was due; returns now."""
        now = self.catch_up()
        self._playing = now
        try:
            while len(self.timeline):
                self.timeline.take()[1](now)
        finally:
            self._playing = None
        return now

    def go_on_from(self, time: Nanos) -> None:
        """The exchange is another one at this time, and all that was due by then has happened in it."""
        self._next_tick = time - time % TICK + TICK
        self.moment = time
        self.wake()

    def _arrive(self, due: Nanos) -> None:
        """What is first on the timeline happens."""
        self._let_timers_run(due)
        if due >= self._next_tick:
            self._announce(due)
        due, call = self.timeline.take()  # a tick may have sent something that arrives before
        now = self._not_before(due)
        self.clock.reached(now)
        self._playing = self.moment = now
        try:
            call(now)
        finally:
            self._playing = None

    def _let_timers_run(self, until: Nanos) -> None:
        """What happens by time alone up to then. A timer always lies behind the time of the last command."""
        while (timer := self.exchange.next_timer()) is not None and timer <= until:
            self.act(self._not_before(timer), AdvanceTime())

    def act(self, now: Nanos, command: Command) -> list[Event]:
        """Let a command happen at a time that ``catch_up`` gave, if nothing came between."""
        if now >= self._next_tick:
            self._announce(now)
        self.moment = now
        try:
            self.journal(now, command)
            events = self.exchange.handle(now, command)
            for subscriber in self.subscribers:
                subscriber(now, events)
        except Exception as error:
            error.add_note(f"at {now}, while {command} was handled")
            raise
        return events

    def _announce(self, now: Nanos) -> None:
        """The ticks up to now; when the exchange has no time yet, it begins now and there are none."""
        last = now - now % TICK
        busy_until = self.exchange.state.now + BUSY
        tick = self._next_tick or last + TICK
        while tick <= last:
            if tick > busy_until:
                tick = last
            # A tick may ask for the time, and it is this one.
            self._next_tick = tick + TICK
            self.moment = tick
            for listener in self.ticks:
                listener(tick)
            tick += TICK
        self._next_tick = tick

    async def run(self) -> None:
        """Keep playing what falls due, and keep the beat; until cancelled.

        Without a source, or after its end, the market stands still and customers go on trading. Where the clock
        is flat out nothing waits for it; other work gets its turn between chunks.
        """
        while True:
            wake = self._turn()
            if wake is None:
                await asyncio.sleep(0)
            else:
                await self._sleep_until(wake)

    def wake(self) -> None:
        """The clock was changed: look again at what is due."""
        if self._sleep is not None and not self._sleep[1].done():
            self._sleep[1].set_result(None)

    async def _sleep_until(self, wake: Nanos) -> None:
        loop = asyncio.get_running_loop()
        seconds = min(max(self.clock.seconds_until(wake), _SHORTEST_SLEEP), _LONGEST_SLEEP)
        self._sleep = wake, loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await self._sleep[1]
        finally:
            timer.cancel()
            self._sleep = None

    def _turn(self) -> Nanos | None:
        """Do a chunk of what is due; returns when there is something to do next, None: at once."""
        flat_out, now = self.clock.flat_out, self.now()
        due = self._next_due()
        if due < NEVER and (flat_out or due <= now):
            self.play(NEVER if flat_out else now, _MOST_AT_ONCE)
            if not flat_out:
                self._put_off(now)
            return None
        if not flat_out:
            self._let_timers_run(now)
        if now >= self._next_tick:
            self._announce(now)
        return min(self._next_due(), self._next_tick)

    def _put_off(self, now: Nanos) -> None:
        """What is too late after a chunk was played."""
        due = None if self.source is None else self.source.due()
        if due is not None and now - due > LATE and self.fell_behind is not None:
            self.fell_behind(due, now)

    def _next_due(self) -> Nanos:
        """When the source or the timeline has something next."""
        due = None if self.source is None else self.source.due()
        return self.timeline.due if due is None else min(due, self.timeline.due)
