"""Spot orders between HashKey's words and ours: parameters → PlaceOrder, an order → its four JSON shapes.

Member order and types are those of real-response-shapes.md 4. Venue oddities are spelled out here and
stop here: a v1 market buy says its *cash* in ``quantity``; a market order has price "0"; an order by
amount has ``origQty`` "0" and its cash in ``reqAmount``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from simulator.core.commands import PlaceOrder
from simulator.core.market import Market
from simulator.core.orders import (
    EXPIRE_TAKER,
    GTC,
    IOC,
    MARKET,
    CancelReason,
    Order,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_MILLI, Nanos, money_text, plain
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Call, Desk
from simulator.venues.hashkey.errors import Refusal, VenueError

EXCHANGE_ID = "301"
TYPES: Final = {type_.value: type_ for type_ in OrderType}
TIMES_IN_FORCE: Final = {tif.value: tif for tif in TimeInForce}
SELF_TRADE_PREVENTIONS: Final = {stp.value: stp for stp in SelfTradePrevention}

CANCEL_REASONS: dict[CancelReason, str] = {
    CancelReason.USER: "USER_CANCEL",
    CancelReason.IMMEDIATE_OR_CANCEL: "RISKLIMIT_CANCEL",
    CancelReason.FILL_OR_KILL: "RISKLIMIT_CANCEL",
    CancelReason.NO_LIQUIDITY: "RISKLIMIT_CANCEL",
    CancelReason.PRICE_BAND: "RISKLIMIT_CANCEL",
    CancelReason.SELF_TRADE: "SELF_TRADE_CANCEL",
    CancelReason.LIQUIDATION: "SYSTEM_CANCEL",
}
"""errors and limits 2.3."""


def parse_order(desk: Desk, call: Call, params: Mapping[str, str], *, explicit_sizes: bool) -> PlaceOrder:
    """A new order; ``explicit_sizes`` for v1.1, where a market order says quantity or amount.

    Parameters are read before the symbol is looked up (errors and limits 2.2: order of checks).
    """
    symbol = read.required(params, "symbol")
    side = read.choice(params, "side", read.SIDES, Refusal.SIDE_UNKNOWN)
    type_ = read.choice(params, "type", TYPES, Refusal.ORDER_TYPE_UNKNOWN)
    is_market = type_ is MARKET
    default = IOC if is_market else GTC
    tif = read.choice(params, "timeInForce", TIMES_IN_FORCE, Refusal.TIME_IN_FORCE_UNKNOWN, default)
    stp = self_trade_prevention(params)
    # ccxt names it clientOrderId in spot batches (HashKey REST 1.5).
    client_order_id = read.client_order_id(params, "newClientOrderId", "clientOrderId")
    cash = _cash_parameter(params, side, explicit_sizes) if is_market else None
    read.required(params, cash or "quantity")
    if not is_market:
        read.required(params, "price")
    grids = desk.spot(symbol).instrument
    return PlaceOrder(
        call.account,
        symbol,
        side,
        type_,
        None if cash else read.steps(params, "quantity", grids.qty_grid, Refusal.QTY_OFF_STEP),
        None if is_market else read.steps(params, "price", grids.price_grid, Refusal.PRICE_OFF_TICK),
        client_order_id,
        tif,
        read.amount(params, cash) if cash else None,
        stp,
        kept_broker(call),
    )


def _cash_parameter(params: Mapping[str, str], side: Side, explicit_sizes: bool) -> str | None:
    """Which parameter says a market order's quote money; None: its size is a base quantity."""
    if not explicit_sizes:
        return "quantity" if side is Side.BUY else None
    if not params.get("amount"):
        return None
    if params.get("quantity"):
        raise VenueError(RejectReason.SIZE_AMBIGUOUS)
    return "amount"


def kept_broker(call: Call) -> str:
    """Which software brought it. Any header text may come; only what can be written down is kept."""
    return call.broker[: read.LONGEST_TEXT] if call.broker.isprintable() else ""


def self_trade_prevention(params: Mapping[str, str]) -> SelfTradePrevention:
    """Who gives way (errors and limits 6.2)."""
    text = params.get("stpMode")
    if not text:
        return EXPIRE_TAKER
    stp = SELF_TRADE_PREVENTIONS.get(text)
    if stp is None:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "stpMode")
    return stp


