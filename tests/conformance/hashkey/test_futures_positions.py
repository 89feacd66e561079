"""Positions, margins, balances and settings: hashkey-rest.md 4.10 to 4.20, real shapes 5.7 and 5.8."""

from decimal import Decimal
from typing import Any

import pytest

from simulator.core.commands import SetFees
from simulator.core.units import rate
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

ETH, BTC = "ETHUSDT-PERPETUAL", "BTCUSDT-PERPETUAL"
POSITION = (
    "symbol s, side s, avgPrice s, position s, available s, leverage s, lastPrice s, positionValue s, "
    "liquidationPrice s, margin s, marginRate s, unrealizedPnL s, profitRate s, realizedPnL s, minMargin s, "
    "updateTime s, marginType s"
)
BALANCE = "balance s, availableBalance s, positionMargin s, orderMargin s, asset s, crossUnRealizedPnl s"
MARKET: dict[str, Any] = {"priceType": "MARKET", "price": None}
STOPS = "/api/v1/futures/position/trading-stop"


@pytest.fixture(autouse=True)
def marked(site: Site) -> None:
    site.mark(ETH, "2770", "2770")


def call(client: Client, method: str, name: str, **params: Any) -> Any:
    return client.signed(method, f"/api/v1/futures/{name}", **params).json


def refused(client: Client, method: str, name: str, **params: Any) -> str | int:
    return client.signed(method, f"/api/v1/futures/{name}", **params).code


def position(client: Client, **params: Any) -> dict[str, Any]:
    (row,) = call(client, "GET", "positions", **params)
    return dict(row)


def test_a_long_position_is_told_with_the_recorded_arithmetic(site: Site, alice: Client) -> None:
    call(alice, "POST", "leverage", symbol=ETH, leverage=5)
    alice.contract_order(**MARKET)
    alice.contract_order("SELL_CLOSE", "4", "2800")
    site.trade(ETH, "2768.5", "1")
    site.mark(ETH, "2767.76")
    site.wait(5)
    row = position(alice)
    assert shape(row) == POSITION
    assert row == {
        "symbol": ETH,
        "side": "LONG",
        "avgPrice": "2770.64",
        "position": "10",
        "available": "6",
        "leverage": "5",
        "lastPrice": "2768.5",
        "positionValue": "27.7064",
        "liquidationPrice": "0",  # 99999 USDT stand behind it
        "margin": "5.8003",  # 2908.5 x 0.01 / 5, less the fee of 0.0166
        "marginRate": "",
        "unrealizedPnL": "-0.0288",  # of the mark, not of the last price
        "profitRate": "-0.0049",  # cut towards zero
        "realizedPnL": "-0.0166",
        "minMargin": "0.1549",  # 27.6776 x (0.005 + 0.0006)
        "updateTime": str(START_MS),
        "marginType": "CROSS",
    }


def test_a_short_position_has_a_positive_size_and_its_profit_grows_when_the_mark_falls(
    site: Site, alice: Client
) -> None:
    alice.contract_order("SELL_OPEN", **MARKET)
    site.mark(ETH, "2700")
    row = position(alice)
    assert (row["side"], row["position"], row["unrealizedPnL"]) == ("SHORT", "10", "0.7063")


def test_both_sides_are_held_at_once_and_can_be_asked_for_apart(alice: Client) -> None:
    for side in ("BUY_OPEN", "SELL_OPEN"):
        alice.contract_order(side, **MARKET)
    assert [row["side"] for row in call(alice, "GET", "positions")] == ["LONG", "SHORT"]
    assert position(alice, symbol=ETH, side="SHORT")["side"] == "SHORT"
    assert call(alice, "GET", "positions", symbol=BTC) == []
    assert refused(alice, "GET", "positions", symbol="ETHUSDT") == "-1130"
    assert refused(alice, "GET", "positions", side="BUY") == "-1154"


def test_an_average_price_that_does_not_come_out_even_is_cut(site: Site, alice: Client) -> None:
    site.depth(ETH, "2700x10", "2770x1 2771x2")
    alice.contract_order("BUY_OPEN", "3", "2780")
    assert position(alice)["avgPrice"] == "2770.6666"


