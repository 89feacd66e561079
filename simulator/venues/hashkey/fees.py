"""What users pay: HashKey's fee table by VIP level, and which level each user has.

Futures: the venue's notice of April 2026; the same rates as since 2025-04-30 (HashKey REST 8.1). Spot: only level 0
is known, 0.12 % for makers and takers alike (HashKey REST 8.1, 5.6). The other spot levels are not published, so they
pay what level 0 pays: whoever has a discount is told too little profit, never too much, and ``maker_fee`` and
``taker_fee`` are there for his own rates.

A level is given, not earned: nobody's 30-day volume moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from simulator.core.units import rate
from simulator.venues.hashkey.accounts import user_of


class Rates(NamedTuple):
    """Maker and taker fee, in 10^-8."""

    maker: int
    taker: int


def _percent(maker: str, taker: str) -> Rates:
    """Rates of published percentages; the table has three decimals, so nothing is lost."""
    return Rates(rate(maker) // 100, rate(taker) // 100)


SPOT: Final = (_percent("0.12", "0.12"),) * 10
FUTURES: Final = (
    _percent("0.025", "0.060"),
    _percent("0.020", "0.050"),
    _percent("0.016", "0.050"),
    _percent("0.014", "0.045"),
    _percent("0.012", "0.040"),
    _percent("0.008", "0.035"),
    _percent("0.004", "0.035"),
    _percent("0", "0.030"),
    _percent("0", "0.025"),
    _percent("0", "0.020"),
)
"""By VIP level, 0 to 9."""


class Fixed(NamedTuple):
    """Rates that hold at every level; None: the level's own."""

    maker: int | None = None
    taker: int | None = None

    def over(self, rates: Rates) -> Rates:
        """A level's rates, with these in their place where they are given."""
        maker = rates.maker if self.maker is None else self.maker
        return Rates(maker, rates.taker if self.taker is None else self.taker)


NOTHING_FIXED: Final = Fixed()


@dataclass(frozen=True)
class Fees:
    """The level of each user, of everybody else, and what is fixed whatever the level."""

    level_of: Mapping[str, int] = field(default_factory=dict)
    others: int = 0
    fixed_spot: Fixed = NOTHING_FIXED
    fixed_futures: Fixed = NOTHING_FIXED

    def level(self, account: str) -> int:
        """The VIP level of the user behind an account."""
        return self.level_of.get(user_of(account), self.others)

    def spot(self, account: str) -> Rates:
        """What the user pays on spot."""
        return self.fixed_spot.over(SPOT[self.level(account)])

    def futures(self, account: str) -> Rates:
        """What the user pays on perpetuals."""
        return self.fixed_futures.over(FUTURES[self.level(account)])
