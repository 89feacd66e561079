"""Real ccxt pro on perpetuals: positions, orders, fills, balances and books of the sockets are what REST says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.clients.ccxt_exchanges import exact, told
from tests.clients.test_ccxt_pro import TRADE, Session, bar, flat, latest, listening, trading
from tests.serving import Ready, serving

pytestmark = pytest.mark.xdist_group("ccxt-pro-swap")

SPOT, SWAP = "ETH/USDT", "ETH/USDT:USDT"
BID, ASK = 2699.0, 2701.0
FUNDS = Decimal(100_000)
CLOSING = {"reduceOnly": True}
SWAPS = {"type": "swap"}


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    funds = [f"{name}{wallet}:USDT={FUNDS},ETH=10" for name in ("alice", "bob") for wallet in ("", "/futures")]
    with serving("--empty", *(part for one in funds for part in ("--account", one))) as ready:
        yield ready


async def trade(ready: Ready) -> Session:
    """A position opened twice, closed by a maker, an order cancelled; each step after the one before was heard of."""
    session = Session()
    async with (
        trading(ready, ("pro", "alice"), ("async", "bob")) as (alice, bob),
        listening(
            alice,
            session,
            watch_balance=(SWAPS,),
            watch_orders=(SWAP,),
            watch_my_trades=(SWAP,),
            watch_positions=([SWAP],),
            watch_order_book=(SWAP,),
            watch_trades=(SWAP,),
            watch_ticker=(SWAP,),
            watch_ohlcv=(SWAP,),
        ) as ears,
    ):
        for symbol, amount in ((SPOT, 1), (SWAP, 500)):
            await bob.create_order(symbol, "limit", "sell", amount, ASK)
            await bob.create_order(symbol, "limit", "buy", amount, BID)
        orders = ears["watch_orders"]
        taker = await alice.create_order(SWAP, "market", "buy", 30)
        await orders.until(latest(taker, "closed", 30.0))
        adds = await alice.create_order(SWAP, "limit", "buy", 10, 2702)
        await orders.until(latest(adds, "closed", 10.0))
        session.rest["position"] = await alice.fetch_positions([SWAP])
        closes = await alice.create_order(SWAP, "limit", "sell", 40, 2700, CLOSING)
        await orders.until(latest(closes, "open", 0.0))
        await bob.create_order(SWAP, "market", "buy", 40)
        await orders.until(latest(closes, "closed", 40.0))
        quote = await alice.create_order(SWAP, "limit", "sell", 5, 2750, {"postOnly": True})
        await orders.until(latest(quote, "open", 0.0))
        await alice.cancel_order(quote["id"], SWAP)
        await orders.until(latest(quote, "canceled", 0.0))
        session.orders = {"taker": taker["id"], "adds": adds["id"], "closes": closes["id"], "quote": quote["id"]}
        rest = session.rest
        rest["balance"] = await alice.fetch_balance(SWAPS)
        rest["orders"] = await alice.fetch_canceled_and_closed_orders(SWAP)
        rest["my_trades"] = await alice.fetch_my_trades(SWAP)
        for name in ("order_book", "trades", "ticker", "ohlcv"):
            rest[name] = await getattr(bob, f"fetch_{name}")(SWAP)
        await ears["watch_balance"].until(lambda heard: heard[-1]["USDT"] == rest["balance"]["USDT"])
        await ears["watch_positions"].until(lambda heard: heard[-1]["contracts"] == 0)
        await ears["watch_my_trades"].until(lambda heard: len(flat(heard)) == len(rest["my_trades"]))
        await ears["watch_trades"].until(lambda heard: len(flat(heard)) == len(rest["trades"]))
        await ears["watch_order_book"].until(lambda heard: heard[-1]["bids"] == rest["order_book"]["bids"])
        await ears["watch_ticker"].until(lambda heard: heard[-1]["baseVolume"] == rest["ticker"]["baseVolume"])
        await ears["watch_ohlcv"].until(lambda heard: bar(flat(heard)) == bar(rest["ohlcv"]))
    return session


@pytest.fixture(scope="module")
def traded(ready: Ready) -> Session:
    return asyncio.run(trade(ready))


def test_a_position_grows_is_rests_and_is_heard_of_with_no_contracts_when_it_is_closed(traded: Session) -> None:
    heard = traded.heard["watch_positions"]
    assert {told(one, "symbol", "side", "marginMode", "leverage") for one in heard} == {(SWAP, "long", "cross", 10)}
    sizes = [one["contracts"] for one in heard]
    assert list(dict.fromkeys(sizes)) == [30.0, 40.0, 0.0]
    grown = next(one for one in heard if one["contracts"] == 40.0)
    (rest,) = traded.rest["position"]
    # Not the unrealised profit: the mark may move between the event and the question.
    members = ("contracts", "entryPrice", "notional", "realizedPnl", "initialMargin")
    assert told(grown, *members) == told(rest, *members)
    assert grown["entryPrice"] == ASK


def test_every_order_ends_as_rest_says(traded: Session) -> None:
    members = ("clientOrderId", "symbol", "side", "amount", "status", "filled", "average", "timestamp")
    heard = {update["id"]: told(update, *members) for update in flat(traded.heard["watch_orders"])}
    assert heard == {order["id"]: told(order, *members) for order in traded.rest["orders"]}
    assert set(heard) == set(traded.orders.values())


def test_fills_are_rests(traded: Session) -> None:
    members = ("order", "symbol", "side", "price", "amount", "cost", "takerOrMaker", "timestamp")
    heard = {fill["id"]: told(fill, *members) for fill in flat(traded.heard["watch_my_trades"])}
    assert heard == {fill["info"]["ticketId"]: told(fill, *members) for fill in traded.rest["my_trades"]}
    assert len(heard) == 3


def test_the_balance_is_rests_and_follows_from_the_fills(traded: Session) -> None:
    total = FUNDS
    for fill in traded.rest["my_trades"]:
        total += Decimal(fill["info"]["realizedPnl"]) - exact(fill["fee"]["cost"])
    heard = traded.heard["watch_balance"][-1]
    assert exact(heard["USDT"]["total"]) == total
    assert heard["USDT"] == traded.rest["balance"]["USDT"]
    assert heard["USDT"]["used"] == 0


def test_books_trades_ticker_and_candles_are_rests_in_contracts(traded: Session) -> None:
    book: Any = traded.heard["watch_order_book"][-1]
    assert told(book, "bids", "asks") == ([[BID, 500.0]], [[ASK, 460.0]])
    heard = flat(traded.heard["watch_trades"])
    assert [told(one, *TRADE) for one in heard] == [told(one, *TRADE) for one in traded.rest["trades"]]
    assert [one["amount"] for one in heard] == [30.0, 10.0, 40.0]
    members = ("symbol", "open", "high", "low", "close", "baseVolume", "quoteVolume")
    assert told(traded.heard["watch_ticker"][-1], *members) == told(traded.rest["ticker"], *members)
    assert bar(flat(traded.heard["watch_ohlcv"])) == bar(traded.rest["ohlcv"]) != []
