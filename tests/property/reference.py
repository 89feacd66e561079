"""The slow, obvious exchange: lists that are scanned, Fractions for money, no cleverness anywhere.

Written from the rules in the core's module docstrings and not from its code; it shares the vocabulary
(commands, events, enums, the instrument's published texts) and the
arithmetic of the queue models, and nothing else. A queue is a list of
pieces in the order in which a taker meets them; an order book is all resting orders, sorted when asked.
Identifiers are counted here in their own way: compare them after renumbering (``same_events``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, NamedTuple

import msgspec

from simulator.core import commands as c
from simulator.core import events as e
from simulator.core.instruments import Instrument
from simulator.core.mirror.queue_position import MODELS, QueueModel, queue_model
from simulator.core.orders import CancelReason, OrderStatus, OrderType, SelfTradePrevention, Side, TimeInForce
from simulator.core.rejections import RejectReason
from simulator.core.units import ONE

HOUSE_NAMES: Final = ("#outside", "#market", "#fees")
RATE: Final = 10**8

RESIDUALS: Final[dict[str, Callable[[int, int, int], int]]] = {
    "difference": lambda taken, before, after: after - max(0, before - taken + after - before),
    "none": lambda taken, before, after: 0,
    "sticky": lambda taken, before, after: taken,
    "reset": lambda taken, before, after: taken if before == after else 0,
}
"""What is missing from a level that is told again, by what was missing and its two sizes."""


class No(Exception):
    """Declined."""

    def __init__(self, reason: RejectReason) -> None:
        self.reason = reason


def atoms(amount: Fraction) -> int:
    """Money of the core; it must be exact."""
    whole = amount * ONE
    assert whole.denominator == 1
    return whole.numerator


def number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def better(side: Side, one: int, other: int) -> bool:
    """Whether a resting order of this side at price ``one`` trades before one at ``other``."""
    return one > other if side is Side.BUY else one < other


def reaches(side: Side, price: int, offer: int) -> bool:
    """Whether somebody of this side, who goes as far as ``price``, trades with ``offer``."""
    return offer <= price if side is Side.BUY else offer >= price


@dataclass(eq=False)
class RefOrder:
    id: int
    command: c.PlaceOrder
    client_order_id: str
    created: int
    leaves: int
    filled: int = 0
    notional: int = 0
    status: OrderStatus = OrderStatus.NEW
    ahead: int | None = 0
    joined_behind: int | None = 0
    credits: list[list[int]] = field(default_factory=list)
    """[time of a book, lots by which that book moved the order forward]"""
    is_open: bool = False

    @property
    def side(self) -> Side:
        return self.command.side

    @property
    def price(self) -> int:
        assert self.command.price is not None
        return self.command.price


@dataclass
class RefAccount:
    maker_rate: int
    taker_rate: int
    free: dict[str, Fraction] = field(default_factory=dict)
    held: dict[str, Fraction] = field(default_factory=dict)
    orders: list[RefOrder] = field(default_factory=list)


class Piece(NamedTuple):
    """Somebody in the queue that a taker meets; ``order`` None is the outside market."""

    price: int
    order: RefOrder | None
    qty: int


class Walk(NamedTuple):
    """What a taker would trade, and what comes next."""

    pieces: list[Piece]
    expired: list[RefOrder]
    stopped_by_own: bool
    left: int
    budget: Fraction
    following: int | None


class RefMarket:
    """One symbol."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.tick, self.lot = Fraction(instrument.tick), Fraction(instrument.lot)
        self.unit = self.tick * self.lot
        self.resting: list[RefOrder] = []
        self.shown: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
        self.taken: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
        self.residual = "difference"
        self.model: QueueModel = queue_model("pessimistic")
        self.prints: list[tuple[Side, int, int, int]] = []
        """Market trades where we rest, whose effect no book has told yet: side, time, price, lots."""
        self.ts = 0
        self.message = ""
        self.stale = False
        self.stale_since = 0
        self.trading = instrument.trading
        self.last: int | None = None

    def available(self, side: Side, price: int) -> int:
        return max(0, self.shown[side].get(price, 0) - self.taken[side].get(price, 0))

    def sees(self, side: Side, price: int) -> bool:
        """Within the part of the book that the outside market shows."""
        shown = self.shown[side]
        if not shown:
            return True
        return price >= min(shown) if side is Side.BUY else price <= max(shown)

    def own(self, side: Side) -> list[RefOrder]:
        """Best price first, oldest first."""
        mine = [order for order in self.resting if order.side is side]
        return sorted(mine, key=lambda order: -order.price if side is Side.BUY else order.price)

    def queue(self, side: Side, *, outside: bool) -> list[Piece]:
        """Everybody of a side in the order in which takers meet them."""
        prices = {order.price for order in self.own(side)}
        if outside:
            prices |= {price for price in self.shown[side] if self.available(side, price)}
        pieces = []
        for price in sorted(prices, reverse=side is Side.BUY):
            there = self.available(side, price) if outside else 0
            passed = 0
            for order in self.own(side):
                if order.price != price:
                    continue
                front = min(order.ahead or 0, there)
                if front > passed:
                    pieces.append(Piece(price, None, front - passed))
                    passed = front
                pieces.append(Piece(price, order, order.leaves))
            if there > passed:
                pieces.append(Piece(price, None, there - passed))
        return pieces

    def best(self, side: Side) -> int | None:
        """Of the book that clients see, stale or not."""
        pieces = self.queue(side, outside=True)
        return pieces[0].price if pieces else None

    def reference(self) -> int | None:
        """The last trade, moved into the present spread."""
        bid, ask = self.best(Side.BUY), self.best(Side.SELL)
        price = self.last
        if price is None:
            if bid is None or ask is None:
                return ask if bid is None else bid
            price = (bid + ask) // 2
        if ask is not None and price > ask:
            price = ask
        if bid is not None and price < bid:
            price = bid
        return price

    def in_band(self, side: Side, price: int, up: str | None, down: str | None) -> bool:
        """Only the side that is bad for the trader is limited."""
        reference = self.reference()
        if reference is None:
            return True
        if side is Side.BUY:
            return up is None or price <= reference * (1 + Fraction(up))
        return down is None or price >= reference * (1 - Fraction(down))


