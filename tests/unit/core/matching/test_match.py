"""A taker against own orders and the mirror: prices, queue, time in force, self-trade prevention."""

from __future__ import annotations

import pytest

from simulator.core.commands import Deposit
from simulator.core.events import OrderFilled, TradeHappened
from simulator.core.orders import OrderStatus, Side
from simulator.core.units import ONE
from tests.builders import BUY, EXPIRE_MAKER, FOK, IOC, SELL, Play, book, ending, fills


def test_ioc_takes_what_is_there_and_cancels_the_rest() -> None:
    market = book(bids="98x4", asks="100x3 101x5")
    events = market.buy(4, at=100, tif=IOC)
    assert fills(events) == "100x3"
    assert ending(events) == "PARTIALLY_CANCELED IMMEDIATE_OR_CANCEL"
    assert (market.bids, market.asks) == ("98x4", "101x5")


def test_ioc_that_meets_nobody_is_cancelled() -> None:
    market = book(asks="100x3")
    assert ending(market.buy(4, at=99, tif=IOC)) == "CANCELED IMMEDIATE_OR_CANCEL"
    assert not market.placed().is_open


def test_gtc_trades_and_rests_with_what_is_left() -> None:
    market = book(bids="98x4", asks="100x3 102x5")
    assert fills(market.buy(5, at=101)) == "100x3"
    assert market.placed().status is OrderStatus.PARTIALLY_FILLED
    assert (market.bids, market.asks) == ("101x2 98x4", "102x5")


@pytest.mark.parametrize(
    ("qty", "traded", "end"), [(8, "100x3 101x5", ""), (9, "", "CANCELED FILL_OR_KILL")], ids=["all", "nothing"]
)
def test_fok_trades_all_or_nothing(qty: int, traded: str, end: str) -> None:
    market = book(asks="100x3 101x5 102x5")
    events = market.buy(qty, at=101, tif=FOK)
    assert (fills(events), ending(events)) == (traded, end)


def test_fok_that_meets_nobody_is_killed() -> None:
    assert ending(book(asks="100x3").buy(1, at=99, tif=FOK)) == "CANCELED FILL_OR_KILL"


def test_the_oldest_order_trades_first_at_a_price() -> None:
    market = book()
    market.rest(SELL, 2, 100, by="alice")
    market.rest(SELL, 2, 100, by="bob")
    events = market.buy(3, at=100, by="carol")
    assert (fills(events, "alice"), fills(events, "bob")) == ("100x2", "100x1")
    assert market.asks == "100x1"


def test_the_better_price_trades_first_whoever_offers_it() -> None:
    market = book(asks="100x2 102x2")
    market.rest(SELL, 2, 101, by="bob")
    market.rest(SELL, 2, 99, by="bob")
    assert fills(market.buy(7, at=102, by="carol")) == "99x2 100x2 101x2 102x1"


def test_at_an_equal_price_the_queue_decides() -> None:
    market = book(asks="100x4")
    market.rest(SELL, 2, 100, by="bob")
    market.change(asks="100x9")
    events = market.buy(8, at=100, by="carol")
    assert [event.qty for event in events if isinstance(event, TradeHappened)] == [4, 2, 2]
    assert market.asks == "100x3"


def test_own_orders_with_mirrored_lots_between_them_trade_in_turn() -> None:
    market = book(asks="100x3")
    market.rest(SELL, 2, 100, by="alice")
    market.change(asks="100x8")
    last = market.rest(SELL, 2, 100, by="bob")
    assert last.ahead == 8
    events = market.buy(11, at=100, by="carol")
    assert [event.qty for event in events if isinstance(event, TradeHappened)] == [3, 2, 5, 1]
    assert (fills(events, "alice"), fills(events, "bob")) == ("100x2", "100x1")


@pytest.mark.parametrize("side", Side)
def test_a_limit_price_is_never_exceeded_and_may_be_bettered(side: Side) -> None:
    market = book(bids="99x1", asks="101x1")
    events = market.order(side, 1, 101 if side is BUY else 99)
    assert fills(events) == ("101x1" if side is BUY else "99x1")
    market = book(bids="99x1", asks="101x1")
    assert fills(market.order(side, 1, 105 if side is BUY else 95)) == ("101x1" if side is BUY else "99x1")


