"""Why and when resting orders fill from the mirror: one story each."""

from __future__ import annotations

from collections.abc import Callable

from simulator.core.events import Event, FillCause, OrderFilled
from simulator.core.mirror.queue_position import queue_model
from simulator.core.orders import OrderStatus
from simulator.core.units import NANOS_PER_MILLI
from tests.builders import BUY, SELL, book, fills

MS = NANOS_PER_MILLI


def test_two_own_orders_at_one_price_never_fill_from_one_displayed_size() -> None:
    market = book(asks="101x9")
    market.rest(BUY, 3, 100, by="alice")
    market.rest(BUY, 3, 100, by="bob")
    events = market.depth(asks="100x4 101x9")
    assert (fills(events, "alice"), fills(events, "bob")) == ("100x3", "100x1")
    assert market.depth(asks="100x4 101x9")[1:] == [], "the same four lots again"
    assert fills(market.depth(asks="100x5 101x9"), "bob") == "100x1"


def test_two_own_orders_at_one_price_share_one_market_trade() -> None:
    market = book(bids="100x2")
    market.rest(BUY, 3, 100, by="alice")
    market.rest(BUY, 3, 100, by="bob")
    events = market.trade(SELL, 6, 100)
    assert (fills(events, "alice"), fills(events, "bob")) == ("100x3", "100x1")


def test_orders_on_both_sides_of_a_trade_fill_on_one_only() -> None:
    market = book(bids="99x1", asks="102x1")
    market.rest(BUY, 3, 100, by="alice")
    market.rest(SELL, 3, 101, by="bob")
    events = market.trade(SELL, 3, 100)
    assert (fills(events, "alice"), fills(events, "bob")) == ("100x3", "")


def test_one_cancel_ahead_of_me_does_not_put_me_first() -> None:
    market = book(bids="98x10")
    order = market.rest(BUY, 2, 98)
    market.change(bids="98x9")
    assert order.ahead == 9
    assert fills(market.trade(SELL, 5, 98)) == ""
    assert fills(market.trade(SELL, 5, 98)) == "98x1"


def test_a_vanished_level_does_not_fill_me() -> None:
    market = book(bids="98x10 97x1")
    order = market.rest(BUY, 2, 98)
    assert fills(market.change(bids="98x0")) == ""
    assert order.ahead == 0
    assert market.bids == "98x2 97x1"


def test_lots_that_join_behind_me_do_not_delay_me() -> None:
    market = book(bids="98x2")
    market.rest(BUY, 2, 98)
    market.change(bids="98x50")
    assert fills(market.trade(SELL, 4, 98)) == "98x2"


def test_marketable_limit_fills_at_book_prices_as_taker() -> None:
    market = book(asks="100x3 101x5")
    events = market.buy(5, at=105)
    assert fills(events) == "100x3 101x2"
    filled = [event for event in events if isinstance(event, OrderFilled)]
    assert all(not event.maker and event.cause is FillCause.TOOK_MIRROR and event.ahead is None for event in filled)
    assert filled[-1].status is OrderStatus.FILLED


def test_a_book_that_comes_through_my_price_fills_me_at_my_price_as_maker() -> None:
    market = book(bids="98x1", asks="101x5")
    market.rest(BUY, 3, 100)
    events = market.depth(bids="97x1", asks="99x5")
    assert fills(events) == "100x3"
    (filled,) = [event for event in events if isinstance(event, OrderFilled)]
    assert filled.maker and filled.cause is FillCause.CROSSED
    assert market.asks == "99x2", "what filled us is taken"


def test_a_book_that_crosses_fills_the_best_order_first_and_partly() -> None:
    market = book(asks="105x5")
    low = market.rest(BUY, 3, 100, by="alice")
    high = market.rest(BUY, 3, 101, by="bob")
    events = market.depth(asks="100x4")
    assert fills(events) == "101x3 100x1"
    assert high.status is OrderStatus.FILLED and low.leaves == 2
    assert (market.bids, market.asks) == ("100x2", "")


