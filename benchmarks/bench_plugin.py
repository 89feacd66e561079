"""The pytest plugin: what a fresh server costs each test, beside the bar of 50 ms."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Final

import requests

from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import in_turns
from simulator.testing.exchange import SimExchange
from simulator.testing.server import serving
from simulator.testing.thread import LoopThread
from simulator.testing.wishes import settings_of

BAR_S: Final = 0.05
FRESH: Final = Goal("T1", "a fresh server for a test, of 50 ms", at_most=1)
PLAYING: Final = Goal("T2", "a fresh server that plays a recording, of 50 ms", at_most=1)


def run(options: Options) -> Report:
    """All of them."""
    thread = LoopThread()
    try:
        return _measured(options, thread)
    finally:
        thread.stop()


def _measured(options: Options, thread: LoopThread) -> Report:
    times = options.some(20, 5)

    def served(**wishes: object) -> None:
        with serving(thread, settings_of(wishes)):
            pass

    def used() -> None:
        with serving(thread, settings_of({})) as server:
            server.set_book("BTCUSDT", bids=[("99", "1")], asks=[("101", "1")])
            server.trade("BTCUSDT", price="98", qty="1", side="SELL")
            requests.get(f"{server.rest_url}/api/v1/ping", timeout=5).close()
            server.requests.one(path="/api/v1/ping")

    what: dict[str, Callable[[], object]] = {
        "sim_server": served,
        "sim_server, five calls": used,
        "sim_server, replay=True": lambda: served(replay=True),
        "sim_exchange": lambda: SimExchange(settings_of({}, by_hand=True)),
    }
    costs: dict[str, list[float]] = {}
    contestants: dict[str, Callable[[], float]] = {"50 ms": lambda: BAR_S}
    for name, call in what.items():
        call()  # imports and caches are paid once in a session
        contestants[name] = _timed(call, times, costs.setdefault(name, []))
    rounds = in_turns(contestants, options.rounds, options.say)
    rows = [
        [name, f"{min(many) * 1e3:.1f}", f"{statistics.median(many) * 1e3:.1f}", f"{max(many) * 1e3:.1f}"]
        for name, many in costs.items()
    ]
    table = Table("From asking for a fixture to its end, after the first of a session", ["fixture", *_COLUMNS], rows)
    report = Report(tables=[table])
    report.judge(FRESH, rounds.slowness("sim_server, five calls", "50 ms"))
    report.judge(PLAYING, rounds.slowness("sim_server, replay=True", "50 ms"))
    return report


_COLUMNS: Final = ("least ms", "median ms", "most ms")


def _timed(call: Callable[[], object], times: int, costs: list[float]) -> Callable[[], float]:
    """The middle of some calls, each of which is also kept."""

    def cost() -> float:
        these = []
        for _ in range(times):
            start = time.perf_counter()
            call()
            these.append(time.perf_counter() - start)
        costs.extend(these)
        return statistics.median(these)

    return cost
