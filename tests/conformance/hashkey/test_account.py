"""The account: hashkey-rest.md 5, real shapes 4.7 and 6."""

import pytest

from simulator.core.commands import SetFees
from simulator.core.orders import Side
from simulator.core.units import rate
from simulator.venues.hashkey.desk import Switches
from simulator.venues.hashkey.params import DAY_MS
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Answer, Client, Site

FILL = (
    "id s, clientOrderId s, ticketId s, symbol s, symbolName s, orderId s, matchOrderId s, price s, qty s, "
    "commission s, commissionAsset s, time s, isBuyer b, isMaker b, fee {feeCoinId s, feeCoinName s, fee s}, "
    "feeCoinId s, feeAmount s, makerRebate s"
)
FLOW = (
    "id s, accountId s, coin s, coinId s, coinName s, flowTypeValue n, flowType s, flowName s, change s, total s, "
    "created s"
)
TRADES, FLOWS, TRANSFER = "/api/v1/account/trades", "/api/v1/account/balanceFlow", "/api/v1/account/assetTransfer"
SPOT, FUTURES, CUSTODY, FIAT = 1, 3, 5, 6


def buy(client: Client, cash: str = "20", **params: str) -> str:
    wanted = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": cash} | params
    return str(client.signed("POST", "/api/v1/spot/order", **wanted).json["orderId"])


def accounts(client: Client) -> dict[int, str]:
    return {row["accountType"]: row["accountId"] for row in client.signed("GET", "/api/v1/account/type").json}


# -- balances --------------------------------------------------------------------------------------------------


def test_balances_are_those_of_the_spot_account(alice: Client) -> None:
    alice.order(quantity="0.01", price="50000")
    reply = alice.signed("GET", "/api/v1/account").json
    assert shape(reply) == ("balances [{asset s, assetId s, assetName s, total s, free s, locked s}], userId s")
    assert reply["balances"][0] == {
        "asset": "USDT",
        "assetId": "USDT",
        "assetName": "USDT",
        "total": "100000",
        "free": "99500",
        "locked": "500",
    }
    assert [row["asset"] for row in reply["balances"]] == ["USDT", "BTC", "ETH"]


