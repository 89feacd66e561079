"""A mirror that is stale fills nothing, and what becomes of orders when it is back."""

from __future__ import annotations

from tests.builders import BUY, SELL, book, fills


def test_nothing_fills_while_the_mirror_is_stale_and_clients_see_the_book_as_it_was() -> None:
    market = book(bids="99x4", asks="101x4")
    waits = market.rest(BUY, 2, 100)
    market.invalidate()
    events = market.trade(SELL, 50, 98)
    assert fills(events, "alice") == "" and waits.is_open
    assert (market.bids, market.asks) == ("100x2 99x4", "101x4")


def test_an_order_from_before_keeps_its_place() -> None:
    market = book(bids="99x4")
    order = market.rest(BUY, 2, 99)
    market.invalidate()
    market.depth(bids="99x9")
    assert order.ahead == 4
    assert fills(market.trade(SELL, 5, 99), order) == "99x1"


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
