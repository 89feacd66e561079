"""Perpetuals: opening and closing, hedge mode, margin, tiers, marks; figures can be counted in the head."""

from __future__ import annotations

import pytest

from simulator.core.accounts.ledger import CLEARING, FEES
from simulator.core.commands import (
    AdjustMargin,
    AdvanceTime,
    ComputeMarkPrice,
    ListInstrument,
    ReplaceDepth,
    SetMarginMode,
    SetMarkPrice,
    Transfer,
    Withdraw,
)
from simulator.core.events import (
    Event,
    MarginAdjusted,
    MarkChanged,
    OrderAccepted,
    OrderFilled,
    PositionChanged,
)
from simulator.core.instruments import Tier
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_SECOND, ONE, PRICE_ONE, money, rate
from tests.builders import (
    BUY,
    CROSS,
    EXPIRE_MAKER,
    FOK,
    GTC,
    IOC,
    ISOLATED,
    LIMIT_MAKER,
    LONG,
    MARKET,
    OPEN,
    PERPETUAL,
    SHORT,
    SYMBOL,
    Futures,
    ending,
    fills,
    futures,
    instrument,
    levels,
    perpetual,
    rejection,
    units,
)


def of(events: list[Event], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


# -- opening and closing --------------------------------------------------------------------------


def test_a_long_position_is_opened_and_closed_with_profit() -> None:
    market = futures("99x9", "100x9")
    market.open(LONG, 3, 100)
    assert market.size(LONG) == "3 for 300 on 30"
    assert market.money("alice", "Y") == (970 * ONE, 30 * ONE)
    market.depth("110x9", "111x9")
    events = market.close(LONG, 3, 110)
    filled = next(event for event in events if isinstance(event, OrderFilled))
    assert units(filled.pnl) == "30" and filled.fee_asset == "Y"
    assert market.size(LONG) == "0 for 0 on 0"
    assert market.money("alice", "Y") == (1030 * ONE, 0)


def test_a_short_position_earns_when_the_price_falls() -> None:
    market = futures("100x9", "101x9")
    market.open(SHORT, 2, 100)
    market.depth("89x9", "90x9")
    market.mark(90)
    assert units(market.position(SHORT).unrealised) == "20"
    market.close(SHORT, 1)
    assert market.size(SHORT) == "1 for 100 on 10"
    assert market.money("alice", "Y") == (1000 * ONE, 10 * ONE)  # 1000 - 20 margin + 10 back + 10 profit


def test_both_sides_of_a_symbol_are_held_at_once() -> None:
    market = futures("99x9", "101x9")
    market.open(LONG, 3, 101)
    market.open(SHORT, 2, 99)
    assert (market.size(LONG), market.size(SHORT)) == ("3 for 303 on 30.3", "2 for 198 on 19.8")
    market.close(SHORT, 1, 101)
    assert (market.position(LONG).lots, market.position(SHORT).lots) == (3, 1)


def test_the_entry_price_is_the_average_and_parts_of_it_add_up_to_all_of_it() -> None:
    market = futures("", "100x1 101x1 102x1")
    market.open(LONG, 2, 101)
    market.open(LONG, 1, 102)
    position = market.position(LONG)
    assert units(position.cost) == "303"
    market.depth("103x9", "")
    pnls = [event.pnl for _ in range(3) for event in market.close(LONG, 1, 103) if isinstance(event, OrderFilled)]
    assert sum(pnls) == 6 * ONE


def test_thirds_leave_nothing_behind() -> None:
    market = futures("", "100x2 101x1")
    market.leverage(3)
    market.open(LONG, 3, 101)
    market.depth("100x9", "")
    for _ in range(3):
        market.close(LONG, 1, 100)
    assert market.money("alice", "Y") == (999 * ONE, 0)


def test_profit_comes_from_the_other_side_of_the_same_trades() -> None:
    market = futures()
    market.open(LONG, 5, 100)
    market.open(SHORT, 5, 100, by="bob")
    assert market.exchange.state.ledger.balance(CLEARING, "Y").total == 0
    market.close(LONG, 5, 104)
    market.close(SHORT, 5, 104, by="bob")
    assert market.money("alice", "Y") == (1020 * ONE, 0)
    assert market.money("bob", "Y") == (980 * ONE, 0)
    assert market.exchange.state.ledger.balance(CLEARING, "Y").total == 0


def test_a_close_never_exceeds_the_position_less_what_closing_orders_hold() -> None:
    market = futures("99x9", "100x9")
    market.open(LONG, 5, 100)
    order_events = market.close(LONG, 3, 105)
    assert of(order_events, PositionChanged) == [market.position(LONG).changed()]
    assert market.position(LONG).available == 2
    assert rejection(market.close(LONG, 3, 106)) is RejectReason.POSITION_NOT_ENOUGH
    assert rejection(market.close(LONG, 3)) is RejectReason.POSITION_NOT_ENOUGH
    assert rejection(market.close(SHORT, 1, 99)) is RejectReason.POSITION_NOT_ENOUGH
    market.close(LONG, 2, 106)
    assert market.position(LONG).available == 0
    market.cancel_open()
    assert market.position(LONG).available == 5


def test_a_closing_order_holds_no_money() -> None:
    market = futures("99x9", "100x9")
    market.open(LONG, 5, 100)
    before = market.money("alice", "Y")
    market.close(LONG, 5, 120)
    assert market.money("alice", "Y") == before


def test_an_effect_belongs_to_perpetuals_and_only_to_them() -> None:
    market = futures("99x9", "100x9")
    assert rejection(market.buy(1, 100)) is RejectReason.EFFECT_MISPLACED
    market.do(ListInstrument(instrument()))
    market.symbol = SYMBOL
    assert rejection(market.buy(1, 100, effect=OPEN)) is RejectReason.EFFECT_MISPLACED


# -- fees and margin, with HashKey's own numbers -------------------------------------------------------


def eth() -> Futures:
    """ETHUSDT-PERPETUAL of July 2024: tick 0.01, contracts of 0.001, market orders protected at 4 %."""
    traded = perpetual(
        "0.001", (Tier("10000", "0.1", "0.005"),), tick="0.01", market_band_up="0.04", market_band_down="0.04"
    )
    return futures(mark=None, fees=rate("0.0006"), of=traded)


def test_a_market_order_has_the_venues_protective_price_and_margin() -> None:
    # HashKey REST 4.1: 3460.62 = 3327.52 x 1.04; 2561.75 = 2463.22 x 1.04, rounded
    market = eth()
    for reference, price in ((332752, 346062), (246322, 256175)):
        market.do(SetMarkPrice(market.symbol, 0, reference * PRICE_ONE // 100))
        market.depth("", f"{reference}x99")
        accepted = next(event for event in market.open(LONG, 1) if isinstance(event, OrderAccepted))
        assert accepted.price == price


def test_margin_comes_from_the_protective_price_and_pays_the_opening_fee() -> None:
    # HashKey REST 4.10: margin 6.9012 = 6.92124 - 0.01997, realised -0.0199, value 33.2752
    market = eth()
    market.leverage(5)
    market.do(SetMarkPrice(market.symbol, 0, 332752 * PRICE_ONE // 100))
    market.depth("", "332752x99")
    market.open(LONG, 10)
    position = market.position(LONG)
    assert units(position.cost) == "33.2752"
    assert units(position.margin) == "6.90127488"  # 6.92124 - 0.01996512
    assert units(position.realised) == "-0.01996512"
    assert market.money("alice", "Y") == (money("993.07876"), money("6.90127488"))
    assert market.exchange.state.ledger.balance(FEES, "Y").total == money("0.01996512")


def test_a_resting_order_gives_its_margin_to_the_position_part_by_part() -> None:
    market = futures(fees=rate("0.001"))
    order = market.open(LONG, 3, 100)
    assert market.money("alice", "Y") == (970 * ONE, 30 * ONE)
    market.open(SHORT, 1, 100, by="bob")
    wallet = market.wallet()
    assert (units(wallet.order_margin), units(wallet.position_margin)) == ("20", "9.9")
    market.cancel(market.exchange.state.orders[next(e.order_id for e in order if isinstance(e, OrderAccepted))])
    assert market.money("alice", "Y") == (990 * ONE, money("9.9"))


def test_a_fee_beyond_the_margin_is_paid_from_free_money() -> None:
    market = futures("", "100x9", fees=rate("0.2"))
    market.open(LONG, 1, 100)
    assert market.size(LONG) == "1 for 100 on 0"
    assert market.money("alice", "Y")[0] == 980 * ONE


def test_a_rebate_adds_to_the_margin() -> None:
    market = futures(fees=rate("-0.01"))
    market.open(LONG, 1, 100)
    market.open(SHORT, 1, 100, by="bob")
    assert market.size(LONG) == "1 for 100 on 11"


def test_an_opening_order_needs_its_margin_and_both_fees() -> None:
    market = futures("", "100x99", fees=rate("0.01"), funds=60)
    assert rejection(market.open(LONG, 6, 100)) is RejectReason.INSUFFICIENT_MARGIN
    assert rejection(market.open(LONG, 5, 100)) is None
    assert market.money("alice", "Y") == (10 * ONE, 45 * ONE)


def test_what_an_order_would_lose_at_once_must_be_there_too() -> None:
    market = futures("", "104x99", funds=60)
    # 5 x 104 / 10 = 52 of margin, and 5 x 4 of loss against the mark at once
    assert rejection(market.open(LONG, 5, 104)) is RejectReason.INSUFFICIENT_MARGIN
    assert rejection(market.open(LONG, 4, 104)) is None
    assert market.wallet().available == 60 * ONE - money("41.6") - 16 * ONE


def test_only_what_it_would_really_trade_at_counts_for_that_loss() -> None:
    market = futures("", "100x99", funds=60)
    assert rejection(market.open(LONG, 5, 110)) is None
    assert market.wallet().available == 5 * ONE


def test_an_order_that_rests_loses_nothing_yet() -> None:
    market = futures("", "120x1", funds=60)
    assert rejection(market.open(LONG, 5, 110)) is None


def test_in_isolated_mode_the_loss_is_the_positions_own() -> None:
    market = futures("", "104x99", funds=60)
    market.isolate()
    assert rejection(market.open(LONG, 5, 104)) is None
    assert market.wallet().available == 8 * ONE


def test_unrealised_profit_of_cross_positions_can_be_used_but_not_withdrawn() -> None:
    market = futures("", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.mark(120)
    assert market.wallet().available == 190 * ONE
    assert rejection(market.do(Withdraw("alice", "Y", 11 * ONE))) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.open(SHORT, 8, 120)) is None
    assert market.wallet().balance.free == -86 * ONE


def test_unrealised_loss_cannot_be_withdrawn() -> None:
    market = futures("", "100x9")
    market.open(LONG, 9, 100)
    market.mark(90)
    assert market.wallet().available == 820 * ONE
    assert rejection(market.do(Transfer("alice", "bob", "Y", 821 * ONE))) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.do(Transfer("alice", "bob", "Y", 820 * ONE))) is None


# -- market orders -------------------------------------------------------------------------------------


def test_a_market_order_stops_at_its_protective_price() -> None:
    market = futures("", "100x1 110x1 111x1")
    events = market.open(LONG, 3)
    assert fills(events) == "100x1 110x1"
    assert ending(events) == "PARTIALLY_CANCELED IMMEDIATE_OR_CANCEL"


def test_a_market_order_can_be_fill_or_kill() -> None:
    market = futures("", "100x1 111x1")
    assert ending(market.open(LONG, 2, tif=FOK)) == "CANCELED FILL_OR_KILL"


def test_without_a_mark_or_a_band_there_are_no_market_orders() -> None:
    assert rejection(futures(mark=None).open(LONG, 1)) is RejectReason.MARKET_ORDERS_FORBIDDEN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"qty": 0}, RejectReason.QTY_TOO_SMALL),
        ({"qty": 1_000_001}, RejectReason.QTY_TOO_LARGE),
        ({"qty": None}, RejectReason.SIZE_AMBIGUOUS),
        ({"amount": 3}, RejectReason.SIZE_AMBIGUOUS),
        ({"tif": GTC}, RejectReason.UNSUPPORTED_COMBINATION),
        ({"at": 100}, RejectReason.UNSUPPORTED_COMBINATION),
    ],
)
def test_market_orders_of_the_wrong_form(changes: dict[str, object], reason: RejectReason) -> None:
    market = futures("", "100x9")
    values = {"qty": 1, "type": MARKET, "effect": OPEN, "tif": IOC} | changes
    assert rejection(market.buy(**values)) is reason  # type: ignore[arg-type]


