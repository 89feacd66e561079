"""The insurance fund, and at which price it takes positions over.

**Bankruptcy price.** A position is taken over for what it is worth at the mark, less (long) or plus (short) all
the equity behind it: for an isolated position exactly its margin is gone then, and for a wallet exactly
all it has but isolated margin. Several cross positions share the wallet's equity in proportion to their maintenance
margins. Equity may be negative, when the mark has jumped past that price; then the fund takes the position over
for a price worse than the mark, and that loss is the fund's, visibly. No position has a worth below zero: what
that leaves unpaid the fund pays to the wallet (DeficitCovered).

**The fund** is the house account ``INSURANCE``. It puts no margin aside, pays no fees, and may be negative: there
is no auto-deleveraging. What it has taken over it sells into the composite book as soon as it can, within the band of
market orders, and again whenever the market moves, until nothing is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.core.accounts.ledger import CLEARING, INSURANCE, Ledger
from simulator.core.accounts.positions import Perpetual, Position, Terms
from simulator.core.orders import MarginMode, PositionSide
from simulator.core.units import Lots, Money


class Fund:
    """The insurance fund's positions in one perpetual."""

    __slots__ = ("_clearing", "balance", "long", "short")

    def __init__(self, ledger: Ledger, perpetual: Perpetual, asset: str) -> None:
        self._clearing = ledger.balance(CLEARING, asset)
        self.balance = ledger.balance(INSURANCE, asset)
        terms = Terms(1, MarginMode.CROSS)
        self.long = Position(INSURANCE, PositionSide.LONG, perpetual, terms)
        self.short = Position(INSURANCE, PositionSide.SHORT, perpetual, terms)

    @property
    def positions(self) -> tuple[Position, Position]:
        """Both sides."""
        return self.long, self.short

    def take(self, side: PositionSide, lots: Lots, value: Money) -> None:
        """Take a position over for ``value``."""
        (self.long if side is PositionSide.LONG else self.short).open(lots, value, 0)

    def close(self, position: Position, qty: Lots, value: Money) -> Money:
        """Some of it is gone for ``value``; returns the fund's profit."""
        pnl, _ = position.close(qty, value)
        self.balance.free += pnl
        self._clearing.free -= pnl
        return pnl


def takeover_values(positions: Sequence[Position], equity: Money, fee_rate: int) -> list[Money]:
    """What each of these positions, behind which together stands ``equity``, is worth at its bankruptcy price."""
    needs = [position.maintenance(fee_rate) for position in positions]
    left, total = equity, sum(needs)
    values = []
    for position, need in zip(positions, needs, strict=True):
        share = left * need // total if total else left
        left, total = left - share, total - need
        values.append(max(0, position.value - position.sign * share))
    return values
