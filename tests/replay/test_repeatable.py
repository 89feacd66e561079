"""A replay repeats itself: same recording, same commands, same events and digest, whatever the seeds and the process.

The exchange is put together as ``serve`` does it, at full speed in the recording's time, with a trader who places and
cancels at fixed times. The digests below are of the state at the end: a change of a rule of the core changes them.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.timetable import Trader
from simulator.assembly.parts import bundled, exchange_of
from simulator.config import Market, Settings
from simulator.core.digest import digest
from simulator.core.events import Event, OrderFilled, Rejected
from tests.replay.test_bundled import RECORDINGS

THOROUGH = os.environ.get("HASHKEY_SIM_TEST_PROFILE") == "thorough"
SMALL = "small"
ENDS = {
    "funding": "e6c466f997b183336752d9b46d47430bbaa00e274160b047a26197ccd3cb6306",
    "hashkey-20240808": "f66ec78e97bf5b4f35eec7cd7caa9ec039a9a01986cfcb9bdef20a5a4a212343",
    "hashkey-20240808-spot": "4c04bf87dfab839da0464265dd0e2a17a84d2edbea2a2cb36c42529f283a7b6c",
    SMALL: "5247248bfe446e2361cc1861fcbf5f61635baa43ef7db6c1cdde7c50b08133c8",
}
REPEATED = tuple(ENDS) if THOROUGH else ("funding", SMALL)
"""Played again and again; the others take ten seconds and more each and are played when there is time."""


class Played(NamedTuple):
    """How it ended, a hash of every event with its time (of those that are repeated), and how it went."""

    end: str
    events: str
    frames: int
    fills: int
    rejected: int


def play(name: str, seed: int) -> Played:
    """A recording from its first frame to its last."""
    path = str(bundled(f"{name}.hkrec"))
    parts = exchange_of(Settings(market=Market(replay=path, clock="recorded", speed="max", seed=seed)))
    summer, happened = hashlib.sha256(), {OrderFilled: 0, Rejected: 0}

    def hear(now: int, events: Sequence[Event]) -> None:
        if name in REPEATED:
            summer.update(repr((now, events)).encode())
        for event in events:
            if type(event) in happened:
                happened[type(event)] += 1

    parts.runner.subscribers.append(hear)
    trader = Trader(parts)
    frames = trader.play()
    end = digest(parts.desk.state)
    return Played(end, summer.hexdigest(), frames, happened[OrderFilled], happened[Rejected])


played = cache(play)
"""The first time of each."""


def test_every_bundled_recording_has_its_end() -> None:
    assert set(ENDS) == {path.stem for path in RECORDINGS}


@pytest.mark.parametrize("name", REPEATED)
def test_a_recording_at_full_speed_ends_in_the_digest_that_is_promised(name: str) -> None:
    one = played(name, 2)
    assert one.end == ENDS[name]
    assert one.fills > 30, "a trader who never trades proves nothing"
    assert one.rejected <= 1, "a funding time that is over when the recording tells it"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", REPEATED)
def test_twice_and_under_three_seeds_every_event_is_the_same(name: str, seed: int) -> None:
    assert play(name, seed) == played(name, 2)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_ends_the_same(hash_seed: str) -> None:
    code = f"from tests.replay.test_repeatable import play; print(*play({SMALL!r}, 2))"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    checkout = Path(__file__).parents[2]
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert told.stdout.split() == [str(one) for one in played(SMALL, 2)]
