"""What the engines are given: stated mixes, from a fixed seed, made once and the same for all.

An operation is a new limit order or the cancel of a resting one. Ids run 1, 2, 3 …, so engines that
number orders themselves stay aligned. ``Reference`` is the slow, obvious book: streams are made by
playing against it, and an engine's fills and final book must equal its, or the engine's speed does
not count. It shares no line with the product.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sortedcontainers import SortedDict

Op: TypeAlias = tuple[bool, int, bool, int, int]
"""(new rather than cancel, id, buy rather than sell, price, quantity); a cancel repeats where the order rests."""
Fill: TypeAlias = tuple[int, int, int, int]
"""(taker's id, maker's id, price, quantity)."""
Book: TypeAlias = dict[tuple[bool, int], int]
"""(buy, price) -> resting quantity."""

MIDDLE: Final = 100_000
MOST_LOTS: Final = 20
REACH: Final = 100
"""How many ticks beyond the best price a marketable order's limit lies."""


@dataclass(frozen=True)
class Stream:
    """Operations to be timed, after those that only prepare the book."""

    name: str
    before: list[Op]
    ops: list[Op]

    def first(self, count: int) -> Stream:
        """A shorter stream for slow engines; the mixes are stationary, so a part shows the same cost."""
        return Stream(self.name, self.before, self.ops[:count])


@dataclass(frozen=True)
class Expected:
    """What the reference makes of a stream."""

    fills: list[Fill]
    book: Book


class Reference:
    """Price-time priority as one would explain it: per side and price, the waiting orders in their order."""

    def __init__(self) -> None:
        self._sides: dict[bool, SortedDict[int, dict[int, int]]] = {True: SortedDict(), False: SortedDict()}

    def best(self, *, buy: bool) -> int | None:
        """The best price of a side."""
        side = self._sides[buy]
        return side.peekitem(-1 if buy else 0)[0] if side else None

    def new(self, id: int, buy: bool, price: int, qty: int) -> list[Fill]:
        """Trade what crosses, rest what is left."""
        fills: list[Fill] = []
        opposite = self._sides[not buy]
        while qty and (best := self.best(buy=not buy)) is not None and (best <= price if buy else best >= price):
            waiting = opposite[best]
            maker = next(iter(waiting))
            traded = min(qty, waiting[maker])
            qty -= traded
            waiting[maker] -= traded
            if not waiting[maker]:
                self.cancel(maker, not buy, best)
            fills.append((id, maker, best, traded))
        if qty:
            self._sides[buy].setdefault(price, {})[id] = qty
        return fills

    def cancel(self, id: int, buy: bool, price: int) -> None:
        """Take an order out."""
        waiting = self._sides[buy][price]
        del waiting[id]
        if not waiting:
            del self._sides[buy][price]

    def rests(self, id: int, buy: bool, price: int) -> bool:
        """Whether it still waits there."""
        return id in self._sides[buy].get(price, ())

    def book(self) -> Book:
        """Quantity per level."""
        return {
            (buy, price): sum(waiting.values()) for buy, side in self._sides.items() for price, waiting in side.items()
        }


def expected(stream: Stream) -> Expected:
    """Play a stream against the reference."""
    reference, fills = Reference(), []
    for ops in (stream.before, stream.ops):
        for is_new, number, buy, price, qty in ops:
            if is_new:
                fills += reference.new(number, buy, price, qty)
            else:
                reference.cancel(number, buy, price)
    return Expected(fills, reference.book())


