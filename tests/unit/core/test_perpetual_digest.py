"""The digest changes with everything that matters to perpetuals, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.core.commands import AdjustMargin, CancelStops, Exit, SetFunding
from simulator.core.digest import digest
from simulator.core.units import ONE, PRICE_ONE
from tests.builders import BUY, ISOLATED, LONG, OPEN, PERPETUAL, SHORT, Futures, futures


def play() -> Futures:
    market = futures("99x9", "100x9")
    market.isolate()
    market.open(LONG, 3, 100)
    market.stop(BUY, OPEN, 1, 120)
    return market


CHANGES: dict[str, Callable[[Futures], object]] = {
    "a position grows": lambda m: m.open(LONG, 1),
    "the other side opens": lambda m: m.open(SHORT, 1),
    "a closing order rests": lambda m: m.close(LONG, 1, 110),
    "the mark moves": lambda m: m.mark(101, 100),
    "the index moves": lambda m: m.mark(100, 101),
    "the mark comes near the end": lambda m: m.mark(96, 100),
    "another leverage": lambda m: m.leverage(5, "bob"),
    "another mode": lambda m: m.isolate("bob"),
    "margin is added": lambda m: m.do(AdjustMargin("alice", PERPETUAL, LONG, ONE)),
    "funding is set": lambda m: m.do(SetFunding(PERPETUAL, 1, 10**18)),
    "a stop is placed": lambda m: m.stop(BUY, OPEN, 1, 120),
    "a stop is cancelled": lambda m: m.do(CancelStops("alice")),
    "an exit is set": lambda m: m.exits(LONG, Exit(110)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_changes_when(change: Callable[[Futures], object]) -> None:
    market = play()
    before = digest(market.exchange.state)
    change(market)
    assert digest(market.exchange.state) != before


def test_looking_at_a_seat_leaves_no_trace() -> None:
    market = play()
    before = digest(market.exchange.state)
    assert market.position(LONG, "carol").lots == 0
    assert digest(market.exchange.state) == before
    assert market.exchange.state.perpetuals[PERPETUAL].seat("alice").mode is ISOLATED
    assert market.exchange.state.perpetuals[PERPETUAL].last == 100 * PRICE_ONE
