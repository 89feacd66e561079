"""Exchanges that run on beside the one that they were one with, each on a port of its own.

A fork begins as a snapshot says, at the same instant, and from then on the two share nothing: not the market source,
not the clock, not the journal. Clients of the first one stay there. Who serves says how a fork is served (``serve``);
it ends when it is told to, or with the first one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, TypeAlias

from simulator.ready import Ready
from simulator.runtime.snapshot import Snapshot

log = logging.getLogger(__name__)


class Plan(NamedTuple):
    """A fork to be: from where, by which other models (as the settings spell them), on which port (0: a free one)."""

    start: Snapshot
    queue: tuple[str, ...] = ()
    residual: tuple[str, ...] = ()
    port: int = 0


class Served(NamedTuple):
    """A fork that accepts connections. ``playing`` ends only when something is wrong."""

    ready: Ready
    port: int
    playing: asyncio.Task[None]


Serve: TypeAlias = Callable[[Plan], AbstractAsyncContextManager[Served]]


class Fork:
    """One of them, from its beginning to its end. ``served``: once it is, or what kept it from that."""

    def __init__(self, serve: Serve, plan: Plan) -> None:
        self._serve = serve
        self._plan = plan
        self._stop = asyncio.Event()
        self.served: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        """In a task of its own, because it outlives the request that asked for it."""
        try:
            async with self._serve(self._plan) as served:
                self.served.set_result(served)
                stopping = asyncio.create_task(self._stop.wait())
                await asyncio.wait({stopping, served.playing}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
        except Exception as error:
            if self.served.done():
                log.exception("a fork has ended")
            else:
                self.served.set_exception(error)
                # Somebody has been told, if he is still there.
                self.served.exception()

    @property
    def there(self) -> Served | None:
        """What is served, while it is."""
        ready = self.served.done() and not self.served.cancelled() and self.served.exception() is None
        return self.served.result() if ready else None

    async def end(self) -> None:
        """Close it."""
        self._stop.set()
        await asyncio.wait([self.task])


class CannotFork(ValueError):
    """There can be no fork: one line that says why."""


class Forks:
    """All that are there, in the order of their beginnings. ``serve`` None: nobody serves yet."""

    def __init__(self) -> None:
        self.serve: Serve | None = None
        self._forks: dict[Fork, None] = {}

    async def begin(self, plan: Plan) -> Served:
        """One more; raises what keeps it from being served."""
        if self.serve is None:
            raise CannotFork("nobody serves this exchange, so nobody could reach a fork of it")
        fork = Fork(self.serve, plan)
        self._forks[fork] = None
        fork.task.add_done_callback(lambda _: self._forks.pop(fork))
        # Who asked may go away meanwhile: the fork is there all the same, and listed.
        return await asyncio.shield(fork.served)

    @property
    def served(self) -> list[Served]:
        """Those that accept connections."""
        return [fork.there for fork in self._forks if fork.there is not None]

    async def end(self, port: int) -> bool:
        """Whether there was one on this port; it is closed."""
        found = [fork for fork in self._forks if fork.there is not None and fork.there.port == port]
        for fork in found:
            await fork.end()
        return bool(found)

    async def end_all(self) -> None:
        """Close them all."""
        await asyncio.gather(*(fork.end() for fork in list(self._forks)))
