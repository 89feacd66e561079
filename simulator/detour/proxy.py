"""An HTTP proxy for programs that mind proxy variables: HashKey's names lead to the door, all others go out.

It answers CONNECT and plain requests (``GET http://...``). A name under HashKey's domains that is not served, or
another port, is refused with 403. Everything else is passed on unread: through the proxy that the program would
have used itself if its variables name one, else directly.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from simulator.detour.front import HTTP, Front
from simulator.detour.streams import Stream, accepting, join
from simulator.venues.hashkey.hosts import NAMES, is_hashkeys

_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_CONNECT_SECONDS: Final = 30.0


class Refused(Exception):
    """What is asked for is not given: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.answer = (
            f"HTTP/1.1 {status} {'Forbidden' if status == 403 else 'Bad Gateway'}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(reason) + 1}\r\nConnection: close\r\n\r\n{reason}\n"
        ).encode()


class Asked(NamedTuple):
    """A request to the proxy: ``rest`` is its head as the server itself must see it, empty for CONNECT."""

    host: str
    port: int
    rest: bytes
    raw: bytes


def parse(head: bytes) -> Asked:
    r"""Read the head of a request; Refused.

    >>> parse(b"CONNECT api-glb.hashkey.com:443 HTTP/1.1\r\n\r\n")[:3]
    ('api-glb.hashkey.com', 443, b'')
    """
    line, _, fields = head.partition(b"\r\n")
    try:
        method, target, version = line.decode("ascii").split(" ")
        parts = urlsplit("//" + target if method == "CONNECT" else target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(502, "this is no request that a proxy can read") from None
    if method == "CONNECT" and host and port:
        return Asked(host, port, b"", head)
    if parts.scheme != "http" or not host:
        raise Refused(502, "this proxy answers CONNECT and http:// only")
    path = parts._replace(scheme="", netloc="").geturl() or "/"
    kept = [one for one in fields.split(b"\r\n") if one and not _hop_by_hop(one)]
    rest = b"\r\n".join([f"{method} {path} {version}".encode(), *kept, b"Connection: close", b"", b""])
    return Asked(host, port or HTTP, rest, head)


def _hop_by_hop(field: bytes) -> bool:
    return field.partition(b":")[0].lower() in (
        b"connection",
        b"proxy-connection",
        b"proxy-authorization",
        b"keep-alive",
    )


class Proxy:
    """Answers requests; ``proxies`` are those that the program's own variables name, by scheme."""

    def __init__(self, front: Front, proxies: Mapping[str, str]) -> None:
        self._front = front
        self._proxies = dict(proxies)

    async def serve(self, client: Stream) -> None:
        """One connection."""
        try:
            asked = parse(await client.reader.readuntil(b"\r\n\r\n"))
            async with asyncio.timeout(_CONNECT_SECONDS):
                there = await self._reach(asked)
        except Refused as refused:
            client.writer.write(refused.answer)
            return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        except (OSError, TimeoutError) as error:
            client.writer.write(Refused(502, f"cannot connect: {error}").answer)
            return
        if not asked.rest:
            client.writer.write(_ESTABLISHED)
        await join(client, there)

    async def _reach(self, asked: Asked) -> Stream:
        """A connection to what was asked for, on which its request has been sent."""
        host, port = asked.host, asked.port
        name = host.rstrip(".").lower()
        if is_hashkeys(name):
            if name not in NAMES or port not in self._front.ports:
                raise Refused(403, f"{name}:{port} is HashKey's and not the simulator's: nothing is let out")
            host, port = self._front.address, self._front.ports[port]
        elif host == self._front.address and port in self._front.ports:
            port = self._front.ports[port]
        elif further := self._further(asked):
            return await _through(further, asked)
        stream = Stream(*await asyncio.open_connection(host, port))
        stream.writer.write(asked.rest)
        return stream

    def _further(self, asked: Asked) -> str:
        """The proxy that the program would have used; empty: none."""
        if urllib.request.proxy_bypass_environment(f"{asked.host}:{asked.port}", self._proxies):  # type: ignore[attr-defined]
            return ""
        scheme = "http" if asked.rest else "https"
        return self._proxies.get(scheme) or self._proxies.get("all") or ""


async def _through(url: str, asked: Asked) -> Stream:
    parts = urlsplit(url if "//" in url else "//" + url, scheme="http")
    if parts.scheme != "http" or not parts.hostname:
        raise Refused(502, f"under hashkey-sim exec a further proxy must be an http:// one, not {parts.scheme}://")
    stream = Stream(*await asyncio.open_connection(parts.hostname, parts.port or HTTP))
    login = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login = b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n"
    line, _, fields = asked.raw.partition(b"\r\n")
    stream.writer.write(line + b"\r\n" + login + fields)
    if not asked.rest:
        answer = await stream.reader.readuntil(b"\r\n\r\n")
        if answer.split(b" ")[1:2] != [b"200"]:
            stream.writer.close()
            raise Refused(502, "the further proxy refused: " + answer.partition(b"\r\n")[0].decode("latin-1"))
    return stream


@asynccontextmanager
async def proxying(front: Front, proxies: Mapping[str, str]) -> AsyncIterator[str]:
    """Answer for as long as the block lasts; gives the proxy's URL."""
    door = socket.create_server(("127.0.0.1", 0))
    async with accepting(Proxy(front, proxies).serve, door):
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
