"""Fills in perpetuals (hashkey-rest.md 4.9). A position taken over is told as a fill too."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any, TypeAlias

from simulator.core.commands import CancelOrder
from simulator.core.history import Fill
from simulator.core.orders import PositionEffect
from simulator.core.perpetual_history import Liquidation
from simulator.core.units import NANOS_PER_MILLI, money_text, price_text
from simulator.venues.hashkey import futures_orders as shapes
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Call, Desk, encode
from simulator.venues.hashkey.errors import Refusal
from simulator.venues.hashkey.futures import account_of, liquidations, listed_symbol, sub_account
from simulator.venues.hashkey.orders import millis

LIST_DEFAULT, LIST_MOST = 20, 1000
DAYS = 30
Part: TypeAlias = Fill | Liquidation


def user_trades(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/userTrades (HashKey REST 4.9)."""
    return _user_trades(desk, call, account_of(call))


def sub_account_user_trades(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/subAccount/userTrades (HashKey REST 6)."""
    return _user_trades(desk, call, sub_account(desk, call))


def _user_trades(desk: Desk, call: Call, account: str) -> bytes:
    """Newest first; ``fromId`` and ``toId`` are bounds that the ids must lie between.

    The symbol is required, but Hummingbot asks by ``clientOrderId`` alone (Hummingbot 5.5).
    """
    params = call.params
    client_order_id = read.client_order_id(params, "clientOrderId")
    symbol = params.get("symbol")
    if symbol or not client_order_id:
        symbol = listed_symbol(desk, call)
    start, end = read.window(params, call.now_ms, DAYS, Refusal.TRADES_TOO_OLD, longest_days=DAYS)
    above, below = read.whole(params, "fromId"), read.whole(params, "toId") or None
    most = read.limit(params, LIST_DEFAULT, LIST_MOST)
    order_id = None
    if client_order_id:
        order = desk.find(CancelOrder(account, None, client_order_id))
        if order is None:
            return b"[]"
        order_id = order.id
    fills: Iterator[Part] = reversed(desk.history.of(account).fills)
    taken: Iterator[Part] = liquidations(desk, account)
    newest_first = heapq.merge(fills, taken, key=_fill_id, reverse=True)
    found = (
        one
        for one in takewhile(lambda one: one.ts // NANOS_PER_MILLI >= start, newest_first)
        if one.ts // NANOS_PER_MILLI <= end
        and symbol in (None, one.event.symbol)
        and order_id in (None, one.event.order_id)
        and (above is None or _fill_id(one) > above)
        and (below is None or _fill_id(one) < below)
    )
    return encode([_fill_row(desk, one) for one in islice(found, most)])


def _fill_id(one: Part) -> int:
    return one.event.fill_id if isinstance(one, Fill) else one.event.trade_id


def _fill_row(desk: Desk, one: Part) -> dict[str, Any]:
    """13 members, both spellings of the last, and the newer ``ticketId`` (real shapes 5.6)."""
    grids = desk.state.markets[one.event.symbol].instrument
    if isinstance(one, Liquidation):
        price, commission, pnl, maker = price_text(one.event.price), "0", one.event.pnl, False
        qty, type_, side = one.event.lots, "MARKET", shapes.four_way(one.event.side.closes, PositionEffect.CLOSE)
        asset = desk.state.perpetuals[one.event.symbol].contract.margin_asset
    else:
        order = desk.state.orders[one.event.order_id]
        price, qty, pnl = grids.price_grid.text(one.event.price), one.event.qty, one.event.pnl
        commission, asset = shapes.cut(one.event.fee, shapes.COMMISSION_DECIMALS), one.event.fee_asset
        maker, type_, side = one.event.maker, order.type.name, shapes.four_way(order.side, order.effect)
    return {
        "time": millis(one.ts),
        "tradeId": str(_fill_id(one)),
        "orderId": str(one.event.order_id),
        "symbol": one.event.symbol,
        "price": price,
        "quantity": grids.qty_grid.text(qty),
        "commissionAsset": asset,
        "commission": commission,
        "makerRebate": "0",
        "type": type_,
        "side": side,
        "realizedPnl": money_text(pnl),
        "isMarker": maker,
        "isMaker": maker,
        "ticketId": str(one.event.trade_id),
    }
