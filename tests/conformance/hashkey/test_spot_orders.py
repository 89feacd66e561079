"""Orders in and out: hashkey-rest.md 3.1 to 3.8, real shapes 4.1 to 4.3 and 4.6."""

from typing import Any

import pytest

from simulator.venues.hashkey.desk import Switches
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

CREATED = (
    "accountId s, symbol s, symbolName s, clientOrderId s, orderId s, transactTime s, price s, origQty s, "
    "executedQty s, status s, timeInForce s, type s, side s, reqAmount s"
)
CANCELED = (
    "accountId s, symbol s, clientOrderId s, orderId s, transactTime s, price s, origQty s, executedQty s, "
    "status s, timeInForce s, type s, side s"
)
V1, V1_1 = "/api/v1/spot/order", "/api/v1.1/spot/order"


def create(client: Client, path: str = V1, **params: Any) -> dict[str, Any]:
    reply = client.signed("POST", path, symbol="ETHUSDT", **params).json
    assert shape(reply) == f"{CREATED}, concentration s"
    return dict(reply)


def told(reply: dict[str, Any]) -> tuple[str, ...]:
    names = ("price", "origQty", "executedQty", "reqAmount", "type", "timeInForce", "status")
    return tuple(reply[name] for name in names)


RESTING = {"side": "BUY", "type": "LIMIT", "quantity": "0.005", "price": "2700"}


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        (V1, RESTING, ("2700", "0.005", "0", "0", "LIMIT", "GTC", "NEW")),
        (V1, RESTING | {"price": "2800"}, ("2800", "0.005", "0.005", "0", "LIMIT", "GTC", "FILLED")),
        (V1, RESTING | {"type": "LIMIT_MAKER"}, ("2700", "0.005", "0", "0", "LIMIT_MAKER", "GTC", "NEW")),
        (
            V1_1,
            {"side": "BUY", "type": "MARKET", "quantity": "0.006"},
            ("0", "0.006", "0.006", "0", "MARKET", "IOC", "FILLED"),
        ),
        (
            V1,
            {"side": "BUY", "type": "MARKET", "quantity": "20"},
            ("0", "0", "0.0072", "20", "MARKET", "IOC", "FILLED"),
        ),
        (
            V1_1,
            {"side": "BUY", "type": "MARKET", "amount": "20"},
            ("0", "0", "0.0072", "20", "MARKET", "IOC", "FILLED"),
        ),
        (
            V1,
            {"side": "SELL", "type": "MARKET", "quantity": "0.006"},
            ("0", "0.006", "0.006", "0", "MARKET", "IOC", "FILLED"),
        ),
        (
            V1_1,
            {"side": "SELL", "type": "MARKET", "amount": "20"},
            ("0", "0", "0.0072", "20", "MARKET", "IOC", "FILLED"),
        ),
        (V1, RESTING | {"timeInForce": "IOC"}, ("2700", "0.005", "0", "0", "LIMIT", "IOC", "CANCELED")),
        (
            V1,
            RESTING | {"timeInForce": "IOC", "price": "2770.64", "quantity": "20"},
            ("2770.64", "20", "10", "0", "LIMIT", "IOC", "PARTIALLY_CANCELED"),
        ),
        (
            V1,
            RESTING | {"timeInForce": "FOK", "price": "2770.64", "quantity": "20"},
            ("2770.64", "20", "0", "0", "LIMIT", "FOK", "CANCELED"),
        ),
        (
            V1,
            RESTING | {"price": "2770.64", "quantity": "20"},
            ("2770.64", "20", "10", "0", "LIMIT", "GTC", "PARTIALLY_FILLED"),
        ),
        (V1, RESTING | {"quantity": "0.0050", "price": "2700.00"}, ("2700", "0.005", "0", "0", "LIMIT", "GTC", "NEW")),
    ],
    ids=[
        "limit rests",
        "limit crosses",
        "post only",
        "market buy by base",
        "market buy by cash, v1",
        "market buy by cash, v1.1",
        "market sell",
        "market sell by cash",
        "immediate or cancel, nothing there",
        "immediate or cancel, some there",
        "fill or kill",
        "limit crosses in part",
        "padded decimals",
    ],
)
def test_the_reply_to_a_new_order_is_its_state_after_matching(
    alice: Client, path: str, params: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert told(create(alice, path, **params)) == expected


def test_ids_are_digits_and_the_time_is_that_of_creation(site: Site, alice: Client) -> None:
    reply = create(alice, **RESTING)
    assert reply["transactTime"] == str(START_MS)
    assert (int(reply["orderId"]) >> 23) + 1_514_736_000_000 == START_MS
    assert reply["accountId"] == alice.signed("GET", "/api/v1/account/type").json[0]["accountId"]


def test_a_made_up_client_order_id_is_the_time_and_three_digits(alice: Client) -> None:
    made = [create(alice, **RESTING)["clientOrderId"] for _ in range(3)]
    assert len(set(made)) == 3
    assert all(len(one) == 16 and one.startswith(str(START_MS)) for one in made)


def test_the_given_client_order_id_is_kept_whatever_it_is_called(alice: Client) -> None:
    assert create(alice, newClientOrderId="HASHKEY-é 1", **RESTING)["clientOrderId"] == "HASHKEY-é 1"
    assert create(alice, clientOrderId="c" * 255, **RESTING)["clientOrderId"] == "c" * 255


def test_unknown_and_empty_parameters_are_ignored(alice: Client) -> None:
    reply = create(alice, postOnly="true", triggerPrice="", reduceOnly="x", stpMode="", timeInForce="", **RESTING)
    assert reply["status"] == "NEW"


def test_a_price_on_a_market_order_is_ignored(alice: Client) -> None:
    reply = create(alice, V1_1, side="BUY", type="MARKET", quantity="0.006", price="1")
    assert (reply["price"], reply["status"]) == ("0", "FILLED")


def test_a_market_order_stops_at_its_band_and_the_rest_is_cancelled_by_risk_control(site: Site, alice: Client) -> None:
    site.depth("ETHUSDT", "2770x1", "2771x1 9000x100")
    reply = create(alice, V1_1, side="BUY", type="MARKET", quantity="2")
    assert (reply["status"], reply["executedQty"]) == ("PARTIALLY_CANCELED", "1")
    order = alice.signed("GET", V1, orderId=reply["orderId"]).json
    assert order["ordCxlReason"] == "RISKLIMIT_CANCEL"


def test_the_broker_stays_with_the_order(site: Site, alice: Client) -> None:
    alice.broker = "10000800001"
    reply = create(alice, **RESTING)
    assert site.exchange.state.orders[int(reply["orderId"])].broker == "10000800001"


def test_a_broker_header_that_is_no_text_is_dropped(site: Site, alice: Client) -> None:
    alice.broker = "\udcff"
    reply = create(alice, **RESTING)
    assert site.exchange.state.orders[int(reply["orderId"])].broker == ""


def test_a_tried_order_is_checked_and_not_placed(site: Site, alice: Client) -> None:
    before = site.digest()
    wanted = {"symbol": "ETHUSDT"} | RESTING
    assert alice.signed("POST", "/api/v1/spot/orderTest", **wanted).body == b"{}"
    refused = alice.signed("POST", "/api/v1/spot/orderTest", **(wanted | {"quantity": "100"}))
    assert refused.refusal == (400, "0401", "Insufficient asset")
    assert site.digest() == before


def test_self_trade_prevention_expires_whom_the_order_says(alice: Client) -> None:
    mine = create(alice, side="SELL", type="LIMIT", quantity="1", price="2770.64")
    taker = create(alice, V1, side="BUY", type="LIMIT", quantity="11", price="2770.64", stpMode="EXPIRE_MAKER")
    assert taker["status"] == "PARTIALLY_FILLED"
    expired = alice.signed("GET", V1, orderId=mine["orderId"]).json
    assert (expired["status"], expired["ordCxlReason"]) == ("CANCELED", "SELF_TRADE_CANCEL")


# -- batches ---------------------------------------------------------------------------------------------------

BATCH, BATCH_1_1 = "/api/v1/spot/batchOrders", "/api/v1.1/spot/batchOrders"
ITEM = {"symbol": "ETHUSDT"} | RESTING


def test_a_batch_keeps_its_order_and_fails_item_by_item(alice: Client) -> None:
    reply = alice.batch(BATCH, [ITEM, ITEM | {"quantity": "100"}, ITEM | {"side": "buy"}, ITEM]).json
    assert shape({**reply, "result": []}) == "code n, result [], concentration s"
    assert reply["code"] == 0
    placed, poor, wrong, last = reply["result"]
    assert shape(placed) == f"code s, order {{{CREATED}}}"
    assert placed["code"] == last["code"] == "0000"
    assert poor == {"code": "0401", "msg": "Insufficient asset"}
    assert wrong == {"code": "-1117", "msg": "Invalid order side"}
    assert placed["order"]["orderId"] < last["order"]["orderId"]


def test_batch_sizes_follow_the_version_of_the_path(alice: Client) -> None:
    item = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "20"}
    by_cash = alice.batch(BATCH, [item]).json["result"][0]["order"]
    assert (by_cash["reqAmount"], by_cash["origQty"]) == ("20", "0")
    by_base = alice.batch(BATCH_1_1, [item | {"quantity": "0.01"}]).json["result"][0]["order"]
    assert (by_base["reqAmount"], by_base["origQty"]) == ("0", "0.01")