class TestSelfTradePrevention:
    def test_the_taker_expires_where_he_would_meet_himself(self) -> None:
        market = book(asks="99x1 101x5")
        own = market.rest(SELL, 2, 100)
        events = market.buy(4, at=101)
        assert fills(events) == "99x1"
        assert ending(events) == "PARTIALLY_CANCELED SELF_TRADE"
        assert own.is_open and own.leaves == 2

    def test_the_maker_expires_and_the_taker_goes_on(self) -> None:
        market = book(asks="99x1 101x5")
        own = market.rest(SELL, 2, 100)
        events = market.buy(4, at=101, stp=EXPIRE_MAKER)
        assert fills(events) == "99x1 101x3"
        assert ending(events) == "CANCELED SELF_TRADE"
        assert own.status is OrderStatus.CANCELED
        assert market.money("alice", "X")[1] == 0

    def test_mirrored_lots_before_the_own_order_still_trade(self) -> None:
        market = book(asks="100x3")
        market.rest(SELL, 2, 100)
        market.change(asks="100x9")
        events = market.buy(7, at=100)
        assert fills(events) == "100x3"
        assert ending(events) == "PARTIALLY_CANCELED SELF_TRADE"

    def test_makers_that_are_not_reached_stay(self) -> None:
        market = book(asks="99x4")
        own = market.rest(SELL, 2, 100)
        assert fills(market.buy(4, at=101, stp=EXPIRE_MAKER)) == "99x4"
        assert own.is_open

    def test_somebody_elses_order_at_the_same_price_is_met_in_its_turn(self) -> None:
        market = book()
        market.rest(SELL, 1, 100, by="bob")
        market.rest(SELL, 2, 100, by="alice")
        market.rest(SELL, 5, 100, by="bob")
        assert fills(market.buy(4, at=100, stp=EXPIRE_MAKER)) == "100x1 100x3"

    def test_fok_does_not_count_the_own_order(self) -> None:
        market = book(asks="101x1")
        own = market.rest(SELL, 5, 100)
        events = market.buy(4, at=101, tif=FOK, stp=EXPIRE_MAKER)
        assert (fills(events), ending(events)) == ("", "CANCELED FILL_OR_KILL")
        assert own.is_open
        assert fills(market.buy(1, at=101, tif=FOK, stp=EXPIRE_MAKER)) == "101x1"

    def test_fok_is_filled_when_enough_stands_before_the_own_order(self) -> None:
        market = book(asks="100x3")
        market.rest(SELL, 2, 99, by="bob")
        market.rest(SELL, 2, 100, by="alice")
        market.change(asks="100x9")
        assert fills(market.buy(5, at=100, tif=FOK)) == "99x2 100x3"

    def test_fok_is_killed_when_the_own_order_stands_in_the_way(self) -> None:
        market = book(asks="100x3")
        market.rest(SELL, 2, 99, by="bob")
        market.rest(SELL, 2, 100, by="alice")
        market.change(asks="100x9")
        events = market.buy(6, at=100, tif=FOK)
        assert (fills(events), ending(events)) == ("", "CANCELED FILL_OR_KILL")

    @pytest.mark.parametrize("behind", ["mirror", "bob"])
    def test_fok_does_not_count_what_stands_behind_the_own_order(self, behind: str) -> None:
        market = book(asks="99x2")
        market.rest(SELL, 5, 100)
        if behind == "mirror":
            market.change(asks="101x10")
        else:
            market.rest(SELL, 10, 101, by="bob")
        events = market.buy(5, at=101, tif=FOK)
        assert (fills(events), ending(events)) == ("", "CANCELED FILL_OR_KILL")


class TestMarketOrders:
    def test_walks_the_book_by_quantity(self) -> None:
        market = book(bids="98x4 97x4", asks="101x2")
        assert fills(market.sell(6)) == "98x4 97x2"

    def test_what_the_book_does_not_have_is_cancelled(self) -> None:
        market = book(asks="101x2")
        events = market.buy(5)
        assert fills(events) == "101x2"
        assert ending(events) == "PARTIALLY_CANCELED NO_LIQUIDITY"

    def test_an_empty_book_gives_nothing(self) -> None:
        assert ending(book().buy(5)) == "CANCELED NO_LIQUIDITY"

    def test_it_never_trades_beyond_its_band(self) -> None:
        market = book(bids="99x1", asks="100x1 103x1 110x9", market_band_up="0.05")
        events = market.buy(5)
        assert fills(events) == "100x1 103x1"
        assert ending(events) == "PARTIALLY_CANCELED PRICE_BAND"

    def test_a_seller_has_a_band_too(self) -> None:
        market = book(bids="100x1 90x9", asks="101x1", market_band_down="0.05")
        events = market.sell(5)
        assert fills(events) == "100x1"
        assert ending(events) == "PARTIALLY_CANCELED PRICE_BAND"

    def test_fok_by_quantity_is_all_or_nothing(self) -> None:
        market = book(asks="101x2 102x2")
        events = market.buy(5, tif=FOK)
        assert (fills(events), ending(events)) == ("", "CANCELED FILL_OR_KILL")
        assert fills(market.buy(4, tif=FOK)) == "101x2 102x2"

    def test_fok_counts_what_the_own_expiring_orders_would_have_cost(self) -> None:
        market = book(funds=0, asks="101x10")
        market.do(Deposit("alice", "Y", 402 * ONE))
        market.do(Deposit("alice", "X", 3 * ONE))
        market.rest(SELL, 3, 100)
        events = market.buy(4, tif=FOK, stp=EXPIRE_MAKER)
        assert fills(events) in ("", "101x4"), "fill or kill, not fill a little"

    def test_the_taker_expires_where_he_would_meet_himself(self) -> None:
        market = book(asks="99x1")
        market.rest(SELL, 2, 100)
        assert ending(market.buy(2)) == "PARTIALLY_CANCELED SELF_TRADE"


