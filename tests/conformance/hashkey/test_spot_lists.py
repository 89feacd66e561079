"""Asking for orders: hashkey-rest.md 3.9 to 3.11, real shapes 4.4 and 4.5."""

from typing import Any

import pytest

from simulator.venues.hashkey.params import DAY_MS
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Answer, Client, Site

ROW = (
    "accountId s, exchangeId s, symbol s, symbolName s, clientOrderId s, orderId s, price s, origQty s, executedQty s, "
    "cummulativeQuoteQty s, cumulativeQuoteQty s, avgPrice s, status s, timeInForce s, type s, side s, stopPrice s, "
    "icebergQty s, time s, updateTime s, isWorking b, reqAmount s"
)
NEWER = "ordCxlReason s, stpMode s"
OPEN, DONE, ONE = "/api/v1/spot/openOrders", "/api/v1/spot/tradeOrders", "/api/v1/spot/order"


def ids(answer: Answer) -> list[str]:
    return [row["orderId"] for row in answer.json]


def market(client: Client, **params: Any) -> str:
    wanted = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "20"} | params
    return str(client.signed("POST", ONE, **wanted).json["orderId"])


def test_a_filled_market_order_by_cash_reads_as_recorded(site: Site, alice: Client) -> None:
    order_id = market(alice, newClientOrderId="mine")
    reply = alice.signed("GET", ONE, orderId=order_id).json
    assert shape(reply) == f"{ROW}, feeCoin s, feeAmount s, sumFeeAmount s, {NEWER}"
    assert reply == {
        "accountId": reply["accountId"],
        "exchangeId": "301",
        "symbol": "ETHUSDT",
        "symbolName": "ETHUSDT",
        "clientOrderId": "mine",
        "orderId": order_id,
        "price": "0",
        "origQty": "0",
        "executedQty": "0.0072",
        "cummulativeQuoteQty": "19.948608",
        "cumulativeQuoteQty": "19.948608",
        "avgPrice": "2770.64",
        "status": "FILLED",
        "timeInForce": "IOC",
        "type": "MARKET",
        "side": "BUY",
        "stopPrice": "0.0",
        "icebergQty": "0.0",
        "time": str(START_MS),
        "updateTime": str(START_MS),
        "isWorking": True,
        "reqAmount": "20",
        "feeCoin": "",
        "feeAmount": "0",
        "sumFeeAmount": "0",
        "ordCxlReason": "",
        "stpMode": "EXPIRE_TAKER",
    }


@pytest.mark.parametrize("name", ["origClientOrderId", "clientOrderId"])
def test_an_order_is_found_by_its_client_order_id(alice: Client, name: str) -> None:
    alice.order(newClientOrderId="mine")
    assert alice.signed("GET", ONE, **{name: "mine"}).json["clientOrderId"] == "mine"


def test_the_update_time_is_that_of_the_last_change(site: Site, alice: Client) -> None:
    order_id = alice.order().json["orderId"]
    site.wait(40)
    alice.signed("DELETE", ONE, orderId=order_id)
    reply = alice.signed("GET", ONE, orderId=order_id).json
    assert (reply["time"], reply["updateTime"]) == (str(START_MS), str(START_MS + 40))


def test_the_average_price_is_over_all_fills(site: Site, alice: Client) -> None:
    site.depth("ETHUSDT", "2770x1", "2771x1 2773x2")
    order_id = market(alice, side="BUY", type="LIMIT", price="2773", quantity="3")
    reply = alice.signed("GET", ONE, orderId=order_id).json
    assert (reply["cumulativeQuoteQty"], reply["avgPrice"]) == ("8317", "2772.3333")


def test_orders_of_others_are_not_found(alice: Client, bob: Client) -> None:
    order_id = alice.order(newClientOrderId="mine").json["orderId"]
    assert bob.signed("GET", ONE, orderId=order_id).code == "0211"
    assert bob.signed("GET", ONE, origClientOrderId="mine").code == "0211"
    assert ids(bob.signed("GET", OPEN)) == []


