"""What an order for a perpetual holds and what a fill moves: the questions of ``spot.py``, answered with margin.

HashKey REST 4.1 and 4.10:

- an opening order holds price x contracts x multiplier / leverage (cut to whole atoms), a closing order
  holds no money but the lots it will close;
- it is accepted when that margin and the fees of opening and closing (at the taker's rate) are available;
- when it fills, its part of the margin becomes the position's, less the opening fee; the margin comes from
  the order's price and is not based anew on the price of the fill;
- a closing fill gives margin back in proportion, then the profit and the fee are booked to free money.

An order that would trade at a price worse than the mark loses the difference at once. In cross mode that
loss comes out of what is available, so it must be there too (or what the fees leave over): the venue does
not say so, but without it an accepted order could leave less than nothing available.

**Where profit comes from.** Opening moves no money but the fee. Closing realises (price - entry) x lots,
which comes from the house's ``CLEARING`` account or goes there. Each trade's two sides agree in price, so at any
moment clearing + the cost of all open long positions - that of all short ones (customers', the insurance
fund's and the outside market's) = 0: whoever has not closed yet still has his part in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from simulator.core.accounts.ledger import CLEARING, FEES, Balance, Ledger
from simulator.core.accounts.margin import CROSS, Wallet
from simulator.core.accounts.positions import Perpetual, Position, Terms
from simulator.core.commands import PlaceOrder
from simulator.core.orders import BUY, MarginMode, Order, PositionEffect, PositionSide, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import RATE_ONE, Lots, Money, Ticks

CLOSE: Final = PositionEffect.CLOSE

DEFAULT_LEVERAGE: Final = 10
"""Where the first risk tier allows it. The venue's own default is not known."""

Foresee: TypeAlias = Callable[[PlaceOrder, Ticks], Iterable[tuple[Ticks, Lots]]]
"""Prices and lots that an order would trade now."""


def default_leverage(perpetual: Perpetual) -> int:
    """What an account has that has chosen nothing."""
    return min(DEFAULT_LEVERAGE, perpetual.tiers.max_leverage(0))


