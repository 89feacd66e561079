"""The live mirror at work: its connections, kept or won back, and what is asked for over REST.

One connection per kind of socket, however many clients are served. Every frame goes to ``record`` first, before
anybody reads it, so that a bug of a reader costs no data; then to ``Live``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeAlias

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.feeds.backoff import Backoff
from simulator.feeds.client import Direction, Line, Lost, Received, Timing, listen
from simulator.feeds.live import Live
from simulator.feeds.rest import Rest, Unreachable
from simulator.feeds.together import together
from simulator.venues.hashkey.feed import TIME_PATH
from simulator.venues.hashkey.subscribing import depth_path, funding_path

log = logging.getLogger(__name__)

Record: TypeAlias = Callable[[str, bytes, Direction, Nanos], None]
"""Connection, raw bytes, direction, and when by the wall's clock (ns)."""

_WATCHES: Final = 20
"""How often in the silence that is allowed the doubts are looked at."""
_ASKING_S: Final = 0.5
"""HashKey errors and limits 5: two queries a second are allowed by the strictest page."""
_FUNDING_S: Final = 60.0


def _nowhere(connection: str, data: bytes, direction: Direction, ts: Nanos) -> None:
    """Nothing is recorded."""


class Mirror:
    """Keeps a ``Live`` market supplied. ``run`` never ends by itself."""

    def __init__(
        self,
        live: Live,
        lines: Sequence[Line],
        rest: Rest,
        timing: Timing,
        seed: int,
        record: Record = _nowhere,
    ) -> None:
        self._live = live
        self._lines = lines
        self._rest = rest
        self._timing = timing
        self._seed = seed
        self._record = record

    async def run(self) -> NoReturn:
        """Until cancelled; a bug is raised as it is."""
        await together(
            *(self._follow(line) for line in self._lines), self._watch(), self._ask_for_books(), self._ask_for_funding()
        )

    def hear(self, frame: Received) -> None:
        """A frame: kept first, then read."""
        self._record(frame.connection, frame.data, frame.direction, frame.ts)
        self._live.hear(frame)

    async def _follow(self, line: Line) -> NoReturn:
        """Connect, and again whenever it is lost."""
        backoff = Backoff(f"{self._seed} {line.connection}")
        opened_s: list[float] = []

        def opened() -> None:
            opened_s.append(time.monotonic())
            log.warning("%s is connected", line.url)
            self._live.opened(line.connection)

        level = logging.WARNING
        while True:
            opened_s.clear()
            try:
                await listen(line, self._timing, self.hear, opened)
            except Lost as lost:
                reason = str(lost)
            self._live.lost(line.connection, reason)
            if opened_s:
                level = logging.WARNING
                if time.monotonic() - opened_s[0] >= self._timing.silence_s:
                    backoff.worked()
            wait_s = backoff.wait_s()
            log.log(level, "%s: %s; trying again from now on", line.url, reason)
            level = logging.INFO
            await asyncio.sleep(wait_s)

    async def _watch(self) -> NoReturn:
        while True:
            self._live.watch()
            await asyncio.sleep(self._timing.silence_s / _WATCHES)

    async def _ask_for_books(self) -> NoReturn:
        """Ask for what the sockets do not tell, never more often than the venue allows."""
        while True:
            symbol = self._live.asks()
            if symbol is not None:
                await self._ask(depth_path(symbol))
            await asyncio.sleep(min(_ASKING_S, self._timing.silence_s / _WATCHES) if symbol is None else _ASKING_S)

    async def _ask_for_funding(self) -> NoReturn:
        """The venue's time comes first: without it the time of a settlement means nothing."""
        backoff = Backoff(f"{self._seed} funding", most_s=_FUNDING_S)
        while True:
            wait_s = backoff.wait_s()
            if await self._ask(TIME_PATH) and await self._ask(funding_path(time.time_ns() // NANOS_PER_MILLI)):
                backoff.worked()
                wait_s = _FUNDING_S
            await asyncio.sleep(wait_s)

    async def _ask(self, path: str) -> bool:
        try:
            reply = await self._rest.get(path)
        except Unreachable as error:
            self._live.left_out("unreachable", str(error))
            return False
        self.hear(reply)
        return True
