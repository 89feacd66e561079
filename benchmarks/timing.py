"""Turns, clocks and ratios.

Work of this process is measured in CPU time, not on the wall: on a shared machine the wall also counts
the neighbours. What exists before the work starts is hidden from the garbage collector, so nobody pays
for the memory of the one before.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

NANOS: float = 1e9

Cost: TypeAlias = float
"""Seconds per unit of work."""


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of ``work``."""
    gc.collect()
    gc.freeze()
    try:
        start = time.process_time_ns()
        work()
        return (time.process_time_ns() - start) / NANOS
    finally:
        gc.unfreeze()


@dataclass(frozen=True)
class Ratio:
    """One contestant in terms of another: the median of the rounds, and the largest over the smallest."""

    median: float
    spread: float

    @classmethod
    def of(cls, values: list[float]) -> Ratio:
        """From the ratios of the rounds."""
        return cls(median(values), max(values) / min(values))


@dataclass
class Rounds:
    """What every contestant's unit of work cost, round by round."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)

    def cost(self, name: str) -> Cost:
        """The middle cost of one contestant."""
        return median(self.costs[name])

    def rate(self, name: str) -> float:
        """Units per second at the middle cost."""
        return 1 / self.cost(name)

    def speed(self, name: str, other: str) -> Ratio:
        """How many times as fast as ``other``: larger is better."""
        return self.slowness(other, name)

    def slowness(self, name: str, other: str) -> Ratio:
        """How many times the cost of ``other``: smaller is better."""
        pairs = zip(self.costs[name], self.costs[other], strict=True)
        return Ratio.of([mine / theirs for mine, theirs in pairs])

    def __contains__(self, name: str) -> bool:
        return name in self.costs


def in_turns(
    contestants: Mapping[str, Callable[[], Cost]], rounds: int, say: Callable[[str], None] = lambda _: None
) -> Rounds:
    """Let everybody work once per round, in the same order, for so many rounds."""
    result = Rounds({name: [] for name in contestants})
    for number in range(1, rounds + 1):
        for name, run in contestants.items():
            say(f"round {number} of {rounds}: {name}")
            result.costs[name].append(run())
    return result
