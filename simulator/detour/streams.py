"""Bytes carried between two connections, and doors that end every connection when they close."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple, TypeAlias

LONGEST_HEAD: Final = 65_536
_CHUNK: Final = 65_536


class Stream(NamedTuple):
    """Both ends of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


Serve: TypeAlias = Callable[[Stream], Awaitable[None]]


@asynccontextmanager
async def accepting(serve: Serve, door: socket.socket, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Serve every connection to a bound socket for as long as the block lasts."""
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await serve(Stream(reader, writer))
        finally:
            connections.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    server = await asyncio.start_server(accept, sock=door, ssl=tls, limit=LONGEST_HEAD)
    try:
        yield
    finally:
        server.close()
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(connections)


async def join(one: Stream, other: Stream) -> None:
    """Carry bytes both ways until both sides have ended."""
    try:
        await asyncio.gather(_carry(one.reader, other.writer), _carry(other.reader, one.writer))
    finally:
        for stream in (one, other):
            stream.writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()  # TLS cannot be closed by half
