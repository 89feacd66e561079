"""The servers that ours is compared with: as little as does the job. ``python -m benchmarks.plain_servers KIND``.

Each prints one line of JSON with its port and then serves until it is stopped. Those that broadcast send
one 200x2 book to everybody ten times a second, as often as the venue's v2 socket does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from benchmarks.moving_market import INTERVAL_MS, moments

_WEBSOCKET_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LOOPBACK: Final = "127.0.0.1"


def _tell(port: int) -> None:
    print(json.dumps({"port": port}), flush=True)


async def hello() -> None:
    """Bare aiohttp: HTTP that says hello, and a WebSocket that stays silent."""
    from aiohttp import web  # noqa: PLC0415 - only this kind may pay for it

    async def say(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def silent(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.add_routes([web.route("*", "/", say), web.get("/ws", silent)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, _LOOPBACK, 0).start()
    _tell(runner.addresses[0][1])
    await asyncio.Event().wait()


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def echo() -> None:
    """TCP, what comes goes back."""
    server = await asyncio.get_running_loop().create_server(_Echo, _LOOPBACK, 0)
    _tell(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Subscriber(asyncio.Protocol):
    """A raw WebSocket: the handshake by hand, then whatever is broadcast."""

    def __init__(self, everybody: set[asyncio.Transport]) -> None:
        self._everybody = everybody
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._upgraded:
            return
        self._upgraded = True
        key = next(
            line.split(b": ")[1] for line in data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self._everybody.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._everybody.discard(self._transport)


async def raw_broadcast() -> None:
    """The frame is built once and written to every transport: the least that a broadcast can cost."""
    everybody: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: _Subscriber(everybody), _LOOPBACK, 0)
    _tell(server.sockets[0].getsockname()[1])

    async def send(message: bytes) -> None:
        frame = b"\x81\x7e" + len(message).to_bytes(2, "big") + message
        for transport in everybody:
            transport.write(frame)

    await _keep_sending(send)


async def websockets_broadcast() -> None:
    """The ``websockets`` library, without compression."""
    from websockets.asyncio.server import ServerConnection, broadcast, serve  # noqa: PLC0415

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(wait, _LOOPBACK, 0, compression=None) as server:
        _tell(next(iter(server.sockets)).getsockname()[1])

        async def send(message: bytes) -> None:
            broadcast(server.connections, message.decode())

        await _keep_sending(send)


async def _keep_sending(send: Callable[[bytes], Awaitable[None]]) -> None:
    messages = [one.snapshot for one in moments(100)]
    loop = asyncio.get_running_loop()
    start = loop.time()
    number = 0
    while True:
        await send(messages[number % len(messages)])
        number += 1
        await asyncio.sleep(max(0.0, start + number * INTERVAL_MS / 1000 - loop.time()))


KINDS: Final[dict[str, Callable[[], Any]]] = {
    "hello": hello,
    "echo": echo,
    "raw-broadcast": raw_broadcast,
    "websockets-broadcast": websockets_broadcast,
}

if __name__ == "__main__":
    asyncio.run(KINDS[sys.argv[1]]())
