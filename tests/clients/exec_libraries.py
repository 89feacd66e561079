"""HashKey's REST and sockets through the libraries that Python clients are made of. Runs under exec.

The argument is a folder with libraries that this suite needs for nothing else. Standard output: one JSON document of
what each way gave or raised.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

sys.path.append(sys.argv[1])

import aiodns
import aiohttp
import dns.resolver
import httpx
import uvloop
import websockets

REST, SOCKET = "https://api-glb.hashkey.com/api/v1/ping", "wss://stream-glb.hashkey.com/quote/ws/v1"
NAME, OTHER = "api-glb.hashkey.com", "www.hashkey.com"


async def by_aiohttp(resolver: type[Any], url: str = REST) -> str:
    connector = aiohttp.TCPConnector(resolver=resolver())
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as reply:
        return await reply.text()


async def by_httpx() -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return str((await client.get(REST)).text)


async def by_websockets(**options: Any) -> str:
    async with websockets.connect(SOCKET, **options) as socket:
        await socket.send('{"ping":1}')
        return "{}" if "pong" in str(await socket.recv()) else "no pong"


async def by_streams(name: str) -> str:
    _, writer = await asyncio.open_connection(name, 443, ssl=True)
    writer.close()
    return "{}"


WAYS: dict[str, Callable[[], Awaitable[str]]] = {
    "aiohttp": lambda: by_aiohttp(aiohttp.ThreadedResolver),
    "aiohttp with aiodns": lambda: by_aiohttp(aiohttp.AsyncResolver),
    "httpx": by_httpx,
    "websockets": lambda: by_websockets(proxy=None),
    "websockets by proxy": by_websockets,
    "streams": lambda: by_streams(NAME),
}


async def ask_a_name_server() -> Any:
    return await aiodns.DNSResolver().query_dns(NAME, "A")


REFUSED: dict[str, Callable[[], Awaitable[Any]]] = {
    "aiodns": ask_a_name_server,
    "dnspython": lambda: asyncio.to_thread(dns.resolver.resolve, NAME),
    "aiohttp": lambda: by_aiohttp(aiohttp.ThreadedResolver, f"https://{OTHER}/"),
    "aiohttp with aiodns": lambda: by_aiohttp(aiohttp.AsyncResolver, f"https://{OTHER}/"),
    "streams": lambda: by_streams(OTHER),
}


async def outcome(way: Callable[[], Awaitable[Any]]) -> str:
    try:
        return str(await asyncio.wait_for(way(), 15))
    except Exception as error:  # noqa: BLE001 - that is what is asked for
        return f"{type(error).__name__}: {error}"


async def everything() -> dict[str, dict[str, str]]:
    return {
        "led": {name: await outcome(way) for name, way in WAYS.items()},
        "refused": {name: await outcome(way) for name, way in REFUSED.items()},
    }


if __name__ == "__main__":
    json.dump({"asyncio": asyncio.run(everything()), "uvloop": uvloop.run(everything())}, sys.stdout)
