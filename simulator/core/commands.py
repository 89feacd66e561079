"""Everything that may be asked of an exchange, in the imperative.

Frozen structs of plain numbers: prices in ticks, quantities in lots, money in atoms, times in
nanoseconds. Each is its own codec (tagged by class name), so a journal can hold them as they are.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from simulator.core.instruments import Instrument
from simulator.core.orders import OrderType, SelfTradePrevention, Side, TimeInForce
from simulator.core.units import Lots, Money, Nanos, Ticks


class ListInstrument(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Open a market."""

    instrument: Instrument


class SetTrading(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Halt or resume a symbol: no new orders while halted, cancels still work."""

    symbol: str
    trading: bool


class OpenAccount(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """A new account with its fee rates (10^-8; negative is a rebate)."""

    account: str
    maker_rate: int
    taker_rate: int


class SetFees(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """New fee rates for fills from now on."""

    account: str
    maker_rate: int
    taker_rate: int


class Deposit(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Money from outside the exchange into an account; ``reference`` is repeated in the event."""

    account: str
    asset: str
    amount: Money
    reference: str = ""


class Withdraw(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Free money out of the exchange."""

    account: str
    asset: str
    amount: Money
    reference: str = ""


class Transfer(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Free money between two accounts."""

    source: str
    target: str
    asset: str
    amount: Money
    reference: str = ""


class PlaceOrder(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """A new order. LIMIT and LIMIT_MAKER need price and qty; MARKET needs qty or amount (quote)."""

    account: str
    symbol: str
    side: Side
    type: OrderType
    qty: Lots | None
    price: Ticks | None
    client_order_id: str
    tif: TimeInForce = TimeInForce.GTC
    amount: Money | None = None
    stp: SelfTradePrevention = SelfTradePrevention.EXPIRE_TAKER
    broker: str = ""


class CancelOrder(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """Cancel one order by our id or, when that is None, by the customer's."""

    account: str
    order_id: int | None
    client_order_id: str | None = None


class CancelOpenOrders(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Cancel open orders, newest first: of one symbol, of one side, with ids below ``before``, at most ``limit``."""

    account: str
    symbol: str | None = None
    side: Side | None = None
    before: int | None = None
    limit: int | None = None


Levels: TypeAlias = tuple[tuple[Ticks, Lots], ...]


class ReplaceDepth(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """The outside market's whole book, best first. ``ts`` is the venue's own time of it."""

    symbol: str
    ts: Nanos
    bids: Levels
    asks: Levels


class ChangeDepth(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """Levels of the outside book that changed; quantity 0 removes a level."""

    symbol: str
    ts: Nanos
    bids: Levels
    asks: Levels


class PrintTrade(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """A trade of the outside market; ``side`` is the taker's, ``ts`` the venue's match time."""

    symbol: str
    ts: Nanos
    price: Ticks
    qty: Lots
    side: Side


class InvalidateDepth(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """The mirror is stale: nothing fills from it until the next ReplaceDepth."""

    symbol: str


class AdvanceTime(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Nothing happened but the passing of time."""


Command: TypeAlias = (
    ListInstrument
    | SetTrading
    | OpenAccount
    | SetFees
    | Deposit
    | Withdraw
    | Transfer
    | PlaceOrder
    | CancelOrder
    | CancelOpenOrders
    | ReplaceDepth
    | ChangeDepth
    | PrintTrade
    | InvalidateDepth
    | AdvanceTime
)
