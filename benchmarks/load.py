"""HTTP load: ``wrk`` where it is installed, otherwise raw sockets of our own.

Our own generator is Python and may be slower than the server that it loads. Then requests per second say
nothing about the server, so what counts is the server's CPU time per request. With ``wrk`` the server is
the busy side and requests per second count. Both sides of a ratio are always loaded in the same way.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.processes import CHECKOUT, CLIENT_CORE, Started, pinned

CONNECTIONS: Final = 64


@dataclass(frozen=True)
class Request:
    """What is sent again and again."""

    method: str
    path: str
    headers: dict[str, str]

    def raw(self, host: str) -> bytes:
        """As bytes of HTTP/1.1."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.method != "GET":
            lines.append("Content-Length: 0")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Outcome:
    """What a server did under load."""

    requests: int
    seconds: float
    refused: int
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """The server's CPU seconds per request."""
        return self.cpu_seconds / self.requests

    @property
    def cost(self) -> float:
        """Seconds per request, by what the generator lets us know."""
        return 1 / self.per_second if has_wrk() else self.cpu_per_request


def has_wrk() -> bool:
    """Whether ``wrk`` is on the PATH."""
    return shutil.which("wrk") is not None


def generator() -> str:
    """Which one is used, and what the ratios are of."""
    return "wrk, by requests per second" if has_wrk() else "own generator, by the server's CPU time per request"


def load(server: Started, url: str, requests: Sequence[Request], seconds: float) -> Outcome:
    """Send the requests in turn over 64 connections; an answer that is no success is an error of the benchmark."""
    before = server.cpu_seconds()
    answered, took, refused = (_wrk if has_wrk() else _own)(url, requests, seconds)
    outcome = Outcome(answered, took, refused, server.cpu_seconds() - before)
    if refused or not answered:
        raise RuntimeError(f"{url}: {refused} of {answered} requests were refused: {requests[0]}")
    return outcome


def _wrk(url: str, requests: Sequence[Request], seconds: float) -> tuple[int, float, int]:
    texts = ", ".join(
        f"wrk.format({_lua(one.method)}, {_lua(one.path)}, {{{_lua_table(one.headers)}}}, "
        f"{'nil' if one.method == 'GET' else _lua('')})"
        for one in requests
    )
    script = (
        f"local texts\nlocal at = 0\nfunction init(args) texts = {{{texts}}} end\n"
        "function request() at = at % #texts + 1; return texts[at] end\n"
        "function done(summary, latency, requests)\n"
        '  io.write(string.format("RESULT %d %d %d\\n", summary.requests, summary.duration,\n'
        "    summary.errors.status + summary.errors.connect + summary.errors.timeout))\nend\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.lua"
        path.write_text(script)
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(path), url]
        done = subprocess.run(pinned(command, CLIENT_CORE), capture_output=True, text=True, check=True)
    found = re.search(r"^RESULT (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    answered, micros, refused = map(int, found.groups())
    return answered, micros / 1e6, refused


def _lua(text: str) -> str:
    return json.dumps(text)


def _lua_table(headers: dict[str, str]) -> str:
    return ", ".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in headers.items())


def _own(url: str, requests: Sequence[Request], seconds: float) -> tuple[int, float, int]:
    given = json.dumps({"url": url, "requests": [asdict(one) for one in requests], "seconds": seconds})
    command = pinned([sys.executable, "-m", "benchmarks.load"], CLIENT_CORE)
    done = subprocess.run(command, cwd=CHECKOUT, input=given, capture_output=True, text=True, check=True)
    answered, took, refused = json.loads(done.stdout)
    return answered, took, refused


class _Connection(asyncio.Protocol):
    """One request at a time, for as long as there are any."""

    def __init__(self, tally: _Tally) -> None:
        self._tally = tally
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(next(self._tally.texts))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(buffer, 0, end + 2)
        if found is not None and len(buffer) >= end + 4 + int(found[1]):
            self._buffer = b""
            self._tally.answered += 1
            self._tally.refused += buffer[9:10] != b"2"
            self._transport.write(next(self._tally.texts))

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.refused += not self._tally.over


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class _Tally:
    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts = cycle(texts)
        self.answered = 0
        self.refused = 0
        self.over = False


async def _generate(url: str, requests: Sequence[Request], seconds: float) -> tuple[int, float, int]:
    target = urlsplit(url)
    assert target.hostname is not None and target.port is not None
    tally = _Tally([one.raw(target.netloc) for one in requests])
    loop = asyncio.get_running_loop()
    start = time.monotonic()
    opened = [
        await loop.create_connection(lambda: _Connection(tally), target.hostname, target.port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    took, tally.over = time.monotonic() - start, True
    for transport, _ in opened:
        transport.close()
    return tally.answered, took, tally.refused


def main() -> None:
    """Generate the load that standard input describes."""
    given: dict[str, Any] = json.load(sys.stdin)
    requests = [Request(**one) for one in given["requests"]]
    print(json.dumps(asyncio.run(_generate(given["url"], requests, given["seconds"]))))


if __name__ == "__main__":
    main()
