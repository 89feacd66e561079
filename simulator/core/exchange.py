"""The single writer: ``handle(now, command) -> [event]``. Same commands in, same events out.

Each command has a *check*, which reads and decides, and an *apply*, which changes and cannot fail. So
a rejected command leaves no trace, and the digest of the state proves it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from simulator.core import banking, cancelling, checking, observing, placing
from simulator.core.commands import (
    AdvanceTime,
    CancelOpenOrders,
    CancelOrder,
    ChangeDepth,
    Command,
    Deposit,
    InvalidateDepth,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PrintTrade,
    ReplaceDepth,
    SetFees,
    SetTrading,
    Transfer,
    Withdraw,
)
from simulator.core.events import Event, Rejected
from simulator.core.mirror.queue_position import QueueModel
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos

Check: TypeAlias = Callable[[State, Any], RejectReason | None]
Apply: TypeAlias = Callable[[State, Nanos, Any], list[Event]]


def _no_check(state: State, command: AdvanceTime) -> RejectReason | None:
    return None


def _advance_time(state: State, now: Nanos, command: AdvanceTime) -> list[Event]:
    return []


HANDLERS: Final[dict[type, tuple[Check, Apply]]] = {
    ListInstrument: (banking.check_list, banking.list_instrument),
    SetTrading: (banking.check_trading, banking.set_trading),
    OpenAccount: (banking.check_open, banking.open_account),
    SetFees: (banking.check_fees, banking.set_fees),
    Deposit: (banking.check_deposit, banking.deposit),
    Withdraw: (banking.check_withdraw, banking.withdraw),
    Transfer: (banking.check_transfer, banking.transfer),
    PlaceOrder: (checking.check_place, placing.place),
    CancelOrder: (cancelling.check_cancel, cancelling.cancel),
    CancelOpenOrders: (cancelling.check_cancel_open, cancelling.cancel_open),
    ReplaceDepth: (observing.check_replace, observing.replace_depth),
    ChangeDepth: (observing.check_change, observing.change_depth),
    PrintTrade: (observing.check_trade, observing.print_trade),
    InvalidateDepth: (observing.check_symbol, observing.invalidate_depth),
    AdvanceTime: (_no_check, _advance_time),
}


class Exchange:
    """The only writer of its state."""

    __slots__ = ("state",)

    def __init__(self, model: QueueModel | None = None) -> None:
        self.state = State(model)

    def handle(self, now: Nanos, command: Command) -> list[Event]:
        """Do what is asked at time ``now``, or say why not: [Rejected]."""
        state = self.state
        if now != state.now:
            state.advance(now)
        check, apply = HANDLERS[type(command)]
        reason = check(state, command)
        if reason is not None:
            return [Rejected(command, reason)]
        return apply(state, now, command)

    def check(self, command: Command) -> RejectReason | None:
        """What ``handle`` would say no for, without asking it."""
        check, _ = HANDLERS[type(command)]
        return check(self.state, command)
