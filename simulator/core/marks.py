"""The mark price by rule: what we reckon when nobody tells it.

HashKey REST 2.11: the median of (1) index x (1 + funding rate x hours to funding / 8), (2) index + the moving average,
over 5 minutes, of mid - index sampled every 5 s, (3) the last traded price; a new mark each whole second.

As far as our data allow: the **index** is the mid of the spot market of the same name where it is listed here, else
the perpetual's own mid (then (2) is the mid). A mid that has only one side, or none, is the last traded price.
A sample is taken with the first move of the market in each 5 s; who has not traded yet has (2) for (3). Everything
is cut to 10^-8.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from simulator.core.accounts.funding import INTERVAL, Funding
from simulator.core.market import Market
from simulator.core.orders import BUY, SELL
from simulator.core.units import FUNDING_ONE, NANOS_PER_SECOND, Nanos, Price

SECOND: Final[Nanos] = NANOS_PER_SECOND
SAMPLE: Final[Nanos] = 5 * NANOS_PER_SECOND
WINDOW: Final = 60
"""Samples in 5 minutes."""


def mid(market: Market) -> Price | None:
    """The middle of the spread of the composite book, else the last traded price."""
    bid, ask, tick = market.best(BUY), market.best(SELL), market.instrument.tick_price
    if bid is not None and ask is not None:
        return (bid + ask) * tick // 2
    return None if market.last is None else market.last * tick


class Basis:
    """The moving average of mid - index, and in which second the last mark was reckoned."""

    __slots__ = ("_samples", "_sum", "second")

    def __init__(self) -> None:
        self._samples: deque[tuple[int, Price]] = deque()
        self._sum: Price = 0
        self.second = -1

    def average(self, now: Nanos, basis: Price) -> Price:
        """With this sample, if it is time for one."""
        slot = now // SAMPLE
        samples = self._samples
        if not samples or samples[-1][0] < slot:
            samples.append((slot, basis))
            self._sum += basis
        while samples[0][0] <= slot - WINDOW:
            self._sum -= samples.popleft()[1]
        return self._sum // len(samples)

    def clear(self) -> None:
        """Begin again."""
        self._samples.clear()
        self._sum = 0
        self.second = -1

    def __str__(self) -> str:
        return f"{self.second} {self._sum} {len(self._samples)}"


def fair(index: Price, funding: Funding | None, now: Nanos) -> Price:
    """(1): the index and the funding that is still to come."""
    if funding is None:
        return index
    left = max(0, funding.settle_time - now)
    return index + index * funding.rate * left // (FUNDING_ONE * INTERVAL)


def median(one: Price, two: Price, three: Price) -> Price:
    """The middle one."""
    return sorted((one, two, three))[1]