class PerpetualSeat:
    """One account at one perpetual: its wallet, its two positions, and what its resting orders hold.

    ``opening``: ticks x lots of resting opening orders, of the long side and of the short side.
    """

    __slots__ = (
        "_clearing",
        "_fee_atoms",
        "_fees",
        "_foresee",
        "_quote_atoms",
        "_risky",
        "buy_fee_asset",
        "long",
        "open_orders",
        "opening_long",
        "opening_short",
        "perpetual",
        "sell_fee_asset",
        "short",
        "terms",
        "wallet",
    )

    def __init__(
        self, ledger: Ledger, wallet: Wallet, perpetual: Perpetual, risky: dict[Wallet, None], foresee: Foresee
    ) -> None:
        self.wallet = wallet
        self.perpetual = perpetual
        self.buy_fee_asset = self.sell_fee_asset = asset = wallet.asset
        self._clearing = ledger.balance(CLEARING, asset)
        self._fees = ledger.balance(FEES, asset)
        self._quote_atoms = perpetual.instrument.quote_atoms
        self._fee_atoms = perpetual.instrument.quote_fee_atoms
        self._risky = risky
        self._foresee = foresee
        self.terms = Terms(default_leverage(perpetual), CROSS)
        self.long = Position(wallet.account, PositionSide.LONG, perpetual, self.terms)
        self.short = Position(wallet.account, PositionSide.SHORT, perpetual, self.terms)
        self.open_orders = 0
        self.opening_long = self.opening_short = 0

    @property
    def leverage(self) -> int:
        """How many times its margin a position may be worth."""
        return self.terms.leverage

    @property
    def mode(self) -> MarginMode:
        """What stands behind its positions."""
        return self.terms.mode

    @property
    def used(self) -> bool:
        """Whether it differs from a seat that nobody has touched."""
        chosen = (self.terms.leverage, self.terms.mode) != (default_leverage(self.perpetual), CROSS)
        return bool(chosen or self.open_orders or self.long.lots or self.short.lots)

    @property
    def positions(self) -> tuple[Position, Position]:
        """Both sides."""
        return self.long, self.short

    def position(self, side: PositionSide) -> Position:
        """One side."""
        return self.long if side is PositionSide.LONG else self.short

    def closed_by(self, side: Side) -> Position:
        """The position that a closing order of this side reduces."""
        return self.short if side is BUY else self.long

    def opened_by(self, side: Side) -> Position:
        """The position that an opening order of this side adds to."""
        return self.long if side is BUY else self.short

    # -- may it come in? ----------------------------------------------------------------------------

    def refuses(self, command: PlaceOrder, price: Ticks, qty: Lots) -> RejectReason | None:
        """Why this account cannot have such an order: the position, the risk tier or the margin says no."""
        if command.effect is CLOSE:
            enough = qty <= self.closed_by(command.side).available
            return None if enough else RejectReason.POSITION_NOT_ENOUGH
        side, wallet, tiers, leverage = command.side, self.wallet, self.perpetual.tiers, self.terms.leverage
        cost = price * qty * self._quote_atoms
        tier = bisect_left(tiers.ceilings, self.exposure(side) + cost)
        if tier == len(tiers.ceilings):
            return RejectReason.RISK_LIMIT_EXCEEDED
        if leverage > tiers.leverages[tier]:
            return RejectReason.LEVERAGE_TOO_HIGH
        spare = wallet.available - cost // leverage
        fee_rate = wallet.customer.taker_rate
        if spare < 0 or (fee_rate > 0 and spare < 2 * cost * fee_rate // RATE_ONE):
            return RejectReason.INSUFFICIENT_MARGIN
        if spare < self._worst_loss(side, cost, qty) and spare < self._loss(command, price):
            return RejectReason.INSUFFICIENT_MARGIN
        return None

    def exposure(self, side: Side) -> Money:
        """What the position that such an order opens is worth, resting orders included."""
        position, opening = (self.long, self.opening_long) if side is BUY else (self.short, self.opening_short)
        opening *= self._quote_atoms
        return position.value + opening if position.lots else opening

    def _worst_loss(self, side: Side, cost: Money, qty: Lots) -> Money:
        """What an order would lose at once if all of it traded at its own price."""
        lot_value = self.perpetual.lot_value
        if self.terms.mode is not CROSS or lot_value is None:
            return 0
        return (cost - lot_value * qty) * side.sign

    def _loss(self, command: PlaceOrder, price: Ticks) -> Money:
        """What it would lose at the prices that it would really trade at."""
        return sum(
            self._worst_loss(command.side, at * lots * self._quote_atoms, lots)
            for at, lots in self._foresee(command, price)
        )

    # -- orders that rest ---------------------------------------------------------------------------

    def margin(self, notional: int) -> Money:
        """What an opening order of so many ticks x lots holds."""
        return notional * self._quote_atoms // self.terms.leverage

    def hold(self, order: Order, price: Ticks) -> Balance | Position:
        """Reserve what is left of an order: margin for opening, lots for closing."""
        if order.command.effect is CLOSE:
            position = self.closed_by(order.side)
            position.closing += order.leaves
            return position
        return self._hold(order.side, price * order.leaves)

    def release(self, order: Order, price: Ticks) -> Balance | Position:
        """Let go of it."""
        if order.command.effect is CLOSE:
            position = self.closed_by(order.side)
            position.closing -= order.leaves
            return position
        return self._hold(order.side, -price * order.leaves)

    def _hold(self, side: Side, notional: int) -> Balance:
        """Margin for so many ticks x lots more (or less) of resting orders."""
        wallet, balance = self.wallet, self.wallet.balance
        if side is BUY:
            self.opening_long += notional
        else:
            self.opening_short += notional
        # Cut towards zero, so that what is released is what was held.
        margin = self.margin(notional) if notional > 0 else -self.margin(-notional)
        balance.free -= margin
        balance.held += margin
        wallet.order_margin += margin
        return balance

    # -- fills --------------------------------------------------------------------------------------

    def settle(
        self,
        order: Order,
        price: Ticks,
        qty: Lots,
        rate: int,
        *,
        held: bool,
        touched: dict[Balance | Position, None],
    ) -> tuple[Money, Money]:
        """Move this account's part of a fill, of a resting order (``held``) or not; returns fee and profit."""
        wallet = self.wallet
        value, fee = price * qty * self._quote_atoms, price * qty * rate * self._fee_atoms
        self._fees.free += fee
        if order.command.effect is CLOSE:
            position = self.closed_by(order.side)
            if held:
                position.closing -= qty
            pnl = self.close(position, qty, value)
            wallet.balance.free -= fee
        else:
            position = self.opened_by(order.side)
            self._open(position, order, qty, value, fee, held=held)
            pnl = 0
        position.realised -= fee
        touched[wallet.balance] = touched[position] = None
        return fee, pnl

    def _open(self, position: Position, order: Order, qty: Lots, value: Money, fee: Money, *, held: bool) -> None:
        """The fee comes out of the margin; what it exceeds the margin by, out of free money."""
        limit, wallet, balance, left = order.price, self.wallet, self.wallet.balance, order.leaves
        assert limit is not None
        margin = self.margin(limit * (left + qty)) - (self.margin(limit * left) if left else 0)
        if held:
            if order.side is BUY:
                self.opening_long -= limit * qty
            else:
                self.opening_short -= limit * qty
            wallet.order_margin -= margin
        else:
            balance.free -= margin
            balance.held += margin
        from_margin = min(fee, margin)
        balance.held -= from_margin
        balance.free -= fee - from_margin
        margin -= from_margin
        wallet.position_margin += margin
        position.open(qty, value, margin)
        wallet.positions[position] = None
        self._at_risk()

    def close(self, position: Position, qty: Lots, value: Money) -> Money:
        """Reduce a position for ``value``; its margin and its profit become free money. Returns the profit."""
        wallet, balance = self.wallet, self.wallet.balance
        pnl, margin = position.close(qty, value)
        wallet.position_margin -= margin
        balance.held -= margin
        balance.free += margin + pnl
        self._clearing.free -= pnl
        if not position.lots:
            del wallet.positions[position]
        self._at_risk()
        return pnl

    def receive(self, position: Position, amount: Money) -> None:
        """Funding of a position; negative: it pays.

        It moves what stands behind the position: free money in cross mode, its margin in isolated mode, and
        free money again for what the margin cannot pay.
        """
        wallet, balance = self.wallet, self.wallet.balance
        from_margin = 0 if self.terms.mode is CROSS else max(amount, -position.margin)
        position.margin += from_margin
        wallet.position_margin += from_margin
        balance.held += from_margin
        balance.free += amount - from_margin
        position.realised += amount
        self._at_risk()

    def add_margin(self, position: Position, amount: Money) -> None:
        """Free money to a position's margin, or back."""
        wallet, balance = self.wallet, self.wallet.balance
        position.margin += amount
        wallet.position_margin += amount
        balance.held += amount
        balance.free -= amount
        self._at_risk()

    def rescaled(self, leverage: int, orders: Iterable[Order]) -> tuple[list[Money], Money]:
        """What the margins of both positions, and of these resting orders together, become with another leverage.

        A position's margin moves in proportion, so that what was paid out of it stays paid.
        """
        notionals = [order.price * order.leaves for order in orders if order.price is not None]
        return (
            [position.margin * self.terms.leverage // leverage for position in self.positions],
            sum(notional * self._quote_atoms // leverage for notional in notionals),
        )

    def set_leverage(self, leverage: int, orders: Iterable[Order]) -> None:
        """Another leverage for what is open and for what will be."""
        orders = list(orders)
        margins, held = self.rescaled(leverage, orders)
        _, before = self.rescaled(self.terms.leverage, orders)
        for position, margin in zip(self.positions, margins, strict=True):
            self.add_margin(position, margin - position.margin)
        self.wallet.balance.free -= held - before
        self.wallet.balance.held += held - before
        self.wallet.order_margin += held - before
        self.terms.leverage = leverage

    def _at_risk(self) -> None:
        self.wallet.outdated = True
        self._risky[self.wallet] = None

    def check(self) -> None:
        """Assert every invariant; for tests."""
        self.long.check()
        self.short.check()
        assert self.opening_long >= 0 and self.opening_short >= 0


class OutsidePosition:
    """The outside market as the other side of every mirrored fill: contracts bought less sold, and their cost."""

    __slots__ = ("_quote_atoms", "cost", "lots")

    def __init__(self, quote_atoms: Money) -> None:
        self._quote_atoms = quote_atoms
        self.lots: Lots = 0
        self.cost: Money = 0

    def trade(self, side: Side, price: Ticks, qty: Lots) -> None:
        """Its part of a fill."""
        self.lots += side.sign * qty
        self.cost += side.sign * price * qty * self._quote_atoms