def millis(ts: Nanos) -> str:
    """A time in a trading body: a string of milliseconds."""
    return str(ts // NANOS_PER_MILLI)


class Texts:
    """The texts of an order that several shapes share."""

    __slots__ = ("average", "executed", "notional", "price", "qty", "requested")

    def __init__(self, market: Market, order: Order) -> None:
        grids = market.instrument
        self.price = "0" if order.price is None else grids.price_grid.text(order.price)
        self.qty = "0" if order.qty is None else grids.qty_grid.text(order.qty)
        self.executed = grids.qty_grid.text(order.filled)
        self.requested = "0" if order.amount is None else money_text(order.amount)
        self.notional = money_text(order.notional * grids.quote_atoms)
        self.average = average_price(market, order.notional, order.filled)


def average_price(market: Market, notional: int, filled: int) -> str:
    """Mean fill price, cut to two more decimals than the tick has where it does not come out even."""
    if not filled:
        return "0"
    grid = market.instrument.price_grid
    decimals = grid.decimals + 2
    return plain(notional * grid.step * 10 ** (decimals - grid.decimals) // filled, decimals)


class Created(msgspec.Struct):
    """Create reply, 15 members (real shapes 4.1); in a batch without ``concentration``.

    Enums are written by their values, which are the venue's words.
    """

    accountId: str  # noqa: N815 - the wire's names, here and below
    symbol: str
    symbolName: str  # noqa: N815
    clientOrderId: str  # noqa: N815
    orderId: str  # noqa: N815
    transactTime: str  # noqa: N815
    price: str
    origQty: str  # noqa: N815
    executedQty: str  # noqa: N815
    status: OrderStatus
    timeInForce: TimeInForce  # noqa: N815
    type: OrderType
    side: Side
    reqAmount: str  # noqa: N815
    concentration: str | msgspec.UnsetType = msgspec.UNSET


def created(desk: Desk, order: Order, *, batch: bool = False) -> Created:
    """The order as its creation is answered: the state after matching."""
    asked = order.command
    symbol, qty, amount = asked.symbol, asked.qty, asked.amount
    grids = desk.state.markets[symbol].instrument
    lots = grids.qty_grid
    return Created(
        desk.ids.account_id(order.account),
        symbol,
        symbol,
        order.client_order_id,
        str(order.id),
        millis(order.created),
        "0" if order.price is None else grids.price_grid.text(order.price),
        "0" if qty is None else lots.text(qty),
        lots.text(order.filled),
        order.status,
        asked.tif,
        asked.type,
        order.side,
        "0" if amount is None else money_text(amount),
        msgspec.UNSET if batch else "",
    )


class Canceled(msgspec.Struct):
    """Cancel reply, 12 members (real shapes 4.3)."""

    accountId: str  # noqa: N815
    symbol: str
    clientOrderId: str  # noqa: N815
    orderId: str  # noqa: N815
    transactTime: str  # noqa: N815
    price: str
    origQty: str  # noqa: N815
    executedQty: str  # noqa: N815
    status: str
    timeInForce: TimeInForce  # noqa: N815
    type: OrderType
    side: Side


def canceled(desk: Desk, order: Order, status: str) -> Canceled:
    """The order as its cancel is answered; ``transactTime`` is the creation time."""
    grids = desk.state.markets[order.symbol].instrument
    return Canceled(
        desk.ids.account_id(order.account),
        order.symbol,
        order.client_order_id,
        str(order.id),
        millis(order.created),
        "0" if order.price is None else grids.price_grid.text(order.price),
        "0" if order.qty is None else grids.qty_grid.text(order.qty),
        grids.qty_grid.text(order.filled),
        status,
        order.tif,
        order.type,
        order.side,
    )


def listed(desk: Desk, order: Order) -> dict[str, object]:
    """The row of openOrders and tradeOrders, 22 members and the two newer ones (real shapes 4.5)."""
    texts = Texts(desk.state.markets[order.symbol], order)
    return {
        "accountId": desk.ids.account_id(order.account),
        "exchangeId": EXCHANGE_ID,
        "symbol": order.symbol,
        "symbolName": order.symbol,
        "clientOrderId": order.client_order_id,
        "orderId": str(order.id),
        "price": texts.price,
        "origQty": texts.qty,
        "executedQty": texts.executed,
        "cummulativeQuoteQty": texts.notional,  # both spellings, as on the wire
        "cumulativeQuoteQty": texts.notional,
        "avgPrice": texts.average,
        "status": order.status.name,
        "timeInForce": order.tif.name,
        "type": order.type.name,
        "side": order.side.name,
        "stopPrice": "0.0",
        "icebergQty": "0.0",
        "time": millis(order.created),
        "updateTime": millis(order.updated),
        "isWorking": True,
        "reqAmount": texts.requested,
        "ordCxlReason": "" if order.cancel_reason is None else CANCEL_REASONS[order.cancel_reason],
        "stpMode": order.stp.name,
    }


def queried(desk: Desk, order: Order) -> dict[str, object]:
    """The single-order reply: the row with its three dead fee members (real shapes 4.4)."""
    row = listed(desk, order)
    newer = {name: row.pop(name) for name in ("ordCxlReason", "stpMode")}
    return row | {"feeCoin": "", "feeAmount": "0", "sumFeeAmount": "0"} | newer
