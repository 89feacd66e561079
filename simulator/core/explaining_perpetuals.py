"""What became of an order that waits for a price, and why a position was taken over."""

from __future__ import annotations

import msgspec

from simulator.core.events import PositionLiquidated
from simulator.core.market import Market
from simulator.core.orders import MarginMode, StopStatus
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.reasons import said_reason
from simulator.core.stops import Stop
from simulator.core.units import price_text


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


def explain_stop(market: Market, stop: Stop) -> StopReason:
    """Everything known about an order that waits or waited."""
    trigger, watched = market.instrument.price_grid.text(stop.trigger), stop.by.name.lower()
    words = {
        StopStatus.WAITING: f"it waits for the {watched} price to {'rise' if stop.rising else 'fall'} to {trigger}",
        StopStatus.TRIGGERED: f"the {watched} price came to {trigger} and its order went in",
        StopStatus.FAILED: f"the {watched} price came to {trigger} and its order was refused: "
        + ("" if stop.refusal is None else said_reason(stop.refusal)),
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
