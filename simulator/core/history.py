"""What happened to each account, kept from events: its fills, and every change of its balances.

A read model: it hears the same events as everybody else and can be rebuilt from them at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from simulator.core.events import AccountOpened, Deposited, Event, OrderFilled, Transferred, Withdrawn
from simulator.core.orders import Side
from simulator.core.state import State
from simulator.core.units import Money, Nanos


class FlowKind(Enum):
    """Why a balance changed."""

    TRADE = "trade"
    FEE = "fee"
    TRANSFER = "transfer"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


class Flow(msgspec.Struct, frozen=True, gc=False):
    """One change of a balance; ``total`` (free and held) is what the account had after it."""

    id: int
    ts: Nanos
    asset: str
    kind: FlowKind
    change: Money
    total: Money
    reference: str = ""


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One part of a trade and when it happened."""

    ts: Nanos
    side: Side
    event: OrderFilled


class Records:
    """Fills and flows of one account, oldest first."""

    __slots__ = ("fills", "flows", "totals", "volume")

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.flows: list[Flow] = []
        self.totals: dict[str, Money] = {}
        self.volume: dict[str, int] = {}


class History:
    """A subscriber: ``on_events`` after every command."""

    __slots__ = ("_accounts", "_flows_made", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._accounts: dict[str, Records] = {}
        self._flows_made = 0

    def of(self, account: str) -> Records:
        """Everything kept of an account."""
        return self._accounts[account]

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep what concerns an account."""
        for event in events:
            kind = type(event)
            if kind is OrderFilled:
                self._filled(now, event)  # type: ignore[arg-type]
            elif kind is AccountOpened:
                self._accounts[event.account] = Records()  # type: ignore[union-attr]
            elif isinstance(event, Deposited):
                self._flow(now, event.account, event.asset, FlowKind.DEPOSIT, event.amount, event.reference)
            elif isinstance(event, Withdrawn):
                self._flow(now, event.account, event.asset, FlowKind.WITHDRAWAL, -event.amount, event.reference)
            elif isinstance(event, Transferred):
                self._flow(now, event.source, event.asset, FlowKind.TRANSFER, -event.amount, event.reference)
                self._flow(now, event.target, event.asset, FlowKind.TRANSFER, event.amount, event.reference)

    def _filled(self, now: Nanos, event: OrderFilled) -> None:
        side = self._state.orders[event.order_id].side
        records = self._accounts[event.account]
        records.fills.append(Fill(now, side, event))
        notional = event.price * event.qty
        records.volume[event.symbol] = records.volume.get(event.symbol, 0) + notional
        instrument = self._state.markets[event.symbol].instrument
        cost, goods = notional * instrument.quote_atoms, event.qty * instrument.base_atoms
        sign = side.sign
        self._flow(now, event.account, instrument.base, FlowKind.TRADE, sign * goods)
        self._flow(now, event.account, instrument.quote, FlowKind.TRADE, -sign * cost)
        if event.fee:
            self._flow(now, event.account, event.fee_asset, FlowKind.FEE, -event.fee)

    def _flow(self, now: Nanos, account: str, asset: str, kind: FlowKind, change: Money, reference: str = "") -> None:
        records = self._accounts[account]
        total = records.totals[asset] = records.totals.get(asset, 0) + change
        self._flows_made += 1
        records.flows.append(Flow(self._flows_made, now, asset, kind, change, total, reference))
