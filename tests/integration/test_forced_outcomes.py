"""Orders whose client order id asks for their own fate, on spot and on a perpetual, over real HTTP and sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from simulator.config import Accounts, Market, Server, Settings, Venue
from tests.integration.test_faults import names, private, until_pong
from tests.integration.trading import Place, place
from tests.wire import sign

FUNDS = ("alice:USDT=1000000,BTC=10", "alice/futures:USDT=1000000", "bob:USDT=1")
SPOT, FUTURES = "/api/v1/spot/order", "/api/v1/futures/order"


@asynccontextmanager
async def exchange(*, on: bool = True) -> AsyncIterator[Place]:
    settings = Settings(
        market=Market(empty=True, paused=True),
        server=Server(port=0),
        accounts=Accounts(account=FUNDS),
        venue=Venue(forced_outcomes=on),
    )
    async with place(settings) as there:
        for symbol in ("BTCUSDT", "BTCUSDT-PERPETUAL"):
            levels = {"bids": [["99", "5000"]], "asks": [["101", "5000"]]}
            assert (await there.control("POST", "market/book", symbol=symbol, **levels))[0] == 200
        await there.control("POST", "market/mark", symbol="BTCUSDT-PERPETUAL", mark="100", index="100")
        yield there


async def send(there: Place, path: str, name: str, **more: Any) -> tuple[int, Any]:
    """An order of a hundred lots at 100, in the middle of the spread."""
    if path == SPOT:
        wanted = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "100"}
        wanted |= {"newClientOrderId": name}
    else:
        wanted = {"symbol": "BTCUSDT-PERPETUAL", "side": "BUY_OPEN", "type": "LIMIT", "quantity": "100", "price": "100"}
        wanted |= {"clientOrderId": name}
    return await there.people[0].send("POST", path, **(wanted | more))


async def found(there: Place, path: str, name: str) -> Any:
    status, told = await there.people[0].send("GET", path, origClientOrderId=name, clientOrderId=name)
    assert status == 200, told
    return told


def share(order: Any) -> float:
    return float(order["executedQty"]) / float(order["origQty"])


@pytest.fixture(params=[SPOT, FUTURES], ids=["spot", "futures"])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(("name", "code"), [("sim-refuse-0401-1", "0401"), ("sim-refuse-2017", "-2017")])
async def test_refused_with_the_code_that_it_asks_for(path: str, name: str, code: str) -> None:
    async with exchange() as there:
        status, told = await send(there, path, name)
        assert (status, told["code"]) == (400, code)
        assert not there.sim.parts.desk.state.orders


async def test_a_code_that_the_venue_has_not_is_refused_as_a_bad_id(path: str) -> None:
    async with exchange() as there:
        assert (await send(there, path, "sim-refuse-nothing"))[1]["code"] == "-1123"


async def test_filled_at_its_price_though_nobody_trades_there(path: str) -> None:
    async with exchange() as there:
        assert (await send(there, path, "sim-fill-1"))[1]["status"] == "FILLED"
        order = await found(there, path, "sim-fill-1")
        assert (order["status"], float(order["avgPrice"])) == ("FILLED", 100)
        _, told = await there.control("GET", "explain?clientOrderId=sim-fill-1")
        assert [one["cause"] for one in told["fills"]] == ["its client order id asked for it"]
        markets = there.sim.parts.desk.state.markets
        assert all(market.last is None for market in markets.values())


async def test_thirty_percent_are_filled_and_the_rest_is_cancelled_by_hand(path: str) -> None:
    async with exchange() as there:
        await send(there, path, "sim-fill30-1")
        order = await found(there, path, "sim-fill30-1")
        assert (order["status"], share(order)) == ("PARTIALLY_FILLED", 0.3)
        assert (await there.people[0].send("DELETE", path, orderId=order["orderId"], type="LIMIT"))[0] == 200
        assert share(await found(there, path, "sim-fill30-1")) == 0.3


async def test_of_an_immediate_order_the_rest_is_cancelled(path: str) -> None:
    async with exchange() as there:
        await send(there, path, "sim-fill30-1", timeInForce="IOC")
        order = await found(there, path, "sim-fill30-1")
        assert order["status"] not in ("NEW", "PARTIALLY_FILLED") and share(order) == 0.3


async def test_filled_in_three_parts(path: str) -> None:
    async with exchange() as there, private(there) as socket:
        await send(there, path, "sim-parts-1")
        shares = []
        for _ in range(3):
            shares.append(round(share(await found(there, path, "sim-parts-1")), 2))
            await there.clock(advance_ms=100)
        assert shares == [pytest.approx(part, abs=0.01) for part in (1 / 3, 2 / 3, 1)]
        reports = [one for one in names(await until_pong(socket)) if one.lower().endswith("executionreport")]
        assert len(reports) == 4


async def test_it_rests_for_ever_and_can_be_cancelled(path: str) -> None:
    async with exchange() as there:
        assert (await send(there, path, "sim-rest-1", price="102"))[0] == 200
        symbol = "BTCUSDT" if path == SPOT else "BTCUSDT-PERPETUAL"
        sell = {"symbol": symbol, "price": "99", "qty": "50", "side": "SELL"}
        assert (await there.control("POST", "market/trade", **sell))[0] == 200
        await there.clock(advance_ms=3_600_000)
        order = await found(there, path, "sim-rest-1")
        assert (order["status"], share(order)) == ("NEW", 0)
        _, told = await there.control("GET", "explain?clientOrderId=sim-rest-1")
        assert "stands apart" in told["rest"]
        assert (await there.people[0].send("DELETE", path, orderId=order["orderId"], type="LIMIT"))[0] == 200


async def test_accepted_and_then_cancelled(path: str) -> None:
    async with exchange() as there:
        assert (await send(there, path, "sim-cancel-1"))[1]["status"] == "NEW"
        await there.clock(advance_ms=100)
        assert (await found(there, path, "sim-cancel-1"))["status"] == "CANCELED"


async def test_the_answer_is_lost_and_the_order_is_there(path: str) -> None:
    async with exchange() as there:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(there, path, "sim-lose-1")
        assert (await found(there, path, "sim-lose-1"))["status"] == "NEW"


async def test_a_batch_has_each_orders_own_fate() -> None:
    async with exchange() as there:
        gate_fates = ["sim-fill-1", "sim-refuse-0401-2", "usual", "sim-rest-3"]
        person = there.people[0]
        rows = [
            {
                "symbol": "BTCUSDT",
                "side": "BUY",
                "type": "LIMIT",
                "quantity": "1",
                "price": "90",
                "newClientOrderId": one,
            }
            for one in gate_fates
        ]
        query = urlencode({"timestamp": there.sim.parts.runner.now() // 1_000_000})
        url = (
            f"{there.sim.ready.rest}/api/v1/spot/batchOrders?{query}&signature={sign(person.access.api_secret, query)}"
        )
        headers = {"X-HK-APIKEY": person.access.api_key, "Content-Type": "application/json"}
        async with there.http.post(url, data=json.dumps(rows), headers=headers) as reply:
            told = json.loads(await reply.read())
        assert [one["code"] for one in told["result"]] == ["0000", "0401", "0000", "0000"]
        open_orders = there.sim.parts.desk.state.customers["alice"].open_orders.values()
        assert [one.client_order_id for one in open_orders] == ["usual", "sim-rest-3"]


async def test_no_money_is_made_or_lost(path: str) -> None:
    async with exchange() as there:
        ledger = there.sim.parts.desk.state.ledger

        def sums() -> dict[str, int]:
            told: dict[str, int] = {}
            for one in ledger:
                told[one.asset] = told.get(one.asset, 0) + one.total
            return told

        before = sums()
        for name in ("fill", "fill30", "parts", "rest", "cancel"):
            assert (await send(there, path, f"sim-{name}-1"))[0] == 200
        await there.clock(advance_ms=1000)
        assert sums() == before
        cancel_all = path.replace("/order", "/cancelAllOpenOrders")
        assert (await there.people[0].send("DELETE", cancel_all))[0] == 200
        assert sums() == before
        assert not any(one.held for one in ledger if one.account == "alice")
        assert not there.sim.parts.desk.state.customers["alice"].open_orders


async def test_switched_off_an_id_is_an_id(path: str) -> None:
    async with exchange(on=False) as there:
        assert (await send(there, path, "sim-fill-1"))[1]["status"] == "NEW"
