"""Margins that run out are told in the log, and nothing else is."""

from __future__ import annotations

import logging

import pytest

from simulator.core.events import AccountOpened, DeficitCovered, Event, MarginWarning, PositionLiquidated
from simulator.core.orders import PositionSide
from simulator.core.units import ONE, PRICE_ONE
from simulator.runtime import margin_log

LONG = PositionSide.LONG
TAKEN = PositionLiquidated("a", "P", LONG, 5, 0, 90 * PRICE_ONE, 0, 91 * PRICE_ONE, 1, 2)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            MarginWarning("a", "USDT", None, None, 5 * ONE, 4 * ONE),
            "a: 5 USDT stand behind its cross positions, which need 4",
        ),
        (
            MarginWarning("a", "USDT", "P", LONG, 5 * ONE, 4 * ONE),
            "a: 5 USDT stand behind its LONG position in P, which need 4",
        ),
        (TAKEN, "a: its LONG position of 5 in P was taken over at 90, marked 91"),
        (DeficitCovered("a", "USDT", 3 * ONE), "a: the insurance fund paid 3 USDT that it owed"),
    ],
)
def test_each_has_a_line(caplog: pytest.LogCaptureFixture, event: Event, line: str) -> None:
    with caplog.at_level(logging.WARNING):
        margin_log.on_events(0, [AccountOpened("b"), event])
    assert caplog.messages == [line]
