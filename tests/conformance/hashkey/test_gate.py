"""How a request is read: hashkey-rest.md 1.2 and 1.4, errors and limits 1, 3.2 and 5."""

from urllib.parse import urlencode

import pytest

from simulator.runtime.rate_limits import BAN, PATIENCE, RateLimits
from simulator.venues.hashkey.gate import FORM
from simulator.venues.hashkey.routes import ROUTES, TABLE, Kind, Security
from simulator.venues.hashkey.signing import ApiKey
from tests.wire import JSON, START_MS, Client, Site, sign

ORDER = "/api/v1/spot/order"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "50000"}
NOT_FOUND = (404, b"<html><body><h2>404 Not found</h2></body></html>")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1/time/"),
        ("GET", "/API/V1/TIME"),
        ("GET", "//api/v1/time"),
        ("POST", "/api/v1/time"),
        ("get", "/api/v1/time"),
        ("PATCH", ORDER),
        ("PUT", "/api/v1/futures/order"),
        ("GET", "/api/v2/futures/positions"),
        ("GET", "/quote/v2/index"),
    ],
)
def test_an_unknown_path_or_method_is_a_page_of_html(alice: Client, method: str, path: str) -> None:
    assert alice.send(method, path) == NOT_FOUND


def test_every_path_of_the_reference_is_served() -> None:
    """hashkey-rest.md 2 to 7."""
    expected = {
        "GET /api/v1/ping",
        "GET /api/v1/time",
        "GET /api/v1/exchangeInfo",
        "GET /api/v1/coinInfo",
        "GET /quote/v1/depth",
        "GET /quote/v1/depth/merged",
        "GET /quote/v1/trades",
        "GET /quote/v1/klines",
        "GET /quote/v1/ticker/24hr",
        "GET /quote/v1/ticker/price",
        "GET /quote/v1/ticker/bookTicker",
        "GET /quote/v1/markPrice",
        "GET /quote/v1/index",
        "GET /api/v1/futures/fundingRate",
        "GET /api/v1/futures/historyFundingRate",
        "POST /api/v1/spot/orderTest",
        "POST /api/v1/spot/order",
        "POST /api/v1.1/spot/order",
        "POST /api/v1/spot/batchOrders",
        "POST /api/v1.1/spot/batchOrders",
        "DELETE /api/v1/spot/order",
        "DELETE /api/v1/spot/openOrders",
        "DELETE /api/v1/spot/cancelAllOpenOrders",
        "DELETE /api/v1/spot/cancelOrderByIds",
        "GET /api/v1/spot/order",
        "GET /api/v1/spot/openOrders",
        "GET /api/v1/spot/tradeOrders",
        "POST /api/v1/futures/order",
        "POST /api/v1/futures/batchOrders",
        "DELETE /api/v1/futures/order",
        "DELETE /api/v1/futures/batchOrders",
        "DELETE /api/v1/futures/cancelOrderByIds",
        "DELETE /api/v1/futures/cancelAllOpenOrders",
        "GET /api/v1/futures/order",
        "GET /api/v1/futures/openOrders",
        "GET /api/v1/futures/historyOrders",
        "GET /api/v1/futures/userTrades",
        "GET /api/v1/futures/positions",
        "GET /api/v1/futures/leverage",
        "POST /api/v1/futures/leverage",
        "POST /api/v1/futures/marginType",
        "POST /api/v1/futures/positionMargin",
        "POST /api/v1/futures/position/trading-stop",
        "GET /api/v1/futures/balance",
        "GET /api/v1/futures/commissionRate",
        "GET /api/v1/futures/riskLimit",
        "GET /api/v1/futures/getBestOrder",
        "GET /api/v1/futures/liquidationAssignStatus",
        "GET /api/v1/futures/subAccount/openOrders",
        "GET /api/v1/futures/subAccount/historyOrders",
        "GET /api/v1/futures/subAccount/userTrades",
        "GET /api/v1/account",
        "GET /api/v1/account/trades",
        "GET /api/v1/account/type",
        "POST /api/v1/account/assetTransfer",
        "GET /api/v1/account/checkApiKey",
        "GET /api/v1/account/vipInfo",
        "GET /api/v1/account/balanceFlow",
        "GET /api/v1/account/chainType",
        "GET /api/v1/hsk/deductionSwitch",
        "POST /api/v1/hsk/deductionSwitch",
        "GET /api/v1/affiliate/inviteeInfo",
        "GET /api/v1/account/deposit/address",
        "GET /api/v1/account/depositOrders",
        "GET /api/v1/account/withdrawOrders",
        "POST /api/v1/account/withdraw",
        "POST /api/v1/account/authAddress",
        "GET /api/v1/spot/subAccount/openOrders",
        "GET /api/v1/spot/subAccount/tradeOrders",
        "GET /api/v1/subAccount/trades",
        "POST /api/v1/userDataStream",
        "PUT /api/v1/userDataStream",
        "DELETE /api/v1/userDataStream",
    }
    assert {f"{method} {path}" for method, path in ROUTES} == expected


