"""The life of an order."""

from __future__ import annotations

from simulator.core.orders import MOVES, OrderStatus, Side


def test_every_status_says_where_it_may_go() -> None:
    assert set(MOVES) == set(OrderStatus)


def test_a_finished_order_never_moves_again() -> None:
    ends = {status for status, moves in MOVES.items() if not moves}
    assert ends == {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PARTIALLY_CANCELED}


def test_nothing_becomes_new_again() -> None:
    assert all(OrderStatus.NEW not in moves for moves in MOVES.values())


def test_sides_are_opposite_and_a_better_price_is_smaller() -> None:
    assert Side.BUY.opposite is Side.SELL and Side.SELL.opposite is Side.BUY
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