def test_limit_prices_are_banded_around_the_mark() -> None:
    market = futures("", "200x9", of=perpetual(price_band_up="0.05", price_band_down="0.05"))
    assert rejection(market.open(LONG, 1, 106)) is RejectReason.BUY_PRICE_TOO_HIGH
    assert rejection(market.open(SHORT, 1, 94)) is RejectReason.SELL_PRICE_TOO_LOW
    assert rejection(market.open(LONG, 1, 105)) is None
    assert rejection(market.open(SHORT, 1, 106, by="bob")) is None


def test_a_book_far_from_the_mark_moves_no_band() -> None:
    market = futures("150x9", "151x9", of=perpetual(price_band_up="0.05", price_band_down="0.05"))
    assert rejection(market.open(LONG, 1, 140)) is RejectReason.BUY_PRICE_TOO_HIGH


def test_bands_leave_everything_open_without_a_mark() -> None:
    market = futures(mark=None, of=perpetual(price_band_up="0.05", price_band_down="0.05"))
    assert rejection(market.open(LONG, 1, 1)) is None


def test_post_only_orders_are_refused_when_they_would_take() -> None:
    market = futures("99x9", "100x9")
    assert rejection(market.open(LONG, 1, 100, type=LIMIT_MAKER)) is RejectReason.WOULD_TAKE
    assert rejection(market.open(LONG, 1, 99, type=LIMIT_MAKER)) is None


