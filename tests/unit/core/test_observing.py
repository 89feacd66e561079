"""Books and trades of the outside market: what is accepted, and what it does to resting orders."""

from __future__ import annotations

import pytest

from simulator.core.commands import ChangeDepth, Command, InvalidateDepth, PrintTrade, ReplaceDepth
from simulator.core.events import MirrorChanged, MirrorInvalidated, TradeHappened
from simulator.core.rejections import RejectReason
from tests.builders import BUY, SELL, SYMBOL, book, fills, rejection

NO = RejectReason


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ReplaceDepth("?", 1, (), ()), NO.UNKNOWN_SYMBOL),
        (ReplaceDepth(SYMBOL, 1, ((0, 1),), ()), NO.PRICE_NOT_POSITIVE),
        (ReplaceDepth(SYMBOL, 1, (), ((100, 0),)), NO.QTY_TOO_SMALL),
        (ReplaceDepth(SYMBOL, 1, ((100, 1),), ((100, 1),)), NO.CROSSED_BOOK),
        (ReplaceDepth(SYMBOL, 1, ((90, 1), (101, 1)), ((105, 1), (100, 1))), NO.CROSSED_BOOK),
        (ChangeDepth("?", 1, (), ()), NO.UNKNOWN_SYMBOL),
        (ChangeDepth(SYMBOL, 1, ((-1, 1),), ()), NO.PRICE_NOT_POSITIVE),
        (ChangeDepth(SYMBOL, 1, (), ((100, -1),)), NO.QTY_TOO_SMALL),
        (PrintTrade("?", 1, 1, 1, BUY), NO.UNKNOWN_SYMBOL),
        (PrintTrade(SYMBOL, 1, 0, 1, BUY), NO.PRICE_NOT_POSITIVE),
        (PrintTrade(SYMBOL, 1, 1, 0, BUY), NO.QTY_TOO_SMALL),
        (InvalidateDepth("?"), NO.UNKNOWN_SYMBOL),
    ],
)
def test_is_declined(command: Command, reason: RejectReason) -> None:
    assert rejection(book(bids="98x4", asks="101x2").do(command)) is reason


@pytest.mark.parametrize(("bids", "asks"), [("101x1", ""), ("", "98x1"), ("99x1", "99x1")])
def test_a_change_never_leaves_a_crossed_composite_book(bids: str, asks: str) -> None:
    market = book(bids="98x4", asks="101x2")
    market.change(bids, asks)  # the builder checks the market after each command


def test_a_change_may_move_the_whole_spread() -> None:
    market = book(bids="98x4", asks="101x2")
    assert rejection(market.change(bids="101x3", asks="101x0 102x1")) is None
    assert (market.bids, market.asks) == ("101x3 98x4", "102x1")


def test_a_book_replaces_all_levels() -> None:
    market = book(bids="98x4 97x1", asks="101x2")
    assert market.depth(bids="97x2", asks="100x1 101x2", ts=7) == [MirrorChanged(SYMBOL, 7)]
    assert (market.bids, market.asks) == ("97x2", "100x1 101x2")


def test_a_market_trade_without_us_is_printed_as_it_is() -> None:
    market = book(bids="98x4")
    (event,) = market.trade(SELL, 3, 98, ts=5)
    assert isinstance(event, TradeHappened)
    assert (event.ts, event.price, event.qty, event.side) == (5, 98, 3, SELL)
    assert market.market.last == 98


def test_our_part_of_a_market_trade_is_printed_at_our_price_and_the_rest_at_its_own() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 2, 99)
    events = market.trade(SELL, 5, 98)
    printed = [(event.price, event.qty) for event in events if isinstance(event, TradeHappened)]
    assert printed == [(99, 2), (98, 3)]


def test_a_gap_stops_fills_from_trades() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 2, 99)
    assert market.invalidate() == [MirrorInvalidated(SYMBOL)]
    assert fills(market.trade(SELL, 5, 98)) == ""


def test_a_gap_stops_fills_from_changed_levels_until_the_next_whole_book() -> None:
    market = book(asks="101x2")
    market.rest(BUY, 3, 100)
    market.invalidate()
    assert fills(market.change(asks="99x5")) == ""
    assert fills(market.depth(asks="99x5")) == "100x3"


def test_after_a_gap_what_was_taken_is_still_taken() -> None:
    market = book(asks="100x5")
    market.buy(5, 100)
    market.invalidate()
    market.depth(asks="100x5")
    assert market.asks == ""
    market.depth(asks="100x6")
    assert market.asks == "100x1"


def test_the_mirror_time_never_goes_back() -> None:
    market = book()
    market.depth(bids="98x1", ts=9)
    market.depth(bids="98x2", ts=5)
    assert market.market.mirror.ts == 9 and market.bids == "98x2"


class TestView:
    """The market shows a part of its book only."""

    def test_beyond_the_view_nobody_knows_the_place(self) -> None:
        market = book(bids="98x4")
        assert market.rest(BUY, 1, 97).ahead is None

    def test_a_level_that_comes_into_view_tells_it(self) -> None:
        market = book(bids="98x4")
        order = market.rest(BUY, 1, 97)
        market.change(bids="97x6")
        assert order.ahead == 6

    def test_a_view_that_grows_past_an_empty_level_tells_it_too(self) -> None:
        market = book(bids="98x4")
        first = market.rest(BUY, 1, 97, by="alice")
        market.change(bids="96x1")
        market.rest(BUY, 1, 97, by="bob")
        assert fills(market.trade(SELL, 1, 97), "alice") == "97x1", "a newer order must not fill first"
        assert first.ahead == 0

    def test_out_of_view_and_back_an_order_keeps_its_place(self) -> None:
        market = book(bids="98x4 97x5")
        order = market.rest(BUY, 1, 97)
        market.depth(bids="98x4")
        assert order.ahead == 5
        market.depth(bids="98x4 97x9")
        assert order.ahead == 5

    def test_back_in_view_and_empty_nobody_is_ahead(self) -> None:
        market = book(bids="98x4 97x5")
        order = market.rest(BUY, 1, 97)
        market.depth(bids="98x4")
        market.depth(bids="98x4 96x1")
        assert order.ahead == 0

    def test_an_order_that_was_there_before_any_book_is_first(self) -> None:
        market = book()
        order = market.rest(BUY, 1, 97)
        market.depth(bids="97x5")
        assert order.ahead == 0
