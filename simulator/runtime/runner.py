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

Subscriber: TypeAlias = Callable[[Nanos, Sequence[Event]], None]
Journal: TypeAlias = Callable[[Nanos, Command], None]
Tick: TypeAlias = Callable[[Nanos], None]

TICK: Final[Nanos] = 100 * NANOS_PER_MILLI
BUSY: Final[Nanos] = NANOS_PER_SECOND

_FOREVER: Final[Nanos] = 2**63
_LONGEST_SLEEP: Final = 0.05
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
    """One exchange, its clock, its market source and everybody who listens."""

    def __init__(self, exchange: Exchange, clock: Clock, journal: Journal = _no_journal) -> None:
        self.exchange = exchange
        self.clock = clock
        self.journal = journal
        self.subscribers: list[Subscriber] = []
        self.ticks: list[Tick] = []
        self.source: Source | None = None
        self._next_tick: Nanos = 0

    def now(self) -> Nanos:
        """The exchange's time."""
        return self._not_before(self.clock.now())

    def _not_before(self, time: Nanos) -> Nanos:
        return max(time, self.exchange.state.now, self._next_tick - TICK)

    def do(self, command: Command) -> list[Event]:
        """Let a command happen now, after everything that was due before it."""
        return self.act(self.catch_up(), command)

    def catch_up(self) -> Nanos:
        """Play and announce what is due by now; returns now."""
        now = self.now()
        self.play(now)
        self._let_timers_run(now)
        if now >= self._next_tick:
            self._announce(now)
        return self._not_before(now)

    def play(self, until: Nanos, most: int | None = None) -> int:
        """Play the source up to a time, at most so many of its steps; returns how many."""
        source, played = self.source, 0
        while source is not None and (most is None or played < most):
            due = source.due()
            if due is None or due > until:
                break
            self._let_timers_run(due)
            now = self._not_before(due)
            for command in source.take():
                self.act(now, command)
            self.clock.reached(now)
            played += 1
        return played

    def _let_timers_run(self, until: Nanos) -> None:
        """What happens by time alone up to then. A timer always lies behind the time of the last command."""
        while (timer := self.exchange.next_timer()) is not None and timer <= until:
            self.act(self._not_before(timer), AdvanceTime())

    def act(self, now: Nanos, command: Command) -> list[Event]:
        """Let a command happen at a time that ``catch_up`` gave, if nothing came between."""
        if now >= self._next_tick:
            self._announce(now)
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
            for listener in self.ticks:
                listener(tick)
            tick += TICK
        self._next_tick = tick

    async def run(self, *, flat_out: bool = False) -> None:
        """Keep playing the source as its commands fall due, and keep the beat; until cancelled.

        Without a source, or after its end, the market stands still and customers go on trading.
        ``flat_out`` plays without waiting for any clock; other work gets its turn between chunks.
        """
        while True:  # noqa: ASYNC110 - it waits for time, not for an event
            await asyncio.sleep(self._turn(flat_out=flat_out))

    def _turn(self, *, flat_out: bool) -> float:
        """Do a chunk of what is due; returns for how many seconds there is nothing to do."""
        now = self.now()
        due = None if self.source is None else self.source.due()
        if due is not None and (flat_out or due <= now):
            self.play(_FOREVER if flat_out else now, _MOST_AT_ONCE)
            return 0
        if not flat_out:
            self._let_timers_run(now)
        if now >= self._next_tick:
            self._announce(now)
        wake = self._next_tick if due is None else min(due, self._next_tick)
        return min((wake - now) / NANOS_PER_SECOND, _LONGEST_SLEEP)
