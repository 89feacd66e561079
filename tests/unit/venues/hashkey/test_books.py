"""The quick way to the best levels against the market's own."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.orders import Side
from simulator.venues.hashkey.books import BookTexts, Rows, top
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


@pytest.mark.parametrize("side", Side)
def test_rows_are_remembered_but_not_for_ever(side: Side) -> None:
    market = Site().exchange.state.markets["BTCUSDT"]
    rows, sign = Rows(market, side), market.mirror.side(side).sign
    for price in range(1, 6000):
        shown = json.loads(f"[{rows.of([(price * sign, price), (7 * sign, 7)])}]")
        assert shown == [[f"{price / 100:.2f}".rstrip("0").rstrip("."), rows._size(price)], ["0.07", rows._size(7)]]
    assert len(rows._texts) <= 5002


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
