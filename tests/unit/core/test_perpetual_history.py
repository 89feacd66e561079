"""The ten-minute mean of an index, and what orders had when they ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.perpetual_history import MEAN_OVER, IndexMean
from simulator.core.units import NANOS_PER_SECOND

SECOND = NANOS_PER_SECOND


@pytest.mark.parametrize(
    ("changes", "now", "mean"),
    [
        ([], 5, None),
        ([(0, 100)], 0, 100),
        ([(0, 100)], 7, 100),
        ([(0, 100), (10, 200)], 20, 150),
        ([(0, 100), (10, 200)], 10, 100),
        ([(0, 100), (10, 200), (10, 300)], 20, 200),
        # Ten minutes reach back to second 300: of the first one nothing is left but its end.
        ([(0, 100), (450, 200)], 900, 175),
        ([(0, 100), (300, 200)], 900, 200),
        ([(0, 100), (299, 200)], 2000, 200),
    ],
)
def test_the_mean_is_weighted_by_time_and_reaches_back_ten_minutes(
    changes: list[tuple[int, int]], now: int, mean: int | None
) -> None:
    index = IndexMean()
    for second, price in changes:
        index.became(second * SECOND, price)
    assert index.mean(now * SECOND) == mean


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 1000)), min_size=1, max_size=20), st.integers(0, 700))
def test_the_mean_is_that_of_every_second(changes: list[tuple[int, int]], later: int) -> None:
    index, now, by_second = IndexMean(), 0, []
    for gap, price in changes:
        index.became(now * SECOND, price)
        by_second += [price] * gap
        now += gap
    by_second += [changes[-1][1]] * later
    now += later
    known = by_second[-(MEAN_OVER // SECOND) :]
    assert index.mean(now * SECOND) == sum(known) // len(known)