class TestMarketOrdersByAmount:
    def test_a_buy_spends_down_to_less_than_one_lot(self) -> None:
        market = book(asks="100x1 102x5")
        events = market.buy(amount=320)
        assert fills(events) == "100x1 102x2"
        assert market.placed().status is OrderStatus.FILLED
        assert market.money("alice", "Y")[0] == (1_000_000 - 304) * ONE

    def test_a_buy_that_empties_the_book_with_money_left_is_cancelled(self) -> None:
        events = book(asks="100x1").buy(amount=320)
        assert fills(events) == "100x1"
        assert ending(events) == "PARTIALLY_CANCELED NO_LIQUIDITY"

    def test_a_buy_that_empties_the_book_with_small_change_left_is_filled(self) -> None:
        market = book(asks="100x3")
        assert fills(market.buy(amount=399)) == "100x3"
        assert market.placed().status is OrderStatus.FILLED

    def test_a_buy_stops_at_its_band(self) -> None:
        market = book(bids="99x1", asks="100x1 110x9", market_band_up="0.05")
        events = market.buy(amount=500)
        assert fills(events) == "100x1"
        assert ending(events) == "PARTIALLY_CANCELED PRICE_BAND"

    def test_an_amount_below_one_lot_buys_nothing(self) -> None:
        market = book(asks="100x3")
        events = market.buy(amount=99)
        assert fills(events) == ""
        assert market.placed().status is OrderStatus.CANCELED

    def test_a_sell_gives_lots_until_the_amount_is_there(self) -> None:
        market = book(bids="100x1 98x5", asks="101x1")
        assert fills(market.sell(amount=300)) == "100x1 98x2"
        assert market.placed().status is OrderStatus.FILLED

    @pytest.mark.parametrize("bids", ["", "98x2"], ids=["nobody bids", "the amount is less than one lot"])
    def test_a_sell_by_somebody_without_goods_comes_to_an_end(self, bids: str) -> None:
        market = book(bids=bids, funds=0)
        events = market.sell(amount=1)
        assert fills(events) == ""
        if type(events[0]).__name__ != "Rejected":
            assert market.placed().status is OrderStatus.CANCELED

    def test_fok_by_amount_is_all_or_nothing(self) -> None:
        market = book(asks="100x1 101x5")
        assert fills(market.buy(amount=1000, tif=FOK)) == ""
        assert fills(market.buy(amount=350, tif=FOK)) == "100x1 101x2"

    def test_the_last_fill_alone_says_filled(self) -> None:
        market = book(asks="100x1 101x5")
        statuses = [e.status.name for e in market.buy(amount=350) if isinstance(e, OrderFilled)]
        assert statuses == ["PARTIALLY_FILLED", "FILLED"]


def test_a_taker_at_a_stale_mirror_meets_own_orders_only() -> None:
    market = book(asks="100x5")
    market.rest(SELL, 1, 101, by="bob")
    market.invalidate()
    events = market.buy(3)
    assert fills(events) == "101x1"
    assert ending(events) == "PARTIALLY_CANCELED NO_LIQUIDITY"


def test_a_stale_mirror_is_no_reason_to_speak_of_a_band() -> None:
    market: Play = book(asks="100x5")
    market.invalidate()
    assert ending(market.buy(1)) == "CANCELED NO_LIQUIDITY"
    assert ending(market.buy(amount=100)) == "CANCELED NO_LIQUIDITY"
