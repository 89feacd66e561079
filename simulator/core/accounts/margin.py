"""Wallets: the money behind positions, how much of it is free, and when there is too little.

**Available** (HashKey REST 4.16) = balance + unrealised profit of cross positions - position margin - order
margin. In the ledger a wallet's free money is balance - position margin - order margin; it may fall below
zero as long as unrealised profit covers it. An opening order must find its margin and its fees available;
only money that is both free and available can leave the wallet.

**Equity.** Behind cross positions stands everything in the wallet but the margin of isolated positions;
behind an isolated position stands its own margin. Both change with unrealised profit. When equity is not
more than the maintenance margin, liquidation begins (``liquidating.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.core.accounts.customers import Customer
from simulator.core.accounts.ledger import Balance
from simulator.core.accounts.positions import Position
from simulator.core.orders import MarginMode
from simulator.core.units import RATE_ONE, Money

CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED


def near_the_end(equity: Money, maintenance: Money) -> bool:
    """Whether maintenance margin is 80 % of equity or more: where MarginWarning comes. The level is ours."""
    return 4 * equity <= 5 * maintenance


class Wallet:
    """One account's money of one margin asset, and its open positions, in the order of their opening."""

    __slots__ = (
        "_unrealised",
        "asset",
        "balance",
        "customer",
        "order_margin",
        "outdated",
        "position_margin",
        "positions",
        "warned",
    )

    def __init__(self, customer: Customer, balance: Balance) -> None:
        self.customer = customer
        self.balance = balance
        self.asset = balance.asset
        balance.margined = True
        self.positions: dict[Position, None] = {}
        self.position_margin: Money = 0
        self.order_margin: Money = 0
        self.warned = False
        self.outdated = False
        self._unrealised: Money = 0

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.balance.account

    def in_mode(self, mode: MarginMode) -> Iterator[Position]:
        """Open positions of a margin mode."""
        return (position for position in self.positions if position.terms.mode is mode)

    @property
    def cross_unrealised(self) -> Money:
        """Unrealised profit of the cross positions; reckoned anew only after a fill or a move of a mark."""
        if self.outdated:
            self._unrealised = sum(position.unrealised for position in self.in_mode(CROSS))
            self.outdated = False
        return self._unrealised

    @property
    def available(self) -> Money:
        """What new orders may use; negative when unrealised loss has eaten more than was free."""
        return self.balance.free + (self.cross_unrealised if self.outdated else self._unrealised)

    @property
    def withdrawable(self) -> Money:
        """What may leave: free money that no unrealised loss needs. Unrealised profit cannot leave."""
        return min(self.balance.free, self.available)

    @property
    def cross_equity(self) -> Money:
        """What stands behind the cross positions."""
        margin = sum(position.margin for position in self.in_mode(CROSS))
        return self.balance.free + self.order_margin + margin + self.cross_unrealised

    @property
    def cross_maintenance(self) -> Money:
        """What must stand behind them."""
        rate = self.customer.taker_rate
        return sum(position.maintenance(rate) for position in self.in_mode(CROSS))

    def is_sound(self) -> bool:
        """Whether nothing needs to be done or said: everything is far from its end, and nobody has been warned.

        The one pass over all positions that a fill costs; who is not sound is looked at closely.
        """
        fee_rate = max(0, self.customer.taker_rate)
        equity, unrealised, maintenance = self.balance.free + self.order_margin, 0, 0
        sound = not self.warned
        for position in self.positions:
            value, tiers = position.value, position.perpetual.tiers
            gain = (value - position.cost) * position.sign
            need = value * (tiers.maintenance[tiers.at(value)] + fee_rate) // RATE_ONE
            if position.terms.mode is CROSS:
                equity += position.margin + gain
                unrealised += gain
                maintenance += need
            elif position.warned or near_the_end(position.margin + gain, need):
                sound = False
        self._unrealised, self.outdated = unrealised, False
        return sound and (not near_the_end(equity, maintenance) if maintenance else equity >= 0)

    def check(self) -> None:
        """Assert every invariant; for tests."""
        for position in self.positions:
            position.check()
            assert position.lots, "a closed position is still listed"
        assert self.position_margin == sum(position.margin for position in self.positions)
        assert self.order_margin >= 0
        assert self.balance.held >= self.position_margin + self.order_margin
        assert self.cross_unrealised == sum(position.unrealised for position in self.in_mode(CROSS))
        assert self.cross_equity >= 0, "the wallet owes more than it has"
