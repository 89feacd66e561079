"""The matching engine as people use it, against other engines, and against itself on other loads.

E1 to E4 are ratios to engines that one can install; E5 and E6 say that cost does not grow with the depth
of the book or the length of a queue; E7 is the pause of the garbage collector; E8, that everybody did
the same work, is a condition of all of them.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from benchmarks.engines import BUYERS, SELLERS, Engine, Mismatch, Product, compare, drive
from benchmarks.peers import OURS, PEERS, installed
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import NANOS, Ratio, Rounds, in_turns, timed
from benchmarks.workloads import MIDDLE, Stream, adds, cancels, deep, expected, shallow, sweeps
from simulator.core.events import AccountOpened
from simulator.core.history import History

SPEED_GOALS: Final = (
    ("E1", "deep", "lightmatchingengine", 5.0),
    ("E2", "shallow", "lightmatchingengine", 1.2),
    ("E3", "deep", "PyLOB", 2.0),
    ("E3", "shallow", "PyLOB", 2.0),
    ("E3", "deep", "cython-orderbook", 1.3),
    ("E3", "shallow", "cython-orderbook", 1.3),
    ("E4", "deep", "bourse (Rust)", 0.17),
    ("E4", "shallow", "bourse (Rust)", 0.22),
)
DEPTH: Final = Goal("E5", "speed on the deep book, of that on the shallow one", at_least=0.4)
FIFO: Final = Goal("E6", "cost per fill in a long queue, of that in one of 100 orders", at_most=2)
RANDOM_CANCEL: Final = Goal("E6", "cost per random cancel in a long queue, of that in one of 100", at_most=7)
TAIL: Final = Goal("E7", "worst single operation with the server's GC settings, of that with Python's", at_most=0.25)

SERVER_THRESHOLDS: Final = (50_000, 20, 100)

PARTS: Final = {"bourse (Rust)": 1}
DEEP_PARTS: Final = {"bourse (Rust)": 1, "lightmatchingengine": 12, "order-book (C)": 6}
USUAL_PART: Final = 3
"""One so-manieth of a stream is what an engine is timed on: about a second of work each. The mixes are stationary."""


def run(options: Options) -> Report:
    """All of them."""
    report = Report()
    streams = _streams(options)
    engines = installed()
    equal = _gate(engines, streams, options)
    rounds = {stream.name: _speeds(equal, stream, options) for stream in streams}
    report.tables.append(_rates(rounds, engines, equal))
    for name, stream, peer, bound in SPEED_GOALS:
        goal = Goal(name, f"speed on {stream}, of {peer}'s", at_least=bound)
        present = OURS in rounds[stream] and peer in rounds[stream]
        missing = "not installed" if peer not in engines else "does other work"
        report.judge(goal, rounds[stream].speed(OURS, peer) if present else None, missing)
    report.judge(DEPTH, _across(rounds["deep"], rounds["shallow"]))
    _queues(report, options)
    _tail(report, options)
    return report


def _streams(options: Options) -> list[Stream]:
    options.say("making the streams")
    operations, orders = options.some(500_000, 40_000), options.some(200_000, 20_000)
    return [deep(operations), shallow(operations), adds(orders), cancels(orders), sweeps(orders)]


def _share(name: str, stream: Stream) -> Stream:
    """As much of a stream as an engine does in about a second."""
    parts = PARTS if stream.name == "shallow" else DEEP_PARTS
    return stream.first(len(stream.ops) // parts.get(name, USUAL_PART))


def _gate(
    engines: dict[str, Callable[[], Engine]], streams: list[Stream], options: Options
) -> dict[str, Callable[[], Engine]]:
    """Those that do the same as the reference on every stream. When ours does not, nothing is worth measuring."""
    equal = dict(engines)
    for stream in streams:
        for name, make in engines.items():
            options.say(f"{stream.name}: fills and final book of {name}")
            share = _share(name, stream)
            try:
                compare(name, make(), share, expected(share))
            except Mismatch as error:
                if name == OURS:
                    raise
                options.say(f"left out: {error}")
                equal.pop(name, None)
    return equal


def _speeds(engines: dict[str, Callable[[], Engine]], stream: Stream, options: Options) -> Rounds:
    def runner(name: str, make: Callable[[], Engine]) -> Callable[[], float]:
        share = _share(name, stream)

        def cost() -> float:
            engine = make()
            drive(engine, share.before)
            return timed(lambda: drive(engine, share.ops)) / len(share.ops)

        return cost

    contestants = {name: runner(name, make) for name, make in engines.items()}
    return in_turns(contestants, options.rounds, lambda text: options.say(f"{stream.name}, {text}"))


def _rates(
    rounds: dict[str, Rounds], engines: dict[str, Callable[[], Engine]], equal: dict[str, Callable[[], Engine]]
) -> Table:
    rows = []
    for name in (OURS, *PEERS):
        if name not in engines:
            rows.append([name, *("-" for _ in rounds), "not installed"])
        elif name not in equal:
            rows.append([name, *("-" for _ in rounds), "not the reference's fills or book: not measured"])
        else:
            rates = [f"{one.rate(name) / 1000:.0f}" for one in rounds.values()]
            rows.append([name, *rates, "as the reference"])
    return Table("Engines, thousand operations per CPU second", ["engine", *rounds, "fills and book (E8)"], rows)


def _across(deep_rounds: Rounds, shallow_rounds: Rounds) -> Ratio:
    pairs = zip(shallow_rounds.costs[OURS], deep_rounds.costs[OURS], strict=True)
    return Ratio.of([light / heavy for light, heavy in pairs])


def _queues(report: Report, options: Options) -> None:
    long, short = options.some(100_000, 20_000), 100
    work = options.some(20_000, 5_000)
    contestants = {
        f"{action}, {size} in the queue": partial(_queue_cost, action, size, work)
        for action in ("fill", "cancel")
        for size in (short, long)
    }
    rounds = in_turns(contestants, options.rounds, options.say)
    rows = [[name, f"{rounds.cost(name) * 1e6:.2f}"] for name in contestants]
    report.tables.append(Table("One level, microseconds per fill or cancel", ["work", "us"], rows))
    for goal, action in ((FIFO, "fill"), (RANDOM_CANCEL, "cancel")):
        report.judge(goal, rounds.slowness(f"{action}, {long} in the queue", f"{action}, {short} in the queue"))


def _queue_cost(action: str, size: int, work: int) -> float:
    """Seconds per fill or cancel on one level of ``size`` orders; a short queue is refilled as it empties."""
    product, chance = Product(), random.Random(5)
    resting: list[int] = []
    ids, spent, done = 0, 0, 0
    gc.collect()
    gc.freeze()
    try:
        while done < work:
            for _ in range(size - len(resting)):
                ids += 1
                product.new(ids, False, MIDDLE, 1)
                resting.append(ids)
            if action == "cancel":
                chance.shuffle(resting)
            batch = min(size // 2, work - done)
            leaving, resting = resting[:batch], resting[batch:]
            start = time.process_time_ns()
            if action == "cancel":
                for number in leaving:
                    product.cancel(number, False, MIDDLE)
            else:
                ids += 1
                product.new(ids, True, MIDDLE, batch)
            spent += time.process_time_ns() - start
            done += batch
    finally:
        gc.unfreeze()
    return spent / NANOS / done


def _tail(report: Report, options: Options) -> None:
    stream = deep(options.some(500_000, 100_000))
    contestants = {"Python's": lambda: _worst(stream, tuned=False), "the server's": lambda: _worst(stream, tuned=True)}
    rounds = in_turns(contestants, min(options.rounds, 3), lambda text: options.say(f"tail, {text}"))
    rows = [[name, f"{rounds.cost(name) * 1000:.1f}"] for name in contestants]
    report.tables.append(Table("Worst single operation, deep, history kept", ["GC settings", "ms"], rows))
    report.judge(TAIL, rounds.slowness("the server's", "Python's"))


def _worst(stream: Stream, *, tuned: bool) -> float:
    """Thread CPU seconds of the slowest operation; every fill and balance change of every account is kept."""
    product = Product()
    history = History(product.exchange.state)
    history.on_events(product.now, [AccountOpened(name) for name in (*BUYERS, *SELLERS)])
    drive(product, stream.before)
    worst, clock = 0, time.thread_time_ns
    with _collector(tuned=tuned):
        for is_new, number, buy, price, qty in stream.ops:
            start = clock()
            events = product.new(number, buy, price, qty) if is_new else product.cancel(number, buy, price)
            history.on_events(product.now, events)
            worst = max(worst, clock() - start)
    return worst / NANOS


@contextmanager
def _collector(*, tuned: bool) -> Iterator[None]:
    """Python's own settings, or those of the server (``simulator/app.py``)."""
    before = gc.get_threshold()
    gc.collect()
    if tuned:
        gc.freeze()
        gc.set_threshold(*SERVER_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
