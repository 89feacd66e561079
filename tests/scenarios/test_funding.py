"""A funding day: what each account paid or received equals size x mark x rate to the last digit, at its time."""

from __future__ import annotations

from fractions import Fraction

from simulator.core.accounts.ledger import MARKET
from simulator.core.commands import AdvanceTime, SetFunding, SetMarkPrice
from simulator.core.events import (
    AccountOpened,
    DeficitCovered,
    Deposited,
    Event,
    FundingPaid,
    FundingSet,
    FundingSettled,
    MarkChanged,
    PositionChanged,
    PositionLiquidated,
    Rejected,
)
from simulator.core.history import FlowKind, History
from simulator.core.instruments import Tier
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_SECOND, ONE, Nanos, funding_rate, money_text, price
from tests.builders import LONG, PERPETUAL, SHORT, Futures, futures, perpetual, rejection, units

HOUR: Nanos = 3600 * NANOS_PER_SECOND
RATE = "0.000083127745610022"
MARK = "28123.45678901"


def bitcoin() -> Futures:
    """BTCUSDT-PERPETUAL: tick 0.1, contracts of 0.001."""
    market = futures(mark=None, funds=1_000_000, of=perpetual("0.001", (Tier("9000000", "0.1", "0.005"),), tick="0.1"))
    market.depth("281000x999", "281001x999")
    return market


def paid(events: list[Event]) -> dict[tuple[str, str], str]:
    return {
        (event.account, event.side.name): money_text(event.amount) for event in events if isinstance(event, FundingPaid)
    }


def test_what_everybody_paid_is_size_times_mark_times_rate_to_the_last_digit() -> None:
    market = bitcoin()
    market.open(LONG, 7, 281_001)
    market.open(SHORT, 3, 281_000)
    market.open(SHORT, 11, 281_000, by="bob")
    market.do(SetMarkPrice(PERPETUAL, 0, price(MARK), price(MARK)))
    settle_time = 8 * HOUR
    assert market.do(SetFunding(PERPETUAL, funding_rate(RATE), settle_time)) == [
        FundingSet(PERPETUAL, funding_rate(RATE), settle_time)
    ]
    wallets = {name: market.wallet(name).balance.total for name in ("alice", "bob")}
    assert market.exchange.next_timer() == settle_time
    market.now = settle_time - 1_000_000
    events = market.do(AdvanceTime())
    assert market.now == settle_time

    each = Fraction(MARK) * Fraction(RATE) * Fraction("0.001")
    for (account, side), amount in paid(events).items():
        lots = {("alice", "LONG"): -7, ("alice", "SHORT"): 3, ("bob", "SHORT"): 11}[account, side]
        assert Fraction(amount) == lots * each
    assert len(paid(events)) == 3
    assert Fraction(market.wallet("alice").balance.total - wallets["alice"], ONE) == -4 * each
    assert Fraction(market.wallet("bob").balance.total - wallets["bob"], ONE) == 11 * each
    settled = next(event for event in events if isinstance(event, FundingSettled))
    assert (settled.settle_time, settled.rate) == (settle_time, funding_rate(RATE))
    # the outside market is long 7, as everybody here together is short 7: it pays too
    assert Fraction(settled.outside, ONE) == -7 * each
    assert market.exchange.state.ledger.balance(MARKET, "Y").total == settled.outside


def test_a_negative_rate_goes_the_other_way() -> None:
    market = futures("", "100x9")
    market.open(LONG, 5, 100)
    market.do(SetFunding(PERPETUAL, -funding_rate("0.01"), HOUR))
    market.now = HOUR
    assert paid(market.do(AdvanceTime())) == {("alice", "LONG"): "5"}
    assert market.money("alice", "Y") == (955 * ONE, 50 * ONE)


