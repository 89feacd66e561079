"""Everything that can have happened, in the past tense. Once made, never changed.

An event holds what was true at its own moment, so several fills in one command can be told apart.
Facts that never change about an order (price, type, client order id …) stand in OrderAccepted and in
the order itself.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from simulator.core.commands import Command
from simulator.core.instruments import Instrument
from simulator.core.orders import CancelReason, OrderStatus, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import Lots, Money, Nanos, Ticks


class FillCause(Enum):
    """What made a fill happen; the first half of the answer to "why did it fill?"."""

    TOOK_MIRROR = "took mirrored liquidity"
    TOOK_ORDER = "took an order resting on this exchange"
    HIT_BY_ORDER = "an order on this exchange traded against it"
    TRADED_AT = "the market traded at its price and the queue ahead was used up"
    TRADED_THROUGH = "the market traded through its price"
    CROSSED = "the mirrored book came to or through its price"


TOOK_MIRROR, TOOK_ORDER, HIT_BY_ORDER = FillCause.TOOK_MIRROR, FillCause.TOOK_ORDER, FillCause.HIT_BY_ORDER


class Rejected(msgspec.Struct, frozen=True):
    """Declined; nothing changed."""

    command: Command
    reason: RejectReason


class InstrumentListed(msgspec.Struct, frozen=True):
    """A market opened."""

    instrument: Instrument


class TradingSet(msgspec.Struct, frozen=True):
    """A market was halted or resumed."""

    symbol: str
    trading: bool


class AccountOpened(msgspec.Struct, frozen=True):
    """An account exists from now on."""

    account: str


class FeesSet(msgspec.Struct, frozen=True):
    """Fee rates changed (10^-8)."""

    account: str
    maker_rate: int
    taker_rate: int


class Deposited(msgspec.Struct, frozen=True):
    """Money came in from outside."""

    account: str
    asset: str
    amount: Money
    reference: str = ""


class Withdrawn(msgspec.Struct, frozen=True):
    """Money left."""

    account: str
    asset: str
    amount: Money
    reference: str = ""


class Transferred(msgspec.Struct, frozen=True):
    """Money went from one account to another."""

    source: str
    target: str
    asset: str
    amount: Money
    reference: str = ""


class OrderAccepted(msgspec.Struct, frozen=True, gc=False):
    """A new order exists; what it did next follows in the same list. Sizes as in PlaceOrder."""

    order_id: int
    account: str
    symbol: str
    side: Side
    price: Ticks | None
    qty: Lots | None
    client_order_id: str


class OrderFilled(msgspec.Struct, frozen=True, gc=False):
    """One order's part of a trade.

    ``filled``, ``notional`` (ticks x lots) and ``leaves`` are cumulative, after this fill. ``fee`` is
    in ``fee_asset`` and negative for a rebate. ``trade_id`` is shared by both parts, ``fill_id`` is
    not. ``ahead`` is what stood before the order when it joined the mirrored level (None: never
    rested or not known); ``trigger`` the market's time of what caused it (None: this exchange).
    """

    order_id: int
    account: str
    symbol: str
    trade_id: int
    fill_id: int
    price: Ticks
    qty: Lots
    filled: Lots
    leaves: Lots
    notional: int
    status: OrderStatus
    fee: Money
    fee_asset: str
    maker: bool
    cause: FillCause
    ahead: Lots | None
    trigger: Nanos | None


class OrderCanceled(msgspec.Struct, frozen=True, gc=False):
    """What was left of an order is gone."""

    order_id: int
    account: str
    symbol: str
    status: OrderStatus
    leaves: Lots
    reason: CancelReason


class TradeHappened(msgspec.Struct, frozen=True, gc=False):
    """A public trade: of the outside market, or with at least one order of this exchange in it."""

    symbol: str
    trade_id: int
    ts: Nanos
    price: Ticks
    qty: Lots
    side: Side


class BalanceChanged(msgspec.Struct, frozen=True, gc=False):
    """Free and held money of one asset after the command."""

    account: str
    asset: str
    free: Money
    held: Money


class MirrorChanged(msgspec.Struct, frozen=True, gc=False):
    """The outside book moved."""

    symbol: str
    ts: Nanos


class MirrorInvalidated(msgspec.Struct, frozen=True):
    """The outside book is stale; nothing fills from it."""

    symbol: str


Event: TypeAlias = (
    Rejected
    | InstrumentListed
    | TradingSet
    | AccountOpened
    | FeesSet
    | Deposited
    | Withdrawn
    | Transferred
    | OrderAccepted
    | OrderFilled
    | OrderCanceled
    | TradeHappened
    | BalanceChanged
    | MirrorChanged
    | MirrorInvalidated
)
