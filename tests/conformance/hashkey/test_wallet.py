"""Coins in and out: hashkey-rest.md 5.8 and 6, real shapes 6."""

import string
from typing import Any

import pytest

from simulator.core.commands import Deposit, Withdraw
from simulator.core.units import money
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

WITHDRAWAL = (
    "time s, id s, coin s, coinId s, coinName s, address s, quantity s, arriveQuantity s, txId s, addressUrl s, "
    "feeCoinId s, feeCoinName s, fee s, remark s, platform s"
)
ADDRESS, DEPOSITS = "/api/v1/account/deposit/address", "/api/v1/account/depositOrders"
WITHDRAW, WITHDRAWALS = "/api/v1/account/withdraw", "/api/v1/account/withdrawOrders"
ASKED = {"coin": "USDT", "clientOrderId": "w1", "address": "TYaddress", "quantity": "2", "chainType": "Tron"}


def free(client: Client, asset: str) -> str:
    rows = client.signed("GET", "/api/v1/account").json["balances"]
    return next((str(row["free"]) for row in rows if row["asset"] == asset), "0")


def test_chains_are_named_as_requests_name_them(alice: Client) -> None:
    reply = alice.signed("GET", "/api/v1/account/chainType", coinId="USDT").json
    assert reply == [{"coinId": "USDT", "coinName": "USDT", "chainTypeList": ["ETH", "Tron", "Arbitrum"]}]
    assert alice.signed("GET", "/api/v1/account/chainType", coinId="NO").code == "-2041"


@pytest.mark.parametrize(
    ("coin", "chain", "start", "length"),
    [
        ("USDT", "ETH", "0x", 42),
        ("USDT", "ERC20", "0x", 42),
        ("USDT", "Tron", "T", 34),
        ("USDT", "TRC20", "T", 34),
        ("BTC", "BTC", "bc1q", 42),
        ("BTC", "Bitcoin", "bc1q", 42),
        ("LTC", "LTC", "L", 34),
        ("DOGE", "Dogecoin", "D", 34),
        ("ETH", "zkSync", "0x", 42),
    ],
)
def test_an_address_has_the_shape_of_its_chain(alice: Client, coin: str, chain: str, start: str, length: int) -> None:
    reply = alice.signed("GET", ADDRESS, coin=coin, chainType=chain).json
    assert shape(reply) == (
        "canDeposit b, address s, addressExt s, minQuantity s, needAddressTag b, requiredConfirmTimes n, "
        "canWithdrawConfirmTimes n, coinType s"
    )
    assert reply["address"].startswith(start)
    assert len(reply["address"]) == length
    assert reply == alice.signed("GET", ADDRESS, coin=coin, chainType=chain).json


def test_no_address_can_be_taken_for_a_real_one(alice: Client) -> None:
    evm = alice.signed("GET", ADDRESS, coin="ETH", chainType="ETH").json["address"]
    assert evm.startswith("0x" + "0" * 32)
    assert set(evm[2:]) <= set(string.hexdigits.lower())
    for coin, chain in (("USDT", "Tron"), ("BTC", "BTC"), ("LTC", "LTC"), ("DOGE", "Dogecoin")):
        assert "0SIMULATED0" in alice.signed("GET", ADDRESS, coin=coin, chainType=chain).json["address"]


def test_addresses_of_two_users_differ_and_chains_may_be_closed(alice: Client, bob: Client) -> None:
    first, second = (one.signed("GET", ADDRESS, coin="ETH", chainType="ETH").json for one in (alice, bob))
    assert first["address"] != second["address"]
    assert (first["canDeposit"], first["minQuantity"], first["coinType"]) == (True, "0.01", "ERC20_TOKEN")
    assert alice.signed("GET", ADDRESS, coin="ETH", chainType="zkSync").json["canDeposit"] is False
    assert alice.signed("GET", ADDRESS, coin="BTC", chainType="Tron").code == "-1130"


def test_deposits_are_those_of_the_ledger_newest_first(site: Site, alice: Client) -> None:
    site.wait(1000)
    site.runner.do(Deposit("alice", "USDT", money("86")))
    reply = alice.signed("GET", DEPOSITS).json
    assert shape(reply) == ("[{time s, coin s, coinName s, address s, quantity s, status n, statusCode s, txId s}]")
    assert [row["coin"] for row in reply] == ["USDT", "ETH", "BTC", "USDT"]
    newest = reply[0]
    assert newest["time"] == str(START_MS + 1000)
    assert newest["quantity"] == "86.00000000000000000000"
    assert (newest["status"], newest["statusCode"]) == (4, "4")
    assert len(newest["txId"]) == 64
    assert len({row["txId"] for row in reply}) == 4
    assert newest["address"] == alice.signed("GET", ADDRESS, coin="USDT", chainType="ETH").json["address"]


