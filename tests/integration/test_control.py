"""The control API as any HTTP client meets it: what it answers, refuses, and to whom."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from simulator.app import Running, running
from simulator.config import Market, Run, Server, Settings, is_loopback
from simulator.core.commands import PlaceOrder
from simulator.core.orders import OrderType, Side


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


SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"
BOOK = {"symbol": "BTCUSDT", "bids": [["99.5", 1], ["99", "2"]], "asks": [["101", "2"]]}


async def post(sim: Running, name: str, **body: Any) -> tuple[int, Any]:
    return await ask(sim, "POST", name, json.dumps(body).encode())


async def test_a_market_set_by_hand_is_what_clients_see_and_fills_at_once() -> None:
    async with empty() as sim:
        assert (await post(sim, "market/book", **BOOK))[0] == 200
        async with ClientSession(sim.ready.rest) as session:
            async with session.get("/quote/v1/depth", params={"symbol": "BTCUSDT"}) as reply:
                depth = await reply.json(content_type=None)
            assert [depth["b"], depth["a"]] == [[["99.5", "1"], ["99", "2"]], [["101", "2"]]]
        runner = sim.parts.runner
        grids = sim.parts.desk.state.markets["BTCUSDT"].instrument
        ticks, lots = grids.price_grid.parse("99.5"), grids.qty_grid.parse("0.5")
        runner.do(PlaceOrder("default", "BTCUSDT", Side.BUY, OrderType.LIMIT, lots, ticks, "resting"))
        assert (await post(sim, "market/trade", symbol="BTCUSDT", price="99.5", qty="1.25", side="SELL"))[0] == 200
        _, told = await ask(sim, "GET", "explain?clientOrderId=resting")
        assert [fill["qty"] for fill in told["fills"]] == ["0.25"]


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("market/book", {"symbol": "XXX"}, "there is no symbol XXX"),
        ("market/book", BOOK | {"bids": [["99.001", "1"]]}, "steps"),
        ("market/book", BOOK | {"bids": [["99", "1"], [99.0, "2"]]}, "twice"),
        ("market/book", BOOK | {"asks": [["99", "2"]]}, "crossed book"),
        ("market/book", BOOK | {"asks": [["nan", "2"]]}, "NaN"),
        ("market/book", BOOK | {"asks": [["1e999999999", "2"]]}, "1E+999999999"),
        ("market/book", BOOK | {"ask": []}, "unknown field"),
        ("market/trade", {"symbol": "BTCUSDT", "price": "1", "qty": "-1", "side": "BUY"}, "qty too small"),
        ("market/trade", {"symbol": "BTCUSDT", "price": "1", "qty": "1", "side": "UP"}, "UP"),
        ("market/mark", {"symbol": "BTCUSDT", "mark": "1"}, "not a perpetual"),
        ("market/funding", {"symbol": "BTCUSDT-PERPETUAL", "rate": "1e999"}, "1E+999"),
        ("deposit", {"account": "nobody", "asset": "USDT", "amount": "1"}, "no account nobody"),
        ("deposit", {"account": "default", "asset": "USDT", "amount": "-1"}, "no"),
        ("withdraw", {"account": "default", "asset": "USDT", "amount": "100000.01"}, "insufficient balance"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    name: str, body: dict[str, Any], words: str
) -> None:
    async with empty() as sim:
        before = await ask(sim, "GET", "digest")
        status, told = await post(sim, name, **body)
        assert status in (400, 404) and words in told["error"], told
        assert await ask(sim, "GET", "digest") == before


async def test_bytes_that_are_no_json_are_refused() -> None:
    async with empty() as sim:
        for body in (b"\xff", b"[", b"[]", b"1", b'{"symbol": 1}'):
            status, told = await ask(sim, "POST", "market/book", body)
            assert status == 400 and told["error"]


async def test_money_comes_and_goes_by_hand() -> None:
    async with empty() as sim:
        answer = await post(sim, "deposit", account="default", wallet="futures", asset="USDT", amount="0.5")
        assert answer == (200, {"free": "100000.5", "held": "0"})
        answer = await post(sim, "withdraw", account="default", asset="BTC", amount=2)
        assert answer == (200, {"free": "0", "held": "0"})


async def test_mark_and_funding_are_set_by_hand_and_follow_the_books_again() -> None:
    async with empty() as sim:
        answer = await post(sim, "market/mark", symbol="ETHUSDT-PERPETUAL", mark="2500.5", index="2500")
        assert answer == (200, {"mark": "2500.5", "index": "2500"})
        assert (await post(sim, "market/funding", symbol="ETHUSDT-PERPETUAL", rate="-0.0003"))[0] == 200
        assert (await post(sim, "market/mark", symbol="ETHUSDT-PERPETUAL"))[0] == 200
        assert (await post(sim, "market/trading", symbol="ETHUSDT-PERPETUAL", trading=False))[0] == 200
        listed = sim.parts.desk.state.perpetuals["ETHUSDT-PERPETUAL"]
        assert listed.perpetual.funding is not None and listed.perpetual.funding.rate < 0
        assert not listed.market.trading


async def test_a_market_that_speaks_for_itself_is_not_set_by_hand() -> None:
    async with running(Settings(server=Server(port=0))) as sim:
        status, told = await post(sim, "market/book", **BOOK)
        assert status == 400 and "speaks for itself: pause the clock" in told["error"]


async def test_while_the_clock_stands_a_recorded_market_is_set_by_hand_and_then_goes_on_with_whole_books() -> None:
    market = Market(replay=str(SMALL), clock="recorded", paused=True)

    async def best(sim: Running) -> list[Any]:
        url = f"{sim.ready.rest}/quote/v1/depth?symbol=BTCUSDT"
        async with ClientSession() as session, session.get(url) as reply:
            depth = await reply.json(content_type=None)
        return [depth["b"], depth["a"]]

    async with running(Settings(market=market, server=Server(port=0))) as sim:
        await post(sim, "clock", advance_ms=5000)
        await post(sim, "clock", step=1)
        recorded = await best(sim)
    async with running(Settings(market=market, server=Server(port=0))) as sim:
        await post(sim, "clock", advance_ms=2000)
        assert (await post(sim, "market/book", **BOOK))[0] == 200
        assert await best(sim) == [[["99.5", "1"], ["99", "2"]], [["101", "2"]]]
        await post(sim, "clock", advance_ms=3000)
        await post(sim, "clock", step=1)
        assert await best(sim) == recorded


async def test_a_bracket_is_told_where_there_is_one() -> None:
    async with empty() as sim:
        status, told = await ask(sim, "GET", "bracket")
        assert status == 404 and "start it with --bracket" in told["error"]
    settings = Settings(market=Market(empty=True), server=Server(port=0), run=Run(bracket=True))
    async with running(settings) as sim:
        order = PlaceOrder("default", "BTCUSDT", Side.BUY, OrderType.LIMIT, 100_000, 10_000, "mine")
        sim.parts.runner.do(order)
        status, told = await ask(sim, "GET", "bracket?every_order=true")
        assert (status, told["orders"], told["depend"]) == (200, 1, 0)
        worlds = ("main", "pessimistic", "neutral", "optimistic")
        assert told["listed"][0]["filled"] == dict.fromkeys(worlds, "0")
        assert (await ask(sim, "GET", "bracket"))[1]["listed"] == []


async def test_prometheus_reads_the_metrics() -> None:
    async with empty() as sim:
        await post(sim, "market/book", **BOOK)
        async with ClientSession() as session, session.get(f"{sim.ready.control}/metrics") as reply:
            assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            families = {one.name: one for one in text_string_to_metric_families(await reply.text())}
    assert {one.type for one in families.values()} == {"counter", "gauge"}
    events = {one.labels["kind"]: one.value for one in families["hashkey_sim_events"].samples}
    assert (events["InstrumentListed"], events["MirrorChanged"]) == (len(sim.ready.symbols), 1)
    stale = {one.labels["symbol"]: one.value for one in families["hashkey_sim_mirror_stale"].samples}
    assert stale["BTCUSDT"] == 0
    assert all(one.documentation for one in families.values())
