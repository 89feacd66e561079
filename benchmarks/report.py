"""Goals, what was reached, and the tables that say so, for people and as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.timing import Ratio

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How much to measure, and where to tell how far it has come."""

    rounds: int
    quick: bool
    say: Say

    def some(self, full: int, quick: int) -> int:
        """An amount of work."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Goal:
    """A promise about a ratio. Exactly one bound is given."""

    id: str
    what: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        assert (self.at_least is None) != (self.at_most is None), self.id

    @property
    def bound(self) -> str:
        """Such as ``>= 5x``."""
        return f">= {self.at_least:g}x" if self.at_least is not None else f"<= {self.at_most:g}x"

    def met_by(self, ratio: float) -> bool:
        """Whether a ratio keeps the promise."""
        if self.at_least is not None:
            return ratio >= self.at_least
        assert self.at_most is not None
        return ratio <= self.at_most


@dataclass(frozen=True)
class Result:
    """A goal and what became of it; without a ratio, ``missing`` says why there is none."""

    goal: Goal
    ratio: Ratio | None
    missing: str = ""

    @property
    def verdict(self) -> str:
        """``met``, ``MISSED``, or what is missing."""
        if self.ratio is None:
            return self.missing
        return "met" if self.goal.met_by(self.ratio.median) else "MISSED"

    @property
    def missed(self) -> bool:
        """Whether it was looked at and is not good enough."""
        return self.verdict.startswith("MISSED")

    def cells(self) -> list[str]:
        """A row of the goals' table."""
        reached = spread = "-"
        if self.ratio is not None:
            reached, spread = f"{self.ratio.median:.2f}x", f"{self.ratio.spread:.2f}"
        return [self.goal.id, self.goal.what, self.goal.bound, reached, spread, self.verdict]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "goal": self.goal.id,
            "what": self.goal.what,
            "bound": self.goal.bound,
            "reached": self.ratio and self.ratio.median,
            "spread": self.ratio and self.ratio.spread,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Table:
    """Measured numbers behind the goals."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        return f"{self.title}\n{in_columns(self.columns, self.rows)}"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"title": self.title, "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows]}


@dataclass
class Report:
    """What one group of benchmarks found."""

    results: list[Result] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def judge(self, goal: Goal, ratio: Ratio | None, missing: str = "not measured") -> None:
        """Hold a goal against a ratio, or say why there is none."""
        self.results.append(Result(goal, ratio, missing))

    def __str__(self) -> str:
        parts = [str(table) for table in self.tables]
        if self.results:
            rows = [result.cells() for result in self.results]
            parts.append(in_columns(["goal", "what", "bound", "reached", "max/min", "verdict"], rows))
        return "\n\n".join(parts)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "goals": [result.plain() for result in self.results],
            "tables": [table.plain() for table in self.tables],
        }


def in_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned text columns under a ruled heading."""
    widths = [max(len(row[at]) for row in [columns, *rows]) for at in range(len(columns))]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def circumstances() -> dict[str, Any]:
    """Where and with what the numbers came about."""
    return {
        "machine": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": f"{platform.python_implementation()} {sys.version}",
        "revision": _revision(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _revision() -> str | None:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
