"""Real ccxt pro on the public and the private socket: what it hears is what REST says, to the last digit.

Two sessions, at the same time: one on a market of two accounts, where every number is known, and one on a
recorded market that moves. The tests read what was heard; ``COVERED`` at the end says which test covers
which watch method.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from inspect import getsource
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.clients.ccxt_exchanges import BTC, FEE, configured, exact, told, totals
from tests.serving import Ready, serving

pytestmark = pytest.mark.xdist_group("ccxt-pro")

PATIENCE_S = 10
AT_ONCE = {"watch_balance", "watch_ticker"}
"""What says something before anything happens: the one by REST, the other on the public socket."""
FUNDS = {"USDT": Decimal(100000), "BTC": Decimal(2)}
DEPTH = 200
"""Levels that the socket shows; REST shows as many if it is told to."""


class Ear:
    """Everything that a watch method gives, copied as it comes."""

    def __init__(self, watch: Callable[..., Any], *args: Any) -> None:
        self.heard: list[Any] = []
        self._news = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(watch, args))
        self._listening.add_done_callback(lambda _: self._news.set())

    async def _listen(self, watch: Callable[..., Any], args: tuple[Any, ...]) -> None:
        while True:
            self.heard.append(deepcopy(await watch(*args)))
            self._news.set()

    async def until(self, enough: Callable[[list[Any]], bool]) -> None:
        """Wait for it; what the watch method raises is raised here."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not enough(self.heard):
                    await self._news.wait()
                    self._news.clear()
                    if self._listening.done():
                        self._listening.result()
        except TimeoutError:
            pytest.fail(f"waited in vain; the last of {len(self.heard)} that were heard: {self.heard[-1:]}")

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])


@dataclass
class Session:
    """What was placed, what the sockets said, and what REST says."""

    orders: dict[str, str] = field(default_factory=dict)
    heard: dict[str, list[Any]] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def trading(ready: Ready, *who: tuple[str, str]) -> AsyncIterator[list[Any]]:
    """Exchanges of these kinds for these accounts; they know their markets and are closed at the end."""
    exchanges = [configured(ready, kind, name) for kind, name in who]
    try:
        await asyncio.gather(*(one.load_markets() for one in exchanges))
        yield exchanges
    finally:
        await asyncio.gather(*(one.close() for one in exchanges))


@asynccontextmanager
async def listening(exchange: Any, session: Session, **watched: tuple[Any, ...]) -> AsyncIterator[dict[str, Ear]]:
    """Ears for watch methods, on sockets that are open; what they heard goes into the session."""
    ears = {name: Ear(getattr(exchange, name), *args) for name, args in watched.items()}
    try:
        for name in ears.keys() & AT_ONCE:
            await ears[name].until(bool)
        await asyncio.gather(*(one.connected for url, one in exchange.clients.items() if url.startswith("ws")))
        yield ears
    finally:
        for name, ear in ears.items():
            session.heard[name] = ear.heard
            await ear.close()


def flat(batches: list[Any]) -> list[Any]:
    return [one for batch in batches for one in batch]


def latest(order: Any, *state: Any) -> Callable[[list[Any]], bool]:
    """Whether the last that was heard of an order is this status and this much filled."""

    def heard(batches: list[Any]) -> bool:
        updates = [told(update, "status", "filled") for update in flat(batches) if update["id"] == order["id"]]
        return updates[-1:] == [state]

    return heard


