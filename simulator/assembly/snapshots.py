"""Snapshots of one exchange by their names: taken, restored, and the way back to its start.

**What a snapshot holds** is what clients see and what decides what they will see: accounts and money, orders, books
and mirrors, stops and positions; histories, candles, explanations; API keys and listen keys; the bracket's other
worlds; rate limits; how many numbers chance has given; the place in the recording and what is known of its books; the
time, its speed and whether it stands. **Not** open connections, what is under way on them, settings, the state folder,
or the list of snapshots. What is under way when something is restored arrives just before: every client that waits is
answered, by the exchange that it asked.

**Time** goes back where time is the exchange's own: with a recording's clock, and where it stands in the snapshot. With
a clock that runs beside the wall's it does not (clients sign with theirs): the exchange is what it was, and it is now;
the market goes on from the same recorded moment, nothing happens in between but what time alone brings (a funding that
fell due). A live market cannot be taken back at all: its mirrors are stale until its next whole books.

**Faults** end before something is restored, whatever time they had left; a reset begins those of the settings anew.
What one did to a market (maintenance, paused matching) is in the snapshots that were taken meanwhile.

**Connections** stay. Public ones are told everything anew, as if they had just subscribed. A private one goes on if its
listen key is there, else it is closed as when its key runs out.

**A state folder** keeps a journal of all that happened, which a restore would make untrue: there only snapshots and
forks are possible, no way back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simulator.assembly.replaying import Replay
from simulator.core.matching.book import OrderBook
from simulator.core.units import Nanos
from simulator.feeds.live import Live
from simulator.runtime import snapshot
from simulator.runtime.bracket import Bracket
from simulator.runtime.runner import Runner
from simulator.runtime.snapshot import Snapshot
from simulator.runtime.steering import CannotSteer, Steering
from simulator.venues.hashkey.desk import Desk
from simulator.venues.hashkey.signing import ApiKey

KEPT: Final = "what happened is kept in the state folder, and this would undo it: serve without --state, or fork"
_IMMUTABLE: Final = frozenset({ApiKey})


def roots_of(desk: Desk) -> dict[str, object]:
    """What the venue's endpoints see of an exchange, beside its state."""
    return {
        "desk": desk,
        "ids": desk.ids,
        "tapes": desk.tapes,
        "history": desk.history,
        "perpetuals": desk.perpetuals,
        "keys": desk.keys,
        "listen keys": desk.listen_keys,
    }


class CannotRestore(CannotSteer):
    """There is no way back: one line that says why."""


class Snapshots:
    """Of one exchange. ``roots`` are all that it consists of; who adds one does so before ``begin``.

    ``leaving`` are called before something is restored. ``renewed`` are called with the time after that: they hold
    parts of what was there before. ``started`` are called after a reset, for what begins with the exchange.
    ``kept``: the exchange has a journal.
    """

    def __init__(self, runner: Runner, steering: Steering, roots: dict[str, object], *, kept: bool) -> None:
        self.roots = roots | {"steering": steering}
        if isinstance(runner.source, Replay):
            self.roots["market"] = runner.source
        self.leaving: list[Callable[[], object]] = []
        self.renewed: list[Callable[[Nanos], None]] = []
        self.started: list[Callable[[], object]] = []
        self.named: dict[str, Snapshot] = {}
        self._runner = runner
        self._steering = steering
        self._kept = kept
        self._start: Snapshot | None = None
        if not kept:
            steering.start_over = self.reset

    def begin(self) -> None:
        """Here is the start that ``reset`` goes back to."""
        if not self._kept:
            self._start = self.take()

    def take(self) -> Snapshot:
        """The exchange as it is now."""
        return snapshot.take(self._runner.catch_up(), self.roots, _IMMUTABLE)

    def reset(self) -> None:
        """Back to the start; CannotRestore."""
        if self._start is None:
            raise CannotRestore(KEPT)
        self.restore(self._start)
        for start in self.started:
            start()

    def restore(self, past: Snapshot) -> None:
        """Be what it was; CannotRestore."""
        if self._kept:
            raise CannotRestore(KEPT)
        for leave in self.leaving:
            leave()
        now, before = self._runner.let_arrive(), self._books()
        snapshot.restore(past, self.roots)
        for book in before:
            book.let_go()
        goes_back = self._steering.recorded or self._steering.clock.paused
        self._go_on(past, past.time if goes_back else max(now, past.time))

    def begin_as(self, other: Snapshot) -> None:
        """In a new exchange: be what another one was, at the same moment."""
        snapshot.restore(other, self.roots)
        self._go_on(other, other.time)

    def end(self) -> None:
        """The exchange is not used any more, and its memory is wanted back."""
        for book in self._books():
            book.let_go()

    def _books(self) -> list[OrderBook]:
        """Of all its worlds."""
        states, bracket = [self._runner.exchange.state], self.roots.get("bracket")
        if isinstance(bracket, Bracket):
            states += [shadow.state for shadow in bracket.shadows]
        return [market.book for state in states for market in state.markets.values()]

    def _go_on(self, past: Snapshot, now: Nanos) -> None:
        clock, source = self._steering.clock, self._runner.source
        clock.go_to(now, clock.speed, paused=clock.paused)
        self._runner.go_on_from(now)
        if isinstance(source, Replay):
            source.go_on(now - past.time)
        elif isinstance(source, Live):
            source.go_on()
        for renew in self.renewed:
            renew(now)
