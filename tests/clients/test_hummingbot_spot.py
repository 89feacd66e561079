"""Hummingbot's unchanged spot connector trades on ``serve`` and under ``exec``, and agrees with REST."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from simulator.core.rejections import RejectReason
from simulator.venues.hashkey.errors import ERRORS
from tests.executing import executed, line
from tests.serving import CHECKOUT, serving

SCRIPT = "tests.clients.hummingbot_spot"
RUN_LIMIT_S = 60
# The first run on a machine makes the environment as well.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("hummingbot")]

Run: TypeAlias = dict[str, Any]
REFUSED = {
    "limit_maker_would_take": RejectReason.WOULD_TAKE,
    "limit_beyond_means": RejectReason.INSUFFICIENT_BALANCE,
}


def served(python: Path) -> subprocess.CompletedProcess[str]:
    """On a server, the URLs being set in the connector."""
    with serving() as ready:
        return subprocess.run(
            [python, "-m", SCRIPT],
            cwd=CHECKOUT,
            input=ready.line(),
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )


def as_installed(python: Path) -> subprocess.CompletedProcess[str]:
    """Under ``exec``, nothing being set in the connector."""
    stdin = line("api-glb.hashkey.com")
    return executed(str(python), "-m", SCRIPT, "as-installed", flags=("--no-private-hosts",), stdin=stdin)


@pytest.fixture(scope="module", params=[served, as_installed], ids=lambda way: way.__name__)
def run(request: pytest.FixtureRequest, hummingbot_python: Path) -> Run:
    """What one run of the script reports; all tests here read it."""
    script = request.param(hummingbot_python)
    assert script.stdout, script.stderr
    document: Run = json.loads(script.stdout)
    assert (script.returncode, document["failed"]) == (0, {}), script.stderr
    return document


def facts(run: Run, step: str) -> Any:
    return run["steps"][step]["facts"]


def test_every_entry_of_its_status_becomes_true(run: Run) -> None:
    assert facts(run, "becomes_ready") == {
        "symbols_mapping_initialized": True,
        "order_books_initialized": True,
        "account_balance": True,
        "trading_rule_initialized": True,
        "user_stream_initialized": True,
    }


def test_its_trading_rules_are_those_of_exchange_info(run: Run) -> None:
    rules = facts(run, "reads_the_rules")
    published = {}
    for row in rules["exchange_info"]:
        filters = {one["filterType"]: one for one in row["filters"]}
        published[row["symbol"]] = {
            "min_qty": filters["LOT_SIZE"]["minQty"],
            "tick": filters["PRICE_FILTER"]["tickSize"],
            "step": filters["LOT_SIZE"]["stepSize"],
            "min_notional": filters["TRADE_AMOUNT"]["minAmount"],
        }
    assert {"BTCUSDT", "ETHUSDT"} <= set(published)
    assert rules["connector"] == published


@pytest.mark.parametrize("pair", ["BTC-USDT", "ETH-USDT"])
def test_its_books_are_full_and_move_and_never_cross(run: Run, pair: str) -> None:
    book = run["books"][pair]
    assert min(book["bids"], book["asks"]) >= 10
    assert book["snapshots"] >= book["moves"] >= 5
    assert book["crossed"] == 0
    assert book["traded"]


@pytest.mark.parametrize("name", ["limit_rests", "limit_maker_rests"])
def test_a_resting_order_holds_what_it_may_spend_until_it_is_cancelled(run: Run, name: str) -> None:
    order, before, held = run["orders"][name], facts(run, name)["before"], facts(run, name)["held"]
    spent, asset = Decimal(order["amount"]), "BTC"
    if order["side"] == "BUY":
        spent, asset = spent * Decimal(order["price"]), "USDT"
    free = Decimal(before[asset]["free"]) - spent
    expected = before | {asset: {"free": f"{free.normalize():f}", "total": before[asset]["total"]}}
    assert held == {"connector": expected, "rest": expected}
    assert order["events"] == [f"{order['side'].title()}OrderCreated", "OrderCancelled"]
    assert order["rest"]["status"] == "CANCELED"


@pytest.mark.parametrize("name", ["limit_takes", "limit_takes_back", "market_buys", "market_sells"])
def test_a_taker_is_filled_completely_and_announced_once(run: Run, name: str) -> None:
    order = run["orders"][name]
    side = order["side"].title()
    events = Counter(order["events"])
    assert events.pop("OrderFilled") >= 1
    assert events == {f"{side}OrderCreated": 1, f"{side}OrderCompleted": 1}
    assert order["endings"] == ["FILLED"]
    assert Decimal(order["executed_base"]) == Decimal(order["amount"])


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_refused_order_is_one_failure_with_the_venues_code(run: Run, name: str, reason: RejectReason) -> None:
    order = run["orders"][name]
    assert (order["endings"], order["events"]) == (["FAILED"], ["OrderFailure"])
    assert order["rest"]["code"] == ERRORS[RejectReason.UNKNOWN_ORDER].code
    kind = "LIMIT_MAKER" if name.startswith("limit_maker") else "LIMIT"
    (said,) = [line for line in complaints(run, "an order that was to be refused") if f" {kind} order" in line]
    assert f'"code":"{ERRORS[reason].code}"' in said


def complaints(run: Run, reason: str) -> list[str]:
    lines: list[str] = run["complaints"].get(reason, [])
    return lines


def test_a_cancel_after_the_fill_is_an_error_and_changes_nothing(run: Run) -> None:
    filled = {order["client_order_id"]: order for order in run["orders"].values() if "FILLED" in order["endings"]}
    too_late = complaints(run, "a cancel that came after the fill")
    asked = [next(key for key in filled if key in line) for line in too_late]
    assert run["orders"]["limit_takes"]["client_order_id"] in asked
    assert [filled[key]["endings"] for key in asked] == [["FILLED"]] * len(asked)
    assert all(f'"code":"{ERRORS[RejectReason.ORDER_ALREADY_FILLED].code}"' in line for line in too_late)


def test_cancel_all_ends_every_order_in_flight(run: Run) -> None:
    orders = [run["orders"][name] for name in ("one_of_all", "other_of_all")]
    assert facts(run, "cancels_all") == {order["client_order_id"]: True for order in orders}
    assert [order["endings"] for order in orders] == [["CANCELED"], ["CANCELED"]]


def test_an_order_cancelled_after_a_part_was_filled_keeps_that_part(run: Run) -> None:
    name = facts(run, "fills_in_part")["order"]
    if name is None:
        pytest.skip("the market never left a part of an order to cancel")
    order = run["orders"][name]
    assert order["rest"]["status"] == "PARTIALLY_CANCELED"
    events = Counter(order["events"])
    assert events.pop("OrderFilled") >= 1
    assert events == {"BuyOrderCreated": 1, "OrderCancelled": 1}
    assert 0 < Decimal(order["executed_base"]) < Decimal(order["amount"])


def test_every_order_ended_once_and_as_rest_says(run: Run) -> None:
    placed = {name: order for name, order in run["orders"].items() if name not in REFUSED}
    assert len(placed) >= 10
    for name, order in placed.items():
        rest = order["rest"]
        assert order["order_id"] == rest["orderId"], name
        assert order["endings"] == [order["rest_state"]], name
        assert order["executed_base"] == rest["executedQty"], name
        assert order["executed_quote"] == rest["cumulativeQuoteQty"], name
    assert run["open_orders"] == []


def test_its_fills_came_by_the_socket_and_are_rests_to_the_last_digit(run: Run) -> None:
    by_rest = [
        {
            "trade_id": row["ticketId"],
            "order_id": row["orderId"],
            "symbol": row["symbol"],
            "side": "BUY" if row["isBuyer"] else "SELL",
            "price": row["price"],
            "qty": row["qty"],
            "fee": row["commission"],
            "fee_asset": row["commissionAsset"],
            "by_socket": True,
        }
        for row in reversed(run["trades"])
    ]
    assert run["fills"] == by_rest
    assert len({fill["trade_id"] for fill in by_rest}) == len(by_rest) >= 4


def test_quotes_that_the_moving_market_reached_were_filled_as_makers_at_their_price(run: Run) -> None:
    prices = {order["order_id"]: order["price"] for order in run["orders"].values()}
    makers = [row for row in run["trades"] if row["isMaker"]]
    if not makers:
        pytest.skip("the market reached none of the quotes in time")
    assert all(row["price"] == prices[row["orderId"]] for row in makers)
    names = {order["order_id"]: name for name, order in run["orders"].items()}
    assert all(names[row["orderId"]].startswith(("quote_", "part_")) for row in makers)


def test_its_balances_are_rests_and_follow_from_its_fills_to_the_last_digit(run: Run) -> None:
    total = {asset: Decimal(one["total"]) for asset, one in facts(run, "limit_rests")["before"].items()}
    for fill in run["fills"]:
        sign = 1 if fill["side"] == "BUY" else -1
        base, quote = fill["symbol"].removesuffix("USDT"), "USDT"
        total[base] += sign * Decimal(fill["qty"])
        total[quote] -= sign * Decimal(fill["qty"]) * Decimal(fill["price"])
        total[fill["fee_asset"]] -= Decimal(fill["fee"])
    expected = {asset: dict.fromkeys(("free", "total"), f"{one.normalize():f}") for asset, one in total.items()}
    end = facts(run, "ends_with_equal_books")
    assert end == {"connector": expected, "rest": expected, "connector_after_poll": expected}


def test_it_complains_of_nothing_unforeseen(run: Run) -> None:
    assert complaints(run, "unexpected") == []
    assert len(complaints(run, "an order that was to be refused")) == len(REFUSED)
