"""A connector's test suite as its author would write it. The connector here is ccxt's, the exchange is the plugin's."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import ccxt
import ccxt.pro
import pytest

from simulator.testing import SimClock, SimServer

BTC, PERPETUAL = "BTCUSDT", "BTCUSDT-PERPETUAL"


@pytest.fixture
def connector(sim_server: SimServer) -> ccxt.hashkey:
    connector = ccxt.hashkey({"enableRateLimit": False})
    sim_server.configure_ccxt(connector)
    for symbol in (BTC, PERPETUAL):
        sim_server.set_book(symbol, bids=[("99.0", "2000")], asks=[("101.0", "2000")])
    return connector


def test_a_market_order_takes_the_book(connector: ccxt.hashkey) -> None:
    order = connector.create_order("BTC/USDT", "market", "buy", 1.5)
    assert connector.fetch_order(order["id"], "BTC/USDT")["average"] == 101


def test_a_resting_order_fills_when_the_market_trades_through_it(
    sim_server: SimServer, connector: ccxt.hashkey
) -> None:
    order = connector.create_order("BTC/USDT", "limit", "buy", 0.5, 98)
    assert [one["id"] for one in connector.fetch_open_orders("BTC/USDT")] == [order["id"]]
    sim_server.trade(BTC, price="97.5", qty="1", side="SELL")
    assert connector.fetch_order(order["id"], "BTC/USDT")["status"] == "closed"
    assert "through" in sim_server.explain(order_id=order["id"])["fills"][0]["reason"]


def test_a_cancel_names_its_order_and_nothing_else_is_sent(sim_server: SimServer, connector: ccxt.hashkey) -> None:
    order = connector.create_order("BTC/USDT", "limit", "buy", 0.5, 98)
    sim_server.requests.clear()
    connector.cancel_order(order["id"], "BTC/USDT")
    assert sim_server.requests.one(method="DELETE", orderId=order["id"]).status == 200
    assert len(sim_server.requests) == 1


def test_what_the_account_does_not_have_it_cannot_spend(sim_server: SimServer, connector: ccxt.hashkey) -> None:
    sim_server.withdraw("USDT", "99999")
    with pytest.raises(ccxt.InsufficientFunds):
        connector.create_order("BTC/USDT", "limit", "buy", 1, 98)
    sim_server.requests.one(method="POST", side="BUY", status=400, code="0401")


def test_a_long_position_pays_its_funding(sim_server: SimServer, sim_clock: SimClock, connector: ccxt.hashkey) -> None:
    sim_server.mark(PERPETUAL, mark="100", index="100")
    sim_server.funding(PERPETUAL, "0.001")
    connector.create_order("BTC/USDT:USDT", "limit", "buy", 1000, 101)
    before = sim_server.balances(wallet="futures")["USDT"]["free"]
    sim_clock.advance(hours=8)
    assert before - sim_server.balances(wallet="futures")["USDT"]["free"] == Decimal("0.1")


async def test_a_fill_is_told_on_the_private_socket(sim_server: SimServer) -> None:
    sim_server.set_book(BTC, asks=[("101.0", "2")])
    connector = ccxt.pro.hashkey({"enableRateLimit": False})
    sim_server.configure_ccxt(connector)
    hearing = asyncio.create_task(connector.watch_my_trades())
    await asyncio.to_thread(sim_server.requests.wait_for, method="WS")
    order = await connector.create_order("BTC/USDT", "market", "buy", 0.5)
    assert [fill["order"] for fill in await hearing] == [order["id"]]
    await connector.close()
