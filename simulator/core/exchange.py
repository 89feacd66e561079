"""The single writer: ``handle(now, command) -> [event]``. Same commands in, same events out.

Each command has a *check*, which reads and decides, and an *apply*, which changes and cannot fail. So
a rejected command leaves no trace, and the digest of the state proves it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from simulator.core import (
    banking,
    cancelling,
    checking,
    choosing,
    consequences,
    forcing,
    margining,
    marking,
    observing,
    pausing,
    paying,
    placing,
    stopping,
)
from simulator.core.commands import (
    AdjustMargin,
    AdvanceTime,
    CancelOpenOrders,
    CancelOrder,
    CancelStop,
    CancelStops,
    ChangeDepth,
    ChooseModels,
    Command,
    ComputeMarkPrice,
    Deposit,
    ForceFill,
    InvalidateDepth,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PlaceStop,
    PrintTrade,
    ReplaceDepth,
    SetFees,
    SetFunding,
    SetLeverage,
    SetMarginMode,
    SetMarkPrice,
    SetMatching,
    SetPositionStops,
    SetTrading,
    Transfer,
    Withdraw,
)
from simulator.core.events import Event, Rejected
from simulator.core.rejections import RejectReason
from simulator.core.state import NEVER, State
from simulator.core.units import Nanos

Check: TypeAlias = Callable[[State, Any], RejectReason | None]
Apply: TypeAlias = Callable[[State, Nanos, Any], list[Event]]


def _no_check(state: State, command: AdvanceTime) -> RejectReason | None:
    return None


def _advance_time(state: State, now: Nanos, command: AdvanceTime) -> list[Event]:
    return []


HANDLERS: Final[dict[type, tuple[Check, Apply]]] = {
    ListInstrument: (banking.check_list, banking.list_instrument),
    ChooseModels: (choosing.check_choose, choosing.choose),
    SetTrading: (banking.check_trading, banking.set_trading),
    SetMatching: (pausing.check_matching, pausing.set_matching),
    OpenAccount: (banking.check_open, banking.open_account),
    SetFees: (banking.check_fees, banking.set_fees),
    Deposit: (banking.check_deposit, banking.deposit),
    Withdraw: (banking.check_withdraw, banking.withdraw),
    Transfer: (banking.check_transfer, banking.transfer),
    PlaceOrder: (checking.check_place, placing.place),
    ForceFill: (forcing.check_force, forcing.force),
    CancelOrder: (cancelling.check_cancel, cancelling.cancel),
    CancelOpenOrders: (cancelling.check_cancel_open, cancelling.cancel_open),
    ReplaceDepth: (observing.check_replace, observing.replace_depth),
    ChangeDepth: (observing.check_change, observing.change_depth),
    PrintTrade: (observing.check_trade, observing.print_trade),
    InvalidateDepth: (observing.check_symbol, observing.invalidate_depth),
    SetLeverage: (margining.check_leverage, margining.set_leverage),
    SetMarginMode: (margining.check_mode, margining.set_mode),
    AdjustMargin: (margining.check_adjust, margining.adjust),
    PlaceStop: (stopping.check_place_stop, stopping.place_stop),
    CancelStop: (stopping.check_cancel_stop, stopping.cancel_stop),
    CancelStops: (stopping.check_cancel_stops, stopping.cancel_stops),
    SetPositionStops: (stopping.check_exits, stopping.set_exits),
    SetMarkPrice: (marking.check_mark, marking.set_mark),
    ComputeMarkPrice: (marking.check_compute, marking.compute_mark),
    SetFunding: (paying.check_funding, paying.set_funding),
    AdvanceTime: (_no_check, _advance_time),
}


class Exchange:
    """The only writer of its state."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State()

    def handle(self, now: Nanos, command: Command) -> list[Event]:
        """Do what is asked at time ``now``, or say why not: [Rejected]."""
        state = self.state
        if now != state.now:
            state.advance(now)
            if now >= state.timer:
                return consequences.on_time(state) + self.handle(now, command)
        check, apply = HANDLERS[type(command)]
        reason = check(state, command)
        if reason is not None:
            return [Rejected(command, reason)]
        events = apply(state, now, command)
        if state.moved or state.risky:
            consequences.work_off(state, events)
        return events

    def next_timer(self) -> Nanos | None:
        """When something happens without a command; whoever keeps the time brings AdvanceTime then."""
        return None if self.state.timer == NEVER else self.state.timer

    def check(self, command: Command) -> RejectReason | None:
        """What ``handle`` would say no for, without asking it."""
        check, _ = HANDLERS[type(command)]
        return check(self.state, command)
