"""When margin is gone: warning, cancelling, take-over at the bankruptcy price, the insurance fund."""

from __future__ import annotations

from typing import TypeVar

import pytest

from simulator.core.accounts.ledger import CLEARING
from simulator.core.accounts.liquidation_price import liquidation_price
from simulator.core.commands import AdvanceTime, Deposit, ListInstrument, ReplaceDepth, SetFees, SetFunding, SetTrading
from simulator.core.events import (
    DeficitCovered,
    Event,
    InsuranceChanged,
    InsuranceTraded,
    MarginWarning,
    OrderCanceled,
    OrderFilled,
    PositionChanged,
    PositionLiquidated,
    TradeHappened,
)
from simulator.core.orders import PositionSide
from simulator.core.units import FUNDING_ONE, NANOS_PER_SECOND, ONE, PRICE_ONE, price_text, rate
from tests.builders import (
    LONG,
    PERPETUAL,
    SHORT,
    Futures,
    ending,
    fills,
    futures,
    levels,
    perpetual,
    units,
)

_E = TypeVar("_E")


def the(events: list[Event], kind: type[_E]) -> _E:
    """The only one of its kind."""
    (one,) = [event for event in events if isinstance(event, kind)]
    return one


def warned(events: list[Event]) -> bool:
    """Whether somebody was."""
    return any(isinstance(event, MarginWarning) for event in events)


def isolated(side: PositionSide, bids: str = "99x9", asks: str = "100x9") -> Futures:
    """A position of 5 at 100 on 50 of margin; 0.05 of its value must stay."""
    market = futures(bids, asks)
    market.isolate()
    market.open(side, 5, 100)
    market.depth("", "")
    assert market.size(side) == "5 for 500 on 50"
    return market


def test_a_warning_comes_once_before_the_end() -> None:
    market = isolated(LONG, "99x9", "100x9")
    assert not [event for event in market.mark(97) if isinstance(event, MarginWarning)]
    # equity 50 - 5 x 4 = 30 = 1.25 x 24; from 5 x 96 x 0.05 = 24
    warning = the(market.mark(96), MarginWarning)
    assert (units(warning.equity), units(warning.maintenance)) == ("30", "24")
    assert (warning.symbol, warning.side) == (PERPETUAL, LONG)
    assert not [event for event in market.mark(95) if isinstance(event, MarginWarning | PositionLiquidated)]
    market.mark(99)
    assert warned(market.mark(96))


def test_an_isolated_position_loses_exactly_its_margin() -> None:
    market = isolated(LONG)
    events = market.mark(94)  # equity 20 is not more than 23.5
    taken = the(events, PositionLiquidated)
    assert (taken.lots, units(taken.value), price_text(taken.price)) == (5, "450", "90")
    assert units(taken.pnl) == "-50" and taken.mark == 94 * PRICE_ONE
    assert market.money("alice", "Y") == (950 * ONE, 0)
    assert the(events, PositionChanged).lots == 0


def test_a_short_position_ends_above_its_price() -> None:
    market = isolated(SHORT, "100x9", "101x9")
    assert not [event for event in market.mark(104) if isinstance(event, PositionLiquidated)]
    taken = the(market.mark(105), PositionLiquidated)
    assert price_text(taken.price) == "110"
    assert market.money("alice", "Y") == (950 * ONE, 0)


def test_exactly_the_maintenance_margin_is_too_little() -> None:
    market = isolated(LONG)
    market.mark(95)
    assert market.position(LONG).lots == 5  # equity 25 against 23.75
    position = market.position(LONG)
    price = liquidation_price(market.wallet(), position)
    assert price is not None
    market.do_mark(price + 1)
    assert market.position(LONG).lots == 5
    market.do_mark(price)
    assert market.position(LONG).lots == 0


def test_the_fund_sells_what_it_took_over_and_keeps_the_difference() -> None:
    market = isolated(LONG)
    market.depth("93x3 92x9", "")
    events = market.mark(94)
    assert [(event.price, event.qty, event.left) for event in events if isinstance(event, InsuranceTraded)] == [
        (93, 3, 2),
        (92, 2, 0),
    ]
    assert market.fund == "13"  # 5 x 90 taken over for 450, sold for 279 + 184
    assert the(events, InsuranceChanged).balance == 13 * ONE
    assert [event.price for event in events if isinstance(event, TradeHappened)] == [93, 92]


def test_below_the_bankruptcy_price_the_fund_pays() -> None:
    market = isolated(LONG)
    market.depth("81x9", "")
    taken = the(market.mark(85), PositionLiquidated)
    assert price_text(taken.price) == "90"
    assert market.fund == "-45"
    assert market.money("alice", "Y") == (950 * ONE, 0)


