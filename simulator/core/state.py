"""Everything an exchange remembers, and the counters that make its identifiers."""

from __future__ import annotations

from typing import Final

from simulator.core.accounts.customers import Customer
from simulator.core.accounts.ledger import Ledger
from simulator.core.accounts.margin import Wallet
from simulator.core.market import Market
from simulator.core.orders import Order
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.stops import Stop
from simulator.core.units import NANOS_PER_MILLI, Nanos

ID_EPOCH_MS: Final = 1_514_736_000_000
"""2018-01-01 UTC+8: HashKey real shapes 1.3 found ids to be (ms - epoch) x 2^23 + a counter."""
_ID_BITS: Final = 23
NEVER: Final[Nanos] = 2**63


class State:
    """All accounts, markets and orders. Orders stay after their end, so that they can be asked for.

    ``moved`` and ``risky`` are the perpetuals and the wallets to look at before the present command is over;
    ``timer`` is when something happens without a command.
    """

    __slots__ = (
        "_id_until",
        "customers",
        "last_id",
        "ledger",
        "markets",
        "moved",
        "now",
        "orders",
        "perpetuals",
        "risky",
        "stops",
        "timer",
        "wallets",
    )

    def __init__(self) -> None:
        self.now: Nanos = 0
        self.ledger = Ledger()
        self.customers: dict[str, Customer] = {}
        self.markets: dict[str, Market] = {}
        self.orders: dict[int, Order] = {}
        self.perpetuals: dict[str, PerpetualMarket] = {}
        self.wallets: dict[tuple[str, str], Wallet] = {}
        self.stops: dict[int, Stop] = {}
        self.moved: dict[PerpetualMarket, None] = {}
        self.risky: dict[Wallet, None] = {}
        self.timer: Nanos = NEVER
        self.last_id = 0
        self._id_until: Nanos = 0

    def wallet(self, account: str, asset: str) -> Wallet:
        """The money that an account's positions of this margin asset stand on."""
        wallet = self.wallets.get((account, asset))
        if wallet is None:
            wallet = Wallet(self.customers[account], self.ledger.balance(account, asset))
            self.wallets[account, asset] = wallet
        return wallet

    def advance(self, now: Nanos) -> None:
        """Time has come so far; it never runs backwards."""
        assert now >= self.now, "time runs backwards"
        self.now = now

    def next_id(self) -> int:
        """A number that no other thing of this exchange has; later ones are larger.

        The millisecond gives the upper bits, so that ids look like HashKey's; within one millisecond, and
        when time has stood still for very long, it is the one before plus one.
        """
        if self.now >= self._id_until:
            self._begin_millisecond()
        self.last_id = made = self.last_id + 1
        return made

    def _begin_millisecond(self) -> None:
        ms = self.now // NANOS_PER_MILLI
        self._id_until = (ms + 1) * NANOS_PER_MILLI
        self.last_id = max(self.last_id, (max(0, ms - ID_EPOCH_MS) << _ID_BITS) - 1)
