"""Orders for perpetuals between HashKey's words and ours: parameters → commands, orders → their JSON shapes.

Members, order and types are those of real-response-shapes.md 5.1 to 5.4. Venue oddities are spelled out
here and stop here: a side says what it does to a position; a market order is LIMIT with priceType MARKET and a
protective price; post-only is asked for as a time in force and told as a type; the reply to a new order has
its contract's multiplier and no average price, every other shape the contrary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from simulator.core.commands import PlaceOrder, PlaceStop
from simulator.core.instruments import Instrument
from simulator.core.orders import (
    FOK,
    GTC,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    Order,
    OrderType,
    PositionEffect,
    Side,
    StopStatus,
    TimeInForce,
)
from simulator.core.perpetual_history import Liquidation
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.rejections import RejectReason
from simulator.core.stops import Stop
from simulator.core.units import MONEY_DECIMALS, Money, plain, price_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Call, Desk
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.orders import average_price, kept_broker, millis, self_trade_prevention

SIDES: Final = {f"{side.name}_{effect.name}": (side, effect) for side in Side for effect in PositionEffect}
STOP_WORDS: Final = {
    StopStatus.WAITING: "ORDER_NEW",
    StopStatus.TRIGGERED: "ORDER_FILLED",
    StopStatus.FAILED: "ORDER_FAILED",
    StopStatus.CANCELED: "ORDER_CANCELED",
}
LIMIT_TYPE, STOP_TYPE = "LIMIT", "STOP"
KINDS: Final = {LIMIT_TYPE: LIMIT_TYPE, STOP_TYPE: STOP_TYPE}
"""``type``, which is what it is when it waits for a price, not what it is in the book."""
PRICE_TYPES: Final = {"INPUT": False, "MARKET": True}
"""Whether a priceType means a market order; others of the ancestor platform are refused (HashKey REST 4)."""
TIMES_IN_FORCE: Final = {
    "GTC": (LIMIT, GTC),
    "IOC": (LIMIT, IOC),
    "FOK": (LIMIT, FOK),
    "LIMIT_MAKER": (LIMIT_MAKER, GTC),
}
LIQUIDATION_WORD: Final = "LIQUIDATION_TAKER"
"""HashKey REST 4.5: the fund takes the position at once, so it is a taker's."""
SHOWN_DECIMALS: Final = 4
COMMISSION_DECIMALS: Final = 8


def cut(amount: Money, decimals: int = SHOWN_DECIMALS) -> str:
    """Money cut towards zero (real shapes 1.2).

    >>> cut(-19_965 * 10**24), cut(6_921_240 * 10**24)
    ('-0.0199', '6.9212')
    """
    unit = 10 ** (MONEY_DECIMALS - decimals)
    whole = abs(amount) // unit
    return plain(-whole if amount < 0 else whole, decimals)


def parse_order(desk: Desk, call: Call, account: str, params: Mapping[str, str]) -> PlaceOrder | PlaceStop:
    """A new order; parameters are read before the symbol is looked up (errors and limits 2.2: order of checks)."""
    symbol = read.required(params, "symbol")
    side, effect = read.choice(params, "side", SIDES, Refusal.SIDE_UNKNOWN)
    waits = read.choice(params, "type", KINDS, Refusal.ORDER_TYPE_UNKNOWN) == STOP_TYPE
    qty = read.contracts(params, "quantity")
    type_, tif = _type_and_time(params)
    client_order_id = read.client_order_id(params, "clientOrderId")
    if not client_order_id:
        raise VenueError(Refusal.FIELD_MISSING, "clientOrderId")
    stp = self_trade_prevention(params)
    if type_ is not MARKET:
        read.required(params, "price")
    if waits:
        read.required(params, "stopPrice")
    grid = desk.contract(symbol).market.instrument.price_grid
    order = PlaceOrder(
        account,
        symbol,
        side,
        type_,
        qty,
        None if type_ is MARKET else read.steps(params, "price", grid, Refusal.PRICE_OFF_TICK),
        client_order_id,
        tif,
        None,
        stp,
        kept_broker(call),
        effect,
    )
    if not waits:
        return order
    # HashKey REST 4.1: which price a STOP watches is not documented for this API; the mark, as in the newer one.
    return PlaceStop(order, read.steps(params, "stopPrice", grid, Refusal.PRICE_OFF_TICK))


def _type_and_time(params: Mapping[str, str]) -> tuple[OrderType, TimeInForce]:
    is_market = read.choice(params, "priceType", PRICE_TYPES, Refusal.PRICE_TYPE_UNKNOWN, default=False)
    default = TIMES_IN_FORCE["GTC"]
    type_, tif = read.choice(params, "timeInForce", TIMES_IN_FORCE, Refusal.TIME_IN_FORCE_UNKNOWN, default)
    if not is_market:
        return type_, tif
    if type_ is LIMIT_MAKER:
        raise VenueError(RejectReason.UNSUPPORTED_COMBINATION)
    return MARKET, FOK if tif is FOK else IOC


WORDS: Final = {
    RejectReason.BUY_PRICE_TOO_HIGH: Refusal.CONTRACT_BUY_PRICE_TOO_HIGH,
    RejectReason.SELL_PRICE_TOO_LOW: Refusal.CONTRACT_SELL_PRICE_TOO_LOW,
    RejectReason.UNKNOWN_ORDER: Refusal.CONTRACT_ORDER_UNKNOWN,
}
"""What this family says otherwise than spot does (errors and limits 2.2)."""


