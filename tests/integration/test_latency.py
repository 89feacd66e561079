"""Latency over real HTTP and sockets. The clock is moved by hand, so no test waits for any time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from simulator.config import Accounts, Market, Server, Settings, Venue
from simulator.core.events import Event
from tests.integration.trading import Place, place, until

FUNDS = ("fast:USDT=1000000,BTC=10", "slow:USDT=1000000,BTC=10", "maker:USDT=1000000,BTC=10")


@asynccontextmanager
async def paused(*latency: str, rate_limits: bool = False) -> AsyncIterator[Place]:
    settings = Settings(
        market=Market(empty=True, paused=True),
        server=Server(port=0),
        accounts=Accounts(account=FUNDS),
        venue=Venue(latency=latency, rate_limits=rate_limits),
    )
    async with place(settings) as there:
        yield there


async def book(there: Place, bids: list[list[str]], asks: list[list[str]]) -> None:
    status, told = await there.control("POST", "market/book", symbol="BTCUSDT", bids=bids, asks=asks)
    assert status == 200, told


@pytest.mark.parametrize("slow_first", [True, False])
async def test_of_two_who_race_for_one_level_the_faster_wins_in_whatever_order_their_requests_came(
    slow_first: bool,
) -> None:
    async with paused("slow/request=80", "fast/request=20", "response=1") as there:
        fast, slow, _ = there.people
        await book(there, [["99", "1"]], [["101", "1"]])
        orders: dict[str, asyncio.Task[Any]] = {}
        for count, name in enumerate(("slow", "fast") if slow_first else ("fast", "slow"), 1):
            person = slow if name == "slow" else fast
            orders[name] = asyncio.create_task(person.order("BUY", "101", timeInForce="IOC"))
            await there.under_way(count)
        assert not any(one.done() for one in orders.values())
        await there.clock(advance_ms=100)
        assert (await orders["fast"])["executedQty"] == "1"
        assert (await orders["slow"])["executedQty"] == "0"


async def test_an_order_that_was_overtaken_by_the_market_meets_the_book_as_it_is_when_it_arrives() -> None:
    async with paused("request=50") as there:
        await book(there, [["99", "1"]], [["101", "1"]])
        order = asyncio.create_task(there.people[0].order("BUY", "105"))
        await there.under_way(1)
        await there.clock(advance_ms=30)
        await book(there, [["99", "1"]], [["103", "1"]])
        await there.clock(advance_ms=20)
        assert (await order)["executedQty"] == "1"
        (fill,) = there.sim.parts.desk.history.of("fast").fills
        grid = there.sim.parts.desk.state.markets["BTCUSDT"].instrument.price_grid
        assert grid.text(fill.event.price) == "103"


async def test_the_venue_sees_the_time_of_arrival() -> None:
    async with paused("request=6000") as there:
        person = there.people[0]
        sent = there.sim.parts.runner.now() // 1_000_000
        late = asyncio.create_task(person.send("GET", "/api/v1/account"))
        patient = asyncio.create_task(person.send("GET", "/api/v1/account", recvWindow=7000))
        public = asyncio.create_task(there.get("/api/v1/time"))
        await there.under_way(3)
        await there.clock(advance_ms=6500)
        status, told = await late
        assert (status, told["code"]) == (400, "-1021")
        assert (await patient)[0] == 200
        assert (await public)["serverTime"] == sent + 6000


async def test_rate_limits_count_when_requests_arrive() -> None:
    async with paused("request=500", rate_limits=True) as there:
        person = there.people[0]
        asked = [asyncio.create_task(person.send("GET", "/api/v1/account", recvWindow=9000)) for _ in range(5)]
        await there.under_way(5)
        await there.clock(advance_ms=500)
        statuses = [(await one)[0] for one in asked]
        assert sorted(set(statuses)) == [200, 429]


async def test_a_reply_leaves_so_much_after_the_arrival() -> None:
    async with paused("request=10", "response=5") as there:
        order = asyncio.create_task(there.people[0].order("BUY", "90"))
        await there.under_way(1)
        await there.clock(advance_ms=10)
        assert len(there.sim.parts.desk.state.orders) == 1
        await there.clock(advance_ms=4.999)
        assert not order.done()
        await there.clock(advance_ms=0.001)
        assert (await order)["status"] == "NEW"


async def test_what_was_sent_arrives_though_its_sender_has_gone() -> None:
    async with paused("request=10") as there:
        order = asyncio.create_task(there.people[0].order("BUY", "90"))
        await there.under_way(1)
        order.cancel()
        await asyncio.gather(order, return_exceptions=True)
        await there.clock(advance_ms=10)
        assert len(there.sim.parts.desk.state.orders) == 1


async def test_public_and_private_frames_leave_later_and_in_their_order() -> None:
    async with paused("market=10", "private=uniform:1:50") as there:
        maker = there.people[2]
        _, told = await maker.send("POST", "/api/v1/userDataStream")
        async with (
            connect(there.sim.ready.ws_private.format(listenKey=told["listenKey"])) as private,
            connect(there.sim.ready.ws_public_v2) as public,
        ):
            await public.send(json.dumps({"topic": "bbo", "event": "sub", "params": {"symbol": "BTCUSDT"}}))
            await there.under_way(1)
            await there.clock(advance_ms=10)
            assert json.loads(await public.recv())["msg"] == "Success"
            orders = [await maker.order("BUY", str(90 + n)) for n in range(10)]
            await there.under_way(10 * 2 + 10)
            await there.clock(advance_ms=10)
            best = [json.loads(await public.recv())["data"]["b"] for _ in range(10)]
            assert best == [str(90 + n) for n in range(10)]
            await there.clock(advance_ms=40)
            reports = [json.loads(await private.recv())[0] for _ in range(20)]
            placed = [one["i"] for one in reports if one["e"] == "executionReport"]
            assert placed == [one["orderId"] for one in orders]


async def test_an_account_may_have_no_latency_among_others_who_have() -> None:
    async with paused("request=50", "fast/request=0", "response=50", "fast/response=0") as there:
        assert (await there.people[0].order("BUY", "90"))["status"] == "NEW"
        slow = asyncio.create_task(there.people[1].order("BUY", "90"))
        await there.under_way(1)
        await there.clock(advance_ms=50)
        await until(lambda: len(there.sim.parts.desk.state.orders) == 2)
        assert not slow.done()
        await there.clock(advance_ms=50)
        await slow


async def test_a_bug_in_what_arrives_is_its_senders_to_hear_of_and_stops_nobody_else() -> None:
    async with paused("request=10") as there:

        def broken(now: int, events: Sequence[Event]) -> None:
            raise KeyError("bug")

        subscribers, person = there.sim.parts.runner.subscribers, there.people[0]
        subscribers.append(broken)
        asked = asyncio.create_task(person.order("BUY", "90"))
        await there.under_way(1)
        await there.clock(advance_ms=10)
        with pytest.raises(json.JSONDecodeError):  # aiohttp's own page, 500
            await asked
        subscribers.remove(broken)
        asked = asyncio.create_task(person.order("BUY", "90"))
        await there.under_way(1)
        await there.clock(advance_ms=10)
        assert (await asked)["status"] == "NEW"


async def test_who_asks_and_asks_while_time_stands_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.server.delivery.MOST_UNDER_WAY", 50)
    async with paused("market=10") as there, connect(there.sim.ready.ws_public) as client:
        for _ in range(51):
            await client.send('{"ping":1}')
        async with asyncio.timeout(10):
            await client.wait_closed()
        assert client.close_code == 1006


async def test_time_runs_by_itself_too() -> None:
    settings = Settings(market=Market(empty=True), server=Server(port=0), venue=Venue(latency=("request=30",)))
    async with place(settings) as there:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert (await there.people[0].order("BUY", "90"))["status"] == "NEW"
        assert loop.time() - begun >= 0.03


async def test_nobody_waits_for_ever_at_the_end_of_a_recording_played_at_full_speed() -> None:
    settings = Settings(
        market=Market(replay="replay_data/small.hkrec", clock="recorded", speed="max"),
        server=Server(port=0),
        venue=Venue(latency=("request=100", "response=50")),
    )
    async with place(settings) as there:
        await until(lambda: there.sim.parts.runner.source is not None and there.sim.parts.runner.source.due() is None)
        before = there.sim.parts.runner.now()
        assert (await there.people[0].order("BUY", "50000", "0.01"))["status"] == "NEW"
        assert there.sim.parts.runner.now() == before + 150_000_000
