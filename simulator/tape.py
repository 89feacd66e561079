"""A recorder at a feed: frames into the recording, the venue's own replies into its header, a flush every second.

``record`` is what a mirror hands its frames to. The header needs the venue's clock and exchangeInfo before
there is a file; both are asked for here, and the replies are the recording's first messages.

**The clock's offset** is the venue's time less ours at the middle of the question's round trip. Of a few
questions the quickest counts: it can be wrong by half its round trip at most, plus the venue's milliseconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from simulator import __version__
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
from simulator.feeds.client import Direction as Way
from simulator.feeds.client import Received
from simulator.feeds.rest import Rest
from simulator.replay.format import Direction, Header
from simulator.replay.recorder import FLUSH_NS, Recorder, Rotation
from simulator.venues.hashkey.exchange_info import of_symbols
from simulator.venues.hashkey.feed import TIME_PATH

CLOCK_QUESTIONS: Final = 3
_FLUSH_S: Final = FLUSH_NS / NANOS_PER_SECOND
_DIRECTIONS: Final = {Way.IN: Direction.IN, Way.OUT: Direction.OUT}


class Ended(Exception):
    """The recording could not go on, in one line."""


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's name


class Tape:
    """A recorder and what it is told by a feed."""

    def __init__(self, out: Path, symbols: Sequence[str], origin: str, rotation: Rotation) -> None:
        header = Header(
            venue="hashkey",
            symbols=tuple(symbols),
            origin=f"recorded from {origin}",
            licence="the venue's own terms",
            created_by=f"hashkey-sim {__version__}",
        )
        self.recorder = Recorder(out, header, rotation)
        self.clock_offset_ns: Nanos = 0

    def record(self, connection: str, data: bytes, direction: Way, ts: Nanos) -> None:
        """A frame, before anybody reads it."""
        self.recorder.record(connection, data, _DIRECTIONS[direction], ts)

    def begin(self, info: dict[str, Any]) -> None:
        """The header is known: ``info`` is an exchangeInfo reply; its rows of other symbols are left out."""
        self.recorder.begin(of_symbols(info, self.recorder.symbols), self.clock_offset_ns)

    async def measure(self, rest: Rest) -> None:
        """Ask for the venue's time; ValueError when the answer is none, Unreachable when there is no answer."""
        best: Nanos | None = None
        for _ in range(CLOCK_QUESTIONS):
            asked = time.time_ns()
            reply = await rest.get(TIME_PATH)
            told = msgspec.json.decode(reply.data, type=_Time).serverTime * NANOS_PER_MILLI
            if best is None or reply.ts - asked < best:
                best = reply.ts - asked
                self.clock_offset_ns = told - (asked + reply.ts) // 2

    async def keep_flushed(self) -> NoReturn:
        """Flush every second; Ended when nothing can be written any more."""
        while True:
            await asyncio.sleep(_FLUSH_S)
            self.recorder.flush()
            if self.recorder.failure:
                raise Ended(self.recorder.failure)


class RecordedRest(Rest):
    """Replies go into the recording before they are read."""

    def __init__(self, base: str, tape: Tape) -> None:
        super().__init__(base)
        self._tape = tape

    async def get(self, path: str) -> Received:
        """See ``Rest``."""
        reply = await super().get(path)
        self._tape.record(reply.connection, reply.data, reply.direction, reply.ts)
        return reply
