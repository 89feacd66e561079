"""Orders out, at their owner's wish."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.core.commands import CancelOpenOrders, CancelOrder
from simulator.core.events import Event
from simulator.core.filling import Touched, release, report
from simulator.core.orders import FILLED, CancelReason, Order
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos

BY_USER = CancelReason.USER


def find(state: State, command: CancelOrder) -> Order | None:
    """The order a customer means, if it is his."""
    if command.order_id is not None:
        order = state.orders.get(command.order_id)
        return order if order is not None and order.account == command.account else None
    customer = state.customers.get(command.account)
    return None if customer is None else customer.by_client_order_id.get(command.client_order_id or "")


def check_cancel(state: State, command: CancelOrder) -> RejectReason | None:
    """Only an open order of the same account can be cancelled."""
    order = find(state, command)
    if order is None:
        return RejectReason.UNKNOWN_ORDER
    if order.status is FILLED:
        return RejectReason.ORDER_ALREADY_FILLED
    return None if order.is_open else RejectReason.ORDER_ALREADY_CANCELED


def cancel(state: State, now: Nanos, command: CancelOrder) -> list[Event]:
    """Take an order out of the book."""
    order = find(state, command)
    assert order is not None
    return _cancel_all(state, now, (order,))


def check_cancel_open(state: State, command: CancelOpenOrders) -> RejectReason | None:
    """The account and the symbol must exist; nothing to cancel is fine."""
    if command.account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    if command.symbol is not None and command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    return None


def cancel_open(state: State, now: Nanos, command: CancelOpenOrders) -> list[Event]:
    """Take many orders out, newest first."""
    chosen = [
        order
        for order in reversed(state.customers[command.account].open_orders.values())
        if (command.symbol is None or order.symbol == command.symbol)
        and (command.side is None or order.side is command.side)
        and (command.before is None or order.id < command.before)
    ]
    return _cancel_all(state, now, chosen[: command.limit])


def _cancel_all(state: State, now: Nanos, orders: Iterable[Order]) -> list[Event]:
    events: list[Event] = []
    touched: Touched = {}
    for order in orders:
        market = state.markets[order.command.symbol]
        release(state, market, order, BY_USER, events, touched)
        market.changed(now)
    report(touched, events)
    return events
