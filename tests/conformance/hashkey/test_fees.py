"""Fees by VIP level: the published table, what it costs to the last decimal, and who is told what."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulator.core.orders import Side
from simulator.core.units import rate, rate_text
from simulator.venues.hashkey.fees import FUTURES, SPOT, Fees, Fixed
from tests.wire import Client, Site

ETH = "ETHUSDT-PERPETUAL"
PUBLISHED = (
    "0.025/0.060",
    "0.020/0.050",
    "0.016/0.050",
    "0.014/0.045",
    "0.012/0.040",
    "0.008/0.035",
    "0.004/0.035",
    "0/0.030",
    "0/0.025",
    "0/0.020",
)
"""Futures, percent, maker/taker, by level: the venue's notice of April 2026."""


def rates(client: Client, symbol: str) -> tuple[str, str, str]:
    """Level, maker and taker rate as vipInfo tells them."""
    reply = client.signed("GET", "/api/v1/account/vipInfo", symbols=symbol).json
    (row,) = reply["data"]
    return reply["vipLevel"], row["actualMakerRate"], row["actualTakerRate"]


@pytest.mark.parametrize("level", range(10))
def test_a_futures_account_pays_the_published_rates_of_its_level(level: int) -> None:
    maker, taker = (Decimal(percent) / 100 for percent in PUBLISHED[level].split("/"))
    site = Site(fees=Fees({"alice": level}))
    site.mark(ETH, "2770", "2770")
    alice = site.alice
    told = alice.signed("GET", "/api/v1/futures/commissionRate", symbol=ETH).json
    assert {name: Decimal(text) for name, text in told.items()} == {
        "openMakerFee": maker,
        "openTakerFee": taker,
        "closeMakerFee": maker,
        "closeTakerFee": taker,
    }
    assert rates(alice, ETH) == (str(level), told["openMakerFee"], told["openTakerFee"])
    alice.contract_order(quantity="100", price="2780")
    alice.contract_order("SELL_CLOSE", quantity="100", price="2780.05")
    site.trade(ETH, "2781", "5000", Side.BUY)
    closing, opening = alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH).json
    # 100 contracts of 0.001 ETH; the wire has eight decimals at most (HashKey REST 4.9).
    assert Decimal(opening["commission"]) == Decimal("2770.64") / 10 * taker
    assert Decimal(closing["commission"]) == Decimal("2780.05") / 10 * maker


@pytest.mark.parametrize("level", range(10))
def test_a_spot_account_pays_the_rate_of_level_0_at_every_level(level: int) -> None:
    """HashKey REST 8.1 knows no other."""
    alice = Site(fees=Fees(others=level)).alice
    assert rates(alice, "BTCUSDT") == (str(level), "0.0012", "0.0012")
    alice.order(quantity="0.01234", price="60000")
    alice.order("SELL", quantity="0.01234", price="59990")
    sold, bought = alice.signed("GET", "/api/v1/account/trades").json
    assert (bought["commission"], bought["commissionAsset"]) == ("0.000014808", "BTC")
    assert (sold["commission"], sold["commissionAsset"]) == ("0.88847985192", "USDT")


def test_each_user_has_his_own_level_and_everybody_else_the_general_one() -> None:
    site = Site(fees=Fees({"bob": 5}, others=3))
    assert rates(site.alice, ETH) == ("3", "0.00014", "0.00045")
    assert rates(site.bob, ETH) == ("5", "0.00008", "0.00035")


def test_fixed_rates_hold_at_every_level_and_the_level_is_still_told() -> None:
    fixed = Fixed(rate("-0.0001"), None)
    site = Site(fees=Fees(others=4, fixed_spot=fixed, fixed_futures=fixed))
    assert rates(site.alice, ETH) == ("4", "-0.0001", "0.0004")
    assert rates(site.alice, "BTCUSDT") == ("4", "-0.0001", "0.0012")


def test_the_tables_have_ten_levels_of_exact_rates() -> None:
    assert len(FUTURES) == len(SPOT) == len(PUBLISHED) == 10
    for level, texts in zip(FUTURES, PUBLISHED, strict=True):
        assert [Decimal(rate_text(one)) * 100 for one in level] == [Decimal(text) for text in texts.split("/")]
