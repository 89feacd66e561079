"""May the order come in? Filters, bands, money, in HashKey's order of checks; and cancelling."""

from __future__ import annotations

import pytest

from simulator.core.commands import CancelOpenOrders, CancelOrder, PlaceOrder
from simulator.core.orders import OrderStatus, OrderType, Side, TimeInForce
from simulator.core.rejections import RejectReason
from simulator.core.units import ONE
from tests.builders import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    SELL,
    SYMBOL,
    Play,
    book,
    ending,
    fills,
    rejection,
)

NO = RejectReason


def filtered(**more: str | int | None) -> Play:
    filters: dict[str, str | int | bool | None] = {
        "min_qty": "2",
        "max_qty": "20",
        "market_min_qty": "3",
        "market_max_qty": "10",
        "min_notional": "300",
        "max_notional": "1500",
        "market_min_notional": "400",
        "market_max_notional": "1200",
    }
    return book(bids="99x100", asks="101x100", **(filters | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("qty", "price", "reason"),
    [
        (None, 100, NO.SIZE_AMBIGUOUS),
        (5, None, NO.PRICE_MISSING),
        (5, 0, NO.PRICE_NOT_POSITIVE),
        (5, -1, NO.PRICE_NOT_POSITIVE),
        (0, 100, NO.QTY_TOO_SMALL),
        (-3, 100, NO.QTY_TOO_SMALL),
        (1, 400, NO.QTY_TOO_SMALL),
        (21, 20, NO.QTY_TOO_LARGE),
        (2, 100, NO.NOTIONAL_TOO_SMALL),
        (3, 100, None),
        (15, 100, None),
        (16, 100, NO.NOTIONAL_TOO_LARGE),
    ],
)
def test_limit_orders_keep_their_filters(qty: int | None, price: int | None, reason: RejectReason | None) -> None:
    assert rejection(filtered().order(BUY, qty, price, type=LIMIT)) is reason


@pytest.mark.parametrize(
    ("qty", "amount", "reason"),
    [
        (None, None, NO.SIZE_AMBIGUOUS),
        (5, 500, NO.SIZE_AMBIGUOUS),
        (2, None, NO.QTY_TOO_SMALL),
        (0, None, NO.QTY_TOO_SMALL),
        (11, None, NO.QTY_TOO_LARGE),
        (3, None, NO.NOTIONAL_TOO_SMALL),
        (4, None, None),
        (None, 399, NO.NOTIONAL_TOO_SMALL),
        (None, 0, NO.NOTIONAL_TOO_SMALL),
        (None, -1, NO.NOTIONAL_TOO_SMALL),
        (None, 400, None),
        (None, 1200, None),
        (None, 1201, NO.NOTIONAL_TOO_LARGE),
    ],
)
def test_market_orders_keep_theirs(qty: int | None, amount: int | None, reason: RejectReason | None) -> None:
    assert rejection(filtered().buy(qty, amount=amount)) is reason


def test_a_market_notional_is_measured_at_the_reference_price() -> None:
    market = filtered(market_max_notional="950")
    assert rejection(market.buy(10)) is NO.NOTIONAL_TOO_LARGE
    assert rejection(market.buy(9)) is None


def test_without_any_price_a_market_notional_is_not_measured() -> None:
    market = book(market_min_notional="1000")
    assert ending(market.sell(1)) == "CANCELED NO_LIQUIDITY"


def test_an_amount_finer_than_a_tick_times_a_lot_is_too_precise() -> None:
    market = book(asks="100x5")
    command = PlaceOrder("alice", SYMBOL, BUY, MARKET, None, None, "", IOC, 100 * ONE + 1)
    assert rejection(market.do(command)) is NO.AMOUNT_TOO_PRECISE


@pytest.mark.parametrize(
    ("type", "tif", "price"), [(MARKET, GTC, None), (MARKET, IOC, 100), (LIMIT_MAKER, IOC, 90), (LIMIT_MAKER, FOK, 90)]
)
def test_some_combinations_do_not_exist(type: OrderType, tif: TimeInForce, price: int | None) -> None:
    market = book(bids="99x5", asks="101x5")
    assert rejection(market.order(BUY, 1, price, type=type, tif=tif)) is NO.UNSUPPORTED_COMBINATION


def test_a_limit_order_has_no_amount() -> None:
    assert rejection(book().buy(1, 100, amount=100)) is NO.SIZE_AMBIGUOUS


def test_unknown_names() -> None:
    market = book()
    assert rejection(market.buy(1, 100, by="nobody")) is NO.UNKNOWN_ACCOUNT
    assert rejection(market.do(PlaceOrder("alice", "?", BUY, LIMIT, 1, 100, ""))) is NO.UNKNOWN_SYMBOL
    assert rejection(market.do(CancelOpenOrders("nobody"))) is NO.UNKNOWN_ACCOUNT
    assert rejection(market.do(CancelOpenOrders("alice", "?"))) is NO.UNKNOWN_SYMBOL


class TestPriceBands:
    """Only the side that is bad for the trader is limited."""

    def banded(self, **changes: str) -> Play:
        return book(bids="99x5", asks="101x5", **({"price_band_up": "0.1", "price_band_down": "0.1"} | changes))  # type: ignore[arg-type]

    def test_a_buyer_may_not_bid_too_high(self) -> None:
        market = self.banded()
        assert rejection(market.buy(1, 111)) is NO.BUY_PRICE_TOO_HIGH
        assert rejection(market.buy(1, 110)) is None

    def test_a_seller_may_not_ask_too_low(self) -> None:
        market = self.banded()
        assert rejection(market.sell(1, 89)) is NO.SELL_PRICE_TOO_LOW
        assert rejection(market.sell(1, 90)) is None

    def test_far_on_the_good_side_is_fine(self) -> None:
        market = self.banded()
        assert rejection(market.buy(1, 1)) is None
        assert rejection(market.sell(1, 1000)) is None

    def test_the_last_trade_is_the_reference_moved_into_the_present_spread(self) -> None:
        market = self.banded()
        market.trade(BUY, 1, 100)
        assert market.market.reference() == 100
        market.trade(BUY, 1, 200)
        assert market.market.reference() == 101
        market.trade(SELL, 1, 50)
        assert market.market.reference() == 99

    @pytest.mark.parametrize(
        ("bids", "asks", "reference"), [("99x1", "102x1", 100), ("99x1", "", 99), ("", "101x1", 101), ("", "", None)]
    )
    def test_without_a_trade_the_middle_or_the_only_side(self, bids: str, asks: str, reference: int | None) -> None:
        assert book(bids, asks).market.reference() == reference

    def test_without_any_price_there_is_no_band(self) -> None:
        market = book(price_band_up="0.1", price_band_down="0.1")
        assert rejection(market.buy(1, 5000)) is None
        market.cancel_open()
        assert rejection(market.sell(1, 1)) is None

    @pytest.mark.parametrize("open_side", [{"price_band_up": None}, {"price_band_down": None}])
    def test_no_rate_no_band(self, open_side: dict[str, None]) -> None:
        market = self.banded(**open_side)  # type: ignore[arg-type]
        up = "price_band_up" in open_side
        assert rejection(market.buy(1, 500)) is (None if up else NO.BUY_PRICE_TOO_HIGH)
        market = self.banded(**open_side)  # type: ignore[arg-type]
        assert rejection(market.sell(1, 2)) is (NO.SELL_PRICE_TOO_LOW if up else None)


class TestMoney:
    def test_a_buy_needs_its_price_times_quantity_even_if_it_would_pay_less(self) -> None:
        market = book(asks="50x10", funds=100)
        assert rejection(market.buy(1, 101)) is NO.INSUFFICIENT_BALANCE
        assert fills(market.buy(1, 100)) == "50x1"

    def test_a_sell_needs_its_quantity(self) -> None:
        market = book(funds=5)
        assert rejection(market.sell(6, 100)) is NO.INSUFFICIENT_BALANCE
        assert rejection(market.sell(5, 100)) is None
        assert rejection(market.sell(1, 100)) is NO.INSUFFICIENT_BALANCE

    def test_a_market_buy_needs_what_the_book_asks(self) -> None:
        market = book(asks="60x1 70x1", funds=129)
        assert rejection(market.buy(2)) is NO.INSUFFICIENT_BALANCE
        assert fills(market.buy(1)) == "60x1"

    def test_a_market_buy_by_amount_needs_the_amount(self) -> None:
        market = book(asks="60x9", funds=100)
        assert rejection(market.buy(amount=101)) is NO.INSUFFICIENT_BALANCE
        assert rejection(market.buy(amount=100)) is None

    def test_a_market_sell_needs_the_goods(self) -> None:
        market = book(bids="10x9 9x9", funds=3)
        assert rejection(market.sell(4)) is NO.INSUFFICIENT_BALANCE
        assert rejection(market.sell(amount=40)) is NO.INSUFFICIENT_BALANCE
        assert fills(market.sell(amount=30)) == "10x3"

    def test_a_cancel_gives_the_hold_back(self) -> None:
        market = book(funds=1000)
        order = market.rest(BUY, 3, 100)
        assert market.money("alice", "Y") == (700 * ONE, 300 * ONE)
        market.cancel(order)
        assert market.money("alice", "Y") == (1000 * ONE, 0)


class TestPostOnly:
    @pytest.mark.parametrize(("side", "taking", "resting"), [(BUY, 101, 100), (SELL, 99, 100)])
    def test_it_rests_or_is_refused(self, side: Side, taking: int, resting: int) -> None:
        market = book(bids="99x1", asks="101x1")
        assert rejection(market.order(side, 1, taking, type=LIMIT_MAKER)) is NO.WOULD_TAKE
        market.order(side, 1, resting, type=LIMIT_MAKER)
        assert market.placed().is_open

    def test_it_sees_own_orders_too(self) -> None:
        market = book()
        market.rest(SELL, 1, 100, by="bob")
        assert rejection(market.buy(1, 100, type=LIMIT_MAKER)) is NO.WOULD_TAKE


def test_open_orders_are_counted_per_symbol() -> None:
    market = book(max_open_orders=2)
    first = market.rest(BUY, 1, 100)
    market.rest(BUY, 1, 99)
    assert rejection(market.buy(1, 98)) is NO.TOO_MANY_OPEN_ORDERS
    assert rejection(market.buy(1, 98, by="bob")) is None
    market.cancel(first)
    assert rejection(market.buy(1, 98)) is None


def test_a_client_order_id_is_used_once_per_account_for_ever() -> None:
    market = book()
    market.buy(1, 100, id="mine")
    market.cancel_open()
    assert rejection(market.buy(1, 100, id="mine")) is NO.DUPLICATE_CLIENT_ORDER_ID
    assert rejection(market.buy(1, 100, id="mine", by="bob")) is None


def test_an_order_without_client_order_id_gets_its_own() -> None:
    market = book()
    names = set()
    for _ in range(3):
        market.buy(1, 100)
        names.add(market.placed().client_order_id)
    assert len(names) == 3 and all(name.isdigit() for name in names)


def test_a_made_up_id_avoids_one_that_a_customer_chose() -> None:
    one, other = book(), book()
    one.buy(1, 100)
    guess = one.placed().client_order_id
    other.buy(1, 100, id=str(int(guess) + 1_001))
    other.buy(1, 100)
    assert other.placed().client_order_id != str(int(guess) + 1_001)


class TestCancel:
    def test_by_our_id_or_by_the_customers(self) -> None:
        market = book()
        order = market.rest(BUY, 3, 100)
        assert ending(market.cancel(order)) == "CANCELED USER"
        market.buy(2, 100, id="mine")
        assert ending(market.do(CancelOrder("alice", None, "mine"))) == "CANCELED USER"

    def test_a_partly_filled_order_is_partially_cancelled(self) -> None:
        market = book()
        order = market.rest(BUY, 3, 100)
        market.sell(1, 100, by="bob")
        assert ending(market.cancel(order)) == "PARTIALLY_CANCELED USER"
        assert order.leaves == 2 and market.bids == ""

    def test_what_cannot_be_cancelled(self) -> None:
        market = book()
        order = market.rest(BUY, 1, 100)
        assert rejection(market.do(CancelOrder("bob", order.id))) is NO.UNKNOWN_ORDER
        assert rejection(market.do(CancelOrder("alice", 99))) is NO.UNKNOWN_ORDER
        assert rejection(market.do(CancelOrder("alice", None, None))) is NO.UNKNOWN_ORDER
        assert rejection(market.do(CancelOrder("nobody", None, "x"))) is NO.UNKNOWN_ORDER
        market.cancel(order)
        assert rejection(market.cancel(order)) is NO.ORDER_ALREADY_CANCELED
        done = market.rest(BUY, 1, 100)
        market.sell(1, 100, by="bob")
        assert done.status is OrderStatus.FILLED
        assert rejection(market.cancel(done)) is NO.ORDER_ALREADY_FILLED

    def test_many_newest_first(self) -> None:
        market = book()
        orders = [market.rest(BUY, 1, price) for price in (100, 99, 98)]
        asks = market.rest(SELL, 1, 110)
        other = market.rest(BUY, 1, 97, by="bob")
        ended = [event.order_id for event in market.cancel_open(side=BUY, limit=2) if hasattr(event, "reason")]  # type: ignore[union-attr]
        assert ended == [orders[2].id, orders[1].id]
        assert orders[0].is_open and asks.is_open and other.is_open
        market.cancel_open(before=asks.id, symbol=SYMBOL)
        assert not orders[0].is_open and asks.is_open
        assert market.cancel_open("carol") == []
