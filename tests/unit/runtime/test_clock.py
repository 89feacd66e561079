"""Clocks never go back, and follow what was played."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from simulator.core.units import NANOS_PER_SECOND
from simulator.runtime.clock import Clock, ManualClock, RecordedClock, WallClock

START = 1_700_000_000 * NANOS_PER_SECOND


def test_the_wall_clock_tells_the_time_of_day() -> None:
    before = time.time_ns()
    assert before <= WallClock().now() <= time.time_ns()


def test_the_wall_clock_does_not_go_back_behind_what_was_played() -> None:
    clock = WallClock()
    future = time.time_ns() + 3600 * NANOS_PER_SECOND
    clock.reached(future)
    assert clock.now() == future


def test_the_wall_clock_does_not_go_back_with_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = WallClock()
    seen = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: seen - NANOS_PER_SECOND)
    assert clock.now() == seen


def test_the_manual_clock_stands_until_moved() -> None:
    clock = ManualClock(START)
    clock.advance(5)
    clock.advance(-3)
    assert clock.now() == START + 5
    clock.reached(START)
    assert clock.now() == START + 5
    clock.reached(START + 9)
    assert clock.now() == START + 9


@pytest.mark.parametrize("speed", [Fraction(1), Fraction(10), Fraction(1, 3)])
def test_recorded_time_runs_at_its_speed(speed: Fraction, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = 77
    monkeypatch.setattr(time, "monotonic_ns", lambda: wall)
    clock = RecordedClock(START, speed)
    assert clock.now() == START
    wall += 3 * NANOS_PER_SECOND
    assert clock.now() == START + 3 * speed * NANOS_PER_SECOND


def test_recorded_time_at_full_speed_stands_at_what_was_played_last() -> None:
    clock = RecordedClock(START, None)
    assert clock.now() == START
    clock.reached(START + 7)
    clock.reached(START + 3)
    assert clock.now() == START + 7


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(START), RecordedClock(START, Fraction(2))])
def test_no_clock_goes_back(clock: Clock) -> None:
    times = [clock.now() for _ in range(100)]
    assert times == sorted(times)
