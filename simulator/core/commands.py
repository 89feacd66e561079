"""Everything that may be asked of an exchange, in the imperative.

Frozen structs of plain numbers: prices in ticks, quantities in lots, money in atoms, times in
nanoseconds. Each is its own codec (tagged by class name), so a journal can hold them as they are.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from simulator.core.instruments import Instrument
from simulator.core.orders import (
    MarginMode,
    OrderType,
    PositionEffect,
    PositionSide,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from simulator.core.units import Lots, Money, Nanos, Price, Ticks


class ListInstrument(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Open a market."""

    instrument: Instrument


class SetTrading(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Halt or resume a symbol: no new orders while halted, cancels still work."""

    symbol: str
    trading: bool


class SetMatching(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Pause a symbol's matching or let it go on: orders are accepted and cancelled, and nothing trades."""

    symbol: str
    matching: bool


class ChooseModels(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """By which models a market fills from now on, by their names; "" keeps what there is."""

    symbol: str
    queue: str = ""
    residual: str = ""


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
    """A new order. LIMIT and LIMIT_MAKER need price and qty; MARKET needs qty or amount (quote).

    For a perpetual it says what it does to a position (``effect``), and MARKET needs qty. One that stands
    ``apart`` from the book holds its money and is filled by ForceFill only; MARKET cannot.
    """

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
    effect: PositionEffect | None = None
    apart: bool = False


class ForceFill(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """Fill lots of an order that stands apart, at its price, by the outside market."""

    account: str
    client_order_id: str
    qty: Lots


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
    """The outside market's whole book, best first.

    ``ts`` and ``message`` are the venue's own time and id of it ("": it has none).
    """

    symbol: str
    ts: Nanos
    bids: Levels
    asks: Levels
    message: str = ""


class ChangeDepth(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """Levels of the outside book that changed; quantity 0 removes a level. ``message`` as in ReplaceDepth."""

    symbol: str
    ts: Nanos
    bids: Levels
    asks: Levels
    message: str = ""


class PrintTrade(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """A trade of the outside market; ``side`` is the taker's, ``ts`` the venue's match time, ``message`` its id."""

    symbol: str
    ts: Nanos
    price: Ticks
    qty: Lots
    side: Side
    message: str = ""


class InvalidateDepth(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """The mirror is stale: nothing fills from it until the next ReplaceDepth."""

    symbol: str


class SetLeverage(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """How many times its margin a position in a perpetual may be worth, from now on and for what is open."""

    account: str
    symbol: str
    leverage: int


class SetMarginMode(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Cross or isolated margin for a perpetual without positions and orders."""

    account: str
    symbol: str
    mode: MarginMode


class AdjustMargin(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Free money to the margin of an isolated position; a negative amount takes some back."""

    account: str
    symbol: str
    side: PositionSide
    amount: Money


class PlaceStop(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """An order for a perpetual that waits outside the book until a price is reached. It holds no margin."""

    order: PlaceOrder
    trigger: Ticks
    by: TriggerBy = TriggerBy.MARK


class CancelStop(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """Take a waiting order back, by our id or, when that is None, by the customer's."""

    account: str
    stop_id: int | None
    client_order_id: str | None = None


class CancelStops(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Take all waiting orders back, newest first: of one symbol, of one side."""

    account: str
    symbol: str | None = None
    side: Side | None = None


class Exit(msgspec.Struct, frozen=True, gc=False):
    """At which price a position is closed by a market order; ``qty`` None: all of it."""

    trigger: Ticks
    by: TriggerBy = TriggerBy.MARK
    qty: Lots | None = None


class SetPositionStops(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Take-profit and stop-loss of a position in place of those it has; None: none."""

    account: str
    symbol: str
    side: PositionSide
    take_profit: Exit | None = None
    stop_loss: Exit | None = None


class SetMarkPrice(msgspec.Struct, frozen=True, tag=True, tag_field="command", gc=False):
    """The mark price of a perpetual and its index as the venue tells them; ``ts`` is its own time.

    What has been told once is never computed again. None tells nothing new of that one.
    """

    symbol: str
    ts: Nanos
    mark: Price | None
    index: Price | None = None


class ComputeMarkPrice(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Forget what was told of a perpetual's mark and index: from now on they follow from the books."""

    symbol: str


class SetFunding(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """The funding rate (10^-18; longs pay shorts) of the settlement at ``settle_time``."""

    symbol: str
    rate: int
    settle_time: Nanos


class AdvanceTime(msgspec.Struct, frozen=True, tag=True, tag_field="command"):
    """Nothing happened but the passing of time."""


Command: TypeAlias = (
    ListInstrument
    | SetTrading
    | SetMatching
    | ChooseModels
    | OpenAccount
    | SetFees
    | Deposit
    | Withdraw
    | Transfer
    | PlaceOrder
    | ForceFill
    | CancelOrder
    | CancelOpenOrders
    | ReplaceDepth
    | ChangeDepth
    | PrintTrade
    | InvalidateDepth
    | SetLeverage
    | SetMarginMode
    | AdjustMargin
    | PlaceStop
    | CancelStop
    | CancelStops
    | SetPositionStops
    | SetMarkPrice
    | ComputeMarkPrice
    | SetFunding
    | AdvanceTime
)
