"""The door that HashKey's names lead to: an address of this machine with HashKey's ports, TLS included.

What arrives goes on to the simulator as it came, without the TLS. The address is a loopback one that nothing else
uses, so that whoever connects to it means HashKey; its ports are HashKey's own (443 and 80) where the system
lets us have them, else others that the surroundings of the program know about. Without such an address (Linux has
sixteen million, other systems one) it is 127.0.0.1, and the ports are others.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from simulator.config import BadSetting
from simulator.detour.streams import Stream, accepting, join
from simulator.venues.hashkey.hosts import is_hashkeys

HTTPS, HTTP = 443, 80
# 72 and 75 are H and K.
ADDRESSES: Final = tuple(f"127.72.75.{number}" for number in range(1, 33))


@dataclass(frozen=True)
class Upstream:
    """A simulator that accepts connections."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str, authority: Path | None) -> Upstream:
        """Of an URL; with https, ``authority`` is trusted besides the system's. BadSetting."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise BadSetting(f"flag --server needs an URL such as http://127.0.0.1:8765, not {url!r}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise BadSetting(f"flag --server needs an URL such as http://127.0.0.1:8765, not {url!r}")
        if is_hashkeys(host):
            raise BadSetting(f"flag --server needs a simulator, and {host} is HashKey's own")
        if parts.scheme == "http":
            return cls(host, port or HTTP)
        context = ssl.create_default_context()
        if authority is not None and authority.exists():
            context.load_verify_locations(authority)
        return cls(host, port or HTTPS, context)

    async def connect(self) -> Stream:
        """A new connection; OSError."""
        return Stream(*await asyncio.open_connection(self.host, self.port, ssl=self.tls))


@dataclass(frozen=True)
class Front:
    """Where the door is: HashKey's ports, and ours in their place."""

    address: str
    ports: dict[int, int]


@asynccontextmanager
async def front(upstream: Upstream, tls: ssl.SSLContext) -> AsyncIterator[Front]:
    """Lead to the simulator for as long as the block lasts."""

    async def lead(stream: Stream) -> None:
        try:
            simulator = await upstream.connect()
        except OSError:
            return  # the connection ends; it does not go anywhere else
        await join(stream, simulator)

    address, doors = _doors()
    async with AsyncExitStack() as stack:
        for port, door in doors.items():
            await stack.enter_async_context(accepting(lead, door, tls if port == HTTPS else None))
        yield Front(address, {port: door.getsockname()[1] for port, door in doors.items()})


def _doors() -> tuple[str, dict[int, socket.socket]]:
    """The first address of which all of HashKey's ports are to be had, else the first with any."""
    for exact in (True, False):
        for address in ADDRESSES:
            try:
                return address, _bound(address, exact=exact)
            except PermissionError:
                break  # ports below 1024 are root's here
            except OSError:
                continue
    return "127.0.0.1", _bound("127.0.0.1", exact=False)


def _bound(address: str, *, exact: bool) -> dict[int, socket.socket]:
    doors: dict[int, socket.socket] = {}
    try:
        for port in (HTTPS, HTTP):
            doors[port] = socket.create_server((address, port if exact else 0))
    except OSError:
        for door in doors.values():
            door.close()
        raise
    return doors