def test_an_isolated_position_has_its_own_end(site: Site, alice: Client) -> None:
    call(alice, "POST", "marginType", symbol=ETH, marginType="ISOLATED")
    alice.contract_order(**MARKET)
    row = position(alice)
    assert row["marginType"] == "ISOLATED"
    end = Decimal(row["liquidationPrice"])
    site.mark(ETH, str(end + Decimal("0.01")))
    assert position(alice)["position"] == "10"
    site.mark(ETH, str(end))
    assert call(alice, "GET", "positions") == []


def test_margin_is_added_to_an_isolated_position_and_taken_back(alice: Client) -> None:
    wanted = {"symbol": ETH, "side": "LONG"}
    assert refused(alice, "POST", "positionMargin", **wanted, amount="1") == "-1157"
    call(alice, "POST", "marginType", symbol=ETH, marginType="ISOLATED")
    alice.contract_order(**MARKET)
    before = Decimal(position(alice)["margin"])
    reply = call(alice, "POST", "positionMargin", **wanted, amount="10")
    assert shape(reply) == "code s, symbol s, margin s, timestamp s"
    assert (reply["code"], reply["symbol"], reply["timestamp"]) == ("0000", ETH, str(START_MS))
    assert Decimal(reply["margin"]) == before + 10
    assert Decimal(call(alice, "POST", "positionMargin", **wanted, amount="-9.5")["margin"]) == before + Decimal("0.5")
    assert refused(alice, "POST", "positionMargin", **wanted, amount="-2.5") == "-1158"
    assert refused(alice, "POST", "positionMargin", **wanted, amount="1000000") == "-1157"
    assert refused(alice, "POST", "positionMargin", symbol=ETH, side="SHORT", amount="1") == "-1157"
    assert refused(alice, "POST", "positionMargin", symbol=ETH, side="BUY", amount="1") == "-1154"
    assert refused(alice, "POST", "positionMargin", **wanted) == "0001"


def test_the_balance_adds_up(site: Site, alice: Client) -> None:
    (empty,) = call(alice, "GET", "balance")
    assert shape(empty) == BALANCE
    assert empty == {
        "balance": "100000",
        "availableBalance": "100000",
        "positionMargin": "0",
        "orderMargin": "0",
        "asset": "USDT",
        "crossUnRealizedPnl": "0",
    }
    alice.contract_order(**MARKET)
    alice.contract_order(price="2600")
    site.mark(ETH, "2800")
    (row,) = call(alice, "GET", "balance")
    assert (row["balance"], row["orderMargin"], row["positionMargin"]) == ("99999.98337616", "2.6", "2.8918")
    parts = (Decimal(row[name]) for name in ("crossUnRealizedPnl", "balance"))
    margins = (Decimal(row[name]) for name in ("positionMargin", "orderMargin"))
    # Members of four decimals are cut (real shapes 5.8).
    assert abs(Decimal(row["availableBalance"]) - (sum(parts) - sum(margins))) < Decimal("0.0003")


def test_an_account_without_money_has_a_row_of_zero(site: Site) -> None:
    """Hummingbot is ready only when it knows at least one balance (Hummingbot 4)."""
    poor = site.join("poor")
    ids = {row["accountType"]: row["accountId"] for row in poor.signed("GET", "/api/v1/account/type").json}
    moved = {"fromAccountId": ids[3], "toAccountId": ids[1], "coin": "USDT", "quantity": "100000"}
    poor.signed("POST", "/api/v1/account/assetTransfer", **moved)
    (row,) = call(poor, "GET", "balance")
    assert (row["asset"], row["balance"]) == ("USDT", "0")


def test_other_money_in_the_futures_account_stands_behind_the_margin_asset(site: Site, alice: Client) -> None:
    ids = {row["accountType"]: row["accountId"] for row in alice.signed("GET", "/api/v1/account/type").json}
    moved = {"fromAccountId": ids[1], "toAccountId": ids[3], "coin": "BTC", "quantity": "1"}
    alice.signed("POST", "/api/v1/account/assetTransfer", **moved)
    assert [(row["asset"], row["balance"]) for row in call(alice, "GET", "balance")] == [
        ("USDT", "100000"),
        ("BTC", "1"),
    ]