def test_a_batch_takes_clientorderid_as_ccxt_names_it(alice: Client) -> None:
    reply = alice.batch(BATCH, [ITEM | {"clientOrderId": "uuid-1"}]).json
    assert reply["result"][0]["order"]["clientOrderId"] == "uuid-1"


def test_numbers_in_a_batch_are_read_as_they_are_written(alice: Client) -> None:
    item = b'{"symbol":"ETHUSDT","side":"BUY","type":"LIMIT","quantity":0.0007,"price":2700.10,"timeInForce":null}'
    order = alice.batch(BATCH, b"[" + item + b"]").json["result"][0]["order"]
    assert (order["origQty"], order["price"], order["timeInForce"]) == ("0.0007", "2700.1", "GTC")


def test_twenty_orders_are_a_batch_and_one_more_is_too_many(site: Site, alice: Client) -> None:
    assert len(alice.batch(BATCH, [ITEM] * 20).json["result"]) == 20
    before = site.digest()
    refused = alice.batch(BATCH, [ITEM] * 21)
    assert refused.refusal == (400, "-2022", "Order batch size exceeds the limit")
    assert site.digest() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[1]",
        b'[{"symbol":]',
        b'[{"symbol":"\xff"}]',
        b'[{"symbol":"\\ud800"}]',
        b"[" * 100_000,
        b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        b"null",
        b"\x00",
    ],
    ids=range(11),
)
def test_what_is_no_list_of_orders_is_a_bad_request(alice: Client, body: bytes) -> None:
    assert alice.batch(BATCH, body).refusal == (400, "-1004", "Bad request")


