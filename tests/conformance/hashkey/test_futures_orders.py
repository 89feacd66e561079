"""Futures orders in and out, their lists and their fills: hashkey-rest.md 4.1 to 4.9, real shapes 5.1 to 5.6."""

from typing import Any

import pytest

from simulator.core.orders import Side
from simulator.venues.hashkey.desk import Switches
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

ETH = "ETHUSDT-PERPETUAL"
ORDER, BATCH = "/api/v1/futures/order", "/api/v1/futures/batchOrders"
COMMON = (
    "time s, updateTime s, orderId s, clientOrderId s, symbol s, price s, leverage s, origQty s, executedQty s, "
    "avgPrice s, marginLocked s, type s, side s, timeInForce s, status s, priceType s"
)
CREATED = f"{COMMON}, contractMultiplier s"
LISTED = f"{COMMON}, isLiquidationOrder b, indexPrice s, liquidationType s"
STOP = (
    "time s, updateTime s, orderId s, accountId s, clientOrderId s, symbol s, price s, leverage s, origQty s, "
    "type s, side s, status s, stopPrice s"
)
FILL = (
    "time s, tradeId s, orderId s, symbol s, price s, quantity s, commissionAsset s, commission s, makerRebate s, "
    "type s, side s, realizedPnl s, isMarker b, isMaker b, ticketId s"
)
MARKET: dict[str, Any] = {"priceType": "MARKET", "price": None}


@pytest.fixture(autouse=True)
def marked(site: Site) -> None:
    site.mark(ETH, "2770", "2770")


def told(reply: dict[str, Any]) -> tuple[str, ...]:
    names = ("type", "timeInForce", "priceType", "price", "origQty", "executedQty", "marginLocked", "status")
    return tuple(reply[name] for name in names)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ("LIMIT", "GTC", "INPUT", "2700", "10", "0", "2.7", "NEW")),
        ({"price": "2780"}, ("LIMIT", "GTC", "INPUT", "2780", "10", "10", "2.78", "FILLED")),
        ({"timeInForce": "LIMIT_MAKER"}, ("LIMIT_MAKER", "GTC", "INPUT", "2700", "10", "0", "2.7", "NEW")),
        ({"timeInForce": "IOC"}, ("LIMIT", "IOC", "INPUT", "2700", "10", "0", "2.7", "CANCELED")),
        ({"timeInForce": "FOK"}, ("LIMIT", "FOK", "INPUT", "2700", "10", "0", "2.7", "CANCELED")),
        # 2770 x 1.05, and a twentieth more margin than the fill needs (HashKey REST 4.1).
        (MARKET, ("LIMIT", "IOC", "MARKET", "2908.5", "10", "10", "2.9085", "FILLED")),
        (MARKET | {"timeInForce": "FOK"}, ("LIMIT", "FOK", "MARKET", "2908.5", "10", "10", "2.9085", "FILLED")),
        (MARKET | {"timeInForce": "GTC"}, ("LIMIT", "IOC", "MARKET", "2908.5", "10", "10", "2.9085", "FILLED")),
        ({"quantity": "10.9"}, ("LIMIT", "GTC", "INPUT", "2700", "10", "0", "2.7", "NEW")),
        ({"price": "2700.50", "quantity": "1"}, ("LIMIT", "GTC", "INPUT", "2700.5", "1", "0", "0.27", "NEW")),
        ({"orderLeverage": "3", "leverage": "3"}, ("LIMIT", "GTC", "INPUT", "2700", "10", "0", "2.7", "NEW")),
    ],
    ids=[
        "limit rests",
        "limit crosses",
        "post-only is a type when it comes back",
        "immediate or cancel",
        "fill or kill",
        "market has a protective price",
        "market, fill or kill",
        "market does not wait",
        "a fraction of a contract is dropped",
        "money is cut to four decimals",
        "what is not documented is ignored",
    ],
)
def test_the_reply_to_a_new_order(alice: Client, params: dict[str, Any], expected: tuple[str, ...]) -> None:
    reply = alice.contract_order(**params).json
    assert shape(reply) == CREATED
    assert told(reply) == expected
    assert (reply["avgPrice"], reply["leverage"], reply["contractMultiplier"]) == ("0", "10", "0.00100000")
    assert (reply["time"], reply["side"], reply["symbol"]) == (str(START_MS), "BUY_OPEN", ETH)


