"""Frames on their way to one client.

Most of the cost of a message is the system call that sends it, so frames are collected and written
once per turn of the event loop, and a message for many is put into its wire form once. A client that
does not read can neither slow the exchange nor fill its memory: while a connection is full, only the
newest of each subject waits, and one that stays full, or for which too much waits, is cut.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final, Protocol

from simulator.venues.hashkey.sockets import Frame

_TEXT, _BINARY = 0x81, 0x82
_short, _middle, _long = Struct(">BB").pack, Struct(">BBH").pack, Struct(">BBQ").pack

IN_FLIGHT_MOST: Final = 256 * 1024
"""Bytes given to the operating system, and again as many to the transport, before frames have to wait."""
WAITING_MOST: Final = 1024 * 1024
FULL_AT_MOST_S: Final = 10.0


def wire(frame: Frame) -> bytes:
    """A frame as it goes into a socket (RFC 6455 5.2, unmasked), made once."""
    if frame.wire is None:
        kind, size = _BINARY if frame.binary else _TEXT, len(frame.payload)
        if size < 126:
            head = _short(kind, size)
        elif size < 1 << 16:
            head = _middle(kind, 126, size)
        else:
            head = _long(kind, 127, size)
        frame.wire = head + frame.payload
    return frame.wire


def newest(frames: Sequence[Frame]) -> list[Frame]:
    """All that count, and the last of each subject."""
    last = {frame.subject: place for place, frame in enumerate(frames) if frame.subject is not None}
    return [frame for place, frame in enumerate(frames) if frame.subject is None or last[frame.subject] == place]


def _nothing_is_kept() -> None:
    """Nothing has to be."""


class Turn:
    """What is written at the end of this turn of the event loop: first frames, then replies.

    So a report never comes later than the reply that it belongs to (Hummingbot 8), and yet the orders of
    many clients that arrive together cost one write on the private socket, not one each. ``before`` is called
    before anything leaves: what is told must have been kept.
    """

    def __init__(self) -> None:
        self.before: Callable[[], None] = _nothing_is_kept
        self._due: list[Outbox] = []
        self._replies: list[tuple[asyncio.Transport, bytes]] = []

    def add(self, outbox: Outbox) -> None:
        """Write an outbox; to be said once a turn."""
        self._begin()
        self._due.append(outbox)

    def reply(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write a reply."""
        self._begin()
        self._replies.append((transport, data))

    def _begin(self) -> None:
        if not self._due and not self._replies:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self.before()
        due, self._due = self._due, []
        replies, self._replies = self._replies, []
        for outbox in due:
            outbox.end_turn()
        for transport, data in replies:
            transport.write(data)


class Way(Protocol):
    """What frames go through before they are written; its length is how many are still on it."""

    def send(self, frame: Frame) -> None:
        """Let it go; ``Outbox.put`` is the end of the way."""
        ...

    def __len__(self) -> int: ...


class Outbox:
    """One connection's frames: an Outlet (see venues/hashkey/sockets). ``way`` None: they are written at once."""

    __slots__ = ("_due", "_frames", "_full_since", "_transport", "_turn", "cut", "way")

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport = transport
        self._turn = turn
        self._frames: list[Frame] = []
        self._due = False
        self._full_since: float | None = None
        self.cut: str | None = None
        self.way: Way | None = None
        tcp = transport.get_extra_info("socket")
        if tcp is not None:
            # Left alone, the system would queue megabytes for a client that does not read.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, IN_FLIGHT_MOST)

    def send(self, frame: Frame) -> None:
        """On its way."""
        if self.way is None:
            self.put(frame)
        else:
            self.way.send(frame)

    @property
    def waiting(self) -> bool:
        """Whether something is still on its way."""
        return self.way is not None and len(self.way) > 0

    def put(self, frame: Frame) -> None:
        """Written at the end of the turn."""
        self._frames.append(frame)
        if not self._due:
            self._due = True
            self._turn.add(self)

    def end_turn(self) -> None:
        """The turn is over."""
        self._due = False
        self.flush()

    def flush(self) -> None:
        """Write what was collected, if the connection takes it."""
        frames, transport = self._frames, self._transport
        if not frames:
            return
        if transport.is_closing():
            frames.clear()
        elif transport.get_write_buffer_size() > IN_FLIGHT_MOST:
            self._wait()
        else:
            self._full_since = None
            self._frames = []
            transport.write(wire(frames[0]) if len(frames) == 1 else b"".join([wire(frame) for frame in frames]))

    def _wait(self) -> None:
        """The connection is full: keep the newest, and give up when that is too much or takes too long."""
        now = asyncio.get_running_loop().time()
        if self._full_since is None:
            self._full_since = now
        self._frames = newest(self._frames)
        waiting = sum(len(frame.payload) for frame in self._frames)
        if waiting > WAITING_MOST or now - self._full_since > FULL_AT_MOST_S:
            self.abort(f"it reads too slowly: {waiting} bytes wait for {now - self._full_since:.1f} s")

    def abort(self, reason: str) -> None:
        """End the connection at once, without a close frame."""
        self.cut = reason
        self._frames.clear()
        self._transport.abort()
