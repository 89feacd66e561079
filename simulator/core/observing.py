"""The outside market speaks: its books and trades move the mirror and fill our resting orders."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.core.commands import ChangeDepth, InvalidateDepth, Levels, PrintTrade, ReplaceDepth
from simulator.core.events import (
    Event,
    FillCause,
    MirrorChanged,
    MirrorInvalidated,
    TradeHappened,
)
from simulator.core.filling import Touched, Trigger, fill, report
from simulator.core.market import Market
from simulator.core.matching.book import BookSide
from simulator.core.matching.match import take_order
from simulator.core.mirror.fills import Flow, LevelChange, line_up, reached_by, reposition
from simulator.core.orders import BUY, SELL, Order, Side
from simulator.core.rejections import RejectReason
from simulator.core.returning import let_in, withdraw_newcomers
from simulator.core.state import State
from simulator.core.units import Lots, Nanos, Ticks


def check_symbol(state: State, command: InvalidateDepth) -> RejectReason | None:
    """The market must exist."""
    return None if command.symbol in state.markets else RejectReason.UNKNOWN_SYMBOL


def check_change(state: State, command: ChangeDepth) -> RejectReason | None:
    """Prices are positive, a size of 0 removes a level, and what is told does not cross itself."""
    if command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    bid, ask = 0, None
    for price, size in command.bids:
        if price <= 0:
            return RejectReason.PRICE_NOT_POSITIVE
        if size < 0:
            return RejectReason.QTY_TOO_SMALL
        if size and price > bid:
            bid = price
    for price, size in command.asks:
        if price <= 0:
            return RejectReason.PRICE_NOT_POSITIVE
        if size < 0:
            return RejectReason.QTY_TOO_SMALL
        if size and (ask is None or price < ask):
            ask = price
    return None if ask is None or bid < ask else RejectReason.CROSSED_BOOK


def check_replace(state: State, command: ReplaceDepth) -> RejectReason | None:
    """A whole book must not cross itself; what it says must be positive."""
    if command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    if any(price <= 0 for levels in (command.bids, command.asks) for price, _ in levels):
        return RejectReason.PRICE_NOT_POSITIVE
    if any(size <= 0 for levels in (command.bids, command.asks) for _, size in levels):
        return RejectReason.QTY_TOO_SMALL
    bid = max([price for price, _ in command.bids], default=0)
    ask = min([price for price, _ in command.asks], default=None)
    return None if ask is None or bid < ask else RejectReason.CROSSED_BOOK


def check_trade(state: State, command: PrintTrade) -> RejectReason | None:
    """A trade has a price and a size."""
    if command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    if command.price <= 0:
        return RejectReason.PRICE_NOT_POSITIVE
    return RejectReason.QTY_TOO_SMALL if command.qty <= 0 else None


def replace_depth(state: State, now: Nanos, command: ReplaceDepth) -> list[Event]:
    """A whole book, seen as the difference to the one before."""
    market = state.markets[command.symbol]
    was_stale, market.mirror.stale = market.mirror.stale, False
    bids = _difference(market, BUY, command.bids)
    asks = _difference(market, SELL, command.asks)
    return _apply_depth(state, now, market, command, bids, asks, came_back=was_stale)


def change_depth(state: State, now: Nanos, command: ChangeDepth) -> list[Event]:
    """Some levels."""
    market = state.markets[command.symbol]
    return _apply_depth(state, now, market, command, command.bids, command.asks)


def _difference(market: Market, side: Side, levels: Levels) -> list[tuple[Ticks, Lots]]:
    mirror = market.mirror.side(side)
    shown = {mirror.sign * price for price, _ in levels}
    gone = [(key * mirror.sign, 0) for key in mirror.size_at if key not in shown]
    changed = [(price, size) for price, size in levels if mirror.size_at.get(mirror.sign * price) != size]
    return gone + changed


def _apply_depth(
    state: State,
    now: Nanos,
    market: Market,
    told: ReplaceDepth | ChangeDepth,
    bids: Sequence[tuple[Ticks, Lots]],
    asks: Sequence[tuple[Ticks, Lots]],
    *,
    came_back: bool = False,
) -> list[Event]:
    mirror, book, ts = market.mirror, market.book, told.ts
    newcomers: list[Order] = []
    touched: Touched = {}
    mirror.message = told.message
    mirror.told()
    _move_levels(market, BUY, ts, bids)
    _move_levels(market, SELL, ts, asks)
    _uncross(market, ts, bids)
    if came_back:
        newcomers = withdraw_newcomers(state, market, touched)
        _line_up(market, BUY, ts)
        _line_up(market, SELL, ts)
    mirror.ts = max(mirror.ts, ts)
    market.changed(now)
    events: list[Event] = [MirrorChanged(market.instrument.symbol, ts)]
    if (book.bids.best is not None or book.asks.best is not None) and not mirror.stale and market.matching:
        fill_crossed(state, market, BUY, ts, events, touched)
        fill_crossed(state, market, SELL, ts, events, touched)
    let_in(state, market, newcomers, events, touched)
    report(touched, events)
    return events


def _move_levels(market: Market, side: Side, ts: Nanos, levels: Sequence[tuple[Ticks, Lots]]) -> None:
    """Set mirrored sizes; own orders at those prices find their new place in the queue afterwards."""
    mirror, own = market.mirror.side(side), market.book.side(side)
    explained = market.prints[side].explain(ts)
    if own.best is None:
        mirror.show(levels)
        return
    view = mirror.worst_key
    moved: dict[int, LevelChange] = {}
    for price, size in levels:
        before, after = mirror.set(price, size)
        key = mirror.sign * price
        if key in own.levels:
            moved[key] = LevelChange(before, after, 0, ts)
    if view is not None and (mirror.worst_key is None or mirror.worst_key > view):
        # The view grew: what lies in its new part is known now, shown or not.
        for key in own.levels.irange(view, mirror.worst_key, inclusive=(False, True)):
            there = mirror.available(key)
            moved[key] = LevelChange(there, there, 0, ts)
    for key, change in moved.items():
        level = own.levels[key]
        if not change.after and not mirror.sees(level.price):
            continue  # out of the part of the book that is shown: nothing is known, nothing moves
        # An order that came while the mirror was stale waits for it to come back (see ``_line_up``).
        orders = [order for order in level if order.ahead is not None] if market.mirror.stale else level
        reposition(orders, change._replace(explained=explained.get(key, 0)), market.model)


def _line_up(market: Market, side: Side, ts: Nanos) -> None:
    """Orders that came while the mirror was stale stand behind everything that is displayed now."""
    mirror = market.mirror.side(side)
    for level in market.book.side(side):
        if not mirror.sees(level.price):
            continue
        older: Lots = 0
        for order in level:
            if order.ahead is None:
                line_up(order, max(older, market.model.joined(mirror.available(level.key))), ts)
            older = order.ahead or 0


def _uncross(market: Market, ts: Nanos, bids: Sequence[tuple[Ticks, Lots]]) -> None:
    """Levels that changed levels make impossible are gone, though the market has not said so yet."""
    mirror = market.mirror
    while mirror.bids.best_key is not None and mirror.asks.best_key is not None:
        bid, ask = -mirror.bids.best_key, mirror.asks.best_key
        if bid < ask:
            return
        if any(price == bid and size for price, size in bids):
            _move_levels(market, SELL, ts, [(ask, 0)])
        else:
            _move_levels(market, BUY, ts, [(bid, 0)])


def fill_crossed(state: State, market: Market, side: Side, ts: Nanos, events: list[Event], touched: Touched) -> None:
    """The mirrored book came to or through the price of our orders of this side."""
    own, outside = market.book.side(side), market.mirror.side(side.opposite)
    while own.best is not None and outside.best_key is not None and own.best.price * side.sign >= outside.best_key:
        order = own.best.head
        assert order is not None
        qty = min(order.leaves, outside.available(outside.best_key))
        outside.take(outside.best_key, qty)
        trigger = Trigger(ts, market.mirror.message, order.ahead)
        _fill_resting(state, market, order, qty, FillCause.CROSSED, trigger, events, touched)


def _fill_resting(
    state: State,
    market: Market,
    order: Order,
    qty: Lots,
    cause: FillCause,
    trigger: Trigger,
    events: list[Event],
    touched: Touched,
) -> None:
    """The outside market trades with a resting order at its price."""
    price = order.price
    assert price is not None
    take_order(market.book.side(order.side), order, qty)
    market.outside_seat.trade(order.side.opposite, price, qty)
    trade_id = state.next_id()
    fill(state, market, order, (None, price, qty), trade_id, cause, trigger, events, touched)
    events.append(TradeHappened(order.symbol, trade_id, state.now, price, qty, order.side.opposite))
    market.last = price


def print_trade(state: State, now: Nanos, command: PrintTrade) -> list[Event]:
    """The market traded: our orders get what reaches them, the rest is the market's own print."""
    market = state.markets[command.symbol]
    side = command.side.opposite
    own = market.book.side(side)
    events: list[Event] = []
    touched: Touched = {}
    left = command.qty
    if own.best is not None and not market.mirror.stale and market.matching:
        flow = Flow(own.sign * command.price, command.qty, command.ts)
        reached = reached_by(flow, [(level.key, list(level)) for level in own if level.key <= flow.key], market.model)
        for order, qty, cause, ahead in reached:
            trigger = Trigger(command.ts, command.message, ahead)
            _fill_resting(state, market, order, qty, cause, trigger, events, touched)
            left -= qty
        if flow.ts > market.mirror.ts and own.level_at(command.price) is not None:
            market.prints[side].add(flow)  # all of it: the market's own book does not know what our orders took
        if reached:
            market.changed(now)
    elif own.best is not None and market.mirror.stale:
        _missed(own, command)
    if left:
        events.append(TradeHappened(command.symbol, state.next_id(), command.ts, command.price, left, command.side))
        market.last = command.price
        market.wake()
    report(touched, events)
    return events


def _missed(own: BookSide, command: PrintTrade) -> None:
    """What the market traded at our prices or through them while its book is stale, which fills nothing."""
    for level in own:
        if level.key > own.sign * command.price:
            break
        for order in level:
            if order.created <= command.ts:
                order.noted().while_stale += command.qty


def invalidate_depth(state: State, now: Nanos, command: InvalidateDepth) -> list[Event]:
    """From now on nothing fills from the mirror; clients see the book as it was."""
    market = state.markets[command.symbol]
    market.mirror.become_stale(now)
    market.changed(now)
    return [MirrorInvalidated(command.symbol)]
