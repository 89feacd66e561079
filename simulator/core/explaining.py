"""Why an order filled, why the rest of it did not, why a position was taken over: read from what is remembered."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from simulator.core.events import FillCause, OrderFilled, PositionLiquidated
from simulator.core.market import Market
from simulator.core.orders import CancelReason, MarginMode, Order, StopStatus
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.stops import Stop
from simulator.core.units import Lots, Nanos, price_text


class FillReason(msgspec.Struct, frozen=True):
    """One fill: ``source`` is whom it traded with, ``trigger`` the market's time of what caused it (ns)."""

    price: str
    qty: str
    cause: str
    source: str
    queue_ahead_at_entry: str | None
    trigger: Nanos | None


class StopReason(msgspec.Struct, frozen=True):
    """What became of an order that waits for a price; ``order_id`` is the order that it sent out."""

    stop_id: str
    client_order_id: str
    status: str
    rest: str
    order_id: str | None


class LiquidationReason(msgspec.Struct, frozen=True):
    """Why a position was taken over."""

    order_id: str
    symbol: str
    side: str
    qty: str
    bankruptcy_price: str
    mark_price: str
    margin_mode: str
    rest: str


class Explanation(msgspec.Struct, frozen=True):
    """An order's fills with their reasons, and ``rest``: why what is left has not filled, in one sentence."""

    order_id: str
    client_order_id: str
    status: str
    model: str
    fills: list[FillReason]
    rest: str
    queue_ahead_now: str | None


_OUTSIDE = frozenset({FillCause.TOOK_MIRROR, FillCause.TRADED_AT, FillCause.TRADED_THROUGH, FillCause.CROSSED})

_ENDS = {
    CancelReason.USER: "cancelled by its owner",
    CancelReason.IMMEDIATE_OR_CANCEL: "immediate-or-cancel: nothing more could be taken at its limit",
    CancelReason.FILL_OR_KILL: "fill-or-kill: the book did not hold all of it",
    CancelReason.NO_LIQUIDITY: "the other side of the book was empty",
    CancelReason.PRICE_BAND: "the next offer lay beyond the price band of market orders",
    CancelReason.SELF_TRADE: "self-trade prevention: it would have met an order of the same account",
    CancelReason.LIQUIDATION: "cancelled because the margin of its wallet was used up",
}


def explain(market: Market, order: Order, fills: Iterable[OrderFilled]) -> Explanation:
    """Everything known about one order."""
    lots = market.instrument.qty_grid.text
    resting = order.is_open
    return Explanation(
        str(order.id),
        order.client_order_id,
        order.status.name,
        type(market.model).__name__.lower(),
        [_reason(market, fill) for fill in fills],
        _rest(market, order),
        lots(order.ahead) if resting and order.ahead is not None else None,
    )


def explain_stop(market: Market, stop: Stop) -> StopReason:
    """Everything known about an order that waits or waited."""
    trigger, watched = market.instrument.price_grid.text(stop.trigger), stop.by.name.lower()
    words = {
        StopStatus.WAITING: f"it waits for the {watched} price to {'rise' if stop.rising else 'fall'} to {trigger}",
        StopStatus.TRIGGERED: f"the {watched} price came to {trigger} and its order went in",
        StopStatus.FAILED: f"the {watched} price came to {trigger} and its order was refused: "
        + ("" if stop.refusal is None else stop.refusal.name.lower().replace("_", " ")),
        StopStatus.CANCELED: "cancelled by its owner",
    }
    return StopReason(
        str(stop.id),
        stop.client_order_id,
        stop.status.name,
        words[stop.status],
        None if stop.order_id is None else str(stop.order_id),
    )


def explain_liquidation(listed: PerpetualMarket, event: PositionLiquidated) -> LiquidationReason:
    """Why a position is no more. The mode is the account's of now: it cannot change while a position is open."""
    mode = listed.seat(event.account).mode
    behind = "the wallet's cross positions" if mode is MarginMode.CROSS else "this position"
    mark = price_text(event.mark)
    return LiquidationReason(
        str(event.order_id),
        event.symbol,
        event.side.name,
        listed.market.instrument.qty_grid.text(event.lots),
        price_text(event.price),
        mark,
        mode.name,
        f"at a mark of {mark} the equity behind {behind} was not more than the maintenance margin, also after open "
        "orders were cancelled; the insurance fund took it over at its bankruptcy price",
    )


def _reason(market: Market, fill: OrderFilled) -> FillReason:
    grids = market.instrument
    return FillReason(
        grids.price_grid.text(fill.price),
        grids.qty_grid.text(fill.qty),
        fill.cause.value,
        "outside market" if fill.cause in _OUTSIDE else "an order of this exchange",
        None if fill.ahead is None else grids.qty_grid.text(fill.ahead),
        fill.trigger,
    )


def _rest(market: Market, order: Order) -> str:
    if order.cancel_reason is not None:
        return _ENDS[order.cancel_reason]
    if not order.is_open:
        return "nothing is left"
    if market.mirror.stale:
        return "the mirror of the market is stale; nothing fills from it"
    size: Lots | None = order.ahead
    if size is None:
        return "it rests beyond the part of the market's book that is shown; its place in the queue is not known"
    text = market.instrument.qty_grid.text(size)
    return f"it rests with {text} of the market's queue ahead of it" if size else "it rests first in its queue"
