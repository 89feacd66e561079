"""Somebody who trades with a server that runs in this process, over real HTTP, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession

from simulator.app import Running, running
from simulator.config import Settings
from simulator.ready import Ready
from tests.wire import sign


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the server does."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it is the server that changes
            await asyncio.sleep(0.002)


class Person:
    """One account's user."""

    def __init__(self, desk: Place, number: int) -> None:
        self.desk = desk
        self.access = desk.ready.accounts[number]

    async def send(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        """A signed request; status and JSON."""
        params.setdefault("timestamp", await self.desk.time_ms())
        query = urlencode(params)
        url = f"{self.desk.ready.rest}{path}?{query}&signature={sign(self.access.api_secret, query)}"
        async with self.desk.http.request(method, url, headers={"X-HK-APIKEY": self.access.api_key}) as reply:
            return reply.status, json.loads(await reply.read())

    async def order(self, side: str, price: str, quantity: str = "1", **more: Any) -> Any:
        """A limit order for BTCUSDT that was accepted."""
        wanted = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
        status, reply = await self.send("POST", "/api/v1/spot/order", **(wanted | more))
        assert status == 200, reply
        return reply


class Place:
    """A running server and its people."""

    def __init__(self, ready: Ready, http: ClientSession, sim: Running | None = None) -> None:
        self.ready = ready
        self.http = http
        self._sim = sim
        self.people = [Person(self, number) for number in range(len(ready.accounts))]

    @property
    def sim(self) -> Running:
        """It from inside; a fork is known from outside only."""
        assert self._sim is not None
        return self._sim

    async def time_ms(self) -> int:
        """The exchange's."""
        if self._sim is not None:
            return self._sim.parts.runner.now() // 1_000_000
        return int((await self.control("GET", "clock"))[1]["time"])

    async def control(self, method: str, name: str, /, **asked: Any) -> tuple[int, Any]:
        """A call of the control API."""
        body = json.dumps(asked) if method == "POST" else None
        async with self.http.request(method, f"{self.ready.control}/{name}", data=body) as reply:
            return reply.status, await reply.json()

    async def clock(self, **asked: Any) -> Any:
        """Move it."""
        status, told = await self.control("POST", "clock", **asked)
        assert status == 200, told
        return told

    async def get(self, path: str) -> Any:
        """A public request."""
        async with self.http.get(self.ready.rest + path) as reply:
            return json.loads(await reply.read())

    async def under_way(self, count: int) -> None:
        """Until so much is on its way."""
        await until(lambda: len(self.sim.parts.runner.timeline) == count)


@asynccontextmanager
async def place(settings: Settings) -> AsyncIterator[Place]:
    """A server for as long as the block lasts."""
    async with running(settings) as sim, ClientSession() as http:
        yield Place(sim.ready, http, sim)
