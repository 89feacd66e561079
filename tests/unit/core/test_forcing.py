"""Orders that stand apart from the book, and their fills by decree."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core.commands import CancelOrder, ForceFill, PlaceOrder
from simulator.core.events import FillCause, OrderFilled, TradeHappened
from simulator.core.rejections import RejectReason
from tests.builders import BUY, GTC, LIMIT, LIMIT_MAKER, MARKET, SELL, SYMBOL, Play, book, ending, fills, rejection

ORDER = PlaceOrder("alice", SYMBOL, BUY, LIMIT, 10, 101, "mine", apart=True)


def play() -> Play:
    market = book(bids="98x4", asks="101x2")
    market.do(ORDER)
    return market


def test_an_order_apart_takes_nothing_and_is_shown_to_nobody() -> None:
    market = play()
    assert fills(market.events) == ""
    assert (market.bids, market.asks) == ("98x4", "101x2")
    assert fills(market.trade(SELL, 50, 90)) == ""
    assert fills(market.depth(bids="97x1", asks="99x5")) == ""


def test_it_is_filled_as_somebody_says_and_pays_from_its_hold() -> None:
    market = play()
    before = market.money("alice", "X"), market.money("alice", "Y")
    events = market.do(ForceFill("alice", "mine", 4))
    (fill,) = (one for one in events if isinstance(one, OrderFilled))
    assert (fill.price, fill.qty, fill.leaves, fill.cause, fill.maker) == (101, 4, 6, FillCause.FORCED, True)
    assert not any(isinstance(one, TradeHappened) for one in events)
    assert (market.money("alice", "X"), market.money("alice", "Y")) != before
    assert fills(market.do(ForceFill("alice", "mine", 6))) == "101x6"
    assert rejection(market.do(ForceFill("alice", "mine", 1))) is RejectReason.ORDER_ALREADY_FILLED
    assert not market.exchange.state.customers["alice"].open_orders


def test_it_is_cancelled_as_any_other() -> None:
    market = play()
    market.do(ForceFill("alice", "mine", 4))
    assert ending(market.do(CancelOrder("alice", None, "mine"))) == "PARTIALLY_CANCELED USER"
    assert rejection(market.do(CancelOrder("alice", None, "mine"))) is RejectReason.ORDER_ALREADY_CANCELED
    assert rejection(market.do(ForceFill("alice", "mine", 1))) is RejectReason.ORDER_ALREADY_CANCELED


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ForceFill("alice", "other", 1), RejectReason.UNKNOWN_ORDER),
        (ForceFill("nobody", "mine", 1), RejectReason.UNKNOWN_ORDER),
        (ForceFill("alice", "mine", 11), RejectReason.QTY_TOO_LARGE),
        (ForceFill("alice", "mine", 0), RejectReason.QTY_TOO_SMALL),
    ],
)
def test_what_cannot_be_forced(command: ForceFill, reason: RejectReason) -> None:
    assert rejection(play().do(command)) is reason


def test_an_order_in_the_book_is_the_markets() -> None:
    market = play()
    market.do(msgspec.structs.replace(ORDER, price=97, client_order_id="usual", apart=False))
    assert rejection(market.do(ForceFill("alice", "usual", 1))) is RejectReason.UNSUPPORTED_COMBINATION


def test_post_only_orders_stand_apart_and_market_orders_cannot() -> None:
    market = play()
    post_only = msgspec.structs.replace(ORDER, type=LIMIT_MAKER, client_order_id="post", tif=GTC)
    assert rejection(market.do(post_only)) is None
    of_the_market = PlaceOrder("alice", SYMBOL, BUY, MARKET, 1, None, "now", apart=True)
    assert rejection(market.do(of_the_market)) is RejectReason.UNSUPPORTED_COMBINATION
