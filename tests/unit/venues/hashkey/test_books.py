"""The quick way to the best levels against the market's own."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.mirror.depth import TOUCHES_KEPT
from simulator.core.orders import Side
from simulator.venues.hashkey.books import DEPTH_LEVELS, BookTexts, Rows, top
from tests.builders import BUY, SELL, Play, book
from tests.wire import Site

offers = st.tuples(st.sampled_from([BUY, SELL]), st.integers(1, 5), st.integers(85, 115), st.booleans())


def same(play: Play, most: int) -> None:
    for side in Side:
        assert top(play.market, side, most) == list(islice(play.market.levels(side), most))


@given(st.lists(offers, max_size=12), st.integers(1, 12))
def test_top_gives_the_first_levels_of_the_composite_book(steps: list[tuple[Side, int, int, bool]], most: int) -> None:
    play = book("99x2 98x3 97x1 95x9", "101x2 102x3 103x1 105x9")
    for side, qty, price, alice in steps:
        play.order(side, qty, price, by="alice" if alice else "bob")
        same(play, most)
    play.change("99x0 94x4", "102x1 103x0")
    same(play, most)


def test_levels_that_we_emptied_do_not_count() -> None:
    play = book("99x2 98x3", "101x2 102x3 103x1")
    play.buy(2, 101)
    assert top(play.market, SELL, 2) == [(102, 3), (103, 1)]
    play.buy(1, 102)
    assert top(play.market, SELL, 2) == [(102, 2), (103, 1)]


def test_an_empty_side_has_no_levels() -> None:
    assert top(book().market, BUY, 5) == []


def follow(play: Play, rows: dict[Side, Rows], most: int = DEPTH_LEVELS) -> None:
    """The rows are those that the market's own levels give."""
    price, size = play.market.instrument.price_grid.text, play.market.instrument.qty_grid.text
    for side in Side:
        levels = islice(play.market.levels(side), most)
        assert json.loads(f"[{rows[side].text()}]") == [[price(ticks), size(lots)] for ticks, lots in levels]


changes = st.tuples(st.just("change"), st.sampled_from([BUY, SELL]), st.integers(90, 110), st.integers(0, 5))
orders = st.tuples(st.just("order"), st.sampled_from([BUY, SELL]), st.integers(85, 115), st.integers(1, 5))
cancels = st.tuples(st.just("cancel"), st.just(BUY), st.integers(0, 30), st.just(0))
looks = st.tuples(st.just("look"), st.just(BUY), st.just(0), st.just(0))


@given(st.lists(changes | orders | cancels | looks, max_size=40), st.integers(1, 8), st.integers(1, 6))
def test_rows_follow_the_composite_book(steps: list[tuple[str, Side, int, int]], most: int, kept: int) -> None:
    """Two readers who look at different times, with little memory of touches and few levels shown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulator.venues.hashkey.books.DEPTH_LEVELS", most)
        patch.setattr("simulator.core.mirror.depth.TOUCHES_KEPT", kept)
        play = book("99x2 98x3 97x1 95x9", "101x2 102x3 103x1 105x9")
        often, seldom = ({side: Rows(play.market, side) for side in Side} for _ in range(2))
        for kind, side, number, lots in steps:
            if kind == "change":
                level = f"{number}x{lots}"
                play.change(*(level, "") if side is BUY else ("", level))
            elif kind == "order":
                play.order(side, lots, number)
            elif kind == "cancel":
                resting = [order for order in play.exchange.state.orders.values() if order.is_open]
                if resting:
                    play.cancel(resting[number % len(resting)])
            else:
                follow(play, seldom, most)
            follow(play, often, most)
        follow(play, seldom, most)


def test_rows_that_missed_more_touches_than_are_known_are_made_anew() -> None:
    play = book("99x2", "101x2")
    rows = {side: Rows(play.market, side) for side in Side}
    follow(play, rows)
    for size in range(1, TOUCHES_KEPT):
        play.change("99x0 98x1", f"101x{size} 102x0")
    play.change("97x1", "102x1")
    follow(play, rows)


def test_the_texts_follow_the_version() -> None:
    site = Site()
    texts = BookTexts(site.exchange.state.markets["BTCUSDT"])
    texts.refresh()
    assert texts.bids == '["59999.99","1"],["59990","2"],["58000","5"]'
    before = texts.asks
    texts.refresh()
    assert texts.asks is before
    site.depth("BTCUSDT", "1x2", "3x4")
    texts.refresh()
    assert (texts.bids, texts.asks) == ('["1","2"]', '["3","4"]')


def test_no_more_than_200_levels_are_shown() -> None:
    site = Site()
    site.depth("BTCUSDT", " ".join(f"{price}x1" for price in range(900, 600, -1)), "1000x1")
    texts = BookTexts(site.exchange.state.markets["BTCUSDT"])
    texts.refresh()
    assert len(json.loads(f"[{texts.bids}]")) == 200
    assert texts.bids.startswith('["900","1"]')
