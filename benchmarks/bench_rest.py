"""HTTP: what an order and a book cost, in terms of a bare aiohttp server that says hello.

Servers run on one core, the load on the other, 64 connections. Orders are signed limit orders of two
accounts that buy and sell in turn at one price, so the book stays small and every second one trades.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.client import crossing_pair, listen_url
from benchmarks.load import Outcome, Request, generator, load
from benchmarks.moving_market import INSTRUMENT, moments, record
from benchmarks.processes import Started, can_measure_processes, plain, simulator
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.sockets import Discarding
from benchmarks.timing import in_turns

ORDER: Final = Goal("H1", "signed order, requests per second of bare aiohttp's", at_least=0.5)
WATCHED: Final = Goal("H2", "signed order with a private subscriber, of bare aiohttp's", at_least=0.4)
KEPT: Final = Goal("K1", "signed order with --state, of one without", at_least=0.7)
DEPTH: Final = Goal("H4", "GET depth, 200x2, unchanged book, of bare aiohttp's", at_least=0.8)
RICH: Final = ("--account", "buyer:USDT=1000000000000", "--account", "seller:BTC=1000000000")


def run(options: Options) -> Report:
    """All of them."""
    report = Report()
    if not can_measure_processes():
        for goal in (ORDER, WATCHED, KEPT, DEPTH):
            report.judge(goal, None, "needs Linux's /proc")
        return report
    seconds = options.some(3, 1)
    outcomes: dict[str, list[Outcome]] = {}

    def contestant(name: str, server: Started, url: str, requests: Callable[[], list[Request]]) -> Callable[[], float]:
        def cost() -> float:
            outcome = load(server, url, requests(), seconds)
            outcomes.setdefault(name, []).append(outcome)
            return outcome.cost

        return cost

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bare: Started = stack.enter_context(plain("hello"))
        alone: Started = stack.enter_context(simulator("--empty", "--symbols", INSTRUMENT.symbol, *RICH))
        kept: Started = stack.enter_context(
            simulator("--empty", "--symbols", INSTRUMENT.symbol, *RICH, "--state", str(folder / "state"))
        )
        watched: Started = stack.enter_context(simulator("--empty", "--symbols", INSTRUMENT.symbol, *RICH))
        mirror: Started = stack.enter_context(simulator("--replay", str(record(folder, moments(1))), "--no-loop"))
        listener = stack.enter_context(Discarding([listen_url(watched.ready)]))
        bare_url = f"http://127.0.0.1:{bare.ready['port']}/"
        book = Request("GET", f"/quote/v1/depth?symbol={INSTRUMENT.symbol}&limit=200", {})
        contestants = {
            "aiohttp hello": contestant("aiohttp hello", bare, bare_url, lambda: [Request("GET", "/", {})]),
            "order": contestant("order", alone, alone.ready["rest"], lambda: crossing_pair(alone.ready)),
            "order, kept": contestant("order, kept", kept, kept.ready["rest"], lambda: crossing_pair(kept.ready)),
            "order, watched": contestant(
                "order, watched", watched, watched.ready["rest"], lambda: crossing_pair(watched.ready)
            ),
            "depth": contestant("depth", mirror, mirror.ready["rest"], lambda: [book]),
        }
        rounds = in_turns(contestants, options.rounds, options.say)
        assert listener.received > 0, "the private subscriber heard nothing"
    rows = [
        [
            name,
            f"{_middle(many, lambda one: one.per_second):.0f}",
            f"{_middle(many, lambda one: one.cpu_per_request) * 1e6:.1f}",
        ]
        for name, many in outcomes.items()
    ]
    report.tables.append(Table(f"HTTP ({generator()})", ["request", "per second", "server CPU us each"], rows))
    for goal, name in ((ORDER, "order"), (WATCHED, "order, watched"), (DEPTH, "depth")):
        report.judge(goal, rounds.speed(name, "aiohttp hello"))
    report.judge(KEPT, rounds.speed("order, kept", "order"))
    return report


def _middle(outcomes: list[Outcome], of: Callable[[Outcome], float]) -> float:
    return sorted(map(of, outcomes))[len(outcomes) // 2]
