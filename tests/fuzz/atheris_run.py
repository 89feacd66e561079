"""Fuzzing that follows coverage: ``python -m tests.fuzz.atheris_run --seconds 60``, with the extra ``fuzz`` installed.

Each target has a process of its own, because libFuzzer ends the one that it runs in. Prints how often each was
executed; exit status 1 when one of them failed, with the bytes that did it. atheris has wheels for Linux on x86-64.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

TARGETS = ("rest", "form", "request", "batch", "sockets", "recording", "neutral", "config", "controls")
LONGEST_INPUT = 2_000


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.atheris_run", description="Fuzz every parser.")
    parser.add_argument("--seconds", type=int, default=60, metavar="N", help="for all targets together")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one; repeatable")
    parser.add_argument("--inside", choices=TARGETS, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if find_spec("atheris") is None:
        print("atheris is not installed: pip install -e '.[test,fuzz]'", file=sys.stderr)
        return 2
    if args.inside:
        return fuzz(args.inside, args.rest)
    chosen = args.target or TARGETS
    seconds = max(1, args.seconds // len(chosen))
    return max([run(name, seconds) for name in chosen])


def run(name: str, seconds: int) -> int:
    """One target in its process: 0 fine, 1 it failed."""
    with tempfile.TemporaryDirectory(prefix="hashkey-sim-fuzz-") as folder:
        limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", "-print_final_stats=1", "-timeout=20"]
        command = [sys.executable, "-m", __spec__.name, "--inside", name, "--", *limits, f"-artifact_prefix={folder}/"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        found = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    executed = re.search(r"number_of_executed_units: *(\d+)|Done (\d+) runs", done.stderr)
    count = next((one for one in executed.groups() if one), "0") if executed else "0"
    print(f"{name:<10} {int(count):>9,} executions  {'fine' if not done.returncode else 'FAILED'}", flush=True)
    if done.returncode:
        print(done.stdout[-3_000:], done.stderr[-1_000:], *map(repr, found), sep="\n", file=sys.stderr)
    return 1 if done.returncode else 0


def fuzz(name: str, flags: list[str]) -> int:
    """In this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["simulator"]):
        from tests.fuzz import targets
    atheris.Setup([sys.argv[0], *flags], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