class Reference:
    """``handle(now, command) -> [event]``, as the core's Exchange, for the commands of a spot market."""

    def __init__(self) -> None:
        self.now = 0
        self.ids = 0
        self.accounts: dict[str, RefAccount] = {}
        self.markets: dict[str, RefMarket] = {}
        self.orders: dict[int, RefOrder] = {}
        self.events: list[e.Event] = []
        self.touched: list[tuple[str, str]] = []

    def handle(self, now: int, command: c.Command) -> list[e.Event]:
        self.now = now
        self.events, self.touched = [], []
        try:
            getattr(self, "do_" + type(command).__name__)(command)
        except No as no:
            assert not self.events and not self.touched
            return [e.Rejected(command, no.reason)]
        for account, asset in self.touched:
            self.events.append(
                e.BalanceChanged(account, asset, atoms(self.free(account, asset)), atoms(self.held(account, asset)))
            )
        return self.events

    # -- money ---------------------------------------------------------------------------------

    def free(self, account: str, asset: str) -> Fraction:
        return self.accounts[account].free.get(asset, Fraction(0))

    def held(self, account: str, asset: str) -> Fraction:
        return self.accounts[account].held.get(asset, Fraction(0))

    def move(self, account: str, asset: str, *, free: Fraction = Fraction(0), held: Fraction = Fraction(0)) -> None:
        who = self.accounts[account]
        who.free[asset] = self.free(account, asset) + free
        who.held[asset] = self.held(account, asset) + held
        assert who.free[asset] >= 0 and who.held[asset] >= 0
        if (account, asset) not in self.touched:
            self.touched.append((account, asset))

    def need(self, ok: bool, reason: RejectReason) -> None:
        if not ok:
            raise No(reason)

    def pays(self, market: RefMarket, side: Side) -> str:
        return market.instrument.quote if side is Side.BUY else market.instrument.base

    def hold_of(self, market: RefMarket, side: Side, price: int, qty: int) -> Fraction:
        return price * qty * market.unit if side is Side.BUY else qty * market.lot

    def new_id(self) -> int:
        self.ids += 1
        return self.ids

    # -- accounts ------------------------------------------------------------------------------

    def do_ListInstrument(self, command: c.ListInstrument) -> None:
        self.need(command.instrument.symbol not in self.markets, RejectReason.DUPLICATE_SYMBOL)
        self.markets[command.instrument.symbol] = RefMarket(command.instrument)
        self.events.append(e.InstrumentListed(command.instrument))

    def do_SetTrading(self, command: c.SetTrading) -> None:
        self.market(command.symbol).trading = command.trading
        self.events.append(e.TradingSet(command.symbol, command.trading))

    def do_ChooseModels(self, command: c.ChooseModels) -> None:
        market = self.market(command.symbol)
        self.need(command.residual in ("", *RESIDUALS), RejectReason.UNKNOWN_MODEL)
        self.need(command.queue in ("", *MODELS), RejectReason.UNKNOWN_MODEL)
        market.residual = command.residual or market.residual
        market.model = queue_model(command.queue or market.model.name)
        self.events.append(e.ModelsChosen(command.symbol, market.model.name, market.residual))

    def do_OpenAccount(self, command: c.OpenAccount) -> None:
        name = command.account
        self.need(name not in self.accounts and name not in HOUSE_NAMES and name != "", RejectReason.DUPLICATE_ACCOUNT)
        self.accounts[name] = RefAccount(command.maker_rate, command.taker_rate)
        self.events.append(e.AccountOpened(name))

    def do_SetFees(self, command: c.SetFees) -> None:
        who = self.account(command.account)
        who.maker_rate, who.taker_rate = command.maker_rate, command.taker_rate
        self.events.append(e.FeesSet(command.account, command.maker_rate, command.taker_rate))

    def do_Deposit(self, command: c.Deposit) -> None:
        self.account(command.account)
        self.need(command.amount > 0, RejectReason.AMOUNT_NOT_POSITIVE)
        self.move(command.account, command.asset, free=Fraction(command.amount, ONE))
        self.events.append(e.Deposited(command.account, command.asset, command.amount, command.reference))

    def do_Withdraw(self, command: c.Withdraw) -> None:
        self.debit(command.account, command.asset, command.amount)
        self.events.append(e.Withdrawn(command.account, command.asset, command.amount, command.reference))

    def do_Transfer(self, command: c.Transfer) -> None:
        self.account(command.target)
        self.need(command.source != command.target, RejectReason.SAME_ACCOUNT)
        self.debit(command.source, command.asset, command.amount)
        self.move(command.target, command.asset, free=Fraction(command.amount, ONE))
        self.events.append(
            e.Transferred(command.source, command.target, command.asset, command.amount, command.reference)
        )

    def debit(self, account: str, asset: str, amount: int) -> None:
        self.account(account)
        self.need(amount > 0, RejectReason.AMOUNT_NOT_POSITIVE)
        self.need(Fraction(amount, ONE) <= self.free(account, asset), RejectReason.INSUFFICIENT_BALANCE)
        self.move(account, asset, free=-Fraction(amount, ONE))

    def account(self, name: str) -> RefAccount:
        self.need(name in self.accounts, RejectReason.UNKNOWN_ACCOUNT)
        return self.accounts[name]

    def market(self, symbol: str) -> RefMarket:
        self.need(symbol in self.markets, RejectReason.UNKNOWN_SYMBOL)
        return self.markets[symbol]

    # -- placing: may it come in? --------------------------------------------------------------

    def do_PlaceOrder(self, command: c.PlaceOrder) -> None:
        market = self.market(command.symbol)
        who = self.account(command.account)
        self.need(market.trading, RejectReason.SYMBOL_NOT_TRADING)
        taken = [order.client_order_id for order in who.orders]
        self.need(command.client_order_id not in taken, RejectReason.DUPLICATE_CLIENT_ORDER_ID)
        if command.type is OrderType.MARKET:
            self.check_market(market, command)
        else:
            self.check_limit(market, who, command)
        made = self.new_id()
        order = RefOrder(made, command, command.client_order_id or f"made-up-{made}", self.now, command.qty or 0)
        self.orders[order.id] = order
        who.orders.append(order)
        self.events.append(
            e.OrderAccepted(
                order.id,
                command.account,
                command.symbol,
                command.side,
                command.price,
                command.qty,
                order.client_order_id,
            )
        )
        if command.type is OrderType.MARKET:
            self.trade_market(market, order)
        else:
            self.trade_limit(market, order)

    def check_limit(self, market: RefMarket, who: RefAccount, command: c.PlaceOrder) -> None:
        price, qty, rules = command.price, command.qty, market.instrument
        if price is None:
            raise No(RejectReason.PRICE_MISSING)
        if qty is None or command.amount is not None:
            raise No(RejectReason.SIZE_AMBIGUOUS)
        self.need(price > 0, RejectReason.PRICE_NOT_POSITIVE)
        self.check_range(qty * market.lot, rules.min_qty, rules.max_qty, "QTY")
        self.check_range(price * qty * market.unit, rules.min_notional, rules.max_notional, "NOTIONAL")
        if not market.in_band(command.side, price, rules.price_band_up, rules.price_band_down):
            buying = command.side is Side.BUY
            raise No(RejectReason.BUY_PRICE_TOO_HIGH if buying else RejectReason.SELL_PRICE_TOO_LOW)
        resting = [order for order in who.orders if order.is_open and order.command.symbol == command.symbol]
        most = rules.max_open_orders
        self.need(most is None or len(resting) < most, RejectReason.TOO_MANY_OPEN_ORDERS)
        needed = self.hold_of(market, command.side, price, qty)
        free = self.free(command.account, self.pays(market, command.side))
        self.need(needed <= free, RejectReason.INSUFFICIENT_BALANCE)
        if command.type is OrderType.LIMIT_MAKER:
            self.need(command.tif is TimeInForce.GTC, RejectReason.UNSUPPORTED_COMBINATION)
            self.need(not self.meets(market, command.side, price), RejectReason.WOULD_TAKE)

    def check_range(self, value: Fraction, least: str | None, most: str | None, what: str) -> None:
        low, high = number(least), number(most)
        self.need(value > 0 and (low is None or value >= low), RejectReason[f"{what}_TOO_SMALL"])
        self.need(high is None or value <= high, RejectReason[f"{what}_TOO_LARGE"])

    def check_market(self, market: RefMarket, command: c.PlaceOrder) -> None:
        rules = market.instrument
        self.need((command.qty is None) != (command.amount is None), RejectReason.SIZE_AMBIGUOUS)
        fits = command.price is None and command.tif is not TimeInForce.GTC
        self.need(fits, RejectReason.UNSUPPORTED_COMBINATION)
        notional: Fraction | None = None
        if command.amount is not None:
            notional = Fraction(command.amount, ONE)
            self.need((notional / market.unit).denominator == 1, RejectReason.AMOUNT_TOO_PRECISE)
        elif command.qty is not None:
            least, most = rules.market_min_qty or rules.min_qty, rules.market_max_qty or rules.max_qty
            self.check_range(command.qty * market.lot, least, most, "QTY")
            reference = market.reference()
            notional = None if reference is None else reference * command.qty * market.unit
        if notional is not None:
            self.check_range(notional, rules.market_min_notional, rules.market_max_notional, "NOTIONAL")
        free = self.free(command.account, self.pays(market, command.side))
        self.need(self.would_pay(market, command) <= free, RejectReason.INSUFFICIENT_BALANCE)

    def would_pay(self, market: RefMarket, command: c.PlaceOrder) -> Fraction:
        """Against the book as it is; a buy by amount needs the amount, a sell by quantity the quantity."""
        if command.side is Side.BUY and command.amount is not None:
            return Fraction(command.amount, ONE)
        if command.side is Side.SELL and command.qty is not None:
            return command.qty * market.lot
        paid, left = Fraction(0), command.qty or 0
        budget = Fraction(command.amount or 0, ONE)
        for piece in market.queue(command.side.opposite, outside=True):
            if command.side is Side.BUY:
                qty = min(left, piece.qty)
                left -= qty
                paid += piece.price * qty * market.unit
            else:
                qty = min(piece.qty, int(budget / (piece.price * market.unit)))
                budget -= piece.price * qty * market.unit
                paid += qty * market.lot
                if qty < piece.qty:
                    break
        return paid

    def meets(self, market: RefMarket, side: Side, price: int) -> bool:
        pieces = market.queue(side.opposite, outside=not market.stale)
        return bool(pieces) and reaches(side, price, pieces[0].price)

    # -- placing: trade ------------------------------------------------------------------------

    def walk(
        self,
        market: RefMarket,
        order: RefOrder,
        left: int | None,
        accepts: Callable[[int], bool],
        budget: Fraction | None,
    ) -> Walk:
        """What an order would trade; changes nothing."""
        wanted = left if left is not None else 10**30
        money = budget if budget is not None else Fraction(10**60)
        pieces: list[Piece] = []
        expired: list[RefOrder] = []
        for piece in market.queue(order.side.opposite, outside=not market.stale):
            if not wanted or not accepts(piece.price):
                return Walk(pieces, expired, False, wanted, money, piece.price)
            if piece.order is not None and piece.order.command.account == order.command.account:
                if order.command.stp is SelfTradePrevention.EXPIRE_TAKER:
                    return Walk(pieces, expired, True, wanted, money, piece.price)
                expired.append(piece.order)
                continue
            qty = min(piece.qty, wanted, int(money / (piece.price * market.unit)))
            if qty:
                pieces.append(Piece(piece.price, piece.order, qty))
                wanted -= qty
                money -= qty * piece.price * market.unit
            if qty < piece.qty:
                return Walk(pieces, expired, False, wanted, money, piece.price)
        return Walk(pieces, expired, False, wanted, money, None)

    def trade_limit(self, market: RefMarket, order: RefOrder) -> None:
        tif, price = order.command.tif, order.price
        walk = self.walk(market, order, order.leaves, lambda offer: reaches(order.side, price, offer), None)
        if tif is TimeInForce.FOK and walk.left:
            self.end(order, CancelReason.FILL_OR_KILL)
            return
        self.execute(market, order, walk, done=False)
        if walk.stopped_by_own:
            self.end(order, CancelReason.SELF_TRADE)
        elif order.leaves and tif is TimeInForce.IOC:
            self.end(order, CancelReason.IMMEDIATE_OR_CANCEL)
        elif order.leaves:
            self.rest(market, order)

    def rest(self, market: RefMarket, order: RefOrder) -> None:
        amount = self.hold_of(market, order.side, order.price, order.leaves)
        self.move(order.command.account, self.pays(market, order.side), free=-amount, held=amount)
        if market.stale:
            order.ahead = order.joined_behind = None
        elif market.sees(order.side, order.price):
            older = [one.ahead or 0 for one in market.own(order.side) if one.price == order.price]
            place = market.model.joined(market.available(order.side, order.price))
            order.ahead = order.joined_behind = max([place, *older])
        else:
            order.ahead = order.joined_behind = None
        order.is_open = True
        market.resting.append(order)

    def trade_market(self, market: RefMarket, order: RefOrder) -> None:
        command, rules = order.command, market.instrument
        quote, base = rules.quote, rules.base
        left, budget = command.qty, None
        if command.amount is not None:
            budget = Fraction(command.amount, ONE)
            if order.side is Side.SELL:
                left = int(self.free(command.account, base) / market.lot)
        elif order.side is Side.BUY:
            budget = self.free(command.account, quote)

        reference = market.reference()

        def accepts(offer: int) -> bool:
            if reference is None:
                return True
            if order.side is Side.BUY:
                return rules.market_band_up is None or offer <= reference * (1 + Fraction(rules.market_band_up))
            return rules.market_band_down is None or offer >= reference * (1 - Fraction(rules.market_band_down))

        walk = self.walk(market, order, left, accepts, budget)
        if command.amount is None:
            done = not walk.left
        else:
            done = bool(walk.pieces) and not walk.stopped_by_own and self.spent(market, walk, accepts)
        if command.tif is TimeInForce.FOK and not done:
            self.end(order, CancelReason.FILL_OR_KILL)
            return
        self.execute(market, order, walk, done=done)
        if walk.stopped_by_own:
            self.end(order, CancelReason.SELF_TRADE)
        elif not done:
            self.end(order, CancelReason.NO_LIQUIDITY if walk.following is None else CancelReason.PRICE_BAND)

    def spent(self, market: RefMarket, walk: Walk, accepts: Callable[[int], bool]) -> bool:
        """An amount is spent when what is left does not buy one lot more; nothing is left to sell, too."""
        following = walk.following
        price = following if following is not None and accepts(following) else walk.pieces[-1].price
        return walk.budget < price * market.unit or not walk.left

    def execute(self, market: RefMarket, taker: RefOrder, walk: Walk, *, done: bool) -> None:
        makers = taker.side.opposite
        for number_, piece in enumerate(walk.pieces, 1):
            trade_id = self.new_id()
            maker = piece.order
            if maker is None:
                taken = market.taken[makers]
                taken[piece.price] = taken.get(piece.price, 0) + piece.qty
                for order in market.own(makers):
                    if order.price == piece.price and order.ahead is not None:
                        order.ahead = max(0, order.ahead - piece.qty)
            else:
                maker.leaves -= piece.qty
                self.fill(market, maker, piece, trade_id, e.FillCause.HIT_BY_ORDER, not maker.leaves)
            if taker.command.amount is None:
                taker.leaves -= piece.qty
                complete = not taker.leaves
            else:
                complete = done and number_ == len(walk.pieces)
            cause = e.FillCause.TOOK_MIRROR if maker is None else e.FillCause.TOOK_ORDER
            message = market.message if maker is None else ""
            self.fill(market, taker, piece, trade_id, cause, complete, message=message)
            self.print(market, trade_id, self.now, piece.price, piece.qty, taker.side)
        for order in walk.expired:
            self.release(market, order, CancelReason.SELF_TRADE)

    def print(self, market: RefMarket, trade_id: int, ts: int, price: int, qty: int, side: Side) -> None:
        self.events.append(e.TradeHappened(market.instrument.symbol, trade_id, ts, price, qty, side))
        market.last = price

    def fill(
        self,
        market: RefMarket,
        order: RefOrder,
        piece: Piece,
        trade_id: int,
        cause: e.FillCause,
        complete: bool,
        *,
        trigger: int | None = None,
        message: str = "",
        ahead: int | None = None,
    ) -> None:
        price, qty, side = piece.price, piece.qty, order.side
        command, rules = order.command, market.instrument
        maker = cause not in (e.FillCause.TOOK_MIRROR, e.FillCause.TOOK_ORDER)
        who = self.accounts[command.account]
        rate = Fraction(who.maker_rate if maker else who.taker_rate, RATE)
        goods, cost = qty * market.lot, price * qty * market.unit
        gets, got, paid = (rules.base, goods, cost) if side is Side.BUY else (rules.quote, cost, goods)
        fee = got * rate
        self.move(
            command.account,
            self.pays(market, side),
            free=Fraction(0) if maker else -paid,
            held=-paid if maker else Fraction(0),
        )
        self.move(command.account, gets, free=got - fee)
        order.filled += qty
        order.notional += price * qty
        order.status = OrderStatus.FILLED if complete else OrderStatus.PARTIALLY_FILLED
        if complete and maker:
            market.resting.remove(order)
            order.is_open = False
        self.events.append(
            e.OrderFilled(
                order.id,
                command.account,
                command.symbol,
                trade_id,
                self.new_id(),
                price,
                qty,
                order.filled,
                0 if command.qty is None else order.leaves,
                order.notional,
                order.status,
                atoms(fee),
                gets,
                maker,
                cause,
                order.joined_behind if maker else None,
                trigger,
                0,
                (ahead if trigger is not None else order.ahead) if maker else None,
                message,
            )
        )

    def end(self, order: RefOrder, reason: CancelReason) -> None:
        order.status = OrderStatus.PARTIALLY_CANCELED if order.filled else OrderStatus.CANCELED
        leaves = 0 if order.command.qty is None else order.leaves
        command = order.command
        self.events.append(e.OrderCanceled(order.id, command.account, command.symbol, order.status, leaves, reason))

    def release(self, market: RefMarket, order: RefOrder, reason: CancelReason) -> None:
        market.resting.remove(order)
        order.is_open = False
        amount = self.hold_of(market, order.side, order.price, order.leaves)
        self.move(order.command.account, self.pays(market, order.side), free=amount, held=-amount)
        self.end(order, reason)

    # -- cancelling ----------------------------------------------------------------------------

    def do_CancelOrder(self, command: c.CancelOrder) -> None:
        who = self.accounts.get(command.account)
        for order in who.orders if who else ():
            if command.order_id is not None:
                found = order.id == command.order_id
            else:
                found = order.client_order_id == command.client_order_id
            if found:
                self.need(order.status is not OrderStatus.FILLED, RejectReason.ORDER_ALREADY_FILLED)
                self.need(order.is_open, RejectReason.ORDER_ALREADY_CANCELED)
                self.release(self.markets[order.command.symbol], order, CancelReason.USER)
                return
        raise No(RejectReason.UNKNOWN_ORDER)

    def do_CancelOpenOrders(self, command: c.CancelOpenOrders) -> None:
        who = self.account(command.account)
        if command.symbol is not None:
            self.market(command.symbol)
        left = command.limit
        for order in reversed(list(who.orders)):
            if not order.is_open or command.symbol not in (None, order.command.symbol):
                continue
            if command.side not in (None, order.side) or left == 0:
                continue
            if command.before is not None and order.id >= command.before:
                continue
            self.release(self.markets[order.command.symbol], order, CancelReason.USER)
            left = None if left is None else left - 1

    # -- the outside market --------------------------------------------------------------------

    def do_ReplaceDepth(self, command: c.ReplaceDepth) -> None:
        market = self.market(command.symbol)
        both = command.bids + command.asks
        self.need(all(price > 0 for price, _ in both), RejectReason.PRICE_NOT_POSITIVE)
        self.need(all(size > 0 for _, size in both), RejectReason.QTY_TOO_SMALL)
        crossed = any(bid >= ask for bid, _ in command.bids for ask, _ in command.asks)
        self.need(not crossed, RejectReason.CROSSED_BOOK)
        came = [one for one in market.resting if one.ahead is None and one.created >= market.stale_since]
        newcomers = came if market.stale else []
        market.stale = False
        self.tell(market, command.message)
        for side, levels in ((Side.BUY, command.bids), (Side.SELL, command.asks)):
            named = [price for price, _ in levels]
            gone = [(price, 0) for price in market.shown[side] if price not in named]
            self.show(market, side, [*gone, *levels], command.ts)
        again = [one for one in newcomers if self.comes_in_again(market, one)]
        self.after_depth(market, command.ts, again)

    def comes_in_again(self, market: RefMarket, order: RefOrder) -> bool:
        """Who came while the market was away and would trade with the whole book leaves, to come as a taker."""
        if order.command.type is OrderType.LIMIT_MAKER or not self.meets(market, order.side, order.price):
            return False
        market.resting.remove(order)
        order.is_open = False
        amount = self.hold_of(market, order.side, order.price, order.leaves)
        self.move(order.command.account, self.pays(market, order.side), free=amount, held=-amount)
        return True

    def do_ChangeDepth(self, command: c.ChangeDepth) -> None:
        market = self.market(command.symbol)
        for levels in (command.bids, command.asks):
            for price, size in levels:
                self.need(price > 0, RejectReason.PRICE_NOT_POSITIVE)
                self.need(size >= 0, RejectReason.QTY_TOO_SMALL)
        self.tell(market, command.message)
        self.show(market, Side.BUY, command.bids, command.ts)
        self.show(market, Side.SELL, command.asks, command.ts)
        self.after_depth(market, command.ts)

    def show(self, market: RefMarket, side: Side, levels: Iterable[tuple[int, int]], ts: int) -> None:
        """Of a level that stays, what was taken stays taken as the residual says."""
        shown, taken = market.shown[side], market.taken[side]
        traded = [(price, qty) for whose, told, price, qty in market.prints if whose is side and told <= ts]
        market.prints = [one for one in market.prints if one[0] is not side or one[1] > ts]
        prices = {order.price for order in market.own(side)}
        were = {price: market.available(side, price) for price in prices}
        for price, size in levels:
            if not size:
                shown.pop(price, None)
                taken.pop(price, None)
                continue
            before, shown[price] = shown.get(price, 0), size
            taken[price] = RESIDUALS[market.residual](taken.get(price, 0), before, size)
        for price in prices:
            if market.sees(side, price):
                there = market.available(side, price)
                kept = were[price] - sum(qty for at, qty in traded if at == price)
                self.reposition(market, [one for one in market.own(side) if one.price == price], kept, there, ts)

    def reposition(self, market: RefMarket, queue: list[RefOrder], kept: int, there: int, ts: int) -> None:
        """``kept`` is what trades had left of a level; the rest of what went was cancelled: the model says where."""
        kept, older = max(kept, there), 0
        for order in queue:
            if order.ahead is None:
                if market.stale:
                    continue
                order.ahead = order.joined_behind = max(older, market.model.joined(there))
                order.credits.append([ts, 10**30])
            else:
                place = min(order.ahead, kept)
                if there < kept:
                    place = market.model.shrunk(place, kept, there)
                place = max(min(place, there), older)
                if place < order.ahead:
                    order.credits.append([ts, order.ahead - place])
                    order.ahead = place
            older = order.ahead

    def tell(self, market: RefMarket, message: str) -> None:
        """A book is told; where every told book is whole, nothing is missing from it."""
        market.message = message
        if market.residual == "none":
            market.taken = {Side.BUY: {}, Side.SELL: {}}

    def after_depth(self, market: RefMarket, ts: int, again: Iterable[RefOrder] = ()) -> None:
        market.ts = max(market.ts, ts)
        self.events.append(e.MirrorChanged(market.instrument.symbol, ts))
        if market.stale:
            return
        for side in (Side.BUY, Side.SELL):
            while hit := self.crossing(market, side):
                order, price = hit
                qty = min(order.leaves, market.available(side.opposite, price))
                taken = market.taken[side.opposite]
                taken[price] = taken.get(price, 0) + qty
                self.fill_resting(market, order, qty, e.FillCause.CROSSED, (ts, market.message, order.ahead))
        for order in again:
            self.trade_limit(market, order)

    def crossing(self, market: RefMarket, side: Side) -> tuple[RefOrder, int] | None:
        prices = [price for price in market.shown[side.opposite] if market.available(side.opposite, price)]
        mine = market.own(side)
        if not prices or not mine:
            return None
        price = min(prices) if side is Side.BUY else max(prices)
        return (mine[0], price) if reaches(side, mine[0].price, price) else None

    def fill_resting(
        self,
        market: RefMarket,
        order: RefOrder,
        qty: int,
        cause: e.FillCause,
        why: tuple[int, str, int | None],
    ) -> None:
        trade_id = self.new_id()
        order.leaves -= qty
        piece, (ts, message, ahead) = Piece(order.price, None, qty), why
        self.fill(market, order, piece, trade_id, cause, not order.leaves, trigger=ts, message=message, ahead=ahead)
        self.print(market, trade_id, self.now, order.price, qty, order.side.opposite)

    def do_PrintTrade(self, command: c.PrintTrade) -> None:
        market = self.market(command.symbol)
        self.need(command.price > 0, RejectReason.PRICE_NOT_POSITIVE)
        self.need(command.qty > 0, RejectReason.QTY_TOO_SMALL)
        side, left = command.side.opposite, command.qty
        if not market.stale:
            left = self.flow(market, side, command, left)
            if command.ts > market.ts and any(order.price == command.price for order in market.own(side)):
                market.prints.append((side, command.ts, command.price, command.qty))
        if left:
            self.print(market, self.new_id(), command.ts, command.price, left, command.side)

    def flow(self, market: RefMarket, side: Side, command: c.PrintTrade, left: int) -> int:
        for price in dict.fromkeys(order.price for order in market.own(side)):
            if not left or better(side, command.price, price):
                break
            for order in [one for one in market.own(side) if one.price == price and one.created <= command.ts]:
                before = order.ahead
                if price == command.price:
                    got, cause = self.past_the_queue(order, left, command.ts), e.FillCause.TRADED_AT
                else:
                    order.ahead = 0
                    got, cause = left, e.FillCause.TRADED_THROUGH
                got = min(got, order.leaves)
                if got:
                    left -= got
                    self.fill_resting(market, order, got, cause, (command.ts, command.message, before))
        return left

    def past_the_queue(self, order: RefOrder, qty: int, ts: int) -> int:
        if order.ahead is None:
            return 0
        for credit in sorted(order.credits):
            if credit[0] >= ts:
                used = min(qty, credit[1])
                credit[1] -= used
                qty -= used
        reached = max(0, qty - order.ahead)
        order.ahead = max(0, order.ahead - qty)
        return reached

    def do_InvalidateDepth(self, command: c.InvalidateDepth) -> None:
        market = self.market(command.symbol)
        if not market.stale:
            market.stale, market.stale_since = True, self.now
        self.events.append(e.MirrorInvalidated(command.symbol))

    def do_AdvanceTime(self, command: c.AdvanceTime) -> None:
        pass


