"""What happened to each account, kept from events: its fills, every change of its balances, and by which models.

A read model: it hears the same events as everybody else and can be rebuilt from them at any time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple, TypeAlias

import msgspec

from simulator.core.events import (
    AccountOpened,
    DeficitCovered,
    Deposited,
    Event,
    FundingPaid,
    FundingSettled,
    InstrumentListed,
    ModelsChosen,
    OrderFilled,
    PositionLiquidated,
    Transferred,
    Withdrawn,
)
from simulator.core.orders import Order, Side
from simulator.core.state import State
from simulator.core.units import Money, Nanos


class FlowKind(Enum):
    """Why a balance changed."""

    TRADE = "trade"
    FEE = "fee"
    TRANSFER = "transfer"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    REALISED_PROFIT = "realised profit"
    FUNDING = "funding"
    LIQUIDATION = "liquidation"


Change: TypeAlias = tuple[str, FlowKind, Money, str]
"""Asset, kind, amount and reference."""


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
    """Fills and flows of one account, oldest first.

    Flows are worked out when somebody asks: there are three to a fill, and far more fills than questions.
    """

    __slots__ = ("_flows", "_happened", "_state", "_totals", "fills")

    def __init__(self, state: State) -> None:
        self._state = state
        self._happened: list[tuple[int, Nanos, OrderFilled | Change]] = []
        self._flows: list[Flow] = []
        self._totals: dict[str, Money] = {}
        self.fills: list[Fill] = []

    def happened(self, number: int, now: Nanos, what: OrderFilled | Change) -> None:
        """Keep what will become flows, numbered from ``number``."""
        self._happened.append((number, now, what))

    @property
    def flows(self) -> list[Flow]:
        """Every change of a balance so far."""
        for number, now, what in self._happened:
            for step, (asset, kind, change, reference) in enumerate(self._changes(what)):
                total = self._totals[asset] = self._totals.get(asset, 0) + change
                self._flows.append(Flow(number + step, now, asset, kind, change, total, reference))
        self._happened.clear()
        return self._flows

    @property
    def totals(self) -> dict[str, Money]:
        """What the flows add up to."""
        assert self.flows is self._flows
        return self._totals

    def _changes(self, what: OrderFilled | Change) -> Iterator[Change]:
        if isinstance(what, tuple):
            yield what
            return
        instrument = self._state.markets[what.symbol].instrument
        if instrument.contract is None:
            sign = self._state.orders[what.order_id].side.sign
            notional = what.price * what.qty
            yield instrument.base, FlowKind.TRADE, sign * what.qty * instrument.base_atoms, ""
            yield instrument.quote, FlowKind.TRADE, -sign * notional * instrument.quote_atoms, ""
        elif what.pnl:
            yield what.fee_asset, FlowKind.REALISED_PROFIT, what.pnl, ""
        if what.fee:
            yield what.fee_asset, FlowKind.FEE, -what.fee, ""


class Models(NamedTuple):
    """Names of the models by which a market filled, from the number ``since`` on."""

    since: int
    queue: str
    residual: str


_RARE = frozenset({AccountOpened, Deposited, Withdrawn, Transferred})
_OF_MARKETS = frozenset({InstrumentListed, ModelsChosen})
_OF_PERPETUALS = frozenset({PositionLiquidated, DeficitCovered, FundingPaid, FundingSettled})
_FLOWS_OF_A_FILL = 3


class History:
    """A subscriber: ``on_events`` after every command. ``settlements``: of each perpetual, oldest first."""

    __slots__ = ("_accounts", "_flows_made", "_models", "_state", "settlements")

    def __init__(self, state: State) -> None:
        self._state = state
        self.settlements: dict[str, list[FundingSettled]] = {}
        self._accounts: dict[str, Records] = {}
        self._models: dict[str, list[Models]] = {}
        self._flows_made = 0

    def of(self, account: str) -> Records:
        """Everything kept of an account."""
        return self._accounts[account]

    def fills_of(self, order: Order) -> list[Fill]:
        """An order's fills, oldest first. Numbers only grow, so those before it need not be looked at."""
        fills = self._accounts[order.account].fills
        first = bisect_left(fills, order.id, key=lambda fill: fill.event.fill_id)
        return [fill for fill in fills[first:] if fill.event.order_id == order.id]

    def other_part(self, fill: OrderFilled) -> OrderFilled | None:
        """What another account had of the same trade; None: it was no account's of this exchange."""
        for records in self._accounts.values():
            first = bisect_left(records.fills, fill.trade_id, key=lambda one: one.event.trade_id)
            for one in records.fills[first : first + 2]:
                if one.event.trade_id == fill.trade_id and one.event.order_id != fill.order_id:
                    return one.event
        return None

    def models_at(self, symbol: str, number: int) -> Models:
        """By which models a market filled when a number was given out."""
        for models in reversed(self._models.get(symbol, ())):
            if models.since <= number:
                return models
        return self._models_now(symbol)

    def _models_now(self, symbol: str) -> Models:
        market = self._state.markets[symbol]
        return Models(0, market.model.name, market.mirror.residual.name)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep what concerns an account."""
        for event in events:
            kind = type(event)
            if kind is OrderFilled:
                self._filled(now, event)  # type: ignore[arg-type]
            elif kind in _RARE:
                self._rare(now, event)
            elif kind in _OF_PERPETUALS:
                self._of_perpetuals(now, event)
            elif kind in _OF_MARKETS:
                self._of_markets(event)

    def _filled(self, now: Nanos, event: OrderFilled) -> None:
        records = self._accounts[event.account]
        records.fills.append(Fill(now, self._state.orders[event.order_id].side, event))
        records.happened(self._flows_made + 1, now, event)
        self._flows_made += _FLOWS_OF_A_FILL

    def _rare(self, now: Nanos, event: Event) -> None:
        if isinstance(event, AccountOpened):
            self._accounts[event.account] = Records(self._state)
        elif isinstance(event, Deposited):
            self._moved(now, event.account, (event.asset, FlowKind.DEPOSIT, event.amount, event.reference))
        elif isinstance(event, Withdrawn):
            self._moved(now, event.account, (event.asset, FlowKind.WITHDRAWAL, -event.amount, event.reference))
        elif isinstance(event, Transferred):
            self._moved(now, event.source, (event.asset, FlowKind.TRANSFER, -event.amount, event.reference))
            self._moved(now, event.target, (event.asset, FlowKind.TRANSFER, event.amount, event.reference))

    def _of_markets(self, event: Event) -> None:
        if isinstance(event, InstrumentListed):
            symbol = event.instrument.symbol
            self._models[symbol] = [self._models_now(symbol)]
        elif isinstance(event, ModelsChosen):
            self._models.setdefault(event.symbol, []).append(
                Models(self._state.last_id + 1, event.queue, event.residual)
            )

    def _of_perpetuals(self, now: Nanos, event: Event) -> None:
        """The insurance fund is no account of ours; what it pays and receives is told by events only."""
        if isinstance(event, FundingSettled):
            self.settlements.setdefault(event.symbol, []).append(event)
        elif isinstance(event, FundingPaid):
            if event.account in self._accounts:
                self._moved(now, event.account, (event.asset, FlowKind.FUNDING, event.amount, ""))
        elif isinstance(event, DeficitCovered):
            self._moved(now, event.account, (event.asset, FlowKind.LIQUIDATION, event.amount, ""))
        elif isinstance(event, PositionLiquidated):
            asset = self._state.perpetuals[event.symbol].contract.margin_asset
            self._moved(now, event.account, (asset, FlowKind.LIQUIDATION, event.pnl, ""))

    def _moved(self, now: Nanos, account: str, change: Change) -> None:
        self._flows_made += 1
        self._accounts[account].happened(self._flows_made, now, change)
