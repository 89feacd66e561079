"""Resting orders: best price first, oldest first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import PlaceOrder
from simulator.core.matching.book import BookSide, OrderBook
from simulator.core.orders import Order, OrderType, Side


def order(id: int, side: Side, price: int, qty: int) -> Order:
    return Order.of(PlaceOrder("alice", "XY", side, OrderType.LIMIT, qty, price, str(id)), id, str(id), 0)


def filled(side: Side, *pairs: tuple[int, int]) -> tuple[BookSide, list[Order]]:
    book = BookSide(side)
    orders = [order(number, side, price, qty) for number, (price, qty) in enumerate(pairs, 1)]
    for one in orders:
        assert one.price is not None
        book.add(one, one.price)
    book.check()
    return book, orders


def shape(book: BookSide) -> list[tuple[int, list[int]]]:
    return [(level.price, [one.id for one in level]) for level in book]


@pytest.mark.parametrize(("side", "best_first"), [(Side.BUY, [102, 101, 99]), (Side.SELL, [99, 101, 102])])
def test_the_best_price_comes_first(side: Side, best_first: list[int]) -> None:
    book, _ = filled(side, (101, 1), (99, 1), (102, 1))
    assert [level.price for level in book] == best_first
    assert book.best is not None and book.best.price == best_first[0]


def test_the_oldest_order_comes_first_and_the_level_is_their_sum() -> None:
    book, _ = filled(Side.BUY, (100, 3), (100, 2), (99, 1), (100, 5))
    assert shape(book) == [(100, [1, 2, 4]), (99, [3])]
    level = book.level_at(100)
    assert level is not None and level.qty == 10
    assert book.level_at(98) is None


@pytest.mark.parametrize(("leaving", "stay"), [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])])
def test_an_order_leaves_from_anywhere_in_its_level(leaving: int, stay: list[int]) -> None:
    book, orders = filled(Side.SELL, (100, 1), (100, 2), (100, 3))
    gone = orders[leaving - 1]
    book.remove(gone)
    book.check()
    assert shape(book) == [(100, stay)]
    assert (gone.is_open, gone.prev, gone.next, gone.level) == (False, None, None, None)


def test_the_next_level_becomes_the_best_when_the_best_is_empty() -> None:
    book, orders = filled(Side.BUY, (100, 1), (99, 1))
    book.remove(orders[0])
    assert book.best is not None and book.best.price == 99
    book.remove(orders[1])
    assert book.best is None
    book.check()


def test_orders_move_up_when_lots_before_them_leave() -> None:
    book, (one, two, three) = filled(Side.BUY, (100, 1), (100, 1), (100, 1))
    one.ahead, two.ahead, three.ahead = 2, 6, None
    level = book.level_at(100)
    assert level is not None
    level.advance(4)
    assert (one.ahead, two.ahead, three.ahead) == (0, 2, None)


def test_walking_a_level_survives_the_removal_of_the_order_just_seen() -> None:
    book, _ = filled(Side.BUY, (100, 1), (100, 1), (100, 1))
    level = book.level_at(100)
    assert level is not None
    seen = []
    for one in level:
        seen.append(one.id)
        book.remove(one)
    assert seen == [1, 2, 3] and book.best is None


def test_check_sees_a_crossed_book() -> None:
    book = OrderBook()
    book.side(Side.BUY).add(order(1, Side.BUY, 101, 1), 101)
    book.check()
    book.side(Side.SELL).add(order(2, Side.SELL, 101, 1), 101)
    with pytest.raises(AssertionError, match="crossed"):
        book.check()


@given(st.sampled_from(Side), st.lists(st.tuples(st.integers(95, 105), st.integers(1, 9)), max_size=30), st.randoms())
def test_a_side_is_its_orders_sorted_by_price_and_time(
    side: Side, pairs: list[tuple[int, int]], chance: object
) -> None:
    book, orders = filled(side, *pairs)
    for one in [one for one in orders if chance.random() < 0.5]:  # type: ignore[attr-defined]
        book.remove(one)
        orders.remove(one)
        book.check()
    expected = sorted(orders, key=lambda one: (-side.sign * (one.price or 0), one.id))
    assert [one.id for level in book for one in level] == [one.id for one in expected]
