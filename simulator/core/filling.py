"""What a fill and an end do to an order: its money, its status, its event.

Placing, cancelling and the outside market all end here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from simulator.core.accounts.ledger import Balance
from simulator.core.accounts.positions import Position
from simulator.core.events import (
    TOOK_MIRROR,
    TOOK_ORDER,
    Event,
    FillCause,
    OrderCanceled,
    OrderFilled,
)
from simulator.core.market import Market
from simulator.core.matching.match import Match
from simulator.core.orders import BUY, CANCELED, FILLED, PARTIALLY_CANCELED, PARTIALLY_FILLED, CancelReason, Order
from simulator.core.state import State
from simulator.core.units import Lots, Nanos

Touched: TypeAlias = dict[Balance | Position, None]
"""What a command changed, in the order in which it did; told when it is over."""


class Trigger(NamedTuple):
    """What the outside market told that made a resting order fill, and what stood before the order until then."""

    ts: Nanos
    message: str
    ahead: Lots | None


def fill(
    state: State,
    market: Market,
    order: Order,
    found: Match,
    trade_id: int,
    cause: FillCause,
    trigger: Trigger | None,
    events: list[Event],
    touched: Touched,
) -> None:
    """One order's part of a trade: its money, its status, its event. ``leaves`` is already what is left."""
    _, price, qty = found
    customer = state.customers[order.account]
    seat = market.seats[order.account]
    maker = cause is not TOOK_ORDER and cause is not TOOK_MIRROR
    rate = customer.maker_rate if maker else customer.taker_rate
    fee, pnl = seat.settle(order, price, qty, rate, held=maker, touched=touched)
    order.filled += qty
    order.notional += price * qty
    order.updated = state.now
    leaves = order.leaves
    if leaves:
        status = PARTIALLY_FILLED
    else:
        status = FILLED
        if maker:
            del customer.open_orders[order.id]
            seat.open_orders -= 1
    order.status = status
    if trigger is None:
        ts, ahead_then = None, order.ahead if maker else None
        message = market.mirror.message if cause is TOOK_MIRROR else ""
    else:
        ts, message, ahead_then = trigger
    command = order.command
    events.append(
        OrderFilled(
            order.id,
            command.account,
            command.symbol,
            trade_id,
            state.next_id(),
            price,
            qty,
            order.filled,
            0 if command.qty is None else leaves,
            order.notional,
            status,
            fee,
            seat.buy_fee_asset if order.side is BUY else seat.sell_fee_asset,
            maker,
            cause,
            order.joined_behind if maker else None,
            ts,
            pnl,
            ahead_then,
            message,
        )
    )


def end(order: Order, reason: CancelReason, events: list[Event]) -> None:
    """End an order that is not in the book."""
    order.status = PARTIALLY_CANCELED if order.filled else CANCELED
    order.cancel_reason = reason
    command = order.command
    leaves = 0 if command.qty is None else order.leaves
    events.append(OrderCanceled(order.id, command.account, command.symbol, order.status, leaves, reason))


def withdraw(state: State, market: Market, order: Order, touched: Touched) -> None:
    """Take an order that rests or waits out of everything, its hold free again; what becomes of it comes next."""
    assert order.price is not None
    if order.level is not None:
        market.book.side(order.side).remove(order)
    seat = market.seats[order.account]
    touched[seat.release(order, order.price)] = None
    seat.open_orders -= 1
    del state.customers[order.account].open_orders[order.id]
    order.updated = state.now


def release(
    state: State,
    market: Market,
    order: Order,
    reason: CancelReason,
    events: list[Event],
    touched: Touched,
) -> None:
    """End an order that rested: out of the book, its hold free again."""
    withdraw(state, market, order, touched)
    end(order, reason, events)


def report(touched: Iterable[Balance | Position], events: list[Event]) -> None:
    """Say what balances and positions are after the command."""
    for one in touched:
        events.append(one.changed())