def four_way(side: Side, effect: PositionEffect | None) -> str:
    """The venue's side.

    >>> four_way(Side.SELL, PositionEffect.CLOSE)
    'SELL_CLOSE'
    """
    assert effect is not None
    return f"{side.name}_{effect.name}"


def leverage_of(desk: Desk, listed: PerpetualMarket, order: Order) -> int:
    """What it has while it is open, or had when it ended."""
    return desk.perpetuals.finished_with.get(order.id) or listed.seat(order.account).leverage


def locked(instrument: Instrument, order: Order, lots: int, leverage: int) -> Money:
    """The margin that so many lots of an order hold; closing orders hold none (HashKey REST 4.1)."""
    if order.effect is PositionEffect.CLOSE:
        return 0
    assert order.price is not None
    return order.price * lots * instrument.quote_atoms // leverage


def wire_type(order: Order) -> str:
    """LIMIT, or LIMIT_MAKER when it is post-only."""
    return LIMIT_MAKER.name if order.type is LIMIT_MAKER else LIMIT.name


def _row(desk: Desk, order: Order, average: str, lots_locked: int) -> dict[str, Any]:
    """The 16 members that all shapes of an order share."""
    listed = desk.state.perpetuals[order.symbol]
    grids = listed.market.instrument
    leverage = leverage_of(desk, listed, order)
    assert order.price is not None and order.qty is not None
    return {
        "time": millis(order.created),
        "updateTime": millis(order.updated),
        "orderId": str(order.id),
        "clientOrderId": order.client_order_id,
        "symbol": order.symbol,
        "price": grids.price_grid.text(order.price),
        "leverage": str(leverage),
        "origQty": grids.qty_grid.text(order.qty),
        "executedQty": grids.qty_grid.text(order.filled),
        "avgPrice": average,
        "marginLocked": cut(locked(grids, order, lots_locked, leverage)),
        "type": wire_type(order),
        "side": four_way(order.side, order.effect),
        "timeInForce": order.tif.name,
        "status": order.status.name,
        "priceType": "MARKET" if order.type is MARKET else "INPUT",
    }


def created(desk: Desk, order: Order) -> dict[str, Any]:
    """The reply to a new order, 17 members (real shapes 5.1): what it locked when it came, and no average price."""
    assert order.qty is not None
    multiplier = plain_padded(desk.state.perpetuals[order.symbol].contract.multiplier)
    return _row(desk, order, "0", order.qty) | {"contractMultiplier": multiplier}


def plain_padded(text: str) -> str:
    """With eight decimals (real shapes 1.2).

    >>> plain_padded("0.001")
    '0.00100000'
    """
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(8, '0')}"


def listed_order(desk: Desk, order: Order, status: str | None = None) -> dict[str, Any]:
    """The row of query, lists, cancels and batches, 19 members (real shapes 5.3)."""
    average = average_price(desk.state.markets[order.symbol], order.notional, order.filled)
    row = _row(desk, order, average, order.leaves if order.is_open else 0)
    if status is not None:
        row["status"] = status
    return row | {"isLiquidationOrder": False, "indexPrice": "0", "liquidationType": ""}


def liquidation_order(desk: Desk, one: Liquidation) -> dict[str, Any]:
    """A take-over as an order that was filled: 19 members (HashKey REST 4.5, ``liquidationType``)."""
    event = one.event
    lots, price = desk.state.markets[event.symbol].instrument.qty_grid.text(event.lots), price_text(event.price)
    return {
        "time": millis(one.ts),
        "updateTime": millis(one.ts),
        "orderId": str(event.order_id),
        "clientOrderId": str(event.order_id),
        "symbol": event.symbol,
        "price": price,
        "leverage": str(desk.perpetuals.finished_with[event.order_id]),
        "origQty": lots,
        "executedQty": lots,
        "avgPrice": price,
        "marginLocked": "0",
        "type": LIMIT.name,
        "side": four_way(event.side.closes, PositionEffect.CLOSE),
        "timeInForce": IOC.name,
        "status": "FILLED",
        "priceType": "MARKET",
        "isLiquidationOrder": True,
        "indexPrice": "0",
        "liquidationType": LIQUIDATION_WORD,
    }


def stop_order(desk: Desk, stop: Stop) -> dict[str, Any]:
    """A STOP, everywhere the same 13 members (real shapes 5.2); its account is the futures account."""
    order = stop.order
    grids = desk.state.markets[stop.symbol].instrument
    assert order.qty is not None
    return {
        "time": millis(stop.created),
        "updateTime": millis(stop.updated),
        "orderId": str(stop.id),
        "accountId": desk.ids.account_id(stop.account),
        "clientOrderId": stop.client_order_id,
        "symbol": stop.symbol,
        "price": "0" if order.price is None else grids.price_grid.text(order.price),
        "leverage": "0",
        "origQty": grids.qty_grid.text(order.qty),
        "type": STOP_TYPE,
        "side": four_way(order.side, order.effect),
        "status": STOP_WORDS[stop.status],
        "stopPrice": grids.price_grid.text(stop.trigger),
    }
