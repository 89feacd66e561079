"""The venue's times in ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.feeds.venue_clock import VenueClock

MS = 1_000_000
moments = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 10_000)), min_size=1, max_size=40)


@given(moments)
def test_the_offset_is_the_smallest_difference_of_the_window(steps: list[tuple[int, int]]) -> None:
    clock, arrival, heard = VenueClock(window=10_000 * MS), 0, []
    for waited, venue_ms in steps:
        arrival += waited * MS
        heard.append((arrival, arrival - venue_ms * MS))
        clock.heard(arrival, venue_ms)
        assert clock.offset == min(one for at, one in heard if at >= arrival - 10_000 * MS)
        assert clock(venue_ms) <= arrival


def test_a_venue_whose_clock_runs_sixty_times_as_fast_is_now_at_each_frame() -> None:
    clock = VenueClock()
    for frame in range(1, 200):
        arrival = frame * 100 * MS
        clock.heard(arrival, 1_700_000_000_000 + frame * 6000)
        assert clock(1_700_000_000_000 + frame * 6000) == arrival


def test_a_frame_that_was_late_keeps_its_place() -> None:
    clock = VenueClock()
    clock.heard(1000 * MS, 900)
    clock.heard(1500 * MS, 1000)
    assert clock(1000) == 1100 * MS


def test_after_a_new_beginning_the_last_offset_holds_until_something_is_heard() -> None:
    clock = VenueClock()
    clock.heard(1000 * MS, 900)
    clock.restart()
    assert clock.offset == 100 * MS
    clock.heard(2000 * MS, 500)
    assert clock.offset == 1500 * MS


def test_what_is_older_than_the_window_does_not_count() -> None:
    clock = VenueClock(window=10_000 * MS)
    clock.heard(1000 * MS, 900)
    clock.heard(11_000 * MS, 10_500)
    assert clock.offset == 100 * MS
    clock.heard(11_001 * MS, 10_400)
    assert clock.offset == 500 * MS