def test_the_fund_stays_within_the_band_and_goes_on_when_the_market_moves() -> None:
    market = isolated(LONG)
    market.depth("84x9", "")  # the band ends at 94 - 9.4 = 85
    market.mark(94)
    assert market.fund == "0"
    assert market.exchange.state.perpetuals[PERPETUAL].fund.long.lots == 5
    market.depth("88x2", "")
    assert market.exchange.state.perpetuals[PERPETUAL].fund.long.lots == 3
    market.mark(92)
    market.depth("88x9", "")
    assert market.exchange.state.perpetuals[PERPETUAL].fund.long.lots == 0
    assert market.fund == "-10"


def test_the_fund_trades_with_customers_too() -> None:
    market = isolated(LONG)
    market.open(LONG, 9, 92, by="bob")
    events = market.mark(94)
    assert fills(events, of="bob") == "92x5"
    assert market.size(LONG, "bob") == "5 for 460 on 46"
    assert market.fund == "10"


def test_nothing_is_sold_while_the_market_is_halted_or_stale() -> None:
    market = isolated(LONG)
    market.depth("93x9", "")
    market.do(SetTrading(PERPETUAL, False))
    market.mark(94)
    assert market.position(LONG).lots == 0 and market.fund == "0"
    market.invalidate()
    market.do(SetTrading(PERPETUAL, True))
    assert market.fund == "0"
    market.depth("93x8", "")
    assert market.fund == "15"


def test_orders_of_the_position_are_cancelled_first_and_no_others() -> None:
    market = isolated(LONG)
    market.close(LONG, 2, 120)
    market.open(LONG, 1, 80)
    market.open(SHORT, 1, 130)
    events = market.mark(94)
    gone = [event.order_id for event in events if isinstance(event, OrderCanceled)]
    kept = market.exchange.state.customers["alice"].open_orders
    assert len(gone) == 2 and len(kept) == 1
    assert ending(events) == "CANCELED LIQUIDATION CANCELED LIQUIDATION"
    kinds = [type(event) for event in events]
    assert kinds.index(OrderCanceled) < kinds.index(PositionLiquidated)


# -- cross margin -------------------------------------------------------------------------------------


def test_everything_in_the_wallet_stands_behind_cross_positions() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.depth("", "")
    market.mark(95)  # equity 55 against 42.75
    assert market.position(LONG).lots == 9
    events = market.mark(93)  # 37 against 41.85
    taken = the(events, PositionLiquidated)
    assert units(taken.pnl) == "-100"
    assert market.money("alice", "Y") == (0, 0)
    assert the(events, MarginWarning).symbol is None


def test_a_cross_wallet_is_taken_over_whole() -> None:
    market = futures("99x9", "101x9", funds=200)
    market.open(LONG, 9, 101)
    market.open(SHORT, 1, 99)
    market.open(LONG, 1, 50)
    events = market.mark(81)
    taken = [event for event in events if isinstance(event, PositionLiquidated)]
    assert [event.side for event in taken] == [LONG, SHORT]
    assert sum(event.pnl for event in taken) == -200 * ONE
    assert market.money("alice", "Y") == (0, 0)
    assert ending(events) == "CANCELED LIQUIDATION"


def test_isolated_margin_does_not_stand_behind_cross_positions() -> None:
    market = futures("99x9", "100x9", funds=150)
    other = perpetual(symbol="QY-PERPETUAL", base="Q")
    market.do(ListInstrument(other))
    market.isolate()
    market.open(LONG, 5, 100)
    market.symbol = "QY-PERPETUAL"
    market.do(ReplaceDepth(market.symbol, 0, (), levels("100x9")))
    market.mark(100)
    market.open(LONG, 9, 100)
    market.mark(93)  # equity 100 - 63 = 37 against 41.85
    assert market.position(LONG).lots == 0
    assert market.money("alice", "Y") == (0, 50 * ONE)


def test_a_mark_beyond_bankruptcy_is_the_funds_loss() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.depth("80x9", "")
    events = market.mark(80)
    taken = the(events, PositionLiquidated)
    assert units(taken.value) == "800"
    assert market.money("alice", "Y") == (0, 0)
    assert market.fund == "-80"


def test_a_wallet_that_owes_after_a_bad_close_is_paid_out() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.depth("80x9", "")
    events = market.close(LONG, 9, 80)
    assert units(the(events, OrderFilled).pnl) == "-180"
    covered = the(events, DeficitCovered)
    assert units(covered.amount) == "80" and market.fund == "-80"
    assert market.money("alice", "Y") == (0, 0)


def test_a_deposit_comes_in_time() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    assert warned(market.mark(94))
    market.do(Deposit("alice", "Y", 50 * ONE))
    assert not [event for event in market.mark(93) if isinstance(event, PositionLiquidated)]
    assert warned(market.mark(88))