def test_a_batch_is_of_one_symbol(site: Site, alice: Client) -> None:
    before = site.digest()
    mixed = alice.batch(BATCH, [ITEM, ITEM | {"symbol": "BTCUSDT"}])
    assert mixed.refusal == (400, "-1130", "Illegal parameter symbol")
    assert site.digest() == before


# -- cancels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orderId", "clientOrderId", "origClientOrderId"])
def test_one_order_is_cancelled_by_either_id(site: Site, alice: Client, name: str) -> None:
    placed = create(alice, **RESTING)
    site.wait(5)
    reply = alice.signed("DELETE", V1, **{name: placed[name.replace("origC", "c")]}).json
    assert shape(reply) == CANCELED
    assert reply["status"] == "CANCELED"
    assert {one: reply[one] for one in reply if one != "status"} == {
        one: placed[one] for one in reply if one != "status"
    }
    assert alice.signed("GET", V1, orderId=placed["orderId"]).json["ordCxlReason"] == "USER_CANCEL"


def test_a_cancel_may_answer_with_the_status_before_it_as_was_recorded() -> None:
    alice = Site(switches=Switches(cancel_status="NEW")).alice
    placed = create(alice, **RESTING)
    assert alice.signed("DELETE", V1, orderId=placed["orderId"]).json["status"] == "NEW"