def test_open_orders_are_rows_newest_first(alice: Client) -> None:
    made = [alice.order(price=price).json["orderId"] for price in ("50000", "50001", "50002")]
    market(alice)
    reply = alice.signed("GET", OPEN)
    assert shape(reply.json) == f"[{{{ROW}, {NEWER}}}]"
    assert ids(reply) == made[::-1]
    assert ids(alice.signed("GET", OPEN, limit=2)) == made[:0:-1]
    assert ids(alice.signed("GET", OPEN, fromOrderId=made[1])) == made[:1]
    assert ids(alice.signed("GET", OPEN, orderId=made[1])) == made[:1]
    assert ids(alice.signed("GET", OPEN, fromOrderId=0)) == made[::-1]


def test_open_orders_can_be_those_of_a_symbol_or_a_side(alice: Client) -> None:
    bought = alice.order().json["orderId"]
    sold = alice.order("SELL", price="65000").json["orderId"]
    assert ids(alice.signed("GET", OPEN, symbol="BTCUSDT", side="SELL")) == [sold]
    assert ids(alice.signed("GET", OPEN, side="BUY")) == [bought]
    assert ids(alice.signed("GET", OPEN, symbol="ETHUSDT")) == []


def test_finished_orders_are_rows_newest_first(alice: Client) -> None:
    filled = market(alice)
    canceled = alice.order().json["orderId"]
    alice.order()
    alice.signed("DELETE", ONE, orderId=canceled)
    reply = alice.signed("GET", DONE)
    assert shape(reply.json) == f"[{{{ROW}, {NEWER}}}]"
    assert ids(reply) == [canceled, filled]
    assert ids(alice.signed("GET", DONE, fromOrderId=canceled)) == [filled]
    assert ids(alice.signed("GET", DONE, symbol="ETHUSDT", side="BUY")) == [filled]
    assert ids(alice.signed("GET", DONE, limit=1)) == [canceled]


def test_finished_orders_are_chosen_by_their_creation_both_ends_included(site: Site, alice: Client) -> None:
    made = []
    for _ in range(3):
        made.append(market(alice))
        site.wait(1000)

    def between(start: int | None, end: int | None) -> list[str]:
        return ids(alice.signed("GET", DONE, startTime=start, endTime=end))

    assert between(START_MS + 1000, None) == [made[2], made[1]]
    assert between(None, START_MS + 1000) == [made[1], made[0]]
    assert between(START_MS + 1000, START_MS + 1000) == [made[1]]
    assert between(START_MS + 1, START_MS + 999) == []


def test_finished_orders_reach_back_ninety_days(site: Site, alice: Client) -> None:
    old = market(alice)
    site.wait(90 * DAY_MS)
    assert ids(alice.signed("GET", DONE)) == [old]
    assert ids(alice.signed("GET", DONE, startTime=START_MS)) == [old]
    refused = alice.signed("GET", DONE, startTime=START_MS - 1)
    assert refused.refusal == (400, "-2029", "The search is limited to data within the last three months")
    site.wait(1)
    assert ids(alice.signed("GET", DONE)) == []


@pytest.mark.parametrize("path", [OPEN, DONE])
@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"limit": 0}, "-1130"),
        ({"limit": -1}, "-1130"),
        ({"limit": "many"}, "-1130"),
        ({"fromOrderId": "x"}, "-1130"),
        ({"symbol": "NOSUCH"}, "-1130"),
        ({"side": "LONG"}, "-1117"),
        ({"accountId": "1"}, "0104"),
    ],
)
def test_bad_parameters_of_a_list_are_refused(alice: Client, path: str, params: dict[str, str], expected: str) -> None:
    assert alice.signed("GET", path, **params).code == expected


def test_a_limit_above_the_most_is_clamped(alice: Client) -> None:
    order_id = market(alice)
    assert ids(alice.signed("GET", DONE, limit=1_000_000)) == [order_id]


def test_without_sub_accounts_only_the_own_one_can_be_looked_at(alice: Client, bob: Client) -> None:
    own, others = (one.signed("GET", "/api/v1/account/type").json[0]["accountId"] for one in (alice, bob))
    opened, finished = alice.order().json["orderId"], market(alice)
    for path, expected in (("openOrders", [opened]), ("tradeOrders", [finished])):
        sub = f"/api/v1/spot/subAccount/{path}"
        assert ids(alice.signed("GET", sub, subAccountId=own)) == expected
        assert alice.signed("GET", sub, subAccountId=others).code == "0104"
        assert alice.signed("GET", sub).refusal == (400, "0001", "Required field subAccountId missing or invalid")
    assert ids(alice.signed("GET", OPEN, accountId=own)) == [opened]