def test_self_trade_prevention_gives_margin_and_lots_back() -> None:
    market = futures("", "100x2")
    market.open(LONG, 2, 100)
    market.depth("", "")
    market.close(LONG, 2, 105)
    events = market.open(LONG, 1, 105, stp=EXPIRE_MAKER)
    assert "SELF_TRADE" in ending(events)
    assert market.position(LONG).available == 2


# -- leverage, modes, tiers --------------------------------------------------------------------------


def test_leverage_moves_the_margin_of_positions_and_orders() -> None:
    market = futures("", "100x9")
    market.open(LONG, 2, 100)
    market.open(LONG, 1, 90)
    market.leverage(5)
    assert market.size(LONG) == "2 for 200 on 40"
    assert units(market.wallet().order_margin) == "18"
    market.leverage(10)
    assert market.money("alice", "Y") == (971 * ONE, 29 * ONE)


def test_lower_leverage_must_find_its_margin() -> None:
    market = futures("", "100x9", funds=100)
    market.open(LONG, 9, 100)
    assert rejection(market.leverage(5)) is RejectReason.LEVERAGE_MARGIN_MISSING
    assert rejection(market.leverage(9)) is None


@pytest.mark.parametrize("leverage", [0, -1])
def test_leverage_is_at_least_one(leverage: int) -> None:
    assert rejection(futures().leverage(leverage)) is RejectReason.LEVERAGE_INVALID


