"""What an order is and which moves its status may make.

Sides, types and states are small enums; a resting order is one mutable record that the book links
into its price level. Everything that leaves the core as a fact about an order is an event, made from
this record at that moment.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulator.core.matching.book import Level
    from simulator.core.units import Lots, Money, Nanos, Ticks


class Side(Enum):
    """Which side of the market an order is on. ``sign`` turns prices so that better is smaller."""

    BUY = "BUY"
    SELL = "SELL"

    sign: int
    opposite: Side


# Plain attributes: an enum's ``value`` goes through a descriptor, which the matching loop would feel.
Side.BUY.sign, Side.SELL.sign = 1, -1
Side.BUY.opposite, Side.SELL.opposite = Side.SELL, Side.BUY


class OrderType(Enum):
    """LIMIT_MAKER is post-only: refused when it would trade at once."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"


class TimeInForce(Enum):
    """How long an order may wait."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class SelfTradePrevention(Enum):
    """Whose order gives way when one user would trade with himself."""

    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"


class OrderStatus(Enum):
    """The life of an order; see MOVES."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PARTIALLY_CANCELED = "PARTIALLY_CANCELED"


class CancelReason(Enum):
    """Why an order ended without being filled."""

    USER = "USER"
    IMMEDIATE_OR_CANCEL = "IMMEDIATE_OR_CANCEL"
    FILL_OR_KILL = "FILL_OR_KILL"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    PRICE_BAND = "PRICE_BAND"
    SELF_TRADE = "SELF_TRADE"


MOVES: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.NEW: frozenset({OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED}),
    OrderStatus.PARTIALLY_FILLED: frozenset(
        {OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.PARTIALLY_CANCELED}
    ),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.CANCELED: frozenset(),
    OrderStatus.PARTIALLY_CANCELED: frozenset(),
}


class Order:
    """One order from acceptance to its end, and its place in the book while it rests.

    ``qty`` is None for an order by quote amount (``amount`` says how much). ``notional`` is the sum
    of price x quantity of its fills in ticks x lots. ``ahead`` is how many mirrored lots stand before
    it at its price (``joined_behind``: when it joined); None means that the level lies beyond what the
    mirror shows, so nobody knows. ``credits`` are explained in ``mirror/fills.py``.
    """

    __slots__ = (
        "account",
        "ahead",
        "amount",
        "broker",
        "cancel_reason",
        "client_order_id",
        "created",
        "credits",
        "filled",
        "id",
        "joined_behind",
        "leaves",
        "level",
        "next",
        "notional",
        "prev",
        "price",
        "qty",
        "side",
        "status",
        "stp",
        "symbol",
        "tif",
        "type",
        "updated",
    )

    def __init__(
        self,
        id: int,
        account: str,
        symbol: str,
        side: Side,
        type: OrderType,
        tif: TimeInForce,
        price: Ticks | None,
        qty: Lots | None,
        amount: Money | None,
        client_order_id: str,
        stp: SelfTradePrevention,
        broker: str,
        now: Nanos,
    ) -> None:
        self.id = id
        self.account = account
        self.symbol = symbol
        self.side = side
        self.type = type
        self.tif = tif
        self.price = price
        self.qty = qty
        self.amount = amount
        self.client_order_id = client_order_id
        self.stp = stp
        self.broker = broker
        self.created = self.updated = now
        self.leaves: Lots = 0 if qty is None else qty
        self.filled: Lots = 0
        self.notional = 0
        self.status = OrderStatus.NEW
        self.cancel_reason: CancelReason | None = None
        self.ahead: Lots | None = 0
        self.joined_behind: Lots | None = 0
        self.credits: list[tuple[Nanos, Lots]] | None = None
        self.level: Level | None = None
        self.prev: Order | None = None
        self.next: Order | None = None

    @property
    def is_open(self) -> bool:
        """Whether it rests in the book."""
        return self.level is not None