def test_leverage_is_told_as_an_array_and_set_as_an_object(alice: Client) -> None:
    assert call(alice, "GET", "leverage", symbol=ETH) == [{"symbolId": ETH, "leverage": "10", "marginType": "CROSS"}]
    reply = alice.signed("POST", "/api/v1/futures/leverage", symbol=ETH, leverage=3)
    assert reply.body == b'{"code":"0000","symbolId":"ETHUSDT-PERPETUAL","leverage":"3"}'
    assert call(alice, "GET", "leverage", symbol=ETH)[0]["leverage"] == "3"
    assert call(alice, "GET", "leverage", symbol=BTC)[0]["leverage"] == "10"


def test_leverage_is_refused_in_the_venues_words(alice: Client) -> None:
    assert refused(alice, "POST", "leverage", symbol=ETH, leverage=11) == "-2043"
    assert refused(alice, "POST", "leverage", symbol=ETH, leverage=0) == "-1130"
    assert refused(alice, "POST", "leverage", symbol=ETH, leverage="5.5") == "-1130"
    assert refused(alice, "POST", "leverage", symbol=ETH) == "0001"
    assert refused(alice, "POST", "leverage", leverage=5) == "0001"
    call(alice, "POST", "marginType", symbol=ETH, marginType="ISOLATED")
    alice.contract_order(**MARKET)
    assert refused(alice, "POST", "leverage", symbol=ETH, leverage=5) == "-2031"


def test_the_margin_type_changes_only_without_orders_and_positions(alice: Client) -> None:
    reply = alice.signed("POST", "/api/v1/futures/marginType", symbol=ETH, marginType="ISOLATED")
    assert reply.body == b'{"code":"0000","symbolId":"ETHUSDT-PERPETUAL","marginType":"ISOLATED"}'
    assert call(alice, "GET", "leverage", symbol=ETH)[0]["marginType"] == "ISOLATED"
    alice.contract_order()
    assert refused(alice, "POST", "marginType", symbol=ETH, marginType="CROSS") == "-1020"
    assert refused(alice, "POST", "marginType", symbol=ETH, marginType="x") == "-1130"
    assert refused(alice, "POST", "marginType", symbol=ETH) == "0001"


def test_commission_rates_are_the_futures_accounts(site: Site, alice: Client) -> None:
    reply = alice.signed("GET", "/api/v1/futures/commissionRate", symbol=ETH)
    assert reply.body == (
        b'{"openMakerFee":"0.00025","openTakerFee":"0.0006","closeMakerFee":"0.00025","closeTakerFee":"0.0006"}'
    )
    site.runner.do(SetFees("alice/futures", rate("-0.0001"), rate("0.0002")))
    reply = call(alice, "GET", "commissionRate", symbol=ETH)
    assert (reply["closeMakerFee"], reply["openTakerFee"]) == ("-0.0001", "0.0002")


def test_the_risk_limit_is_the_tier_that_each_side_is_in(alice: Client) -> None:
    first = {
        "riskLimitId": "200000702",
        "riskLimitAmount": "10000.00",
        "maintainMargin": "0.005",
        "initialMargin": "0.10",
    }
    sides = [first | {"side": side} for side in ("BUY_OPEN", "SELL_OPEN")]
    assert call(alice, "GET", "riskLimit", symbol=ETH) == sides
    alice.contract_order("BUY_OPEN", "4000", "2700")
    buy, sell = call(alice, "GET", "riskLimit", symbol=ETH)
    assert (buy["riskLimitId"], sell["riskLimitId"]) == ("200000703", "200000702")


def test_the_best_order_and_the_deleveraging_queue(site: Site, alice: Client) -> None:
    site.trade(ETH, "2770.63", "5")
    assert call(alice, "GET", "getBestOrder", symbol=ETH) == {
        "price": "2770.63",
        "bid": {"price": "2770.63", "quantity": "10000"},
        "ask": {"price": "2770.64", "quantity": "10000"},
    }
    assert call(alice, "GET", "liquidationAssignStatus") == []


