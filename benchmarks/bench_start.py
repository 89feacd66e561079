"""Start-up: what ``--help`` costs beside bare Python, and how soon the server answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.request import urlopen

from benchmarks.processes import CHECKOUT, plain, simulator
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import in_turns

HELP: Final = Goal("S1", "time of --help, of bare Python's", at_most=8)
READY: Final = Goal("S2", "time from start to the first answer, of bare aiohttp's", at_most=1.5)
HEAVY: Final = ("aiohttp", "websockets", "numpy", "pandas", "pyarrow", "textual", "asyncio", "sqlite3", "zstandard")


def run(options: Options) -> Report:
    """All of them."""
    contestants: dict[str, Callable[[], float]] = {
        "bare Python": lambda: _whole(["-c", "pass"]),
        "hashkey-sim --help": lambda: _whole(["-m", "simulator", "--help"]),
        "bare aiohttp": lambda: _until_answer(
            lambda: plain("hello"), lambda ready: f"http://127.0.0.1:{ready['port']}/"
        ),
        "serve --empty": lambda: _until_answer(lambda: simulator("--empty"), _ping),
        "serve": lambda: _until_answer(simulator, _ping),
    }
    rounds = in_turns(contestants, options.some(max(options.rounds, 7), 3), options.say)
    rows = [[name, f"{min(rounds.costs[name]) * 1000:.0f}", f"{rounds.cost(name) * 1000:.0f}"] for name in contestants]
    report = Report(tables=[Table("Start-up, from the start of the process", ["what", "least ms", "median ms"], rows)])
    found = imported_by_help()
    ratio = None if found else rounds.slowness("hashkey-sim --help", "bare Python")
    report.judge(HELP, ratio, f"MISSED: it imports {', '.join(found)}")
    report.judge(READY, rounds.slowness("serve", "bare aiohttp"))
    return report


def _whole(arguments: list[str]) -> float:
    """Seconds of a whole process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def _ping(ready: dict[str, Any]) -> str:
    return f"{ready['rest']}/api/v1/ping"


def _until_answer(starting: Callable[[], Any], url: Callable[[dict[str, Any]], str]) -> float:
    """Seconds from starting the process to its first answer."""
    start = time.perf_counter()
    with starting() as server:
        with urlopen(url(server.ready)) as answer:
            assert answer.status == 200
        return time.perf_counter() - start


def imported_by_help() -> list[str]:
    """Which of the heavy packages ``--help`` brings in."""
    code = (
        "import contextlib, io, json, sys\n"
        "from simulator.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found
