"""The mirrored levels of the outside market, less what our clients took from them.

How long what we took stays taken is a choice, the *residual*: see ``residual.py``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from sortedcontainers import SortedDict

from simulator.core.mirror.residual import Difference, ResidualModel
from simulator.core.orders import BUY, Side
from simulator.core.units import Lots, Nanos, Ticks

Shown: TypeAlias = Sequence[tuple[Ticks, Lots]]
"""Prices and the sizes that the market shows there."""

TOUCHES_KEPT: Final = 200
"""More than there are between two pushes of a market that is told ten times a second."""

_overwrite: Callable[[Any, int, Lots], None] = dict.__setitem__
"""For keys that are there: SortedDict would ask whether a key is new, in four times the time."""


class MirrorSide:
    """One side of the outside book. Keys as in BookSide: the smallest is the best.

    ``touches`` counts changes, so that a reader need not compare whole books: see ``touched_since``.
    ``taken_at`` may say more than a level shows; then it offers nothing.
    """

    __slots__ = ("_touched", "best_key", "residual", "sign", "size_at", "taken_at", "touches", "worst_key")

    def __init__(self, side: Side) -> None:
        self.sign = -side.sign
        self.size_at: SortedDict[int, Lots] = SortedDict()
        self.taken_at: dict[int, Lots] = {}
        self.best_key: int | None = None
        self.worst_key: int | None = None
        self.residual: ResidualModel = Difference()
        self.touches = 0
        self._touched: deque[Shown] = deque(maxlen=TOUCHES_KEPT)

    def touched_since(self, touches: int) -> set[int] | None:
        """The keys at which something changed since there were so many touches; None: too many to know."""
        new = self.touches - touches
        if new > TOUCHES_KEPT:
            return None
        return {self.sign * price for levels in islice(reversed(self._touched), new) for price, _ in levels}

    def _touch(self, levels: Shown) -> None:
        self.touches += 1
        self._touched.append(levels)

    def available(self, key: int) -> Lots:
        """What is shown at a key and not taken."""
        size: Lots = self.size_at.get(key, 0)
        taken = self.taken_at.get(key, 0)
        return size - taken if size > taken else 0

    def take(self, key: int, qty: Lots) -> None:
        """Our client traded ``qty`` of it."""
        taken = self.taken_at[key] = self.taken_at.get(key, 0) + qty
        assert taken <= self.size_at[key]
        self._touch([(key * self.sign, 0)])
        self._find_best()

    def told(self) -> None:
        """The market told another book; ``show`` and ``set`` say how it differs."""
        if not self.taken_at:
            return
        fresh = []
        for key, taken in list(self.taken_at.items()):
            left = self.residual.repeated(taken)
            if left != taken:
                self._take_back(key, left)
                fresh.append((key * self.sign, self.size_at[key]))
        if fresh:
            self._touch(fresh)
            self._find_best()

    def _take_back(self, key: int, taken: Lots) -> None:
        """So many lots still count as taken."""
        if taken:
            self.taken_at[key] = taken
        else:
            del self.taken_at[key]

    def show(self, levels: Shown) -> None:
        """``set`` for many levels. Most are there already and stay: only their sizes change."""
        sign, sizes, taken = self.sign, self.size_at, self.taken_at
        for price, size in levels:
            key = sign * price
            if size and key in sizes and key not in taken:
                _overwrite(sizes, key, size)
            else:
                self._set(key, size)
        self._touch(levels)

    def set(self, price: Ticks, size: Lots) -> tuple[Lots, Lots]:
        """The market shows ``size`` at a price; returns what was available before and is now."""
        key = self.sign * price
        before = self.available(key)
        self._set(key, size)
        self._touch([(price, size)])
        return before, self.available(key)

    def _set(self, key: int, size: Lots) -> None:
        sizes, taken = self.size_at, self.taken_at
        if not size:
            if key in sizes:
                del sizes[key]
                taken.pop(key, None)
                self._find_edges(key)
            return
        if key in taken:
            self._take_back(key, self.residual.resized(taken[key], sizes[key], size))
        if key in sizes:
            _overwrite(sizes, key, size)
        else:
            sizes[key] = size
            if self.worst_key is None or key > self.worst_key:
                self.worst_key = key
        best = self.best_key
        if best is None or key <= best:
            if self.available(key):
                self.best_key = key
            elif key == best:
                self._find_best()

    def levels(self) -> Iterator[tuple[int, Lots]]:
        """Keys and what is available there, best first."""
        taken = self.taken_at
        if not taken:
            yield from self.size_at.items()
            return
        for key, size in self.size_at.items():
            left = size - taken.get(key, 0)
            if left > 0:
                yield key, left

    def sees(self, price: Ticks) -> bool:
        """Whether a price lies within the part of the book that the market shows."""
        return self.worst_key is None or self.sign * price <= self.worst_key

    def _find_edges(self, gone: int) -> None:
        if gone == self.worst_key:
            self.worst_key = self.size_at.peekitem(-1)[0] if self.size_at else None
        if gone == self.best_key:
            self._find_best()

    def _find_best(self) -> None:
        self.best_key = next((key for key, _ in self.levels()), None)

    def check(self) -> None:
        """Assert every invariant; for tests."""
        assert all(size > 0 for size in self.size_at.values())
        assert all(taken > 0 and key in self.size_at for key, taken in self.taken_at.items())
        assert self.best_key == next((key for key, _ in self.levels()), None)
        assert self.worst_key == (self.size_at.peekitem(-1)[0] if self.size_at else None)


class MirrorBook:
    """Both sides, time and id of the last book, and whether it may be traded against."""

    __slots__ = ("asks", "bids", "message", "stale", "stale_since", "ts")

    def __init__(self) -> None:
        self.bids = MirrorSide(Side.BUY)
        self.asks = MirrorSide(Side.SELL)
        self.ts = 0
        self.message = ""
        self.stale = False
        self.stale_since: Nanos = 0

    def become_stale(self, now: Nanos) -> None:
        """Nothing may be traded against any more; ``stale_since`` stays until the next time."""
        if not self.stale:
            self.stale, self.stale_since = True, now

    def side(self, side: Side) -> MirrorSide:
        """The mirrored orders of this side."""
        return self.bids if side is BUY else self.asks

    @property
    def residual(self) -> ResidualModel:
        """What happens to what was taken."""
        return self.bids.residual

    def follow(self, model: ResidualModel) -> None:
        """Another answer to that."""
        self.bids.residual = self.asks.residual = model

    def told(self) -> None:
        """The market told another book."""
        self.bids.told()
        self.asks.told()

    def check(self) -> None:
        """Assert every invariant; for tests."""
        self.bids.check()
        self.asks.check()