async def trade(ready: Ready) -> Session:
    """Every way that an order can go, each step after the one before was heard of; then what REST says."""
    session = Session()
    symbol = (BTC,)
    async with (
        trading(ready, ("pro", "alice"), ("async", "bob")) as (alice, bob),
        listening(
            alice,
            session,
            watch_balance=(),
            watch_orders=(),
            watch_my_trades=(),
            watch_order_book=symbol,
            watch_trades=symbol,
            watch_ticker=symbol,
            watch_ohlcv=symbol,
        ) as ears,
    ):
        orders = ears["watch_orders"]

        async def place(name: str, kind: str, side: str, amount: float, *more: Any) -> Any:
            order = await alice.create_order(BTC, kind, side, amount, *more)
            session.orders[name] = order["id"]
            return order

        maker = await place("maker", "limit", "buy", 0.03, 60000)
        await orders.until(latest(maker, "open", 0.0))
        await bob.create_order(BTC, "market", "sell", 0.01)
        await orders.until(latest(maker, "open", 0.01))
        await bob.create_order(BTC, "market", "sell", 0.02)
        await orders.until(latest(maker, "closed", 0.03))

        quote = await place("canceled", "limit", "sell", 0.05, 61000, {"postOnly": True})
        await orders.until(latest(quote, "open", 0.0))
        await alice.cancel_order(quote["id"])
        await orders.until(latest(quote, "canceled", 0.0))

        await asyncio.gather(offer(bob), alice.keep_alive_listen_key(alice.options["listenKey"]))
        taker = await place("taker", "market", "buy", 0.03)
        await orders.until(latest(taker, "closed", 0.03))
        spender = await place("spender", "market", "buy", 100, None, {"cost": 100})
        await orders.until(latest(spender, "closed", 0.00165))
        await bob.create_order(BTC, "limit", "buy", 0.01, 60400)
        part = await place("part", "limit", "sell", 0.02, 60400, {"timeInForce": "IOC"})
        await orders.until(latest(part, "canceled", 0.01))
        await place("resting", "limit", "buy", 0.01, 59000)

        await asyncio.gather(ask_about_the_market(bob, session.rest), ask_about_the_account(alice, session.rest))
        await settle(ears, session.rest)
    return session


async def offer(exchange: Any) -> None:
    for amount, price in ((0.01, 60500), (0.02, 60510), (0.5, 60520)):
        await exchange.create_order(BTC, "limit", "sell", amount, price)


async def ask_about_the_market(exchange: Any, rest: dict[str, Any]) -> None:
    for name in ("order_book", "trades", "ticker", "ohlcv"):
        rest[name] = await getattr(exchange, f"fetch_{name}")(BTC)


async def ask_about_the_account(exchange: Any, rest: dict[str, Any]) -> None:
    rest["balance"] = await exchange.fetch_balance()
    rest["orders"] = await exchange.fetch_open_orders(BTC)
    rest["orders"] += await exchange.fetch_canceled_and_closed_orders(BTC)
    rest["my_trades"] = await exchange.fetch_my_trades(BTC)


async def settle(ears: dict[str, Ear], rest: dict[str, Any]) -> None:
    """Until the slower streams have said what is known."""
    await ears["watch_balance"].until(lambda heard: heard[-1]["free"] == rest["balance"]["free"])
    await ears["watch_my_trades"].until(lambda heard: len(flat(heard)) == len(rest["my_trades"]))
    await ears["watch_trades"].until(lambda heard: len(flat(heard)) == len(rest["trades"]))
    await ears["watch_order_book"].until(lambda heard: heard[-1]["timestamp"] == rest["order_book"]["timestamp"])
    await ears["watch_ticker"].until(lambda heard: heard[-1]["baseVolume"] == rest["ticker"]["baseVolume"])
    await ears["watch_ohlcv"].until(lambda heard: bar(flat(heard)) == bar(rest["ohlcv"]))


def assets(balance: Any) -> Any:
    """Free, used and total of every asset."""
    return {asset: balance[asset] for asset in balance["total"]}


def bar(rows: list[Any]) -> list[float]:
    """The last that was said of the latest minute in which there were trades.

    When a minute ends between two looks, ccxt hands on only what came of the new one.
    """
    traded = {row[0]: row for row in rows if row[5]}
    return list(traded[max(traded)]) if traded else []


TRADE = ("side", "price", "amount", "timestamp")


async def follow(ready: Ready) -> Session:
    """Listen to a market that moves until some of its books were met by REST as well, and the latest trades."""
    session = Session()
    books = session.rest["order_book"] = {}
    async with (
        trading(ready, ("pro", "default")) as (exchange,),
        listening(exchange, session, watch_order_book=(BTC,), watch_trades=(BTC,)) as ears,
    ):
        heard = ears["watch_order_book"].heard
        async with asyncio.timeout(PATIENCE_S):
            while len(books.keys() & {book["timestamp"] for book in heard}) < 3:
                book = await exchange.fetch_order_book(BTC, DEPTH)
                books[book["timestamp"]] = book
        session.rest["trades"] = await exchange.fetch_trades(BTC)
        end = session.rest["trades"][-1]["timestamp"]
        await ears["watch_trades"].until(lambda heard: bool(heard) and flat(heard)[-1]["timestamp"] > end)
    return session


