"""Waits between tries."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.feeds.backoff import Backoff


@given(st.integers())
def test_waits_double_up_to_a_bound_and_lie_between_half_and_all_of_it(seed: int) -> None:
    backoff, grown = Backoff(seed, first_s=0.25, most_s=10), 0.25
    for _ in range(12):
        assert grown / 2 <= backoff.wait_s() <= grown
        grown = min(10.0, 2 * grown)


def test_the_same_seed_waits_alike_and_another_does_not() -> None:
    waits = [[Backoff(seed).wait_s() for _ in range(1)] for seed in (1, 1, 2)]
    assert waits[0] == waits[1] != waits[2]


def test_after_a_good_try_waits_are_short_again() -> None:
    backoff = Backoff(1, first_s=1, most_s=64)
    waits = [backoff.wait_s() for _ in range(6)]
    assert all(later > before / 2 for before, later in pairwise(waits)) and waits[-1] >= 16
    backoff.worked()
    assert backoff.wait_s() <= 1