def test_tiers_bound_the_leverage() -> None:
    market = futures("", "100x999", funds=100_000)
    assert rejection(market.leverage(11)) is RejectReason.LEVERAGE_TOO_HIGH
    assert rejection(market.open(LONG, 10, 100)) is None
    assert rejection(market.open(LONG, 1, 100)) is RejectReason.LEVERAGE_TOO_HIGH
    market.leverage(5)
    assert rejection(market.open(LONG, 90, 100)) is None
    assert rejection(market.leverage(6)) is RejectReason.LEVERAGE_TOO_HIGH
    assert rejection(market.open(LONG, 1, 100)) is RejectReason.LEVERAGE_TOO_HIGH
    market.leverage(2)
    assert rejection(market.open(LONG, 900, 100)) is None
    assert rejection(market.open(LONG, 1, 100)) is RejectReason.RISK_LIMIT_EXCEEDED
    assert rejection(market.open(SHORT, 9, 101)) is None  # the other side has tiers of its own


def test_resting_orders_count_for_the_tier() -> None:
    market = futures(funds=100_000)
    market.open(LONG, 9, 100)
    assert rejection(market.open(LONG, 2, 100)) is RejectReason.LEVERAGE_TOO_HIGH
    market.cancel_open()
    assert rejection(market.open(LONG, 10, 100)) is None


