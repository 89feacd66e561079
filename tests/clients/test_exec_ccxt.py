"""Plain ccxt trades under ``exec`` with no URL override at all."""

from __future__ import annotations

import json
import sys
from typing import Any, TypeAlias

import pytest

from tests.executing import executed

Run: TypeAlias = dict[str, Any]
pytestmark = pytest.mark.xdist_group("exec-ccxt")


@pytest.fixture(scope="module")
def run() -> Run:
    """What one run of the script reports. No hosts file helps it, and no proxy: ccxt minds none."""
    done = executed(sys.executable, "-m", "tests.clients.exec_ccxt", flags=("--no-private-hosts",))
    assert done.returncode == 0, done.stderr
    document: Run = json.loads(done.stdout)
    return document


def test_the_blocking_one_trades_spot_and_perpetuals(run: Run) -> None:
    assert run["blocking"] == {
        "spot": {"status": "closed", "filled": 0.001},
        "swap": {"status": "closed", "filled": 1.0},
        "positions": [1.0],
    }


def test_the_asyncio_one_trades(run: Run) -> None:
    assert run["awaiting"] == {"spot": {"status": "closed", "filled": 0.001}}


def test_the_one_with_sockets_hears_the_market_and_its_own_trade(run: Run) -> None:
    assert run["watching"]["levels"] >= 10
    assert run["watching"]["own"]
