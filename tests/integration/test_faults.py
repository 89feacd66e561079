"""Each fault once, over real HTTP and sockets, with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulator.config import Accounts, BadSetting, Market, Server, Settings, Venue
from simulator.testing.server import SimServer
from tests.integration.trading import Place, place, until

ORDER = "/api/v1/spot/order"
FUNDS = ("alice:USDT=1000000,BTC=10", "bob:USDT=1000000,BTC=10")


@asynccontextmanager
async def exchange(**venue: Any) -> AsyncIterator[Place]:
    settings = Settings(
        market=Market(empty=True, paused=True),
        server=Server(port=0),
        accounts=Accounts(account=FUNDS),
        venue=Venue(**venue),
    )
    async with place(settings) as there:
        yield there


async def fault(there: Place, kind: str, **more: Any) -> int:
    status, told = await there.control("POST", "faults", kind=kind, **more)
    assert status == 200, told
    return int(told["id"])


async def struck(there: Place) -> list[tuple[str, str, int]]:
    _, told = await there.control("GET", "faults")
    return [(one["fault"]["kind"], one["state"], one["struck"]) for one in told["faults"]]


async def book(there: Place, bid: str = "99", ask: str = "101") -> None:
    status, told = await there.control("POST", "market/book", symbol="BTCUSDT", bids=[[bid, "1"]], asks=[[ask, "1"]])
    assert status == 200, told


def orders(there: Place) -> int:
    return len(there.sim.parts.desk.state.orders)


@asynccontextmanager
async def private(there: Place, number: int = 0) -> AsyncIterator[ClientConnection]:
    _, told = await there.people[number].send("POST", "/api/v1/userDataStream")
    async with connect(there.sim.ready.ws_private.format(listenKey=told["listenKey"])) as socket:
        yield socket


@asynccontextmanager
async def public(there: Place, *topics: str) -> AsyncIterator[ClientConnection]:
    async with connect(there.sim.ready.ws_public_v2) as socket:
        for topic in topics:
            await socket.send(json.dumps({"topic": topic, "event": "sub", "params": {"symbol": "BTCUSDT"}}))
            await socket.recv()
        yield socket


async def hear(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def until_pong(socket: ClientConnection) -> list[Any]:
    """Everything that was sent before the answer to a ping."""
    await socket.send(json.dumps({"ping": 1}))
    heard = []
    while "pong" not in (one := await hear(socket)):
        heard.append(one)
    return heard


def names(frames: list[Any]) -> list[str]:
    return [one[0]["e"] if isinstance(one, list) else one["topic"] for one in frames]


# -- requests ---------------------------------------------------------------------------------------------------


async def test_the_order_is_placed_and_nothing_is_ever_answered() -> None:
    async with exchange() as there:
        await fault(there, "lose_answer", path=ORDER, times=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await there.people[0].order("BUY", "90", newClientOrderId="mine")
        assert orders(there) == 1
        status, found = await there.people[0].send("GET", ORDER, origClientOrderId="mine")
        assert (status, found["status"]) == (200, "NEW")
        assert await struck(there) == [("lose_answer", "ended", 1)]


async def test_the_order_is_placed_and_a_gateway_says_502() -> None:
    async with exchange() as there:
        await fault(there, "lose_answer", how="502", path=ORDER)
        with pytest.raises(json.JSONDecodeError):
            await there.people[0].order("BUY", "90")
        assert orders(there) == 1


async def test_the_order_is_placed_and_the_connection_ends() -> None:
    async with exchange() as there:
        await fault(there, "lose_answer", how="close", method="post", path=ORDER)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await there.people[0].order("BUY", "90")
        assert orders(there) == 1


@pytest.mark.parametrize(
    ("told", "status", "body"),
    [
        ({"kind": "error", "status": 500}, 500, b'{"code":"-1000"'),
        ({"kind": "error"}, 503, b"<html>"),
        ({"kind": "error", "status": 504}, 504, b"<html>"),
        ({"kind": "rate_limit"}, 429, b'{"code":"0003","msg":"Rate limit exceeded"}'),
        ({"kind": "rate_limit", "status": 418}, 418, b'{"code":"0003","msg":"Rate limit exceeded"}'),
    ],
)
async def test_what_is_refused_before_the_gate_has_not_happened(told: dict[str, Any], status: int, body: bytes) -> None:
    async with exchange() as there:
        await fault(there, **told, path="/api/v1/spot/*")
        assert (await there.get("/api/v1/ping")) == {}
        async with there.http.post(there.sim.ready.rest + ORDER) as reply:
            assert reply.status == status
            assert (await reply.read()).startswith(body)
        assert orders(there) == 0


async def test_the_venues_own_buckets_are_on_while_it_lasts() -> None:
    async with exchange() as there:
        await fault(there, "rate_limit", mode="buckets", duration_ms=1000)
        statuses = [(await there.people[0].send("GET", "/api/v1/account"))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        await there.clock(advance_ms=1000)
        assert {(await there.people[0].send("GET", "/api/v1/account"))[0] for _ in range(9)} == {200}
        assert await struck(there) == [("rate_limit", "ended", 1)]


@pytest.mark.parametrize(("ms", "tell"), [(60_000, "skewed"), (-60_000, "skewed"), (60_000, "true")])
async def test_a_skewed_clock_refuses_honest_stamps(ms: int, tell: str) -> None:
    async with exchange() as there:
        number = await fault(there, "skew_clock", ms=ms, tell=tell)
        now = there.sim.parts.runner.now() // 1_000_000
        assert (await there.get("/api/v1/time"))["serverTime"] == now + (ms if tell == "skewed" else 0)
        status, told = await there.people[0].send("GET", "/api/v1/account")
        assert (status, told["code"]) == (400, "-1021")
        assert (await there.people[0].send("GET", "/api/v1/account", timestamp=now + ms))[0] == 200
        await there.control("DELETE", f"faults?id={number}")
        assert (await there.people[0].send("GET", "/api/v1/account"))[0] == 200


async def test_a_late_answer_comes_after_the_private_event() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "late_answer", ms=200, path=ORDER)
        order = asyncio.create_task(there.people[0].order("BUY", "90"))
        assert (await hear(socket))[0]["e"] == "executionReport"
        assert not order.done()
        await there.clock(advance_ms=200)
        assert (await order)["status"] == "NEW"


async def test_slow_bytes_drip() -> None:
    async with exchange() as there:
        await fault(there, "slow_bytes", bytes_per_second=100, path="/api/v1/time")
        asked = asyncio.create_task(there.get("/api/v1/time"))
        await there.under_way(1)
        await there.clock(advance_ms=1000)
        assert not asked.done()
        await there.clock(advance_ms=2000)
        assert "serverTime" in await asked


# -- scope ------------------------------------------------------------------------------------------------------


async def test_it_strikes_whom_it_names_the_nth_time_and_no_more() -> None:
    async with exchange() as there:
        await fault(there, "error", status=500, account="alice", symbol="BTCUSDT", nth=2, times=2)
        alice, bob = there.people

        async def asked(who: Any, symbol: str = "BTCUSDT") -> int:
            return int((await who.send("GET", "/api/v1/spot/openOrders", symbol=symbol))[0])

        assert [await asked(bob), await asked(alice, "ETHUSDT")] == [200, 200]
        assert [await asked(alice) for _ in range(5)] == [200, 500, 500, 200, 200]
        assert await struck(there) == [("error", "ended", 2)]


async def test_chance_follows_the_seed() -> None:
    async def asked(seed: int) -> list[bool]:
        async with exchange() as there:
            await fault(there, "error", status=500, probability=0.5, seed=seed)
            url = there.sim.ready.rest + "/api/v1/ping"
            return [(await there.http.get(url)).status == 500 for _ in range(30)]

    first, again, other = [await asked(seed) for seed in (1, 1, 2)]
    assert first == again != other
    assert 5 < sum(first) < 25


async def test_it_begins_and_ends_on_the_exchanges_own_clock() -> None:
    async with exchange() as there:
        await fault(there, "error", start_ms=100, duration_ms=100)
        url = there.sim.ready.rest + "/api/v1/ping"
        statuses: list[Any] = []
        for _ in range(4):
            statuses.append((await there.http.get(url)).status)
            statuses += [state for _, state, _ in await struck(there)]
            await there.clock(advance_ms=60)
        assert statuses == [200, "waiting", 200, "waiting", 503, "active", 503, "active"]
        await there.clock(advance_ms=0)
        assert (await there.http.get(url)).status == 200


# -- frames -----------------------------------------------------------------------------------------------------


async def test_late_events_come_after_the_answer() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "late_events", ms=200)
        assert (await there.people[0].order("BUY", "90"))["status"] == "NEW"
        assert await until_pong(socket) == []
        await there.clock(advance_ms=200)
        assert "executionReport" in names(await until_pong(socket))


async def test_events_come_twice() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "duplicate_events", stream="executionReport", account="alice")
        await there.people[0].order("BUY", "90")
        heard = [one for one in await until_pong(socket) if one[0]["e"] == "executionReport"]
        assert len(heard) == 2 and heard[0] == heard[1]


async def test_one_stream_is_late_and_others_overtake_it() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "delay_events", ms=300, stream="executionReport", times=1)
        await there.people[0].order("BUY", "90", newClientOrderId="one")
        await there.people[0].order("BUY", "91", newClientOrderId="two")
        assert set(names(await until_pong(socket))) == {"outboundAccountInfo"}
        await there.clock(advance_ms=300)
        assert [one[0]["c"] for one in await until_pong(socket)] == ["one", "two"]


async def test_events_of_one_stream_change_places() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "reorder_events", ms=1000, stream="executionReport")
        wanted = [str(number) for number in range(10)]
        for name in wanted:
            await there.people[0].order("BUY", "90", newClientOrderId=name)
        await there.clock(advance_ms=1000)
        heard = [one[0]["c"] for one in await until_pong(socket) if one[0]["e"] == "executionReport"]
        assert heard != wanted and sorted(heard) == wanted


async def test_dropped_events_never_come() -> None:
    async with exchange() as there, private(there) as socket:
        await fault(there, "drop_events", stream="private", nth=1, times=100)
        await there.people[0].order("BUY", "90")
        assert await until_pong(socket) == []


async def test_books_freeze_while_trades_go_on() -> None:
    async with exchange() as there, public(there, "depth", "trade") as socket:
        await fault(there, "freeze_depth", symbol="BTCUSDT")
        await book(there)
        await there.clock(advance_ms=500)
        await there.control("POST", "market/trade", symbol="BTCUSDT", price="100", qty="1", side="SELL")
        assert names(await until_pong(socket)) == ["trade"]


async def test_a_gap_in_the_books_versions() -> None:
    async with exchange() as there, public(there, "depth") as socket:
        await fault(there, "sequence_gap", frames=2, nth=2)
        versions = []
        for number in range(5):
            await book(there, bid=str(90 + number))
            await there.clock(advance_ms=100)
            versions += [one["data"]["b"][0][0] for one in await until_pong(socket)]
        assert versions == ["90", "93", "94"]


async def test_silence_sends_nothing_and_keeps_the_connection() -> None:
    async with exchange() as there, public(there, "depth") as socket:
        number = await fault(there, "silence")
        await book(there)
        await there.clock(advance_ms=500)
        await socket.send(json.dumps({"ping": 1}))
        waiter = asyncio.ensure_future(await socket.ping())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await socket.recv()
        assert not waiter.done()
        await there.control("DELETE", f"faults?id={number}")
        assert await until_pong(socket) == []


# -- connections, keys, markets -----------------------------------------------------------------------------------


async def test_a_socket_is_closed_with_a_code() -> None:
    async with exchange() as there, public(there, "depth") as other, private(there) as socket:
        await fault(there, "close_socket", code=4001, stream="private")
        with pytest.raises(ConnectionClosed) as closed:
            await hear(socket)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4001
        assert await until_pong(other) == []
        assert await struck(there) == [("close_socket", "ended", 1)]


async def test_a_socket_is_cut_and_so_is_the_next_one_while_it_lasts() -> None:
    async with exchange() as there:
        await fault(there, "cut_socket", times=2)
        for _ in range(2):
            async with connect(there.sim.ready.ws_public_v2) as socket:
                with pytest.raises(ConnectionClosed) as closed:
                    await hear(socket)
                assert closed.value.rcvd is None
        async with public(there, "depth") as socket:
            assert await until_pong(socket) == []


async def test_a_listen_key_ends_before_its_time() -> None:
    async with exchange() as there, private(there, 1) as other, private(there) as socket:
        await fault(there, "expire_listen_key", account="alice")
        with pytest.raises(ConnectionClosed):
            await hear(socket)
        assert await until_pong(other) == []
        assert await struck(there) == [("expire_listen_key", "ended", 1)]


async def test_in_a_maintenance_orders_are_refused_and_cancels_work() -> None:
    async with exchange() as there:
        alice = there.people[0]
        order = await alice.order("BUY", "90")
        await fault(there, "maintenance", symbol="BTCUSDT", duration_ms=1000)
        assert (await there.get("/api/v1/exchangeInfo?symbol=BTCUSDT"))["status"] == "BREAK"
        assert (await there.get("/api/v1/exchangeInfo?symbol=ETHUSDT"))["status"] == "TRADING"
        wanted = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "90"}
        status, told = await alice.send("POST", ORDER, **wanted)
        assert (status, told["code"]) == (400, "-1151")
        assert (await alice.send("DELETE", ORDER, orderId=order["orderId"]))[0] == 200
        await there.clock(advance_ms=1000)
        assert (await there.get("/api/v1/exchangeInfo?symbol=BTCUSDT"))["status"] == "TRADING"
        await alice.order("BUY", "90")


async def test_matching_is_paused_and_what_can_trade_does_when_it_goes_on() -> None:
    async with exchange() as there:
        alice, bob = there.people
        await book(there)
        await alice.order("BUY", "100", newClientOrderId="rests")
        await fault(there, "pause_matching", symbol="BTCUSDT", duration_ms=1000)
        taker = await bob.order("SELL", "99")
        gone = await bob.order("SELL", "98")
        at_once = await bob.order("SELL", "98", timeInForce="IOC")
        assert (taker["status"], at_once["executedQty"]) == ("NEW", "0")
        await there.control("POST", "market/trade", symbol="BTCUSDT", price="95", qty="9", side="SELL")
        assert (await alice.send("GET", ORDER, origClientOrderId="rests"))[1]["status"] == "NEW"
        assert (await bob.send("DELETE", ORDER, orderId=gone["orderId"]))[0] == 200
        await there.clock(advance_ms=1000)
        assert (await alice.send("GET", ORDER, origClientOrderId="rests"))[1]["status"] == "FILLED"
        _, told = await bob.send("GET", ORDER, orderId=taker["orderId"])
        assert (told["status"], told["avgPrice"]) == ("FILLED", "100")
        ledger = there.sim.parts.desk.state.ledger
        assert not any(one.held for one in ledger)


# -- told, listed, ended ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "say the kind"),
        ({"kind": "eror"}, "there are lose_answer"),
        ({"kind": "error", "status": 404}, "status: needs one of 500"),
        ({"kind": "error", "stream": "depth"}, "stream: error strikes requests"),
        ({"kind": "error", "ms": 5}, "ms: error takes status"),
        ({"kind": "error", "probability": 0}, "probability"),
        ({"kind": "error", "times": 0}, "times"),
        ({"kind": "error", "often": 3}, "often"),
        ({"kind": "close_socket", "code": 1006}, "code: needs a close code"),
        ({"kind": "rate_limit", "mode": "buckets", "path": "/"}, "mode"),
        ({"faults": [{"kind": "error"}, {"kind": "no"}]}, "there are lose_answer"),
    ],
)
async def test_nonsense_is_refused_in_words_and_begins_nothing(asked: dict[str, Any], words: str) -> None:
    async with exchange() as there:
        status, told = await there.control("POST", "faults", **asked)
        assert status == 400 and words in told["error"]
        assert await struck(there) == []


async def test_names_that_nobody_has_are_not_found() -> None:
    async with exchange() as there:
        for scope in ({"account": "carol"}, {"symbol": "NONE"}):
            assert (await there.control("POST", "faults", kind="error", **scope))[0] == 404
        assert (await there.control("DELETE", "faults?id=7"))[0] == 404


async def test_all_are_ended_at_once_and_told_as_they_were() -> None:
    async with exchange() as there:
        status, told = await there.control("POST", "faults", faults=[{"kind": "error"}, {"kind": "silence"}])
        assert status == 200 and [one["id"] for one in told["faults"]] == [1, 2]
        assert (await there.http.get(there.sim.ready.rest + "/api/v1/ping")).status == 503
        _, health = await there.control("GET", "health")
        assert health["faults"] == 2
        _, gone = await there.control("DELETE", "faults")
        assert [(one["state"], one["struck"]) for one in gone["faults"]] == [("ended", 1), ("ended", 0)]
        assert await struck(there) == []
        assert (await there.get("/api/v1/ping")) == {}
        assert "faults" not in (await there.control("GET", "health"))[1]
        assert there.sim.parts.faults.active() == []


def test_by_the_plugin_it_lasts_as_long_as_a_block(sim_server: SimServer) -> None:
    url = sim_server.rest_url + "/api/v1/ping"
    with sim_server.fault("error", method="GET", path="/api/v1/ping", status=504) as going:
        with pytest.raises(HTTPError) as refused:
            urlopen(url, timeout=5)
        refused.value.close()
        assert (refused.value.code, going.struck) == (504, 1)
    with urlopen(url, timeout=5) as reply:
        assert reply.status == 200


async def test_a_scenario_file_plays_on_the_exchanges_clock(tmp_path: Path) -> None:
    file = tmp_path / "storm.toml"
    file.write_text('[[faults]]\nkind = "error"\nstart_ms = 100\nduration_ms = 100\n')
    async with exchange(faults=str(file)) as there:
        url = there.sim.ready.rest + "/api/v1/ping"
        statuses = []
        for _ in range(3):
            statuses.append((await there.http.get(url)).status)
            await there.clock(advance_ms=100)
        assert statuses == [200, 503, 200]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[faults]]\nkind = "eror"\n', "faults[0].kind"),
        ("[[faults]]\nkind = \n", "line 2"),
        ('[[faults]]\nkind = "error"\nms = "5"\n', "$.faults[0].ms"),
        ("[[fault]]\n", "fault"),
    ],
)
async def test_a_scenario_that_makes_no_sense_says_where(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "storm.toml"
    file.write_text(text)
    with pytest.raises(BadSetting) as refused:
        async with exchange(faults=str(file)):
            pass
    assert words in str(refused.value)


async def test_the_server_stops_at_once_though_an_answer_is_lost() -> None:
    async with exchange() as there:
        await fault(there, "lose_answer", path=ORDER)
        order = asyncio.create_task(there.people[0].order("BUY", "90"))
        await until(lambda: orders(there) == 1)
        stopped = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stopped < 0.9
    with pytest.raises(aiohttp.ClientError):
        await order