def test_a_trade_told_before_its_book_counts_once() -> None:
    market = book(bids="98x10")
    order = market.rest(BUY, 2, 98)
    market.trade(SELL, 4, 98, ts=market.now + 1 * MS)
    assert order.ahead == 6
    market.depth(bids="98x6", ts=market.now + 2 * MS)
    assert order.ahead == 6


def test_a_trade_told_after_its_book_counts_once() -> None:
    market = book(bids="98x10")
    order = market.rest(BUY, 2, 98)
    start = market.now
    market.now += 50 * MS
    market.depth(bids="98x6", ts=start + 20 * MS)
    assert order.ahead == 6
    market.trade(SELL, 4, 98, ts=start + 10 * MS)
    assert order.ahead == 6, "the book had already told it"
    market.trade(SELL, 4, 98, ts=start + 30 * MS)
    assert order.ahead == 2


def test_a_trade_told_two_books_late_counts_once() -> None:
    market = book(bids="98x10")
    order = market.rest(BUY, 2, 98)
    start = market.now
    market.now += 50 * MS
    market.depth(bids="98x6", ts=start + 20 * MS)
    market.depth(bids="98x5", ts=start + 30 * MS)
    market.trade(SELL, 5, 98, ts=start + 10 * MS)
    assert order.ahead == 5
    assert fills(market.trade(SELL, 3, 98)) == "", "five lots stand before us"


def test_a_trade_from_before_my_order_does_not_fill_it() -> None:
    market = book(bids="98x1")
    before = market.now
    market.now += 10 * MS
    order = market.rest(BUY, 2, 98)
    assert fills(market.trade(SELL, 9, 98, ts=before)) == ""
    assert fills(market.trade(SELL, 9, 97, ts=before)) == ""
    assert order.ahead == 1


def test_what_a_client_took_is_gone_for_the_next_one() -> None:
    market = book(asks="100x5")
    assert fills(market.buy(5, 100, by="alice")) == "100x5"
    market.depth(asks="100x5")
    market.buy(5, 100, by="bob")
    assert market.placed().is_open
    assert fills(market.depth(asks="100x7"), "bob") == "100x2"


def test_a_client_who_takes_the_lots_ahead_moves_the_queue() -> None:
    market = book(bids="98x10")
    order = market.rest(BUY, 2, 98, by="alice")
    market.sell(7, 98, by="bob")
    assert order.ahead == 3
    assert fills(market.trade(SELL, 4, 98), "alice") == "98x1"


def test_partial_fills_add_up_over_every_cause() -> None:
    market = book(bids="98x1")
    order = market.rest(BUY, 10, 98)
    total = 0
    steps: tuple[Callable[[], list[Event]], ...] = (
        lambda: market.trade(SELL, 3, 98),
        lambda: market.sell(3, 98, by="bob"),
        lambda: market.trade(SELL, 1, 97),
        lambda: market.depth(asks="98x2"),
        lambda: market.trade(SELL, 9, 98),
    )
    for step in steps:
        parts = [event for event in step() if isinstance(event, OrderFilled) and event.order_id == order.id]
        for part in parts:
            total += part.qty
            assert part.filled == total and part.leaves == 10 - total
    assert total == 10 and order.status is OrderStatus.FILLED


def test_every_fill_says_what_stood_before_it_and_what_caused_it() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 2, 98)
    ts = market.now + MS
    (filled,) = [e for e in market.trade(SELL, 6, 98, ts=ts) if isinstance(e, OrderFilled)]
    assert (filled.ahead, filled.trigger, filled.cause) == (4, ts, FillCause.TRADED_AT)


def test_what_a_trade_gave_to_my_own_order_is_no_cancel_before_the_next() -> None:
    """The market's own book shrinks by all that traded, whether our orders took part of it or not."""
    market = book(bids="98x4")
    market.market.model = queue_model("proportional")
    market.rest(BUY, 3, 98, by="alice")
    market.change(bids="98x12")
    second = market.rest(BUY, 3, 98, by="bob")
    market.change(bids="98x20")
    assert fills(market.trade(SELL, 10, 98)) == "98x3"
    assert second.ahead == 5
    market.change(bids="98x10")
    assert second.ahead == 5, "ten traded and nobody cancelled"
