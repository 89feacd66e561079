"""From the venue's whole books to what changed, and from its numbers to ticks and lots."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import ChangeDepth, PrintTrade, ReplaceDepth
from simulator.core.instruments import Instrument
from simulator.core.orders import Side
from simulator.feeds.sync import Sync
from simulator.venues.hashkey.feed import BadFrame, DepthMessage, MarkMessage, Pair, TradeMessage

GRIDS = Instrument("XY", "X", "Y", tick="0.1", lot="0.01", min_qty="0.01", max_qty="100")


def told(sync: Sync, bids: list[Pair], asks: list[Pair]) -> ReplaceDepth | ChangeDepth:
    (command,) = sync.commands(DepthMessage("XY", 7, bids, asks), lambda ms: ms * 1000)
    assert isinstance(command, ReplaceDepth | ChangeDepth)
    assert (command.symbol, command.ts) == ("XY", 7000)
    return command


def test_the_first_book_is_told_whole_and_later_ones_by_what_changed() -> None:
    sync = Sync(GRIDS)
    first = told(sync, [("9.9", "1"), ("9.8", "2")], [("10", "3")])
    assert isinstance(first, ReplaceDepth)
    assert (first.bids, first.asks) == (((99, 100), (98, 200)), ((100, 300),))
    second = told(sync, [("9.9", "1"), ("9.7", "2")], [("10", "0.5")])
    assert isinstance(second, ChangeDepth)
    assert (second.bids, second.asks) == (((98, 0), (97, 200)), ((100, 50),))
    sync.restart()
    assert isinstance(told(sync, [("9.9", "1")], []), ReplaceDepth)


books = st.dictionaries(st.integers(90, 99), st.sampled_from(["0.01", "1", "1.00", "2.5"]), max_size=8)
price_texts = st.sampled_from(["{}.{}", "{}.{}0"])


@st.composite
def sides(draw: st.DrawFn) -> list[Pair]:
    """Best first; now and then a price is written otherwise than before, or told twice."""
    pairs = [
        (draw(price_texts).format(*divmod(price, 10)), size)
        for price, size in sorted(draw(books).items(), reverse=True)
    ]
    return pairs + pairs[: draw(st.sampled_from([0, 0, 0, 1]))]


@given(st.lists(sides(), min_size=2, max_size=6))
def test_what_changed_is_what_a_slow_comparison_of_the_texts_finds(told_books: list[list[Pair]]) -> None:
    """Removed levels in the order of the book before, then the others in the order of this one."""
    sync = Sync(GRIDS)
    told(sync, told_books[0], [])
    for before, now in pairwise(told_books):
        old, new = dict(before), dict(now)
        expected = [(price, "0") for price in old if price not in new]
        expected += [(price, size) for price, size in new.items() if (price, size) not in old.items()]
        command = told(sync, now, [])
        assert command.bids == tuple(
            (GRIDS.price_grid.parse(price), GRIDS.qty_grid.parse(size)) for price, size in expected
        )
        assert command.asks == ()


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("10", "1")], [("10", "1")]),
        ([("9.95", "1")], []),
        ([("9.9", "0.001")], []),
        ([("9.9", "0")], []),
        ([("0", "1")], []),
        ([("9.9", "-1")], []),
        ([("9.9", "1e1")], []),
    ],
)
def test_a_book_that_cannot_be_is_refused_and_leaves_no_trace(bids: list[Pair], asks: list[Pair]) -> None:
    fresh, sync = Sync(GRIDS), Sync(GRIDS)
    told(sync, [("9.8", "2")], [])
    for one in (fresh, sync):
        with pytest.raises(BadFrame, match="XY"):
            told(one, bids, asks)
    assert told(sync, [("9.8", "2")], []).bids == ()


def test_trades_are_told_but_not_those_that_were_before_us() -> None:
    sync = Sync(GRIDS)
    trade = TradeMessage("XY", 7, "9.9", "0.5", buyer_made=True, history=False)
    assert sync.commands(trade, lambda ms: ms) == [PrintTrade("XY", 7, 99, 50, Side.SELL)]
    assert sync.commands(TradeMessage("XY", 7, "9.9", "0.5", buyer_made=False, history=True), lambda ms: ms) == []
    assert sync.commands(MarkMessage("XY", 7, "9.9"), lambda ms: ms) == []


def book(version: int, ts_ms: int, bid: str) -> DepthMessage:
    return DepthMessage("XY", ts_ms, [(bid, "1")], [("10", "3")], f"{version}_1" if version else "")


def kinds(sync: Sync, *messages: DepthMessage) -> list[str]:
    return [type(one).__name__ for message in messages for one in sync.commands(message, lambda ms: ms)]


def test_numbers_that_skip_are_in_order_and_the_same_one_again_is_too() -> None:
    assert kinds(Sync(GRIDS), book(5, 1, "9.9"), book(900, 2, "9.8"), book(900, 2, "9.8")) == [
        "ReplaceDepth",
        "ChangeDepth",
        "ChangeDepth",
    ]


def test_a_number_that_goes_back_makes_the_book_unknown_until_the_next_whole_one() -> None:
    sync = Sync(GRIDS)
    assert kinds(sync, book(5, 1, "9.9"), book(7, 2, "9.8")) == ["ReplaceDepth", "ChangeDepth"]
    assert kinds(sync, book(6, 2, "9.7")) == ["InvalidateDepth"]
    assert kinds(sync, book(8, 3, "9.6")) == ["ReplaceDepth"]


def test_a_counter_that_began_anew_is_followed() -> None:
    sync = Sync(GRIDS)
    assert kinds(sync, book(500, 1, "9.9"), book(1, 2, "9.8"), book(2, 3, "9.7"), book(3, 4, "9.7")) == [
        "ReplaceDepth",
        "InvalidateDepth",
        "ReplaceDepth",
        "ChangeDepth",
    ]


def test_a_book_asked_for_counts_unless_it_is_older_than_the_last() -> None:
    sync = Sync(GRIDS)
    assert kinds(sync, book(5, 10, "9.9"), book(0, 9, "9.5")) == ["ReplaceDepth"]
    assert kinds(sync, book(0, 12, "9.6")) == ["ChangeDepth"]
    assert kinds(sync, book(6, 11, "9.7")) == []
    assert kinds(sync, book(7, 12, "9.8")) == ["ChangeDepth"]


def test_a_trade_told_twice_counts_once() -> None:
    sync = Sync(GRIDS)

    def told(number: int) -> int:
        trade = TradeMessage("XY", 7, "9.9", "0.5", buyer_made=True, history=False, id=str(number or ""))
        return len(sync.commands(trade, lambda ms: ms))

    assert [told(number) for number in (4, 4, 3, 9, 9, 0, 0, 10)] == [1, 0, 0, 1, 0, 1, 1, 1]
    sync.restart()
    assert told(1) == 1


def test_the_venues_ids_go_with_what_it_told() -> None:
    """Every fill is explained by the message that caused it (HashKey WebSocket 2: ``v`` of books and of trades)."""
    sync = Sync(GRIDS)
    for version, kind in (("7_1", ReplaceDepth), ("8_1", ChangeDepth)):
        (command,) = sync.commands(DepthMessage("XY", 7, [("9.9", "1")], [], version), lambda ms: ms)
        assert isinstance(command, kind) and command.message == version
    trade = TradeMessage("XY", 7, "9.9", "0.5", buyer_made=True, history=False, id="12")
    assert sync.commands(trade, lambda ms: ms) == [PrintTrade("XY", 7, 99, 50, Side.SELL, "12")]
