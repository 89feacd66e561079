"""The exchange's clock: what it says, and how it is moved."""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.assembly.parts import Parts, speed_of
from simulator.config import BadSetting
from simulator.config import speed as speed_text
from simulator.control.table import Ask, BadAsk, Nothing, Row
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.runtime.steering import CannotSteer, Steering


class ClockState(msgspec.Struct, frozen=True):
    """Where time is, in milliseconds since 1970; ``time`` is the exchange's, ``waiting`` counts what is under way.

    ``position``, ``first`` and ``last`` are the recording's own; ``next`` is when the market has its next message.
    """

    time: Millis
    clock: str
    paused: bool
    speed: str
    waiting: int
    position: Millis | None
    first: Millis | None
    last: Millis | None
    next: Millis | None


def tell(parts: Parts, ask: Nothing) -> ClockState:
    """Where it is."""
    steering, runner = parts.steering, parts.runner
    market, now = steering.market, runner.now()
    due = None if runner.source is None else runner.source.due()
    return ClockState(
        time=now // NANOS_PER_MILLI,
        clock="recorded" if steering.recorded else "wall",
        paused=steering.clock.paused,
        speed="max" if steering.speed is None else format(float(steering.speed), "g"),
        waiting=len(runner.timeline),
        position=None if market is None else market.position(now) // NANOS_PER_MILLI,
        first=None if market is None else market.first // NANOS_PER_MILLI,
        last=None if market is None else market.last // NANOS_PER_MILLI,
        next=None if due is None else due // NANOS_PER_MILLI,
    )


MOST_MS: Final = 366 * 24 * 3_600_000
MOST_STEPS: Final = 1_000_000


class Move(Ask, frozen=True):
    """What to do, in this order where there is more than one: stop, change the pace, go somewhere, go on.

    ``seek_ms`` is a recorded time in milliseconds since 1970, ``step`` a number of the market's messages.
    """

    pause: bool = False
    speed: float | str | None = None
    seek_ms: int | None = None
    step: int | None = None
    advance_ms: float | None = None
    resume: bool = False


async def move(parts: Parts, ask: Move) -> ClockState:
    """Move it; answered when everything has happened that this brought."""
    steering = parts.steering
    try:
        _check(ask)
        if ask.pause:
            steering.pause()
        if ask.speed is not None:
            steering.change_speed(speed_of(speed_text(_plain(ask.speed))))
        await _go(steering, ask)
        if ask.resume:
            steering.resume()
    except (CannotSteer, BadSetting) as error:
        raise BadAsk(str(error)) from None
    return tell(parts, Nothing())


async def _go(steering: Steering, ask: Move) -> None:
    if ask.seek_ms is not None:
        await steering.seek(ask.seek_ms * NANOS_PER_MILLI)
    if ask.step is not None:
        await steering.step(ask.step)
    if ask.advance_ms is not None:
        await steering.advance(round(ask.advance_ms * NANOS_PER_MILLI))


def _plain(speed: float | str) -> str:
    return format(speed, "f").rstrip("0").rstrip(".") if isinstance(speed, float) else speed


def _check(ask: Move) -> None:
    """Nothing happens before everything that was asked makes sense."""
    if ask == Move():
        raise BadAsk("say what to do: pause, resume, advance_ms, speed, seek_ms or step")
    if ask.pause and ask.resume and ask == Move(pause=True, resume=True):
        raise BadAsk("pause or resume: one of them")
    if ask.advance_ms is not None and not 0 <= ask.advance_ms <= MOST_MS:
        raise BadAsk(f"advance_ms goes from 0 to {MOST_MS}, a year: time does not run backwards")
    if ask.step is not None and not 0 < ask.step <= MOST_STEPS:
        raise BadAsk(f"step goes from 1 to {MOST_STEPS} messages")
    if ask.speed is not None:
        speed_text(_plain(ask.speed))


ROWS = (
    Row("GET", "clock", tell, Nothing, ClockState, "the exchange's time, and where in its recording it is"),
    Row("POST", "clock", move, Move, ClockState, "pause, resume, advance_ms, speed, seek_ms, step"),
)
