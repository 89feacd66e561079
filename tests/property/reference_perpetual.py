"""The slow, obvious bookkeeper of perpetuals: Fractions, sums over everything, formulas as they are published.

It hears commands and events and keeps its own positions, wallets and orders; after every command ``compare`` holds
them against the core's. It shares the core's vocabulary and reads from its state only what somebody else has
checked: the composite book (for what an order would trade) and each order's command.

Formulas and where they come from:

- order margin = price x contracts x multiplier / leverage, available = balance + unrealised profit of cross positions
  - position margin - order margin: HashKey REST 4.1, 4.16;
- position margin = its orders' margin - opening fees, in proportion when part of it is closed; realised profit
  starts at minus the opening fee; unrealised profit at the mark: HashKey REST 4.10;
- initial and maintenance rates by tier of the position's whole worth: HashKey REST 8.2;
- maintenance margin = worth x rate + worth x taker rate: HashKey REST 4.10 (the best guess there);
- funding = mark x contracts x multiplier x rate, longs pay shorts: HashKey REST 2.15;
- an isolated position's liquidation price: (cost -/+ margin) / (size x (1 -/+ (maintenance rate + fee rate))), which is
  equity = maintenance margin solved for the price, as in the published rules of the sister venues.

Amounts that the core cuts to 10^-30 are compared within ``NEAR``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from simulator.core import commands as c
from simulator.core import events as e
from simulator.core.accounts.ledger import CLEARING, HOUSE, INSURANCE
from simulator.core.accounts.liquidation_price import liquidation_price
from simulator.core.accounts.margin import Wallet
from simulator.core.accounts.positions import Position
from simulator.core.exchange import Exchange
from simulator.core.instruments import Contract, Instrument
from simulator.core.orders import (
    MarginMode,
    Order,
    OrderType,
    PositionEffect,
    PositionSide,
    SelfTradePrevention,
    Side,
)
from simulator.core.rejections import RejectReason
from simulator.core.units import FUNDING_ONE, ONE, PRICE_ONE

NEAR: Final = Fraction(1, 10**20)
RATE: Final = 10**8
QUIET: Final = (
    e.OrderAccepted,
    e.OrderFilled,
    e.OrderCanceled,
    e.TradeHappened,
    e.BalanceChanged,
    e.PositionChanged,
)
"""Events of an order after which nothing else has happened."""


def money(atoms: int) -> Fraction:
    return Fraction(atoms, ONE)


def near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= NEAR


@dataclass
class RefPosition:
    account: str
    side: PositionSide
    contract: RefContract
    lots: int = 0
    cost: Fraction = Fraction(0)
    margin: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)

    @property
    def sign(self) -> int:
        return 1 if self.side is PositionSide.LONG else -1

    def worth(self, mark: Fraction | None = None) -> Fraction:
        price = self.contract.mark if mark is None else mark
        return self.cost if price is None else price * self.lots * self.contract.multiplier

    def unrealised(self, mark: Fraction | None = None) -> Fraction:
        return self.sign * (self.worth(mark) - self.cost)

    def maintenance(self, fee: Fraction, mark: Fraction | None = None) -> Fraction:
        worth = self.worth(mark)
        return worth * (self.contract.maintenance_rate(worth) + max(fee, Fraction(0)))


class RefContract:
    def __init__(self, instrument: Instrument, contract: Contract) -> None:
        self.instrument = instrument
        self.multiplier = Fraction(contract.multiplier)
        self.unit = Fraction(instrument.tick) * self.multiplier
        """Money in one tick x lot."""
        self.tiers = [
            (Fraction(tier.ceiling), Fraction(tier.initial), Fraction(tier.maintenance)) for tier in contract.tiers
        ]
        self.mark: Fraction | None = None
        self.outside = 0
        self.funding: tuple[Fraction, int] | None = None

    def maintenance_rate(self, worth: Fraction) -> Fraction:
        """Of the tier that a position of this worth is in."""
        for ceiling, _, maintenance in self.tiers:
            if worth <= ceiling:
                return maintenance
        return self.tiers[-1][2]


@dataclass
class Open:
    """An order that rests, as its events tell."""

    order: Order
    price: int
    leaves: int


@dataclass
class RefAccount:
    taker: Fraction
    balance: Fraction = Fraction(0)
    leverage: dict[str, int] = field(default_factory=dict)
    mode: dict[str, MarginMode] = field(default_factory=dict)
    positions: dict[tuple[str, PositionSide], RefPosition] = field(default_factory=dict)


class Bookkeeper:
    """For one margin asset."""

    def __init__(self, exchange: Exchange, asset: str) -> None:
        self.exchange = exchange
        self.asset = asset
        self.accounts: dict[str, RefAccount] = {INSURANCE: RefAccount(Fraction(0))}
        self.contracts: dict[str, RefContract] = {}
        self.open: dict[int, Open] = {}
        self.seen: dict[str, int] = {}

    # -- what it knows ---------------------------------------------------------------------------------

    def position(self, account: str, symbol: str, side: PositionSide) -> RefPosition:
        positions = self.accounts[account].positions
        return positions.setdefault((symbol, side), RefPosition(account, side, self.contracts[symbol]))

    def leverage(self, account: str, symbol: str) -> int:
        """Ten where the first tier allows it, until another is chosen."""
        first = self.contracts[symbol].tiers[0][1]
        return self.accounts[account].leverage.get(symbol, min(10, int(1 / first)))

    def isolated(self, account: str, symbol: str) -> bool:
        return self.accounts[account].mode.get(symbol) is MarginMode.ISOLATED

    def held(self, account: str) -> Iterator[RefPosition]:
        return (position for position in self.accounts[account].positions.values() if position.lots)

    def cross(self, account: str) -> list[RefPosition]:
        return [one for one in self.held(account) if not self.isolated(account, one.contract.instrument.symbol)]

    def order_margin(self, account: str) -> Fraction:
        return sum(
            (
                one.price
                * one.leaves
                * self.contracts[one.order.symbol].unit
                / self.leverage(account, one.order.symbol)
                for one in self.open.values()
                for symbol in [one.order.symbol]
                if one.order.account == account and one.order.effect is PositionEffect.OPEN
            ),
            Fraction(0),
        )

    def position_margin(self, account: str) -> Fraction:
        return sum((position.margin for position in self.held(account)), Fraction(0))

    def available(self, account: str) -> Fraction:
        unrealised = sum((position.unrealised() for position in self.cross(account)), Fraction(0))
        balance = self.accounts[account].balance
        return balance + unrealised - self.position_margin(account) - self.order_margin(account)

    def cross_equity(self, account: str) -> Fraction:
        """Everything but isolated margin, and what cross positions have earned."""
        isolated = self.position_margin(account) - sum(one.margin for one in self.cross(account))
        return self.accounts[account].balance - isolated + sum(one.unrealised() for one in self.cross(account))

    def cross_maintenance(self, account: str) -> Fraction:
        fee = self.accounts[account].taker
        return sum((one.maintenance(fee) for one in self.cross(account)), Fraction(0))

    # -- may it come in? -------------------------------------------------------------------------------

    def affords(self, command: c.PlaceOrder) -> bool | None:
        """Whether an opening order finds its margin, both fees, and what it would lose at once; None: not asked."""
        listed = self.contracts.get(command.symbol)
        if listed is None or command.effect is not PositionEffect.OPEN or command.qty is None:
            return None
        price = command.price if command.type is not OrderType.MARKET else self.protective(command)
        if price is None or command.account not in self.accounts:
            return None
        cost = price * command.qty * listed.unit
        margin = cost / self.leverage(command.account, command.symbol)
        fees = 2 * cost * max(self.accounts[command.account].taker, Fraction(0))
        loss = Fraction(0)
        if not self.isolated(command.account, command.symbol) and listed.mark is not None:
            loss = self.loss(command, price, listed, listed.mark)
        return margin + max(fees, loss) <= self.available(command.account)

    def protective(self, command: c.PlaceOrder) -> int | None:
        listed = self.contracts[command.symbol]
        up, down = listed.instrument.market_band_up, listed.instrument.market_band_down
        if listed.mark is None or up is None or down is None:
            return None
        share = 1 + Fraction(up) if command.side is Side.BUY else 1 - Fraction(down)
        return int(listed.mark * share / Fraction(listed.instrument.tick) + Fraction(1, 2))

    def loss(self, command: c.PlaceOrder, price: int, listed: RefContract, mark: Fraction) -> Fraction:
        """At the prices of the composite book; own orders are passed over, or stop it (self-trade prevention)."""
        market = self.exchange.state.markets[command.symbol]
        makers = [order for level in market.book.side(command.side.opposite) for order in level]
        left, lost = command.qty or 0, Fraction(0)
        if market.mirror.stale:
            there = [(order.price, order.leaves) for order in makers]
        else:
            there = list(market.levels(command.side.opposite))
        for at, size in there:
            if at is None or (at - price) * command.side.sign > 0 or not left:
                break
            own = [order for order in makers if order.price == at and order.account == command.account]
            if own and command.stp is SelfTradePrevention.EXPIRE_TAKER:
                in_front = self.in_front_of(own[0], makers, market.mirror.stale)
                return lost + min(left, in_front) * command.side.sign * (at * listed.unit - mark * listed.multiplier)
            qty = min(left, size - sum(order.leaves for order in own))
            left -= qty
            lost += qty * command.side.sign * (at * listed.unit - mark * listed.multiplier)
        return lost

    def in_front_of(self, order: Order, makers: list[Order], stale: bool) -> int:
        """What stands before an order at its price: mirrored lots, and older orders."""
        older = sum(one.leaves for one in makers if one.price == order.price and one.id < order.id)
        return older + (0 if stale else order.ahead or 0)

    # -- what happens ----------------------------------------------------------------------------------

    def hear(self, command: c.Command, events: list[e.Event]) -> None:
        for event in events:
            name = type(event).__name__
            self.seen[name] = self.seen.get(name, 0) + 1
            getattr(self, "on_" + name, self.nothing)(event)
        if isinstance(command, c.SetFunding) and not isinstance(events[-1], e.Rejected):
            self.contracts[command.symbol].funding = Fraction(command.rate, FUNDING_ONE), command.settle_time

    def nothing(self, event: e.Event) -> None:
        pass

    def on_InstrumentListed(self, event: e.InstrumentListed) -> None:
        contract = event.instrument.contract
        if contract is not None:
            self.contracts[event.instrument.symbol] = RefContract(event.instrument, contract)

    def on_AccountOpened(self, event: e.AccountOpened) -> None:
        rate = self.exchange.state.customers[event.account].taker_rate
        self.accounts[event.account] = RefAccount(Fraction(rate, RATE))

    def on_FeesSet(self, event: e.FeesSet) -> None:
        self.accounts[event.account].taker = Fraction(event.taker_rate, RATE)

    def on_Deposited(self, event: e.Deposited) -> None:
        self.accounts[event.account].balance += money(event.amount) * (event.asset == self.asset)

    def on_Withdrawn(self, event: e.Withdrawn) -> None:
        self.accounts[event.account].balance -= money(event.amount) * (event.asset == self.asset)

    def on_Transferred(self, event: e.Transferred) -> None:
        self.accounts[event.source].balance -= money(event.amount) * (event.asset == self.asset)
        self.accounts[event.target].balance += money(event.amount) * (event.asset == self.asset)

    def on_MarkChanged(self, event: e.MarkChanged) -> None:
        self.contracts[event.symbol].mark = Fraction(event.mark, PRICE_ONE)

    def on_OrderAccepted(self, event: e.OrderAccepted) -> None:
        if event.symbol in self.contracts:
            assert event.price is not None and event.qty is not None
            order = self.exchange.state.orders[event.order_id]
            self.open[event.order_id] = Open(order, event.price, event.qty)

    def on_OrderCanceled(self, event: e.OrderCanceled) -> None:
        if event.symbol in self.contracts:
            assert self.open.pop(event.order_id).leaves == event.leaves

    def on_OrderFilled(self, event: e.OrderFilled) -> None:
        if event.symbol not in self.contracts:
            return
        one, listed = self.open[event.order_id], self.contracts[event.symbol]
        order, account = one.order, self.accounts[event.account]
        value, fee = event.price * event.qty * listed.unit, money(event.fee)
        customer = self.exchange.state.customers[event.account]
        rate = Fraction(customer.maker_rate if event.maker else customer.taker_rate, RATE)
        assert fee == value * rate and event.fee_asset == self.asset
        one.leaves -= event.qty
        assert one.leaves == event.leaves
        if not one.leaves:
            del self.open[event.order_id]
        account.balance -= fee
        side = side_of(order)
        position = self.position(event.account, event.symbol, side)
        if order.effect is PositionEffect.OPEN:
            if not position.lots:
                position.realised = Fraction(0)
            margin = one.price * event.qty * listed.unit / self.leverage(event.account, event.symbol)
            position.margin += margin - min(fee, margin)
            position.lots += event.qty
            position.cost += value
            assert event.pnl == 0
        else:
            assert near(self.reduce(position, event.qty, value), money(event.pnl))
            account.balance += money(event.pnl)
        position.realised -= fee
        if event.cause not in (e.FillCause.TOOK_ORDER, e.FillCause.HIT_BY_ORDER):
            listed.outside -= order.side.sign * event.qty
        if event.cause is e.FillCause.HIT_BY_ORDER:
            self.seen["against an order"] = event.trade_id

    def reduce(self, position: RefPosition, lots: int, value: Fraction) -> Fraction:
        """Less of a position, for ``value``; returns the profit."""
        assert 0 < lots <= position.lots, "closed more than there was"
        cost = position.cost * lots / position.lots
        position.margin -= position.margin * lots / position.lots
        position.lots -= lots
        position.cost -= cost
        pnl = position.sign * (value - cost)
        position.realised += pnl
        return pnl

    def on_InsuranceTraded(self, event: e.InsuranceTraded) -> None:
        listed = self.contracts[event.symbol]
        side = PositionSide.LONG if event.side is Side.SELL else PositionSide.SHORT
        position = self.position(INSURANCE, event.symbol, side)
        assert near(self.reduce(position, event.qty, event.price * event.qty * listed.unit), money(event.pnl))
        self.accounts[INSURANCE].balance += money(event.pnl)
        assert position.lots == event.left
        # Against a customer's order the customer's own fill says so, right before.
        if self.seen.get("against an order") != event.trade_id:
            listed.outside -= event.side.sign * event.qty

    def on_LeverageSet(self, event: e.LeverageSet) -> None:
        before = self.leverage(event.account, event.symbol)
        self.accounts[event.account].leverage[event.symbol] = event.leverage
        for position in self.held(event.account):
            if position.contract.instrument.symbol == event.symbol:
                position.margin = position.margin * before / event.leverage

    def on_MarginModeSet(self, event: e.MarginModeSet) -> None:
        self.accounts[event.account].mode[event.symbol] = event.mode

    def on_MarginAdjusted(self, event: e.MarginAdjusted) -> None:
        position = self.position(event.account, event.symbol, event.side)
        position.margin += money(event.amount)
        assert near(position.margin, money(event.margin)) and self.isolated(event.account, event.symbol)

    def on_FundingPaid(self, event: e.FundingPaid) -> None:
        listed, position = self.contracts[event.symbol], self.position(event.account, event.symbol, event.side)
        assert listed.funding is not None and (event.lots, event.settle_time) == (position.lots, listed.funding[1])
        amount = money(event.amount)
        assert listed.mark is not None
        assert amount == -position.sign * listed.mark * position.lots * listed.multiplier * listed.funding[0]
        self.accounts[event.account].balance += amount
        position.realised += amount
        if event.account != INSURANCE and self.isolated(event.account, event.symbol):
            position.margin = max(Fraction(0), position.margin + amount)
        self.seen["funding of " + event.symbol] = self.seen.get("funding of " + event.symbol, 0) + event.amount

    def on_FundingSettled(self, event: e.FundingSettled) -> None:
        listed = self.contracts[event.symbol]
        assert listed.funding is not None and listed.mark is not None
        rate, time = listed.funding
        assert (event.settle_time, Fraction(event.rate, FUNDING_ONE)) == (time, rate)
        assert event.outside + self.seen.pop("funding of " + event.symbol, 0) == 0, "funding does not sum to zero"
        assert money(event.outside) == -listed.outside * listed.mark * listed.multiplier * rate
        listed.funding = rate, time + 8 * 3600 * 10**9

    def on_MarginWarning(self, event: e.MarginWarning) -> None:
        equity, maintenance = self.standing(event.account, event.symbol, event.side)
        assert near(equity, money(event.equity)) and near(maintenance, money(event.maintenance))
        assert maintenance * 5 >= equity * 4 - NEAR

    def standing(self, account: str, symbol: str | None, side: PositionSide | None) -> tuple[Fraction, Fraction]:
        """Equity and maintenance margin, of an isolated position or of all cross ones."""
        if symbol is None or side is None or not self.isolated(account, symbol):
            return self.cross_equity(account), self.cross_maintenance(account)
        position = self.position(account, symbol, side)
        return position.margin + position.unrealised(), position.maintenance(self.accounts[account].taker)

    def on_PositionLiquidated(self, event: e.PositionLiquidated) -> None:
        account, position = self.accounts[event.account], self.position(event.account, event.symbol, event.side)
        equity, maintenance = self.standing(event.account, event.symbol, event.side)
        isolated = self.isolated(event.account, event.symbol)
        first = isolated or not self.seen.get("taking over")
        if first:
            assert equity <= maintenance + NEAR, "taken over too early"
        margin, worth, lots = position.margin, position.worth(), position.lots
        assert lots == event.lots
        value, pnl = money(event.value), money(event.pnl)
        assert near(self.reduce(position, lots, value), pnl)
        account.balance += pnl
        if isolated and value:
            assert near(pnl, -margin), "an isolated position loses its margin, no more and no less"
        elif not isolated:
            # Several positions share what the wallet has; after the last nothing is left but isolated margin.
            left = self.cross(event.account)
            self.seen["taking over"] = len(left)
            if not left and value and not self.seen.get("at zero"):
                assert near(self.cross_equity(event.account), Fraction(0)), "a wallet taken over keeps nothing"
            self.seen["at zero"] = (self.seen.get("at zero", 0) + (not value)) * bool(left)
        taken = self.position(INSURANCE, event.symbol, event.side)
        if not taken.lots:
            taken.realised = Fraction(0)
        taken.lots += lots
        taken.cost += value
        assert worth >= 0

    def on_DeficitCovered(self, event: e.DeficitCovered) -> None:
        self.accounts[event.account].balance += money(event.amount)
        self.accounts[INSURANCE].balance -= money(event.amount)
        assert not self.cross(event.account) and event.amount > 0
        assert near(self.cross_equity(event.account), Fraction(0))

    # -- what must be so afterwards -----------------------------------------------------------------------

    def compare(self, accounts: Iterable[str] | None = None) -> None:
        """What the core says of wallets and positions: of these accounts, or of everybody."""
        state = self.exchange.state
        chosen = dict.fromkeys(self.accounts if accounts is None else accounts)
        for account in chosen:
            wallet = state.wallets.get((account, self.asset))
            if wallet is not None:
                self._compare_wallet(account, wallet)
        for symbol, listed in self.contracts.items():
            total = listed.outside + sum(
                one.sign * one.lots
                for account in self.accounts.values()
                for (name, _), one in account.positions.items()
                if name == symbol
            )
            assert total == 0, "positions do not sum to zero"
            assert listed.outside == state.perpetuals[symbol].outside.lots
            for position in state.perpetuals[symbol].positions():
                if position.account in chosen:
                    self._compare_position(position)
        assert near(money(state.ledger.balance(INSURANCE, self.asset).total), self.accounts[INSURANCE].balance)
        self._clearing()
        state.ledger.check()

    def _clearing(self) -> None:
        """Who has not closed yet still has his part in the house's clearing account."""
        state = self.exchange.state
        open_costs = sum(
            position.sign * position.cost for listed in state.perpetuals.values() for position in listed.positions()
        )
        outside = sum(listed.outside.cost for listed in state.perpetuals.values())
        assert state.ledger.balance(CLEARING, self.asset).total + open_costs + outside == 0

    def _compare_wallet(self, account: str, wallet: Wallet) -> None:
        mine, balance = self.accounts[account], wallet.balance
        position_margin, order_margin = self.position_margin(account), self.order_margin(account)
        assert near(money(balance.total), mine.balance), "balance"
        assert near(money(wallet.position_margin), position_margin), "position margin"
        assert near(money(wallet.order_margin), order_margin), "order margin"
        assert near(money(wallet.available), self.available(account)), "available"
        assert near(money(balance.held), position_margin + order_margin), "held"
        equity, maintenance = self.cross_equity(account), self.cross_maintenance(account)
        assert equity >= -NEAR and (not maintenance or equity > maintenance - NEAR), "left below maintenance margin"
        for position in self.held(account):
            symbol = position.contract.instrument.symbol
            if self.isolated(account, symbol):
                equity, maintenance = self.standing(account, symbol, position.side)
                assert equity > maintenance - NEAR, "isolated position left below its maintenance margin"

    def _compare_position(self, position: Position) -> None:
        mine = self.position(position.account, position.perpetual.symbol, position.side)
        assert position.lots == mine.lots
        closing = sum(
            one.leaves
            for one in self.open.values()
            if one.order.account == position.account
            and one.order.effect is PositionEffect.CLOSE
            and one.order.symbol == position.perpetual.symbol
            and side_of(one.order) is position.side
        )
        assert position.closing == closing <= position.lots, "closing orders speak for more than there is"
        if not position.lots:
            assert not position.cost and not position.margin
            return
        assert near(money(position.cost), mine.cost) and near(money(position.margin), mine.margin)
        assert near(money(position.unrealised), mine.unrealised())
        assert near(money(position.realised), mine.realised), "realised"

    # -- liquidation prices --------------------------------------------------------------------------------

    def liquidation_prices(self) -> None:
        """The core's price of every open position against this bookkeeper's."""
        for account in self.accounts:
            if account in HOUSE:
                continue
            for position in self.held(account):
                self._liquidation_price(account, position)

    def _liquidation_price(self, account: str, position: RefPosition) -> None:
        symbol, mark = position.contract.instrument.symbol, position.contract.mark
        assert mark is not None
        seat = self.exchange.state.perpetuals[symbol].seat(account)
        told = liquidation_price(seat.wallet, seat.position(position.side))
        spare, step = self._spare(account, position), Fraction(1, PRICE_ONE)
        price = None if told is None else Fraction(told, PRICE_ONE)
        for between in self._samples(position, mark, price):
            assert spare(between) > 0, "it ends earlier than told, or there is a price and none was told"
        if price is None:
            return
        assert spare(price) <= 0, "at its liquidation price it is still there"
        assert spare(price + position.sign * step) > 0, "it ends earlier than told"
        if self.isolated(account, symbol):
            self._by_formula(account, position, price)

    def _by_formula(self, account: str, position: RefPosition, told: Fraction) -> None:
        """For an isolated position and the tier at the price, where the price is not the edge of a tier."""
        listed = position.contract
        rate = listed.maintenance_rate(position.worth(told)) + max(self.accounts[account].taker, Fraction(0))
        size = position.lots * listed.multiplier
        by_formula = (position.cost - position.sign * position.margin) / (size * (1 - position.sign * rate))
        if all(abs(told - ceiling / size) > Fraction(2, PRICE_ONE) for ceiling, _, _ in listed.tiers):
            assert abs(by_formula - told) <= Fraction(1, PRICE_ONE)

    def _spare(self, account: str, position: RefPosition) -> Callable[[Fraction], Fraction]:
        """Equity less maintenance margin, if this perpetual's mark were another."""
        fee = self.accounts[account].taker
        if self.isolated(account, position.contract.instrument.symbol):
            moving, still = [position], position.margin
        else:
            moving = [one for one in self.cross(account) if one.contract is position.contract]
            still = self.cross_equity(account) - self.cross_maintenance(account)
            still -= sum(one.unrealised() - one.maintenance(fee) for one in moving)

        def spare(price: Fraction) -> Fraction:
            return still + sum(one.unrealised(price) - one.maintenance(fee, price) for one in moving)

        return spare

    def _samples(self, position: RefPosition, mark: Fraction, until: Fraction | None) -> list[Fraction]:
        """Prices on the way from the mark to the price that was told: the edges of tiers and some in between."""
        step = Fraction(1, PRICE_ONE)
        end = until if until is not None else (step if position.sign > 0 else mark * 20)
        prices = [mark, *(mark + (end - mark) * Fraction(n, 4) for n in range(1, 4))]
        for one in self.held(position.account):
            if one.contract is position.contract:
                for ceiling, _, _ in one.contract.tiers:
                    edge = Fraction(int(ceiling / (one.lots * one.contract.multiplier) / step)) * step
                    prices += [edge, edge + step]
        low, high = min(mark, end), max(mark, end)
        return [price for price in prices if low <= price <= high and price != until]


def side_of(order: Order) -> PositionSide:
    """The position that an order is about."""
    opens = order.effect is PositionEffect.OPEN
    return PositionSide.LONG if (order.side is Side.BUY) is opens else PositionSide.SHORT


def check_margin_of(keeper: Bookkeeper, command: c.Command, affordable: bool | None, events: list[e.Event]) -> None:
    """An opening order is refused for its margin exactly when it cannot be afforded, and leaves nothing negative."""
    if not isinstance(command, c.PlaceOrder) or affordable is None or not events:
        return
    first = events[0]
    if isinstance(first, e.Rejected):
        assert (first.reason is RejectReason.INSUFFICIENT_MARGIN) <= (not affordable), "refused, but affordable"
    elif isinstance(first, e.OrderAccepted) and first.account == command.account:
        assert affordable, "accepted, but not affordable"
        if all(isinstance(event, QUIET) for event in events):
            assert keeper.available(command.account) >= -NEAR, "an accepted order left less than nothing"
