"""One symbol's book on the way from another venue to HashKey's steps. Exact, and never better than it was.

**Rounding.** Sizes are rounded down: nobody can take what was not there. A level between two ticks moves
away from the other side (bids down, asks up), so a taker never pays less, and a book that was not crossed
cannot become so; what falls on one tick is added up. A trade between two ticks moves the other way (of a
buyer down, of a seller up), so it reaches no resting order that it did not reach.
"""

from __future__ import annotations

from itertools import islice
from typing import Final, TypeAlias

from sortedcontainers import SortedDict

from simulator.core.orders import Side
from simulator.core.units import Grid, Lots, Money, NotANumber, OffGrid, Ticks, money
from simulator.replay.neutral import Diff, Pairs, Snapshot

ShownSide: TypeAlias = tuple[tuple[str, str], ...]
Shown: TypeAlias = tuple[ShownSide, ShownSide]
"""Best bids and best asks as texts."""

MOST_LEVELS: Final = 200
"""HashKey WebSocket 1.4: up to 200 levels a side."""
_MEMO_LIMIT: Final = 100_000


class Steps:
    """A symbol's price and size steps, and the steps in which its sizes are written.

    Of spot these are the lots themselves; a contract is 0.001 of the base asset, written as 1.
    """

    def __init__(self, *, tick: str, lot: str, written: str) -> None:
        self.price = Grid(tick)
        self._lot = Grid(lot)
        self._written = Grid(written)
        self._floors: dict[str, Lots] = {}

    def size(self, text: str) -> Lots:
        """Whole lots, rounded down."""
        lots = self._floors.get(text)
        if lots is None:
            lots = self._lot.floor(_amount(text))
            if len(self._floors) >= _MEMO_LIMIT:
                self._floors.clear()
            self._floors[text] = lots
        return lots

    def size_text(self, lots: Lots) -> str:
        """As the venue writes it."""
        return self._written.text(lots)

    def level(self, text: str, side: Side) -> Ticks:
        """A level's price, rounded away from the other side."""
        return self._rounded(text, up=side is Side.SELL)

    def trade(self, text: str, taker: Side) -> Ticks:
        """A trade's price, rounded towards the other side."""
        return self._rounded(text, up=taker is Side.SELL)

    def _rounded(self, text: str, *, up: bool) -> Ticks:
        try:
            ticks = self.price.parse(text)
        except OffGrid:
            return self.price.floor(_amount(text)) + up
        if ticks < 0:
            raise NotANumber(text)
        return ticks


def _amount(text: str) -> Money:
    amount = money(text)
    if amount < 0:
        raise NotANumber(text)
    return amount


class Levels:
    """One side: the other venue's levels by their own texts, and what they are on our steps."""

    def __init__(self, side: Side, steps: Steps) -> None:
        self._side = side
        self._steps = steps
        self._at: dict[str, tuple[int, Lots]] = {}
        self._total: SortedDict[int, Lots] = SortedDict()

    def clear(self) -> None:
        """Nothing is there."""
        self._at.clear()
        self._total.clear()

    def set(self, price: str, size: str) -> None:
        """A level's new size; 0 removes it."""
        key, before = self._at.pop(price, (None, 0))
        if key is None:
            key = -self._side.sign * self._steps.level(price, self._side)
        lots = self._steps.size(size)
        if lots:
            self._at[price] = key, lots
        total = self._total.get(key, 0) + lots - before
        if total and key:  # a bid below the smallest price is no bid
            self._total[key] = total
        else:
            self._total.pop(key, None)

    @property
    def best(self) -> int | None:
        """The best price as a key: the smaller the better."""
        return self._total.peekitem(0)[0] if self._total else None

    def shown(self) -> ShownSide:
        """The best levels as texts."""
        price, size = self._steps.price.text, self._steps.size_text
        return tuple((price(abs(key)), size(lots)) for key, lots in islice(self._total.items(), MOST_LEVELS))


class Gap(ValueError):
    """Changes are missing, so nobody knows the book."""


class Book:
    """Both sides, and the number of the last change in them."""

    def __init__(self, steps: Steps) -> None:
        self._sides = (Levels(Side.BUY, steps), Levels(Side.SELL, steps))
        self._fresh = False
        self.update: int | None = None

    def replace(self, snapshot: Snapshot) -> None:
        """A whole book."""
        for side in self._sides:
            side.clear()
        self._set(snapshot.bids, snapshot.asks)
        self.update, self._fresh = snapshot.u, True

    def change(self, diff: Diff) -> None:
        """Some levels; Gap when this change does not follow the last one."""
        if self.update is None:
            raise Gap("changes come before the whole book")
        if not self._follows(diff, self.update):
            raise Gap(f"changes are missing: updates {diff.first} to {diff.u} come after {self.update}")
        self._set(diff.bids, diff.asks)
        self.update, self._fresh = diff.u, False

    def _follows(self, diff: Diff, last: int) -> bool:
        if self._fresh and diff.first <= last + 1 and diff.u >= last:
            return True  # the first changes after a whole book may have begun before it
        return diff.first == last + 1 if diff.pu is None else diff.pu == last

    def _set(self, bids: Pairs, asks: Pairs) -> None:
        for side, levels in zip(self._sides, (bids, asks), strict=True):
            for price, size in levels:
                side.set(price, size)

    @property
    def can_be_shown(self) -> bool:
        """Not empty and not crossed."""
        bid, ask = self._sides[0].best, self._sides[1].best
        if bid is None or ask is None:
            return bid != ask
        return -bid < ask

    def shown(self) -> Shown:
        """Best bids and best asks as texts."""
        return self._sides[0].shown(), self._sides[1].shown()
