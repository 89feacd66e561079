"""What a spot order holds and what a fill moves.

HashKey REST 3.2 and real shapes 4.7: a buy holds price x quantity of the quote asset, a sell holds
its quantity of the base asset; a buyer pays the fee in base, a seller in quote, out of what he
receives, with all decimals kept. So a fee never needs a hold of its own.
"""

from __future__ import annotations

from typing import Any

from simulator.core.accounts.ledger import FEES, Balance, Ledger
from simulator.core.commands import PlaceOrder
from simulator.core.instruments import Instrument
from simulator.core.orders import BUY, Order, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import Lots, Money, Ticks


class SpotSeat:
    """One account at one spot market: its balances and how many of its orders rest; ticks and lots to money."""

    __slots__ = (
        "_base_atoms",
        "_base_fee",
        "_fees_base",
        "_fees_quote",
        "_quote_atoms",
        "_quote_fee",
        "base",
        "buy_fee_asset",
        "open_orders",
        "quote",
        "sell_fee_asset",
    )

    def __init__(self, ledger: Ledger, account: str, instrument: Instrument) -> None:
        self.base = ledger.balance(account, instrument.base)
        self.quote = ledger.balance(account, instrument.quote)
        self._fees_base = ledger.balance(FEES, instrument.base)
        self._fees_quote = ledger.balance(FEES, instrument.quote)
        self._base_atoms = instrument.base_atoms
        self._quote_atoms = instrument.quote_atoms
        self._base_fee = instrument.base_fee_atoms
        self._quote_fee = instrument.quote_fee_atoms
        self.buy_fee_asset = instrument.base
        self.sell_fee_asset = instrument.quote
        self.open_orders = 0

    def pays(self, side: Side) -> Balance:
        """The balance an order of this side takes from."""
        return self.quote if side is BUY else self.base

    def needs(self, side: Side, price: Ticks, qty: Lots) -> Money:
        """What a resting order reserves."""
        return price * qty * self._quote_atoms if side is BUY else qty * self._base_atoms

    def can_pay(self, side: Side, price: Ticks, qty: Lots) -> bool:
        """Whether so much is free."""
        if side is BUY:
            return price * qty * self._quote_atoms <= self.quote.free
        return qty * self._base_atoms <= self.base.free

    def refuses(self, command: PlaceOrder, price: Ticks, qty: Lots) -> RejectReason | None:
        """Why this account cannot have such a limit order: the money is not there."""
        return None if self.can_pay(command.side, price, qty) else RejectReason.INSUFFICIENT_BALANCE

    def hold(self, order: Order, price: Ticks) -> Balance:
        """Reserve what is left of an order that rests; the caller has checked that it is there."""
        if order.side is BUY:
            balance, amount = self.quote, price * order.leaves * self._quote_atoms
        else:
            balance, amount = self.base, order.leaves * self._base_atoms
        balance.free -= amount
        balance.held += amount
        return balance

    def release(self, order: Order, price: Ticks) -> Balance:
        """Make what it reserved free again."""
        if order.side is BUY:
            balance, amount = self.quote, price * order.leaves * self._quote_atoms
        else:
            balance, amount = self.base, order.leaves * self._base_atoms
        balance.held -= amount
        balance.free += amount
        return balance

    def settle(
        self, order: Order, price: Ticks, qty: Lots, rate: int, *, held: bool, touched: dict[Any, None]
    ) -> tuple[Money, Money]:
        """Move this account's money of a fill, from its hold or from its free money; returns the fee, and no profit."""
        notional = price * qty
        cost = notional * self._quote_atoms
        goods = qty * self._base_atoms
        if order.side is BUY:
            fee = qty * rate * self._base_fee
            pays, gets, paid, got, fees = self.quote, self.base, cost, goods, self._fees_base
        else:
            fee = notional * rate * self._quote_fee
            pays, gets, paid, got, fees = self.base, self.quote, goods, cost, self._fees_quote
        if held:
            pays.held -= paid
        else:
            pays.free -= paid
        gets.free += got - fee
        fees.free += fee
        touched[self.base] = touched[self.quote] = None
        return fee, 0

    def trade(self, side: Side, price: Ticks, qty: Lots) -> None:
        """The outside market's part of a fill: it pays no fee and holds nothing."""
        cost, goods = price * qty * self._quote_atoms, qty * self._base_atoms
        if side is BUY:
            self.quote.free -= cost
            self.base.free += goods
        else:
            self.base.free -= goods
            self.quote.free += cost