def test_higher_fees_can_be_the_end() -> None:
    market = isolated(LONG)
    market.mark(95)
    events = market.do(SetFees("alice", 0, rate("0.01")))
    assert the(events, PositionLiquidated).mark == 95 * PRICE_ONE


def test_funding_can_be_the_end() -> None:
    market = isolated(LONG)
    market.mark(95)
    market.do(SetFunding(PERPETUAL, FUNDING_ONE // 100, market.now + NANOS_PER_SECOND))
    market.now += NANOS_PER_SECOND
    events = market.mark(95)
    taken = the(events, PositionLiquidated)
    assert units(taken.pnl) == "-45.25"  # the margin of 50 had paid 4.75


def test_one_liquidation_may_bring_the_next() -> None:
    """The fund's sale moves the last price, that the mark, and that another account."""
    market = futures("99x9", "100x20", mark=None, funds=100)
    market.open(LONG, 9, 100)
    market.open(LONG, 6, 100, by="bob")
    market.depth("92x1 85x40", "93x1")
    market.now += NANOS_PER_SECOND
    events = market.do(AdvanceTime())
    assert fills(events) == "" and market.position(LONG).lots == 0
    assert market.position(LONG, "bob").lots == 6
    market.depth("84x40", "86x1")
    market.now += NANOS_PER_SECOND
    market.do(AdvanceTime())
    assert market.position(LONG, "bob").lots == 0


# -- the price of it -------------------------------------------------------------------------------------


def price_of(market: Futures, side: PositionSide, by: str = "alice") -> str | None:
    price = liquidation_price(market.wallet(by), market.position(side, by))
    return None if price is None else price_text(price)


@pytest.mark.parametrize(
    ("side", "price"),
    [
        (LONG, "94.73684210"),  # (500 - 50) / (5 x 0.95), cut
        (SHORT, "104.76190477"),  # (500 + 50) / (5 x 1.05), to the next 10^-8
    ],
)
def test_the_liquidation_price_of_an_isolated_position(side: PositionSide, price: str) -> None:
    market = isolated(side, "100x9" if side is SHORT else "99x9", "101x9" if side is SHORT else "100x9")
    assert market.size(side) == "5 for 500 on 50"
    assert price_of(market, side) == price.rstrip("0")


def test_the_fee_of_closing_brings_it_nearer() -> None:
    market = futures("99x9", "100x9", fees=rate("0.001"))
    market.isolate()
    market.open(LONG, 5, 100)
    assert price_of(market, LONG) == "94.94204425"  # (500 - 49.5) / (5 x 0.949)


def test_in_cross_mode_the_wallet_counts_and_there_may_be_no_price() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    assert price_of(market, LONG) == "93.56725146"  # 800 / (9 x 0.95)
    rich = futures("99x9", "100x9", funds=5_000)
    rich.open(LONG, 9, 100)
    assert price_of(rich, LONG) is None
    assert price_of(rich, SHORT) is None


def test_a_higher_tier_ends_a_short_position_sooner() -> None:
    market = futures("100x9", "101x9", funds=1_000)
    market.leverage(5)
    market.open(SHORT, 9, 100)
    # up to 111.11 the first tier asks for 5 % (equity 900 there); beyond, 10 %
    assert price_of(market, SHORT) == "191.91919192"  # 1900 / (9 x 1.1)
    market.do_mark(19191919191)
    assert market.position(SHORT).lots == 9
    market.do_mark(19191919192)
    assert market.position(SHORT).lots == 0


def test_at_the_edge_of_a_tier_the_price_is_the_edge() -> None:
    # just beyond 1000 of value the maintenance margin doubles to 100
    market = futures("100x9", "101x9", funds=155)
    market.open(SHORT, 9, 100)
    assert price_of(market, SHORT) == "111.11111112"


def test_hedged_positions_move_together() -> None:
    market = futures("100x9", "101x9", funds=1_000)
    market.open(SHORT, 9, 100)
    market.open(LONG, 9, 101)
    assert price_of(market, LONG) is None
    price = liquidation_price(market.wallet(), market.position(SHORT))
    assert price is not None  # maintenance margin grows with the price, equity does not
    market.do_mark(price - 1)
    assert market.position(SHORT).lots == 9
    market.do_mark(price)
    assert market.position(SHORT).lots == market.position(LONG).lots == 0


def test_profit_and_loss_of_everybody_come_to_nothing() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.depth("80x9", "")
    market.mark(80)
    listed = market.exchange.state.perpetuals[PERPETUAL]
    assert listed.outside.lots == 0
    assert market.exchange.state.ledger.balance(CLEARING, "Y").total + listed.outside.cost == 0
