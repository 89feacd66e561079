"""Steps, limits and bands of an instrument."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.instruments import UNLIMITED, Bands, Contract, Instrument, Tier
from simulator.core.units import ONE, OffGrid, money, money_text, price, rate
from tests.builders import instrument

BTCUSDT = Instrument(
    "BTCUSDT",
    "BTC",
    "USDT",
    "0.01",
    "0.00001",
    "0.00001",
    "8",
    market_max_qty="4",
    min_notional="1",
    max_notional="400000",
    max_open_orders=300,
)


def test_limits_are_the_published_texts_in_steps() -> None:
    limits = BTCUSDT.limits
    assert (limits.min_qty, limits.max_qty) == (1, 800_000)
    assert (limits.market_min_qty, limits.market_max_qty) == (1, 400_000)
    assert (limits.min_notional, limits.max_notional) == (10**7, 400_000 * 10**7)
    assert (limits.market_min_notional, limits.market_max_notional) == (0, UNLIMITED)
    assert limits.max_open_orders == 300
    assert instrument().limits.max_open_orders == UNLIMITED


def test_one_tick_times_one_lot_in_atoms() -> None:
    assert BTCUSDT.base_atoms == money("0.00001")
    assert BTCUSDT.quote_atoms == money("0.0000001")
    assert BTCUSDT.quote_fee_atoms * 10**8 == BTCUSDT.quote_atoms
    assert BTCUSDT.base_fee_atoms * 10**8 == BTCUSDT.base_atoms
    assert instrument(tick="0.05", lot="2.5").quote_atoms == money("0.125")
    assert instrument(tick="10", lot="5").quote_atoms == 50 * ONE


@pytest.mark.parametrize(("tick", "lot"), [("0.0001", "0.00000001"), ("0.05", "2.5"), ("10", "0.1"), ("1", "1")])
def test_the_grid_of_notionals_is_tick_times_lot(tick: str, lot: str) -> None:
    one = instrument(tick=tick, lot=lot, min_qty=lot, max_qty=lot)
    assert Fraction(one.notional_grid.text(1)) == Fraction(tick) * Fraction(lot)
    assert one.notional_grid.atoms == one.quote_atoms


def test_a_limit_that_is_no_whole_number_of_lots_is_off_the_grid() -> None:
    assert BTCUSDT.lots(None) is None
    assert BTCUSDT.lots("1") == 100_000
    with pytest.raises(OffGrid):
        _ = instrument(min_qty="0.5").limits


def test_no_rate_leaves_that_side_of_the_band_open() -> None:
    assert Bands(None, rate("0.1")).highest_bid(100) is None
    assert Bands(rate("0.1"), None).lowest_ask(100) is None
    assert instrument().limit_bands == Bands(None, None)
    assert instrument(market_band_up="0.05").market_bands == Bands(rate("0.05"), None)


@given(st.integers(1, 10**8), st.integers(0, 3 * 10**8))
def test_bands_are_rounded_towards_the_reference(reference: int, width: int) -> None:
    bands = Bands(width, width)
    highest, lowest = bands.highest_bid(reference), bands.lowest_ask(reference)
    assert highest is not None and lowest is not None
    far = reference * Fraction(width, 10**8)
    assert highest <= reference + far < highest + 1
    assert lowest - 1 < reference - far <= lowest


ETH_PERPETUAL = instrument(
    symbol="ETHUSDT-PERPETUAL",
    tick="0.01",
    lot="1",
    min_qty="1",
    max_qty="50000",
    min_notional="0.5",
    contract=Contract("0.001", "USDT", "ETHUSDT", (Tier("10000", "0.1", "0.005"), Tier("40000", "0.1428", "0.01"))),
)


def test_money_of_a_contract_includes_its_multiplier() -> None:
    # HashKey REST 4.10: 3327.52 x 10 contracts x 0.001 = 33.2752
    assert money_text(332_752 * 10 * ETH_PERPETUAL.quote_atoms) == "33.2752"
    assert ETH_PERPETUAL.limits.min_notional == 50_000  # ticks x lots of 0.00001 each
    assert ETH_PERPETUAL.tick_price * 332_752 == price("3327.52")
    assert price("3327.52") * 10 * ETH_PERPETUAL.mark_atoms == 332_752 * 10 * ETH_PERPETUAL.quote_atoms


def test_a_fee_of_the_smallest_rate_on_a_contract_is_exact() -> None:
    assert ETH_PERPETUAL.quote_fee_atoms * 10**8 == ETH_PERPETUAL.quote_atoms


@pytest.mark.parametrize(("value", "tier"), [("0", 0), ("10000", 0), ("10000.01", 1), ("40000", 1), ("50000", 1)])
def test_a_ceiling_belongs_to_its_tier(value: str, tier: int) -> None:
    tiers = ETH_PERPETUAL.tiers
    assert tiers.at(money(value)) == tier
    assert tiers.max_leverage(money(value)) == (10, 7)[tier]  # 1 / 0.1428 is 7.002
