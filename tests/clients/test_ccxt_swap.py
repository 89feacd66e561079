"""Real ccxt on perpetuals: every unified method that touches a swap gives the right values.

The tests' own accounts are the whole market, so every number is known. ``COVERED`` at the end says which test
covers which method; ``test_ccxt.py`` has the spot side, and the table of all that ccxt claims to have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from inspect import getsource
from typing import Any

import ccxt
import pytest

from tests.clients.ccxt_exchanges import Blocking, blocking, exact, told
from tests.clients.test_ccxt import NOT_SPOT, PERPETUALS, refusal
from tests.serving import Ready, serving

pytestmark = pytest.mark.xdist_group("ccxt-swap")

SPOT, SWAP, OTHER = "ETH/USDT", "ETH/USDT:USDT", "BTC/USDT:USDT"
BID, ASK = 2699.0, 2701.0
ORDER = ("status", "type", "side", "price", "amount", "filled", "remaining", "reduceOnly", "postOnly")
MAKER, TAKER = Decimal("0.00025"), Decimal("0.0006")
CLOSING = {"reduceOnly": True}


OF_THE_MARK = ("unrealizedPnl", "percentage", "maintenanceMargin", "maintenanceMarginPercentage", "info")


def mark_of(exchange: Any) -> Decimal:
    """The mark price at this moment."""
    return Decimal(exchange.publicGetQuoteV1MarkPrice({"symbol": "ETHUSDT-PERPETUAL"})["price"])


def without_mark(position: Any) -> dict[str, Any]:
    """What a position is, without what follows from the mark, which moves between two questions."""
    return {name: value for name, value in position.items() if name not in OF_THE_MARK}


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    funds = [f"{name}:USDT=100000,ETH=10" for name in ("alice", "bob")] + ["alice/futures:USDT=100000"]
    funds.append("bob/futures:USDT=100000")
    with serving("--empty", *(part for one in funds for part in ("--account", one))) as ready:
        yield ready


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def bob(ready: Ready, runner: asyncio.Runner) -> Iterator[Blocking]:
    """Who stands in both books: around 2700 everywhere, so that index and mark are 2700."""
    with blocking(ready, "sync", "bob", runner) as exchange:
        exchange.load_markets()
        for symbol, amount in ((SPOT, 1), (SWAP, 20_000)):
            exchange.create_order(symbol, "limit", "sell", amount, ASK)
            exchange.create_order(symbol, "limit", "buy", amount, BID)
        yield exchange


@pytest.fixture(scope="module")
def alice(ready: Ready, runner: asyncio.Runner, bob: Blocking) -> Iterator[Blocking]:
    with blocking(ready, "sync", "alice", runner) as exchange:
        exchange.load_markets()
        yield exchange


@pytest.fixture(autouse=True)
def nothing_left(alice: Any) -> Iterator[None]:
    """A test that fails half-way is no reason for the next one to fail."""
    yield
    left = alice.fetch_open_orders(SWAP) + alice.fetch_open_orders(SWAP, None, None, {"trigger": True})
    held = alice.fetch_positions([SWAP])
    for order in left:
        alice.cancel_order(order["id"], SWAP, {"trigger": order["triggerPrice"] is not None})
    for position in held:
        side = "sell" if position["side"] == "long" else "buy"
        alice.create_order(SWAP, "market", side, position["contracts"], None, CLOSING)
    assert not left and not held, "orders or positions were left open"


class TestMarketData:
    def test_a_contract_is_a_thousandth_and_its_limits_are_in_contracts(self, alice: Any) -> None:
        market = alice.markets[SWAP]
        assert told(market, "id", "type", "linear", "contractSize", "settle", "active") == (
            "ETHUSDT-PERPETUAL",
            "swap",
            True,
            0.001,
            "USDT",
            True,
        )
        assert told(market, "precision", "maker", "taker") == ({"amount": 1.0, "price": 0.01}, 0.00025, 0.0006)
        assert market["limits"]["amount"] == {"min": 1.0, "max": 40000.0}
        assert market["limits"]["leverage"] == {"min": 1, "max": 10}

    def test_the_book_is_in_contracts(self, alice: Any) -> None:
        book = alice.fetch_order_book(SWAP)
        assert told(book, "bids", "asks") == ([[BID, 20_000.0]], [[ASK, 20_000.0]])

    def test_funding_is_the_usual_rate_at_the_next_settlement_until_one_is_told(self, alice: Any) -> None:
        rate = alice.fetch_funding_rate(SWAP)
        settles = rate["nextFundingTimestamp"]
        assert rate["fundingRate"] == 0.0001
        assert settles % 28_800_000 == 0 and 0 < settles - alice.milliseconds() <= 28_800_000
        everything = alice.fetch_funding_rates()
        assert set(everything) == {SWAP, OTHER}
        assert told(everything[SWAP], "fundingRate", "nextFundingTimestamp") == (0.0001, settles)
        assert alice.fetch_funding_rate_history(SWAP) == []

    def test_leverage_tiers_are_those_of_exchange_info(self, alice: Any) -> None:
        tiers = alice.fetch_leverage_tiers([SWAP])[SWAP]
        assert len(tiers) == 19
        assert told(tiers[0], "maxNotional", "maintenanceMarginRate", "maxLeverage") == (10_000.0, 0.005, 10.0)
        assert told(tiers[18], "maxNotional", "maintenanceMarginRate", "maxLeverage") == (2_800_000.0, 0.5, 1.0)
        assert alice.fetch_market_leverage_tiers(SWAP) == tiers


class TestOrders:
    def test_a_limit_order_rests_on_its_margin_until_it_is_cancelled(self, alice: Any) -> None:
        before = alice.fetch_balance({"type": "swap"})["USDT"]
        placed = alice.create_limit_order(SWAP, "buy", 10, 2600)
        assert told(placed, *ORDER) == ("open", "limit", "buy", 2600.0, 10.0, 0.0, 10.0, False, False)
        for found in (alice.fetch_order(placed["id"], SWAP), *alice.fetch_open_orders(SWAP)):
            assert told(found, "id", *ORDER) == told(placed, "id", *ORDER)
        held = alice.fetch_balance({"type": "swap"})["USDT"]
        margin = Decimal(2600) / 100 / alice.fetch_leverage(SWAP)["longLeverage"].__int__()
        assert exact(held["used"]) - exact(before["used"]) == margin
        assert held["total"] == before["total"]
        canceled = alice.cancel_order(placed["id"], SWAP)
        assert told(canceled, "id", *ORDER) == (placed["id"], "canceled", *told(placed, *ORDER[1:]))
        assert alice.fetch_balance({"type": "swap"})["USDT"] == before
        finished = alice.fetch_canceled_and_closed_orders(SWAP)[-1]
        assert told(finished, "id", *ORDER) == told(canceled, "id", *ORDER)

    def test_a_market_order_opens_and_closes_a_position_and_pays_exactly_its_fees(self, alice: Any) -> None:
        before = alice.fetch_balance({"type": "swap"})["USDT"]["total"]
        marks = [mark_of(alice)]
        opened = alice.create_market_order(SWAP, "buy", 100)
        marks.append(mark_of(alice))
        assert told(opened, "status", "type", "filled", "timeInForce") == ("closed", "market", 100.0, "IOC")
        # The price is the protective one, 5 % beyond the mark (HashKey REST 4.1), which may move meanwhile.
        low, high = (round(mark * 105 / 100, 2) for mark in (min(marks), max(marks)))
        assert low <= exact(opened["price"]) <= high
        order = alice.fetch_order(opened["id"], SWAP)
        assert told(order, "average", "cost", "filled") == (ASK, 270.1, 100.0)
        (position,) = alice.fetch_positions([SWAP])
        assert told(position, "side", "contracts", "entryPrice", "contractSize", "notional") == (
            "long",
            100.0,
            ASK,
            0.001,
            270.1,
        )
        (again,) = alice.fetch_positions_for_symbol(SWAP)
        assert without_mark(again) == without_mark(position)
        closed = alice.create_order(SWAP, "market", "sell", 100, None, CLOSING)
        assert told(closed, "status", "reduceOnly", "filled") == ("closed", True, 100.0)
        assert alice.fetch_positions([SWAP]) == []
        fills = alice.fetch_my_trades(SWAP, opened["timestamp"])
        assert [told(fill, "order", "side", "price", "amount", "takerOrMaker", "cost") for fill in fills] == [
            (opened["id"], "buy", ASK, 100.0, "taker", 270.1),
            (closed["id"], "sell", BID, 100.0, "taker", 269.9),
        ]
        fees = [exact(fill["fee"]["cost"]) for fill in fills]
        assert fees == [Decimal("270.1") * TAKER, Decimal("269.9") * TAKER]
        profit = Decimal("269.9") - Decimal("270.1") - sum(fees)
        assert exact(alice.fetch_balance({"type": "swap"})["USDT"]["total"]) - exact(before) == profit

    def test_a_post_only_order_rests_or_is_refused(self, alice: Any) -> None:
        placed = alice.create_order(SWAP, "limit", "buy", 10, 2600, {"postOnly": True})
        assert told(placed, "status", "postOnly", "timeInForce") == ("open", True, "GTC")
        alice.cancel_order(placed["id"], SWAP)
        crossing: Callable[[Any], Any] = lambda one: one.create_order(  # noqa: E731 - as in the table of mistakes
            SWAP, "limit", "buy", 10, 2701, {"postOnly": True}
        )
        assert refusal(crossing, alice) == (ccxt.OperationFailed, "-1156")

    def test_a_batch_places_its_orders_and_a_list_of_them_or_all_are_cancelled(self, alice: Any) -> None:
        plain = {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 10}
        placed = alice.create_orders([plain | {"price": price} for price in (2600, 2601, 2602)])
        assert [told(order, "status", "price", "amount") for order in placed] == [
            ("open", price, 10.0) for price in (2600.0, 2601.0, 2602.0)
        ]
        (answer,) = alice.cancel_orders([placed[0]["id"]], SWAP)
        assert told(answer["info"], "code", "result") == ("0000", [])
        assert len(alice.fetch_open_orders(SWAP)) == 2
        (answer,) = alice.cancel_all_orders(SWAP)
        assert answer["info"]["message"] == "success"
        assert alice.fetch_open_orders(SWAP) == []

    def test_the_good_part_of_a_batch_is_done_although_ccxt_raises(self, alice: Any) -> None:
        plain = {"symbol": SWAP, "type": "limit", "amount": 10}
        wanted = [plain | {"side": "buy", "price": 2600}, plain | {"side": "sell", "price": 2000}]
        with pytest.raises(ccxt.BadRequest, match='"0207","msg":"Create limit order sell price too low"'):
            alice.create_orders(wanted)
        (left,) = alice.fetch_open_orders(SWAP)
        assert left["price"] == 2600.0
        alice.cancel_all_orders(SWAP)

    def test_orders_with_a_trigger_wait_and_are_cancelled(self, alice: Any) -> None:
        alice.create_market_order(SWAP, "buy", 10)
        placed = [
            alice.create_trigger_order(SWAP, "limit", "sell", 1, 2500, 2550, CLOSING),
            alice.create_stop_order(SWAP, "limit", "sell", 1, 2500, 2551, CLOSING | {"triggerPrice": 2551}),
            alice.create_stop_limit_order(SWAP, "sell", 1, 2500, 2552, CLOSING | {"triggerPrice": 2552}),
            alice.create_stop_market_order(SWAP, "sell", 1, 2553, CLOSING | {"triggerPrice": 2553}),
        ]
        waiting = alice.fetch_open_orders(SWAP, None, None, {"trigger": True})
        assert [told(one, "id", "status", "triggerPrice", "reduceOnly") for one in waiting] == [
            (order["id"], "open", 2550.0 + number, True) for number, order in enumerate(placed)
        ]
        assert alice.fetch_open_orders(SWAP) == []
        for order in placed:
            assert alice.cancel_order(order["id"], SWAP, {"trigger": True})["status"] == "canceled"
            assert alice.fetch_order(order["id"], SWAP, {"trigger": True})["status"] == "canceled"
        alice.create_order(SWAP, "market", "sell", 10, None, CLOSING)

    def test_a_reduce_only_order_closes_at_most_what_is_there(self, alice: Any) -> None:
        closes: Callable[[Any], Any] = lambda one: one.create_reduce_only_order(  # noqa: E731 - as above
            SWAP, "limit", "sell", 10, 2800
        )
        assert refusal(closes, alice) == (ccxt.OperationRejected, "-2053")

    def test_an_edited_order_is_another_order(self, alice: Any) -> None:
        first = alice.create_order(SWAP, "limit", "buy", 10, 2600)
        second = alice.edit_order(first["id"], SWAP, "limit", "buy", 20, 2601)
        (left,) = alice.fetch_open_orders(SWAP)
        assert told(left, "id", "price", "amount") == (second["id"], 2601.0, 20.0)
        alice.cancel_order(second["id"], SWAP)

    def test_mistakes_raise_ccxts_class_for_the_venues_code(self, alice: Any) -> None:
        def beyond_means(one: Any) -> Any:
            return one.create_order(OTHER, "limit", "buy", 100, 60000, {"price": "10000000"})

        assert refusal(lambda one: one.fetch_order("1", SWAP), alice) == (ccxt.OrderNotFound, "-1143")
        assert refusal(lambda one: one.cancel_order("1", SWAP), alice) == (ccxt.OrderNotFound, "-1143")
        assert refusal(beyond_means, alice) == (ccxt.OperationRejected, "-2042")
        assert refusal(lambda one: one.set_leverage(11, SWAP), alice) == (ccxt.OperationRejected, "-2043")


class TestPositions:
    def test_leverage_is_set_and_told(self, alice: Any) -> None:
        changed = alice.set_leverage(5, SWAP)
        assert told(changed, "longLeverage", "shortLeverage") == (5.0, 5.0)
        assert told(alice.fetch_leverage(SWAP), "longLeverage", "marginMode") == (5.0, "cross")
        alice.set_leverage(10, SWAP)

    def test_isolated_margin_is_added_and_taken_back(self, alice: Any) -> None:
        assert alice.set_margin_mode("isolated", SWAP)["marginType"] == "ISOLATED"
        assert alice.fetch_leverage(SWAP)["marginMode"] == "isolated"
        alice.create_market_order(SWAP, "sell", 100)
        (position,) = alice.fetch_positions([SWAP])
        assert told(position, "side", "contracts", "entryPrice") == ("short", 100.0, BID)
        margin = exact(position["initialMargin"])
        more = alice.add_margin(SWAP, 10, {"side": "SHORT"})
        assert told(more, "status", "amount") == ("ok", 10)
        assert exact(more["total"]) == margin + 10
        less = alice.reduce_margin(SWAP, 5, {"side": "SHORT"})
        assert exact(less["total"]) == margin + 5
        assert refusal(lambda one: one.set_margin_mode("cross", SWAP), alice) == (ccxt.OperationRejected, "-1020")
        alice.create_order(SWAP, "market", "buy", 100, None, CLOSING)
        alice.set_margin_mode("cross", SWAP)

    def test_fees_are_the_accounts(self, alice: Any) -> None:
        fee = alice.fetch_trading_fee(SWAP)
        assert told(fee, "maker", "taker") == (float(MAKER), float(TAKER))


COVERED: dict[Callable[..., None], str] = {
    TestMarketData.test_funding_is_the_usual_rate_at_the_next_settlement_until_one_is_told: (
        "fetchFundingRate fetchFundingRates fetchFundingRateHistory"
    ),
    TestMarketData.test_leverage_tiers_are_those_of_exchange_info: "fetchLeverageTiers fetchMarketLeverageTiers",
    TestOrders.test_a_market_order_opens_and_closes_a_position_and_pays_exactly_its_fees: (
        "fetchPositions fetchPositionsForSymbol"
    ),
    TestPositions.test_leverage_is_set_and_told: "setLeverage fetchLeverage",
    TestPositions.test_isolated_margin_is_added_and_taken_back: "setMarginMode addMargin reduceMargin",
}
"""What touches perpetuals only. Orders, balances and fills are called here as on spot."""


def test_every_method_about_perpetuals_is_covered_once() -> None:
    told_of = [name for names in COVERED.values() for name in names.split()]
    assert sorted(told_of) == sorted(
        name for names, why in NOT_SPOT.items() if why is PERPETUALS for name in names.split()
    )


@pytest.mark.parametrize("test", COVERED, ids=lambda test: test.__name__)
def test_each_test_calls_what_it_covers(test: Callable[..., None]) -> None:
    for name in COVERED[test].split():
        assert f".{ccxt.hashkey().un_camel_case(name)}(" in getsource(test)
