"""The control API as any HTTP client meets it: what it answers, refuses, and to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession

from simulator.app import Running, is_loopback, running
from simulator.config import Market, Server, Settings


@asynccontextmanager
async def empty(token: str = "") -> AsyncIterator[Running]:
    settings = Settings(market=Market(empty=True), server=Server(port=0, control_token=token))
    async with running(settings) as sim:
        yield sim


async def ask(
    sim: Running, method: str, name: str, body: bytes = b"", headers: Mapping[str, str] = {}
) -> tuple[int, Any]:
    async with (
        ClientSession() as session,
        session.request(method, f"{sim.ready.control}/{name}", data=body, headers=headers) as reply,
    ):
        return reply.status, await reply.json()


async def test_views_answer_and_unknown_ones_say_what_there_is() -> None:
    async with empty() as sim:
        status, health = await ask(sim, "GET", "health")
        assert (status, health["ok"]) == (200, True)
        status, told = await ask(sim, "GET", "helath")
        assert status == 404 and "GET /_sim/health" in told["there is"]
        status, told = await ask(sim, "DELETE", "health")
        assert (status, told["error"]) == (405, "/_sim/health answers GET, not DELETE")
        status, told = await ask(sim, "GET", "explain?orderId=1")
        assert status == 404 and told["error"].startswith("there is no such order")


async def test_a_misspelt_parameter_is_refused_with_its_name() -> None:
    async with empty() as sim:
        status, told = await ask(sim, "GET", "explain?orderid=1")
        assert status == 400 and "orderid" in told["error"]


async def test_a_page_of_another_origin_is_refused_and_our_own_is_not() -> None:
    async with empty() as sim:
        status, _ = await ask(sim, "GET", "state", headers={"Origin": "http://evil.example"})
        assert status == 403
        status, _ = await ask(sim, "GET", "state", headers={"Origin": sim.ready.rest})
        assert status == 200


async def test_with_a_token_nobody_else_is_answered() -> None:
    async with empty("secret") as sim:
        assert (await ask(sim, "GET", "state"))[0] == 401
        assert (await ask(sim, "GET", "state", headers={"Authorization": "Bearer secreu"}))[0] == 401
        assert (await ask(sim, "GET", "state", headers={"Authorization": "Bearer secret"}))[0] == 200
        assert '"control_token":"secret"' in sim.ready.to_json()


def test_only_loopback_is_open() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "127.0.0.2"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.0.1", "exchange.example"))
