"""Accounts, money in and out, and the list of markets."""

from __future__ import annotations

import pytest

from simulator.core.commands import (
    AdvanceTime,
    Command,
    Deposit,
    ListInstrument,
    OpenAccount,
    SetFees,
    SetTrading,
    Transfer,
    Withdraw,
)
from simulator.core.events import BalanceChanged, Deposited, FeesSet, TradingSet, Transferred, Withdrawn
from simulator.core.rejections import RejectReason
from simulator.core.units import ONE
from tests.builders import BUY, SYMBOL, book, fills, instrument, rejection


def test_a_deposit_is_repeated_with_its_reference() -> None:
    market = book()
    events = market.do(Deposit("alice", "Z", 5, "tx 1"))
    assert events == [Deposited("alice", "Z", 5, "tx 1"), BalanceChanged("alice", "Z", 5, 0)]


def test_money_leaves_to_the_last_atom_and_no_further() -> None:
    market = book(funds=0)
    market.do(Deposit("alice", "Z", 5))
    assert rejection(market.do(Withdraw("alice", "Z", 6))) is RejectReason.INSUFFICIENT_BALANCE
    assert market.do(Withdraw("alice", "Z", 5, "w")) == [
        Withdrawn("alice", "Z", 5, "w"),
        BalanceChanged("alice", "Z", 0, 0),
    ]


def test_a_transfer_tells_both_balances() -> None:
    market = book(funds=0)
    market.do(Deposit("alice", "Z", 5))
    assert market.do(Transfer("alice", "bob", "Z", 3, "t")) == [
        Transferred("alice", "bob", "Z", 3, "t"),
        BalanceChanged("alice", "Z", 2, 0),
        BalanceChanged("bob", "Z", 3, 0),
    ]


def test_held_money_neither_leaves_nor_moves() -> None:
    market = book(funds=100)
    market.rest(BUY, 1, 60)
    assert rejection(market.do(Withdraw("alice", "Y", 41 * ONE))) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.do(Transfer("alice", "bob", "Y", 41 * ONE))) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.do(Withdraw("alice", "Y", 40 * ONE))) is None


NO = RejectReason


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ListInstrument(instrument()), NO.DUPLICATE_SYMBOL),
        (SetTrading("?", True), NO.UNKNOWN_SYMBOL),
        (OpenAccount("alice", 0, 0), NO.DUPLICATE_ACCOUNT),
        (OpenAccount("#market", 0, 0), NO.DUPLICATE_ACCOUNT),
        (OpenAccount("", 0, 0), NO.DUPLICATE_ACCOUNT),
        (SetFees("nobody", 0, 0), NO.UNKNOWN_ACCOUNT),
        (Deposit("nobody", "X", 1), NO.UNKNOWN_ACCOUNT),
        (Deposit("#fees", "X", 1), NO.UNKNOWN_ACCOUNT),
        (Deposit("alice", "X", 0), NO.AMOUNT_NOT_POSITIVE),
        (Withdraw("nobody", "X", 1), NO.UNKNOWN_ACCOUNT),
        (Withdraw("alice", "X", -1), NO.AMOUNT_NOT_POSITIVE),
        (Withdraw("alice", "unseen", 1), NO.INSUFFICIENT_BALANCE),
        (Transfer("alice", "nobody", "X", 1), NO.UNKNOWN_ACCOUNT),
        (Transfer("nobody", "alice", "X", 1), NO.UNKNOWN_ACCOUNT),
        (Transfer("alice", "alice", "X", 1), NO.SAME_ACCOUNT),
        (Transfer("alice", "bob", "X", 0), NO.AMOUNT_NOT_POSITIVE),
    ],
    ids=lambda value: value.name if isinstance(value, RejectReason) else type(value).__name__,
)
def test_is_declined(command: Command, reason: RejectReason) -> None:
    market = book()
    assert rejection(market.do(command)) is reason
    assert market.exchange.check(command) is reason


def test_new_fees_count_from_the_next_fill() -> None:
    market = book(asks="100x10", fees=100_000)
    events = market.do(SetFees("alice", 0, 1_000_000))
    assert events == [FeesSet("alice", 0, 1_000_000)]
    assert fills(market.buy(2, 100)) == "100x2"
    free, _ = market.money("alice", "X")
    assert free == 1_000_000 * ONE + 2 * ONE - 2 * ONE // 100


def test_a_halted_market_takes_no_orders_but_cancels() -> None:
    market = book()
    order = market.rest(BUY, 1, 60)
    assert market.do(SetTrading(SYMBOL, False)) == [TradingSet(SYMBOL, False)]
    assert rejection(market.buy(1, 60)) is RejectReason.SYMBOL_NOT_TRADING
    assert rejection(market.cancel(order)) is None
    market.do(SetTrading(SYMBOL, True))
    assert rejection(market.buy(1, 60)) is None


def test_a_market_may_be_listed_halted() -> None:
    assert rejection(book(trading=False).buy(1, 60)) is RejectReason.SYMBOL_NOT_TRADING


def test_time_alone_does_nothing() -> None:
    assert book().do(AdvanceTime()) == []
