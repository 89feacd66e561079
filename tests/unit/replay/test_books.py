"""Another venue's levels on HashKey's steps: exact, never better than they were, never crossed."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.orders import Side
from simulator.core.units import NotANumber
from simulator.replay.books import MOST_LEVELS, Book, Gap, Levels, Steps
from simulator.replay.neutral import Diff, Snapshot

BUY, SELL = Side.BUY, Side.SELL
SPOT = Steps(tick="0.05", lot="0.001", written="0.001")
CONTRACTS = Steps(tick="0.1", lot="0.001", written="1")


def side(which: Side, **sizes: str) -> Levels:
    levels = Levels(which, SPOT)
    for price, size in sizes.items():
        levels.set(price[1:].replace("_", "."), size)
    return levels


def shown(levels: Levels) -> str:
    return " ".join(f"{price}x{size}" for price, size in levels.shown())


def test_sizes_are_rounded_down_and_dust_is_gone() -> None:
    assert shown(side(BUY, p100="1.2349", p99="0.0009", p98="0.001")) == "100x1.234 98x0.001"


def test_sizes_of_contracts_are_whole_numbers_of_them() -> None:
    levels = Levels(BUY, CONTRACTS)
    levels.set("100", "1.2349")
    assert shown(levels) == "100x1234"


def test_levels_between_ticks_move_away_from_the_other_side_and_are_added_up() -> None:
    assert shown(side(BUY, p100_07="1", p100_05="2", p100_04="4")) == "100.05x3 100x4"
    assert shown(side(SELL, p100_07="1", p100_10="2", p100_11="4")) == "100.1x3 100.15x4"


def test_a_level_that_changes_replaces_its_own_part_of_the_tick() -> None:
    levels = side(BUY, p100_07="1", p100_06="2")
    levels.set("100.07", "5")
    assert shown(levels) == "100.05x7"
    levels.set("100.06", "0")
    assert shown(levels) == "100.05x5"
    levels.set("100.07", "0")
    levels.set("100.08", "0")
    assert shown(levels) == ""


def test_a_bid_below_the_smallest_price_is_no_bid() -> None:
    assert shown(side(BUY, p0_04="1", p0_06="1")) == "0.05x1"
    assert shown(side(SELL, p0_04="1")) == "0.05x1"


def test_trades_between_ticks_move_towards_the_other_side() -> None:
    assert SPOT.trade("100.07", BUY) == SPOT.price.parse("100.05")
    assert SPOT.trade("100.07", SELL) == SPOT.price.parse("100.10")
    assert SPOT.trade("100.05", BUY) == SPOT.trade("100.05", SELL) == SPOT.price.parse("100.05")


@pytest.mark.parametrize("bad", ["", "-1", "1e3", "nan", "1,5", "-0.00001", "1" * 70])
def test_what_is_no_price_or_size_is_refused(bad: str) -> None:
    with pytest.raises(NotANumber):
        SPOT.size(bad)
    with pytest.raises(NotANumber):
        SPOT.level(bad, BUY)
    with pytest.raises(NotANumber):
        SPOT.trade(bad, SELL)


PRICES = st.decimals("0.05", "1.50", places=3)
SIZES = st.decimals("0", "0.01", places=5)


@given(
    bids=st.lists(st.tuples(PRICES, SIZES), max_size=30),
    asks=st.lists(st.tuples(PRICES, SIZES), max_size=30),
)
def test_levels_equal_those_rounded_one_by_one(
    bids: list[tuple[Decimal, Decimal]], asks: list[tuple[Decimal, Decimal]]
) -> None:
    for which, updates, rounding in ((BUY, bids, ROUND_FLOOR), (SELL, asks, ROUND_CEILING)):
        levels, real = Levels(which, SPOT), dict(updates)
        for price, size in updates:
            levels.set(str(price), str(size))
        wanted: dict[Decimal, Decimal] = {}
        for price, size in real.items():
            tick = (price / Decimal("0.05")).to_integral_value(rounding) * Decimal("0.05")
            lots = size.quantize(Decimal("0.001"), ROUND_FLOOR)
            if lots:
                wanted[tick] = wanted.get(tick, Decimal()) + lots
        got = [(Decimal(price), Decimal(size)) for price, size in levels.shown()]
        assert got == sorted(wanted.items(), reverse=which is BUY)


@given(bid=PRICES, ask=PRICES)
def test_a_book_that_was_not_crossed_is_not_crossed_after_rounding(bid: Decimal, ask: Decimal) -> None:
    book = Book(SPOT)
    book.replace(Snapshot(t=0, te=0, u=1, bids=[(str(bid), "1")], asks=[(str(ask), "1")]))
    if bid < ask:
        assert book.can_be_shown
    if not book.can_be_shown:
        assert bid >= ask


def test_at_most_two_hundred_levels_are_shown() -> None:
    levels = Levels(SELL, SPOT)
    for price in range(1, 301):
        levels.set(str(price), "1")
    assert len(levels.shown()) == MOST_LEVELS == 200
    assert levels.shown()[-1] == ("200", "1")


@pytest.mark.parametrize(
    ("bids", "asks", "shows"), [("", "", False), ("9", "", True), ("", "9", True), ("9", "9", False), ("8", "9", True)]
)
def test_an_empty_or_crossed_book_cannot_be_shown(bids: str, asks: str, shows: bool) -> None:
    book = Book(SPOT)
    book.replace(Snapshot(0, 0, 1, [(bids, "1")] if bids else [], [(asks, "1")] if asks else []))
    assert book.can_be_shown is shows


def diff(first: int, last: int, pu: int | None = None, size: str = "1") -> Diff:
    return Diff(t=0, te=0, u=last, bids=[("9", size)], asks=[], first=first, pu=pu)


def test_changes_that_follow_are_taken() -> None:
    book = Book(SPOT)
    book.replace(Snapshot(0, 0, 100, [], [("10", "1")]))
    book.change(diff(95, 103))
    book.change(diff(104, 105))
    book.change(diff(200, 210, pu=105, size="7"))
    assert book.shown() == ((("9", "7"),), (("10", "1"),))
    assert book.update == 210


@pytest.mark.parametrize("gap", [diff(105, 106), diff(103, 104), diff(104, 105, pu=102), diff(96, 104)])
def test_changes_that_do_not_follow_are_refused(gap: Diff) -> None:
    book = Book(SPOT)
    book.replace(Snapshot(0, 0, 100, [], []))
    book.change(diff(101, 103))
    with pytest.raises(Gap, match="changes are missing"):
        book.change(gap)


def test_changes_need_a_book_and_a_whole_book_starts_anew() -> None:
    book = Book(SPOT)
    with pytest.raises(Gap, match="before the whole book"):
        book.change(diff(1, 2))
    book.replace(Snapshot(0, 0, 100, [("5", "1")], []))
    book.replace(Snapshot(0, 0, 50, [("6", "1")], []))
    assert book.shown() == ((("6", "1"),), ())
    with pytest.raises(Gap):
        book.change(diff(60, 61))
