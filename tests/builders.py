"""Short words for tests: a market in one line, an order in one line, fills as text.

Prices and quantities are whole numbers: tick and lot of the instrument are 1, so that ``"98x4"`` means
four lots at 98 and money can be counted in the head.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.core.commands import (
    CancelOpenOrders,
    CancelOrder,
    ChangeDepth,
    Command,
    Deposit,
    InvalidateDepth,
    Levels,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PrintTrade,
    ReplaceDepth,
)
from simulator.core.digest import digest
from simulator.core.events import Event, OrderAccepted, OrderCanceled, OrderFilled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.orders import Order, OrderType, SelfTradePrevention, Side, TimeInForce
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_MILLI, ONE, Nanos

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
LIMIT, MARKET, LIMIT_MAKER = OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER
EXPIRE_TAKER, EXPIRE_MAKER = SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_MAKER
SYMBOL = "XY"
PEOPLE = ("alice", "bob", "carol")


def instrument(**changes: str | int | bool | None) -> Instrument:
    """Goods X against money Y: tick 1, lot 1, no filters unless given."""
    values: dict[str, str | int | bool | None] = {
        "symbol": SYMBOL,
        "base": "X",
        "quote": "Y",
        "tick": "1",
        "lot": "1",
        "min_qty": "1",
        "max_qty": "1000000",
    }
    return Instrument(**(values | changes))  # type: ignore[arg-type]


def levels(text: str) -> Levels:
    """Levels of a text such as ``"98x4 97x1"``."""
    return tuple((int(price), int(qty)) for price, qty in (one.split("x") for one in text.split()))


def fills(events: Iterable[Event], of: str | Order | None = None) -> str:
    """Each trade once as ``"100x3 101x1"``: of everybody, of one account or of one order."""
    seen: dict[int, str] = {}
    for event in events:
        if isinstance(event, OrderFilled) and (
            of is None or of == event.account or (isinstance(of, Order) and of.id == event.order_id)
        ):
            seen[event.trade_id] = f"{event.price}x{event.qty}"
    return " ".join(seen.values())


def rejection(events: list[Event]) -> RejectReason | None:
    """Why the command was declined, if it was."""
    only = events[0] if events else None
    return only.reason if isinstance(only, Rejected) else None


def ending(events: Iterable[Event]) -> str:
    """Status and reason with which an order was cancelled, such as ``"CANCELED IMMEDIATE_OR_CANCEL"``."""
    return " ".join(f"{e.status.name} {e.reason.name}" for e in events if isinstance(e, OrderCanceled))


class Play:
    """One exchange with one symbol and three funded people; every command is followed by all checks."""

    def __init__(self, traded: Instrument, *, fees: int, funds: int) -> None:
        self.exchange = Exchange()
        self.now: Nanos = 0
        self.symbol = traded.symbol
        self.do(ListInstrument(traded))
        for name in PEOPLE:
            self.do(OpenAccount(name, fees, fees))
            for asset in (traded.base, traded.quote):
                if funds:
                    self.do(Deposit(name, asset, funds * ONE))
        self.market = self.exchange.state.markets[traded.symbol]
        self.events: list[Event] = []

    def do(self, command: Command) -> list[Event]:
        """Handle a command one millisecond after the one before."""
        self.now += NANOS_PER_MILLI
        before = digest(self.exchange.state)
        self.events = self.exchange.handle(self.now, command)
        if rejection(self.events) is not None:
            assert digest(self.exchange.state) == before, "a rejected command left a trace"
        for market in self.exchange.state.markets.values():
            market.check()
        self.exchange.state.ledger.check()
        return self.events

    def order(
        self,
        side: Side,
        qty: int | None,
        at: int | None = None,
        *,
        by: str = "alice",
        type: OrderType | None = None,
        tif: TimeInForce | None = None,
        stp: SelfTradePrevention = EXPIRE_TAKER,
        amount: int | None = None,
        id: str = "",
    ) -> list[Event]:
        """A limit order with ``at``, else a market order."""
        kind = type or (MARKET if at is None else LIMIT)
        wait = tif or (IOC if kind is MARKET else GTC)
        money = None if amount is None else amount * ONE
        return self.do(PlaceOrder(by, self.symbol, side, kind, qty, at, id, wait, money, stp))

    def buy(self, qty: int | None = None, at: int | None = None, **more: object) -> list[Event]:
        """See ``order``."""
        return self.order(BUY, qty, at, **more)  # type: ignore[arg-type]

    def sell(self, qty: int | None = None, at: int | None = None, **more: object) -> list[Event]:
        """See ``order``."""
        return self.order(SELL, qty, at, **more)  # type: ignore[arg-type]

    def placed(self) -> Order:
        """The order that the last command made."""
        accepted = next(event for event in self.events if isinstance(event, OrderAccepted))
        return self.exchange.state.orders[accepted.order_id]

    def rest(self, side: Side, qty: int, at: int, *, by: str = "alice") -> Order:
        """A limit order that is expected to rest."""
        self.order(side, qty, at, by=by)
        order = self.placed()
        assert order.is_open
        return order

    def cancel(self, order: Order) -> list[Event]:
        """By its owner."""
        return self.do(CancelOrder(order.account, order.id))

    def cancel_open(self, by: str = "alice", **more: object) -> list[Event]:
        """See CancelOpenOrders."""
        return self.do(CancelOpenOrders(by, **more))  # type: ignore[arg-type]

    def depth(self, bids: str = "", asks: str = "", ts: Nanos | None = None) -> list[Event]:
        """The outside market's whole book."""
        return self.do(ReplaceDepth(self.symbol, self._ts(ts), levels(bids), levels(asks)))

    def change(self, bids: str = "", asks: str = "", ts: Nanos | None = None) -> list[Event]:
        """Changed levels of it."""
        return self.do(ChangeDepth(self.symbol, self._ts(ts), levels(bids), levels(asks)))

    def trade(self, side: Side, qty: int, at: int, ts: Nanos | None = None) -> list[Event]:
        """A trade of the outside market; ``side`` is its taker's."""
        return self.do(PrintTrade(self.symbol, self._ts(ts), at, qty, side))

    def invalidate(self) -> list[Event]:
        """A gap in the feed."""
        return self.do(InvalidateDepth(self.symbol))

    def _ts(self, ts: Nanos | None) -> Nanos:
        return self.now + NANOS_PER_MILLI if ts is None else ts

    @property
    def bids(self) -> str:
        """The composite book as clients see it."""
        return self._side(BUY)

    @property
    def asks(self) -> str:
        """The composite book as clients see it."""
        return self._side(SELL)

    def _side(self, side: Side) -> str:
        return " ".join(f"{price}x{qty}" for price, qty in self.market.levels(side))

    def money(self, account: str, asset: str) -> tuple[int, int]:
        """Free and held atoms."""
        balance = self.exchange.state.ledger.balance(account, asset)
        return balance.free, balance.held


def book(
    bids: str = "", asks: str = "", *, fees: int = 0, funds: int = 1_000_000, **filters: str | int | bool | None
) -> Play:
    """A market whose outside book shows these levels."""
    play = Play(instrument(**filters), fees=fees, funds=funds)
    if bids or asks:
        play.depth(bids, asks)
    return play
