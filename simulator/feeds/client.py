"""One socket of the venue: connect, subscribe, keep alive, and hand on every raw frame as it came.

``listen`` calls ``hear`` with each frame, stamped with the wall's time before anybody reads it; what we say
ourselves (subscriptions, pings) is handed on too, as OUT. So whoever records is given everything, in order::

    def hear(frame: Received) -> None:
        record(frame.connection, frame.data, frame.direction, frame.ts)

    await listen(Line("/quote/ws/v2", "wss://stream-glb.hashkey.com/quote/ws/v2", (b'{...}',)), Timing(), hear)

It returns only by raising: ``Lost``, with the reason, when the connection is gone or no good any more, or
whatever ``hear`` raises. Coming back is ``mirror``'s business: a connection lives once.

**When a connection is no good.** HashKey sends nothing where nothing happens, and no pings (hashkey-websocket.md 3),
so silence alone says little; but it answers ours. A connection is given up when nothing at all comes for
``silence_s``, or when a ping waits that long for its pong though other frames come: a pong stands in the same
queue as the books, so then the books are that late too. TCP by itself would notice neither for minutes.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.feeds.together import together

_LONGEST_FRAME: Final = 4 * 1024 * 1024
_CLOSING_S: Final = 1.0
_PONG: Final = b'{"pong"'
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Direction(enum.Enum):
    """Who sent a frame: the venue (``IN``) or we (``OUT``)."""

    IN = "in"
    OUT = "out"


class Received(NamedTuple):
    """A raw frame: when by the wall's clock (ns), of which connection (``/quote/ws/v2``, or a REST path with query)."""

    ts: Nanos
    connection: str
    data: bytes
    direction: Direction = Direction.IN


class Lost(Exception):
    """The connection is gone, or given up; in words for a log."""


class Line(NamedTuple):
    """A socket to be listened to: its name, where it is, and what is said after every connect."""

    connection: str
    url: str
    says: tuple[bytes, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds of the wall."""

    connect_s: float = 5.0
    silence_s: float = 5.0

    @property
    def ping_s(self) -> float:
        """Several chances within the silence, and at least as often as the venue wants (WebSocket 3: every 10 s)."""
        return min(10.0, self.silence_s / 4)


async def listen(
    line: Line, timing: Timing, hear: Callable[[Received], None], opened: Callable[[], None] = lambda: None
) -> NoReturn:
    """Connect, subscribe and hear, until it ends. ``opened`` is called when everything has been subscribed to."""
    socket = await _connected(line, timing)
    talk = _Talk(line, timing, socket, hear)
    try:
        await talk.subscribe()
        opened()
        await together(talk.read(), talk.keep_alive())
    except ConnectionClosed:
        raise Lost(_ending(socket)) from None
    except Lost:
        socket.transport.abort()  # nobody is there to answer a close frame
        raise
    finally:
        await socket.close()


async def _connected(line: Line, timing: Timing) -> ClientConnection:
    try:
        return await connect(
            line.url,
            open_timeout=timing.connect_s,
            ping_interval=None,  # ours are the venue's own JSON pings; it is not known whether protocol pings count
            close_timeout=_CLOSING_S,
            compression=None,  # hashkey-websocket.md 0: not negotiated
            max_size=_LONGEST_FRAME,
            proxy=None if urlsplit(line.url).hostname in LOOPBACK else True,
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI, EOFError) as error:
        raise Lost(f"cannot connect to {line.url}: {str(error) or type(error).__name__}") from None


def _ending(socket: ClientConnection) -> str:
    code = socket.close_code
    return "the connection was closed" + (f" with code {code}" if code is not None else "")


class _Talk:
    """The two sides of one connection."""

    def __init__(self, line: Line, timing: Timing, socket: ClientConnection, hear: Callable[[Received], None]) -> None:
        self._line = line
        self._timing = timing
        self._socket = socket
        self._hear = hear
        self._asked: deque[float] = deque()

    async def subscribe(self) -> None:
        for words in self._line.says:
            await self._say(words)

    async def _say(self, words: bytes) -> None:
        await self._socket.send(words, text=True)
        self._hear(Received(time.time_ns(), self._line.connection, words, Direction.OUT))

    async def keep_alive(self) -> NoReturn:
        """Ping, and see whether the pongs keep up."""
        while True:
            now = _seconds()
            if self._asked and now - self._asked[0] >= self._timing.silence_s:
                raise Lost(f"it is {now - self._asked[0]:.1f} s late with its answers")
            self._asked.append(now)
            # WebSocket 3: any number; the server's answer is its own time.
            await self._say(b'{"ping":%d}' % (time.time_ns() // NANOS_PER_MILLI))
            await asyncio.sleep(self._timing.ping_s)

    async def read(self) -> NoReturn:
        """Hand on what comes."""
        connection, hear, silence = self._line.connection, self._hear, self._timing.silence_s
        with suppress(TimeoutError):
            async with asyncio.timeout(silence) as patience:
                while True:
                    data = await self._socket.recv(decode=False)
                    patience.reschedule(_seconds() + silence)
                    if data.startswith(_PONG) and self._asked:
                        self._asked.popleft()
                    hear(Received(time.time_ns(), connection, data))
        raise Lost(f"nothing came for {silence:g} s")


def _seconds() -> float:
    return asyncio.get_running_loop().time()
