"""WebSocket clients that cost as little as possible: raw sockets, a handshake, and reading."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_PIECE: Final = 1 << 18
_TIMEOUT_S: Final = 10.0
_SPARE_FILES: Final = 200


class RawSocket:
    """One connection; frames of the server are split from each other and not looked into."""

    def __init__(self, url: str, first_words: str = "") -> None:
        target = urlsplit(url)
        assert target.hostname is not None
        self.socket = socket.create_connection((target.hostname, target.port), timeout=_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            f"GET {target.path or '/'} HTTP/1.1\r\nHost: {target.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._received()
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"{url}: {head[:100]!r}")
        if first_words:
            self.say(first_words)

    def say(self, words: str) -> None:
        """A short text, masked with zeros."""
        payload = words.encode()
        assert len(payload) < 126
        self.socket.sendall(bytes((0x81, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def read(self) -> list[bytes]:
        """The payloads that are there; waits for the first byte."""
        return self.split(self._received())

    def split(self, data: bytes) -> list[bytes]:
        """The frames that end in this piece of the stream."""
        buffer, at, payloads = self._rest + data, 0, []
        while (frame := _frame(buffer, at)) is not None:
            start, at = frame
            payloads.append(buffer[start:at])
        self._rest = buffer[at:]
        return payloads

    def _received(self) -> bytes:
        data = self.socket.recv(_PIECE)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def close(self) -> None:
        """Without a word."""
        self.socket.close()


def _frame(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of an unmasked frame begins and ends, when all of it is there."""
    if len(buffer) < at + 2:
        return None
    size, start = buffer[at + 1], at + 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, start = int.from_bytes(buffer[start : start + width]), start + width
    return (start, start + size) if len(buffer) >= start + size else None


class Discarding:
    """Connections whose messages are counted and thrown away, in a thread of their own."""

    def __init__(self, urls: Sequence[str], first_words: str = "") -> None:
        self._urls = urls
        self._words = first_words
        self._over = False
        self._sockets: list[RawSocket] = []
        self.received = 0

    def __enter__(self) -> Self:
        allow_files(len(self._urls) + _SPARE_FILES)
        self._sockets = [RawSocket(url, self._words) for url in self._urls]
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in self._sockets:
                one.socket.setblocking(False)
                selector.register(one.socket, selectors.EVENT_READ, one)
            while not self._over:
                for key, _ in selector.select(0.1):
                    self._take(selector, key.data)

    def _take(self, selector: selectors.BaseSelector, one: RawSocket) -> None:
        try:
            data = one.socket.recv(_PIECE)
        except BlockingIOError:
            return
        if data:
            self.received += len(one.split(data))
        else:
            selector.unregister(one.socket)


def allow_files(count: int) -> None:
    """Raise the limit of open files, ours and that of servers started later."""
    if os.name != "posix":
        return
    import resource  # noqa: PLC0415 - there is none elsewhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard) if hard > 0 else count, hard))


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """This process on one core, so that it does not take the server's."""
    if not hasattr(os, "sched_setaffinity") or core not in os.sched_getaffinity(0):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