def test_a_closing_order_locks_nothing(alice: Client) -> None:
    alice.contract_order(**MARKET)
    reply = alice.contract_order("SELL_CLOSE", price="2800").json
    assert (reply["marginLocked"], reply["side"], reply["status"]) == ("0", "SELL_CLOSE", "NEW")


@pytest.mark.parametrize(
    ("opens", "closes", "side"), [("BUY_OPEN", "SELL_CLOSE", "LONG"), ("SELL_OPEN", "BUY_CLOSE", "SHORT")]
)
def test_the_four_sides_open_and_close_two_positions(alice: Client, opens: str, closes: str, side: str) -> None:
    assert alice.contract_order(opens, **MARKET).json["side"] == opens
    (position,) = alice.signed("GET", "/api/v1/futures/positions").json
    assert (position["side"], position["position"]) == (side, "10")
    assert alice.contract_order(closes, **MARKET).json["status"] == "FILLED"
    assert alice.signed("GET", "/api/v1/futures/positions").json == []


def test_a_stop_is_told_in_its_own_shape_and_locks_nothing(site: Site, alice: Client) -> None:
    before = alice.signed("GET", "/api/v1/futures/balance").body
    reply = alice.contract_order(price="2810", type="STOP", stopPrice="2800").json
    assert shape(reply) == STOP
    assert (reply["price"], reply["stopPrice"], reply["leverage"], reply["status"]) == (
        "2810",
        "2800",
        "0",
        "ORDER_NEW",
    )
    accounts = {row["accountType"]: row["accountId"] for row in alice.signed("GET", "/api/v1/account/type").json}
    assert reply["accountId"] == accounts[3]
    assert alice.signed("GET", "/api/v1/futures/balance").body == before
    (row,) = alice.signed("GET", "/api/v1/futures/openOrders", symbol=ETH, type="STOP").json
    assert row == reply
    assert alice.signed("GET", "/api/v1/futures/openOrders", symbol=ETH, type="LIMIT").json == []


def test_a_stop_goes_off_at_its_mark_as_an_order_with_an_id_of_its_own(site: Site, alice: Client) -> None:
    stop = alice.contract_order(type="STOP", stopPrice="2800", **MARKET).json
    assert stop["price"] == "0"
    site.mark(ETH, "2799.99")
    assert alice.signed("GET", ORDER, orderId=stop["orderId"], type="STOP").json["status"] == "ORDER_NEW"
    site.mark(ETH, "2800")
    done = alice.signed("GET", ORDER, orderId=stop["orderId"], type="STOP").json
    assert shape(done) == STOP
    assert done["status"] == "ORDER_FILLED"
    (sent,) = alice.signed("GET", "/api/v1/futures/historyOrders", symbol=ETH, type="LIMIT").json
    assert (sent["status"], sent["priceType"], sent["executedQty"]) == ("FILLED", "MARKET", "10")
    assert sent["orderId"] != stop["orderId"]
    assert alice.signed("GET", "/api/v1/futures/historyOrders", symbol=ETH, type="STOP").json == [done]


def test_a_stop_whose_order_is_refused_when_its_time_comes_has_failed(site: Site, alice: Client) -> None:
    stop = alice.contract_order("SELL_CLOSE", type="STOP", stopPrice="2800", **MARKET).json
    site.mark(ETH, "2800")
    assert alice.signed("GET", ORDER, orderId=stop["orderId"], type="STOP").json["status"] == "ORDER_FAILED"