def test_leverage_cannot_go_down_while_an_isolated_position_is_open() -> None:
    market = futures("", "100x9")
    market.isolate()
    market.leverage(8)
    market.open(LONG, 1, 100)
    assert rejection(market.leverage(7)) is RejectReason.LEVERAGE_REDUCTION_ISOLATED
    assert rejection(market.leverage(9)) is None


def test_higher_leverage_may_not_bring_an_isolated_position_near_its_end() -> None:
    market = futures("", "100x9")
    market.isolate()
    market.leverage(5)
    market.open(LONG, 1, 100)
    market.mark(92)
    # margin 20 would be 10; equity 2 is below the maintenance margin of 4.6
    assert rejection(market.leverage(10)) is RejectReason.LEVERAGE_CHANGE_FAILED


def test_the_margin_mode_is_fixed_while_it_is_used() -> None:
    market = futures("", "100x9")
    assert rejection(market.isolate()) is None
    market.open(LONG, 1, 90)
    assert rejection(market.do(SetMarginMode("alice", PERPETUAL, CROSS))) is RejectReason.MARGIN_MODE_IN_USE
    assert rejection(market.do(SetMarginMode("alice", PERPETUAL, ISOLATED))) is None
    market.cancel_open()
    assert rejection(market.do(SetMarginMode("alice", PERPETUAL, CROSS))) is None


def test_margin_is_added_to_an_isolated_position_and_taken_back() -> None:
    market = futures("", "100x9")
    market.isolate()
    market.open(LONG, 1, 100)
    events = market.do(AdjustMargin("alice", PERPETUAL, LONG, 15 * ONE))
    assert events[0] == MarginAdjusted("alice", PERPETUAL, LONG, 15 * ONE, 25 * ONE)
    assert market.money("alice", "Y") == (975 * ONE, 25 * ONE)
    market.mark(99)
    # 9.9 is the initial margin at the mark, 1 is lost: 14.1 can be taken back
    refused = market.do(AdjustMargin("alice", PERPETUAL, LONG, -money("14.2")))
    assert rejection(refused) is RejectReason.MARGIN_REDUCTION_FORBIDDEN
    assert rejection(market.do(AdjustMargin("alice", PERPETUAL, LONG, -money("14.1")))) is None


