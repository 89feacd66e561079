"""Balances, and postings that always sum to zero.

Every amount of money is somewhere: with a customer, or with one of the house's own accounts, which
are accounts like any other. ``OUTSIDE`` is the world beyond the exchange (deposits come from it), the
market's ``MARKET`` is the counterparty of every mirrored fill, ``FEES`` is the venue's income. ``CLEARING``
and ``INSURANCE`` serve perpetuals: see ``perpetual.py`` and ``liquidation.py``. House accounts may be
negative; customers' free and held money never is, but for free money behind which stands unrealised
profit (``margin.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simulator.core.events import BalanceChanged
from simulator.core.units import Money

OUTSIDE: Final = "#outside"
MARKET: Final = "#market"
FEES: Final = "#fees"
CLEARING: Final = "#clearing"
INSURANCE: Final = "#insurance"
HOUSE: Final = (OUTSIDE, MARKET, FEES, CLEARING, INSURANCE)


class Balance:
    """One asset of one account: usable, and reserved by open orders and positions.

    ``margined``: unrealised profit may stand behind it, so that free may be below zero.
    """

    __slots__ = ("account", "asset", "free", "held", "margined")

    def __init__(self, account: str, asset: str) -> None:
        self.account = account
        self.asset = asset
        self.free: Money = 0
        self.held: Money = 0
        self.margined = False

    @property
    def total(self) -> Money:
        """Free and held."""
        return self.free + self.held

    def changed(self) -> BalanceChanged:
        """What it is now."""
        return BalanceChanged(self.account, self.asset, self.free, self.held)


class Ledger:
    """All balances. Reading an unknown one makes an empty one."""

    __slots__ = ("_balances",)

    def __init__(self) -> None:
        self._balances: dict[str, dict[str, Balance]] = {name: {} for name in HOUSE}

    def open(self, account: str) -> None:
        """An account without money."""
        self._balances[account] = {}

    def balance(self, account: str, asset: str) -> Balance:
        """The balance of one asset."""
        assets = self._balances[account]
        balance = assets.get(asset)
        if balance is None:
            balance = assets[asset] = Balance(account, asset)
        return balance

    def of(self, account: str) -> dict[str, Balance]:
        """All balances of an account by asset, those of zero too."""
        return self._balances[account]

    def transfer(self, source: str, target: str, asset: str, amount: Money) -> tuple[Balance, Balance]:
        """Move free money; both postings at once."""
        giver, taker = self.balance(source, asset), self.balance(target, asset)
        giver.free -= amount
        taker.free += amount
        return giver, taker

    def __iter__(self) -> Iterator[Balance]:
        for assets in self._balances.values():
            yield from assets.values()

    def check(self) -> None:
        """Assert that money sums to zero per asset and no customer is negative; for tests."""
        sums: dict[str, Money] = {}
        for balance in self:
            sums[balance.asset] = sums.get(balance.asset, 0) + balance.total
            if balance.account not in HOUSE:
                assert balance.held >= 0, (balance.account, balance.asset)
                assert balance.free >= 0 or balance.margined, (balance.account, balance.asset)
        assert not any(sums.values()), sums