def test_a_rate_stays_and_the_next_settlement_is_eight_hours_later() -> None:
    market = futures("", "100x9")
    market.open(LONG, 1, 100)
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), 8 * HOUR))
    market.now = 24 * HOUR
    events = market.do(AdvanceTime())
    times = [event.settle_time // HOUR for event in events if isinstance(event, FundingSettled)]
    assert times == [8, 16, 24]
    assert market.exchange.next_timer() == 32 * HOUR
    assert units(market.position(LONG).realised) == "-3"


def test_who_closed_before_the_time_pays_nothing_and_who_opened_before_pays_all() -> None:
    market = futures("99x9", "100x9")
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    market.open(LONG, 2, 100)
    market.open(LONG, 2, 100, by="bob")
    market.close(LONG, 2, 99)
    market.now = HOUR
    assert paid(market.do(AdvanceTime())) == {("bob", "LONG"): "-2"}


def test_funding_falls_due_before_the_first_command_at_its_time() -> None:
    market = futures("99x9", "100x9")
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    market.open(LONG, 2, 100)
    market.now = HOUR
    events = market.close(LONG, 2, 99)
    kinds = [type(event) for event in events]
    assert kinds.index(FundingPaid) < len(kinds) - 1
    assert market.position(LONG).lots == 0
    assert paid(events) == {("alice", "LONG"): "-2"}


def test_a_command_that_is_refused_then_is_told_behind_it() -> None:
    market = futures("99x9", "100x9")
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    market.exchange.handle(HOUR, AdvanceTime())
    market.now = HOUR
    refused = market.do(SetFunding(PERPETUAL, 1, HOUR))
    assert rejection(refused) is RejectReason.FUNDING_TIME_PASSED
    market.open(LONG, 1, 100)
    late = market.exchange.handle(9 * HOUR, SetFunding(PERPETUAL, 1, HOUR))
    assert isinstance(late[-1], Rejected) and isinstance(late[0], FundingPaid)


def test_an_isolated_position_pays_from_its_margin_and_then_from_free_money() -> None:
    market = futures("", "100x9")
    market.isolate()
    market.open(LONG, 5, 100)
    market.do(SetFunding(PERPETUAL, funding_rate("0.02"), HOUR))
    market.now = HOUR
    market.do(AdvanceTime())
    assert market.size(LONG) == "5 for 500 on 40"
    assert market.money("alice", "Y") == (950 * ONE, 40 * ONE)
    market.do(SetFunding(PERPETUAL, -funding_rate("0.02"), 2 * HOUR))
    market.now = 2 * HOUR
    market.do(AdvanceTime())
    assert market.size(LONG) == "5 for 500 on 50"
    market.do(SetFunding(PERPETUAL, funding_rate("0.2"), 3 * HOUR))
    market.now = 3 * HOUR
    market.do(AdvanceTime())
    assert market.size(LONG) == "0 for 0 on 0"  # 100 paid: the margin, and 50 of free money
    assert market.money("alice", "Y") == (900 * ONE, 0)


def test_the_insurance_fund_pays_like_everybody() -> None:
    market = futures("", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.depth("", "")
    market.mark(93)
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    market.now = HOUR
    events = market.do(AdvanceTime())
    assert paid(events) == {("#insurance", "LONG"): "-8.37"}
    assert market.fund == "-8.37"


def test_nothing_is_paid_where_there_has_never_been_a_price() -> None:
    market = futures(mark=None)
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    market.now = HOUR
    assert market.do(AdvanceTime()) == []
    assert market.exchange.next_timer() == 9 * HOUR


def test_funding_moves_the_mark_by_rule_while_it_is_to_come() -> None:
    """HashKey REST 2.11 (1): index x (1 + rate x hours to funding / 8), here 100 x 1.08 and then 100 x 1.04."""
    market = futures(mark=None)
    market.do(SetFunding(PERPETUAL, funding_rate("0.08"), 8 * HOUR))
    market.depth("98x1", "102x1")
    market.trade(LONG.opens, 1, 150)
    market.now = 4 * HOUR - 1_000_000
    marks = [event.mark for event in market.do(AdvanceTime()) if isinstance(event, MarkChanged)]
    assert marks == [price("104")]


def test_an_account_remembers_what_it_paid_and_earned() -> None:
    market = futures("99x9", "100x9")
    history = History(market.exchange.state)
    history.on_events(0, [AccountOpened("alice"), Deposited("alice", "Y", 1000 * ONE)])
    market.do(SetFunding(PERPETUAL, funding_rate("0.01"), HOUR))
    history.on_events(market.now, market.open(LONG, 2, 100))
    market.now = HOUR
    history.on_events(market.now, market.do(AdvanceTime()))
    history.on_events(market.now, market.close(LONG, 1, 99))
    records = history.of("alice")
    kinds = [(flow.kind, units(flow.change)) for flow in records.flows]
    assert kinds == [
        (FlowKind.DEPOSIT, "1000"),
        (FlowKind.FUNDING, "-2"),
        (FlowKind.REALISED_PROFIT, "-1"),
    ]
    assert records.totals["Y"] == market.wallet().balance.total
    assert len(history.settlements[PERPETUAL]) == 1


def test_an_account_remembers_its_liquidation_and_what_the_fund_paid_for_it() -> None:
    market = futures("99x9", "100x9", funds=100)
    history = History(market.exchange.state)
    history.on_events(0, [AccountOpened("alice"), Deposited("alice", "Y", 100 * ONE)])
    history.on_events(market.now, market.open(LONG, 9, 100))
    market.depth("80x9", "")
    told = market.close(LONG, 4, 80)
    history.on_events(market.now, told)
    marked = market.mark(85)
    history.on_events(market.now, marked)
    records = history.of("alice")
    kinds = [(flow.kind, units(flow.change)) for flow in records.flows]
    assert kinds == [
        (FlowKind.DEPOSIT, "100"),
        (FlowKind.REALISED_PROFIT, "-80"),
        (FlowKind.LIQUIDATION, "-20"),
    ]
    last = [event for event in (*told, *marked) if isinstance(event, PositionChanged | PositionLiquidated)][-2:]
    assert [type(event) for event in last] == [PositionLiquidated, PositionChanged]
    assert records.totals["Y"] == market.wallet().balance.total == 0
    history.on_events(market.now, [DeficitCovered("alice", "Y", 5)])
    assert records.totals["Y"] == 5
