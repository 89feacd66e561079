"""Events of the core about perpetuals → events of the private socket (hashkey-websocket.md 4.8 to 4.11, real shapes 9).

The rules of ``reports.py`` hold. Of a STOP nothing is told but the order that it sends out (WebSocket 4.11). A
position that is taken over is reported as an order of its own that was filled, with ``lo`` and ``lt``.
"""

from __future__ import annotations

import msgspec

from simulator.core.events import OrderAccepted, OrderCanceled, OrderFilled, PositionChanged, PositionLiquidated
from simulator.core.market import Market
from simulator.core.orders import Order, PositionEffect
from simulator.core.state import State
from simulator.core.units import Lots, Money, money_text, plain, price_text
from simulator.venues.hashkey.accounts import AccountIds
from simulator.venues.hashkey.futures_orders import LIQUIDATION_WORD, four_way, wire_type
from simulator.venues.hashkey.futures_positions import Holding, PositionTexts
from simulator.venues.hashkey.orders import average_price, millis
from simulator.venues.hashkey.tickets import TicketInfo, encode, two_decimals


class ContractReport(msgspec.Struct):
    """WebSocket 4.8, 30 members in the order of the recorded frame."""

    e: str
    E: str
    s: str
    c: str
    S: str
    o: str
    f: str
    q: str
    p: str
    X: str
    i: str
    l: str  # noqa: E741 - the wire's name, here and below
    z: str
    L: str
    n: str
    N: str
    u: bool
    w: bool
    m: bool
    O: str  # noqa: E741
    Z: str
    C: bool
    v: str
    reqAmt: str  # noqa: N815
    d: str
    r: str
    V: str
    P: str
    lo: bool
    lt: str


class PositionInfo(msgspec.Struct):
    """WebSocket 4.10."""

    e: str
    E: str
    A: str
    s: str
    S: str
    p: str
    P: str
    a: str
    f: str
    m: str
    r: str
    up: str
    pr: str
    pv: str
    v: str
    mt: str
    mm: str


