"""A position's arithmetic, and what a perpetual's mark allows."""

from __future__ import annotations

import pytest

from simulator.core.accounts.funding import INTERVAL, Funding
from simulator.core.accounts.ledger import CLEARING, INSURANCE, Ledger
from simulator.core.accounts.liquidation import Fund, takeover_values
from simulator.core.accounts.positions import Perpetual, Position, Terms
from simulator.core.orders import BUY, SELL, MarginMode, PositionSide, Side
from simulator.core.units import FUNDING_ONE, ONE, price
from tests.builders import LONG, SHORT, perpetual


def position(side: PositionSide, mark: str | None = "100") -> Position:
    listed = Perpetual(perpetual())
    listed.become(None if mark is None else price(mark), None)
    return Position("alice", side, listed, Terms(10, MarginMode.CROSS))


@pytest.mark.parametrize(("side", "profit"), [(LONG, 20), (SHORT, -20)])
def test_profit_is_the_difference_to_what_it_cost(side: PositionSide, profit: int) -> None:
    one = position(side)
    one.open(2, 180 * ONE, 18 * ONE)
    assert one.unrealised == profit * ONE and one.equity == (18 + profit) * ONE
    assert one.close(2, 200 * ONE) == (profit * ONE, 18 * ONE)
    assert one.realised == profit * ONE
    one.check()


def test_parts_that_do_not_divide_add_up_to_the_whole() -> None:
    one = position(LONG)
    one.open(3, 100 * ONE, 10 * ONE)
    pnls, margins = zip(*(one.close(1, 50 * ONE) for _ in range(3)), strict=True)
    assert sum(pnls) == 50 * ONE and sum(margins) == 10 * ONE
    one.check()


def test_a_new_life_begins_with_nothing_realised() -> None:
    one = position(LONG)
    one.open(1, 100 * ONE, 0)
    one.close(1, 90 * ONE)
    assert one.realised == -10 * ONE
    one.open(1, 100 * ONE, 0)
    assert one.realised == 0
    one.open(1, 100 * ONE, 0)
    one.realised -= ONE
    one.open(1, 100 * ONE, 0)
    assert one.realised == -ONE


def test_without_a_mark_it_is_worth_what_it_cost() -> None:
    one = position(LONG, None)
    one.open(3, 123 * ONE, 0)
    assert (one.value, one.unrealised) == (123 * ONE, 0)


@pytest.mark.parametrize(
    ("lots", "maintenance"),
    [(10, "50"), (11, "110"), (100, "1000"), (101, "2525"), (2000, "50000")],  # 5 % to 1000, 10 % to 10000, 25 %
)
def test_all_of_a_position_is_in_its_tier(lots: int, maintenance: str) -> None:
    one = position(LONG)
    one.open(lots, lots * 100 * ONE, 0)
    assert one.maintenance(0) == int(maintenance) * ONE
    assert one.maintenance(100_000) == int(maintenance) * ONE + lots * ONE // 10  # 0.001 of the value
    assert one.maintenance(-100_000) == one.maintenance(0)


@pytest.mark.parametrize(("mark", "side", "protective"), [("100", BUY, 110), ("100", SELL, 90), ("100.4", BUY, 110)])
def test_the_protective_price_is_the_nearest_tick(mark: str, side: Side, protective: int) -> None:
    assert position(LONG, mark).perpetual.protective_price(side) == protective


def test_the_protective_price_is_at_least_a_tick() -> None:
    assert position(LONG, "0.1").perpetual.protective_price(SELL) == 1


@pytest.mark.parametrize("side", Side)
def test_without_mark_or_band_there_is_no_protective_price_and_no_bound(side: Side) -> None:
    assert position(LONG, None).perpetual.protective_price(side) is None
    free = Perpetual(perpetual(market_band_up=None, market_band_down=None))
    free.become(price("100"), None)
    assert free.protective_price(side) is None
    assert free.allows(side, 1) and free.allows(side, 10_000)


def test_longs_pay_shorts_and_the_next_time_is_eight_hours_later() -> None:
    funding = Funding(FUNDING_ONE // 1000, 5)
    assert (funding.received(1000 * ONE, 1), funding.received(1000 * ONE, -1)) == (-ONE, ONE)
    funding.passed()
    assert funding.settle_time == 5 + INTERVAL


def test_positions_share_the_equity_in_proportion_and_use_it_up() -> None:
    long, short = position(LONG), position(SHORT)
    long.open(3, 300 * ONE, 0)
    short.open(1, 100 * ONE, 0)
    values = takeover_values([long, short], 10 * ONE, 0)
    assert values == [292 * ONE + ONE // 2, 102 * ONE + ONE // 2]
    assert sum(one.sign * (value - one.cost) for one, value in zip((long, short), values, strict=True)) == -10 * ONE


def test_nothing_is_worth_less_than_nothing() -> None:
    short = position(SHORT)
    short.open(1, 100 * ONE, 0)
    assert takeover_values([short], -500 * ONE, 0) == [0]


def test_the_fund_earns_or_loses_against_the_clearing_account() -> None:
    ledger = Ledger()
    fund = Fund(ledger, position(LONG).perpetual, "Y")
    fund.take(LONG, 2, 180 * ONE)
    fund.take(SHORT, 1, 100 * ONE)
    assert fund.close(fund.long, 1, 100 * ONE) == 10 * ONE
    assert fund.close(fund.short, 1, 130 * ONE) == -30 * ONE
    assert ledger.balance(INSURANCE, "Y").total == -20 * ONE == -ledger.balance(CLEARING, "Y").total
    assert [one.lots for one in fund.positions] == [1, 0]
