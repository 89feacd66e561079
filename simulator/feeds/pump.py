"""Frames → parser → sync → commands, as a source that the runner plays: the whole loop on one page.

Where the frames come from, a recording or a live socket, makes no difference here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from simulator.core.commands import Command, InvalidateDepth, ReplaceDepth
from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.feeds.jump import Known
from simulator.feeds.sync import Quotes, Sync
from simulator.venues.hashkey.feed import BadFrame, DepthMessage, Message, TradeMessage, parse

log = logging.getLogger(__name__)


class Frame(Protocol):
    """Raw bytes and the connection that they came from."""

    @property
    def connection(self) -> str:
        """Such as ``/quote/ws/v2``."""
        ...

    @property
    def data(self) -> bytes:
        """As they came."""
        ...


class Played(Protocol):
    """A frame at its time. ``offset`` turns the venue's time into the exchange's; ``lap`` counts loops."""

    @property
    def ts(self) -> Nanos:
        """When it arrives, in the exchange's time."""
        ...

    @property
    def offset(self) -> Nanos:
        """Exchange time less venue time."""
        ...

    @property
    def lap(self) -> int:
        """Which pass over the recording."""
        ...

    @property
    def frame(self) -> Frame:
        """The frame."""
        ...


class Stretch(NamedTuple):
    """From here on played time runs at a speed: what is played at ``played`` is due at ``due``."""

    played: Nanos
    due: Nanos
    speed: Fraction

    def forth(self, ts: Nanos) -> Nanos:
        """When something played at ``ts`` is due."""
        return self.due + (ts - self.played) * self.speed.denominator // self.speed.numerator

    def moved(self, later: Nanos) -> Stretch:
        """The same, so much later."""
        return self._replace(played=self.played + later, due=self.due + later)

    def back(self, time: Nanos) -> Nanos:
        """What is due then."""
        return self.played + (time - self.due) * self.speed.numerator // self.speed.denominator


class Pace:
    """Stretches played time around a start: at speed 2 everything is due in half the time.

    After a change of speed, what is told with an older time keeps the place that it had before.
    """

    def __init__(self, start: Nanos, speed: Fraction) -> None:
        self.restart(start, speed)

    def restart(self, start: Nanos, speed: Fraction) -> None:
        """Played time and the exchange's meet here."""
        self._now = self._before = Stretch(start, start, speed)

    def change(self, now: Nanos, speed: Fraction) -> None:
        """Another speed from now on."""
        self._before, self._now = self._now, Stretch(self._now.back(now), now, speed)

    def become(self, other: Pace, later: Nanos) -> None:
        """What another one was, so much later."""
        self._now = other._now.moved(later)
        self._before = self._now if other._before is other._now else other._before.moved(later)

    def put_off(self, due: Nanos, now: Nanos) -> None:
        """What was due then is due now, and the rest as much later."""
        self._before, self._now = self._now, Stretch(self._now.back(due), now, self._now.speed)

    @property
    def speed(self) -> Fraction:
        """How fast it is now."""
        return self._now.speed

    def __call__(self, ts: Nanos) -> Nanos:
        """When something played at ``ts`` is due."""
        now = self._now
        if now.speed == 1 and now.played == now.due and now is self._before:
            return ts
        return (now if ts >= now.played else self._before).forth(ts)

    def back(self, time: Nanos) -> Nanos:
        """What is played then."""
        return self._now.back(time)


class Remembered(NamedTuple):
    """What a pump knows of the frames that it has played."""

    syncs: dict[str, Sync]
    lap: int
    offset: Nanos | None
    bad_frames: int


class Pump:
    """A source of commands made from played frames. ``offset``: of the frame played last, see Played."""

    def __init__(
        self, frames: Iterator[Played], instruments: Mapping[str, Instrument], pace: Callable[[Nanos], Nanos]
    ) -> None:
        self._syncs = {symbol: Sync(instrument) for symbol, instrument in instruments.items()}
        self._quotes = Quotes(instruments)
        self._pace = pace
        self.bad_frames = 0
        self._begin(frames)

    def _begin(self, frames: Iterator[Played]) -> None:
        self._frames = frames
        self._lap = 0
        self._next = next(frames, None)
        self.offset: Nanos | None = None if self._next is None else self._next.offset

    def tell_whole(self, symbol: str) -> None:
        """Somebody else told this symbol's book: the next one is told whole, not as what changed."""
        self._syncs[symbol].restart()

    def due(self) -> Nanos | None:
        """When the next frame is due."""
        return None if self._next is None else self._pace(self._next.ts)

    def take(self) -> Sequence[Command]:
        """The commands of the next frame; a frame that cannot be read is logged, counted and left out."""
        played = self._next
        assert played is not None
        self._next = next(self._frames, None)
        self.offset = played.offset
        if played.lap != self._lap:
            self._lap = played.lap
            for sync in self._syncs.values():
                sync.restart()
        try:
            return self._commands(played)
        except BadFrame as error:
            self.bad_frames += 1
            log.warning("a frame of the market data was left out: %s", error)
            return []

    def _commands(self, played: Played) -> list[Command]:
        commands: list[Command] = []
        for message in parse(played.frame.connection, played.frame.data):
            commands += self._commands_of(message, played.offset)
        return commands

    def _commands_of(self, message: Message, offset: Nanos) -> list[Command]:
        def venue_time(ms: Millis) -> Nanos:
            return self._pace(ms * NANOS_PER_MILLI + offset)

        if isinstance(message, DepthMessage | TradeMessage):
            sync = self._syncs.get(message.symbol)
            return [] if sync is None else sync.commands(message, venue_time)
        return self._quotes.commands(message, venue_time)

    @property
    def ended(self) -> bool:
        """Whether there are no more frames."""
        return self._next is None

    def remembered(self) -> Remembered:
        """For snapshots: what it knows beside the frames that are still to come."""
        return Remembered(self._syncs, self._lap, self.offset, self.bad_frames)

    def go_on(self, remembered: Remembered, frames: Iterator[Played], later: Nanos) -> None:
        """Be as one was that remembered this, but so much later; ``frames`` are those that it had not played."""
        self._begin(frames)
        self._syncs, self._lap, offset, self.bad_frames = remembered
        self.offset = None if offset is None else offset + later

    def jump(self, known: Known, offset: Nanos, frames: Iterator[Played]) -> list[Command]:
        """Go on with other frames; what tells the exchange of the moment before them (see jump.py)."""
        self._begin(frames)
        self.offset = offset
        commands: list[Command] = [InvalidateDepth(symbol) for symbol in self._syncs]
        for sync in self._syncs.values():
            sync.restart()
        for message in known.messages():
            try:
                commands += self._commands_of(message, offset)
            except BadFrame as error:
                self.bad_frames += 1
                log.warning("a message of the market data was left out: %s", error)
        shown = {command.symbol for command in commands if isinstance(command, ReplaceDepth)}
        return commands + [ReplaceDepth(symbol, 0, (), ()) for symbol in self._syncs if symbol not in shown]
