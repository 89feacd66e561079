"""A mirror that is stale fills nothing, by whichever way; orders wait, and a whole book lets everything go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.core.commands import ChooseModels, PrintTrade, ReplaceDepth, SetMatching
from simulator.core.events import FillCause, OrderFilled
from simulator.core.mirror.queue_position import MODELS as QUEUES
from simulator.core.mirror.residual import MODELS as RESIDUALS
from simulator.core.orders import CancelReason, OrderStatus
from tests.builders import (
    BUY,
    FOK,
    IOC,
    LIMIT_MAKER,
    OPEN,
    SELL,
    SYMBOL,
    Play,
    book,
    ending,
    fills,
    futures,
    rejection,
)


def stale(bids: str = "98x4 97x9", asks: str = "101x4 102x9") -> Play:
    market = book(bids, asks)
    market.invalidate()
    return market


@pytest.mark.parametrize(
    ("take", "end"),
    [
        (lambda market: market.buy(2), "CANCELED NO_LIQUIDITY"),
        (lambda market: market.buy(amount=300), "CANCELED NO_LIQUIDITY"),
        (lambda market: market.sell(2, tif=FOK), "CANCELED FILL_OR_KILL"),
        (lambda market: market.buy(2, 105, tif=IOC), "CANCELED IMMEDIATE_OR_CANCEL"),
        (lambda market: market.sell(2, 90, tif=FOK), "CANCELED FILL_OR_KILL"),
        (lambda market: market.buy(2, 105), ""),
    ],
)
def test_no_taker_takes_from_a_stale_mirror(take: Callable[[Play], None], end: str) -> None:
    market = stale()
    take(market)
    assert fills(market.events) == "" and ending(market.events) == end


def test_clients_see_the_book_as_it_was() -> None:
    market = stale()
    assert (market.bids, market.asks) == ("98x4 97x9", "101x4 102x9")


@pytest.mark.parametrize(
    "told",
    [
        lambda market: market.trade(SELL, 50, 98),
        lambda market: market.trade(SELL, 50, 90),
        lambda market: market.change(asks="95x50"),
        lambda market: market.change(bids="98x0"),
    ],
)
def test_nothing_that_is_told_fills_a_resting_order_meanwhile(told: Callable[[Play], None]) -> None:
    market = stale()
    order = market.rest(BUY, 2, 98)
    told(market)
    assert fills(market.events) == "" and order.leaves == 2


def test_a_market_order_for_a_perpetual_takes_nothing_either() -> None:
    play = futures("99x50", "101x50")
    play.invalidate()
    play.order(BUY, 1, effect=OPEN)
    assert fills(play.events) == "" and ending(play.events) == "CANCELED IMMEDIATE_OR_CANCEL"


def test_own_accounts_go_on_trading_with_each_other() -> None:
    market = stale()
    market.rest(SELL, 2, 103, by="bob")
    assert fills(market.buy(1, 105)) == "103x1"


def test_a_post_only_order_may_cross_a_stale_mirror_and_fills_as_maker_when_it_returns() -> None:
    market = stale()
    assert rejection(market.buy(2, 103, type=LIMIT_MAKER)) is None
    (fill,) = [event for event in market.depth("98x4", "101x4") if isinstance(event, OrderFilled)]
    assert (fill.price, fill.qty, fill.maker, fill.cause) == (103, 2, True, FillCause.CROSSED)


def test_a_marketable_order_that_came_while_nothing_was_known_takes_at_the_books_prices_when_it_is_back() -> None:
    market = stale()
    order = market.rest(BUY, 6, 110)
    market.depth("98x4", "101x4 102x9")
    got = [(one.price, one.qty, one.maker) for one in market.events if isinstance(one, OrderFilled)]
    assert got == [(101, 4, False), (102, 2, False)]
    assert order.status is OrderStatus.FILLED


def test_who_rested_before_is_served_before_those_that_came_while_nothing_was_known() -> None:
    market = book("98x4", "101x4")
    older = market.rest(BUY, 3, 100)
    market.invalidate()
    first, second = market.rest(BUY, 2, 105), market.rest(BUY, 2, 110, by="bob")
    market.depth("90x4", "99x6")
    got = [(one.order_id, one.price, one.qty, one.maker) for one in market.events if isinstance(one, OrderFilled)]
    assert got == [(older.id, 100, 3, True), (first.id, 99, 2, False), (second.id, 99, 1, False)]
    assert (second.leaves, second.is_open, market.bids) == (1, True, "110x1 90x4")


def test_who_came_while_nothing_was_known_waits_on_while_matching_is_paused_and_then_takes() -> None:
    market = stale()
    order = market.rest(BUY, 3, 110)
    market.do(SetMatching(SYMBOL, False))
    market.depth("98x4", "101x4")
    assert (order.filled, order.is_open) == (0, True)
    market.do(SetMatching(SYMBOL, True))
    got = [(one.price, one.qty, one.maker) for one in market.events if isinstance(one, OrderFilled)]
    assert got == [(101, 3, False)]


def test_a_whole_book_lets_everything_go_on_and_loses_no_order() -> None:
    market = book("98x4", "101x4")
    order = market.rest(BUY, 2, 98)
    market.trade(SELL, 3, 98)
    market.invalidate()
    market.trade(SELL, 9, 98)
    assert (order.ahead, order.leaves) == (1, 2), "what happened meanwhile nobody knows"
    market.depth("98x4", "101x4")
    assert order.ahead == 1
    assert fills(market.trade(SELL, 2, 98)) == "98x1"
    assert fills(market.buy(4, 101, by="bob")) == "101x4"


def test_only_a_whole_book_ends_it() -> None:
    market = stale()
    market.change(asks="101x3")
    assert market.market.mirror.stale
    market.buy(1)
    assert ending(market.events) == f"CANCELED {CancelReason.NO_LIQUIDITY.name}"
    market.depth("98x4", "101x4")
    assert fills(market.buy(1)) == "101x1"


def test_a_book_that_is_refused_ends_nothing() -> None:
    market = stale()
    assert rejection(market.depth("102x1", "101x1")) is not None
    assert market.market.mirror.stale


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("queue", QUEUES)
def test_own_orders_at_one_price_fill_strictly_by_time_under_every_model(queue: str, residual: str) -> None:
    """Also where the older one joined under a model that put it further back."""
    market = book("98x8", "101x4")
    older = market.rest(BUY, 2, 98, by="alice")
    market.do(ChooseModels(SYMBOL, queue, residual))
    newer = market.rest(BUY, 2, 98, by="bob")
    for size, qty in ((6, 1), (9, 3), (2, 1), (4, 3), (4, 9)):
        market.change(f"98x{size}")
        market.do(PrintTrade(SYMBOL, market.now + 1, 98, qty, SELL))
        assert newer.leaves == 2 or not older.leaves
        assert not older.leaves or not newer.leaves or (older.ahead or 0) <= (newer.ahead or 0)
    market.do(ReplaceDepth(SYMBOL, market.now + 2, (), ((98, 9),)))
    assert not older.leaves and not newer.leaves


def test_who_joins_under_a_kinder_model_does_not_pass_who_was_there_before() -> None:
    market = book("98x8", "101x4")
    older = market.rest(BUY, 2, 98, by="alice")
    market.do(ChooseModels(SYMBOL, "front"))
    newer = market.rest(BUY, 2, 98, by="bob")
    market.trade(SELL, 3, 98)
    assert (older.ahead, newer.ahead, newer.leaves) == (5, 5, 2)


def test_own_and_mirrored_orders_at_one_price_trade_by_their_places_in_the_queue() -> None:
    market = book(asks="100x4")
    market.rest(SELL, 2, 100, by="bob")
    market.change(asks="100x9")
    market.rest(SELL, 2, 100, by="carol")
    market.buy(12, 100)
    told = [(one.qty, one.account) for one in market.explained().walked]
    assert told == [("4", None), ("2", "bob"), ("5", None), ("1", "carol")]


def test_an_order_that_came_meanwhile_stands_behind_everything_displayed_on_return() -> None:
    market = book(bids="99x4")
    market.invalidate()
    order = market.rest(BUY, 2, 99)
    assert order.ahead is None
    market.depth(bids="99x9")
    assert order.ahead == 9
    assert fills(market.trade(SELL, 10, 99), order) == "99x1"


def test_that_holds_where_the_level_looks_as_it_did_before() -> None:
    market = book(bids="99x4")
    market.invalidate()
    order = market.rest(BUY, 2, 99)
    market.depth(bids="99x4")
    assert order.ahead == 4


def test_an_order_that_was_there_before_any_book_is_not_first_in_its_queue() -> None:
    market = book()
    market.invalidate()
    order = market.rest(BUY, 2, 99)
    market.depth(bids="99x9")
    assert order.ahead == 9
