"""Each model answers three questions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.mirror.queue_position import Pessimistic

lots = st.integers(0, 1000)


def test_pessimistic_stands_behind_everything_shown() -> None:
    assert Pessimistic().joined(7) == 7


def test_pessimistic_trades_bring_it_forward_and_then_reach_it() -> None:
    assert [Pessimistic().traded(5, qty) for qty in (0, 3, 5, 8)] == [5, 2, 0, -3]


def test_pessimistic_cancels_happen_behind_unless_there_is_no_room() -> None:
    model = Pessimistic()
    assert model.shrunk(5, 20, 10) == 5
    assert model.shrunk(5, 20, 4) == 4


@given(lots, lots, lots)
def test_no_answer_puts_an_order_further_back(ahead: int, before: int, after: int) -> None:
    model = Pessimistic()
    after = min(before, after)
    assert 0 <= model.shrunk(min(ahead, before), before, after) <= min(ahead, after)
