"""What waits for its moment, and the order in which it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import AdvanceTime, Command
from simulator.core.units import Nanos
from simulator.runtime.clock import ManualClock, RecordedClock
from simulator.runtime.runner import TICK
from simulator.runtime.timeline import NEVER, Timeline
from tests.unit.runtime.test_runner import SETTLES, START, Diary, Recording, funded, ms, running, until


@given(st.lists(st.integers(0, 5)))
def test_entries_come_by_time_and_at_equal_times_in_the_order_in_which_they_were_added(dues: list[int]) -> None:
    timeline, heard = Timeline(), []
    for number, due in enumerate(dues):
        timeline.add(due, lambda now, number=number: heard.append((now, number)))  # type: ignore[misc]
    while timeline.due < NEVER:
        due, call = timeline.take()
        call(due)
    assert heard == sorted((due, number) for number, due in enumerate(dues))
    assert len(timeline) == 0


def noted(diary: Diary, what: str) -> Callable[[Nanos], None]:
    return lambda now: diary.entries.append((what, now - START))


def steps(*times: int) -> list[tuple[Nanos, Command]]:
    return [(START + ms(time), AdvanceTime()) for time in times]


def test_what_is_under_way_comes_between_the_markets_messages_and_after_those_of_its_own_moment() -> None:
    clock = ManualClock(START)
    diary = Diary(clock, Recording(*steps(5, 7, 9)))
    for time in (8, 7, 6):
        diary.runner.later(START + ms(time), noted(diary, f"arrival {time}"))
    clock.advance(ms(20))
    diary.runner.catch_up()
    assert [(what, now // ms(1)) for what, now in diary.entries] == [
        ("AdvanceTime", 5),
        ("arrival 6", 6),
        ("AdvanceTime", 7),
        ("arrival 7", 7),
        ("arrival 8", 8),
        ("AdvanceTime", 9),
    ]


def test_timers_and_ticks_come_before_what_arrives_at_their_time() -> None:
    clock = ManualClock(START)
    diary = funded(clock)
    diary.runner.later(SETTLES, noted(diary, "arrival"))
    clock.advance(ms(2000))
    diary.runner.catch_up()
    at = [what for what, now in diary.entries if now == SETTLES - START]
    assert at == ["tick", "AdvanceTime", "arrival"]


def test_where_time_stands_it_waits_until_time_is_moved() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.later(START + 1, noted(diary, "arrival"))
    diary.runner.catch_up()
    assert diary.entries == []
    clock.advance(1)
    diary.runner.catch_up()
    assert diary.entries == [("arrival", 1)]


def test_what_arrives_is_told_its_own_time_and_acts_at_it_however_late_anybody_looks() -> None:
    clock = ManualClock(START)
    diary = Diary(clock, Recording(*steps(50)))

    def arrive(now: Nanos) -> None:
        assert diary.runner.now() == diary.runner.catch_up() == now
        diary.runner.do(AdvanceTime())

    diary.runner.later(START + ms(20), arrive)
    clock.advance(ms(80))
    diary.runner.catch_up()
    assert diary.entries == [("AdvanceTime", ms(20)), ("AdvanceTime", ms(50))]
    assert diary.runner.now() == START + ms(80)


def test_what_a_tick_sends_arrives_before_what_was_due_later() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    diary.entries.clear()
    diary.runner.ticks.append(lambda now: diary.runner.later(now + ms(10), noted(diary, "frame")))
    diary.runner.later(START + ms(350), noted(diary, "order"))
    clock.advance(ms(400))
    diary.runner.catch_up()
    told = [(what, now // ms(1)) for what, now in diary.entries if what != "tick"]
    assert [what for what, _ in told] == ["frame", "frame", "frame", "order"]
    diary.runner.catch_up()
    clock.advance(ms(10))
    diary.runner.catch_up()
    assert len(diary.entries) == len(told) + 4 + 1


def test_an_error_in_what_arrives_does_not_stop_time() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)

    def broken(now: Nanos) -> None:
        raise KeyError("bug")

    diary.runner.later(START + 1, broken)
    clock.advance(5)
    with pytest.raises(KeyError):
        diary.runner.catch_up()
    assert diary.runner.now() == START + 5


async def test_flat_out_it_is_played_between_the_frames_and_afterwards_time_jumps_to_it() -> None:
    diary = Diary(RecordedClock(START, None), Recording(*steps(0, 4000)))
    for time in (90_000, 2000):
        diary.runner.later(START + ms(time), noted(diary, f"arrival {time}"))
    await running(diary.runner.run(), lambda: ("arrival 90000", ms(90_000)) in diary.entries)
    assert [what for what, _ in diary.entries if what != "tick"] == [
        "AdvanceTime",
        "arrival 2000",
        "AdvanceTime",
        "arrival 90000",
    ]
    assert diary.runner.now() == START + ms(90_000)


async def test_flat_out_but_paused_nothing_moves() -> None:
    clock = RecordedClock(START, None)
    clock.pause()
    diary = Diary(clock, Recording(*steps(10)))
    diary.runner.later(START + ms(20), noted(diary, "arrival"))
    turns = 0

    def some() -> bool:
        nonlocal turns
        turns += 1
        return turns > 20

    await running(diary.runner.run(), some)
    assert diary.entries == []


async def test_run_wakes_in_time_for_what_was_added_while_it_slept() -> None:
    """A tick is 100 ms away and the longest sleep 50; what is due in 2 ms does not wait for either."""
    loop = asyncio.get_running_loop()
    clock = RecordedClock(START - START % TICK + 1, Fraction(1))
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    task = asyncio.create_task(diary.runner.run())
    await until(lambda: diary.runner._sleep is not None)
    took = []
    for _ in range(10):
        begun = loop.time()
        arrived = asyncio.Event()
        diary.runner.later(diary.runner.now() + ms(2), lambda now, arrived=arrived: arrived.set())  # type: ignore[misc]
        await asyncio.wait_for(arrived.wait(), 10)
        took.append(loop.time() - begun)
    task.cancel()
    assert min(took) >= 0.0015
    assert sorted(took)[3] < 0.03, "most of them soon"
