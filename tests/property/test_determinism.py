"""Same commands in, same events and same digest out: here, again, and in a process that hashes otherwise."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from simulator.core.digest import digest
from tests.property.test_long_run import Chance, begin

ROOT = Path(__file__).parents[2]


def run(seed: int, operations: int) -> str:
    """Digest of the state and of every event on the way."""
    chance = Chance(seed)
    exchange = begin(chance.now)
    told = hashlib.sha256()
    for _ in range(operations):
        command = chance.command()
        events = exchange.handle(chance.now, command)
        chance.hear(events)
        told.update(repr(events).encode())
    return f"{digest(exchange.state)} {told.hexdigest()}"


def test_same_commands_give_the_same_events_and_digest() -> None:
    assert run(7, 3000) == run(7, 3000)
    assert run(7, 3000) != run(8, 3000)


def test_another_process_with_another_hash_seed_says_the_same() -> None:
    program = "from tests.property.test_determinism import run; print(run(7, 3000))"
    said = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        said.add(done.stdout.strip())
    assert said == {run(7, 3000)}


def test_commands_survive_their_own_codec() -> None:
    """A journal keeps commands as text; read back they do the same."""
    chance = Chance(9)
    one, other = begin(chance.now), begin(chance.now)
    for _ in range(500):
        command = chance.command()
        copy = msgspec.json.decode(msgspec.json.encode(command), type=type(command))
        assert copy == command
        events = one.handle(chance.now, command)
        assert other.handle(chance.now, copy) == events
        chance.hear(events)
    assert digest(one.state) == digest(other.state)
