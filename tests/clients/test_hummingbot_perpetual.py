"""Hummingbot's unchanged perpetual connector trades on ``serve`` and under ``exec``, and agrees with REST."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from simulator.core.rejections import RejectReason
from simulator.venues.hashkey.errors import ERRORS, Refusal
from tests.executing import executed, line
from tests.serving import CHECKOUT, serving

SCRIPT = "tests.clients.hummingbot_perpetual"
RUN_LIMIT_S = 60
# The first run on a machine makes the environment as well.
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("hummingbot")]

Run: TypeAlias = dict[str, Any]
REFUSED = {
    "limit_maker_would_take": RejectReason.WOULD_TAKE,
    "closes_nothing": RejectReason.POSITION_NOT_ENOUGH,
}
TAKERS = ("market_opens_long", "market_closes_long", "limit_opens_short", "limit_closes_short")
SIDES = dict(zip(TAKERS, ("BUY_OPEN", "SELL_CLOSE", "SELL_OPEN", "BUY_CLOSE"), strict=True))


def served(python: Path) -> subprocess.CompletedProcess[str]:
    """On a server, the main domain's URLs being set in the connector."""
    with serving() as ready:
        return subprocess.run(
            [python, "-m", SCRIPT, "hashkey_perpetual"],
            cwd=CHECKOUT,
            input=ready.line(),
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )


def as_installed(python: Path) -> subprocess.CompletedProcess[str]:
    """Under ``exec``, on the test domain, nothing being set in the connector."""
    arguments = ("-m", SCRIPT, "hashkey_perpetual_testnet", "as-installed")
    stdin = line("api-glb.sim.hashkeydev.com")
    return executed(str(python), *arguments, flags=("--no-private-hosts",), stdin=stdin)


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
        "funding_info": True,
    }


def test_its_trading_rules_are_those_of_exchange_info(run: Run) -> None:
    rules = facts(run, "reads_the_rules")
    published = {}
    for row in rules["exchange_info"]:
        filters = {one["filterType"]: one for one in row["filters"]}
        published[row["symbol"]] = {
            "min_qty": filters["LOT_SIZE"]["minQty"],
            "tick": filters["PRICE_FILTER"]["tickSize"],
            "step": row["contractMultiplier"],
            "min_notional": filters["MIN_NOTIONAL"]["minNotional"],
        }
    assert set(published) == {"BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"}
    assert rules["connector"] == published


def test_its_funding_is_rests_and_there_are_a_mark_and_an_index_from_the_first_moment(run: Run) -> None:
    known = facts(run, "knows_the_funding")
    (row,) = [row for row in known["rest"] if row["symbol"] == "ETHUSDT-PERPETUAL"]
    assert (known["rate"], known["next"]) == (row["rate"], int(row["nextSettleTime"]) // 1000)
    assert abs(Decimal(known["mark"]) / Decimal(known["index"]) - 1) < Decimal("0.01")


@pytest.mark.parametrize("pair", ["BTC-USDT", "ETH-USDT"])
def test_its_books_are_full_and_move_and_never_cross(run: Run, pair: str) -> None:
    book = run["books"][pair]
    assert min(book["bids"], book["asks"]) >= 10
    assert book["moves"] >= 5
    assert book["crossed"] == 0


def test_the_leverage_it_sets_is_the_accounts(run: Run) -> None:
    (row,) = facts(run, "sets_leverage")
    assert row == {"symbolId": "ETHUSDT-PERPETUAL", "leverage": "5", "marginType": "CROSS"}


@pytest.mark.parametrize(
    ("step", "side", "sign"), [("goes_long_by_market", "LONG", 1), ("goes_short_by_limit", "SHORT", -1)]
)
def test_a_position_appears_is_rests_and_goes_when_it_is_closed(run: Run, step: str, side: str, sign: int) -> None:
    held = facts(run, step)
    (row,) = held["rest"]
    assert (row["side"], row["position"], row["leverage"]) == (side, "200", "5")
    assert held["connector"] == {
        f"ETH-USDT{side}": {
            "amount": f"{sign * Decimal('0.2')}",
            "entry_price": row["avgPrice"],
            "leverage": "5",
        }
    }
    assert held["after"] == []


@pytest.mark.parametrize("name", TAKERS)
def test_a_taker_is_filled_completely_and_announced_once(run: Run, name: str) -> None:
    order = run["orders"][name]
    events = Counter(order["events"])
    assert events.pop("OrderFilled") >= 1
    side = "Buy" if SIDES[name].startswith("BUY") else "Sell"
    assert events == {f"{side}OrderCreated": 1, f"{side}OrderCompleted": 1}
    assert order["executed_base"] == order["amount"] == "0.2"
    rest = order["rest"]
    assert (rest["side"], rest["status"], rest["executedQty"]) == (SIDES[name], "FILLED", "200")


def test_a_post_only_order_rests_on_its_margin_until_it_is_cancelled(run: Run) -> None:
    order, money = run["orders"]["limit_maker_rests"], facts(run, "rests_as_a_maker_until_cancelled")
    assert order["events"] == ["BuyOrderCreated", "OrderCancelled"]
    assert (order["rest"]["status"], order["rest"]["type"]) == ("CANCELED", "LIMIT_MAKER")
    margin = Decimal(order["rest"]["price"]) * Decimal("0.2") / 5
    assert Decimal(money["free_while_it_rested"]) == Decimal(money["before"]["USDT"]) - margin
    assert money["after"] == money["before"]


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_refused_order_is_one_failure_with_the_venues_code(run: Run, name: str, reason: RejectReason) -> None:
    order = run["orders"][name]
    assert (order["endings"], order["events"]) == (["FAILED"], ["OrderFailure"])
    assert order["rest"]["code"] == ERRORS[Refusal.CONTRACT_ORDER_UNKNOWN].code
    lines = run["complaints"]["an order that was to be refused"]
    assert len([line for line in lines if f'"code":"{ERRORS[reason].code}"' in line]) == 1


def test_its_fills_are_rests(run: Run) -> None:
    by_rest = [
        {
            "trade_id": row["tradeId"],
            "order_id": row["orderId"],
            "side": row["side"],
            "price": row["price"],
            "amount": f"{(Decimal(row['quantity']) / 1000).normalize():f}",
            "fee_asset": row["commissionAsset"],
        }
        for row in reversed(run["trades"])
    ]
    assert [{name: fill[name] for name in by_rest[0]} for fill in run["fills"]] == by_rest
    for fill, row in zip(run["fills"], reversed(run["trades"]), strict=True):
        # REST cuts commissions to eight decimals, the socket tells all (HashKey REST 4.9).
        assert 0 <= Decimal(fill["fee"]) - Decimal(row["commission"]) < Decimal("1e-8")


def test_its_balance_is_rests_and_follows_from_its_fills_to_the_last_digit(run: Run) -> None:
    total = Decimal(100_000)
    total += sum(Decimal(row["realizedPnl"]) for row in run["trades"])
    total -= sum(Decimal(fill["fee"]) for fill in run["fills"])
    expected = {"USDT": f"{total.normalize():f}"}
    end = facts(run, "ends_with_equal_books")
    assert end == {"connector": expected, "rest": expected, "connector_after_poll": expected, "positions": {}}


def test_it_complains_of_nothing_unforeseen(run: Run) -> None:
    assert run["complaints"]["unexpected"] == []
    assert len(run["complaints"]["an order that was to be refused"]) == len(REFUSED)
