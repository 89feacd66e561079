"""The bundled rows against the tables of real-response-shapes.md 2, and the instruments they make."""

from importlib.resources import files
from typing import Any

import msgspec
import pytest

from simulator.venues import hashkey
from simulator.venues.hashkey.exchange_info import Catalogue, instrument


@pytest.fixture(scope="module")
def bundled() -> Any:
    return msgspec.json.decode(files(hashkey).joinpath("exchange_info.json").read_bytes())


def filters(row: dict[str, Any]) -> dict[str, Any]:
    return {one["filterType"]: one for one in row["filters"]}


@pytest.mark.parametrize(
    ("symbol", "tick", "step", "precision", "most", "market_most", "amount_most", "market_amount_most"),
    [
        ("BTCUSDT", "0.01", "0.00001", "0.0000001", "8", "4", "400000", "200000"),
        ("ETHUSDT", "0.01", "0.0001", "0.000001", "140", "70", "400000", "200000"),
        ("LTCUSDT", "0.01", "0.001", "0.00001", "520", "260", "40000", "20000"),
    ],
)
def test_spot_rows_are_those_of_the_table(
    bundled: Any,
    symbol: str,
    tick: str,
    step: str,
    precision: str,
    most: str,
    market_most: str,
    amount_most: str,
    market_amount_most: str,
) -> None:
    row = next(row for row in bundled["symbols"] if row["symbol"] == symbol)
    of = filters(row)
    assert of["PRICE_FILTER"]["tickSize"] == of["PRICE_FILTER"]["minPrice"] == tick
    assert of["LOT_SIZE"]["stepSize"] == of["LOT_SIZE"]["minQty"] == row["baseAssetPrecision"] == step
    assert row["quotePrecision"] == precision
    assert (of["LOT_SIZE"]["maxQty"], of["LOT_SIZE"]["marketOrderMaxQty"]) == (most, market_most)
    assert of["MIN_NOTIONAL"]["minNotional"] == of["TRADE_AMOUNT"]["minAmount"] == "1"
    assert of["TRADE_AMOUNT"]["maxAmount"] == amount_most
    assert of["TRADE_AMOUNT"]["marketOrderMaxAmount"] == market_amount_most
    for band in ("LIMIT_TRADING", "MARKET_TRADING"):
        assert (of[band]["buyPriceUpRate"], of[band]["sellPriceDownRate"]) == ("0.1", "0.1")
    assert row["tradeStatus"] == "TRADABLE"


@pytest.mark.parametrize(
    ("symbol", "tick", "most", "first_tier"),
    [("BTCUSDT-PERPETUAL", "0.1", "3", "200000722"), ("ETHUSDT-PERPETUAL", "0.01", "40", "200000702")],
)
def test_contract_rows_are_kept_with_the_present_maxima(
    bundled: Any, symbol: str, tick: str, most: str, first_tier: str
) -> None:
    row = next(row for row in bundled["contracts"] if row["symbol"] == symbol)
    of = filters(row)
    assert next(iter(row)) == "filters"
    assert of["PRICE_FILTER"]["tickSize"] == of["PRICE_FILTER"]["minPrice"] == row["quoteAssetPrecision"] == tick
    assert (of["LOT_SIZE"]["minQty"], of["LOT_SIZE"]["maxQty"]) == ("0.001", most)
    assert row["contractMultiplier"] == row["baseAssetPrecision"] == "0.001"
    assert len(row["riskLimits"]) == 19
    assert row["riskLimits"][0]["riskLimitId"] == first_tier
    assert row["tradeStatus"] == "TRADABLE"


