"""The digest changes with everything that matters and with nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.core.commands import AdvanceTime, Deposit, OpenAccount, SetFees, SetTrading
from simulator.core.digest import digest
from tests.builders import BUY, SELL, SYMBOL, Play, book


def play() -> Play:
    made = book(bids="98x4", asks="101x2")
    made.rest(BUY, 3, 98)
    return made


CHANGES: dict[str, Callable[[Play], object]] = {
    "an order rests": lambda m: m.buy(1, 97),
    "an order is cancelled": lambda m: m.cancel_open(),
    "lots are taken from the mirror": lambda m: m.buy(1, 101, by="bob"),
    "the mirror moves": lambda m: m.change(bids="98x5"),
    "the mirror is stale": lambda m: m.invalidate(),
    "a trade moves the queue": lambda m: m.trade(SELL, 1, 98),
    "money comes in": lambda m: m.do(Deposit("bob", "Q", 1)),
    "fees change": lambda m: m.do(SetFees("bob", 1, 2)),
    "a market halts": lambda m: m.do(SetTrading(SYMBOL, False)),
    "an account opens": lambda m: m.do(OpenAccount("dave", 0, 0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_changes_when(change: Callable[[Play], object]) -> None:
    market = play()
    before = digest(market.exchange.state)
    change(market)
    assert digest(market.exchange.state) != before


def test_the_same_story_has_the_same_digest_and_time_is_left_out() -> None:
    one, other = play(), play()
    other.do(AdvanceTime())
    assert digest(one.exchange.state) == digest(other.exchange.state)


def test_looking_at_a_balance_leaves_no_trace() -> None:
    market = play()
    before = digest(market.exchange.state)
    market.money("carol", "nothing of this kind")
    assert digest(market.exchange.state) == before
