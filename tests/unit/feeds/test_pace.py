"""Played time and the exchange's: a line of stretches that never goes back."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from simulator.feeds.pump import Pace

START = 1_000_000
SPEEDS = st.sampled_from([Fraction(1, 10), Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(60)])


def test_at_speed_one_played_time_is_the_exchanges() -> None:
    pace = Pace(START, Fraction(1))
    assert [pace(ts) for ts in (START - 5, START, START + 5)] == [START - 5, START, START + 5]
    assert pace.back(START + 7) == START + 7


def test_another_speed_counts_from_the_moment_of_the_change() -> None:
    pace = Pace(START, Fraction(1))
    pace.change(START + 100, Fraction(10))
    assert pace(START + 100) == START + 100
    assert pace(START + 200) == START + 110
    assert pace(START + 50) == START + 50, "what is told with an older time keeps its place"
    pace.change(START + 110, Fraction(1, 2))
    assert pace(START + 210) == START + 130
    assert pace(START + 150) == START + 105
    assert pace.speed == Fraction(1, 2)


@given(st.lists(st.tuples(st.integers(0, 1000), SPEEDS), max_size=6), st.lists(st.integers(-2000, 5000), min_size=2))
def test_whatever_the_changes_what_is_played_later_is_due_no_earlier(
    changes: list[tuple[int, Fraction]], times: list[int]
) -> None:
    pace, now = Pace(START, Fraction(1)), START
    for wait, speed in changes:
        now += wait
        played = pace.back(now)
        pace.change(now, speed)
        assert pace(played) == now
        assert pace.back(now) == played
    due = [pace(START + ts) for ts in sorted(times)]
    assert due == sorted(due)


def test_a_restart_forgets_what_was() -> None:
    pace = Pace(START, Fraction(2))
    pace.change(START + 50, Fraction(7))
    pace.restart(START + 1000, Fraction(2))
    assert pace(START + 1010) == START + 1005
    assert pace(START + 990) == START + 995