def test_the_table_names_each_call_once() -> None:
    assert len(ROUTES) == len(TABLE)


def test_only_signed_calls_write_and_only_orders_are_counted_as_such() -> None:
    for row in TABLE:
        assert not row.writes or row.security is Security.SIGNED
        assert (row.kind is Kind.PUBLIC) == (row.security is Security.NONE)
        assert row.kind is not Kind.ORDER or row.writes


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("/api/v1/exchangeInfo", 5),
        ("/api/v1/spot/tradeOrders", 5),
        ("/api/v1/account", 5),
        ("/api/v1/account/trades", 5),
        ("/api/v1/account/type", 5),
        ("/api/v1/account/balanceFlow", 3),
        ("/api/v1/account/vipInfo", 5),
        ("/api/v1/account/depositOrders", 5),
        ("/api/v1/account/withdrawOrders", 5),
        ("/api/v1/spot/openOrders", 1),
        ("/quote/v1/depth", 1),
    ],
)
def test_weights_are_the_documented_ones(path: str, weight: int) -> None:
    assert ROUTES["GET", path].weight == weight


# -- where parameters are --------------------------------------------------------------------------------------


def signed(client: Client, text: str) -> str:
    return f"{text}&signature={sign(client.secret, text)}"


def test_hummingbot_sends_everything_in_the_query_and_no_body(alice: Client) -> None:
    """Hummingbot 3: sorted, signature last; perpetual says application/json with an empty body."""
    for number, (kind, path) in enumerate([(FORM, ORDER), (JSON, ORDER), ("", "/api/v1/spot/orderTest")]):
        own = {"newClientOrderId": f"HASHKEY-BBTUT61f{number}", "recvWindow": 10000, "timestamp": START_MS}
        query = signed(alice, urlencode(sorted((LIMIT | own).items())))
        assert alice.send("POST", path, query, content_type=kind, key=alice.key).status == 200


def test_ccxt_sends_a_form_body_also_with_delete(alice: Client) -> None:
    order_id = alice.form("POST", ORDER, **LIMIT).json["orderId"]
    assert alice.form("DELETE", ORDER, orderId=order_id).json["orderId"] == order_id


@pytest.mark.parametrize("kind", [FORM, f"{FORM}; charset=utf-8", FORM.upper(), "", " "])
def test_a_form_body_is_read_whatever_its_header_says_beside_the_type(alice: Client, kind: str) -> None:
    body = signed(alice, urlencode(LIMIT | {"timestamp": START_MS})).encode()
    assert alice.send("POST", ORDER, "", body, kind, key=alice.key).status == 200


@pytest.mark.parametrize("kind", [JSON, "text/plain", "multipart/form-data"])
def test_a_body_of_another_type_is_not_read(alice: Client, kind: str) -> None:
    body = signed(alice, urlencode(LIMIT | {"timestamp": START_MS})).encode()
    answer = alice.send("POST", ORDER, "", body, kind, key=alice.key)
    assert answer.refusal[2] == "Required field timestamp missing or invalid"


def test_a_body_of_another_type_is_not_signed_either(alice: Client) -> None:
    query = signed(alice, urlencode(LIMIT | {"timestamp": START_MS}))
    assert alice.send("POST", ORDER, query, b'{"side":"SELL"}', JSON, key=alice.key).json["side"] == "BUY"


def test_a_get_has_its_parameters_in_the_query_only(alice: Client) -> None:
    body = signed(alice, f"timestamp={START_MS}").encode()
    assert alice.send("GET", "/api/v1/account", "", body, FORM, key=alice.key).code == "0001"
    query = signed(alice, f"timestamp={START_MS}")
    assert alice.send("GET", "/api/v1/account", query, b"timestamp=1", FORM, key=alice.key).status == 200


def test_parameters_may_be_split_between_query_and_body_as_in_the_published_vector(alice: Client) -> None:
    query, body = "symbol=BTCUSDT&side=BUY&type=LIMIT", f"quantity=0.01&price=50000&timestamp={START_MS}"
    for place in (0, 1):
        parts = [query, body]
        parts[place] += f"&signature={sign(alice.secret, query + body)}"
        answer = alice.send("POST", ORDER, parts[0], parts[1].encode(), FORM, key=alice.key)
        assert answer.json["origQty"] == "0.01"