def test_balances_of_zero_are_left_out(alice: Client) -> None:
    alice.signed("POST", "/api/v1/spot/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1")
    alice.signed("POST", "/api/v1/spot/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="1")
    assert [row["asset"] for row in alice.signed("GET", "/api/v1/account").json["balances"]] == ["USDT", "ETH"]


def test_another_account_cannot_be_looked_at(alice: Client, bob: Client) -> None:
    assert alice.signed("GET", "/api/v1/account", accountId=accounts(alice)[SPOT]).status == 200
    refused = alice.signed("GET", "/api/v1/account", accountId=accounts(bob)[SPOT])
    assert refused.refusal == (400, "0104", "The accountId defined is not permissible")


# -- fills -----------------------------------------------------------------------------------------------------


def test_a_fill_reads_as_recorded(alice: Client) -> None:
    order_id = buy(alice, newClientOrderId="mine")
    reply = alice.signed("GET", TRADES).json
    assert shape(reply) == f"[{{{FILL}}}]"
    assert reply[0] == {
        "id": reply[0]["id"],
        "clientOrderId": "mine",
        "ticketId": reply[0]["ticketId"],
        "symbol": "ETHUSDT",
        "symbolName": "ETHUSDT",
        "orderId": order_id,
        "matchOrderId": "0",
        "price": "2770.64",
        "qty": "0.0072",
        "commission": "0.00000864",
        "commissionAsset": "ETH",
        "time": str(START_MS),
        "isBuyer": True,
        "isMaker": False,
        "fee": {"feeCoinId": "ETH", "feeCoinName": "ETH", "fee": "0.00000864"},
        "feeCoinId": "ETH",
        "feeAmount": "0.00000864",
        "makerRebate": "0",
    }


def test_a_sellers_fee_is_quote_money_with_all_decimals(alice: Client) -> None:
    buy(alice, side="SELL", quantity="0.0071")
    fill = alice.signed("GET", TRADES).json[0]
    assert (fill["commission"], fill["commissionAsset"], fill["isBuyer"]) == ("0.0236057676", "USDT", False)


def test_both_sides_of_a_trade_share_the_ticket_and_have_their_own_ids(site: Site, alice: Client, bob: Client) -> None:
    site.depth("BTCUSDT", "59000x1", "61000x1")
    alice.order("SELL", price="60000")
    bob.order("BUY", price="60000")
    (maker,), (taker,) = (one.signed("GET", TRADES).json for one in (alice, bob))
    assert maker["ticketId"] == taker["ticketId"]
    assert len({maker["id"], taker["id"], maker["ticketId"]}) == 3
    assert (maker["isMaker"], taker["isMaker"]) == (True, False)


def test_a_makers_fill_is_marked_as_such(site: Site, alice: Client) -> None:
    alice.order("BUY", quantity="0.01", price="59995")
    site.trade("BTCUSDT", "59990", "1", Side.SELL)
    (fill,) = alice.signed("GET", TRADES).json
    assert (fill["price"], fill["isMaker"], fill["isBuyer"]) == ("59995", True, True)


def ids(answer: Answer) -> list[str]:
    return [row["id"] for row in answer.json]


def test_fills_are_listed_newest_first_and_between_ids(alice: Client) -> None:
    for _ in range(4):
        buy(alice)
    newest = ids(alice.signed("GET", TRADES))
    assert newest == sorted(newest, key=int, reverse=True)
    assert ids(alice.signed("GET", TRADES, limit=2)) == newest[:2]
    assert ids(alice.signed("GET", TRADES, fromId=newest[2])) == newest[:2]
    assert ids(alice.signed("GET", TRADES, toId=newest[1])) == newest[2:]
    assert ids(alice.signed("GET", TRADES, fromId=newest[3], toId=newest[0])) == newest[1:3]
    assert ids(alice.signed("GET", TRADES, fromId=0, toId=0)) == newest
    assert ids(alice.signed("GET", TRADES, symbol="BTCUSDT")) == []


def test_the_fills_of_one_order_are_found_without_a_symbol(site: Site, alice: Client) -> None:
    buy(alice)
    site.wait(10)
    order_id = buy(alice, newClientOrderId="HASHKEY-1")
    site.wait(10)
    buy(alice)
    fills = alice.signed("GET", TRADES, clientOrderId="HASHKEY-1").json
    assert [row["orderId"] for row in fills] == [order_id]
    assert alice.signed("GET", TRADES, clientOrderId="HASHKEY-2").json == []


def test_limit_counts_from_the_newest_even_with_a_start_and_the_start_is_included(site: Site, alice: Client) -> None:
    for _ in range(3):
        buy(alice)
        site.wait(1000)
    newest = ids(alice.signed("GET", TRADES))
    assert ids(alice.signed("GET", TRADES, startTime=START_MS, limit=2)) == newest[:2]
    assert ids(alice.signed("GET", TRADES, startTime=START_MS + 1000)) == newest[:2]
    assert ids(alice.signed("GET", TRADES, startTime=START_MS, endTime=START_MS + 1000)) == newest[1:]


def test_fills_reach_back_thirty_days(site: Site, alice: Client) -> None:
    buy(alice)
    site.wait(30 * DAY_MS)
    assert len(ids(alice.signed("GET", TRADES, startTime=START_MS))) == 1
    too_old = alice.signed("GET", TRADES, startTime=START_MS - 1)
    assert too_old.refusal == (400, "-2028", "The search is limited to data within the last one month")
    too_long = alice.signed("GET", TRADES, startTime=START_MS, endTime=START_MS + 30 * DAY_MS + 1)
    assert too_long.refusal == (400, "-2027", "Exceed maximum time range of 30 days")
    site.wait(1)
    assert ids(alice.signed("GET", TRADES)) == []


def test_fills_of_a_sub_account_can_only_be_the_own_ones(alice: Client, bob: Client) -> None:
    buy(alice)
    path = "/api/v1/subAccount/trades"
    assert len(ids(alice.signed("GET", path, subAccountId=accounts(alice)[SPOT]))) == 1
    assert alice.signed("GET", path, subAccountId=accounts(bob)[SPOT]).code == "0104"


# -- who one is ------------------------------------------------------------------------------------------------


def test_the_accounts_of_a_user_are_listed_as_recorded(alice: Client, bob: Client) -> None:
    reply = alice.signed("GET", "/api/v1/account/type").json
    assert shape(reply) == "[{accountId s, accountLabel s, accountType n, accountIndex n}]"
    assert [(row["accountLabel"], row["accountType"], row["accountIndex"]) for row in reply] == [
        ("Main Trading Account", 1, 0),
        ("Main Future Account", 3, 0),
        ("Custody Account", 5, 0),
        ("Fiat Account", 6, 0),
    ]
    assert not set(accounts(alice).values()) & set(accounts(bob).values())


def test_every_key_is_a_master_accounts(alice: Client) -> None:
    assert alice.signed("GET", "/api/v1/account/checkApiKey").json == {"accountType": "Master Account"}


def test_vip_info_tells_the_accounts_own_rates(site: Site, alice: Client) -> None:
    buy(alice)
    site.wait(29 * DAY_MS)
    buy(alice, side="SELL", quantity="0.0072")
    site.runner.do(SetFees("alice", rate("-0.0001"), rate("0.0008")))
    reply = alice.signed("GET", "/api/v1/account/vipInfo").json
    assert shape(reply) == (
        "code n, vipLevel s, tradeVol30Day s, totalAssetBal s, data [{symbol s, productType s, "
        "buyMakerFeeCurrency s, buyTakerFeeCurrency s, sellMakerFeeCurrency s, sellTakerFeeCurrency s, "
        "actualMakerRate s, actualTakerRate s}], updateTimestamp s"
    )
    assert (reply["code"], reply["vipLevel"], reply["tradeVol30Day"]) == (0, "0", "39.897144")
    assert reply["data"][1] == {
        "symbol": "ETHUSDT",
        "productType": "Token-Token",
        "buyMakerFeeCurrency": "ETH",
        "buyTakerFeeCurrency": "ETH",
        "sellMakerFeeCurrency": "USDT",
        "sellTakerFeeCurrency": "USDT",
        "actualMakerRate": "-0.0001",
        "actualTakerRate": "0.0008",
    }
    site.wait(2 * DAY_MS)
    assert alice.signed("GET", "/api/v1/account/vipInfo").json["tradeVol30Day"] == "19.948536"


def test_vip_info_can_be_of_some_symbols(alice: Client) -> None:
    reply = alice.signed("GET", "/api/v1/account/vipInfo", symbols="ETHUSDT").json
    assert [row["symbol"] for row in reply["data"]] == ["ETHUSDT"]
    assert alice.signed("GET", "/api/v1/account/vipInfo", symbols="ETHUSDT,NO").code == "-1130"


def test_fees_are_never_paid_in_hsk(alice: Client) -> None:
    path = "/api/v1/hsk/deductionSwitch"
    assert alice.signed("GET", path).json == {"deductionSwitch": 0, "updateTime": "0"}
    assert alice.signed("POST", path, deductionSwitch=0).status == 200
    assert alice.signed("POST", path, deductionSwitch=1).code == "-1218"
    assert alice.signed("GET", "/api/v1/affiliate/inviteeInfo").json == []


# -- money in motion -------------------------------------------------------------------------------------------


def flows(client: Client, start: int = START_MS - DAY_MS, end: int = START_MS + DAY_MS, **params: object) -> Answer:
    return client.signed("GET", FLOWS, startTime=start, endTime=end, **params)


def test_every_change_of_a_balance_is_in_the_flow_newest_first(alice: Client) -> None:
    buy(alice)
    reply = flows(alice, accountType=SPOT).json
    assert shape(reply) == f"[{{{FLOW}}}]"
    told = [(row["flowTypeValue"], row["flowType"], row["coin"], row["change"], row["total"]) for row in reply]
    assert told == [
        (3, "FEE", "ETH", "-0.00000864", "20.00719136"),
        (1, "TRADE", "USDT", "-19.948608", "99980.051392"),
        (1, "TRADE", "ETH", "0.0072", "20.0072"),
        (900, "DEPOSIT", "ETH", "20", "20"),
        (900, "DEPOSIT", "BTC", "2", "2"),
        (900, "DEPOSIT", "USDT", "100000", "100000"),
    ]
    assert reply[0]["created"] == str(START_MS)
    assert len({row["id"] for row in reply}) == len(reply)


def test_the_last_total_of_the_flow_is_the_balance(site: Site, alice: Client) -> None:
    alice.order("BUY", quantity="0.01", price="59995")
    site.trade("BTCUSDT", "59990", "1")
    buy(alice, side="SELL", quantity="0.5")
    balances = {row["asset"]: row["total"] for row in alice.signed("GET", "/api/v1/account").json["balances"]}
    last: dict[str, str] = {}
    for row in reversed(flows(alice, accountType=SPOT).json):
        last[row["coin"]] = row["total"]
    assert last == balances


def test_the_flow_can_be_of_a_kind_a_coin_an_account_and_a_time(site: Site, alice: Client) -> None:
    ids = accounts(alice)
    alice.form("POST", TRANSFER, fromAccountId=ids[SPOT], toAccountId=ids[FUTURES], coin="USDT", quantity="1")
    site.wait(1000)
    buy(alice)
    moved = flows(alice, flowType=51).json
    assert [(row["accountId"], row["flowType"], row["change"]) for row in moved] == [
        (ids[FUTURES], "USER_ACCOUNT_TRANSFER", "1"),
        (ids[SPOT], "USER_ACCOUNT_TRANSFER", "-1"),
    ]
    assert {row["accountId"] for row in flows(alice, accountType=FUTURES).json} == {ids[FUTURES]}
    assert {row["coin"] for row in flows(alice, coin="BTC").json} == {"BTC"}
    assert flows(alice, accountType=CUSTODY).json == flows(alice, accountType=FIAT).json == []
    assert {row["flowTypeValue"] for row in flows(alice, start=START_MS + 1000).json} == {1, 3}
    assert {row["flowTypeValue"] for row in flows(alice, end=START_MS + 999).json} == {51, 900}
    assert len(flows(alice, limit=2).json) == 2


def test_a_flow_needs_both_times_and_a_month_at_most(alice: Client) -> None:
    assert alice.signed("GET", FLOWS, endTime=START_MS).refusal[2] == "Required field startTime missing or invalid"
    assert alice.signed("GET", FLOWS, startTime=START_MS).refusal[2] == "Required field endTime missing or invalid"
    assert flows(alice, START_MS - 30 * DAY_MS, START_MS).status == 200
    assert flows(alice, START_MS - 30 * DAY_MS - 1, START_MS).code == "-2027"
    assert flows(alice, flowType=2).code == flows(alice, accountType=2).code == "-1130"


def test_money_moves_between_spot_and_futures(site: Site, alice: Client) -> None:
    ids = accounts(alice)
    reply = alice.form(
        "POST", TRANSFER, fromAccountId=ids[SPOT], toAccountId=ids[FUTURES], coin="USDT", quantity="40.5"
    ).json
    assert shape(reply) == "success b, timestamp n, clientOrderId s, orderId s"
    assert (reply["success"], reply["timestamp"], reply["clientOrderId"]) == (True, START_MS, "")
    assert reply["orderId"] == flows(alice, flowType=51, accountType=SPOT).json[0]["id"]
    back = {"fromAccountId": ids[FUTURES], "toAccountId": ids[SPOT], "coin": "USDT", "quantity": "0.5"}
    assert alice.signed("POST", TRANSFER, clientOrderId="t" * 64, **back).json["clientOrderId"] == "t" * 64
    totals = [flows(alice, accountType=kind, coin="USDT", limit=1).json[0]["total"] for kind in (SPOT, FUTURES)]
    assert totals == ["99960", "100040"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fromAccountId": "1"}, (400, "-1172", "Invalid from account id")),
        ({"toAccountId": "1"}, (400, "-1173", "Invalid to account id")),
        ({"toAccountId": "own spot"}, (400, "-1174", "Transfer not allowed between the same account")),
        ({"quantity": "1000000"}, (400, "-1161", "Balance transfer failed")),
        ({"quantity": "0"}, (400, "-1161", "Balance transfer failed")),
        ({"quantity": "-1"}, (400, "-1161", "Balance transfer failed")),
        ({"quantity": "much"}, (400, "0001", "Required field quantity missing or invalid")),
        ({"quantity": ""}, (400, "0001", "Required field quantity missing or invalid")),
        ({"coin": ""}, (400, "0001", "Required field coin missing or invalid")),
        ({"coin": "NOSUCH"}, (400, "-2041", "Token does not exist")),
        ({"coin": "LTC"}, (400, "-1161", "Balance transfer failed")),
        ({"fromAccountId": ""}, (400, "0001", "Required field fromAccountId missing or invalid")),
        ({"clientOrderId": "t" * 65}, (400, "-1123", "Invalid client order id")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_transfer_that_cannot_be_is_refused(
    site: Site, alice: Client, change: dict[str, str], expected: tuple[int, str, str]
) -> None:
    ids, before = accounts(alice), site.digest()
    wanted = {"fromAccountId": ids[SPOT], "toAccountId": ids[FUTURES], "coin": "USDT", "quantity": "1"} | change
    params = {name: ids[SPOT] if value == "own spot" else value for name, value in wanted.items()}
    assert alice.signed("POST", TRANSFER, **params).refusal == expected
    assert site.digest() == before


def test_nobody_moves_money_of_others_or_into_custody(alice: Client, bob: Client) -> None:
    mine, his = accounts(alice), accounts(bob)
    for source, target, code in (
        (his[SPOT], mine[SPOT], "-1172"),
        (mine[SPOT], his[SPOT], "-1173"),
        (mine[SPOT], mine[CUSTODY], "-1173"),
    ):
        moved = alice.signed("POST", TRANSFER, fromAccountId=source, toAccountId=target, coin="USDT", quantity="1")
        assert moved.code == code


def test_transfers_may_be_limited_to_one_a_second() -> None:
    site = Site(switches=Switches(transfer_interval_ms=1000))
    ids = accounts(site.alice)
    wanted = {"fromAccountId": ids[SPOT], "toAccountId": ids[FUTURES], "coin": "USDT", "quantity": "1"}
    assert site.alice.signed("POST", TRANSFER, **wanted).status == 200
    site.wait(999)
    refused = site.alice.signed("POST", TRANSFER, **wanted)
    assert refused.refusal == (400, "-3145", "Please DO NOT submit request too frequently")
    site.wait(1)
    assert site.alice.signed("POST", TRANSFER, **wanted).status == 200
