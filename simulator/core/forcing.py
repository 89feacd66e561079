"""Fills by decree: an order that stands apart from the book gets what somebody says, at its price.

The outside market is the other side, so money stays exact; its tape hears nothing, because it never traded there.
"""

from __future__ import annotations

from simulator.core.commands import ForceFill
from simulator.core.events import Event, FillCause
from simulator.core.filling import Touched, fill, report
from simulator.core.orders import FILLED, Order
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos


def _find(state: State, command: ForceFill) -> Order | None:
    customer = state.customers.get(command.account)
    return None if customer is None else customer.by_client_order_id.get(command.client_order_id)


def check_force(state: State, command: ForceFill) -> RejectReason | None:
    """Only what is left of an open order that stands apart."""
    order = _find(state, command)
    if order is None:
        return RejectReason.UNKNOWN_ORDER
    if not order.is_open:
        return RejectReason.ORDER_ALREADY_FILLED if order.status is FILLED else RejectReason.ORDER_ALREADY_CANCELED
    if not order.command.apart:
        return RejectReason.UNSUPPORTED_COMBINATION
    if command.qty > order.leaves:
        return RejectReason.QTY_TOO_LARGE
    return RejectReason.QTY_TOO_SMALL if command.qty <= 0 else None


def force(state: State, now: Nanos, command: ForceFill) -> list[Event]:
    """As a maker, from its hold."""
    order = _find(state, command)
    assert order is not None and order.price is not None
    market = state.markets[order.symbol]
    events: list[Event] = []
    touched: Touched = {}
    order.leaves -= command.qty
    market.outside_seat.trade(order.side.opposite, order.price, command.qty)
    found = (None, order.price, command.qty)
    fill(state, market, order, found, state.next_id(), FillCause.FORCED, None, events, touched)
    report(touched, events)
    return events