def test_a_batch_keeps_the_order_of_its_items_and_has_the_longer_shape(alice: Client) -> None:
    plain = {"symbol": ETH, "side": "BUY_OPEN", "type": "LIMIT", "quantity": 1}
    wanted = [
        plain | {"price": "2700", "clientOrderId": "a"},
        plain | {"price": 2000, "side": "SELL_OPEN", "clientOrderId": "b"},
        plain | {"price": "2701", "clientOrderId": "c"},
        plain | {"price": "2701", "clientOrderId": "d", "type": "STOP", "stopPrice": "2800"},
    ]
    reply = alice.batch(BATCH, wanted).json
    assert list(reply) == ["code", "result"]
    first, second, third, fourth = reply["result"]
    assert reply["code"] == first["code"] == third["code"] == "0000"
    assert shape(first["order"]) == LISTED
    assert (first["order"]["clientOrderId"], first["order"]["marginLocked"]) == ("a", "0.27")
    assert second == {"code": "0207", "msg": "Create limit order sell price too low"}
    assert third["order"]["clientOrderId"] == "c"
    assert fourth == {"code": "0206", "msg": "Unsupported order type"}


def test_a_cancel_answers_with_the_order_as_hummingbot_wants_it(alice: Client) -> None:
    placed = alice.contract_order().json
    reply = alice.signed("DELETE", ORDER, type="LIMIT", orderId=placed["orderId"]).json
    assert shape(reply) == LISTED
    assert (reply["status"], reply["marginLocked"], reply["orderId"]) == ("CANCELED", "0", placed["orderId"])
    by_own_id = alice.contract_order(clientOrderId="mine").json
    reply = alice.form("DELETE", ORDER, type="LIMIT", clientOrderId="mine").json
    assert (reply["orderId"], reply["status"]) == (by_own_id["orderId"], "CANCELED")


def test_the_recorded_status_of_a_cancel_is_a_switch() -> None:
    alice = Site(switches=Switches(cancel_status="NEW")).alice
    placed = alice.contract_order().json
    assert alice.signed("DELETE", ORDER, type="LIMIT", orderId=placed["orderId"]).json["status"] == "NEW"


def test_a_cancelled_stop_is_told_in_its_own_shape(alice: Client) -> None:
    placed = alice.contract_order(type="STOP", stopPrice="2800").json
    reply = alice.signed("DELETE", ORDER, type="STOP", orderId=placed["orderId"]).json
    assert reply == placed | {"status": "ORDER_CANCELED"}
    again = alice.signed("DELETE", ORDER, type="STOP", orderId=placed["orderId"])
    assert again.refusal == (400, "-1142", "Order has been cancelled")


@pytest.mark.parametrize(
    ("side", "left"),
    [
        (None, set()),
        ("BUY", {"SELL_OPEN", "SELL_CLOSE"}),
        ("SELL", {"BUY_OPEN"}),
        ("SELL_OPEN", {"BUY_OPEN", "SELL_CLOSE"}),
    ],
)
def test_all_orders_of_a_symbol_or_of_a_side_are_cancelled_but_stops(
    alice: Client, side: str | None, left: set[str]
) -> None:
    alice.contract_order(**MARKET)
    for one, price in (("BUY_OPEN", "2700"), ("SELL_OPEN", "2800"), ("SELL_CLOSE", "2800")):
        alice.contract_order(one, price=price)
    alice.contract_order(type="STOP", stopPrice="2800", price="2800")
    alice.contract_order(symbol="BTCUSDT-PERPETUAL", price="59000")
    reply = alice.signed("DELETE", BATCH, symbol=ETH, side=side)
    assert reply.body == b'{"message":"success","timestamp":"%d","code":"0000"}' % START_MS
    rows = alice.signed("GET", "/api/v1/futures/openOrders", symbol=ETH, type="LIMIT").json
    assert {row["side"] for row in rows} == left
    assert len(alice.signed("GET", "/api/v1/futures/openOrders", symbol=ETH, type="STOP").json) == 1
    other = alice.signed("GET", "/api/v1/futures/openOrders", symbol="BTCUSDT-PERPETUAL", type="LIMIT").json
    assert len(other) == 1


def test_everything_is_cancelled_from_the_newest_back(alice: Client) -> None:
    ids = [alice.contract_order(price=price).json["orderId"] for price in ("2700", "2701", "2702")]
    path = "/api/v1/futures/cancelAllOpenOrders"
    reply = alice.signed("DELETE", path, limit=1).json
    assert shape(reply) == "code s, message s, timestamp n, lastOrderId s"
    assert reply["lastOrderId"] == ids[2]
    assert alice.signed("DELETE", path, fromOrderId=ids[1], symbol=ETH).json["lastOrderId"] == ids[0]
    assert alice.signed("DELETE", path).json["lastOrderId"] == ids[1]
    assert alice.signed("DELETE", path).json["lastOrderId"] == "0"