class Names:
    """Which identifier here is which there; the same one must always be the same one."""

    FIELDS: Final = ("order_id", "trade_id", "fill_id", "client_order_id")

    def __init__(self) -> None:
        self.there: dict[tuple[str, Any], Any] = {}
        self.here: dict[tuple[str, Any], Any] = {}

    def match(self, name: str, here: Any, there: Any) -> bool:
        known = self.there.setdefault((name, here), there), self.here.setdefault((name, there), here)
        return known == (there, here)


def same_events(names: Names, real: list[e.Event], expected: list[e.Event]) -> bool:
    """Same facts in the same order, identifiers renumbered; changed balances, which come last, in any order."""
    one, other = _settled(real), _settled(expected)
    return len(one) == len(other) and all(_same(names, a, b) for a, b in zip(one, other, strict=True))


def _settled(events: list[e.Event]) -> list[e.Event]:
    facts = [event for event in events if not isinstance(event, e.BalanceChanged)]
    balances = [event for event in events if isinstance(event, e.BalanceChanged)]
    return [*facts, *sorted(balances, key=lambda event: (event.account, event.asset))]


def _same(names: Names, real: e.Event, expected: e.Event) -> bool:
    if type(real) is not type(expected):
        return False
    if isinstance(real, e.Rejected) and isinstance(expected, e.Rejected):
        return real.reason is expected.reason
    one, other = msgspec.structs.asdict(real), msgspec.structs.asdict(expected)
    return all(
        names.match(key, value, other[key]) if key in Names.FIELDS else value == other[key]
        for key, value in one.items()
    )
