"""What Hummingbot's unchanged spot connector makes of faults: how each order ends for it, and at the venue."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.serving import CHECKOUT, serving

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("hummingbot")]
BOOK = {"symbol": "BTCUSDT", "bids": [["99", "100"]], "asks": [["101", "100"]]}


@pytest.fixture(scope="module")
def steps(hummingbot_python: Path) -> Any:
    """What one run of the script reports; all tests here read it."""
    with serving("--empty", "--symbols", "BTCUSDT") as ready:
        asked = urllib.request.Request(f"{ready.control}/market/book", json.dumps(BOOK).encode(), method="POST")
        urllib.request.urlopen(asked, timeout=5).close()
        script = subprocess.run(
            [hummingbot_python, "-m", "tests.clients.hummingbot_faults"],
            cwd=CHECKOUT,
            input=ready.line(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert script.returncode == 0, script.stderr
    return json.loads(script.stdout)


@pytest.mark.parametrize("step", ["doubled", "events_first", "key_expired", "socket_closed"])
def test_the_order_ends_once_and_filled_once(steps: Any, step: str) -> None:
    told = steps[step]
    assert sorted(told["events"]) == ["BuyOrderCompleted", "BuyOrderCreated", "OrderFilled"]
    assert (told["filled"], told["in_flight"], told["rest"]) == ("1", False, "FILLED")
    assert all(struck >= 1 for struck in told["struck"].values()) and told["struck"]


@pytest.mark.parametrize("step", ["key_expired", "socket_closed"])
def test_without_its_socket_it_learns_of_the_fill_by_its_poll(steps: Any, step: str) -> None:
    assert steps[step]["before"] == ["BuyOrderCreated"]


def test_a_lost_answer_is_a_failure_to_it_though_the_order_rests(steps: Any) -> None:
    """The socket had told it of the order; what it believes in the end is the broken connection."""
    told = steps["answer_lost"]
    assert told["events"] == ["BuyOrderCreated", "OrderFailure"]
    assert (told["rest"], told["in_flight"]) == ("NEW", False)


def test_a_server_error_is_a_failure_to_it_and_there_is_no_order(steps: Any) -> None:
    told = steps["overloaded"]
    assert (told["events"], told["rest"]) == (["OrderFailure"], None)
