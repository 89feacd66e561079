"""Snapshots of a whole exchange and the way back, in milliseconds: fresh, and with resting orders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import in_turns, timed
from simulator.assembly.parts import Parts, exchange_of
from simulator.config import Market, Settings
from simulator.core.commands import Deposit, OpenAccount, PlaceOrder
from simulator.core.orders import BUY, LIMIT
from simulator.core.units import ONE

GOAL: Final = Goal("X1", "restoring a fresh exchange, of making one", at_most=1)
SYMBOL: Final = "BTCUSDT"
LEVELS: Final = 100
EACH: Final = 100
"""Orders of one account: the venue allows no more than a few hundred."""


def run(options: Options) -> Report:
    """All sizes, and a fresh exchange made instead."""
    sizes = [0, 1_000, options.some(100_000, 10_000)]
    worlds = {size: _exchange(size) for size in sizes}
    contestants: dict[str, Callable[[], float]] = {"made anew": lambda: timed(_empty)}
    for size, parts in worlds.items():
        start = parts.snapshots.take()
        contestants[f"take, {size:,} orders"] = partial(timed, parts.snapshots.take)
        contestants[f"restore, {size:,} orders"] = partial(timed, partial(parts.snapshots.restore, start))
    rounds = in_turns(contestants, options.rounds, options.say)
    rows = [[name, f"{rounds.cost(name) * 1e3:.1f}"] for name in rounds.costs]
    report = Report(tables=[Table("Snapshots, CPU milliseconds", ["what", "ms"], rows)])
    report.judge(GOAL, rounds.slowness("restore, 0 orders", "made anew"))
    return report


def _empty() -> Parts:
    return exchange_of(Settings(market=Market(empty=True)))


def _exchange(orders: int) -> Parts:
    """One with so many resting orders at a hundred prices."""
    parts = _empty()
    do = parts.runner.do
    for number in range(orders):
        account = f"user-{number // EACH}"
        if number % EACH == 0:
            do(OpenAccount(account, 0, 0))
            do(Deposit(account, "USDT", 10**9 * ONE))
        do(PlaceOrder(account, SYMBOL, BUY, LIMIT, 1_000, 1_000_000 + number % LEVELS, f"own-{number}"))
    assert sum(len(one.open_orders) for one in parts.desk.state.customers.values()) == orders
    return parts
