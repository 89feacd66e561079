"""What a spot order holds and what a fill moves.

HashKey REST 3.2 and real shapes 4.7: a buy holds price x quantity of the quote asset, a sell holds
its quantity of the base asset; a buyer pays the fee in base, a seller in quote, out of what he
receives, with all decimals kept. So a fee never needs a hold of its own.
"""

from __future__ import annotations

from simulator.core.accounts.ledger import FEES, MARKET, Balance, Ledger
from simulator.core.instruments import Instrument
from simulator.core.orders import Side
from simulator.core.units import Lots, Money, Ticks


class SpotSeat:
    """One account at one spot market: the two balances its orders move."""

    __slots__ = ("base", "quote")

    def __init__(self, ledger: Ledger, account: str, instrument: Instrument) -> None:
        self.base = ledger.balance(account, instrument.base)
        self.quote = ledger.balance(account, instrument.quote)

    def pays(self, side: Side) -> Balance:
        """The balance an order of this side takes from."""
        return self.quote if side is Side.BUY else self.base


class SpotTerms:
    """How one spot market turns ticks and lots into money."""

    __slots__ = ("_base", "_base_fee", "_fees", "_outside", "_quote", "_quote_fee")

    def __init__(self, ledger: Ledger, instrument: Instrument) -> None:
        self._base = instrument.base_atoms
        self._quote = instrument.quote_atoms
        self._base_fee = instrument.base_fee_atoms
        self._quote_fee = instrument.quote_fee_atoms
        self._fees = SpotSeat(ledger, FEES, instrument)
        self._outside = SpotSeat(ledger, MARKET, instrument)

    def hold(self, side: Side, price: Ticks, qty: Lots) -> Money:
        """What a resting order reserves."""
        return price * qty * self._quote if side is Side.BUY else qty * self._base

    def cost(self, notional: int) -> Money:
        """Quote money of a notional in ticks x lots."""
        return notional * self._quote

    def settle(self, seat: SpotSeat, side: Side, price: Ticks, qty: Lots, rate: int, *, held: bool) -> Money:
        """Move one side's money of a fill, from its hold or from its free money; returns the fee."""
        notional = price * qty
        cost = notional * self._quote
        goods = qty * self._base
        if side is Side.BUY:
            fee = qty * rate * self._base_fee
            pays, gets, paid, got, fees = seat.quote, seat.base, cost, goods, self._fees.base
        else:
            fee = notional * rate * self._quote_fee
            pays, gets, paid, got, fees = seat.base, seat.quote, goods, cost, self._fees.quote
        if held:
            pays.held -= paid
        else:
            pays.free -= paid
        gets.free += got - fee
        fees.free += fee
        return fee

    def settle_outside(self, side: Side, price: Ticks, qty: Lots) -> None:
        """The outside market's side of a mirrored fill; it pays no fee to us."""
        self.settle(self._outside, side, price, qty, 0, held=False)
