"""A trade or a level change of the outside market → what reaches our resting orders.

**A trade** brings a flow of ``qty`` towards our side at its price. Orders of ours at a better price
would have been met first, so the flow fills them whatever stood before them (traded *through*). At
the price itself it first eats what is ahead of each order in the queue. The flow is one budget: what
one order got, the next does not, and only the rest is printed as the market's own.

**A level change** never fills by itself: a level that vanishes may have been cancelled. It moves
orders forward by what trades do not explain, as the queue model says.

**Trades and depth come on different streams**, so one traded lot may be told twice: as a trade, and
as a smaller level. The venue's own times decide. A trade newer than the last book explains shrinking
that the next book will show (``Prints``). A trade older than a book is already in it; if books moved an
order forward, the order keeps that much as ``credits`` (the book's time, lots), and a late trade uses up
those of the books that include it before it moves the order again. Credits are kept for as long as a
trade may be late. A trade older than the order itself does not touch it.

**The book comes to or through our price**: a real ask at or below our bid would have traded with us on
arrival. We fill at our price, as maker, up to what is displayed, which then counts as taken.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from simulator.core.events import FillCause
from simulator.core.mirror.queue_position import QueueModel
from simulator.core.orders import Order
from simulator.core.units import NANOS_PER_SECOND, Lots, Nanos

LATEST_TRADE: Final = 10 * NANOS_PER_SECOND
"""How much later than a book that includes it a trade may still be told."""

ALL_OF_IT: Final[Lots] = 2**62
"""A credit that no trade uses up."""

OwnLevels: TypeAlias = Iterable[tuple[int, Iterable[Order]]]
"""Keys and resting orders, best price first, oldest first."""


class Reached(NamedTuple):
    """So much of a flow reached this order, before which ``ahead`` stood until then."""

    order: Order
    qty: Lots
    cause: FillCause
    ahead: Lots | None


class Flow(NamedTuple):
    """A market trade as it comes towards our resting orders."""

    key: int
    qty: Lots
    ts: Nanos


def reached_by(flow: Flow, levels: OwnLevels, model: QueueModel) -> list[Reached]:
    """Which orders a market trade fills, and how much. Moves queue positions, fills nothing itself."""
    reached: list[Reached] = []
    left = flow.qty
    for key, orders in levels:
        if key > flow.key:
            break
        cause = FillCause.TRADED_THROUGH if key < flow.key else FillCause.TRADED_AT
        for order in orders:
            if order.created > flow.ts:
                continue
            ahead = order.ahead
            got = min(_reach(order, cause, left, flow.ts, model), order.leaves) if left else 0
            _note(order, cause, flow.qty, left, ahead)
            if got > 0:
                left -= got
                reached.append(Reached(order, got, cause, ahead))
    return reached


def _reach(order: Order, cause: FillCause, left: Lots, ts: Nanos, model: QueueModel) -> Lots:
    """How much of what is left of a flow comes to an order, which moves forward by the rest."""
    if cause is FillCause.TRADED_AT:
        return _past_the_queue(order, left, ts, model)
    order.ahead = 0
    return left


def _note(order: Order, cause: FillCause, qty: Lots, left: Lots, ahead: Lots | None) -> None:
    """Keep what a flow of ``qty`` did, of which ``left`` came as far as this order, before which ``ahead`` stood."""
    waited = order.noted()
    waited.to_orders += qty - left
    if cause is FillCause.TRADED_AT:
        waited.at += qty
        waited.to_queue += (ahead or 0) - (order.ahead or 0)
    else:
        waited.through += qty


def _past_the_queue(order: Order, qty: Lots, ts: Nanos, model: QueueModel) -> Lots:
    """How much of ``qty`` gets past what stands ahead of an order at the traded price."""
    if order.ahead is None:
        return 0
    if order.credits:
        qty = _without_credits(order, order.credits, qty, ts)
    ahead = model.traded(order.ahead, qty)
    order.ahead = max(0, ahead)
    return max(0, -ahead)


def _without_credits(order: Order, credits: list[tuple[Nanos, Lots]], qty: Lots, ts: Nanos) -> Lots:
    """What is new in a trade of time ``ts``, once the books that already told of it have had their part."""
    kept = []
    for told, lots in credits:
        used = min(qty, lots) if told >= ts else 0
        qty -= used
        if lots > used:
            kept.append((told, lots - used))
    order.credits = kept
    return qty


class Prints:
    """Market trades at prices where we rest, until a book has shown their effect."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: list[Flow] = []

    def add(self, flow: Flow) -> None:
        """Remember a trade."""
        self._seen.append(flow)

    def explain(self, until: Nanos) -> dict[int, Lots]:
        """Traded lots per key that a book of time ``until`` includes; they are then forgotten."""
        explained: dict[int, Lots] = {}
        if not self._seen:
            return explained
        later = []
        for flow in self._seen:
            if flow.ts <= until:
                explained[flow.key] = explained.get(flow.key, 0) + flow.qty
            else:
                later.append(flow)
        self._seen = later
        return explained


class LevelChange(NamedTuple):
    """A mirrored level at which we rest: what it offered before and after a book, and traded between."""

    before: Lots
    after: Lots
    explained: Lots
    ts: Nanos


def reposition(orders: Iterable[Order], change: LevelChange, model: QueueModel) -> None:
    """Move orders, oldest first, forward after their mirrored level changed.

    Trades took their part of the level from its front, also before an order that came after them and was
    not moved by them: no more than the rest can be ahead. And whoever came later never passes: some models
    bring the order that has more ahead further forward.
    """
    before = max(change.after, change.before - change.explained)
    older: Lots = 0
    for order in orders:
        if order.ahead is None:
            line_up(order, max(older, model.joined(change.after)), change.ts)
        else:
            ahead = min(order.ahead, before)
            if change.after < before:
                ahead = model.shrunk(ahead, before, change.after)
            ahead = min(order.ahead, max(older, min(ahead, change.after)))
            if ahead < order.ahead:
                _credit(order, change.ts, order.ahead - ahead)
                order.noted().by_books += order.ahead - ahead
                order.ahead = ahead
        older = order.ahead or 0


def line_up(order: Order, place: Lots, ts: Nanos) -> None:
    """An order whose place was not known is given one by a book of time ``ts``, which trades until then are in."""
    order.ahead = order.joined_behind = place
    _credit(order, ts, ALL_OF_IT)


def _credit(order: Order, ts: Nanos, lots: Lots) -> None:
    kept = [one for one in order.credits or () if one[0] >= ts - LATEST_TRADE]
    insort(kept, (ts, lots))
    order.credits = kept
