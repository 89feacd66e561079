"""A simulator in a process of its own, as people start it: ready line in, SIGTERM out."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

CHECKOUT = Path(__file__).parents[1]
READY_WITHIN_S = 20
STOPPED_WITHIN_S = 5


class Account(msgspec.Struct, frozen=True):
    name: str
    api_key: str
    api_secret: str


class Ready(msgspec.Struct, frozen=True):
    """The ready line of ``serve --json``."""

    rest: str
    ws_public: str
    ws_public_v2: str
    ws_private: str
    control: str
    page: str
    symbols: list[str]
    accounts: list[Account]
    version: str
    ca: str = ""

    def line(self) -> str:
        """For a program that wants to read it itself."""
        return msgspec.json.encode(self).decode()


@contextmanager
def serving(*flags: str, killed: bool = False, **variables: str) -> Iterator[Ready]:
    """``serve --json --port 0`` with more flags and variables; it must stop cleanly at the end, or is ``killed``."""
    command = [sys.executable, "-m", "simulator", "serve", "--json", "--port", "0", *flags]
    # Settings of whoever runs the tests are none of theirs.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HASHKEY_SIM_")} | variables
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield _ready(process)
            if killed:
                process.kill()
                process.wait()
            else:
                _stop(process)
        except BaseException as error:
            process.kill()
            process.wait()
            error.add_note(f"the server's log:\n{_read(log)}")
            raise
        assert "Traceback" not in (text := _read(log)), text


def _ready(process: subprocess.Popen[str]) -> Ready:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], READY_WITHIN_S)
    assert readable, f"no ready line within {READY_WITHIN_S} s"
    return msgspec.json.decode(process.stdout.readline(), type=Ready)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    rest, _ = process.communicate(timeout=STOPPED_WITHIN_S)
    assert process.returncode == 0, f"exit status {process.returncode} after SIGTERM"
    assert not rest, f"more than the ready line on standard output: {rest}"


def _read(log: IO[str]) -> str:
    log.seek(0)
    return log.read()
