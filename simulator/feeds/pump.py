"""Frames → parser → sync → commands, as a source that the runner plays: the whole loop on one page.

Where the frames come from, a recording or a live socket, makes no difference here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from simulator.core.commands import Command
from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.feeds.sync import Quotes, Sync
from simulator.venues.hashkey.feed import BadFrame, DepthMessage, TradeMessage, parse

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


class Pace:
    """Stretches played time around a start: at speed 2 everything is due in half the time."""

    def __init__(self, start: Nanos, speed: Fraction) -> None:
        self._start = start
        self._speed = speed

    def __call__(self, ts: Nanos) -> Nanos:
        """When something played at ``ts`` is due."""
        if self._speed == 1:
            return ts
        return self._start + (ts - self._start) * self._speed.denominator // self._speed.numerator


class Pump:
    """A source of commands made from played frames."""

    def __init__(
        self, frames: Iterator[Played], instruments: Mapping[str, Instrument], pace: Callable[[Nanos], Nanos]
    ) -> None:
        self._frames = frames
        self._syncs = {symbol: Sync(instrument) for symbol, instrument in instruments.items()}
        self._quotes = Quotes(instruments)
        self._pace = pace
        self._lap = 0
        self.bad_frames = 0
        self._next = next(frames, None)

    def due(self) -> Nanos | None:
        """When the next frame is due."""
        return None if self._next is None else self._pace(self._next.ts)

    def take(self) -> Sequence[Command]:
        """The commands of the next frame; a frame that cannot be read is logged, counted and left out."""
        played = self._next
        assert played is not None
        self._next = next(self._frames, None)
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
        def venue_time(ms: Millis) -> Nanos:
            return self._pace(ms * NANOS_PER_MILLI + played.offset)

        commands: list[Command] = []
        for message in parse(played.frame.connection, played.frame.data):
            if isinstance(message, DepthMessage | TradeMessage):
                sync = self._syncs.get(message.symbol)
                if sync is not None:
                    commands += sync.commands(message, venue_time)
            else:
                commands += self._quotes.commands(message, venue_time)
        return commands