class _Author:
    """Writes a stream while playing it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.book = Reference()
        self.ops: list[Op] = []
        self._ids = 0
        self._placed: list[tuple[int, bool, int]] = []

    def cut(self) -> list[Op]:
        """The operations since the last cut."""
        ops, self.ops = self.ops, []
        return ops

    def new(self, *, buy: bool, price: int, qty: int | None = None) -> None:
        """A limit order, of 1 to 20 lots unless told."""
        self._ids += 1
        op = (True, self._ids, buy, price, qty or self.random.randint(1, MOST_LOTS))
        self.ops.append(op)
        self.book.new(*op[1:])
        self._placed.append((self._ids, buy, price))

    def cancel_any(self) -> None:
        """The cancel of a uniformly random order among those that rest."""
        placed = self._placed
        while True:
            at = self.random.randrange(len(placed))
            placed[at], placed[-1] = placed[-1], placed[at]
            order = placed.pop()
            if self.book.rests(*order):
                break
        self.ops.append((False, *order, 0))
        self.book.cancel(*order)

    def touch(self, *, buy: bool) -> int:
        """The best price of a side, or where it would be."""
        best = self.book.best(buy=buy)
        return best if best is not None else MIDDLE - 1 if buy else MIDDLE

    def seed_levels(self, levels: int, each: int) -> None:
        """So many orders on each of so many levels per side."""
        for _ in range(each):
            for distance in self.random.sample(range(1, levels + 1), levels):
                self.new(buy=True, price=MIDDLE - distance)
                self.new(buy=False, price=MIDDLE + distance)

    def add(self, levels: int) -> None:
        """An order that does not cross: half near the touch, half anywhere in the book."""
        near = self.random.random() < 0.5
        distance = int(self.random.expovariate(10 / levels)) if near else self.random.randrange(levels)
        buy = self.random.random() < 0.5
        step = -1 - distance if buy else 1 + distance
        self.new(buy=buy, price=self.touch(buy=not buy) + step)

    def take(self) -> None:
        """A marketable limit order."""
        buy = self.random.random() < 0.5
        self.new(buy=buy, price=self.touch(buy=not buy) + (REACH if buy else -REACH))


def mixed(name: str, *, levels: int, each: int, operations: int, seed: int = 1) -> Stream:
    """50 % orders that do not cross, 40 % cancels, 10 % marketable orders, shuffled; as many lots leave as come.

    While fewer orders rest than half of what the book was seeded with, cancels and takes become adds.
    """
    author = _Author(seed)
    author.seed_levels(levels, each)
    before = author.cut()
    adds, takes = operations // 2, operations // 10
    kinds = ["add"] * adds + ["take"] * takes + ["cancel"] * (operations - adds - takes)
    author.random.shuffle(kinds)
    resting, least = len(before), len(before) // 2
    for kind in kinds:
        if kind == "add" or resting < least:
            author.add(levels)
            resting += 1
        elif kind == "cancel":
            author.cancel_any()
            resting -= 1
        else:
            author.take()
            # On average a marketable order takes as many lots as one resting order has.
            resting -= 1
    return Stream(name, before, author.cut())


def deep(operations: int) -> Stream:
    """A thousand levels a side and ten thousand resting orders."""
    return mixed("deep", levels=1000, each=5, operations=operations)


def shallow(operations: int) -> Stream:
    """The same mix on 25 levels a side and a few hundred resting orders."""
    return mixed("shallow", levels=25, each=5, operations=operations)


def adds(orders: int, *, levels: int = 1000, seed: int = 2) -> Stream:
    """Resting orders only, into an empty book."""
    return Stream("add", [], _resting(_Author(seed), orders, levels))


def cancels(orders: int, *, levels: int = 1000, seed: int = 3) -> Stream:
    """Every order of a full book cancelled, in random order."""
    author = _Author(seed)
    before = _resting(author, orders, levels)
    for _ in range(orders):
        author.cancel_any()
    return Stream("cancel", before, author.cut())


def sweeps(orders: int, *, levels: int = 1000, seed: int = 4) -> Stream:
    """Large orders that take about ten makers each, until less than one more such order rests on a side."""
    author = _Author(seed)
    before = _resting(author, orders, levels)
    most = 2 * 10 * MOST_LOTS // 2
    left = {buy: sum(qty for _, _, side, _, qty in before if side is buy) for buy in (True, False)}
    buy = True
    while left[not buy] >= most:
        qty = author.random.randint(most // 2 - MOST_LOTS, most // 2 + MOST_LOTS)
        author.new(buy=buy, price=MIDDLE + (levels if buy else -levels), qty=qty)
        left[not buy] -= qty
        buy = not buy
    return Stream("sweep", before, author.cut())


def _resting(author: _Author, orders: int, levels: int) -> list[Op]:
    for _ in range(orders):
        buy = author.random.random() < 0.5
        distance = 1 + author.random.randrange(levels)
        author.new(buy=buy, price=MIDDLE - distance if buy else MIDDLE + distance)
    return author.cut()


def engine_streams(*, operations: int, orders: int) -> Iterable[Stream]:
    """All of them."""
    return deep(operations), shallow(operations), adds(orders), cancels(orders), sweeps(orders)
