"""Everything that can have happened, in the past tense. Once made, never changed.

An event holds what was true at its own moment, so several fills in one command can be told apart.
Facts that never change about an order (price, type, client order id …) stand in OrderAccepted and in
the order itself.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import msgspec

from simulator.core.commands import Command, Exit
from simulator.core.instruments import Instrument
from simulator.core.orders import CancelReason, MarginMode, OrderStatus, PositionSide, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import Lots, Money, Nanos, Price, Ticks


class FillCause(Enum):
    """What made a fill happen; the first half of the answer to "why did it fill?"."""

    TOOK_MIRROR = "took mirrored liquidity"
    TOOK_ORDER = "took an order resting on this exchange"
    HIT_BY_ORDER = "an order on this exchange traded against it"
    TRADED_AT = "the market traded at its price and the queue ahead was used up"
    TRADED_THROUGH = "the market traded through its price"
    CROSSED = "the mirrored book came to or through its price"
    FORCED = "its client order id asked for it"


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


class MatchingSet(msgspec.Struct, frozen=True):
    """Matching was paused or goes on."""

    symbol: str
    matching: bool


class ModelsChosen(msgspec.Struct, frozen=True):
    """The models by which a market fills from now on."""

    symbol: str
    queue: str
    residual: str


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
    """A new order exists; what it did next follows in the same list. Sizes as in PlaceOrder.

    A market order for a perpetual has its protective price here.
    """

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
    rested or not known), ``ahead_then`` until the moment before this fill; ``trigger`` the market's time of
    what caused it (None: this exchange) and ``message`` its id, or that of the book from which a taker took.
    ``pnl`` is what a closing fill realised, before its fee.
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
    pnl: Money = 0
    ahead_then: Lots | None = None
    message: str = ""


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


class LeverageSet(msgspec.Struct, frozen=True):
    """Another leverage for a symbol."""

    account: str
    symbol: str
    leverage: int


class MarginModeSet(msgspec.Struct, frozen=True):
    """Another margin mode for a symbol."""

    account: str
    symbol: str
    mode: MarginMode


class MarginAdjusted(msgspec.Struct, frozen=True):
    """Money went from free to a position's margin, or back; ``margin`` is the position's after it."""

    account: str
    symbol: str
    side: PositionSide
    amount: Money
    margin: Money


class PositionChanged(msgspec.Struct, frozen=True, gc=False):
    """A position after the command; of size 0: it is closed.

    ``cost`` is what its lots were worth when they were opened, so the entry price is cost / lots;
    ``closing`` is how many lots open closing orders already speak for; ``realised`` is what it has earned
    so far: profit of closed lots and funding, less all fees.
    """

    account: str
    symbol: str
    side: PositionSide
    lots: Lots
    cost: Money
    margin: Money
    realised: Money
    closing: Lots


class MarkChanged(msgspec.Struct, frozen=True, gc=False):
    """Another mark price, or another index, of a perpetual."""

    symbol: str
    ts: Nanos
    mark: Price
    index: Price | None


class FundingSet(msgspec.Struct, frozen=True):
    """What the next settlement will be like (rate in 10^-18)."""

    symbol: str
    rate: int
    settle_time: Nanos


class FundingSettled(msgspec.Struct, frozen=True):
    """Longs paid shorts (or the other way round); ``outside`` is what the outside market received.

    With the amounts of the FundingPaid beside it, it sums to zero.
    """

    symbol: str
    settle_time: Nanos
    rate: int
    mark: Price
    outside: Money


class FundingPaid(msgspec.Struct, frozen=True, gc=False):
    """One position's part of a settlement; ``amount`` is what the account received, negative when it paid."""

    account: str
    symbol: str
    side: PositionSide
    settle_time: Nanos
    lots: Lots
    mark: Price
    rate: int
    asset: str
    amount: Money


class MarginWarning(msgspec.Struct, frozen=True):
    """Little is left above the maintenance margin, of a wallet (symbol None) or of an isolated position."""

    account: str
    asset: str
    symbol: str | None
    side: PositionSide | None
    equity: Money
    maintenance: Money


class PositionLiquidated(msgspec.Struct, frozen=True):
    """The insurance fund took a position over for ``value``, its worth at the bankruptcy price.

    ``price`` is value per unit, cut; ``pnl`` is what the account realised by it (its margin is gone);
    ``order_id`` and ``trade_id`` are numbers of their own, for who shows it as an order that was filled.
    """

    account: str
    symbol: str
    side: PositionSide
    lots: Lots
    value: Money
    price: Price
    pnl: Money
    mark: Price
    order_id: int
    trade_id: int


class DeficitCovered(msgspec.Struct, frozen=True):
    """The insurance fund paid what an account without positions owed."""

    account: str
    asset: str
    amount: Money


class InsuranceTraded(msgspec.Struct, frozen=True, gc=False):
    """The insurance fund got rid of lots it had taken over; ``pnl`` is what it earned by them (or lost)."""

    symbol: str
    side: Side
    trade_id: int
    price: Ticks
    qty: Lots
    pnl: Money
    left: Lots


class InsuranceChanged(msgspec.Struct, frozen=True):
    """What the insurance fund has of an asset after the command; it may be negative."""

    asset: str
    balance: Money


class StopPlaced(msgspec.Struct, frozen=True, gc=False):
    """An order waits for a price; ``rising`` when it waits for a higher one than there is."""

    stop_id: int
    account: str
    symbol: str
    side: Side
    trigger: Ticks
    rising: bool
    client_order_id: str


class StopTriggered(msgspec.Struct, frozen=True, gc=False):
    """Its price was reached and its order went in, as ``order_id`` (its OrderAccepted follows)."""

    stop_id: int
    account: str
    symbol: str
    order_id: int


class StopFailed(msgspec.Struct, frozen=True, gc=False):
    """Its price was reached and its order was refused."""

    stop_id: int
    account: str
    symbol: str
    reason: RejectReason


class StopCanceled(msgspec.Struct, frozen=True, gc=False):
    """It waits no longer."""

    stop_id: int
    account: str
    symbol: str
    reason: CancelReason


class PositionStopsSet(msgspec.Struct, frozen=True):
    """Take-profit and stop-loss of a position as they are now."""

    account: str
    symbol: str
    side: PositionSide
    take_profit: Exit | None
    stop_loss: Exit | None


Event: TypeAlias = (
    Rejected
    | InstrumentListed
    | TradingSet
    | MatchingSet
    | ModelsChosen
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
    | LeverageSet
    | MarginModeSet
    | MarginAdjusted
    | PositionChanged
    | MarkChanged
    | FundingSet
    | FundingSettled
    | FundingPaid
    | MarginWarning
    | PositionLiquidated
    | DeficitCovered
    | InsuranceTraded
    | InsuranceChanged
    | StopPlaced
    | StopTriggered
    | StopFailed
    | StopCanceled
    | PositionStopsSet
)