def test_margin_can_be_changed_only_of_an_isolated_position_and_with_free_money() -> None:
    market = futures("", "100x9")
    market.open(LONG, 1, 100)
    change = AdjustMargin("alice", PERPETUAL, LONG, ONE)
    assert rejection(market.do(change)) is RejectReason.MARGIN_CHANGE_FAILED
    market = futures("", "100x9")
    market.isolate()
    assert rejection(market.do(change)) is RejectReason.MARGIN_CHANGE_FAILED
    market.open(LONG, 1, 100)
    for amount in (0, 991 * ONE):
        change = AdjustMargin("alice", PERPETUAL, LONG, amount)
        assert rejection(market.do(change)) is RejectReason.MARGIN_CHANGE_FAILED


# -- marks -----------------------------------------------------------------------------------------------


def marks(events: list[Event]) -> list[tuple[int, int | None]]:
    return [
        (event.mark // PRICE_ONE, None if event.index is None else event.index // PRICE_ONE)
        for event in events
        if isinstance(event, MarkChanged)
    ]


def later(market: Futures, seconds: int) -> None:
    market.now += seconds * NANOS_PER_SECOND


def test_without_index_market_the_mark_is_the_mid_or_the_last_trade() -> None:
    market = futures(mark=None)
    assert marks(market.depth("98x1", "102x1")) == [(100, 100)]
    later(market, 1)
    assert marks(market.depth("100x1", "104x1")) == [(102, 102)]
    later(market, 1)
    market.trade(BUY, 1, 104)
    # the median of mid, mid and last
    assert market.exchange.state.perpetuals[PERPETUAL].perpetual.mark == 102 * PRICE_ONE


def test_a_new_mark_comes_at_most_once_a_second() -> None:
    market = futures("98x1", "102x1", mark=None)
    assert marks(market.depth("100x1", "104x1")) == []
    due = market.exchange.next_timer()
    assert due == NANOS_PER_SECOND
    market.now = due - 1_000_000
    assert marks(market.do(AdvanceTime())) == [(102, 102)]
    assert market.exchange.next_timer() is None


def test_the_index_is_the_spot_market_of_the_same_name() -> None:
    market = futures(mark=None)
    market.do(ListInstrument(instrument()))
    market.do(ReplaceDepth(SYMBOL, 0, levels("199x1"), levels("201x1")))
    # basis -100 in one sample; index + basis = mid, last = mid
    assert marks(market.depth("98x1", "102x1")) == [(100, 200)]
    later(market, 5)
    # the spot market moves: mid - index is now -200, the average -150, index + average 150; the median of
    # index 300, 150 and the last trade (none: 150)
    assert marks(market.do(ReplaceDepth(SYMBOL, 0, levels("299x1"), levels("301x1")))) == [(150, 300)]


def test_what_is_told_is_never_computed_again_until_asked_for() -> None:
    market = futures("98x1", "102x1", mark=150)
    later(market, 5)
    assert marks(market.depth("198x1", "202x1")) == []
    assert marks(market.do(ComputeMarkPrice(PERPETUAL))) == [(200, 200)]


def test_a_told_index_is_kept_while_the_mark_is_computed() -> None:
    market = futures(mark=None)
    market.do(SetMarkPrice(PERPETUAL, 0, None, 90 * PRICE_ONE))
    assert marks(market.depth("98x1", "102x1")) == [(100, 90)]


@pytest.mark.parametrize("price", [0, -1])
def test_a_mark_is_positive(price: int) -> None:
    market = futures()
    assert rejection(market.do(SetMarkPrice(PERPETUAL, 0, price))) is RejectReason.PRICE_NOT_POSITIVE
    assert rejection(market.do(SetMarkPrice(PERPETUAL, 0, None, price))) is RejectReason.PRICE_NOT_POSITIVE


def test_marks_belong_to_perpetuals() -> None:
    market = futures()
    market.do(ListInstrument(instrument()))
    assert rejection(market.do(SetMarkPrice(SYMBOL, 0, 1))) is RejectReason.NOT_A_PERPETUAL
    assert rejection(market.do(SetMarkPrice("?", 0, 1))) is RejectReason.UNKNOWN_SYMBOL
