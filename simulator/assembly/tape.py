"""A recorder at a feed: frames into the recording, the venue's own replies into its header, a flush every second.

``record`` is what a mirror hands its frames to. The header needs the venue's exchangeInfo and clock before there
is a file; both are asked for here, and the replies are among the recording's first messages.

**The clock's offset** is the venue's time less ours at the middle of the question's round trip. Of a few
questions the quickest counts: it can be wrong by half its round trip at most, plus the venue's whole milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from simulator import __version__
from simulator.config import Settings
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
from simulator.feeds.client import Direction as Way
from simulator.feeds.client import Received
from simulator.feeds.rest import Rest, Unreachable
from simulator.replay.format import Direction, Header
from simulator.replay.recorder import FLUSH_NS, Recorder, Rotation
from simulator.venues.hashkey.exchange_info import Catalogue, of_symbols
from simulator.venues.hashkey.feed import TIME_PATH
from simulator.venues.hashkey.subscribing import EXCHANGE_INFO_PATH

log = logging.getLogger(__name__)

CLOCK_QUESTIONS: Final = 3
_FLUSH_S: Final = FLUSH_NS / NANOS_PER_SECOND
_MEGABYTE: Final = 1_000_000
_MINUTE: Final[Nanos] = 60 * NANOS_PER_SECOND
_DIRECTIONS: Final = {Way.IN: Direction.IN, Way.OUT: Direction.OUT}


class Ended(Exception):
    """The recording cannot go on, in one line."""


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's name


class Tape:
    """A recorder, and what it asks of the venue by itself. CannotRecord when there can be none at ``out``."""

    def __init__(self, settings: Settings, out: Path, symbols: Sequence[str], rest: Rest) -> None:
        told, upstream = settings.recording, settings.upstream
        header = Header(
            venue="hashkey",
            symbols=tuple(symbols),
            origin=f"recorded from {upstream.upstream_rest} and {upstream.upstream_ws}",
            licence="the venue's own terms",
            created_by=f"hashkey-sim {__version__}",
        )
        self.recorder = Recorder(out, header, Rotation(told.rotate_mb * _MEGABYTE, told.rotate_minutes * _MINUTE))
        self.clock_offset_ns: Nanos = 0
        self._rest = rest

    def record(self, connection: str, data: bytes, direction: Way, ts: Nanos) -> None:
        """A frame, before anybody reads it."""
        self.recorder.record(connection, data, _DIRECTIONS[direction], ts)

    def begin(self, catalogue: Catalogue) -> None:
        """The header is known: the catalogue's rows of the recorded symbols."""
        rows = [dict(catalogue.rows[symbol]) for symbol in self.recorder.symbols if symbol in catalogue.rows]
        self.recorder.begin(of_symbols(catalogue.envelope(0, rows), self.recorder.symbols), self.clock_offset_ns)

    async def open(self) -> bytes:
        """Measure the venue's clock and return its exchangeInfo; Unreachable, or ValueError for a time that is none."""
        best: Nanos | None = None
        for _ in range(CLOCK_QUESTIONS):
            asked = time.time_ns()
            reply = await self._ask(TIME_PATH)
            told = msgspec.json.decode(reply.data, type=_Time).serverTime * NANOS_PER_MILLI
            if best is None or reply.ts - asked < best:
                best = reply.ts - asked
                self.clock_offset_ns = told - (asked + reply.ts) // 2
        return (await self._ask(EXCHANGE_INFO_PATH)).data

    async def keep_flushed(self) -> NoReturn:
        """Flush every second; Ended when nothing can be written any more."""
        while not self.recorder.failure:
            await asyncio.sleep(_FLUSH_S)
            self.recorder.flush()
        raise Ended(self.recorder.failure)

    async def beside(self, catalogue: Catalogue) -> NoReturn:
        """Record beside an exchange, which goes on whatever becomes of the recording."""
        try:
            await self.open()
        except (Unreachable, ValueError) as error:
            log.warning("the recording begins without the venue's clock: %s", error)
        self.begin(catalogue)
        with suppress(Ended):  # the recorder has said so
            await self.keep_flushed()
        while True:
            await asyncio.Event().wait()

    async def _ask(self, path: str) -> Received:
        reply = await self._rest.get(path)
        self.record(reply.connection, reply.data, reply.direction, reply.ts)
        return reply