def test_the_cancel_of_a_filled_order_may_answer_with_the_order_as_was_recorded() -> None:
    alice = Site(switches=Switches(answer_finished_cancel=True)).alice
    filled = create(alice, side="SELL", type="MARKET", quantity="0.006")
    reply = alice.signed("DELETE", V1, orderId=filled["orderId"]).json
    assert (shape(reply), reply["status"]) == (CANCELED, "FILLED")
    assert alice.signed("DELETE", V1, orderId="1").code == "0211"


def test_all_orders_of_a_symbol_or_of_one_of_its_sides_are_cancelled(alice: Client) -> None:
    create(alice, **RESTING)
    create(alice, side="SELL", type="LIMIT", quantity="1", price="2900")
    alice.order()
    path = "/api/v1/spot/openOrders"
    assert alice.signed("DELETE", path, symbol="ETHUSDT", side="SELL").body == b'{"success":true}'
    assert [row["side"] for row in alice.signed("GET", path, symbol="ETHUSDT").json] == ["BUY"]
    assert alice.form("DELETE", path, symbol="ETHUSDT").json == {"success": True}
    assert [row["symbol"] for row in alice.signed("GET", path).json] == ["BTCUSDT"]


def test_cancel_all_takes_the_newest_first_and_says_where_it_stopped(site: Site, alice: Client, bob: Client) -> None:
    ids = [create(alice, **RESTING)["orderId"] for _ in range(4)]
    create(bob, **RESTING)
    path = "/api/v1/spot/cancelAllOpenOrders"
    reply = alice.signed("DELETE", path, limit=2).json
    assert shape(reply) == "code s, message s, timestamp n, lastOrderId s"
    assert reply == {"code": "0000", "message": "success", "timestamp": START_MS, "lastOrderId": ids[2]}
    assert alice.signed("DELETE", path, fromOrderId=ids[1]).json["lastOrderId"] == ids[0]
    assert [row["orderId"] for row in alice.signed("GET", "/api/v1/spot/openOrders").json] == [ids[1]]
    assert alice.signed("DELETE", path, symbol="BTCUSDT", side="BUY").json["lastOrderId"] == "0"
    assert len(site.exchange.state.customers["bob"].open_orders) == 1


def test_cancel_all_stops_at_a_hundred_unless_told_otherwise_and_at_two_hundred_in_any_case(alice: Client) -> None:
    def left() -> int:
        return len(alice.signed("GET", "/api/v1/spot/openOrders").json)

    for _ in range(11):
        alice.batch(BATCH, [ITEM] * 20)
    alice.batch(BATCH, [ITEM | {"side": "SELL", "price": "2900"}] * 20)
    assert left() == 240
    alice.signed("DELETE", "/api/v1/spot/cancelAllOpenOrders", symbol="ETHUSDT")
    assert left() == 140
    for _ in range(5):
        alice.batch(BATCH, [ITEM] * 20)
    alice.signed("DELETE", "/api/v1/spot/cancelAllOpenOrders", limit=1000)
    assert left() == 40


def test_cancelling_by_ids_lists_the_failures_only(alice: Client, bob: Client) -> None:
    mine, gone, his = create(alice, **RESTING), create(alice, **RESTING), create(bob, **RESTING)
    alice.signed("DELETE", V1, orderId=gone["orderId"])
    path = "/api/v1/spot/cancelOrderByIds"
    reply = alice.signed("DELETE", path, ids=f"{mine['orderId']},{gone['orderId']}, {his['orderId']},17").json
    assert shape(reply) == "code s, result [{orderId s, code s}]"
    assert reply["result"] == [
        {"orderId": gone["orderId"], "code": "-1142"},
        {"orderId": his["orderId"], "code": "0211"},
        {"orderId": "17", "code": "0211"},
    ]
    again = create(alice, **RESTING)
    assert alice.form("DELETE", path, ids=again["orderId"]).body == b'{"code":"0000","result":[]}'


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("", "0001"),
        ("a,b", "-1130"),
        ("1,,2", "-1130"),
        (",".join(str(number) for number in range(101)), "-2022"),
    ],
    ids=["none", "letters", "a gap", "101"],
)
def test_a_bad_list_of_ids_is_refused_as_a_whole(alice: Client, ids: str, expected: str) -> None:
    assert alice.signed("DELETE", "/api/v1/spot/cancelOrderByIds", ids=ids).code == expected
