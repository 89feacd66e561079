"""Real ccxt, blocking and asyncio: every unified method that touches spot gives the right values.

The tests' own accounts are the whole market, so every number is known. ``COVERED`` at the end says which test
covers which method that ccxt claims to have, ``NOT_SPOT`` why others have no test here.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from inspect import getsource
from typing import Any

import ccxt
import pytest

from tests.clients.ccxt_exchanges import BTC, ETH, FEE, LTC, Blocking, blocking, exact, moved, told, totals
from tests.serving import Ready, serving

pytestmark = pytest.mark.xdist_group("ccxt")

ADDRESS = "0x00000000000000000000000000000000000a11ce"
ORDER = ("status", "type", "side", "price", "amount", "filled", "remaining")
BIDS, ASKS = [[78.0, 1.0], [77.0, 2.0]], [[82.0, 1.5], [83.0, 1.0]]
TRADES = [("buy", 80.0, 0.5), ("buy", 81.0, 0.25), ("sell", 79.0, 0.3)]
"""What stands in LTC/USDT from the start, and what was traded there before."""
RESTING = len(BIDS + ASKS)
KINDS = ("sync", "async")
one_kind = pytest.mark.parametrize("alice", ["sync"], indirect=True)
"""ccxt waits 0.1 to 0.5 s before each call: no reason to wait twice for what is no other call on the wire."""


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    funds = "USDT=100000,BTC=2,LTC=100"
    accounts = [part for name in (*KINDS, "bob") for part in ("--account", f"{name}:{funds}")]
    with serving("--empty", *accounts) as ready:
        yield ready


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def alices(ready: Ready, runner: asyncio.Runner) -> Iterator[dict[str, Blocking]]:
    """One exchange of each kind, each with an account of its own."""
    with ExitStack() as stack:
        exchanges = {kind: stack.enter_context(blocking(ready, kind, kind, runner)) for kind in KINDS}
        for exchange in exchanges.values():
            exchange.load_markets()
        yield exchanges


@pytest.fixture(params=KINDS)
def alice(request: pytest.FixtureRequest, alices: dict[str, Blocking]) -> Blocking:
    return alices[request.param]


@pytest.fixture(scope="module")
def bob(ready: Ready, runner: asyncio.Runner) -> Iterator[Blocking]:
    """Who trades with alice."""
    with blocking(ready, "sync", "bob", runner) as exchange:
        yield exchange


@pytest.fixture(scope="module", autouse=True)
def tape(alices: dict[str, Blocking], bob: Any) -> None:
    """LTC/USDT is traded here once and then stands still."""
    alice = alices["sync"]
    for side, price, amount in TRADES:
        maker, taker, other = (bob, alice, "sell") if side == "buy" else (alice, bob, "buy")
        maker.create_order(LTC, "limit", other, amount, price)
        taker.create_order(LTC, "market", side, amount)
    for bid, ask in zip(BIDS, ASKS, strict=True):
        alice.create_order(LTC, "limit", "buy", bid[1], bid[0])
        bob.create_order(LTC, "limit", "sell", ask[1], ask[0])


@pytest.fixture(autouse=True)
def nothing_left(ready: Ready, alices: dict[str, Blocking], bob: Blocking) -> Iterator[None]:
    """A test that fails half-way is no reason for the next one to fail."""
    yield
    with urllib.request.urlopen(f"{ready.control}/state") as reply:
        left = json.load(reply)["open_orders"] - RESTING
    if left:
        for exchange in (*alices.values(), bob):
            exchange.cancel_all_orders(BTC)
    assert not left, "orders were left open"


class TestMarketData:
    def test_markets_and_currencies_are_exchange_infos_and_need_no_key(
        self, ready: Ready, runner: asyncio.Runner, alices: dict[str, Blocking]
    ) -> None:
        # An exchange each, because only a first call does not wait.
        with blocking(ready, "sync", "bob", runner) as one, blocking(ready, "sync", "bob", runner) as other:
            for visitor in (one, other):
                visitor.exchange.apiKey = visitor.exchange.secret = None
            currencies, rows = one.fetch_currencies(), other.fetch_markets()
        markets = {market["symbol"]: market for market in rows}
        assert {symbol for symbol in markets if markets[symbol]["spot"]} == {BTC, ETH, LTC}
        market = markets[BTC]
        assert told(market, "id", "base", "quote", "type", "active") == ("BTCUSDT", "BTC", "USDT", "spot", True)
        assert told(market, "maker", "taker", "precision") == (0.0012, 0.0012, {"amount": 1e-05, "price": 0.01})
        limits = ({"min": 1e-05, "max": 8.0}, {"min": 0.01, "max": 100000.0})
        assert told(market["limits"], "amount", "price") == limits
        smallest = {name: one["limits"]["withdraw"]["min"] for name, one in currencies["USDT"]["networks"].items()}
        assert smallest == {"ERC20": 25.0, "TRC20": 1.0, "ARBITRUM": 1.0}
        bitcoin = ("Bitcoin", "crypto", True, True, 0.0)
        assert told(currencies["BTC"], "name", "type", "deposit", "withdraw", "fee") == bitcoin
        for exchange in alices.values():
            assert exchange.markets == markets
            assert set(exchange.currencies) == set(currencies)

    def test_the_time_is_now_and_the_status_is_ok(self, alice: Any) -> None:
        assert abs(alice.fetch_time() - alice.milliseconds()) < 1_000
        assert alice.fetch_status()["status"] == "ok"

    def test_the_book_shows_both_accounts_orders_best_first(self, alice: Any) -> None:
        book = alice.fetch_order_book(LTC)
        assert told(book, "bids", "asks", "symbol") == (BIDS, ASKS, LTC)
        top = alice.fetch_order_book(LTC, 1)
        assert told(top, "bids", "asks", "timestamp") == (BIDS[:1], ASKS[:1], book["timestamp"])
        assert alice.fetch_l2_order_book(LTC) == book

    def test_trades_are_those_that_were_made_oldest_first(self, alice: Any) -> None:
        trades = alice.fetch_trades(LTC)
        assert [told(trade, "side", "price", "amount") for trade in trades] == TRADES
        assert [trade["cost"] for trade in trades] == [40.0, 20.25, 23.7]
        times = [trade["timestamp"] for trade in trades]
        assert times == sorted(times)
        assert alice.fetch_trades(LTC, limit=2)[0]["price"] == 81.0

    def test_candles_are_made_of_the_trades(self, alice: Any) -> None:
        expected: dict[int, list[float]] = {}
        for trade in alice.fetch_trades(LTC):
            start, price = trade["timestamp"] // 60_000 * 60_000, trade["price"]
            bar = expected.setdefault(start, [price, price, price, price, 0.0])
            bar[1:4] = max(bar[1], price), min(bar[2], price), price
            bar[4] = float(exact(bar[4]) + exact(trade["amount"]))
        bars = {row[0]: row[1:] for row in alice.fetch_ohlcv(LTC, "1m") if row[5]}
        assert bars == expected

    def test_the_ticker_sums_up_the_trades(self, alice: Any) -> None:
        ticker = alice.fetch_ticker(LTC)
        assert told(ticker, "open", "high", "low", "close", "last", "bid", "ask") == (80, 81, 79, 79, 79, 78, 82)
        assert told(ticker, "baseVolume", "quoteVolume", "change", "percentage") == (1.05, 83.95, -1.0, -1.25)
        everything = alice.fetch_tickers()
        assert set(everything) == {BTC, ETH, LTC}
        for one in (ticker, everything[LTC]):
            assert abs(one.pop("timestamp") - alice.milliseconds()) < 5_000
            one.pop("datetime"), one["info"].pop("t")
        assert everything[LTC] == ticker
        assert everything[ETH]["last"] is None

    def test_the_last_price_is_that_of_the_last_trade(self, alice: Any) -> None:
        assert alice.fetch_last_prices([LTC])[LTC]["price"] == 79.0


class TestOrders:
    def test_a_limit_order_rests_and_holds_its_money_until_it_is_cancelled(self, alice: Any) -> None:
        before = alice.fetch_balance()["USDT"]
        placed = alice.create_limit_order(BTC, "buy", 0.01, 50000)
        assert told(placed, *ORDER) == ("open", "limit", "buy", 50000.0, 0.01, 0.0, 0.01)
        assert told(placed, "symbol", "timeInForce", "postOnly") == (BTC, "GTC", False)
        for found in (alice.fetch_order(placed["id"]), *alice.fetch_open_orders(BTC)):
            assert told(found, "id", "clientOrderId", *ORDER) == told(placed, "id", "clientOrderId", *ORDER)
        assert alice.fetch_order_book(BTC)["bids"] == [[50000.0, 0.01]]
        held = alice.fetch_balance()["USDT"]
        assert exact(held["free"]) == exact(before["free"]) - 500
        assert exact(held["used"]) == exact(before["used"]) + 500
        canceled = alice.cancel_order(placed["id"], BTC)
        assert told(canceled, "id", *ORDER) == (placed["id"], "canceled", *told(placed, *ORDER[1:]))
        assert alice.fetch_balance()["USDT"] == before
        (finished,) = alice.fetch_canceled_and_closed_orders(BTC, placed["timestamp"])
        assert told(finished, "id", *ORDER) == told(canceled, "id", *ORDER)

    def test_market_orders_take_the_book_level_by_level_and_move_exactly_that_money(self, alice: Any, bob: Any) -> None:
        before = [totals(one.fetch_balance(), "BTC", "USDT") for one in (alice, bob)]
        asks = [bob.create_order(BTC, "limit", "sell", amount, price)["id"] for amount, price in ASKED]
        taken = alice.create_market_order(BTC, "buy", 0.03)
        assert told(taken, "status", "type", "side", "amount", "filled", "timeInForce") == (
            "closed",
            "market",
            "buy",
            0.03,
            0.03,
            "IOC",
        )
        order = alice.fetch_order(taken["id"])
        # The venue's average is cut to two more decimals than the tick has.
        assert told(order, "average", "cost", "filled", "remaining") == (60006.6666, 1800.2, 0.03, 0.0)
        bought = [fill for fill in alice.fetch_my_trades(BTC, taken["timestamp"]) if fill["order"] == taken["id"]]
        sold = [fill for fill in bob.fetch_my_trades(BTC, taken["timestamp"]) if fill["order"] in asks]
        for fills, side, role in ((bought, "buy", "taker"), (sold, "sell", "maker")):
            assert sorted(told(fill, "amount", "price") for fill in fills) == ASKED
            assert {told(fill, "side", "takerOrMaker", "symbol") for fill in fills} == {(side, role, BTC)}
        assert {fill["fee"]["currency"] for fill in bought} == {"BTC"}
        assert {fill["fee"]["currency"] for fill in sold} == {"USDT"}
        paid, got = Decimal("1800.2"), Decimal("0.03")
        assert sum(exact(fill["cost"]) for fill in bought) == paid
        assert sum(exact(fill["fee"]["cost"]) for fill in bought) == got * FEE
        assert sum(exact(fill["fee"]["cost"]) for fill in sold) == paid * FEE
        after = [totals(one.fetch_balance(), "BTC", "USDT") for one in (alice, bob)]
        assert moved(before[0], after[0]) == {"BTC": got - got * FEE, "USDT": -paid}
        assert moved(before[1], after[1]) == {"BTC": -got, "USDT": paid - paid * FEE}

    def test_a_market_buy_by_cost_spends_at_most_that(self, alice: Any, bob: Any) -> None:
        before = totals(alice.fetch_balance(), "BTC", "USDT")
        ask = bob.create_order(BTC, "limit", "sell", 0.5, 60000)
        taken = alice.create_market_buy_order_with_cost(BTC, 100)
        bob.cancel_order(ask["id"])
        # 100 / 60000 in whole steps of 0.00001.
        assert told(taken, "status", "type", "side", "filled") == ("closed", "market", "buy", 0.00166)
        assert told(alice.fetch_order(taken["id"]), "average", "cost", "amount") == (60000.0, 99.6, 0.00166)
        got = Decimal("0.00166")
        after = totals(alice.fetch_balance(), "BTC", "USDT")
        assert moved(before, after) == {"BTC": got - got * FEE, "USDT": Decimal("-99.6")}

    @one_kind
    def test_a_post_only_order_rests(self, alice: Any) -> None:
        placed = alice.create_order(BTC, "limit", "buy", 0.01, 50000, {"postOnly": True})
        assert told(placed, "status", "type", "postOnly", "timeInForce") == ("open", "limit", True, "GTC")
        assert alice.cancel_order(placed["id"])["postOnly"] is True

    @one_kind
    def test_an_order_is_open_while_part_of_it_is_left(self, alice: Any, bob: Any) -> None:
        ask = bob.create_order(BTC, "limit", "sell", 0.03, 60000)
        alice.create_order(BTC, "limit", "buy", 0.01, 60000)
        (part,) = bob.fetch_open_orders(BTC)
        assert told(part, "id", *ORDER) == (ask["id"], "open", "limit", "sell", 60000.0, 0.03, 0.01, 0.02)
        assert told(part, "average", "cost") == (60000.0, 600.0)
        assert told(bob.cancel_order(ask["id"]), *ORDER[:1], "filled", "remaining") == ("canceled", 0.01, 0.02)

    @one_kind
    def test_what_an_immediate_order_does_not_get_is_cancelled(self, alice: Any, bob: Any) -> None:
        ask = bob.create_order(BTC, "limit", "sell", 0.01, 60000)
        nothing = alice.create_order(BTC, "limit", "buy", 0.02, 60000, {"timeInForce": "FOK"})
        assert told(nothing, "status", "filled", "timeInForce") == ("canceled", 0.0, "FOK")
        part = alice.create_order(BTC, "limit", "buy", 0.02, 60000, {"timeInForce": "IOC"})
        assert told(part, "status", "filled", "remaining", "timeInForce") == ("canceled", 0.01, 0.01, "IOC")
        assert bob.fetch_order(ask["id"])["status"] == "closed"

    def test_a_batch_places_its_orders_and_one_side_or_a_list_of_them_is_cancelled(self, alice: Any) -> None:
        plain = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01}
        wanted = [plain | {"price": 50000}, plain | {"price": 50001, "params": {"postOnly": True}}]
        wanted.append({**plain, "side": "sell", "price": 70000, "params": {"clientOrderId": "third"}})
        placed = alice.create_orders(wanted)
        assert [told(order, "status", "side", "price", "amount", "postOnly") for order in placed] == [
            ("open", "buy", 50000.0, 0.01, False),
            ("open", "buy", 50001.0, 0.01, True),
            ("open", "sell", 70000.0, 0.01, False),
        ]
        assert placed[2]["clientOrderId"] == "third"
        (answer,) = alice.cancel_all_orders(BTC, {"side": "SELL"})
        assert answer["info"]["success"] is True
        left = [order["id"] for order in alice.fetch_open_orders(BTC)]
        assert sorted(left) == [order["id"] for order in placed[:2]]
        (answer,) = alice.cancel_orders(left, BTC)
        assert told(answer["info"], "code", "result") == ("0000", [])
        assert alice.fetch_open_orders(BTC) == []

    @one_kind
    def test_the_good_part_of_a_list_is_done_although_ccxt_raises(self, alice: Any) -> None:
        plain = {"symbol": BTC, "type": "limit", "side": "buy", "price": 50000}
        with pytest.raises(ccxt.InsufficientFunds, match='"0401"'):
            alice.create_orders([plain | {"amount": amount} for amount in (0.01, 5, 0.02)])
        placed = {order["amount"]: order["id"] for order in alice.fetch_open_orders(BTC)}
        assert set(placed) == {0.01, 0.02}
        with pytest.raises(ccxt.OrderNotFound, match='"0211"'):
            alice.cancel_orders([placed[0.01], "1"], BTC)
        assert [order["amount"] for order in alice.fetch_open_orders(BTC)] == [0.02]
        alice.cancel_all_orders(BTC)
        assert alice.fetch_open_orders(BTC) == []

    def test_the_clients_own_id_finds_and_cancels_an_order_whatever_it_is(self, alice: Any) -> None:
        # Signed as it is quoted, once in a query and twice in a form body.
        own = {"clientOrderId": "mine 1,+/é&=%2C~'"}
        placed = alice.create_order(BTC, "limit", "buy", 0.01, 50000, own)
        found, canceled = alice.fetch_order("", BTC, own), alice.cancel_order("", BTC, own)
        assert placed["id"] == found["id"] == canceled["id"]
        assert {order["clientOrderId"] for order in (placed, found, canceled)} == set(own.values())
        assert canceled["status"] == "canceled"

    def test_an_edited_order_is_another_order(self, alice: Any) -> None:
        first = alice.create_order(BTC, "limit", "buy", 0.01, 50000)
        second = alice.edit_order(first["id"], BTC, "limit", "buy", 0.02, 50001)
        assert told(second, *ORDER) == ("open", "limit", "buy", 50001.0, 0.02, 0.0, 0.02)
        (left,) = alice.fetch_open_orders(BTC)
        assert left["id"] == second["id"] != first["id"]
        alice.cancel_order(second["id"])

    def test_reduce_only_means_nothing_on_spot(self, alice: Any) -> None:
        placed = alice.create_reduce_only_order(BTC, "limit", "buy", 0.01, 50000)
        assert told(placed, "status", "reduceOnly") == ("open", None)
        alice.cancel_order(placed["id"])

    @one_kind
    def test_ccxt_itself_refuses_trigger_orders_on_spot(self, alice: Any) -> None:
        orders: list[Callable[[], Any]] = [
            lambda: alice.create_trigger_order(BTC, "limit", "buy", 0.01, 50000, 49000),
            lambda: alice.create_stop_order(BTC, "limit", "buy", 0.01, 50000, 49000),
            lambda: alice.create_stop_limit_order(BTC, "buy", 0.01, 50000, 49000),
            lambda: alice.create_stop_market_order(BTC, "buy", 0.01, 49000),
        ]
        for order in orders:
            with pytest.raises(ccxt.NotSupported, match="not supported for spot markets"):
                order()


ASKED = [(0.01, 60000.0), (0.02, 60010.0)]


class TestAccount:
    def test_every_user_has_four_accounts_and_money_moves_between_two_of_them(self, alice: Any) -> None:
        accounts = {account["type"].strip(): account["id"] for account in alice.fetch_accounts()}
        assert set(accounts) == {"main spot account", "main swap account", "custody account", "fiat account"}
        spot, swap = accounts["main spot account"], accounts["main swap account"]
        before = totals(alice.fetch_balance(), "USDT")
        there = alice.transfer("USDT", 100.25, spot, swap)
        assert told(there, "status", "currency") == ("ok", "USDT")
        assert there["id"].isdigit() and abs(there["timestamp"] - alice.milliseconds()) < 5_000
        assert moved(before, totals(alice.fetch_balance(), "USDT")) == {"USDT": Decimal("-100.25")}
        back = alice.transfer("USDT", 100.25, swap, spot)
        assert moved(before, totals(alice.fetch_balance(), "USDT")) == {"USDT": 0}
        span = (there["timestamp"] - 1000, None, {"until": back["timestamp"] + 1000, "flowType": "transfer"})
        entries = [told(entry, "type", "account", "amount") for entry in alice.fetch_ledger("USDT", *span)]
        assert sorted(entries) == sorted(
            ("transfer", account, amount) for account in (spot, swap) for amount in (-100.25, 100.25)
        )

    @one_kind
    def test_the_ledger_tells_every_change_of_a_trade(self, alice: Any, bob: Any) -> None:
        before = totals(alice.fetch_balance(), "BTC")["BTC"]
        bob.create_order(BTC, "limit", "sell", 0.01, 60000)
        taken = alice.create_order(BTC, "limit", "buy", 0.01, 60000)
        after = totals(alice.fetch_balance(), "BTC")["BTC"]
        entries = alice.fetch_ledger("BTC", taken["timestamp"], None, {"until": taken["timestamp"]})
        # ccxt knows the venue's fee entries by another number than the venue uses, and leaves "3" as it is.
        assert {told(one, "type", "direction", "amount") for one in entries} == {
            ("trade", "in", 0.01),
            ("3", "out", -0.000012),
        }
        assert sum(exact(one["amount"]) for one in entries) == after - before
        assert {one["type"]: exact(one["after"]) for one in entries} == {"trade": before + exact(0.01), "3": after}

    def test_deposits_came_to_the_address_that_is_told(self, alice: Any) -> None:
        target = alice.fetch_deposit_address("USDT")
        assert told(target, "currency", "network", "tag") == ("USDT", "ERC20", None)
        assert target["address"].startswith("0x") and len(target["address"]) == 42
        other = alice.fetch_deposit_address("USDT", {"network": "TRC20"})
        assert other["address"].startswith("T") and len(other["address"]) == 34
        (deposit,) = alice.fetch_deposits("USDT")
        assert told(deposit, "type", "currency", "amount", "status") == ("deposit", "USDT", 100000.0, "ok")
        assert deposit["address"] == target["address"] and len(deposit["txid"]) == 64

    def test_a_withdrawal_takes_the_money_out(self, alice: Any) -> None:
        before = totals(alice.fetch_balance(), "USDT")
        asked = alice.withdraw("USDT", 25.5, ADDRESS, {"network": "ERC20"})
        assert told(asked, "currency", "status") == ("USDT", "ok")
        made = alice.fetch_withdrawals("USDT")[-1]
        assert told(made, "id", "type", "currency", "amount", "address", "status") == (
            asked["info"]["orderId"],
            "withdrawal",
            "USDT",
            25.5,
            ADDRESS,
            "ok",
        )
        assert made["fee"] == {"cost": 0.0, "currency": "USDT"}
        assert moved(before, totals(alice.fetch_balance(), "USDT")) == {"USDT": Decimal("-25.5")}

    def test_fees_are_the_accounts(self, alice: Any) -> None:
        fees = alice.fetch_trading_fees()
        rates = dict.fromkeys((BTC, ETH, LTC), (0.0012, 0.0012))
        rates |= dict.fromkeys(("BTC/USDT:USDT", "ETH/USDT:USDT"), (0.00025, 0.0006))
        assert {symbol: told(fee, "maker", "taker") for symbol, fee in fees.items()} == rates
        assert alice.fetch_trading_fee(BTC) == fees[BTC]


def limit(
    exchange: Any, amount: float = 0.01, price: float = 50000, symbol: str = BTC, wire: dict[str, str] | None = None
) -> Any:
    """A buy; ``wire`` replaces what ccxt would send, for what it would not send itself."""
    return exchange.create_order(symbol, "limit", "buy", amount, price, wire or {})


BATCH = [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 50000}] * 2
MISTAKES: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "beyond means": (lambda one: limit(one, amount=5), ccxt.InsufficientFunds, "0401"),
    "price off tick": (lambda one: limit(one, wire={"price": "50000.001"}), ccxt.BadRequest, "0209"),
    "amount off step": (lambda one: limit(one, wire={"quantity": "0.010001"}), ccxt.InvalidOrder, "-1137"),
    "cost below minimum": (lambda one: limit(one, amount=0.00001), ccxt.InvalidOrder, "-1140"),
    "cost above maximum": (lambda one: limit(one, amount=8, price=60000), ccxt.BadRequest, "-1206"),
    "amount above maximum": (lambda one: limit(one, amount=8.1), ccxt.BadRequest, "-1135"),
    "price far from the market": (lambda one: limit(one, 0.1, 90, LTC), ccxt.BadRequest, "0210"),
    "post-only would take": (
        lambda one: limit(one, 0.1, 82, LTC, {"type": "LIMIT_MAKER"}),
        ccxt.OperationFailed,
        "-1156",
    ),
    "unknown symbol": (lambda one: limit(one, wire={"symbol": "NOPEUSDT"}), ccxt.BadRequest, "-1130"),
    "unknown side": (lambda one: limit(one, wire={"side": "HOLD"}), ccxt.InvalidOrder, "-1117"),
    "unknown type": (lambda one: limit(one, wire={"type": "ICEBERG"}), ccxt.BadRequest, "0206"),
    "unknown time in force": (lambda one: limit(one, wire={"timeInForce": "GTX"}), ccxt.InvalidOrder, "-1115"),
    "own id too long": (lambda one: limit(one, wire={"clientOrderId": "x" * 256}), ccxt.InvalidOrder, "-1123"),
    "query of an unknown order": (lambda one: one.fetch_order("1", BTC), ccxt.OrderNotFound, "0211"),
    "cancel of an unknown order": (lambda one: one.cancel_order("1", BTC), ccxt.OrderNotFound, "0211"),
    "query of no order": (lambda one: one.privateGetApiV1SpotOrder(), ccxt.BadRequest, "0001"),
    "stale query": (lambda one: one.fetch_balance({"timestamp": 1}), ccxt.InvalidNonce, "-1021"),
    "stale order": (lambda one: limit(one, wire={"timestamp": "1"}), ccxt.InvalidNonce, "-1021"),
    "unknown symbol of market data": (
        lambda one: one.publicGetQuoteV1Depth({"symbol": "NOPEUSDT"}),
        ccxt.ExchangeError,
        "-100011",
    ),
    "no symbol of market data": (lambda one: one.publicGetQuoteV1Depth(), ccxt.BadSymbol, "-100012"),
    "transfer from elsewhere": (lambda one: one.transfer("USDT", 1, "1", "2"), ccxt.BadRequest, "-1172"),
    "withdrawal beyond means": (
        lambda one: one.withdraw("USDT", 1e6, ADDRESS, {"network": "ERC20"}),
        ccxt.InsufficientFunds,
        "-4003",
    ),
    "withdrawal too small": (
        lambda one: one.withdraw("USDT", 1, ADDRESS, {"network": "ERC20"}),
        ccxt.BadRequest,
        "-1167",
    ),
}
SIGNED_CALLS: dict[str, Callable[[Any], Any]] = {
    "query": lambda one: one.fetch_balance(),
    "order": limit,
    "batch": lambda one: one.create_orders(BATCH),
    "cancel": lambda one: one.cancel_order("1", BTC),
}


def refusal(call: Callable[[Any], Any], exchange: Any) -> tuple[type[Exception], str]:
    """Class and code of what the exchange says to a call."""
    with pytest.raises(ccxt.BaseError) as caught:
        call(exchange)
    body = json.loads(str(caught.value).removeprefix("hashkey "))
    return caught.type, str(body["code"])


class TestErrors:
    @one_kind
    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_a_mistake_raises_ccxts_class_for_the_venues_code(self, alice: Any, mistake: str) -> None:
        call, expected, code = MISTAKES[mistake]
        assert refusal(call, alice) == (expected, code)

    @pytest.mark.parametrize("call", SIGNED_CALLS)
    def test_a_wrong_secret_signs_nothing(self, alice: Any, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alice.exchange, "secret", "guessed")
        assert refusal(SIGNED_CALLS[call], alice) == (ccxt.AuthenticationError, "0002")

    @one_kind
    def test_an_unknown_key_is_refused(self, alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alice.exchange, "apiKey", "nobody's")
        assert refusal(limit, alice) == (ccxt.AuthenticationError, "0102")

    @one_kind
    def test_an_own_id_is_used_once(self, alice: Any) -> None:
        placed = limit(alice, wire={"clientOrderId": "once"})
        assert refusal(lambda one: limit(one, wire={"clientOrderId": "once"}), alice) == (
            ccxt.DuplicateOrderId,
            "-1141",
        )
        alice.cancel_order(placed["id"])

    @one_kind
    def test_a_finished_order_cannot_be_cancelled(self, alice: Any, bob: Any) -> None:
        ask = bob.create_order(BTC, "limit", "sell", 0.01, 60000)
        filled = limit(alice, price=60000)
        assert refusal(lambda one: one.cancel_order(filled["id"]), alice) == (ccxt.OrderImmediatelyFillable, "-1139")
        assert refusal(lambda one: one.cancel_order(filled["id"]), bob) == (ccxt.OrderNotFound, "0211")
        assert refusal(lambda one: one.cancel_order(ask["id"]), bob) == (ccxt.OrderImmediatelyFillable, "-1139")
        canceled = alice.cancel_order(limit(alice)["id"])
        assert refusal(lambda one: one.cancel_order(canceled["id"]), alice) == (ccxt.OrderNotFillable, "-1142")


COVERED: dict[Callable[..., None], str] = {
    TestMarketData.test_markets_and_currencies_are_exchange_infos_and_need_no_key: "fetchMarkets fetchCurrencies",
    TestMarketData.test_the_time_is_now_and_the_status_is_ok: "fetchTime fetchStatus",
    TestMarketData.test_the_book_shows_both_accounts_orders_best_first: "fetchOrderBook fetchL2OrderBook",
    TestMarketData.test_trades_are_those_that_were_made_oldest_first: "fetchTrades",
    TestMarketData.test_candles_are_made_of_the_trades: "fetchOHLCV",
    TestMarketData.test_the_ticker_sums_up_the_trades: "fetchTicker fetchTickers",
    TestMarketData.test_the_last_price_is_that_of_the_last_trade: "fetchLastPrices",
    TestOrders.test_a_limit_order_rests_and_holds_its_money_until_it_is_cancelled: (
        "createLimitOrder fetchOrder fetchOpenOrders fetchBalance cancelOrder fetchCanceledAndClosedOrders"
    ),
    TestOrders.test_market_orders_take_the_book_level_by_level_and_move_exactly_that_money: (
        "createOrder createMarketOrder fetchMyTrades"
    ),
    TestOrders.test_a_market_buy_by_cost_spends_at_most_that: "createMarketBuyOrderWithCost",
    TestOrders.test_a_batch_places_its_orders_and_one_side_or_a_list_of_them_is_cancelled: (
        "createOrders cancelAllOrders cancelOrders"
    ),
    TestOrders.test_an_edited_order_is_another_order: "editOrder",
    TestOrders.test_reduce_only_means_nothing_on_spot: "createReduceOnlyOrder",
    TestOrders.test_ccxt_itself_refuses_trigger_orders_on_spot: (
        "createTriggerOrder createStopOrder createStopLimitOrder createStopMarketOrder"
    ),
    TestAccount.test_every_user_has_four_accounts_and_money_moves_between_two_of_them: (
        "fetchAccounts transfer fetchLedger"
    ),
    TestAccount.test_deposits_came_to_the_address_that_is_told: "fetchDepositAddress fetchDeposits",
    TestAccount.test_a_withdrawal_takes_the_money_out: "withdraw fetchWithdrawals",
    TestAccount.test_fees_are_the_accounts: "fetchTradingFee fetchTradingFees",
}
PERPETUALS = "is about perpetuals only: test_ccxt_swap.py"
UNIMPLEMENTED = "is claimed by ccxt and not implemented there"
NOT_SPOT = {
    "publicAPI spot privateAPI swap": "is no method",
    "fetchFundingRate fetchFundingRates fetchFundingRateHistory": PERPETUALS,
    "fetchPositions fetchPositionsForSymbol addMargin reduceMargin setMarginMode": PERPETUALS,
    "fetchLeverage setLeverage fetchLeverageTiers fetchMarketLeverageTiers": PERPETUALS,
    "fetchCanceledOrders fetchClosedOrder fetchCurrenciesWs": UNIMPLEMENTED,
}


class TestTheTable:
    def test_it_has_every_method_that_ccxt_claims_to_have_once(self) -> None:
        told_of = [name for names in (*COVERED.values(), *NOT_SPOT) for name in names.split()]
        assert sorted(told_of) == sorted(name for name, value in ccxt.hashkey().has.items() if value)

    @pytest.mark.parametrize("test", COVERED, ids=lambda test: test.__name__)
    def test_each_test_calls_what_it_covers(self, test: Callable[..., None]) -> None:
        for name in COVERED[test].split():
            assert f".{ccxt.hashkey().un_camel_case(name)}(" in getsource(test)

    @pytest.mark.parametrize(
        "name", [name for names, why in NOT_SPOT.items() if why is UNIMPLEMENTED for name in names.split()]
    )
    def test_what_ccxt_does_not_implement_cannot_be_called(self, name: str) -> None:
        exchange = ccxt.hashkey()
        with pytest.raises((ccxt.NotSupported, AttributeError)):
            getattr(exchange, exchange.un_camel_case(name))(BTC)
