"""Funding: what longs and shorts pay each other at the venue's times.

HashKey REST 2.13 and 2.15: mark value x rate, longs pay shorts when the rate is positive, charged to
positions open at the instant, every eight hours; the venue takes no part. Exact: see ``units.py``.

A rate that nobody renews stays as it is, and the next settlement is eight hours after the last.
"""

from __future__ import annotations

from typing import Final

from simulator.core.units import FUNDING_ONE, NANOS_PER_SECOND, Money, Nanos

INTERVAL: Final[Nanos] = 8 * 3600 * NANOS_PER_SECOND
"""HashKey REST 2.14: settlements at 00:00, 08:00 and 16:00 UTC."""


class Funding:
    """The rate (10^-18) and the time of the next settlement."""

    __slots__ = ("rate", "settle_time")

    def __init__(self, rate: int, settle_time: Nanos) -> None:
        self.rate = rate
        self.settle_time = settle_time

    def received(self, value: Money, sign: int) -> Money:
        """What a position of this worth gets; negative: it pays."""
        return -sign * value * self.rate // FUNDING_ONE

    def passed(self) -> None:
        """It has been settled."""
        self.settle_time += INTERVAL
