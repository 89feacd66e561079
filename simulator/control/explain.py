"""``GET /_sim/explain``: why each fill of an order happened, why the rest of it did not, why an order never was."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.table import Ask, NotThere, Row
from simulator.core.explaining import Explainer, Explanation, Refusal, explain_refusal
from simulator.core.explaining_perpetuals import LiquidationReason, StopReason, explain_liquidation, explain_stop
from simulator.core.orders import Order
from simulator.core.stops import Stop
from simulator.venues.hashkey.accounts import user_of

Answer: TypeAlias = Explanation | StopReason | LiquidationReason | Refusal


class WhichOrder(Ask, frozen=True):
    """An order by our id, or by the customer's; ``account`` where several have used the same one."""

    order_id: str = msgspec.field(default="", name="orderId")
    client_order_id: str = msgspec.field(default="", name="clientOrderId")
    account: str = ""

    def means(self, account: str) -> bool:
        """Whether this account's orders are asked for: an account is named by itself or by its user."""
        return self.account in ("", account, user_of(account))


def why(parts: Parts, ask: WhichOrder) -> Answer:
    """Of an order of the book, one that waits or waited for a price, a take-over told as one, or a refused one."""
    state = parts.desk.state
    refused = list(parts.refusals.of(ask.client_order_id, ask.means)) if ask.client_order_id else []
    explainer = Explainer(state, parts.desk.history, parts.settings.market.seed)
    order, stop = _order(parts, ask), _stop(parts, ask)
    if order is not None:
        return explainer.order(order, [one for one in refused if one.order.account == order.account])
    if stop is not None:
        return explain_stop(state.markets[stop.symbol], stop)
    for _, event in (one for taken in parts.desk.perpetuals.liquidations.values() for one in taken):
        if str(event.order_id) in (ask.order_id, ask.client_order_id):
            return explain_liquidation(state.perpetuals[event.symbol], event)
    if refused and not ask.order_id:
        return explain_refusal(refused[0])
    raise NotThere("there is no such order: name it by orderId or clientOrderId")


def _order(parts: Parts, ask: WhichOrder) -> Order | None:
    state = parts.desk.state
    if ask.order_id:
        order = state.orders.get(_number(ask.order_id))
        return order if order is not None and ask.means(order.account) else None
    named = [one.by_client_order_id.get(ask.client_order_id) for one in state.customers.values() if ask.means(one.name)]
    return max((one for one in named if one is not None), key=lambda one: one.id, default=None)


def _stop(parts: Parts, ask: WhichOrder) -> Stop | None:
    state = parts.desk.state
    if ask.order_id:
        stop = state.stops.get(_number(ask.order_id))
        return stop if stop is not None and ask.means(stop.account) else None
    stops = [
        one for one in state.stops.values() if one.client_order_id == ask.client_order_id and ask.means(one.account)
    ]
    return stops[-1] if stops else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID else -1


_LONGEST_ID = 30

ROWS = (Row("GET", "explain", why, WhichOrder, Answer, "why each fill of an order happened and why the rest did not"),)
