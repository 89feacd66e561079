"""Snapshots, restore, reset and forks over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientConnectorError, ClientSession
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from simulator.assembly.snapshots import KEPT
from simulator.config import Market, Run, Server, Settings, Venue
from simulator.core.commands import OpenAccount
from simulator.core.orders import Side
from simulator.ready import Ready
from tests.integration.trading import Place, place, until

SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"
BOOK = {"symbol": "BTCUSDT", "bids": [["100", "5"], ["99", "5"]], "asks": [["101", "5"]]}
OTHER = {"symbol": "BTCUSDT", "bids": [["200", "1"]], "asks": [["201", "1"]]}


@asynccontextmanager
async def empty(**more: Any) -> AsyncIterator[Place]:
    settings = Settings(market=Market(empty=True, **more.pop("market", {})), server=Server(port=0), **more)
    async with place(settings) as there:
        yield there


@asynccontextmanager
async def replaying(**market: Any) -> AsyncIterator[Place]:
    settings = Settings(market=Market(replay=str(SMALL), **market), server=Server(port=0))
    async with place(settings) as there:
        yield there


async def do(there: Place, call: str, /, **asked: Any) -> Any:
    async with there.http.post(f"{there.ready.control}/{call}", data=json.dumps(asked)) as reply:
        told = await reply.json()
    assert reply.status == 200, told
    return told


async def refused(there: Place, call: str, /, **asked: Any) -> tuple[int, Any]:
    async with there.http.post(f"{there.ready.control}/{call}", data=json.dumps(asked)) as reply:
        return reply.status, await reply.json()


async def query(there: Place, method: str, call: str) -> tuple[int, Any]:
    async with there.http.request(method, f"{there.ready.control}/{call}") as reply:
        return reply.status, await reply.json()


async def digest(there: Place) -> str:
    return str((await query(there, "GET", "digest"))[1]["digest"])


async def forked(there: Place, **asked: Any) -> Place:
    """A fork as its users see it."""
    return Place(msgspec.convert(await do(there, "fork", **asked), Ready), there.http)


# -- there and back ------------------------------------------------------------------------------------------


async def test_everything_is_as_it_was_after_a_restore() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        person = there.people[0]
        order = await person.order("BUY", "100", clientOrderId="kept")
        before = await digest(there)
        taken = await do(there, "snapshot", name="before")
        assert taken["name"] == "before" and taken["bytes"] > 0

        await person.send("DELETE", "/api/v1/spot/order", orderId=order["orderId"])
        await person.order("BUY", "101", clientOrderId="filled")
        await do(there, "market/book", **OTHER)
        assert await digest(there) != before

        assert (await do(there, "restore", name="before"))["took_ms"] >= 0
        assert await digest(there) == before
        _, found = await person.send("GET", "/api/v1/spot/openOrders")
        assert [one["clientOrderId"] for one in found] == ["kept"]
        _, trades = await person.send("GET", "/api/v1/account/trades", symbol="BTCUSDT")
        assert trades == []
        book = await there.get("/quote/v1/depth?symbol=BTCUSDT")
        assert [float(one) for one in book["b"][0]] == [100, 6]
        await do(there, "market/trade", symbol="BTCUSDT", price="100", qty="6", side="SELL")
        _, found = await person.send("GET", "/api/v1/spot/order", orderId=order["orderId"])
        assert found["status"] == "FILLED"


async def test_a_reset_goes_back_to_the_start_again_and_again() -> None:
    async with empty() as there:
        start = await digest(there)
        for _ in range(3):
            await do(there, "market/book", **BOOK)
            await there.people[0].order("BUY", "100", clientOrderId="again")
            assert await digest(there) != start
            assert (await query(there, "GET", "requests"))[1] != []
            await do(there, "reset")
            assert await digest(there) == start
            assert (await query(there, "GET", "requests"))[1] == [], "what was asked before is not this run's"


async def test_snapshots_are_listed_replaced_and_dropped() -> None:
    async with empty() as there:
        await do(there, "snapshot", name="one")
        await do(there, "snapshot", name="two")
        await do(there, "market/book", **BOOK)
        second = await digest(there)
        await do(there, "snapshot", name="one")
        assert [one["name"] for one in (await query(there, "GET", "snapshots"))[1]] == ["one", "two"]
        await do(there, "reset")
        await do(there, "restore", name="one")
        assert await digest(there) == second
        assert await query(there, "DELETE", "snapshots?name=one") == (200, {"ok": True})
        status, told = await refused(there, "restore", name="one")
        assert (status, told["error"]) == (404, "there is no snapshot one; there are two")
        assert await query(there, "DELETE", "snapshots") == (200, {"ok": True})
        assert (await query(there, "GET", "snapshots"))[1] == []


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines"])
async def test_a_name_is_a_short_line(name: str) -> None:
    async with empty() as there:
        status, told = await refused(there, "snapshot", name=name)
        assert status == 400 and "one line" in told["error"]


async def test_keys_are_those_of_the_snapshot() -> None:
    async with empty() as there:
        await do(there, "snapshot", name="before")
        made = await do(there, "keys", account="default", note="later")
        assert len((await query(there, "GET", "keys"))[1]) == 2
        await do(there, "restore", name="before")
        assert made["api_key"] not in [one["api_key"] for one in (await query(there, "GET", "keys"))[1]]
        assert (await there.people[0].send("GET", "/api/v1/account"))[0] == 200


async def test_what_is_worked_out_once_and_remembered_is_forgotten() -> None:
    """Numbers of users by the order of their accounts, and texts of books by their versions."""
    async with empty() as there:
        desk, runner = there.sim.parts.desk, there.sim.parts.runner
        path = "/quote/v1/depth?symbol=BTCUSDT"
        await do(there, "snapshot", name="then")
        for name in ("bob", "carol"):
            runner.do(OpenAccount(name, 0, 0))
        second, third = desk.ids.account_id("bob"), desk.ids.account_id("carol")
        await do(there, "market/book", **BOOK)
        before = await there.get(path)
        await do(there, "restore", name="then")
        for name in ("carol", "bob"):
            runner.do(OpenAccount(name, 0, 0))
        assert (desk.ids.account_id("carol"), desk.ids.account_id("bob")) == (second, third)
        await do(there, "market/book", **OTHER)
        assert (await there.get(path))["b"] != before["b"]


# -- time ----------------------------------------------------------------------------------------------------


async def test_time_that_stands_goes_back() -> None:
    async with empty(market={"paused": True}) as there:
        taken = await do(there, "snapshot", name="then")
        await there.clock(advance_ms=60_000)
        assert (await do(there, "restore", name="then"))["time"] == taken["time"]
        assert (await there.control("GET", "clock"))[1]["paused"] is True
        assert (await there.get("/api/v1/time"))["serverTime"] == taken["time"]


async def test_beside_the_walls_clock_time_does_not_go_back() -> None:
    async with empty() as there:
        await do(there, "snapshot", name="then")
        await there.clock(pause=True, advance_ms=60_000)
        before = (await there.control("GET", "clock"))[1]
        after = await do(there, "restore", name="then")
        assert after["time"] >= before["time"]
        assert (await there.control("GET", "clock"))[1]["paused"] is False


async def test_a_recording_goes_on_from_where_it_was() -> None:
    async with replaying(clock="recorded", paused=True) as there:
        await there.clock(advance_ms=3_000)
        await do(there, "snapshot", name="then")
        then = await digest(there)
        await there.clock(advance_ms=5_000)
        later = await digest(there)
        for _ in range(2):
            await do(there, "restore", name="then")
            assert await digest(there) == then
            await there.clock(advance_ms=5_000)
            assert await digest(there) == later


@pytest.mark.parametrize("speed", ["1", "3"])
async def test_beside_the_walls_clock_a_recording_goes_on_from_the_same_recorded_moment(speed: str) -> None:
    async with replaying(paused=True, speed=speed) as there:
        await there.clock(advance_ms=2_000)
        taken = await do(there, "snapshot", name="standing")
        position = (await query(there, "GET", "clock"))[1]["position"]
        shown = levels(there)
        there.sim.parts.steering.resume()
        running = there.sim.parts.snapshots.take()
        there.sim.parts.steering.pause()
        await there.clock(advance_ms=4_000)
        assert levels(there) != shown
        there.sim.parts.snapshots.restore(running)
        there.sim.parts.steering.pause()
        told = (await query(there, "GET", "clock"))[1]
        assert told["time"] >= taken["time"] + 4_000
        assert position <= told["position"] < position + 500
        await do(there, "restore", name="standing")
        told = (await query(there, "GET", "clock"))[1]
        assert (told["time"], told["position"], told["speed"]) == (taken["time"], position, speed)
        assert levels(there) == shown


def levels(there: Place) -> Any:
    market = there.sim.parts.desk.state.markets["BTCUSDT"]
    return [list(market.levels(side)) for side in Side]


async def test_how_time_goes_on_is_as_it_was() -> None:
    async with replaying(clock="recorded", paused=True, speed="2") as there:
        await do(there, "snapshot", name="then")
        before = (await query(there, "GET", "clock"))[1]
        await there.clock(speed="max", resume=True)
        await until(lambda: there.sim.parts.runner.source.due() is None)  # type: ignore[union-attr]
        await do(there, "restore", name="then")
        assert (await query(there, "GET", "clock"))[1] == before
        await there.clock(speed="max", resume=True)
        await do(there, "reset")
        assert (await query(there, "GET", "clock"))[1] == before


async def test_seeking_back_in_recorded_time_begins_anew_and_plays_up_to_there() -> None:
    async with replaying(clock="recorded", paused=True) as there:
        first = (await there.control("GET", "clock"))[1]["first"]
        await there.clock(seek_ms=first + 4_000)
        then = await digest(there)
        await there.people[0].order("BUY", "1000")
        await there.clock(seek_ms=first + 9_000)
        told = await there.clock(seek_ms=first + 4_000)
        assert told["position"] == told["time"] == first + 4_000
        assert told["paused"] is True
        assert await digest(there) == then


async def test_chance_is_where_it_was() -> None:
    venue = Venue(latency=("request=uniform:1:50",))
    async with empty(market={"paused": True}, venue=venue) as there:
        await do(there, "snapshot", name="then")

        async def dues() -> list[int]:
            asking = asyncio.ensure_future(there.get("/api/v1/time"))
            await there.under_way(1)
            due = there.sim.parts.runner.timeline.due
            await there.clock(advance_ms=100)
            await asking
            return [due]

        first = await dues() + await dues()
        await do(there, "restore", name="then")
        assert await dues() + await dues() == first


async def test_what_is_under_way_arrives_before_a_restore() -> None:
    venue = Venue(latency=("request=50", "response=50"))
    async with empty(market={"paused": True}, venue=venue) as there:
        await do(there, "snapshot", name="then")
        then = await digest(there)
        asking = asyncio.ensure_future(there.people[0].order("BUY", "100"))
        await there.under_way(1)
        await do(there, "restore", name="then")
        async with asyncio.timeout(5):
            assert (await asking)["status"] == "NEW"
        assert await digest(there) == then


async def test_rate_limits_are_as_they_were() -> None:
    async with empty(market={"paused": True}, venue=Venue(rate_limits=True)) as there:
        await do(there, "snapshot", name="fresh")
        replies = [await there.people[0].send("GET", "/api/v1/account") for _ in range(40)]
        assert replies[-1][0] in (418, 429)
        await do(there, "restore", name="fresh")
        assert (await there.people[0].send("GET", "/api/v1/account"))[0] == 200


async def test_faults_end_at_a_restore_and_those_of_the_settings_begin_anew_at_a_reset(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"faults": [{"kind": "error", "path": "/api/v1/time", "start_ms": 60000}]}')
    venue = Venue(faults=str(scenario))
    async with empty(market={"paused": True}, venue=venue) as there:
        await do(there, "snapshot", name="then")
        await do(there, "faults", kind="error", path="/api/v1/ping", duration_ms=3_600_000)
        await do(there, "restore", name="then")
        assert (await query(there, "GET", "faults"))[1]["faults"] == []
        assert await there.get("/api/v1/ping") == {}
        await do(there, "reset")
        (told,) = (await query(there, "GET", "faults"))[1]["faults"]
        assert told["state"] == "waiting"
        await there.clock(advance_ms=60_000)
        (told,) = (await query(there, "GET", "faults"))[1]["faults"]
        assert told["state"] == "active"


# -- connections ---------------------------------------------------------------------------------------------


async def heard(socket: ClientConnection, topic: str) -> Any:
    async with asyncio.timeout(5):
        while True:
            said = json.loads(await socket.recv())
            if said.get("topic") == topic and "data" in said:
                return said


async def test_public_sockets_are_told_the_book_anew() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        await do(there, "snapshot", name="then")
        ready = there.ready
        async with connect(ready.ws_public) as v1, connect(ready.ws_public_v2) as v2:
            await v1.send(json.dumps({"symbol": "BTCUSDT", "topic": "depth", "event": "sub", "params": {}}))
            for topic in ("depth", "bbo"):
                await v2.send(json.dumps({"topic": topic, "event": "sub", "params": {"symbol": "BTCUSDT"}}))
            await heard(v1, "depth")
            await do(there, "market/book", **OTHER)
            assert float((await heard(v2, "depth"))["data"]["b"][0][0]) == 200
            while float((await heard(v1, "depth"))["data"][0]["b"][0][0]) != 200:
                pass
            await do(there, "restore", name="then")
            first = await heard(v1, "depth")
            assert first["f"] is True and float(first["data"][0]["b"][0][0]) == 100
            assert float((await heard(v2, "bbo"))["data"]["b"]) == 100
            assert float((await heard(v2, "depth"))["data"]["b"][0][0]) == 100
            await do(there, "market/book", **OTHER)
            assert float((await heard(v2, "depth"))["data"]["b"][0][0]) == 200


async def test_public_sockets_are_told_that_the_book_is_empty() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        async with connect(there.ready.ws_public) as socket:
            await socket.send(json.dumps({"symbol": "BTCUSDT", "topic": "depth", "event": "sub", "params": {}}))
            assert (await heard(socket, "depth"))["data"][0]["b"]
            await do(there, "reset")
            while (await heard(socket, "depth"))["data"][0]["b"]:
                pass


async def test_a_private_socket_goes_on_if_its_listen_key_is_there_and_ends_if_it_is_not() -> None:
    async with empty() as there:
        person = there.people[0]
        _, old = await person.send("POST", "/api/v1/userDataStream")
        await do(there, "snapshot", name="then")
        _, new = await person.send("POST", "/api/v1/userDataStream")
        url = there.ready.ws_private
        async with (
            connect(url.replace("{listenKey}", old["listenKey"])) as goes_on,
            connect(url.replace("{listenKey}", new["listenKey"])) as ends,
        ):
            await do(there, "restore", name="then")
            async with asyncio.timeout(5):
                with pytest.raises(ConnectionClosed):
                    await ends.recv()
                await person.order("BUY", "100")
                assert json.loads(await goes_on.recv())[0]["e"] == "executionReport"


# -- forks ---------------------------------------------------------------------------------------------------


async def test_a_fork_runs_on_from_the_same_instant_in_the_same_market() -> None:
    async with replaying(clock="recorded", paused=True) as there:
        await there.clock(advance_ms=3_000)
        then = await digest(there)
        twin = await forked(there)
        assert twin.ready.rest != there.ready.rest
        assert await digest(twin) == then
        await there.clock(advance_ms=5_000)
        assert await digest(twin) == then
        assert await twin.clock(advance_ms=5_000) == (await query(there, "GET", "clock"))[1]
        assert await digest(twin) == await digest(there) != then


async def test_a_fork_fills_by_other_models() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        order = await there.people[0].order("BUY", "100", clientOrderId="mine")
        fork = await forked(there, queue="front", residual=["BTCUSDT=none"])
        for world in (there, fork):
            await do(world, "market/book", **(BOOK | {"bids": [["100", "4"]]}))
            await do(world, "market/trade", symbol="BTCUSDT", price="100", qty="1", side="SELL")
        statuses = [
            (await world.people[0].send("GET", "/api/v1/spot/order", orderId=order["orderId"]))[1]["status"]
            for world in (there, fork)
        ]
        assert statuses == ["NEW", "FILLED"]
        told = (await query(fork, "GET", "explain?clientOrderId=mine"))[1]
        assert (told["fills"][0]["model"], told["fills"][0]["residual"]) == ("front", "none")
        assert (await query(there, "GET", "digest")) != (await query(fork, "GET", "digest"))


async def test_a_fork_may_begin_at_a_snapshot_and_its_reset_goes_back_there() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        await do(there, "snapshot", name="then")
        then = await digest(there)
        await do(there, "market/book", **OTHER)
        assert await digest(await forked(there, name="then")) == then
        fork = await forked(there, name="then", queue="front")
        began = await digest(fork)
        await do(fork, "market/book", **OTHER)
        await do(fork, "reset")
        assert await digest(fork) == began != then
        assert (await query(fork, "GET", "snapshots"))[1] == []


async def test_forks_are_listed_and_closed() -> None:
    async with empty() as there:
        one, two = await forked(there), await forked(there)
        assert [told["rest"] for told in (await query(there, "GET", "forks"))[1]] == [one.ready.rest, two.ready.rest]
        port = one.ready.rest.rpartition(":")[2]
        assert await query(there, "DELETE", f"forks?port={port}") == (200, {"ok": True})
        with pytest.raises(ClientConnectorError):
            await query(one, "GET", "health")
        status, told = await query(there, "DELETE", f"forks?port={port}")
        assert (status, told["error"]) == (404, f"there is no fork on port {port}; GET forks lists them")
        assert await query(there, "DELETE", "forks") == (200, {"ok": True})
        assert (await query(there, "GET", "forks"))[1] == []


async def test_forks_end_with_the_first_exchange() -> None:
    async with ClientSession() as http:
        async with empty() as there:
            fork = Place((await forked(there)).ready, http)
            assert (await query(fork, "GET", "health"))[0] == 200
        with pytest.raises(ClientConnectorError):
            await query(fork, "GET", "health")


async def test_a_fork_of_a_fork_is_a_fork() -> None:
    async with empty() as there:
        await do(there, "market/book", **BOOK)
        deep = await forked(await forked(there))
        assert await digest(deep) == await digest(there)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"queue": "fornt"}, "no queue model is called 'fornt'"),
        ({"residual": "NOPE=none"}, "no symbol NOPE is traded"),
        ({"port": 70_000}, "a port goes from 0 to 65535"),
    ],
)
async def test_a_fork_that_cannot_be_is_refused_in_words(asked: dict[str, Any], words: str) -> None:
    async with empty() as there:
        status, told = await refused(there, "fork", **asked)
        assert status == 400 and words in told["error"]
        port = int(there.ready.rest.rpartition(":")[2])
        status, told = await refused(there, "fork", port=port)
        assert status == 400 and f"cannot listen on 127.0.0.1:{port}" in told["error"]
        assert (await query(there, "GET", "forks"))[1] == []


# -- what is kept --------------------------------------------------------------------------------------------


async def test_where_a_journal_is_kept_there_is_no_way_back_but_forks(tmp_path: Path) -> None:
    async with empty(run=Run(state=str(tmp_path / "kept"))) as there:
        await do(there, "market/book", **BOOK)
        await do(there, "snapshot", name="then")
        before = await digest(there)
        for call, asked in (("restore", {"name": "then"}), ("reset", {})):
            status, told = await refused(there, call, **asked)
            assert (status, told["error"]) == (400, KEPT)
        assert await digest(there) == before
        fork = await forked(there, name="then")
        await do(fork, "market/book", **OTHER)
        await do(fork, "reset")
        assert await digest(fork) == before


async def test_the_bracket_goes_back_with_the_exchange() -> None:
    async with empty(run=Run(bracket=True)) as there:
        await do(there, "market/book", **BOOK)
        await there.people[0].order("BUY", "100")
        await do(there, "snapshot", name="then")
        then = (await query(there, "GET", "bracket"))[1]
        await do(there, "market/trade", symbol="BTCUSDT", price="100", qty="6", side="SELL")
        filled = (await query(there, "GET", "bracket"))[1]
        assert filled != then
        await do(there, "restore", name="then")
        assert (await query(there, "GET", "bracket"))[1] == then
        await do(there, "market/trade", symbol="BTCUSDT", price="100", qty="6", side="SELL")
        assert (await query(there, "GET", "bracket"))[1] == filled


# -- the same again ------------------------------------------------------------------------------------------


async def day(there: Place) -> list[bytes]:
    """All bytes that a client is sent in some seconds of a recording, in which he trades."""
    said: list[bytes] = []
    person = there.people[0]
    _, told = await person.send("POST", "/api/v1/userDataStream")
    urls = [there.ready.ws_public, there.ready.ws_public_v2, there.ready.ws_private.format(**told)]
    v1, v2, _ = sockets = [await connect(url) for url in urls]
    for topic in ("depth", "trade", "realtimes", "kline_1m", "mergedDepth", "diffMergedDepth"):
        asked = {"symbol": "BTCUSDT", "topic": topic, "event": "sub", "params": {"dumpScale": 1}}
        await v1.send(json.dumps(asked))
    for topic in ("depth", "bbo", "trade", "realtimes"):
        await v2.send(json.dumps({"topic": topic, "event": "sub", "params": {"symbol": "BTCUSDT"}}))
    for number in range(12):
        side, kind = ("BUY", "SELL")[number % 2], ("LIMIT", "MARKET")[number % 3 == 0]
        asked = {
            "symbol": "BTCUSDT",
            "side": side,
            "type": kind,
            "quantity": "0.01",
            "newClientOrderId": f"own-{number}",
        }
        if kind == "LIMIT":
            asked["price"] = ("55000", "62000")[number % 2]
        said.append(json.dumps(await person.send("POST", "/api/v1/spot/order", **asked)).encode())
        await there.clock(advance_ms=470)
    said.append(json.dumps(await person.send("GET", "/api/v1/account/balanceFlow")).encode())
    said.append((await digest(there)).encode())
    for socket in sockets:
        await socket.send(json.dumps({"ping": 1}))
        while b'"pong"' not in (data := await socket.recv(decode=False)):
            said.append(data)
        await socket.close()
    return said


async def test_after_a_restore_the_same_commands_do_the_same_to_the_byte() -> None:
    market = Market(replay=str(SMALL), clock="recorded", paused=True)
    settings = Settings(market=market, server=Server(port=0))
    async with place(settings) as there:
        await there.clock(advance_ms=2_000)
        await do(there, "snapshot", name="then")
        first = await day(there)
        await there.clock(advance_ms=3_000)
        await do(there, "restore", name="then")
        assert await day(there) == first
        assert len(first) > 100
