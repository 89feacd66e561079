"""Servers in processes of their own, pinned to a core, and what they use."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.timing import NANOS

CHECKOUT: Final = Path(__file__).parents[1]
SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
READY_WITHIN_S: Final = 30


@dataclass(frozen=True)
class Started:
    """A server that accepts connections, and what its ready line says."""

    pid: int
    ready: dict[str, Any]

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far, to the nanosecond (Linux)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / NANOS

    def resident_bytes(self) -> int:
        """Its resident memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def pinned(command: Sequence[str], core: int) -> list[str]:
    """The same command on one core, where that can be had."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return list(command)
    return ["taskset", "-c", str(core), *command]


def can_measure_processes() -> bool:
    """Whether this system tells what other processes use."""
    return Path("/proc/self/schedstat").exists()


@contextmanager
def started(module: str, *arguments: str, core: int = SERVER_CORE) -> Iterator[Started]:
    """``python -m module``, from its ready line (JSON on standard output) until the block is left."""
    command = pinned([sys.executable, "-m", module, *arguments], core)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HASHKEY_SIM_")}
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            readable, _, _ = select.select([process.stdout], [], [], READY_WITHIN_S)
            line = process.stdout.readline() if readable else ""
            if not line:
                log.seek(0)
                raise RuntimeError(f"{' '.join(command)} did not get ready:\n{log.read()}")
            yield Started(process.pid, json.loads(line))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def simulator(*flags: str) -> Any:
    """This simulator, as people start it for scripts."""
    return started("simulator", "serve", "--json", "--port", "0", *flags)


def plain(kind: str) -> Any:
    """One of the servers that ours is compared with."""
    return started("benchmarks.plain_servers", kind)