def test_cancels_by_ids_list_their_failures(alice: Client) -> None:
    placed = alice.contract_order().json["orderId"]
    stop = alice.contract_order(type="STOP", stopPrice="2800").json["orderId"]
    reply = alice.signed("DELETE", "/api/v1/futures/cancelOrderByIds", ids=f"{placed},1,{stop}").json
    assert reply == {"code": "0000", "result": [{"orderId": "1", "code": "-1143"}]}
    assert alice.signed("GET", ORDER, orderId=placed).json["status"] == "CANCELED"


def test_a_query_tells_the_average_price_and_what_is_still_locked(site: Site, alice: Client, bob: Client) -> None:
    site.depth(ETH, "2700x10", "2770x4 2771x2 2900x10")
    placed = alice.contract_order(price="2780").json
    assert placed["status"] == "PARTIALLY_FILLED"
    row = alice.signed("GET", ORDER, symbol=ETH, clientOrderId=placed["clientOrderId"]).json
    assert shape(row) == LISTED
    # (4 x 2770 + 2 x 2771) / 6, cut; 4 of 10 contracts are still to come.
    assert (row["avgPrice"], row["executedQty"], row["marginLocked"]) == ("2770.3333", "6", "1.112")
    assert (row["isLiquidationOrder"], row["indexPrice"], row["liquidationType"]) == (False, "0", "")
    assert bob.signed("GET", ORDER, orderId=row["orderId"]).code == "-1143"


def test_a_finished_order_keeps_the_leverage_that_it_had(alice: Client) -> None:
    placed = alice.contract_order(**MARKET).json
    alice.contract_order("SELL_CLOSE", **MARKET)
    alice.signed("POST", "/api/v1/futures/leverage", symbol=ETH, leverage=3)
    assert alice.signed("GET", ORDER, orderId=placed["orderId"]).json["leverage"] == "10"
    assert alice.contract_order().json["leverage"] == "3"


def test_lists_are_newest_first_and_paged_by_ids(alice: Client) -> None:
    ids = [alice.contract_order(price=price).json["orderId"] for price in ("2700", "2701", "2702")]
    path = "/api/v1/futures/openOrders"

    def listed(path: str, **params: Any) -> list[str]:
        return [row["orderId"] for row in alice.signed("GET", path, symbol=ETH, type="LIMIT", **params).json]

    assert listed(path) == ids[::-1]
    assert listed(path, limit=1) == ids[2:]
    assert listed(path, fromOrderId=ids[2]) == [ids[1], ids[0]]
    alice.signed("DELETE", BATCH, symbol=ETH)
    history = "/api/v1/futures/historyOrders"
    assert listed(path) == []
    assert listed(history) == ids[::-1]
    assert listed(history, startTime=START_MS + 1) == []
    old = alice.signed("GET", history, symbol=ETH, type="LIMIT", startTime=START_MS - 91 * 86_400_000)
    assert old.code == "-2029"


def test_fills_have_both_spellings_of_the_maker_and_what_they_realised(site: Site, alice: Client, bob: Client) -> None:
    opened = alice.contract_order(**MARKET).json
    resting = alice.contract_order("SELL_CLOSE", price="2780.05").json
    site.trade(ETH, "2781", "5000", Side.BUY)
    closing, opening = alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH).json
    assert shape(closing) == shape(opening) == FILL
    assert (opening["orderId"], opening["type"], opening["side"]) == (opened["orderId"], "MARKET", "BUY_OPEN")
    assert (opening["realizedPnl"], opening["isMaker"], opening["isMarker"]) == ("0", False, False)
    # 2770.64 x 0.01 x 0.0006 and 2780.05 x 0.01 x 0.00025, cut to eight decimals.
    assert (opening["commission"], closing["commission"]) == ("0.01662384", "0.00695012")
    assert (closing["orderId"], closing["type"], closing["side"]) == (resting["orderId"], "LIMIT", "SELL_CLOSE")
    assert (closing["realizedPnl"], closing["isMaker"], closing["isMarker"]) == ("0.0941", True, True)
    by_own_id = alice.signed("GET", "/api/v1/futures/userTrades", clientOrderId=resting["clientOrderId"]).json
    assert by_own_id == [closing]
    assert alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH, fromId=opening["tradeId"]).json == [closing]
    assert alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH, toId=closing["tradeId"]).json == [opening]
    assert alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH, limit=1).json == [closing]
    assert bob.signed("GET", "/api/v1/futures/userTrades", symbol=ETH).json == []