@pytest.fixture(scope="module")
def quiet() -> Iterator[Ready]:
    """A market of two accounts."""
    funds = ",".join(f"{asset}={amount}" for asset, amount in FUNDS.items())
    with serving("--empty", "--account", f"alice:{funds}", "--account", f"bob:{funds}") as ready:
        yield ready


@pytest.fixture(scope="module")
def sessions(quiet: Ready) -> tuple[Session, Session]:
    """On the quiet and on the moving market."""

    async def both(moving: Ready) -> tuple[Session, Session]:
        return await asyncio.gather(trade(quiet), follow(moving))

    # Slow enough for one state of the book to be met on both ways, and for its trades to come one by one.
    with serving("--replay", "replay_data/small.hkrec", "--speed", "0.2") as moving:
        return asyncio.run(both(moving))


@pytest.fixture
def traded(sessions: tuple[Session, Session]) -> Session:
    return sessions[0]


@pytest.fixture
def followed(sessions: tuple[Session, Session]) -> Session:
    return sessions[1]


def states(session: Session, name: str) -> list[tuple[Any, ...]]:
    """What was heard of an order, one state after the other."""
    updates = [update for update in flat(session.heard["watch_orders"]) if update["id"] == session.orders[name]]
    return [told(update, "status", "filled", "remaining", "average") for update in updates]


class TestPrivateSocket:
    def test_a_maker_is_heard_of_as_new_partly_filled_and_filled(self, traded: Session) -> None:
        assert states(traded, "maker") == [
            ("open", 0.0, 0.03, None),
            ("open", 0.01, 0.02, 60000.0),
            ("closed", 0.03, 0.0, 60000.0),
        ]

    def test_a_cancelled_order_is_heard_of_as_new_and_cancelled(self, traded: Session) -> None:
        assert states(traded, "canceled") == [("open", 0.0, 0.05, None), ("canceled", 0.0, 0.05, None)]

    def test_what_trades_at_once_is_heard_of_in_its_end(self, traded: Session) -> None:
        assert states(traded, "taker")[-1] == ("closed", 0.03, 0.0, 60506.6666)
        assert states(traded, "spender")[-1] == ("closed", 0.00165, 0.0, 60520.0)
        assert states(traded, "part")[-1] == ("canceled", 0.01, 0.01, 60400.0)

    def test_every_order_ends_as_rest_says(self, traded: Session) -> None:
        members = ("clientOrderId", "symbol", "side", "amount", "status", "filled", "cost", "average", "timestamp")
        heard = {update["id"]: told(update, *members) for update in flat(traded.heard["watch_orders"])}
        assert heard == {order["id"]: told(order, *members) for order in traded.rest["orders"]}
        assert set(heard) == set(traded.orders.values())

    def test_fills_are_rests(self, traded: Session) -> None:
        members = ("order", "symbol", "side", "price", "amount", "cost", "takerOrMaker", "timestamp")
        heard = {fill["id"]: told(fill, *members) for fill in flat(traded.heard["watch_my_trades"])}
        assert heard == {fill["info"]["ticketId"]: told(fill, *members) for fill in traded.rest["my_trades"]}
        assert len(heard) == 6

    def test_balances_are_rests_and_follow_from_the_fills_heard(self, traded: Session) -> None:
        total = dict(FUNDS)
        for fill in flat(traded.heard["watch_my_trades"]):
            amount, cost = exact(fill["amount"]), exact(fill["cost"])
            if fill["side"] == "buy":
                total["BTC"] += amount - amount * FEE
                total["USDT"] -= cost
            else:
                total["BTC"] -= amount
                total["USDT"] += cost - cost * FEE
        heard = traded.heard["watch_balance"]
        assert totals(heard[0], *FUNDS) == FUNDS
        assert totals(heard[-1], *FUNDS) == total
        assert heard[-1]["USDT"]["used"] == 590.0
        assert assets(heard[-1]) == assets(traded.rest["balance"])

    def test_a_key_that_nobody_has_opens_no_socket(self, quiet: Ready) -> None:
        async def knock() -> None:
            stranger = configured(quiet, "pro", "alice")
            stranger.apiKey = "nobody's"
            try:
                with pytest.raises(ccxt.AuthenticationError, match='"0102"'):
                    await stranger.watch_balance()
            finally:
                await stranger.close()

        asyncio.run(knock())