class ContractReports:
    """Makes them. ``leverage`` is the account's of now: nothing but its owner's command changes it."""

    def __init__(self, state: State, ids: AccountIds) -> None:
        self._state = state
        self._ids = ids

    def _of(self, event: OrderAccepted | OrderFilled | OrderCanceled) -> tuple[Market, Order, str]:
        listed = self._state.perpetuals[event.symbol]
        return listed.market, self._state.orders[event.order_id], str(listed.seat(event.account).leverage)

    def accepted(self, ms: str, event: OrderAccepted) -> list[bytes]:
        """An order as it came in."""
        return [encode((new_report(*self._of(event), ms),))]

    def filled(self, ms: str, event: OrderFilled) -> list[bytes]:
        """WebSocket 4.11: the ticket, then the report. ``d`` is REST's tradeId (Hummingbot 8: or fills count twice)."""
        market, order, leverage = self._of(event)
        grids = market.instrument
        report = new_report(market, order, leverage, ms)
        report.X = event.status.name
        report.d = str(event.fill_id)
        report.l, report.L = grids.qty_grid.text(event.qty), grids.price_grid.text(event.price)
        report.n, report.N = money_text(event.fee), event.fee_asset
        report.m = event.maker
        _so_far(report, market, event.leaves, event.filled, event.notional)
        ticket = TicketInfo(
            "ticketInfo",
            ms,
            order.symbol,
            two_decimals(report.l),
            ms,
            two_decimals(report.L),
            str(event.trade_id),
            report.i,
            report.c,
            self._ids.account_id(event.account),
            event.maker,
            order.side,
        )
        return [encode((ticket,)), encode((report,))]

    def canceled(self, ms: str, event: OrderCanceled) -> list[bytes]:
        """Nothing happens to an order after its end, so what it had filled stands in the order."""
        market, order, leverage = self._of(event)
        report = new_report(market, order, leverage, ms)
        report.X = event.status.name
        _so_far(report, market, event.leaves, order.filled, order.notional)
        return [encode((report,))]

    def liquidated(self, ms: str, event: PositionLiquidated) -> list[bytes]:
        """A position that the insurance fund took over, as one order and its one fill."""
        listed = self._state.perpetuals[event.symbol]
        grids = listed.market.instrument
        lots, price, side = grids.qty_grid.text(event.lots), price_text(event.price), event.side.closes
        number = str(event.order_id)
        ticket = TicketInfo(
            "ticketInfo",
            ms,
            event.symbol,
            two_decimals(lots),
            ms,
            two_decimals(price),
            str(event.trade_id),
            number,
            number,
            self._ids.account_id(event.account),
            False,
            side,
        )
        report = ContractReport(
            "contractExecutionReport",
            ms,
            event.symbol,
            number,
            four_way(side, PositionEffect.CLOSE),
            "LIMIT",
            "IOC",
            lots,
            price,
            "FILLED",
            number,
            lots,
            lots,
            price,
            "0",
            listed.contract.margin_asset,
            u=True,
            w=True,
            m=False,
            O=ms,
            Z=price_text(event.price * event.lots),
            C=True,
            v=str(listed.seat(event.account).leverage),
            reqAmt="0",
            d=str(event.trade_id),
            r="0",
            V=price,
            P="0",
            lo=True,
            lt=LIQUIDATION_WORD,
        )
        return [encode((ticket,)), encode((report,))]

    def position(self, ms: str, event: PositionChanged) -> list[bytes]:
        """WebSocket 4.10; a closed position is told once, with size 0."""
        listed = self._state.perpetuals[event.symbol]
        seat = listed.seat(event.account)
        texts = PositionTexts(listed, seat, seat.position(event.side), Holding.of(event))
        info = PositionInfo(
            "outboundContractPositionInfo",
            ms,
            self._ids.account_id(event.account),
            event.symbol,
            event.side.name,
            texts.entry,
            texts.size,
            texts.available,
            texts.liquidation,
            texts.margin,
            texts.realised,
            texts.pnl,
            ratio(texts.unrealised * seat.leverage, event.cost),
            texts.cost,
            f"{seat.leverage}.00",
            seat.mode.name,
            texts.maintenance,
        )
        return [encode((info,))]


def new_report(market: Market, order: Order, leverage: str, ms: str) -> ContractReport:
    """An order as it came in: of its fill nothing (WebSocket 4.8, the last but one paragraph)."""
    grids = market.instrument
    assert order.qty is not None and order.price is not None
    qty = grids.qty_grid.text(order.qty)
    return ContractReport(
        "contractExecutionReport",
        ms,
        order.symbol,
        order.client_order_id,
        four_way(order.side, order.effect),
        wire_type(order),
        order.tif.name,
        qty,
        grids.price_grid.text(order.price),
        "NEW",
        str(order.id),
        "0",
        "0",
        "",
        "0",
        "",
        u=True,
        w=True,
        m=False,
        O=millis(order.created),
        Z="0",
        C=order.effect is PositionEffect.CLOSE,
        v=leverage,
        reqAmt="0",
        d="",
        r=qty,
        V="0",
        P="0",
        lo=False,
        lt="",
    )


def _so_far(report: ContractReport, market: Market, leaves: Lots, filled: Lots, notional: int) -> None:
    """The cumulative members; ``Z`` is price x contracts without the multiplier (WebSocket 4.8)."""
    grids = market.instrument
    report.r, report.z = grids.qty_grid.text(leaves), grids.qty_grid.text(filled)
    report.V = average_price(market, notional, filled)
    report.Z = plain(notional * grids.price_grid.step, grids.price_grid.decimals)


def ratio(profit: Money, of: Money) -> str:
    """A profit as a share, rounded to four decimals (WebSocket 4.10, ``pr``).

    >>> ratio(478 * 5, 48592), ratio(-1, 0)
    ('0.0492', '0')
    """
    if of <= 0:
        return "0"
    rounded = (abs(profit) * 20_000 + of) // (2 * of)
    return plain(-rounded if profit < 0 else rounded, 4)
