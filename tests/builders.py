"""Short words for tests: a market in one line, an order in one line, fills as text.

Prices and quantities are whole numbers: tick and lot of the instrument are 1, so that ``"98x4"`` means
four lots at 98 and money can be counted in the head.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.core.accounts.ledger import INSURANCE
from simulator.core.accounts.margin import Wallet
from simulator.core.accounts.positions import Position
from simulator.core.commands import (
    CancelOpenOrders,
    CancelOrder,
    ChangeDepth,
    Command,
    Deposit,
    Exit,
    InvalidateDepth,
    Levels,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PlaceStop,
    PrintTrade,
    ReplaceDepth,
    SetLeverage,
    SetMarginMode,
    SetMarkPrice,
    SetPositionStops,
)
from simulator.core.digest import digest
from simulator.core.events import Event, OrderAccepted, OrderCanceled, OrderFilled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.explaining import Explainer, Explanation
from simulator.core.history import History
from simulator.core.instruments import Contract, Instrument, Tier
from simulator.core.orders import (
    MarginMode,
    Order,
    OrderType,
    PositionEffect,
    PositionSide,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_MILLI, ONE, PRICE_ONE, Money, Nanos, Price, money_text

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK
LIMIT, MARKET, LIMIT_MAKER = OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER
EXPIRE_TAKER, EXPIRE_MAKER = SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_MAKER
SYMBOL = "XY"
PERPETUAL = "XY-PERPETUAL"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
OPEN, CLOSE = PositionEffect.OPEN, PositionEffect.CLOSE
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED
PEOPLE = ("alice", "bob", "carol")


def instrument(**changes: str | int | bool | Contract | None) -> Instrument:
    """Goods X against money Y: tick 1, lot 1, no filters unless given."""
    values: dict[str, str | int | bool | Contract | None] = {
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
        self.history = History(self.exchange.state)
        self.now: Nanos = 0
        self.symbol = traded.symbol
        self.do(ListInstrument(traded))
        for name in PEOPLE:
            self.do(OpenAccount(name, fees, fees))
            for asset in (traded.base, traded.quote) if traded.contract is None else (traded.contract.margin_asset,):
                if funds:
                    self.do(Deposit(name, asset, funds * ONE))
        self.market = self.exchange.state.markets[traded.symbol]
        self.events: list[Event] = []

    def do(self, command: Command) -> list[Event]:
        """Handle a command one millisecond after the one before."""
        self.now += NANOS_PER_MILLI
        before = digest(self.exchange.state)
        self.events = self.exchange.handle(self.now, command)
        self.history.on_events(self.now, self.events)
        if rejection(self.events) is not None:
            assert digest(self.exchange.state) == before, "a rejected command left a trace"
        state = self.exchange.state
        for market in state.markets.values():
            market.check()
        for listed in state.perpetuals.values():
            listed.check()
        for wallet in state.wallets.values():
            wallet.check()
        state.ledger.check()
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
        effect: PositionEffect | None = None,
    ) -> list[Event]:
        """A limit order with ``at``, else a market order."""
        kind = type or (MARKET if at is None else LIMIT)
        wait = tif or (IOC if kind is MARKET else GTC)
        money = None if amount is None else amount * ONE
        return self.do(PlaceOrder(by, self.symbol, side, kind, qty, at, id, wait, money, stp, effect=effect))

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

    def explained(self, order: Order | None = None) -> Explanation:
        """Why an order filled and why not; the newest unless told which."""
        newest = next(reversed(self.exchange.state.orders.values()))
        return Explainer(self.exchange.state, self.history).order(order or newest)

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


TIERS = (Tier("1000", "0.1", "0.05"), Tier("10000", "0.2", "0.1"), Tier("100000", "0.5", "0.25"))


def perpetual(multiplier: str = "1", tiers: tuple[Tier, ...] = TIERS, **changes: str | int | bool | None) -> Instrument:
    """Contracts of one X each against money Y; market orders are protected at 10 % from the mark."""
    values: dict[str, str | int | bool | None] = {
        "symbol": PERPETUAL,
        "base": PERPETUAL,
        "market_band_up": "0.1",
        "market_band_down": "0.1",
    }
    return instrument(contract=Contract(multiplier, "Y", SYMBOL, tiers, 3), **(values | changes))


class Futures(Play):
    """A perpetual with three funded people; words for positions."""

    def open(self, side: PositionSide, qty: int, at: int | None = None, **more: object) -> list[Event]:
        """Add to a position, by a limit order with ``at``, else by a market order."""
        return self.order(side.opens, qty, at, effect=OPEN, **more)  # type: ignore[arg-type]

    def close(self, side: PositionSide, qty: int, at: int | None = None, **more: object) -> list[Event]:
        """Reduce a position."""
        return self.order(side.closes, qty, at, effect=CLOSE, **more)  # type: ignore[arg-type]

    def mark(self, price: int, index: int | None = None) -> list[Event]:
        """Tell the mark price."""
        told = None if index is None else index * PRICE_ONE
        return self.do(SetMarkPrice(self.symbol, self._ts(None), price * PRICE_ONE, told))

    def do_mark(self, price: Price) -> list[Event]:
        """Tell the mark price, to 10^-8."""
        return self.do(SetMarkPrice(self.symbol, self._ts(None), price))

    def leverage(self, leverage: int, by: str = "alice") -> list[Event]:
        """See SetLeverage."""
        return self.do(SetLeverage(by, self.symbol, leverage))

    def isolate(self, by: str = "alice") -> list[Event]:
        """Isolated margin."""
        return self.do(SetMarginMode(by, self.symbol, ISOLATED))

    def stop(
        self,
        side: Side,
        effect: PositionEffect,
        qty: int,
        trigger: int,
        at: int | None = None,
        *,
        by: str = "alice",
        watch: TriggerBy = TriggerBy.MARK,
        id: str = "",
    ) -> list[Event]:
        """A stop order: limit with ``at``, else market."""
        kind, tif = (MARKET, IOC) if at is None else (LIMIT, GTC)
        order = PlaceOrder(by, self.symbol, side, kind, qty, at, id, tif, effect=effect)
        return self.do(PlaceStop(order, trigger, watch))

    def exits(
        self, side: PositionSide, take_profit: Exit | None = None, stop_loss: Exit | None = None, by: str = "alice"
    ) -> list[Event]:
        """See SetPositionStops."""
        return self.do(SetPositionStops(by, self.symbol, side, take_profit, stop_loss))

    def position(self, side: PositionSide, by: str = "alice") -> Position:
        """One of somebody's positions."""
        return self.exchange.state.perpetuals[self.symbol].seat(by).position(side)

    def size(self, side: PositionSide, by: str = "alice") -> str:
        """Such as ``"3 for 300 on 30"``: lots, what they cost, the margin behind them."""
        position = self.position(side, by)
        return f"{position.lots} for {units(position.cost)} on {units(position.margin)}"

    def wallet(self, by: str = "alice") -> Wallet:
        """Somebody's money of the margin asset."""
        return self.exchange.state.wallet(by, self.market.instrument.quote)

    @property
    def fund(self) -> str:
        """What the insurance fund has."""
        return units(self.exchange.state.ledger.balance(INSURANCE, self.market.instrument.quote).total)


def units(amount: Money) -> str:
    """Money as decimal text."""
    return money_text(amount)


def futures(
    bids: str = "",
    asks: str = "",
    *,
    mark: int | None = 100,
    fees: int = 0,
    funds: int = 1_000,
    of: Instrument | None = None,
) -> Futures:
    """A perpetual whose outside book shows these levels and whose mark price is told."""
    play = Futures(of or perpetual(), fees=fees, funds=funds)
    if bids or asks:
        play.depth(bids, asks)
    if mark is not None:
        play.mark(mark, mark)
    return play
