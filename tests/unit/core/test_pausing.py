"""Matching that is paused and goes on."""

from __future__ import annotations

from simulator.core.commands import CancelOrder, SetMatching
from simulator.core.digest import digest
from simulator.core.rejections import RejectReason
from tests.builders import BUY, SELL, SYMBOL, Play, book, fills, rejection


def paused(bids: str = "98x4", asks: str = "101x2") -> Play:
    market = book(bids=bids, asks=asks)
    market.do(SetMatching(SYMBOL, False))
    return market


def go_on(market: Play) -> str:
    return fills(market.do(SetMatching(SYMBOL, True)))


def test_what_would_trade_waits_and_trades_when_it_goes_on_the_oldest_first() -> None:
    market = paused()
    assert fills(market.buy(2, 101, by="alice")) == ""
    assert fills(market.buy(2, 101, by="bob")) == ""
    assert market.asks == "101x2"
    events = market.do(SetMatching(SYMBOL, True))
    assert (fills(events, "alice"), fills(events, "bob")) == ("101x2", "")
    assert market.bids == "101x2 98x4"


def test_what_would_not_trade_rests_and_meets_what_waited() -> None:
    market = paused()
    market.buy(1, 101, by="alice")
    market.rest(SELL, 1, 100, by="bob")
    assert go_on(market) == "100x1"


def test_the_outside_market_fills_nobody_meanwhile_and_its_book_does_afterwards() -> None:
    market = book(bids="98x4", asks="101x2")
    market.rest(BUY, 3, 99)
    market.do(SetMatching(SYMBOL, False))
    assert fills(market.trade(SELL, 50, 90)) == ""
    assert fills(market.depth(bids="97x1", asks="99x2 101x2")) == ""
    assert go_on(market) == "99x2"


def test_a_waiting_order_is_cancelled_and_trades_no_more() -> None:
    market = paused()
    market.buy(1, 101, by="alice")
    (order,) = market.exchange.state.customers["alice"].open_orders.values()
    assert rejection(market.do(CancelOrder("alice", order.id))) is None
    assert rejection(market.do(CancelOrder("alice", order.id))) is RejectReason.ORDER_ALREADY_CANCELED
    assert go_on(market) == ""


def test_said_twice_it_is_as_once_and_leaves_no_trace_at_the_end() -> None:
    market = book(bids="98x4", asks="101x2")
    before = digest(market.exchange.state)
    for matching in (False, False):
        market.do(SetMatching(SYMBOL, matching))
    assert digest(market.exchange.state) != before
    for matching in (True, True):
        market.do(SetMatching(SYMBOL, matching))
    assert digest(market.exchange.state) == before
    assert rejection(market.do(SetMatching("?", True))) is RejectReason.UNKNOWN_SYMBOL