def test_what_is_in_the_query_wins_over_the_body(alice: Client) -> None:
    query = urlencode(LIMIT | {"timestamp": START_MS})
    body = (
        f"quantity=5&side=SELL&timestamp=1&signature={sign(alice.secret, query + 'quantity=5&side=SELL&timestamp=1')}"
    )
    reply = alice.send("POST", ORDER, query, body.encode(), FORM, key=alice.key).json
    assert (reply["origQty"], reply["side"]) == ("0.01", "BUY")


def test_a_batch_body_is_json_whatever_the_header_says_and_is_not_signed(alice: Client) -> None:
    query = signed(alice, f"timestamp={START_MS}")
    body = b'[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":"0.01","price":"50000"}]'
    for kind in (JSON, FORM, ""):
        reply = alice.send("POST", "/api/v1/spot/batchOrders", query, body, kind, key=alice.key).json
        assert reply["result"][0]["code"] == "0000"


def test_a_quoted_text_means_what_it_meant(alice: Client) -> None:
    reply = alice.order(newClientOrderId="a:b c+d&e=f%g").json
    assert reply["clientOrderId"] == "a:b c+d&e=f%g"


def test_public_calls_may_be_signed_and_bad_signatures_do_not_matter_there(alice: Client) -> None:
    assert alice.signed("GET", "/quote/v1/depth", symbol="BTCUSDT").status == 200
    assert alice.send("GET", "/api/v1/ping", "timestamp=x&signature=y", key="nobody's").status == 200


# -- rate limits -----------------------------------------------------------------------------------------------


@pytest.fixture
def limited() -> Site:
    return Site(RateLimits({"order": 20, "query": 10}))


def test_without_limits_a_client_may_ask_as_it_likes(alice: Client) -> None:
    assert {alice.signed("GET", "/api/v1/account").status for _ in range(100)} == {200}


def test_twenty_orders_a_second_pass_and_the_next_is_refused(limited: Site) -> None:
    alice = limited.alice
    assert {alice.order(quantity="0.0001").status for _ in range(20)} == {200}
    before = limited.digest()
    assert alice.order(quantity="0.0001").refusal == (429, "0003", "Rate limit exceeded")
    assert limited.digest() == before
    assert limited.bob.order().status == 200
    limited.wait(50)
    assert alice.order(quantity="0.0001").status == 200


def test_queries_are_counted_apart_from_orders_and_by_weight(limited: Site) -> None:
    alice = limited.alice
    assert [alice.signed("GET", "/api/v1/account").status for _ in range(3)] == [200, 200, 429]
    assert alice.order().status == 200
    assert {alice.get("/quote/v1/depth", symbol="BTCUSDT").status for _ in range(100)} == {200}


def test_an_address_that_goes_on_after_429_is_told_418_and_nothing_else(limited: Site) -> None:
    alice = limited.alice
    answers = [alice.order(quantity="0.0001").status for _ in range(20 + PATIENCE + 3)]
    assert answers == [200] * 20 + [429] * (PATIENCE + 1) + [418] * 2
    assert alice.get("/api/v1/ping").refusal == (418, "0003", "Rate limit exceeded")
    assert alice.send("GET", "/api/v1/ping", remote="10.0.0.9").status == 200
    limited.wait(BAN // 1_000_000)
    assert alice.order(quantity="0.0001").status == 200


def test_a_made_up_key_is_counted_as_its_address(limited: Site) -> None:
    path = "/api/v1/spot/openOrders"
    answers = [limited.alice.send("GET", path, key=f"made-up-{number}") for number in range(11)]
    assert [answer.status for answer in answers] == [400] * 10 + [429]
    assert limited.alice.send("GET", path, key="made-up", remote="10.0.0.9").status == 400


def test_each_key_has_its_own_limit(limited: Site) -> None:
    second = limited.client(ApiKey("second", "secret", "alice"))
    for _ in range(20):
        limited.alice.order(quantity="0.0001")
    assert second.order().status == 200


def test_a_refusal_by_the_limit_is_a_text_in_the_quote_family_too() -> None:
    site = Site(RateLimits({"public": 1}))
    answers = [site.alice.get("/quote/v1/index") for _ in range(2)]
    assert answers[1].refusal == (429, "0003", "Rate limit exceeded")