def test_deposits_can_be_of_a_coin_and_a_time(site: Site, alice: Client) -> None:
    site.wait(1000)
    site.runner.do(Deposit("alice", "USDT", money("86")))

    def found(**params: Any) -> int:
        return len(alice.signed("GET", DEPOSITS, **params).json)

    assert (found(coin="USDT"), found(startTime=START_MS + 1000), found(endTime=START_MS), found(limit=2)) == (
        2,
        1,
        3,
        2,
    )
    assert alice.signed("GET", DEPOSITS, limit=0).code == "-1130"


def test_a_deposit_of_a_coin_that_nobody_knows_is_listed_too(site: Site, alice: Client) -> None:
    site.runner.do(Deposit("alice", "XYZ", money("0.5")))
    assert alice.signed("GET", DEPOSITS, limit=1).json[0]["coin"] == "XYZ"


def test_a_withdrawal_takes_the_money_out_and_is_listed(site: Site, alice: Client) -> None:
    reply = alice.form("POST", WITHDRAW, remark="für Bob", platform="p", **ASKED).json
    assert shape(reply) == "success b, id s, orderId s, accountId s"
    custody = alice.signed("GET", "/api/v1/account/type").json[2]["accountId"]
    assert (reply["success"], reply["id"], reply["accountId"]) == (True, "0", custody)
    assert free(alice, "USDT") == "99998"
    (row,) = alice.signed("GET", WITHDRAWALS).json
    assert shape(row) == WITHDRAWAL
    assert row == {
        "time": str(START_MS),
        "id": reply["orderId"],
        "coin": "USDT",
        "coinId": "USDT",
        "coinName": "USDT",
        "address": "TYaddress",
        "quantity": "2.00000000",
        "arriveQuantity": "2.00000000",
        "txId": row["txId"],
        "addressUrl": "TYaddress",
        "feeCoinId": "USDT",
        "feeCoinName": "USDT",
        "fee": "0.00000000",
        "remark": "für Bob",
        "platform": "p",
    }
    assert (int(row["id"][1:]) >> 22) + 1_577_808_000_000 == START_MS


def test_a_withdrawal_from_elsewhere_is_listed_without_an_address(site: Site, alice: Client) -> None:
    site.runner.do(Withdraw("alice", "BTC", money("0.123456789"), "by hand"))
    (row,) = alice.signed("GET", WITHDRAWALS).json
    assert (row["address"], row["quantity"]) == ("", "0.12345678")


def test_ccxt_withdraws_without_an_id_of_its_own(alice: Client) -> None:
    wanted = {name: value for name, value in ASKED.items() if name != "clientOrderId"}
    first, second = (alice.form("POST", WITHDRAW, **wanted).json["orderId"] for _ in range(2))
    assert first != second


def test_the_least_withdrawal_is_enough(alice: Client) -> None:
    assert alice.form("POST", WITHDRAW, **(ASKED | {"quantity": "1"})).status == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"coin": ""}, (400, "0001", "Required field coin missing or invalid")),
        ({"coin": "NO"}, (400, "-2041", "Token does not exist")),
        ({"address": ""}, (400, "0001", "Required field address missing or invalid")),
        ({"address": "a\x00b"}, (400, "-1163", "Illegal withdrawal address")),
        ({"address": "a" * 256}, (400, "-1163", "Illegal withdrawal address")),
        ({"chainType": ""}, (400, "0001", "Required field chainType missing or invalid")),
        ({"chainType": "BTC"}, (400, "-1130", "Illegal parameter chainType")),
        ({"quantity": ""}, (400, "0001", "Required field quantity missing or invalid")),
        ({"quantity": "two"}, (400, "-1168", "Illegal withdrawal amount")),
        ({"quantity": "0"}, (400, "-1168", "Illegal withdrawal amount")),
        ({"quantity": "-2"}, (400, "-1168", "Illegal withdrawal amount")),
        ({"quantity": "2.123456789"}, (400, "-1168", "Illegal withdrawal amount")),
        ({"quantity": "0.99"}, (400, "-1167", "Withdrawal amount less than the minimum")),
        ({"quantity": "1000000"}, (400, "-4003", "Insufficient Balance")),
        ({"coin": "ETH", "chainType": "zkSync"}, (400, "-1169", "Withdraw not allowed")),
        ({"clientOrderId": "used"}, (400, "-4013", "Withdraw repeatly")),
        ({"clientOrderId": "\x00"}, (400, "-1123", "Invalid client order id")),
        ({"remark": "\x00"}, (400, "-1130", "Illegal parameter remark")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_withdrawal_that_cannot_be_is_refused(
    site: Site, alice: Client, change: dict[str, str], expected: tuple[int, str, str]
) -> None:
    alice.signed("POST", WITHDRAW, **(ASKED | {"clientOrderId": "used"}))
    before = site.digest()
    assert alice.signed("POST", WITHDRAW, **(ASKED | change)).refusal == expected
    assert site.digest() == before


def test_every_address_is_authorized(alice: Client) -> None:
    reply = alice.signed("POST", "/api/v1/account/authAddress", txid="x").json
    assert shape(reply) == "success b, msg s, timestamp s"
    assert alice.signed("POST", "/api/v1/account/authAddress").code == "0001"