def test_take_profit_and_stop_loss_are_set_changed_removed_and_go_off(site: Site, alice: Client) -> None:
    alice.contract_order(**MARKET)
    wanted = {"symbol": ETH, "side": "LONG"}
    reply = alice.signed("POST", STOPS, **wanted, takeProfit="2800", tpTriggerBy="MARK_PRICE", tpSize="4").json
    assert reply == {
        "symbol": ETH,
        "side": "LONG",
        "takeProfit": "2800",
        "stopLoss": "0",
        "tpTriggerBy": "MARK_PRICE",
        "slTriggerBy": "CONTRACT_PRICE",
        "tpSize": "4",
        "slSize": "0",
    }
    both = alice.signed("POST", STOPS, **wanted, stopLoss="2700", slTriggerBy="MARK_PRICE").json
    assert (both["takeProfit"], both["stopLoss"], both["slSize"]) == ("2800", "2700", "10")
    site.mark(ETH, "2800")
    assert position(alice)["position"] == "6"
    gone = alice.signed("POST", STOPS, **wanted, stopLoss="0").json
    assert gone["stopLoss"] == "0"
    site.mark(ETH, "2690")
    assert position(alice)["position"] == "6"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"side": "LONG", "takeProfit": "2700"}, "-2054"),
        ({"side": "LONG", "stopLoss": "2800"}, "-2055"),
        ({"side": "SHORT", "takeProfit": "2800"}, "-2056"),
        ({"side": "SHORT", "stopLoss": "2700"}, "-2057"),
        ({"side": "LONG"}, "0001"),
        ({"side": "x", "stopLoss": "1"}, "-1154"),
        ({"side": "LONG", "stopLoss": "2700", "slTriggerBy": "x"}, "-1130"),
        ({"side": "LONG", "stopLoss": "2700.001"}, "0209"),
        ({"side": "LONG", "stopLoss": "2700", "slSize": "11"}, "-2052"),
    ],
)
def test_a_bad_take_profit_or_stop_loss_is_refused(alice: Client, params: dict[str, str], code: str) -> None:
    for side in ("BUY_OPEN", "SELL_OPEN"):
        alice.contract_order(side, **MARKET)
    triggers = {"tpTriggerBy": "MARK_PRICE", "slTriggerBy": "MARK_PRICE"}
    assert alice.signed("POST", STOPS, symbol=ETH, **(triggers | params)).code == code


def test_nothing_to_protect_is_refused(alice: Client) -> None:
    assert alice.signed("POST", STOPS, symbol=ETH, side="LONG", stopLoss="2700").code == "-2052"


def test_reading_changes_nothing(site: Site, alice: Client) -> None:
    before = site.digest()
    for name in ("positions", "balance"):
        call(alice, "GET", name)
    for name in ("leverage", "commissionRate", "riskLimit", "getBestOrder"):
        call(alice, "GET", name, symbol=BTC)
        assert refused(alice, "GET", name) == "0001"
        assert refused(alice, "GET", name, symbol="BTCUSDT") == "-1130"
    assert site.digest() == before


def test_the_flows_of_a_futures_account_have_types_of_their_own(site: Site, alice: Client) -> None:
    alice.contract_order(**MARKET)
    alice.contract_order("SELL_CLOSE", **MARKET)
    span = {"startTime": START_MS - 1, "endTime": START_MS + 1}

    def flows(**params: Any) -> list[tuple[int, str, str]]:
        rows = alice.signed("GET", "/api/v1/account/balanceFlow", **span, **params).json
        return [(row["flowTypeValue"], row["flowType"], row["change"]) for row in rows]

    assert flows(accountType=3) == [
        (10, "FUTURES_FEE", "-0.01662378"),
        (28, "REALIZED_PNL", "-0.0001"),
        (10, "FUTURES_FEE", "-0.01662384"),
        (900, "DEPOSIT", "100000"),
    ]
    assert flows(flowType=28) == [(28, "REALIZED_PNL", "-0.0001")]
    assert flows(flowType=3) == flows(flowType=701) == []
    assert len(flows(flowType=10)) == 2
    assert alice.signed("GET", "/api/v1/account/balanceFlow", **span, flowType=702).code == "-1130"


def test_vip_info_lists_contracts_with_the_futures_accounts_rates(alice: Client) -> None:
    reply = alice.signed("GET", "/api/v1/account/vipInfo", symbols=ETH).json
    assert reply["data"] == [
        {
            "symbol": ETH,
            "productType": "Token-Token",
            "buyMakerFeeCurrency": "USDT",
            "buyTakerFeeCurrency": "USDT",
            "sellMakerFeeCurrency": "USDT",
            "sellTakerFeeCurrency": "USDT",
            "actualMakerRate": "0.00025",
            "actualTakerRate": "0.0006",
        }
    ]
