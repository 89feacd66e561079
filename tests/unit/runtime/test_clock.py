"""Clocks never go back, and follow what was played."""

from __future__ import annotations

import time
from fractions import Fraction
from math import inf

import pytest

from simulator.core.units import NANOS_PER_SECOND
from simulator.runtime.clock import Clock, ManualClock, RecordedClock, SteeredClock, WallClock

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


class Host:
    """A host's clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 1_000_000

    def __call__(self) -> int:
        return self.time


def test_a_paused_clock_stands_and_goes_on_from_where_it_stood() -> None:
    host = Host()
    clock = SteeredClock(START, Fraction(2), host)
    host.time += 10
    clock.pause()
    host.time += 1000
    assert clock.now() == START + 20
    clock.resume()
    assert clock.now() == START + 20
    host.time += 5
    assert clock.now() == START + 30
    clock.resume()
    assert clock.now() == START + 30, "resuming what runs changes nothing"


def test_what_is_played_while_it_stands_moves_it() -> None:
    host = Host()
    clock = SteeredClock(START, Fraction(1), host)
    clock.pause()
    clock.reached(START + 50)
    assert clock.now() == START + 50
    clock.resume()
    host.time += 7
    assert clock.now() == START + 57


@pytest.mark.parametrize("paused", [True, False])
def test_it_can_be_moved_on_at_once_but_not_back(paused: bool) -> None:
    host = Host()
    clock = SteeredClock(START, Fraction(1), host)
    if paused:
        clock.pause()
    clock.advance(100)
    clock.advance(-50)
    assert clock.now() == START + 100
    host.time += 1
    assert clock.now() == START + 100 + (not paused)


def test_another_speed_counts_from_now_on() -> None:
    host = Host()
    clock = SteeredClock(START, Fraction(1), host)
    host.time += 100
    clock.change_speed(Fraction(1, 10))
    assert clock.now() == START + 100
    host.time += 100
    assert clock.now() == START + 110
    clock.change_speed(None)
    host.time += 100
    assert (clock.now(), clock.flat_out) == (START + 110, True)
    clock.pause()
    assert not clock.flat_out
    clock.resume()
    clock.change_speed(Fraction(3))
    host.time += 10
    assert clock.now() == START + 140


def test_how_long_to_wait_depends_on_the_speed() -> None:
    host = Host()
    clock = SteeredClock(START, Fraction(10), host)
    assert clock.seconds_until(START + NANOS_PER_SECOND) == 0.1
    clock.pause()
    assert clock.seconds_until(START + 1) == inf


def test_a_wall_clock_that_was_paused_lags_behind_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = START
    monkeypatch.setattr(time, "time_ns", lambda: wall)
    clock = WallClock()
    assert clock.now() == START
    clock.pause()
    wall += 40
    clock.resume()
    wall += 2
    assert clock.now() == START + 2