def test_sub_account_lists_are_of_ones_own_account_only(alice: Client, bob: Client) -> None:
    alice.contract_order(**MARKET)
    alice.contract_order()
    own = {row["accountType"]: row["accountId"] for row in alice.signed("GET", "/api/v1/account/type").json}
    for name, more, count in (
        ("openOrders", {"type": "LIMIT"}, 1),
        ("historyOrders", {"type": "LIMIT"}, 1),
        ("userTrades", {}, 1),
    ):
        path = f"/api/v1/futures/subAccount/{name}"
        assert alice.signed("GET", path, symbol=ETH, **more).code == "0001"
        for kind in (1, 3):
            assert len(alice.signed("GET", path, symbol=ETH, subAccountId=own[kind], **more).json) == count
        assert bob.signed("GET", path, symbol=ETH, subAccountId=own[3], **more).code == "0104"


def test_the_broker_stays_with_the_order(site: Site, alice: Client) -> None:
    alice.broker = "10000800001"
    order_id = int(alice.contract_order().json["orderId"])
    assert site.exchange.state.orders[order_id].broker == "10000800001"


REFUSALS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "no symbol": ({"symbol": None}, ("0001", "Required field symbol missing or invalid")),
    "no side": ({"side": None}, ("0001", "Required field side missing or invalid")),
    "no type": ({"type": None}, ("0001", "Required field type missing or invalid")),
    "no quantity": ({"quantity": None}, ("0001", "Required field quantity missing or invalid")),
    "no price": ({"price": None}, ("0001", "Required field price missing or invalid")),
    "no own id": ({"clientOrderId": None}, ("0001", "Required field clientOrderId missing or invalid")),
    "no trigger": ({"type": "STOP"}, ("0001", "Required field stopPrice missing or invalid")),
    "side of spot": ({"side": "BUY"}, ("-1117", "Invalid order side")),
    "type of spot": ({"type": "MARKET"}, ("0206", "Unsupported order type")),
    "price type of the ancestor": ({"priceType": "QUEUE"}, ("-1153", "Invalid price type")),
    "time in force": ({"timeInForce": "GTX"}, ("-1115", "Invalid timeInForce")),
    "post-only market": (
        {"priceType": "MARKET", "timeInForce": "LIMIT_MAKER"},
        ("-1014", "Unsupported order combination"),
    ),
    "quantity no number": ({"quantity": "1e3"}, ("0001", "Required field quantity missing or invalid")),
    "less than a contract": ({"quantity": "0.9"}, ("-1136", "Order quantity lower than the minimum")),
    "negative": ({"quantity": "-1"}, ("-1136", "Order quantity lower than the minimum")),
    "too many contracts": ({"quantity": "40001"}, ("-1135", "Order quantity greater than the maximum")),
    "price off tick": ({"price": "2700.001"}, ("0209", "Invalid price precision")),
    "price zero": ({"price": "0"}, ("0207", "Invalid price")),
    "buy far above": ({"price": "2908.51"}, ("0207", "Create limit order buy price too high")),
    "sell far below": (
        {"side": "SELL_OPEN", "price": "2631.49"},
        ("0207", "Create limit order sell price too low"),
    ),
    "unknown symbol": ({"symbol": "NOSUCH"}, ("-1130", "Illegal parameter symbol")),
    "spot symbol": ({"symbol": "ETHUSDT"}, ("-1130", "Illegal parameter symbol")),
    "post-only would take": (
        {"price": "2771", "timeInForce": "LIMIT_MAKER"},
        ("-1156", "Limit maker order creation failed"),
    ),
    "no position to close": ({"side": "SELL_CLOSE", "price": "2800"}, ("-2053", "Position not enough")),
    "stop far from its trigger": (
        {"type": "STOP", "stopPrice": "2000"},
        ("-2049", "Create stop order buy price too big"),
    ),
    "sell stop far from its trigger": (
        {"type": "STOP", "side": "SELL_OPEN", "stopPrice": "3000"},
        ("-2050", "Create stop order sell price too small"),
    ),
    "beyond means": ({"quantity": "40000"}, ("-2030", "Insufficient margin")),
}


