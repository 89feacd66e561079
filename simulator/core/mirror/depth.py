"""The mirrored levels of the outside market, less what our clients took from them.

**How long what we took stays taken** (the "residual"): the venue sends whole books, so a level that
we emptied comes again with the next frame although, to us, it is gone. We apply the *difference*
between two real books to what is left: a level shown as 5, of which 5 were taken, offers nothing
while the market repeats 5, offers 2 when it shows 7, and everything again once it has vanished and
come back. So no displayed lot is traded twice. The alternatives (forget at once: the same lot can be
taken ten times a second; never forget: a busy level is dead for us for ever) are worse in both
directions; what would change our mind is a recording with our own real orders in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sortedcontainers import SortedDict

from simulator.core.orders import BUY, Side
from simulator.core.units import Lots, Ticks


class MirrorSide:
    """One side of the outside book. Keys as in BookSide: the smallest is the best."""

    __slots__ = ("best_key", "sign", "size_at", "taken_at", "worst_key")

    def __init__(self, side: Side) -> None:
        self.sign = -side.sign
        self.size_at: SortedDict[int, Lots] = SortedDict()
        self.taken_at: dict[int, Lots] = {}
        self.best_key: int | None = None
        self.worst_key: int | None = None

    def available(self, key: int) -> Lots:
        """What is shown at a key and not taken."""
        size: Lots = self.size_at.get(key, 0)
        return size - self.taken_at.get(key, 0) if size else 0

    def take(self, key: int, qty: Lots) -> None:
        """Our client traded ``qty`` of it."""
        self.taken_at[key] = self.taken_at.get(key, 0) + qty
        assert self.taken_at[key] <= self.size_at[key]
        self._find_best()

    def set(self, price: Ticks, size: Lots) -> tuple[Lots, Lots]:
        """The market shows ``size`` at a price; returns what was available before and is now."""
        key = self.sign * price
        before = self.available(key)
        if not size:
            if key in self.size_at:
                del self.size_at[key]
                self.taken_at.pop(key, None)
                self._find_edges(key)
            return before, 0
        fresh = key not in self.size_at
        self.size_at[key] = size
        taken = self.taken_at.get(key)
        if taken is not None:
            self.taken_at[key] = min(taken, size)
        if fresh and (self.worst_key is None or key > self.worst_key):
            self.worst_key = key
        after = self.available(key)
        best = self.best_key
        if after and (best is None or key < best):
            self.best_key = key
        elif key == best and not after:
            self._find_best()
        return before, after

    def levels(self) -> Iterator[tuple[int, Lots]]:
        """Keys and what is available there, best first."""
        taken = self.taken_at
        if not taken:
            yield from self.size_at.items()
            return
        for key, size in self.size_at.items():
            left = size - taken.get(key, 0)
            if left:
                yield key, left

    def sees(self, price: Ticks) -> bool:
        """Whether a price lies within the part of the book that the market shows."""
        return self.worst_key is None or self.sign * price <= self.worst_key

    def clear(self) -> None:
        """The market shows nothing, and nothing is remembered."""
        self.size_at.clear()
        self.taken_at.clear()
        self.best_key = self.worst_key = None

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
        assert all(0 <= taken <= self.size_at[key] for key, taken in self.taken_at.items())
        assert self.best_key == next((key for key, _ in self.levels()), None)
        assert self.worst_key == (self.size_at.peekitem(-1)[0] if self.size_at else None)


class MirrorBook:
    """Both sides, the time of the last book, and whether it may be traded against."""

    __slots__ = ("asks", "bids", "stale", "ts")

    def __init__(self) -> None:
        self.bids = MirrorSide(Side.BUY)
        self.asks = MirrorSide(Side.SELL)
        self.ts = 0
        self.stale = False

    def side(self, side: Side) -> MirrorSide:
        """The mirrored orders of this side."""
        return self.bids if side is BUY else self.asks

    def check(self) -> None:
        """Assert every invariant; for tests."""
        self.bids.check()
        self.asks.check()
