"""Frames and connections under faults: events left out, doubled, late, out of order; sockets closed and cut.

While a fault strikes frames, every connection's ``way`` (see outbox.py) is a ``FaultyWay`` around the one it had.
What waits there lies on the timeline. A delayed event holds up its own stream, the events of its name on its
connection, so that others overtake it; a reordered one holds up nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.runtime.faults.fault import Fault, Met
from simulator.runtime.faults.faults import Faults
from simulator.runtime.faults.kinds import Where
from simulator.runtime.latency import Leg
from simulator.runtime.runner import Runner
from simulator.server.delivery import MOST_UNDER_WAY, Line
from simulator.server.outbox import Outbox
from simulator.venues.hashkey.sent import BOOKS, event_of
from simulator.venues.hashkey.skim import About
from simulator.venues.hashkey.sockets import Frame

_LOST: Final = ("drop_events",)
_FROZEN: Final = ("drop_events", "freeze_depth")


class Connected(Protocol):
    """A connection, as faults need it."""

    outbox: Outbox
    line: Line

    def close(self, code: int) -> object:
        """With a close frame."""
        ...


def met(line: Line, about: About | None = None) -> Met:
    """A connection, or one event on it, as faults see it."""
    side = "private" if line.leg is Leg.PRIVATE else "public"
    if about is None:
        return Met(line.account or "", streams=(side,))
    return Met(line.account or "", (about.symbol,), streams=(side, about.topic))


class FaultyWay:
    """One connection's frames under faults: a Way."""

    def __init__(self, faults: Faults, runner: Runner, outbox: Outbox, line: Line) -> None:
        self.inner = outbox.way
        self._faults = faults
        self._runner = runner
        self._outbox = outbox
        self._line = line
        self._waiting = 0
        self._last: dict[str, Nanos] = {}
        self._gaps: dict[About, int] = {}

    def send(self, frame: Frame) -> None:
        """On, now or later, once or more often, or not at all."""
        if not (self._faults.active(Where.FRAME) or self._waiting or self._gaps):
            self._outbox.way = self.inner  # what it was laid for is over
            self._on(frame)
            return
        about = event_of(frame, private=self._line.leg is Leg.PRIVATE)
        met_ = met(self._line, about)
        if self._strike(met_, "silence") is not None:
            return
        if about is None:
            self._on(frame)
        elif not self._lost(about, met_):
            doubled = self._strike(met_, "duplicate_events")
            for _ in range(1 if doubled is None else 1 + doubled.whole("copies")):
                self._late(frame, about, met_)

    def mute(self) -> bool:
        """Whether a pong is lost now."""
        return self._strike(met(self._line), "silence") is not None

    def _lost(self, about: About, met_: Met) -> bool:
        is_book = about.topic in BOOKS
        missing = self._gaps.pop(about, 0)
        if missing:
            if missing > 1:
                self._gaps[about] = missing - 1
            return True
        if self._strike(met_, *(_FROZEN if is_book else _LOST)) is not None:
            return True
        gap = self._strike(met_, "sequence_gap") if is_book else None
        if gap is not None and gap.whole("frames") > 1:
            self._gaps[about] = gap.whole("frames") - 1
        return gap is not None

    def _late(self, frame: Frame, about: About, met_: Met) -> None:
        """Its stream's order is kept, but for what is to be out of order."""
        moment = self._runner.moment
        shuffled = self._strike(met_, "reorder_events")
        if shuffled is not None:
            self._on_at(
                moment + round(shuffled.drawn(shuffled.matched) * shuffled.whole("ms")) * NANOS_PER_MILLI, frame
            )
            return
        acts = ("delay_events", "late_events") if self._line.leg is Leg.PRIVATE else ("delay_events",)
        delay = self._strike(met_, *acts)
        due = max(
            self._last.get(about.topic, 0), moment + (0 if delay is None else delay.whole("ms") * NANOS_PER_MILLI)
        )
        if due > moment:
            self._last[about.topic] = due
        self._on_at(due, frame)

    def _on_at(self, due: Nanos, frame: Frame) -> None:
        if due <= self._runner.moment:
            self._on(frame)
        elif self._waiting >= MOST_UNDER_WAY:
            self._outbox.abort(f"{MOST_UNDER_WAY} frames are on their way to it")
        else:
            self._waiting += 1
            self._runner.later(due, lambda _: self._arrive(frame))

    def _arrive(self, frame: Frame) -> None:
        self._waiting -= 1
        self._on(frame)

    def _on(self, frame: Frame) -> None:
        if self.inner is None:
            self._outbox.put(frame)
        else:
            self.inner.send(frame)

    def _strike(self, met_: Met, *acts: str) -> Fault | None:
        return self._faults.strike(Where.FRAME, met_, *acts)

    def __len__(self) -> int:
        return self._waiting + (0 if self.inner is None else len(self.inner))


class FaultyStreams:
    """Puts the faulty ways where they have to be, and ends connections. ``open`` says which ones there are."""

    def __init__(self, faults: Faults, runner: Runner, connections: Callable[[], Iterable[Connected]]) -> None:
        self._faults = faults
        self._runner = runner
        self._connections = connections

    def changed(self, fault: Fault) -> None:
        """A fault begins or ends."""
        where = fault.kind.where
        if where is Where.FRAME and fault.active:
            for one in self._connections():
                self._lay(one)
        elif where is Where.CONNECTION and fault.active:
            for one in list(self._connections()):
                self._end(one)
            if fault.times is None and fault.ends is None:
                self._faults.end(fault)

    def connected(self, one: Connected) -> None:
        """There is a new connection."""
        if self._faults.active(Where.FRAME):
            self._lay(one)
        self._end(one)

    def _lay(self, one: Connected) -> None:
        """The way that a connection needs now; it takes itself away."""
        if not isinstance(one.outbox.way, FaultyWay):
            one.outbox.way = FaultyWay(self._faults, self._runner, one.outbox, one.line)

    def _end(self, one: Connected) -> None:
        fault = self._faults.strike(Where.CONNECTION, met(one.line), "close_socket", "cut_socket")
        if fault is None:
            return
        if fault.told.kind == "cut_socket":
            one.outbox.abort("a fault cuts it")
        else:
            one.close(fault.whole("code"))


def is_mute(outbox: Outbox) -> bool:
    """Whether a connection's pongs are lost."""
    return isinstance(outbox.way, FaultyWay) and outbox.way.mute()
