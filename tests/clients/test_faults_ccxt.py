"""What unchanged ccxt makes of faults: which exception, and that nothing is placed twice."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from tests.clients.ccxt_exchanges import LTC, Blocking, blocking
from tests.serving import Ready, serving

pytestmark = pytest.mark.xdist_group("ccxt")
ORDER = "/api/v1/spot/order"


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with serving("--empty", "--forced-outcomes", "--account", "alice:USDT=100000,LTC=100") as ready:
        yield ready


@pytest.fixture(scope="module")
def alice(ready: Ready) -> Iterator[Blocking]:
    with asyncio.Runner() as runner, blocking(ready, "sync", "alice", runner) as exchange:
        exchange.load_markets()
        exchange.exchange.timeout = 500
        yield exchange


@pytest.fixture(autouse=True)
def no_faults(ready: Ready) -> Iterator[None]:
    yield
    control(ready, "DELETE")


def control(ready: Ready, method: str, /, **asked: Any) -> Any:
    body = json.dumps(asked).encode() if method == "POST" else None
    request = urllib.request.Request(f"{ready.control}/faults", body, method=method)
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


@pytest.mark.parametrize(
    ("how", "raised"),
    [("timeout", ccxt.RequestTimeout), ("502", ccxt.ExchangeNotAvailable), ("close", ccxt.NetworkError)],
)
def test_of_a_lost_answer_the_order_is_found_by_its_id_and_cannot_be_placed_twice(
    ready: Ready, alice: Any, how: str, raised: type[Exception]
) -> None:
    control(ready, "POST", kind="lose_answer", how=how, method="POST", path=ORDER, times=1)
    mine = {"clientOrderId": f"lost-{how}"}
    with pytest.raises(raised):
        alice.create_order(LTC, "limit", "buy", 1, 70, mine)
    (order,) = [one for one in alice.fetch_open_orders(LTC) if one["clientOrderId"] == f"lost-{how}"]
    assert order["status"] == "open"
    with pytest.raises(ccxt.DuplicateOrderId):
        alice.create_order(LTC, "limit", "buy", 1, 70, mine)
    assert alice.fetch_order(order["id"], LTC)["status"] == "open"


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        ({"kind": "rate_limit"}, ccxt.RateLimitExceeded),
        ({"kind": "error", "status": 500}, ccxt.ExchangeError),
        ({"kind": "error", "status": 503}, ccxt.ExchangeNotAvailable),
        ({"kind": "error", "status": 504}, ccxt.NetworkError),
        ({"kind": "skew_clock", "ms": 60_000}, ccxt.InvalidNonce),
        ({"kind": "maintenance"}, ccxt.ExchangeError),
    ],
    ids=lambda told: told.get("kind") if isinstance(told, dict) else None,
)
def test_an_order_that_was_refused_by_a_fault_does_not_exist(
    ready: Ready, alice: Any, told: dict[str, Any], raised: type[Exception]
) -> None:
    before = len(alice.fetch_open_orders(LTC))
    control(ready, "POST", **told)
    with pytest.raises(raised):
        alice.create_order(LTC, "limit", "buy", 1, 70)
    control(ready, "DELETE")
    assert len(alice.fetch_open_orders(LTC)) == before


def test_a_ban_is_a_limit_to_it_because_it_looks_at_the_venues_code_first(ready: Ready, alice: Any) -> None:
    control(ready, "POST", kind="rate_limit", status=418)
    with pytest.raises(ccxt.RateLimitExceeded):
        alice.fetch_balance()


def test_forced_outcomes_are_what_it_sees(alice: Any) -> None:
    filled = alice.create_order(LTC, "limit", "buy", 1, 70, {"clientOrderId": "sim-fill-ccxt"})
    assert alice.fetch_order(filled["id"], LTC)["status"] == "closed"
    part = alice.create_order(LTC, "limit", "buy", 10, 70, {"clientOrderId": "sim-fill30-ccxt"})
    assert alice.fetch_order(part["id"], LTC)["filled"] == 3
    with pytest.raises(ccxt.InsufficientFunds):
        alice.create_order(LTC, "limit", "buy", 1, 70, {"clientOrderId": "sim-refuse-0401-ccxt"})
