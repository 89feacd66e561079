"""What an account chooses for a perpetual: leverage, margin mode, more or less margin of an isolated position."""

from __future__ import annotations

from simulator.core.accounts.margin import CROSS, ISOLATED, Wallet, near_the_end
from simulator.core.accounts.perpetual import PerpetualSeat
from simulator.core.accounts.positions import Position
from simulator.core.commands import AdjustMargin, SetLeverage, SetMarginMode
from simulator.core.events import Event, LeverageSet, MarginAdjusted, MarginModeSet
from simulator.core.filling import Touched, report
from simulator.core.marking import unknown_perpetual
from simulator.core.orders import Order, PositionEffect, Side
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Money, Nanos


def _known(state: State, account: str, symbol: str) -> RejectReason | None:
    refusal = unknown_perpetual(state, symbol)
    if refusal is not None:
        return refusal
    return None if account in state.customers else RejectReason.UNKNOWN_ACCOUNT


def _opening_orders(state: State, account: str, symbol: str) -> list[Order]:
    return [
        order
        for order in state.customers[account].open_orders.values()
        if order.symbol == symbol and order.effect is PositionEffect.OPEN
    ]


def check_leverage(state: State, command: SetLeverage) -> RejectReason | None:
    """The tiers of both sides must allow it, and what is open must find its margin.

    HashKey REST 4.12: lower leverage is refused while an isolated position is open. Higher leverage gives
    margin back, which must not bring an isolated position near its end.
    """
    refusal = _known(state, command.account, command.symbol)
    if refusal is not None:
        return refusal
    listed, leverage = state.perpetuals[command.symbol], command.leverage
    if leverage < 1:
        return RejectReason.LEVERAGE_INVALID
    seat = listed.seat(command.account)
    exposure = max(seat.exposure(side) for side in Side)
    if leverage > listed.perpetual.tiers.max_leverage(exposure):
        return RejectReason.LEVERAGE_TOO_HIGH
    isolated = [position for position in seat.positions if position.lots and seat.mode is ISOLATED]
    if isolated and leverage < seat.leverage:
        return RejectReason.LEVERAGE_REDUCTION_ISOLATED
    return _check_margins(state, seat, command, isolated)


def _check_margins(
    state: State, seat: PerpetualSeat, command: SetLeverage, isolated: list[Position]
) -> RejectReason | None:
    wallet, leverage = seat.wallet, command.leverage
    orders = _opening_orders(state, command.account, command.symbol)
    margins, held = seat.rescaled(leverage, orders)
    _, before = seat.rescaled(seat.leverage, orders)
    more = held - before + sum(margins) - sum(position.margin for position in seat.positions)
    if more > 0 and more > wallet.available:
        return RejectReason.LEVERAGE_MARGIN_MISSING
    for position, margin in zip(seat.positions, margins, strict=True):
        if position in isolated and _would_end(wallet, position, margin):
            return RejectReason.LEVERAGE_CHANGE_FAILED
    return None


def _would_end(wallet: Wallet, position: Position, margin: Money) -> bool:
    maintenance = position.maintenance(wallet.customer.taker_rate)
    return near_the_end(margin + position.unrealised, maintenance)


def set_leverage(state: State, now: Nanos, command: SetLeverage) -> list[Event]:
    """Another leverage; margins follow."""
    seat = state.perpetuals[command.symbol].seat(command.account)
    seat.set_leverage(command.leverage, _opening_orders(state, command.account, command.symbol))
    events: list[Event] = [LeverageSet(command.account, command.symbol, command.leverage)]
    touched: Touched = dict.fromkeys(position for position in seat.positions if position.lots)
    report({**touched, seat.wallet.balance: None}, events)
    return events


def check_mode(state: State, command: SetMarginMode) -> RejectReason | None:
    """Only without positions and orders: the venue's rule is not known, this one hurts nobody."""
    refusal = _known(state, command.account, command.symbol)
    if refusal is not None:
        return refusal
    seat = state.perpetuals[command.symbol].seat(command.account)
    used = seat.open_orders or seat.long.lots or seat.short.lots
    return RejectReason.MARGIN_MODE_IN_USE if used and command.mode is not seat.mode else None


def set_mode(state: State, now: Nanos, command: SetMarginMode) -> list[Event]:
    """Another mode."""
    state.perpetuals[command.symbol].seat(command.account).terms.mode = command.mode
    return [MarginModeSet(command.account, command.symbol, command.mode)]


def check_adjust(state: State, command: AdjustMargin) -> RejectReason | None:
    """HashKey REST 4.14: isolated positions only. Margin taken back must leave the initial margin at the mark price.

    Unrealised loss counts against what is left, unrealised profit does not count for it.
    """
    refusal = _known(state, command.account, command.symbol)
    if refusal is not None:
        return refusal
    seat, amount = state.perpetuals[command.symbol].seat(command.account), command.amount
    position = seat.position(command.side)
    if seat.mode is CROSS or not position.lots or not amount or amount > max(0, seat.wallet.withdrawable):
        return RejectReason.MARGIN_CHANGE_FAILED
    left = position.margin + amount + min(0, position.unrealised)
    if amount < 0 and left < position.value // seat.leverage:
        return RejectReason.MARGIN_REDUCTION_FORBIDDEN
    return None


def adjust(state: State, now: Nanos, command: AdjustMargin) -> list[Event]:
    """Money to the margin, or back."""
    seat = state.perpetuals[command.symbol].seat(command.account)
    position = seat.position(command.side)
    seat.add_margin(position, command.amount)
    events: list[Event] = [
        MarginAdjusted(command.account, command.symbol, command.side, command.amount, position.margin)
    ]
    report((seat.wallet.balance, position), events)
    return events
