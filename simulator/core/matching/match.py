"""A taker against everything that can be traded with: own resting orders and the mirrored market.

Both are offered in price order. **At an equal price the queue decides**: a resting order has ``ahead``
mirrored lots in front of it; the taker gets those first, then the order, then the mirrored lots that
came later. Among themselves, own orders trade strictly by time. The other choices seen (own orders
always first, mirror always first) each let one kind of order jump a queue that it really stands in.

A taker moves quantities, never money: what is returned is settled by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol, TypeAlias

from simulator.core.matching.book import BookSide
from simulator.core.orders import EXPIRE_TAKER, Order
from simulator.core.units import Lots, Ticks

NO_LIMIT: Final = 2**62


class Outside(Protocol):
    """One side of the mirrored market, keyed like a BookSide."""

    best_key: int | None

    def available(self, key: int) -> Lots:
        """What can still be taken at this key."""
        ...

    def levels(self) -> Iterator[tuple[int, Lots]]:
        """Keys and what can be taken there, best first."""
        ...

    def take(self, key: int, qty: Lots) -> None:
        """Take it."""
        ...


Offer: TypeAlias = tuple[int, Order | None, Lots]
"""A key, the order that offers (None: the outside market) and how much."""

Match: TypeAlias = tuple[Order | None, Ticks, Lots]
"""A maker (None: the outside market), a price and a quantity."""


class Outcome(NamedTuple):
    """Matches in their order, makers expired by self-trade prevention, and whether the taker was."""

    matches: list[Match]
    expired: list[Order]
    taker_expired: bool


def match(taker: Order, makers: BookSide, outside: Outside, limit: int, budget: int) -> Outcome:
    """Trade ``taker.leaves`` down to ``limit`` (a key) for at most ``budget`` (ticks x lots)."""
    matches: list[Match] = []
    expired: list[Order] = []
    sign = makers.sign
    while taker.leaves and (offer := best_offer(makers, outside)):
        key, maker, qty = offer
        if key > limit:
            break
        if maker is not None and maker.account == taker.account:
            if taker.stp is EXPIRE_TAKER:
                return Outcome(matches, expired, True)
            makers.remove(maker)
            expired.append(maker)
            continue
        price = key * sign
        qty = min(qty, taker.leaves)
        if qty * price > budget:
            qty = budget // price
            if not qty:
                break
        budget -= qty * price
        taker.leaves -= qty
        if maker is None:
            take_outside(makers, outside, key, qty)
        else:
            take_order(makers, maker, qty)
        matches.append((maker, price, qty))
    return Outcome(matches, expired, False)


def best_offer(makers: BookSide, outside: Outside) -> Offer | None:
    """What a taker meets next."""
    level, key = makers.best, outside.best_key
    if level is None or (key is not None and key < level.key):
        return None if key is None else (key, None, outside.available(key))
    order = level.head
    assert order is not None
    if key == level.key and order.ahead:
        return key, None, min(order.ahead, outside.available(key))
    return level.key, order, order.leaves


def take_order(makers: BookSide, maker: Order, qty: Lots) -> None:
    """Trade part or all of a resting order."""
    level = maker.level
    assert level is not None
    level.qty -= qty
    maker.leaves -= qty
    if not maker.leaves:
        makers.remove(maker)


def take_outside(makers: BookSide, outside: Outside, key: int, qty: Lots) -> None:
    """Trade mirrored lots from the front of their queue; own orders behind them move up."""
    outside.take(key, qty)
    level = makers.levels.get(key)
    if level is not None:
        level.advance(qty)


def foresee(taker: Order, makers: BookSide, outside: Outside, limit: int, budget: int) -> tuple[Outcome, int | None]:
    """What ``match`` would do, without doing it, and the key of what the taker would meet next.

    For fill-or-kill orders, which must know before they trade. Slower than ``match``: it walks copies.
    """
    matches: list[Match] = []
    expired: list[Order] = []
    left = taker.leaves
    for key, maker, offered in offers(makers, outside):
        if not left or key > limit:
            return Outcome(matches, expired, False), key
        if maker is not None and maker.account == taker.account:
            if taker.stp is EXPIRE_TAKER:
                return Outcome(matches, expired, True), key
            expired.append(maker)
            continue
        price = key * makers.sign
        qty = min(offered, left, budget // price)
        if qty:
            matches.append((maker, price, qty))
            left -= qty
            budget -= qty * price
        if qty < offered:
            return Outcome(matches, expired, False), key
    return Outcome(matches, expired, False), None


def offers(makers: BookSide, outside: Outside) -> Iterator[Offer]:
    """Everything on one side in the order in which a taker meets it."""
    mirrored = outside.levels()
    displayed = next(mirrored, None)
    for level in makers:
        while displayed is not None and displayed[0] < level.key:
            yield displayed[0], None, displayed[1]
            displayed = next(mirrored, None)
        there = 0
        if displayed is not None and displayed[0] == level.key:
            there = displayed[1]
            displayed = next(mirrored, None)
        passed = 0
        for order in level:
            front = min(order.ahead or 0, there)
            if front > passed:
                yield level.key, None, front - passed
                passed = front
            yield level.key, order, order.leaves
        if there > passed:
            yield level.key, None, there - passed
    while displayed is not None:
        yield displayed[0], None, displayed[1]
        displayed = next(mirrored, None)
