"""Resting orders in price-time priority.

Prices are kept as *keys*, price x sign of the other side, so that on both sides the smallest key is
the best price. A level is a doubly linked list of orders: joining, leaving and taking the oldest cost
the same whether ten or a hundred thousand wait. The best level is remembered, so the sorted container
is touched only when a level appears or disappears (measured: a third faster than asking it each time).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sortedcontainers import SortedDict

from simulator.core.orders import BUY, Order, Side
from simulator.core.units import Lots, Ticks


class Level:
    """The orders at one price, oldest first."""

    __slots__ = ("head", "key", "price", "qty", "tail")

    def __init__(self, key: int, price: Ticks) -> None:
        self.key = key
        self.price = price
        self.qty: Lots = 0
        self.head: Order | None = None
        self.tail: Order | None = None

    def __getstate__(self) -> tuple[int, Ticks, Lots, list[Order]]:
        """For pickle: its orders in a row, however many."""
        return self.key, self.price, self.qty, list(self)

    def __setstate__(self, state: tuple[int, Ticks, Lots, list[Order]]) -> None:
        self.key, self.price, self.qty, orders = state
        self.head, self.tail = orders[0], orders[-1]
        for order in orders:
            order.level = self
        for older, newer in pairwise(orders):
            older.next, newer.prev = newer, older

    def __iter__(self) -> Iterator[Order]:
        order = self.head
        while order is not None:
            following = order.next
            yield order
            order = following

    def advance(self, qty: Lots) -> None:
        """So many mirrored lots left the front of the queue: everybody behind them moves up."""
        for order in self:
            if order.ahead:
                order.ahead = max(0, order.ahead - qty)


class BookSide:
    """One side of the book: best price first, oldest order first at a price."""

    __slots__ = ("best", "levels", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = -side.sign  # bids: highest price first; asks: lowest first
        self.levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None

    def add(self, order: Order, price: Ticks) -> None:
        """Put an order behind all others at its price."""
        key = self.sign * price
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level(key, price)
            best = self.best
            if best is None or key < best.key:
                self.best = level
        tail = level.tail
        if tail is None:
            level.head = order
        else:
            tail.next = order
            order.prev = tail
        level.tail = order
        level.qty += order.leaves
        order.level = level

    def remove(self, order: Order) -> None:
        """Take an order out; its links are broken, so that nothing is left for the garbage collector."""
        level = order.level
        assert level is not None
        before, after = order.prev, order.next
        if before is None:
            level.head = after
        else:
            before.next = after
            order.prev = None
        if after is None:
            level.tail = before
        else:
            after.prev = before
            order.next = None
        order.level = None
        level.qty -= order.leaves
        if level.head is None:
            levels = self.levels
            del levels[level.key]
            if level is self.best:
                self.best = levels.peekitem(0)[1] if levels else None

    def let_go(self) -> None:
        """Break all links, at the end of the whole book: the garbage collector does not look into orders."""
        for level in self.levels.values():
            for order in level:
                order.level = order.prev = order.next = None

    def level_at(self, price: Ticks) -> Level | None:
        """The level of one price, if anybody rests there."""
        return self.levels.get(self.sign * price)

    def __iter__(self) -> Iterator[Level]:
        return map(self.levels.__getitem__, self.levels)

    def check(self) -> None:
        """Assert every invariant; for tests."""
        assert self.best is (self.levels.peekitem(0)[1] if self.levels else None)
        for key, level in self.levels.items():
            orders = list(level)
            assert orders and level.key == key and level.price * self.sign == key
            assert level.head is orders[0] and level.tail is orders[-1]
            assert level.qty == sum(order.leaves for order in orders)
            for older, newer in pairwise(orders):
                assert older.next is newer and newer.prev is older and older.id < newer.id
            for order in orders:
                assert order.level is level and order.price == level.price and order.leaves > 0


class OrderBook:
    """Both sides."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(Side.BUY)
        self.asks = BookSide(Side.SELL)

    def side(self, side: Side) -> BookSide:
        """Where orders of this side rest."""
        return self.bids if side is BUY else self.asks

    def let_go(self) -> None:
        """Nobody will use it any more."""
        self.bids.let_go()
        self.asks.let_go()

    def check(self) -> None:
        """Assert every invariant; for tests."""
        self.bids.check()
        self.asks.check()
        if self.bids.best and self.asks.best:
            assert self.bids.best.price < self.asks.best.price, "crossed"