def test_coins_are_those_of_the_table(bundled: Any) -> None:
    chains = {
        coin["coinId"]: [
            (one["chainType"], one["minWithdrawQuantity"], one["minDepositQuantity"], one["allowWithdraw"])
            for one in coin["chainTypes"]
        ]
        for coin in bundled["coins"]
    }
    assert chains == {
        "BTC": [("Bitcoin", "0.002", "0.0005", True), ("Merlin Chain", "0.00002", "0.00002", False)],
        "ETH": [
            ("ERC20", "0.04", "0.01", True),
            ("Optimism", "0.05", "0.04", False),
            ("Arbitrum", "0.0002", "0.0002", True),
            ("zkSync", "0.001", "0.001", False),
        ],
        "USDT": [("ERC20", "25", "1", True), ("TRC20", "1", "1", True), ("Arbitrum", "1", "1", True)],
        "USDC": [("ERC20", "25", "1", True)],
        "LTC": [("Litecoin", "0.0052", "0.0006", True)],
        "DOGE": [("Dogecoin", "20", "0.55", True)],
    }
    assert {coin["orgId"] for coin in bundled["coins"]} == {"9001"}


def test_an_instrument_keeps_what_the_venue_enforces() -> None:
    (made,) = Catalogue.bundled().instruments(["BTCUSDT", "NOSUCH"])
    assert (made.base, made.quote, made.tick, made.lot) == ("BTC", "USDT", "0.01", "0.00001")
    assert (made.min_qty, made.max_qty, made.market_min_qty, made.market_max_qty) == ("0.00001", "8", "0.00001", "4")
    assert (made.min_notional, made.max_notional) == ("1", "400000")
    assert (made.market_min_notional, made.market_max_notional) == ("1", "200000")
    assert (made.price_band_up, made.price_band_down) == ("0.1", "0.1")
    assert (made.market_band_up, made.market_band_down) == ("0.1", "0.1")
    assert made.max_open_orders == 300
    assert made.trading


def test_an_old_row_without_market_limits_makes_an_instrument_too(bundled: Any) -> None:
    """Real shapes 2.1, "Older shape": no marketOrder members; a limit of 0 is none."""
    row = msgspec.json.decode(msgspec.json.encode(bundled["symbols"][0]))
    for one in row["filters"]:
        for name in [name for name in one if name.startswith("marketOrder")]:
            del one[name]
    of = filters(row)
    of["TRADE_AMOUNT"]["maxAmount"] = "0"
    of["LIMIT_TRADING"]["maxEntrustNum"] = 200
    made = instrument(row | {"status": "HALT"})
    assert made.market_max_qty is None
    assert made.market_max_notional is None
    assert made.max_notional is None
    assert made.max_open_orders == 200
    assert not made.trading


def test_a_halt_is_told_and_leaves_the_catalogue_as_it_was() -> None:
    catalogue = Catalogue.bundled()
    before = dict(catalogue.rows["BTCUSDT"])
    halted = catalogue.row("BTCUSDT", trading=False)
    assert (halted["status"], halted["tradeStatus"]) == ("HALT", "UNTRADABLE")
    assert catalogue.rows["BTCUSDT"] == before
    assert catalogue.row("BTCUSDT", trading=True) == before


def test_coins_are_found_by_name() -> None:
    catalogue = Catalogue.bundled()
    assert catalogue.coin("BTC") is not None
    assert catalogue.coin("NOSUCH") is None


def test_spot_comes_before_the_contracts_whose_indexes_follow_it() -> None:
    made = Catalogue.bundled().instruments(["ETHUSDT-PERPETUAL", "NOSUCH", "ETHUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT"])
    assert [one.symbol for one in made] == ["ETHUSDT", "ETHUSDT-PERPETUAL", "BTCUSDT-PERPETUAL"]


def test_a_perpetual_counts_contracts_where_its_row_counts_the_underlying() -> None:
    (made,) = Catalogue.bundled().instruments(["ETHUSDT-PERPETUAL"])
    assert (made.lot, made.min_qty, made.max_qty, made.tick, made.quote) == ("1", "1", "40000", "0.01", "USDT")
    assert (made.max_open_orders, made.market_max_qty, made.min_notional) == (200, None, None)
    contract = made.contract
    assert contract is not None
    assert (contract.multiplier, contract.margin_asset, contract.index, contract.max_stops) == (
        "0.001",
        "USDT",
        "ETHUSDT",
        200,
    )
    assert len(contract.tiers) == 19
