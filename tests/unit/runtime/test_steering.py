"""A machine that is too slow for its market: it plays later, and never ever more before each command."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path

import pytest

from simulator.assembly.replaying import Replay
from simulator.core.commands import ListInstrument, OpenAccount
from simulator.core.exchange import Exchange
from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.replay.format import Reader
from simulator.runtime.clock import SteeredClock
from simulator.runtime.runner import LATE, Runner
from simulator.runtime.steering import CannotSteer, Steering
from simulator.venues.hashkey.exchange_info import Catalogue

SMALL = Path(__file__).parents[3] / "replay_data" / "small.hkrec"
MINUTE = 60 * NANOS_PER_SECOND


class Played:
    """The small recording beside a host's clock that only the test moves."""

    def __init__(self, reader: Reader, speed: Fraction, *, recorded: bool) -> None:
        assert reader.span is not None
        self.host: Nanos = 0
        start = reader.span[0]
        self.clock = SteeredClock(start, speed if recorded else Fraction(1), lambda: self.host)
        self.runner = Runner(Exchange(), self.clock)
        instruments = Catalogue(reader.header.exchange_info).instruments(["BTCUSDT"])
        for one in instruments:
            self.runner.do(ListInstrument(one))
        pace = Fraction(1) if recorded else speed
        self.replay = Replay(reader, instruments, start=None if recorded else start, speed=pace, loop=False)
        self.runner.source = self.replay
        self.steering = Steering(self.runner, self.clock, self.replay, speed, recorded=recorded)

    def lateness(self) -> Nanos:
        due = self.replay.due()
        assert due is not None
        return self.runner.now() - due


@pytest.mark.parametrize("recorded", [True, False])
def test_what_the_machine_cannot_play_in_time_is_put_off_and_said(
    recorded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(SMALL)
    one = Played(reader, Fraction(5), recorded=recorded)
    one.host += MINUTE
    one.runner._turn()
    assert one.lateness() <= 0
    assert "use a lower --speed" in caplog.text
    position = one.replay.position(one.runner.now())
    one.runner.do(OpenAccount("late", 0, 0))
    assert one.replay.position(one.runner.now()) == position, "a command pays for nothing that was put off"
    one.host += NANOS_PER_SECOND
    assert one.replay.position(one.runner.now()) == position + 5 * NANOS_PER_SECOND, "and the speed is what it was"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_short_delay_is_caught_up_with(recorded: bool) -> None:
    reader = Reader(SMALL)
    one = Played(reader, Fraction(1), recorded=recorded)
    first = one.replay.position(one.runner.now())
    one.host += LATE
    while one.runner._turn() is None:
        pass
    assert one.replay.position(one.runner.now()) == first + LATE


async def test_time_that_is_moved_by_hand_is_played_whole() -> None:
    reader = Reader(SMALL)
    one = Played(reader, Fraction(1), recorded=True)
    playing = asyncio.create_task(one.runner.run())
    await one.steering.advance(20 * NANOS_PER_SECOND)
    playing.cancel()
    assert reader.span is not None
    assert one.replay.position(one.runner.now()) == reader.span[0] + 20 * NANOS_PER_SECOND


def test_without_a_market_time_itself_runs_at_another_speed() -> None:
    host = [0]
    clock = SteeredClock(NANOS_PER_SECOND, Fraction(1), lambda: host[0])
    steering = Steering(Runner(Exchange(), clock), clock, None, Fraction(1), recorded=False)
    steering.change_speed(Fraction(60))
    host[0] += NANOS_PER_SECOND
    assert clock.now() == 61 * NANOS_PER_SECOND
    with pytest.raises(CannotSteer, match="speed max"):
        steering.change_speed(None)
