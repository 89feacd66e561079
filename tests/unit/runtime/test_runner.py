"""The door: the order in which things happen, and the beat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.accounts.funding import INTERVAL
from simulator.core.commands import (
    AdvanceTime,
    Command,
    Deposit,
    ListInstrument,
    OpenAccount,
    PrintTrade,
    SetFunding,
    SetMarkPrice,
)
from simulator.core.events import AccountOpened, Deposited, Event, FundingSettled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.units import ONE, PRICE_ONE, Nanos
from simulator.runtime.clock import Clock, ManualClock, RecordedClock
from simulator.runtime.runner import BUSY, TICK, Runner
from tests.builders import BUY, instrument, perpetual

START = 1_700_000_000 * 1_000_000_000


class Recording:
    """A source: commands at times, and which of them are still to come."""

    def __init__(self, *steps: tuple[Nanos, Command]) -> None:
        self.steps = list(steps)

    def due(self) -> Nanos | None:
        return self.steps[0][0] if self.steps else None

    def take(self) -> Sequence[Command]:
        return [self.steps.pop(0)[1]]


class Diary:
    """Everything that a runner does, in order."""

    def __init__(self, clock: Clock, source: Recording | None = None) -> None:
        self.runner = Runner(Exchange(), clock, journal=self.journal)
        self.runner.source = source
        self.runner.subscribers.append(self.on_events)
        self.runner.ticks.append(self.on_tick)
        self.entries: list[tuple[str, Nanos]] = []
        self.events: list[Event] = []

    def journal(self, now: Nanos, command: Command) -> None:
        self.entries.append((type(command).__name__, now - START))

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        self.events += events

    def on_tick(self, now: Nanos) -> None:
        self.entries.append(("tick", now - START))

    @property
    def ticks(self) -> list[Nanos]:
        return [now // TICK for what, now in self.entries if what == "tick"]


def ms(number: int) -> Nanos:
    return number * 1_000_000


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def running(work: Coroutine[Any, Any, None], condition: Callable[[], bool]) -> None:
    """Run until a condition holds; the work must not have ended by itself."""
    task = asyncio.create_task(work)
    await until(lambda: condition() or task.done())
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_a_command_is_written_down_handled_and_told() -> None:
    diary = Diary(ManualClock(START))
    events = diary.runner.do(OpenAccount("alice", 0, 0))
    assert events == diary.events == [AccountOpened("alice")]
    assert diary.entries == [("OpenAccount", 0)]


def test_what_was_due_before_a_command_happens_before_it() -> None:
    clock = ManualClock(START)
    source = Recording((START + ms(5), OpenAccount("alice", 0, 0)), (START + ms(50), OpenAccount("bob", 0, 0)))
    diary = Diary(clock, source)
    clock.advance(ms(20))
    assert isinstance(diary.runner.do(Deposit("alice", "X", ONE))[0], Deposited)
    assert isinstance(diary.runner.do(Deposit("bob", "X", ONE))[0], Rejected)
    assert diary.entries[:2] == [("OpenAccount", ms(5)), ("Deposit", ms(20))]


def test_a_source_that_is_late_does_not_turn_time_back() -> None:
    clock = ManualClock(START + ms(50))
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    diary.runner.source = Recording((START + ms(5), AdvanceTime()))
    diary.runner.catch_up()
    assert diary.entries == [("AdvanceTime", ms(50)), ("AdvanceTime", ms(50))]


def test_play_stops_after_the_steps_that_were_allowed() -> None:
    diary = Diary(ManualClock(START), Recording(*((START + n, AdvanceTime()) for n in range(5))))
    assert diary.runner.play(START + 3, most=2) == 2
    assert diary.runner.play(START + 3) == 2
    assert diary.runner.play(START + 3) == 0


def test_an_error_names_the_command() -> None:
    diary = Diary(ManualClock(START))

    def broken(now: Nanos, events: Sequence[Event]) -> None:
        raise KeyError("bug")

    diary.runner.subscribers.append(broken)
    with pytest.raises(KeyError) as caught:
        diary.runner.do(OpenAccount("alice", 0, 0))
    assert "OpenAccount(account='alice'" in caught.value.__notes__[0]


def test_the_tick_comes_before_the_first_command_at_or_after_it() -> None:
    clock = ManualClock(START + ms(99))
    diary = Diary(clock)
    for _ in range(3):
        diary.runner.do(AdvanceTime())
        clock.advance(ms(1))
    assert diary.entries == [
        ("AdvanceTime", ms(99)),
        ("tick", ms(100)),
        ("AdvanceTime", ms(100)),
        ("AdvanceTime", ms(101)),
    ]


def test_there_is_no_tick_before_the_exchange_has_a_time() -> None:
    diary = Diary(ManualClock(START))
    diary.runner.catch_up()
    assert diary.entries == []


def test_ticks_come_one_by_one_in_a_short_pause() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    clock.advance(ms(350))
    diary.runner.do(AdvanceTime())
    assert diary.ticks == [1, 2, 3]


def test_of_a_long_pause_only_its_beginning_and_its_end_are_announced() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    clock.advance(3 * 24 * 3600 * ms(1000) + ms(30))
    diary.runner.do(AdvanceTime())
    assert diary.ticks == [*range(1, 11), 3 * 24 * 3600 * 10]


def test_ticks_of_a_source_come_between_its_commands() -> None:
    clock = ManualClock(START)
    diary = Diary(clock, Recording(*((START + ms(n), AdvanceTime()) for n in (0, 150, 200, 310))))
    clock.advance(ms(305))
    diary.runner.catch_up()
    assert diary.entries == [
        ("AdvanceTime", 0),
        ("tick", ms(100)),
        ("AdvanceTime", ms(150)),
        ("tick", ms(200)),
        ("AdvanceTime", ms(200)),
        ("tick", ms(300)),
    ]


def test_nothing_happens_before_a_tick_that_was_announced() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    clock.advance(ms(305))
    diary.runner.catch_up()
    diary.runner.source = Recording((START + ms(290), AdvanceTime()))
    diary.runner.catch_up()
    assert diary.entries[-1] == ("AdvanceTime", ms(300))


def test_a_tick_that_asks_for_the_time_is_told_its_own() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    heard: list[Nanos] = []
    diary.runner.ticks.append(lambda now: heard.append(diary.runner.exchange.state.now <= now <= diary.runner.now()))
    diary.runner.do(AdvanceTime())
    clock.advance(ms(500))
    diary.runner.do(AdvanceTime())
    assert heard == [True] * 5


@given(
    st.lists(st.integers(0, 3 * BUSY // ms(1)).map(ms), min_size=1, max_size=8),
    st.lists(st.integers(0, 8 * BUSY // ms(1)).map(ms), max_size=30),
)
def test_work_that_is_done_within_a_second_does_not_depend_on_who_looked_when(
    pauses: list[Nanos], looks: list[Nanos]
) -> None:
    """A listener that pushes what is new at every fifth tick: the same whether the pauses were lived or skipped."""
    times = [START + sum(pauses[: n + 1]) for n in range(len(pauses))]

    def pushed(moments: list[Nanos]) -> list[tuple[Nanos, int]]:
        clock = ManualClock(START)
        runner = Runner(Exchange(), clock)
        count, shown, pushes = 0, 0, []

        def on_events(now: Nanos, events: Sequence[Event]) -> None:
            nonlocal count
            count += 1

        def on_tick(now: Nanos) -> None:
            nonlocal shown
            if now // TICK % 5 == 0 and shown != count:
                shown = count
                pushes.append((now, count))

        runner.subscribers.append(on_events)
        runner.ticks.append(on_tick)
        runner.do(AdvanceTime())
        runner.source = Recording(*((time, AdvanceTime()) for time in times))
        for moment in [*moments, times[-1] + BUSY]:
            clock.reached(moment)
            runner.catch_up()
        return pushes

    assert pushed(sorted(START + look for look in looks if START + look <= times[-1])) == pushed([])


# -- timers: what happens by time alone ---------------------------------------------------------------------


SETTLES = START + 1500 * 1_000_000
PERPETUAL = perpetual().symbol


def funded(clock: Clock, source: Recording | None = None) -> Diary:
    """An exchange with one perpetual that settles after a second and a half, and its marks."""
    diary = Diary(clock, source)
    diary.runner.do(ListInstrument(perpetual()))
    diary.runner.do(SetMarkPrice(PERPETUAL, START, 100 * PRICE_ONE, 100 * PRICE_ONE))
    diary.runner.do(SetFunding(PERPETUAL, 1, SETTLES))
    diary.entries.clear()
    diary.events.clear()
    return diary


def commands(diary: Diary) -> list[tuple[str, int]]:
    return [(what, now // 1_000_000) for what, now in diary.entries if what != "tick"]


def test_time_is_brought_to_the_exchange_when_something_settles() -> None:
    clock = ManualClock(START)
    diary = funded(clock)
    clock.advance(ms(1499))
    diary.runner.catch_up()
    assert commands(diary) == []
    clock.advance(ms(1000))
    diary.runner.catch_up()
    assert commands(diary) == [("AdvanceTime", 1500)]
    (settled,) = (event for event in diary.events if isinstance(event, FundingSettled))
    assert settled.settle_time == SETTLES


def test_a_timer_comes_between_the_commands_of_a_source_at_its_own_time_and_before_what_is_due_then() -> None:
    trade = PrintTrade("NOPE", 0, 100, 1, BUY)
    source = Recording((START + ms(1400), trade), (SETTLES, trade), (START + ms(1600), trade))
    clock = ManualClock(START)
    diary = funded(clock, source)
    clock.advance(ms(2000))
    diary.runner.catch_up()
    assert commands(diary) == [
        ("PrintTrade", 1400),
        ("AdvanceTime", 1500),
        ("PrintTrade", 1500),
        ("PrintTrade", 1600),
    ]


def test_a_long_pause_settles_as_often_as_it_must_each_at_its_time() -> None:
    clock = ManualClock(START)
    diary = funded(clock)
    clock.advance(3 * INTERVAL)
    diary.runner.catch_up()
    assert commands(diary) == [("AdvanceTime", 1500 + number * INTERVAL // 1_000_000) for number in range(3)]


def test_at_full_speed_timers_end_with_the_source() -> None:
    source = Recording((START + ms(1600), PrintTrade("NOPE", 0, 100, 1, BUY)))
    diary = funded(RecordedClock(START, None), source)
    diary.runner.play(2**63)
    diary.runner.play(2**63)
    assert commands(diary) == [("AdvanceTime", 1500), ("PrintTrade", 1600)]


@given(st.lists(st.integers(1, 4000), max_size=8))
def test_what_settles_does_not_depend_on_who_looked_when(looks: list[int]) -> None:
    clock = ManualClock(START)
    diary = funded(clock)
    for step in looks:
        clock.advance(ms(step))
        diary.runner.catch_up()
    clock.advance(INTERVAL)
    diary.runner.catch_up()
    settled = [event.settle_time for event in diary.events if isinstance(event, FundingSettled)]
    expected, due = [], SETTLES
    while due <= clock.now():
        expected.append(due)
        due += INTERVAL
    assert settled == expected
    assert [now for what, now in diary.entries if what == "AdvanceTime"] == [due - START for due in expected]


def ticking(diary: Diary, clock: ManualClock, ticks: int) -> Callable[[], bool]:
    """Moves the clock by one tick whenever the last one was heard; true after so many."""

    def heard() -> bool:
        if clock.now() - START < TICK * (len(diary.ticks) + 1):
            clock.advance(TICK)
        return len(diary.ticks) >= ticks

    return heard


async def test_run_plays_the_source_and_goes_on_when_it_is_exhausted() -> None:
    clock = ManualClock(START)
    diary = Diary(clock, Recording((START, OpenAccount("alice", 0, 0)), (START + ms(120), OpenAccount("bob", 0, 0))))
    clock.advance(ms(120))
    await running(diary.runner.run(), ticking(diary, clock, 4))
    assert diary.entries[:3] == [("OpenAccount", 0), ("tick", ms(100)), ("OpenAccount", ms(120))]
    assert diary.ticks == [1, 2, 3, 4]


async def test_run_without_a_source_keeps_the_beat() -> None:
    clock = ManualClock(START)
    diary = Diary(clock)
    diary.runner.do(AdvanceTime())
    await running(diary.runner.run(), ticking(diary, clock, 4))
    assert diary.ticks == [1, 2, 3, 4]


async def test_run_hears_of_a_source_that_comes_later() -> None:
    diary = Diary(ManualClock(START))
    task = asyncio.create_task(diary.runner.run())
    await asyncio.sleep(0)
    diary.runner.source = Recording((START, OpenAccount("alice", 0, 0)))
    await until(lambda: bool(diary.events))
    task.cancel()


async def test_flat_out_waits_for_no_clock() -> None:
    """A year of a recording, and its clock stands at the end of it."""
    year = 365 * 24 * 3600 * ms(1000)
    clock = RecordedClock(START, None)
    diary = Diary(clock, Recording((START, AdvanceTime()), (START + year, AdvanceTime())))
    await running(diary.runner.run(), lambda: len(diary.events) == 0 and len(diary.entries) > 11)
    assert diary.entries[-1] == ("AdvanceTime", year)
    assert diary.runner.now() == START + year


async def test_others_get_their_turn_while_a_recording_is_played_flat_out() -> None:
    listed = (START, ListInstrument(instrument()))
    trades = [(START + n, PrintTrade("XY", START + n, 100, 1, BUY)) for n in range(2000)]
    diary = Diary(RecordedClock(START, None), Recording(listed, *trades))
    turns = 0

    def turn() -> bool:
        nonlocal turns
        turns += 1
        return len(diary.entries) == 2001

    await running(diary.runner.run(), turn)
    assert turns >= 2001 // 50
