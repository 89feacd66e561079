"""Postings always sum to zero."""

from __future__ import annotations

import pytest

from simulator.core.accounts.ledger import HOUSE, OUTSIDE, Ledger


def funded() -> Ledger:
    ledger = Ledger()
    ledger.open("alice")
    ledger.transfer(OUTSIDE, "alice", "X", 10)
    return ledger


def test_a_transfer_moves_both_sides_at_once() -> None:
    ledger = funded()
    assert (ledger.balance("alice", "X").free, ledger.balance(OUTSIDE, "X").free) == (10, -10)
    ledger.check()


def test_a_hold_moves_nothing_between_accounts() -> None:
    balance = funded().balance("alice", "X")
    balance.free -= 4
    balance.held += 4
    assert (balance.free, balance.held, balance.total) == (6, 4, 10)


def test_reading_an_unknown_balance_makes_an_empty_one() -> None:
    ledger = funded()
    assert ledger.balance("alice", "Z").total == 0
    assert set(ledger.of("alice")) == {"X", "Z"}
    with pytest.raises(KeyError):
        ledger.balance("nobody", "X")


def test_house_accounts_exist_and_may_be_negative() -> None:
    ledger = funded()
    assert all(ledger.of(name) is not None for name in HOUSE)
    ledger.check()


def test_check_sees_money_out_of_nothing() -> None:
    ledger = funded()
    ledger.balance("alice", "X").free += 1
    with pytest.raises(AssertionError):
        ledger.check()


def test_check_sees_a_customer_below_zero() -> None:
    ledger = funded()
    ledger.transfer("alice", OUTSIDE, "X", 11)
    with pytest.raises(AssertionError):
        ledger.check()
    held = funded()
    held.balance("alice", "X").held -= 1
    with pytest.raises(AssertionError):
        held.check()