@pytest.mark.parametrize("situation", REFUSALS)
def test_a_bad_order_is_refused_in_the_venues_words(site: Site, alice: Client, situation: str) -> None:
    params, expected = REFUSALS[situation]
    if situation == "beyond means":
        alice.signed("POST", "/api/v1/account/assetTransfer", **_transfer(alice, "95000"))
    before = site.digest()
    assert alice.contract_order(**params).refusal == (400, *expected)
    assert site.digest() == before


def _transfer(alice: Client, amount: str) -> dict[str, Any]:
    ids = {row["accountType"]: row["accountId"] for row in alice.signed("GET", "/api/v1/account/type").json}
    return {"fromAccountId": ids[3], "toAccountId": ids[1], "coin": "USDT", "quantity": amount}


def test_an_own_id_is_used_once_by_orders_and_stops_together(alice: Client) -> None:
    alice.contract_order(clientOrderId="once")
    assert alice.contract_order(clientOrderId="once").code == "-1141"
    assert alice.contract_order(clientOrderId="once", type="STOP", stopPrice="2800").code == "-1141"


def test_the_cap_of_stops_says_its_number(site: Site, alice: Client) -> None:
    for _ in range(200):
        assert alice.contract_order(type="STOP", stopPrice="2800").status == 200
    refused = alice.contract_order(type="STOP", stopPrice="2800")
    assert refused.refusal == (400, "-2048", "Exceed the maximum number of conditional orders of 200")


def test_without_a_mark_a_market_order_is_forbidden(site: Site, alice: Client) -> None:
    quiet = Site()
    quiet.exchange.state.perpetuals[ETH].perpetual.mark = None
    assert quiet.alice.contract_order(**MARKET).refusal == (400, "-1194", "Market order creation forbidden")


@pytest.mark.parametrize(("method", "more"), [("DELETE", {"type": "LIMIT"}), ("GET", {})])
def test_an_unknown_order_is_named_as_hummingbot_looks_for_it(alice: Client, method: str, more: dict[str, str]) -> None:
    for params in ({"orderId": "1"}, {"clientOrderId": "nobody's"}):
        refused = alice.signed(method, ORDER, **params, **more)
        assert refused.refusal == (400, "-1143", "Order not found on order book")
    assert alice.signed(method, ORDER, **more).code == "0001"


def test_a_cancel_needs_its_type_and_a_finished_order_cannot_be_cancelled(alice: Client) -> None:
    filled = alice.contract_order(**MARKET).json["orderId"]
    assert alice.signed("DELETE", ORDER, orderId=filled).code == "0001"
    assert alice.signed("DELETE", ORDER, orderId=filled, type="x").code == "0206"
    assert alice.signed("DELETE", ORDER, orderId=filled, type="LIMIT").code == "-1139"
    canceled = alice.contract_order(timeInForce="IOC").json["orderId"]
    assert alice.signed("DELETE", ORDER, orderId=canceled, type="LIMIT").code == "-1142"


def test_orders_of_spot_and_futures_do_not_mix(alice: Client) -> None:
    spot = alice.order().json["orderId"]
    assert alice.signed("GET", ORDER, orderId=spot).code == "-1143"
    assert alice.signed("DELETE", ORDER, orderId=spot, type="LIMIT").code == "-1143"
    futures = alice.contract_order().json["orderId"]
    assert alice.signed("GET", "/api/v1/spot/order", orderId=futures).code == "0211"
    assert [row["orderId"] for row in alice.signed("GET", "/api/v1/spot/openOrders").json] == [spot]
