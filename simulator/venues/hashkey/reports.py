"""Events of the core → events of the private socket (hashkey-websocket.md 4, real shapes 9).

Member names, their order and types are the venue's: all times and numbers are strings, flags booleans.
Each event says what was true at its own moment: an order that fills in the command that brought it is
first reported whole and NEW.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from simulator.core.events import (
    BalanceChanged,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    PositionChanged,
    PositionLiquidated,
)
from simulator.core.market import Market
from simulator.core.orders import MARKET, Order, OrderStatus, Side, TimeInForce
from simulator.core.state import State
from simulator.core.units import money_text
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, AccountIds
from simulator.venues.hashkey.futures_positions import free_and_held
from simulator.venues.hashkey.futures_reports import ContractReports
from simulator.venues.hashkey.orders import CANCEL_REASONS, average_price, millis
from simulator.venues.hashkey.sockets import StreamSwitches
from simulator.venues.hashkey.tickets import TicketInfo, encode, two_decimals

Render: TypeAlias = Callable[[str, Any], list[bytes]]
"""From the time, as the wire says it, and an event to the venue's events, each an array of one (WebSocket 4.2)."""

NEW: Final = OrderStatus.NEW


class ExecutionReport(msgspec.Struct):
    """WebSocket 4.7. ``x``, why it was cancelled, stands only in a report of that."""

    e: str
    E: str
    s: str
    c: str
    S: Side
    o: str
    f: TimeInForce
    q: str
    p: str
    reqAmt: str  # noqa: N815 - the wire's name
    X: OrderStatus
    d: str
    i: str
    l: str  # noqa: E741 - the wire's name
    r: str
    z: str
    L: str
    V: str
    n: str
    N: str
    u: bool
    w: bool
    m: bool
    O: str  # noqa: E741 - the wire's name
    Z: str
    x: str | msgspec.UnsetType = msgspec.UNSET


class Asset(msgspec.Struct):
    """One balance; ``r``, a remark, is always empty."""

    a: str
    f: str
    l: str  # noqa: E741 - the wire's name
    r: str = ""


class AccountInfo(msgspec.Struct):
    """WebSocket 4.5 and 4.6. One asset each: ccxt reads only the first (WebSocket 4.2)."""

    e: str
    E: str
    T: bool
    W: bool
    D: bool
    B: tuple[Asset]


_MARKET_TYPES: Final = {True: "MARKET_OF_BASE", False: "MARKET_OF_QUOTE"}
"""WebSocket 4.7: by whether the order says a quantity."""


class Reports:
    """Makes them."""

    def __init__(self, state: State, ids: AccountIds, switches: StreamSwitches) -> None:
        self._state = state
        self._ids = ids
        self._switches = switches
        self._contracts = contracts = ContractReports(state, ids)
        self.renders: dict[type, Render] = {
            OrderAccepted: self._accepted,
            OrderFilled: self._filled,
            OrderCanceled: self._canceled,
            BalanceChanged: self._balance,
            PositionChanged: contracts.position,
            PositionLiquidated: contracts.liquidated,
        }

    def _of(self, event: OrderAccepted | OrderFilled | OrderCanceled) -> tuple[Market, Order]:
        return self._state.markets[event.symbol], self._state.orders[event.order_id]

    def _accepted(self, ms: str, event: OrderAccepted) -> list[bytes]:
        market, order = self._of(event)
        if market.perpetual is not None:
            return self._contracts.accepted(ms, event)
        return [encode((new_report(market, order, ms),))]

    def _filled(self, ms: str, event: OrderFilled) -> list[bytes]:
        """WebSocket 4.11: the ticket, then the report; their ids agree (4.7, ``d``)."""
        market, order = self._of(event)
        if market.perpetual is not None:
            return self._contracts.filled(ms, event)
        grids = market.instrument
        report = new_report(market, order, ms)
        report.X = event.status
        report.d = str(event.trade_id if self._switches.execution_is_ticket else event.fill_id)
        report.l, report.L = grids.qty_grid.text(event.qty), grids.price_grid.text(event.price)
        report.n, report.N = money_text(event.fee), event.fee_asset
        report.m = event.maker
        _so_far(report, market, event.leaves, event.filled, event.notional)
        return [encode((self._ticket(report, event),)), encode((report,))]

    def _ticket(self, report: ExecutionReport, event: OrderFilled) -> TicketInfo:
        return TicketInfo(
            "ticketInfo",
            report.E,
            report.s,
            two_decimals(report.l),
            report.E,
            two_decimals(report.L),
            str(event.trade_id),
            report.i,
            report.c,
            self._ids.account_id(event.account),
            event.maker,
            report.S,
        )

    def _canceled(self, ms: str, event: OrderCanceled) -> list[bytes]:
        """Nothing happens to an order after its end, so what it had filled stands in the order."""
        market, order = self._of(event)
        if market.perpetual is not None:
            return self._contracts.canceled(ms, event)
        report = new_report(market, order, ms)
        report.X = event.status
        report.x = CANCEL_REASONS[event.reason]
        _so_far(report, market, event.leaves, order.filled, order.notional)
        return [encode((report,))]

    def _balance(self, ms: str, event: BalanceChanged) -> list[bytes]:
        if event.account.endswith(FUTURES_SUFFIX):
            # REST's ``balance`` is what these two add up to (WebSocket 4.6).
            name, (free, held, _) = "outboundContractAccountInfo", free_and_held(event.free, event.held)
        else:
            name, free, held = "outboundAccountInfo", money_text(event.free), money_text(event.held)
        asset = Asset(event.asset, free, held)
        return [encode((AccountInfo(name, ms, T=True, W=True, D=True, B=(asset,)),))]


def new_report(market: Market, order: Order, ms: str) -> ExecutionReport:
    """An order as it came in."""
    grids = market.instrument
    asked = order.command
    qty = "0" if asked.qty is None else grids.qty_grid.text(asked.qty)
    return ExecutionReport(
        "executionReport",
        ms,
        asked.symbol,
        order.client_order_id,
        order.side,
        _MARKET_TYPES[asked.qty is not None] if asked.type is MARKET else asked.type.value,
        asked.tif,
        qty,
        "0" if order.price is None else grids.price_grid.text(order.price),
        "0" if asked.amount is None else money_text(asked.amount),
        NEW,
        "",
        str(order.id),
        "0",
        qty,
        "0",
        "",
        "0",
        "0",
        "",
        u=True,
        w=True,
        m=False,
        O=millis(order.created),
        Z="0",
    )


def _so_far(report: ExecutionReport, market: Market, leaves: int, filled: int, notional: int) -> None:
    """The cumulative members."""
    grids = market.instrument
    report.r, report.z = grids.qty_grid.text(leaves), grids.qty_grid.text(filled)
    report.V = average_price(market, notional, filled)
    report.Z = money_text(notional * grids.quote_atoms)
