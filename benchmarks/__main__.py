"""``python -m benchmarks [GROUP ...] [--quick] [--rounds N] [--json FILE]``, or ``ground-truth PATH``."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import ground_truth
from benchmarks.report import Options, Report, circumstances

GROUPS: Final = {
    "engine": "the matching engine against other engines",
    "perpetual": "orders on a perpetual against orders on spot",
    "mirror": "market data into the mirrored book, and out as depth messages",
    "replay": "a recorded session at full speed, with and without a trader",
    "rest": "signed orders and depth over HTTP against a bare server",
    "ws": "WebSocket fan-out and the way from an order to its fill event",
    "snapshot": "snapshots of a whole exchange and the way back",
    "start": "start-up of the command and the server",
    "plugin": "a fresh server for each test",
}
GROUND_TRUTH: Final = "ground-truth PATH (not a group): how true the queue models are; see ground-truth --help"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and exit with 1 when a goal was missed."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["ground-truth"]:
        return ground_truth.main(words[1:])
    given = _parser().parse_args(words)
    options = Options(given.rounds or (3 if given.quick else 5), given.quick, _say)
    where = circumstances()
    print("\n".join(f"{name}: {value}" for name, value in where.items()))
    reports: dict[str, Report] = {}
    for group in given.groups or GROUPS:
        start = time.monotonic()
        report = reports[group] = importlib.import_module(f"benchmarks.bench_{group}").run(options)
        print(f"\n== {group}: {GROUPS[group]} ({time.monotonic() - start:.0f} s)\n\n{report}", flush=True)
    if given.json is not None:
        found = {group: report.plain() for group, report in reports.items()}
        given.json.write_text(json.dumps({**where, "quick": given.quick, "groups": found}, indent=2) + "\n")
    missed = [result.goal.id for report in reports.values() for result in report.results if result.missed]
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nno goal missed")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    groups = "\n".join(f"  {name:10}{what}" for name, what in GROUPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"How fast the simulator is, in ratios from one run.\n\n{groups}\n\n{GROUND_TRUTH}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", choices=[[], *GROUPS], help="which of them; default: all")
    parser.add_argument("--quick", action="store_true", help="small samples: shows that it works, not how fast it is")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns that everybody has (default 5; 3 with --quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the tables, machine and revision there")
    return parser


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
