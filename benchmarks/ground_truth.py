"""``python -m benchmarks ground-truth PATH``: the queue models against a recording in which the true queue is known.

PATH is market-by-order data in the neutral form (``l3snapshot``, ``order_open``, ``order_done``, ``l3trade``). How
orders are hidden is written in ``hiding.py``, what is compared in ``truth_tables.py``. Two naive rules stand
beside the models: an order fills whole as soon as anything trades at its price, or only once something
trades beyond it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.hiding import Told, hide_all
from benchmarks.l3 import BadFile, read
from benchmarks.report import Report, Say, circumstances
from benchmarks.truth_tables import tables
from simulator.core.mirror.queue_position import QueueModel, UnknownModel, queue_model

MODELS: Final = "pessimistic,log2,power3:3,power3:2,proportional,power:2,power:3,log,power2:2,power2:3,front"


def main(argv: Sequence[str] | None = None) -> int:
    """Hide, compare, print; 2: the file cannot be used."""
    given = _parser().parse_args(argv)
    began = time.monotonic()
    try:
        report = compare(given, _say)
    except (BadFile, UnknownModel) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{report}\n\n{time.monotonic() - began:.0f} s")
    if given.json is not None:
        told = {"file": given.path.name, "every_ms": given.every, "levels": given.levels}
        given.json.write_text(json.dumps({**circumstances(), **told, **report.plain()}, indent=2) + "\n")
    return 0


def compare(given: argparse.Namespace, say: Say) -> Report:
    """The tables for one file; raises BadFile and UnknownModel."""
    models: list[QueueModel] = [queue_model(name) for name in given.models.split(",")]
    recording = read(given.path)
    told = Told.every(recording, given.every)
    hidden = list(hide_all(told, models, given.levels, say, one_in=10 if given.quick else 1))
    if not hidden:
        raise BadFile(f"{given.path}: no order came to rest within the best {given.levels} levels")
    return Report(tables=tables(recording, hidden, [model.name for model in models]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks ground-truth", description="Queue models against the true queue."
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="market-by-order data in the neutral form")
    parser.add_argument("--models", default=MODELS, metavar="A,B", help=f"which ones (default {MODELS})")
    parser.add_argument("--every", type=int, default=0, metavar="MS", help="how often a book is told; 0: each change")
    parser.add_argument("--levels", type=int, default=200, metavar="N", help="hide orders within the N best levels")
    parser.add_argument("--quick", action="store_true", help="hide every tenth order")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the tables there")
    return parser


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
