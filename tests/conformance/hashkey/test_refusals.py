"""Which situation gets which refusal: errors and limits 2.2, row by row, each by a real request."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.core.commands import SetTrading
from simulator.venues.hashkey.routes import TABLE, Security
from simulator.venues.hashkey.signing import ApiKey
from tests.wire import START_MS, Answer, Client, Site

V1, V1_1 = "/api/v1/spot/order", "/api/v1.1/spot/order"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "50000"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "100"}

SIGNED_ROWS = [row for row in TABLE if row.security is Security.SIGNED]
"""Every call that needs a signature is tried with each of the faults below."""


def knock(client: Client, method: str, path: str, query: str, key: str | None) -> Answer:
    return client.send(method, path, query, key=key)


@pytest.mark.parametrize("row", SIGNED_ROWS, ids=lambda row: f"{row.method} {row.path}")
class TestEverySignedCall:
    def test_needs_a_key(self, alice: Client, row: Any) -> None:
        answer = knock(alice, row.method, row.path, f"timestamp={START_MS}&signature=x", None)
        assert answer.refusal == (400, "-1002", "Unauthorized operation")

    def test_needs_a_key_that_exists(self, alice: Client, row: Any) -> None:
        answer = knock(alice, row.method, row.path, f"timestamp={START_MS}&signature=x", "nobody's")
        assert answer.refusal == (400, "0102", "Invalid APIKey")

    def test_needs_a_timestamp(self, alice: Client, row: Any) -> None:
        answer = knock(alice, row.method, row.path, "signature=x", alice.key)
        assert answer.refusal == (400, "0001", "Required field timestamp missing or invalid")

    def test_needs_a_signature(self, alice: Client, row: Any) -> None:
        answer = knock(alice, row.method, row.path, f"timestamp={START_MS}", alice.key)
        assert answer.refusal == (400, "0001", "Required field signature missing or invalid")

    def test_needs_the_right_signature(self, alice: Client, row: Any) -> None:
        answer = knock(alice, row.method, row.path, f"timestamp={START_MS}&signature={'0' * 64}", alice.key)
        assert answer.refusal == (400, "0002", "Incorrect signature")

    def test_must_be_of_now(self, alice: Client, row: Any) -> None:
        for timestamp in (START_MS - 5001, START_MS + 1000):
            answer = alice.signed(row.method, row.path, timestamp=timestamp)
            assert answer.refusal == (400, "-1021", "Timestamp for this request is outside of the recvWindow")


@pytest.mark.parametrize("row", SIGNED_ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_a_key_that_only_reads_writes_nothing(site: Site, row: Any) -> None:
    reader = site.client(ApiKey("reader", "secret", "alice", may_trade=False))
    before = site.digest()
    answer = reader.signed(row.method, row.path)
    assert (answer.status == 403) == row.writes
    if row.writes:
        assert answer.refusal == (403, "-1005", "No permission")
        assert site.digest() == before


def test_expired_keys_and_foreign_addresses_are_refused(site: Site) -> None:
    expired = site.client(ApiKey("old", "secret", "alice", expires=START_MS))
    assert expired.signed("GET", "/api/v1/account").refusal == (400, "0103", "APIKey expired")
    bound = site.client(ApiKey("bound", "secret", "alice", ips=frozenset({"10.0.0.7"})))
    assert bound.signed("GET", "/api/v1/account").refusal == (400, "0202", "Invalid IP")


ORDER_REFUSALS: list[tuple[str, str, dict[str, Any], tuple[int, str, str]]] = [
    ("symbol missing", V1, {"symbol": None}, (400, "0001", "Required field symbol missing or invalid")),
    ("side missing", V1, {"side": None}, (400, "0001", "Required field side missing or invalid")),
    ("type missing", V1, {"type": None}, (400, "0001", "Required field type missing or invalid")),
    ("quantity missing", V1, {"quantity": None}, (400, "0001", "Required field quantity missing or invalid")),
    ("price missing", V1, {"price": None}, (400, "0001", "Required field price missing or invalid")),
    ("quantity unparsable", V1, {"quantity": "1e-2"}, (400, "0001", "Required field quantity missing or invalid")),
    ("price unparsable", V1, {"price": "NaN"}, (400, "0001", "Required field price missing or invalid")),
    ("unknown symbol", V1, {"symbol": "NOSUCH"}, (400, "-1130", "Illegal parameter symbol")),
    ("perpetual on the spot path", V1, {"symbol": "BTCUSDT-PERPETUAL"}, (400, "-1130", "Illegal parameter symbol")),
    ("bad side", V1, {"side": "BUY_OPEN"}, (400, "-1117", "Invalid order side")),
    ("bad type", V1, {"type": "STOP"}, (400, "0206", "Unsupported order type")),
    ("bad time in force", V1, {"timeInForce": "GTX"}, (400, "-1115", "Invalid timeInForce")),
    ("bad self-trade prevention", V1, {"stpMode": "NONE"}, (400, "-1130", "Illegal parameter stpMode")),
    (
        "post-only that cannot wait",
        V1,
        {"type": "LIMIT_MAKER", "timeInForce": "IOC"},
        (400, "-1014", "Unsupported order combination"),
    ),
    (
        "market order that waits",
        V1,
        MARKET | {"price": None, "timeInForce": "GTC"},
        (400, "-1014", "Unsupported order combination"),
    ),
    (
        "quantity and amount",
        V1_1,
        MARKET | {"amount": "100"},
        (400, "-1129", "Invalid parameters, quantity and amount are not allowed to be sent at the same time."),
    ),
    ("below the least quantity", V1, {"quantity": "0"}, (400, "-1136", "Order quantity lower than the minimum")),
    ("negative quantity", V1, {"quantity": "-1"}, (400, "-1136", "Order quantity lower than the minimum")),
    ("above the most", V1, {"quantity": "8.00001"}, (400, "-1135", "Order quantity greater than the maximum")),
    ("huge quantity", V1, {"quantity": "9" * 64}, (400, "-1135", "Order quantity greater than the maximum")),
    (
        "market above its most",
        V1_1,
        MARKET | {"quantity": "4.00001"},
        (400, "-1135", "Order quantity greater than the maximum"),
    ),
    ("off the step", V1, {"quantity": "0.010001"}, (400, "-1137", "Order quantity precision too large")),
    ("off the tick", V1, {"price": "50000.001"}, (400, "0209", "Invalid price precision")),
    ("price zero", V1, {"price": "0"}, (400, "0207", "Invalid price")),
    ("price negative", V1, {"price": "-50000"}, (400, "0207", "Invalid price")),
    ("worth too little", V1, {"quantity": "0.00001"}, (400, "-1140", "Order amount lower than the minimum")),
    (
        "worth too much",
        V1,
        {"quantity": "7", "price": "60001"},
        (400, "-1206", "Order amount greater than the maximum"),
    ),
    ("cash too little", V1, MARKET | {"quantity": "0.9"}, (400, "-1140", "Order amount lower than the minimum")),
    ("cash too much", V1, MARKET | {"quantity": "200001"}, (400, "-1206", "Order amount greater than the maximum")),
    ("cash too precise", V1, MARKET | {"quantity": "20.00000001"}, (400, "-1148", "Order amount precision too large")),
    ("buy above the band", V1, {"price": "66000.01"}, (400, "0210", "Price outside of allowed range")),
    ("sell below the band", V1, {"side": "SELL", "price": "53999.98"}, (400, "0210", "Price outside of allowed range")),
    ("client order id too long", V1, {"newClientOrderId": "x" * 256}, (400, "-1123", "Invalid client order id")),
    ("client order id no text", V1, {"newClientOrderId": "a\x00"}, (400, "-1123", "Invalid client order id")),
    ("client order id used", V1, {"newClientOrderId": "used"}, (400, "-1141", "Duplicate order")),
    (
        "post-only that takes",
        V1,
        {"type": "LIMIT_MAKER", "price": "60000"},
        (400, "-1156", "Limit maker order creation failed"),
    ),
    ("no money", V1, {"quantity": "2.00001"}, (400, "0401", "Insufficient asset")),
    ("no goods", V1, {"side": "SELL", "quantity": "2.1", "price": "60000"}, (400, "0401", "Insufficient asset")),
    ("no cash", V1, MARKET | {"quantity": "100000.01"}, (400, "0401", "Insufficient asset")),
]


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [row[1:] for row in ORDER_REFUSALS],
    ids=[row[0] for row in ORDER_REFUSALS],
)
def test_an_order_that_cannot_be_is_refused_and_leaves_no_trace(
    site: Site, alice: Client, path: str, change: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    alice.order(quantity="0.0001", newClientOrderId="used")
    alice.signed("DELETE", V1, clientOrderId="used")
    before = site.digest()
    assert alice.signed("POST", path, **(LIMIT | change)).refusal == expected
    assert site.digest() == before


def test_a_halted_symbol_takes_no_orders_and_still_cancels(site: Site, alice: Client) -> None:
    order_id = alice.order().json["orderId"]
    site.runner.do(SetTrading("BTCUSDT", trading=False))
    assert alice.order().refusal == (400, "-1151", "The trading pair is not open yet")
    assert alice.signed("DELETE", V1, orderId=order_id).status == 200


def test_the_three_hundred_and_first_open_order_of_a_symbol_is_too_many(alice: Client) -> None:
    for _ in range(15):
        reply = alice.batch("/api/v1/spot/batchOrders", [LIMIT | {"quantity": "0.0001"}] * 20)
        assert {row["code"] for row in reply.json["result"]} == {"0000"}
    refused = alice.order(quantity="0.0001")
    assert refused.refusal == (400, "-2017", "Open orders exceeds the limit of the trading pair")
    other = alice.signed("POST", V1, **(LIMIT | {"symbol": "ETHUSDT", "price": "2000"}))
    assert other.status == 200


def _unknown(alice: Client) -> Answer:
    return alice.signed("DELETE", V1, orderId=17)


def _filled(alice: Client) -> Answer:
    order_id = alice.signed("POST", V1, **MARKET).json["orderId"]
    return alice.signed("DELETE", V1, orderId=order_id)


def _canceled(alice: Client) -> Answer:
    order_id = alice.order().json["orderId"]
    alice.signed("DELETE", V1, orderId=order_id)
    return alice.signed("DELETE", V1, orderId=order_id)


def _nothing_named(alice: Client) -> Answer:
    return alice.signed("DELETE", V1)


def _letters(alice: Client) -> Answer:
    return alice.signed("DELETE", V1, orderId="abc")


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (_unknown, (400, "0211", "Order not found")),
        (_filled, (400, "-1139", "Order has been filled")),
        (_canceled, (400, "-1142", "Order has been cancelled")),
        (_nothing_named, (400, "0001", "Required field orderId missing or invalid")),
        (_letters, (400, "-1130", "Illegal parameter orderId")),
    ],
)
def test_a_cancel_that_cannot_be_is_refused(
    alice: Client, attempt: Callable[[Client], Answer], expected: tuple[int, str, str]
) -> None:
    assert attempt(alice).refusal == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"orderId": 17}, (400, "0211", "Order not found")),
        ({"origClientOrderId": "no"}, (400, "0211", "Order not found")),
        ({}, (400, "0001", "Required field orderId missing or invalid")),
        ({"orderId": "abc"}, (400, "-1130", "Illegal parameter orderId")),
        ({"orderId": "9" * 20}, (400, "-1130", "Illegal parameter orderId")),
        ({"orderId": 17, "accountId": 1}, (400, "0104", "The accountId defined is not permissible")),
    ],
)
def test_an_order_that_is_not_there_is_not_found(
    alice: Client, params: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    assert alice.signed("GET", V1, **params).refusal == expected


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("openOrders", {}, (400, "0001", "Required field symbol missing or invalid")),
        ("openOrders", {"symbol": "NO"}, (400, "-1130", "Illegal parameter symbol")),
        ("openOrders", {"symbol": "BTCUSDT", "side": "x"}, (400, "-1117", "Invalid order side")),
        ("cancelAllOpenOrders", {"symbol": "NO"}, (400, "-1130", "Illegal parameter symbol")),
        ("cancelAllOpenOrders", {"limit": "0"}, (400, "-1130", "Illegal parameter limit")),
    ],
)
def test_a_bulk_cancel_of_nothing_sensible_is_refused(
    alice: Client, path: str, params: dict[str, str], expected: tuple[int, str, str]
) -> None:
    assert alice.signed("DELETE", f"/api/v1/spot/{path}", **params).refusal == expected


def test_parameters_are_judged_before_the_symbol(alice: Client) -> None:
    assert alice.order(symbol="NOSUCH", type="x").code == "0206"
    assert alice.order(symbol="NOSUCH", price="").code == "0001"
    assert alice.order(symbol="NOSUCH", quantity="0.0000001").code == "-1130"


def test_who_asks_is_judged_before_what_he_asks(site: Site) -> None:
    reader = site.client(ApiKey("reader", "secret", "alice", may_trade=False))
    assert reader.signed("POST", V1).refusal[1] == "-1005"
    assert reader.signed("POST", V1, timestamp=START_MS - 10_000).code == "-1021"
