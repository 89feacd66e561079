"""One connection to a venue: a small server on a real socket plays the venue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator.feeds.client import Direction, Line, Lost, Received, Timing, listen

SAYS = (b'{"topic":"depth","event":"sub"}', b'{"topic":"trade","event":"sub"}')
SOON = Timing(connect_s=2, silence_s=0.2)


class Venue:
    """What the server heard, and what it does when a client is there."""

    def __init__(self, url: str, heard: list[bytes]) -> None:
        self.line = Line("/quote/ws/v2", url + "/quote/ws/v2", SAYS)
        self.heard = heard


@asynccontextmanager
async def venue(play: Callable[[ServerConnection, list[bytes]], Awaitable[None]]) -> AsyncIterator[Venue]:
    heard: list[bytes] = []

    async def handle(client: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await play(client, heard)

    async with serve(handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        yield Venue(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", heard)


async def answering(client: ServerConnection, heard: list[bytes]) -> None:
    """Answers pings, acknowledges the rest."""
    while True:
        words = await client.recv(decode=False)
        heard.append(words)
        await client.send('{"pong":1}' if b"ping" in words else '{"code":"0"}')


async def until_heard(one: Venue, timing: Timing, enough: Callable[[list[Received]], bool]) -> list[Received]:
    """Listen until there is enough; returns all frames."""
    frames: list[Received] = []
    done = asyncio.Event()

    def hear(frame: Received) -> None:
        frames.append(frame)
        if enough(frames):
            done.set()

    listening = asyncio.create_task(listen(one.line, timing, hear))
    waiting = asyncio.create_task(done.wait())
    async with asyncio.timeout(5):
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not listening.done(), listening.exception()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return frames


def pongs(frames: list[Received]) -> int:
    return sum(frame.data == b'{"pong":1}' for frame in frames)


async def test_everything_said_and_heard_is_handed_on_in_order_with_its_time() -> None:
    async with venue(answering) as one:
        frames = await until_heard(one, SOON, lambda frames: pongs(frames) >= 3)
        assert one.heard[:2] == list(SAYS)
    said = [frame.data for frame in frames if frame.direction is Direction.OUT]
    assert said[:2] == list(SAYS)
    assert all(isinstance(json.loads(ping)["ping"], int) for ping in said[2:])
    assert [frame.ts for frame in frames] == sorted(frame.ts for frame in frames)
    assert {frame.connection for frame in frames} == {"/quote/ws/v2"}


async def test_a_connection_on_which_nothing_comes_is_given_up() -> None:
    async def silent(client: ServerConnection, heard: list[bytes]) -> None:
        await client.wait_closed()

    async with venue(silent) as one:
        with pytest.raises(Lost, match=r"nothing came for 0\.2 s"):
            await asyncio.wait_for(listen(one.line, SOON, lambda frame: None), 2)


async def test_a_connection_that_falls_silent_later_is_given_up_too() -> None:
    async def falls_silent(client: ServerConnection, heard: list[bytes]) -> None:
        for _ in range(len(SAYS) + 3):
            heard.append(await client.recv(decode=False))
            await client.send('{"pong":1}' if b"ping" in heard[-1] else '{"code":"0"}')
        await client.wait_closed()

    async with venue(falls_silent) as one:
        with pytest.raises(Lost, match=r"nothing came for 0\.2 s"):
            await asyncio.wait_for(listen(one.line, SOON, lambda frame: None), 5)


async def test_a_connection_that_streams_but_does_not_answer_in_time_is_given_up() -> None:
    """Books that wait in the same queue as the pong are as late as it."""

    async def late(client: ServerConnection, heard: list[bytes]) -> None:
        while True:
            await client.send('{"topic":"depth"}')
            await asyncio.sleep(0.01)

    async with venue(late) as one:
        with pytest.raises(Lost, match="late with its answers"):
            await asyncio.wait_for(listen(one.line, SOON, lambda frame: None), 2)


async def test_a_connection_that_the_venue_closes_is_lost_with_its_code() -> None:
    async def closing(client: ServerConnection, heard: list[bytes]) -> None:
        await client.recv()
        await client.close(1001)

    async with venue(closing) as one:
        with pytest.raises(Lost, match="closed with code 1001"):
            await asyncio.wait_for(listen(one.line, SOON, lambda frame: None), 2)


async def test_a_connection_that_is_cut_is_lost() -> None:
    async def cutting(client: ServerConnection, heard: list[bytes]) -> None:
        await client.recv()
        client.transport.abort()

    async with venue(cutting) as one:
        with pytest.raises(Lost, match="closed with code 1006"):
            await asyncio.wait_for(listen(one.line, SOON, lambda frame: None), 2)


async def test_who_is_not_there_or_speaks_no_websocket_is_lost() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 418 no\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Lost, match=f"cannot connect to ws://127.0.0.1:{port}/x: .*418"):
            await listen(Line("/x", f"ws://127.0.0.1:{port}/x", ()), SOON, lambda frame: None)
    with pytest.raises(Lost, match="cannot connect"):
        await listen(Line("/x", f"ws://127.0.0.1:{port}/x", ()), SOON, lambda frame: None)


async def test_a_bug_of_the_hearer_is_raised_as_it_is() -> None:
    def broken(frame: Received) -> None:
        if frame.direction is Direction.IN:
            raise RuntimeError("a bug")

    async with venue(answering) as one:
        with pytest.raises(RuntimeError, match="a bug"):
            await asyncio.wait_for(listen(one.line, SOON, broken), 2)