class TestPublicSocket:
    def test_the_book_changes_and_ends_as_rest_says(self, traded: Session) -> None:
        books = traded.heard["watch_order_book"]
        assert told(books[-1], "bids", "asks") == told(traded.rest["order_book"], "bids", "asks")
        assert told(books[-1], "bids", "asks") == ([[59000.0, 0.01]], [[60520.0, 0.49835]])
        assert len({book["timestamp"] for book in books}) >= 3

    def test_trades_are_rests_and_those_of_the_account(self, traded: Session) -> None:
        heard = flat(traded.heard["watch_trades"])
        assert [told(trade, *TRADE) for trade in heard] == [told(trade, *TRADE) for trade in traded.rest["trades"]]
        assert [trade["id"] for trade in heard] == [fill["id"] for fill in flat(traded.heard["watch_my_trades"])]

    def test_the_ticker_is_rests_but_for_the_book(self, traded: Session) -> None:
        heard, rest = traded.heard["watch_ticker"], traded.rest["ticker"]
        members = ("symbol", "open", "high", "low", "close", "baseVolume", "quoteVolume", "percentage")
        assert told(heard[-1], *members) == told(rest, *members)
        assert told(rest, "open", "high", "low", "close") == (60000.0, 60520.0, 60000.0, 60400.0)
        assert heard[0]["last"] is None

    def test_candles_are_rests(self, traded: Session) -> None:
        assert bar(flat(traded.heard["watch_ohlcv"])) == bar(traded.rest["ohlcv"]) != []

    def test_a_moving_book_is_at_each_moment_what_rest_says(self, followed: Session) -> None:
        books, rest = followed.heard["watch_order_book"], followed.rest["order_book"]
        for book in books:
            bids, asks = book["bids"], book["asks"]
            assert len(bids) == len(asks) == DEPTH
            assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
            assert bids[0][0] < asks[0][0]
        times = [book["timestamp"] for book in books]
        assert times == sorted(set(times))
        common = [book for book in books if book["timestamp"] in rest]
        assert len(common) >= 3
        for book in common:
            assert told(book, "bids", "asks") == told(rest[book["timestamp"]], "bids", "asks")

    def test_a_moving_markets_trades_are_rests(self, followed: Session) -> None:
        heard = [told(trade, *TRADE) for trade in flat(followed.heard["watch_trades"])]
        rest = [told(trade, *TRADE) for trade in followed.rest["trades"]][-10:]
        assert any(heard[start : start + len(rest)] == rest for start in range(len(heard)))
        ids = [int(trade["id"]) for trade in flat(followed.heard["watch_trades"])]
        assert ids == sorted(set(ids))


COVERED = {
    TestPrivateSocket.test_every_order_ends_as_rest_says: "watchOrders",
    TestPrivateSocket.test_fills_are_rests: "watchMyTrades",
    TestPrivateSocket.test_balances_are_rests_and_follow_from_the_fills_heard: "watchBalance",
    TestPublicSocket.test_the_book_changes_and_ends_as_rest_says: "watchOrderBook",
    TestPublicSocket.test_trades_are_rests_and_those_of_the_account: "watchTrades",
    TestPublicSocket.test_the_ticker_is_rests_but_for_the_book: "watchTicker",
    TestPublicSocket.test_candles_are_rests: "watchOHLCV",
}


class TestTheTable:
    def test_it_has_every_method_that_pro_adds_once(self) -> None:
        known = ccxt.hashkey().has
        added = {name for name, value in ccxt.pro.hashkey().has.items() if value and not known.get(name)}
        assert sorted(COVERED.values()) == sorted(added - {"ws"})

    @pytest.mark.parametrize("test", COVERED, ids=lambda test: test.__name__)
    def test_each_test_reads_what_it_covers(self, test: Callable[..., None]) -> None:
        assert f'"{ccxt.hashkey().un_camel_case(COVERED[test])}"' in getsource(test)
