"""Perpetuals from the venue's own rows."""

from importlib.resources import files
from typing import Any

import msgspec
import pytest

from simulator.core.instruments import Tier
from simulator.core.units import money_text
from simulator.venues import hashkey
from simulator.venues.hashkey.exchange_info import contract_instrument


def row(symbol: str) -> dict[str, Any]:
    info = msgspec.json.decode(files(hashkey).joinpath("exchange_info.json").read_bytes())
    found: dict[str, Any] = next(one for one in info["contracts"] if one["symbol"] == symbol)
    return found


@pytest.mark.parametrize(
    ("symbol", "tick", "most", "index", "last_ceiling"),
    [
        ("BTCUSDT-PERPETUAL", "0.1", "3000", "BTCUSDT", "150000"),
        ("ETHUSDT-PERPETUAL", "0.01", "40000", "ETHUSDT", "2800000"),
    ],
)
def test_one_lot_is_one_contract(symbol: str, tick: str, most: str, index: str, last_ceiling: str) -> None:
    made = contract_instrument(row(symbol))
    # LOT_SIZE says 0.001, 0.001 and 3 (or 40) of the underlying; a contract is 0.001 of it.
    assert (made.lot, made.min_qty, made.max_qty, made.tick) == ("1", "1", most, tick)
    assert (made.market_min_qty, made.market_max_qty, made.min_notional) == (None, None, None)
    assert (made.base, made.quote, made.max_open_orders) == (symbol, "USDT", 200)
    assert (made.price_band_up, made.market_band_down) == ("0.05", "0.05")
    contract = made.contract
    assert contract is not None
    assert (contract.multiplier, contract.margin_asset, contract.index) == ("0.001", "USDT", index)
    assert contract.max_stops == 200 and len(contract.tiers) == 19
    assert money_text(made.tiers.ceilings[-1]) == last_ceiling


def test_tiers_are_put_in_order() -> None:
    one = row("BTCUSDT-PERPETUAL")
    one["riskLimits"] = one["riskLimits"][::-1]
    contract = contract_instrument(one).contract
    assert contract is not None and contract.tiers[0] == Tier("1000.00", "0.10", "0.005")


def test_a_row_may_leave_out_the_numbers_of_orders() -> None:
    one = row("BTCUSDT-PERPETUAL")
    one["filters"] = [
        {key: value for key, value in each.items() if not key.startswith("max") or key == "maxQty"}
        for each in one["filters"]
    ]
    made = contract_instrument(one)
    assert made.contract is not None and (made.max_open_orders, made.contract.max_stops) == (200, 200)
