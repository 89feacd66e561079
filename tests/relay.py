"""A WebSocket relay between a venue and its mirror, in which things go wrong on command.

Real sockets on both sides, and no knowledge of the venue: it carries frames, and its faults are about frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Twist = Callable[[bytes], Iterable[bytes]]


def as_it_is(frame: bytes) -> Iterable[bytes]:
    return (frame,)


class Relay:
    """Between ``upstream`` (``ws://host:port``) and whoever connects to ``url``.

    ``twist`` makes of each frame of the venue what is passed on; ``delay_s`` holds each one back; ``freeze`` stops
    everything with all connections standing; ``cut`` ends all connections without a word; ``closed`` turns
    newcomers away.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[ServerConnection] = set()
        self._server: Server | None = None
        self.twist: Twist = as_it_is
        self.delay_s = 0.0
        self.closed = False
        self.heard: list[bytes] = []
        self.connections = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    def freeze(self) -> None:
        self._flowing.clear()

    def thaw(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        for connection in self._open:
            connection.transport.abort()

    async def _carry(self, client: ServerConnection) -> None:
        assert client.request is not None
        if self.closed:
            client.transport.abort()
            return
        self.connections += 1
        self._open.add(client)
        try:
            async with connect(
                self._upstream + client.request.path, ping_interval=None, close_timeout=0.1, proxy=None
            ) as venue:
                there = asyncio.create_task(self._ask(client, venue))
                back = asyncio.create_task(self._answer(venue, client))
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                for task in (there, back):
                    task.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except (OSError, ConnectionClosed):
            client.transport.abort()
        finally:
            self._open.discard(client)

    async def _ask(self, client: ServerConnection, venue: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                frame = await client.recv(decode=False)
                self.heard.append(frame)
                await self._flowing.wait()
                await venue.send(frame, text=True)

    async def _answer(self, venue: ClientConnection, client: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                frame = await venue.recv(decode=False)
                await self._flowing.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                for twisted in self.twist(frame):
                    await client.send(twisted, text=True)


@asynccontextmanager
async def relaying(upstream: str) -> AsyncIterator[Relay]:
    relay = Relay(upstream)
    async with serve(relay._carry, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        relay._server = server
        yield relay
        relay.thaw()
        relay.cut()
