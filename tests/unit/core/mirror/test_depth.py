"""The mirrored levels, less what our clients took: the story of the residual."""

from __future__ import annotations

import pytest

from simulator.core.mirror.depth import TOUCHES_KEPT, MirrorBook, MirrorSide
from simulator.core.orders import Side


def asks(**sizes: int) -> MirrorSide:
    side = MirrorSide(Side.SELL)
    for price, size in sizes.items():
        side.set(int(price[1:]), size)
    side.check()
    return side


def test_what_was_taken_is_not_there_again_while_the_market_repeats_the_level() -> None:
    side = asks(p100=5)
    side.take(100, 5)
    assert side.set(100, 5) == (0, 0)
    assert side.best_key is None
    side.check()


def test_only_the_difference_of_a_growing_level_is_new() -> None:
    side = asks(p100=5)
    side.take(100, 5)
    assert side.set(100, 7) == (0, 2)
    assert side.best_key == 100
    side.take(100, 2)
    assert side.available(100) == 0
    assert side.set(100, 8) == (0, 1)
    side.check()


def test_a_level_that_vanished_and_came_back_offers_everything() -> None:
    side = asks(p100=5)
    side.take(100, 5)
    assert side.set(100, 0) == (0, 0)
    assert side.set(100, 5) == (0, 5)
    side.check()


@pytest.mark.parametrize(("smaller", "left"), [(4, 2), (3, 1), (2, 0), (1, 0)])
def test_a_shrinking_level_takes_from_what_is_left(smaller: int, left: int) -> None:
    side = asks(p100=5)
    side.take(100, 2)
    assert side.set(100, smaller) == (3, left)
    side.check()


def test_after_shrinking_below_what_was_taken_growth_is_new_again() -> None:
    side = asks(p100=5)
    side.take(100, 4)
    side.set(100, 2)
    assert side.set(100, 5) == (0, 3)
    side.check()


def test_a_level_that_was_taken_whole_is_no_best_price() -> None:
    side = asks(p100=5, p101=1)
    side.take(100, 5)
    assert side.best_key == 101
    assert list(side.levels()) == [(101, 1)]
    side.set(101, 0)
    assert side.best_key is None
    side.check()


def test_taking_more_than_is_shown_is_a_bug() -> None:
    side = asks(p100=5)
    with pytest.raises(AssertionError):
        side.take(100, 6)


def test_the_view_ends_at_the_worst_price_shown() -> None:
    side = asks(p100=5, p102=1)
    assert side.sees(102) and side.sees(101) and not side.sees(103)
    side.set(102, 0)
    assert not side.sees(101)
    side.set(105, 1)
    assert side.sees(104)
    side.check()


def test_a_side_that_shows_nothing_hides_nothing() -> None:
    side = asks(p100=5)
    side.set(100, 0)
    assert side.sees(100) and side.sees(10**9)
    assert side.best_key is side.worst_key is None


def test_removing_what_is_not_there_changes_nothing() -> None:
    side = asks(p100=5)
    assert side.set(101, 0) == (0, 0)
    side.check()


def test_bids_are_best_at_the_highest_price() -> None:
    side = MirrorSide(Side.BUY)
    for price in (98, 100, 99):
        side.set(price, 1)
    assert [key * side.sign for key, _ in side.levels()] == [100, 99, 98]
    assert side.sees(98) and not side.sees(97)
    side.check()


def test_many_levels_at_once_are_as_one_by_one() -> None:
    at_once, one_by_one = asks(p100=5, p101=3, p102=1), asks(p100=5, p101=3, p102=1)
    levels = [(100, 0), (101, 7), (103, 4), (99, 2), (102, 1), (101, 2)]
    for side in (at_once, one_by_one):
        side.take(100, 5)
        side.take(101, 3)
    at_once.show(levels)
    for price, size in levels:
        one_by_one.set(price, size)
    assert list(at_once.levels()) == list(one_by_one.levels()) == [(99, 2), (102, 1), (103, 4)]
    assert at_once.taken_at == one_by_one.taken_at == {101: 2}
    for side in (at_once, one_by_one):
        assert (side.best_key, side.worst_key) == (99, 103)
        side.check()


@pytest.mark.parametrize("side", Side)
def test_the_touched_keys_are_known_for_a_while(side: Side) -> None:
    mirror = MirrorSide(side)
    mirror.show([(100, 5), (101, 3)])
    begin = mirror.touches
    assert mirror.touched_since(begin) == set()
    mirror.set(100, 6)
    mirror.take(mirror.sign * 101, 1)
    mirror.show([(102, 1), (103, 0)])
    assert mirror.touched_since(begin) == {mirror.sign * price for price in (100, 101, 102, 103)}
    assert mirror.touched_since(begin + 2) == {mirror.sign * price for price in (102, 103)}
    for _ in range(TOUCHES_KEPT - 3):
        mirror.set(100, 6)
    assert mirror.touched_since(begin) is not None
    mirror.set(100, 6)
    assert mirror.touched_since(begin) is None


def test_a_book_has_both_sides() -> None:
    book = MirrorBook()
    assert book.side(Side.BUY) is book.bids and book.side(Side.SELL) is book.asks
    book.check()
