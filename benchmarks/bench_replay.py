"""How fast a recorded session replays: the bundled one, whole, put together as ``serve`` does it, at full speed.

Once with nobody there, once with a trader in all four markets. ``x real time`` is recorded time over CPU time. The goal
is a ratio within the run: what a trader costs, of a replay without one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timetable import Trader
from benchmarks.timing import NANOS, in_turns, timed
from simulator.assembly.parts import BUNDLED, Parts, bundled, exchange_of
from simulator.config import Market, Settings
from simulator.replay.format import Reader

QUICK: Final = "small.hkrec"
TRADED: Final = Goal("M6", "CPU per frame with a trader (nine commands a second), of a replay without", at_most=2)


def run(options: Options) -> Report:
    """Both."""
    path = bundled(QUICK if options.quick else BUNDLED)
    recording = Reader(path)
    assert recording.span is not None
    seconds = (recording.span[1] - recording.span[0]) / NANOS
    contestants: dict[str, Callable[[], float]] = {
        "nobody there": partial(_replay, str(path), _alone),
        "a trader": partial(_replay, str(path), lambda parts: Trader(parts).play()),
    }
    rounds = in_turns(contestants, options.rounds, options.say)
    rows = [
        [name, f"{rounds.rate(name):,.0f}", f"{seconds * rounds.rate(name) / recording.count:,.0f}"]
        for name in contestants
    ]
    title = f"Replay of {path.name}: {recording.count:,} frames of {seconds:.0f} s"
    report = Report(tables=[Table(title, ["with", "frames/s", "x real time"], rows)])
    report.judge(TRADED, rounds.slowness("a trader", "nobody there"))
    return report


def _alone(parts: Parts) -> int:
    return parts.runner.play(2**63)


def _replay(path: str, play: Callable[[Parts], int]) -> float:
    """CPU seconds per frame."""
    parts = exchange_of(Settings(market=Market(replay=path, clock="recorded", speed="max")))
    frames = 0

    def work() -> None:
        nonlocal frames
        frames = play(parts)

    return timed(work) / frames
