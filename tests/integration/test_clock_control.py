"""POST /_sim/clock over real HTTP, beside the wall's clock and in a recording's time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from simulator.config import Accounts, Market, Server, Settings
from simulator.core.accounts.funding import INTERVAL
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI
from simulator.replay.format import Reader
from simulator.venues.hashkey.feed import DepthMessage, TradeMessage, parse
from tests.integration.trading import Place, place, until
from tests.unit.replay.recordings import at, book, record, trade

SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"
SPAN = Reader(SMALL).span
assert SPAN is not None
FIRST, LAST = (one // NANOS_PER_MILLI for one in SPAN)
MINUTE = 60_000
HOUR = 60 * MINUTE


@asynccontextmanager
async def replaying(**market: Any) -> AsyncIterator[Place]:
    wanted: dict[str, Any] = {"replay": str(SMALL), "paused": True} | market
    settings = Settings(market=Market(**wanted), server=Server(port=0))
    async with place(settings) as there:
        yield there


@asynccontextmanager
async def recorded(**market: Any) -> AsyncIterator[Place]:
    async with replaying(clock="recorded", **market) as there:
        yield there


def levels(there: Place, symbol: str = "BTCUSDT") -> Any:
    market = there.sim.parts.desk.state.markets[symbol]
    return [list(market.levels(side)) for side in (Side.BUY, Side.SELL)]


def shown_at(moment: int, symbol: str = "BTCUSDT") -> tuple[Any, list[str]]:
    """The last book of a symbol up to a recorded time (ms), and the prices of the trades up to then."""
    shown, prices = None, []
    for one in Reader(SMALL).records():
        if one.ts > moment * NANOS_PER_MILLI:
            break
        for message in parse(one.connection, one.data):
            if isinstance(message, DepthMessage) and message.symbol == symbol:
                shown = message
            if isinstance(message, TradeMessage) and message.symbol == symbol:
                prices.append(message.price)
    return shown, prices


# -- what it says, and refuses --------------------------------------------------------------------------------


async def test_it_tells_where_time_and_the_recording_are() -> None:
    async with recorded(speed="2.5") as there:
        status, told = await there.control("GET", "clock")
        assert status == 200
        assert told.pop("next") >= FIRST
        assert told == {
            "time": FIRST,
            "clock": "recorded",
            "paused": True,
            "speed": "2.5",
            "waiting": 0,
            "position": FIRST,
            "first": FIRST,
            "last": LAST,
        }


async def test_without_a_recording_there_is_no_place_and_the_speed_is_that_of_time() -> None:
    async with replaying(replay="", empty=True) as there:
        _, told = await there.control("GET", "clock")
        assert (told["position"], told["first"], told["last"], told["next"]) == (None, None, None, None)
        status, told = await there.control("POST", "clock", seek_ms=FIRST)
        assert status == 400 and "no recording" in told["error"]
        status, told = await there.control("POST", "clock", speed=2)
        assert (status, told["speed"]) == (200, "2")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "say what to do"),
        ({"pause": True, "resume": True}, "one of them"),
        ({"advance_ms": -1}, "does not run backwards"),
        ({"advance_ms": 1e15}, "a year"),
        ({"step": 0}, "from 1"),
        ({"speed": 0}, "0.5, 1 or 60"),
        ({"speed": "fast"}, "0.5, 1 or 60"),
        ({"speed": "max"}, "--clock recorded"),
        ({"seek_ms": FIRST - 1}, "reaches from"),
        ({"seek_ms": LAST + 1}, "reaches from"),
        ({"wait": 5}, "wait"),
    ],
)
async def test_nonsense_is_refused_in_words_and_changes_nothing(asked: dict[str, Any], words: str) -> None:
    async with replaying() as there:
        _, before = await there.control("GET", "clock")
        status, told = await there.control("POST", "clock", **asked)
        assert status == 400 and words in told["error"]
        assert (await there.control("GET", "clock"))[1] == before


# -- beside the wall ---------------------------------------------------------------------------------------


async def test_paused_time_stands_and_goes_on_from_where_it_stood() -> None:
    async with replaying(replay="", empty=True, paused=False) as there:
        stood = (await there.clock(pause=True))["time"]
        await asyncio.sleep(0.05)
        assert (await there.get("/api/v1/time"))["serverTime"] == stood
        await there.clock(resume=True)
        assert (await there.get("/api/v1/time"))["serverTime"] < stood + 50 + 1000
        runner = there.sim.parts.runner
        await until(lambda: runner.now() // NANOS_PER_MILLI > stood)


async def test_what_clients_sign_is_judged_by_the_exchanges_time() -> None:
    async with replaying(replay="", empty=True) as there:
        now = (await there.clock(advance_ms=10_000))["time"]
        person = there.people[0]
        assert (await person.send("GET", "/api/v1/account", timestamp=now))[0] == 200
        status, told = await person.send("GET", "/api/v1/account", timestamp=now - 10_000)
        assert (status, told["code"]) == (400, "-1021")


async def test_advancing_plays_the_market_up_to_there_and_not_further() -> None:
    async with replaying() as there:
        told = await there.clock(advance_ms=5000)
        assert told["position"] == FIRST + 5000
        assert told["next"] >= told["time"]
        shown, prices = shown_at(FIRST + 5000)
        grid = there.sim.parts.desk.state.markets["BTCUSDT"].instrument.price_grid
        assert levels(there)[0][0][0] == grid.parse(shown.bids[0][0])
        assert [one["p"] for one in await there.get("/quote/v1/trades?symbol=BTCUSDT")][-5:] == prices[-5:]


async def test_a_step_is_a_message_of_the_market_and_needs_a_clock_that_stands() -> None:
    async with replaying() as there:
        times = sorted({one.ts for one in islice(Reader(SMALL).records(), 200)})
        runner, market = there.sim.parts.runner, there.sim.parts.steering.market
        assert market is not None and runner.source is not None
        await until(lambda: (runner.source and runner.source.due()) != runner.now())  # the first is due at once
        for count, number in ((1, 1), (1, 2), (5, 7)):
            await there.clock(step=count)
            assert market.position(runner.now()) == times[number]
        due = runner.source.due()
        assert due is not None and due - runner.now() == times[8] - times[7]
        await there.clock(resume=True)
        status, told = await there.control("POST", "clock", step=1)
        assert status == 400 and "pause it first" in told["error"]


async def test_steps_end_with_the_recording() -> None:
    async with recorded(loop=False) as there:
        told = await there.clock(step=1_000_000)
        assert (told["time"], told["position"], told["next"]) == (LAST, LAST, None)
        assert (await there.clock(step=1))["time"] == LAST


@pytest.mark.parametrize("clock", ["wall", "recorded"])
async def test_another_speed_counts_from_now_on_and_the_place_stays(clock: str) -> None:
    async with replaying(clock=clock) as there:
        await there.clock(advance_ms=3000)
        told = await there.clock(speed=10)
        assert (told["speed"], told["position"]) == ("10", FIRST + 3000)
        told = await there.clock(advance_ms=500)
        assert told["position"] == FIRST + (8000 if clock == "wall" else 3500)
        told = await there.clock(speed="0.1")
        told = await there.clock(advance_ms=1000)
        assert told["position"] == FIRST + (8100 if clock == "wall" else 4500)


async def test_recorded_time_runs_at_the_speed_that_it_was_set_to() -> None:
    async with recorded(speed="0.1") as there:
        await there.clock(speed=60, resume=True)
        await until(lambda: there.sim.parts.runner.now() // NANOS_PER_MILLI >= FIRST + 3000)
        told = await there.clock(pause=True)
        assert told["paused"] and told["position"] == told["time"]


async def test_at_full_speed_it_plays_to_the_end_and_stays_there_though_it_would_loop() -> None:
    async with recorded(loop=True) as there:
        await there.clock(speed="max", resume=True)
        runner = there.sim.parts.runner
        await until(lambda: runner.source is not None and runner.source.due() is None)
        told = (await there.control("GET", "clock"))[1]
        assert (told["time"], told["speed"], told["next"]) == (LAST, "max", None)


async def test_a_year_is_gone_in_a_moment() -> None:
    async with replaying(replay="", empty=True) as there:
        before = (await there.control("GET", "clock"))[1]["time"]
        assert (await there.clock(advance_ms=366 * 24 * HOUR))["time"] == before + 366 * 24 * HOUR


# -- seek ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [0, 25_000])
@pytest.mark.parametrize("to", [0, 1, 12_345, 29_999])
async def test_after_a_seek_clients_see_what_they_would_had_it_been_played_to_there(begin: int, to: int) -> None:
    async with replaying() as there, recorded() as straight:
        await there.clock(advance_ms=begin)
        told = await there.clock(seek_ms=FIRST + to)
        assert told["position"] == FIRST + to
        await straight.clock(advance_ms=to)
        for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"):
            assert levels(there, symbol) == levels(straight, symbol)
            wanted = [one["p"] for one in await straight.get(f"/quote/v1/trades?symbol={symbol}")]
            seen = [one["p"] for one in await there.get(f"/quote/v1/trades?symbol={symbol}")]
            assert wanted == seen[-len(wanted) :] if wanted else True
        # And it goes on as it would have.
        for one in (there, straight):
            await one.clock(advance_ms=700)
        for symbol in ("BTCUSDT", "ETHUSDT-PERPETUAL"):
            assert levels(there, symbol) == levels(straight, symbol)
            last = [one.sim.parts.desk.state.markets[symbol].last for one in (there, straight)]
            assert last[0] == last[1] or to < 2


def dip(tmp_path: Path) -> Path:
    """Ten seconds in which the market trades down to 95 for a moment and comes back."""
    low = trade(5000, price="95").data.replace(b'"m":false', b'"m":true')
    around = [book(n * 1000, bid="99", ask="101", t=n * 1000) for n in range(11)]
    return record(tmp_path / "dip.hkrec", sorted([*around, at(5000, low)], key=lambda one: one.ts))


async def test_beside_the_wall_nothing_fills_from_what_was_skipped(tmp_path: Path) -> None:
    """A bid that the skipped trade went through, after it was placed, and that the book does not reach."""
    path = str(dip(tmp_path))
    async with replaying(replay=path) as there, recorded(replay=path) as honest:
        for one in (there, honest):
            await one.clock(advance_ms=100)
            order = await one.people[0].order("BUY", "97")
            await one.clock(advance_ms=3000)
            await one.clock(seek_ms=7000)
            _, told = await one.people[0].send("GET", "/api/v1/spot/order", orderId=order["orderId"])
            assert told["status"] == ("NEW" if one is there else "FILLED")
            trades = await one.get("/quote/v1/trades?symbol=BTCUSDT")
            assert [row["p"] for row in trades] == (["95"] if one is there else ["97"])


async def test_in_the_recordings_own_time_the_way_back_leads_through_the_start() -> None:
    async with recorded() as there:
        await there.clock(seek_ms=FIRST + 5000)
        assert (await there.clock(seek_ms=FIRST + 4999))["time"] == FIRST + 4999
        assert levels(there)[0]
        assert (await there.clock(seek_ms=FIRST + 5000))["time"] == FIRST + 5000


async def test_after_a_seek_the_recording_loops_as_before() -> None:
    async with replaying() as there:
        await there.clock(seek_ms=LAST - 100)
        told = await there.clock(advance_ms=100 + 100 + 2000)
        assert told["position"] == FIRST + 2000
        shown, _ = shown_at(FIRST + 2000)
        grid = there.sim.parts.desk.state.markets["BTCUSDT"].instrument.price_grid
        assert levels(there)[1][0][0] == grid.parse(shown.asks[0][0])


# -- what follows the recording's time ---------------------------------------------------------------------------


async def test_in_recorded_time_the_clock_that_clients_see_is_the_recordings() -> None:
    async with recorded() as there:
        assert (await there.get("/api/v1/time"))["serverTime"] == FIRST
        await there.clock(advance_ms=1234)
        assert (await there.get("/api/v1/time"))["serverTime"] == FIRST + 1234
        person = there.people[0]
        assert (await person.send("GET", "/api/v1/account", timestamp=FIRST + 1000))[0] == 200
        status, told = await person.send("GET", "/api/v1/account", timestamp=FIRST + 1000, recvWindow=100)
        assert (status, told["code"]) == (400, "-1021")


async def test_listen_keys_expire_in_the_exchanges_time() -> None:
    async with recorded(loop=False) as there:
        _, told = await there.people[0].send("POST", "/api/v1/userDataStream")
        url = there.sim.ready.ws_private.format(listenKey=told["listenKey"])
        await there.clock(advance_ms=59 * MINUTE)
        async with connect(url) as client:
            await there.clock(advance_ms=2 * MINUTE)
            async with asyncio.timeout(10):
                await client.wait_closed()
            assert client.close_code == 1000
        with pytest.raises(InvalidStatus):
            await connect(url)


async def test_funding_settles_in_the_exchanges_time() -> None:
    async with recorded(loop=False) as there:
        now = (await there.control("GET", "clock"))[1]["time"] * NANOS_PER_MILLI
        settles = now - now % INTERVAL + INTERVAL
        await there.clock(advance_ms=(settles - now) // NANOS_PER_MILLI - 1)
        assert await there.get("/api/v1/futures/historyFundingRate?symbol=BTCUSDT-PERPETUAL") == []
        await there.clock(advance_ms=1)
        (row,) = await there.get("/api/v1/futures/historyFundingRate?symbol=BTCUSDT-PERPETUAL")
        assert int(row["settleTime"]) == settles // NANOS_PER_MILLI


async def test_candles_and_their_times_are_the_recordings() -> None:
    async with recorded(loop=False) as there:
        await there.clock(advance_ms=LAST - FIRST)
        _, prices = shown_at(LAST)
        rows = await there.get("/quote/v1/klines?symbol=BTCUSDT&interval=1m")
        assert [row[0] for row in rows] == list(range(FIRST - FIRST % MINUTE, LAST + 1, MINUTE))
        assert sum(row[8] for row in rows) == len(prices)
        assert rows[-1][4] == prices[-1]
        await there.clock(advance_ms=5 * MINUTE)
        rows = await there.get("/quote/v1/klines?symbol=BTCUSDT&interval=1m")
        assert (rows[-1][0], rows[-1][8]) == ((LAST + 5 * MINUTE) // MINUTE * MINUTE, 0)


async def test_pings_to_private_sockets_follow_the_exchanges_time() -> None:
    async with recorded(loop=False) as there:
        _, told = await there.people[0].send("POST", "/api/v1/userDataStream")
        async with connect(there.sim.ready.ws_private.format(listenKey=told["listenKey"])) as client:
            await until(lambda: bool(there.sim.parts.runner.ticks))
            await client.send('{"ping":1}')
            await client.recv()
            await there.clock(advance_ms=30_100)
            ping = json.loads(await client.recv())["ping"]
            assert FIRST + 30_000 <= ping <= FIRST + 30_100


async def test_keys_of_further_accounts_follow_from_the_first_ones_secret() -> None:
    async def keys(secret: str, seed: int = 1) -> list[tuple[str, str]]:
        settings = Settings(
            market=Market(empty=True, seed=seed),
            server=Server(port=0),
            accounts=Accounts(account=("a:USDT=1", "b:USDT=1"), api_key="K", api_secret=secret),
        )
        async with place(settings) as there:
            return [(one.api_key, one.api_secret) for one in there.sim.ready.accounts]

    first = await keys("secret")
    assert first[0] == ("K", "secret")
    assert await keys("secret") == first
    others = [(await keys("secreu"))[1], (await keys("secret", 2))[1], (await keys(""))[1], (await keys(""))[1]]
    assert len({first[1], *others}) == 5
