"""Positions: how many contracts, what they cost, what stands behind them, what they have earned.

**Exact money.** A position keeps what its lots cost (``cost``), not a price: the entry price is cost / lots
and may have no end of decimals. When some of the lots are closed, their part of the cost and of the margin is
cut to whole atoms and *subtracted*; so what a position realised over its life is, to the last atom, what
it was sold for less what it was bought for.

**Margin** is put aside when lots are opened (``accounts/perpetual.py``) and given back in proportion when
they are closed; a move of the price does not change it (HashKey REST 4.10).
"""

from __future__ import annotations

from simulator.core.accounts.funding import Funding
from simulator.core.commands import Exit
from simulator.core.events import PositionChanged
from simulator.core.instruments import Instrument
from simulator.core.orders import BUY, MarginMode, PositionSide, Side
from simulator.core.units import RATE_ONE, Lots, Money, Price, Ticks


class Perpetual:
    """One perpetual as those who hold it see it: what a contract is worth, and what funding is due.

    ``told_mark`` / ``told_index``: the venue told it (SetMarkPrice), so it is not computed. ``lot_value`` is
    what one lot is worth at the mark.
    """

    __slots__ = (
        "funding",
        "index",
        "instrument",
        "lot_value",
        "mark",
        "mark_atoms",
        "symbol",
        "tick",
        "tiers",
        "told_index",
        "told_mark",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.tick = instrument.tick_price
        self.mark_atoms = instrument.mark_atoms
        self.tiers = instrument.tiers
        self.lot_value: Money | None = None
        self.mark: Price | None = None
        self.index: Price | None = None
        self.told_mark = self.told_index = False
        self.funding: Funding | None = None

    def become(self, mark: Price | None, index: Price | None) -> None:
        """Another mark price, another index."""
        self.mark, self.index = mark, index
        self.lot_value = None if mark is None else mark * self.mark_atoms

    def allows(self, side: Side, price: Ticks) -> bool:
        """Whether a limit price lies within the band around the mark; without a mark there is no band."""
        bands, mark = self.instrument.limit_bands, self.mark
        if mark is None:
            return True
        if side is BUY:
            return bands.up is None or price * self.tick * RATE_ONE <= mark * (RATE_ONE + bands.up)
        return bands.down is None or price * self.tick * RATE_ONE >= mark * (RATE_ONE - bands.down)

    def protective_price(self, side: Side) -> Ticks | None:
        """What a market order may pay at most, to the nearest tick; None: nothing to measure it from.

        HashKey REST 4.1: 2561.75 = 2463.22 x 1.04 (2561.7488) at a tick of 0.01, so rounded and not cut.
        """
        bands, mark = self.instrument.market_bands, self.mark
        if mark is None or bands.up is None or bands.down is None:
            return None
        share = RATE_ONE + (bands.up if side is BUY else -bands.down)
        unit = RATE_ONE * self.tick
        return max(1, (2 * mark * share + unit) // (2 * unit))


class Terms:
    """What an account has chosen for one perpetual."""

    __slots__ = ("leverage", "mode")

    def __init__(self, leverage: int, mode: MarginMode) -> None:
        self.leverage = leverage
        self.mode = mode


class Position:
    """One side of one account in one perpetual. ``closing`` lots are spoken for by open closing orders.

    ``realised``: profit of closed lots and funding, less all fees (HashKey REST 4.10: it starts at minus the
    opening fee). It belongs to one life of the position and starts again at the next opening.
    """

    __slots__ = (
        "account",
        "closing",
        "cost",
        "lots",
        "margin",
        "perpetual",
        "realised",
        "side",
        "sign",
        "stop_loss",
        "take_profit",
        "terms",
        "warned",
    )

    def __init__(self, account: str, side: PositionSide, perpetual: Perpetual, terms: Terms) -> None:
        self.account = account
        self.side = side
        self.sign = side.sign
        self.perpetual = perpetual
        self.terms = terms
        self.lots: Lots = 0
        self.cost: Money = 0
        self.margin: Money = 0
        self.realised: Money = 0
        self.closing: Lots = 0
        self.take_profit: Exit | None = None
        self.stop_loss: Exit | None = None
        self.warned = False

    @property
    def available(self) -> Lots:
        """Lots that a new closing order may close."""
        return self.lots - self.closing

    @property
    def value(self) -> Money:
        """What its lots are worth at the mark price; what they cost, while there is none."""
        lot_value = self.perpetual.lot_value
        return self.cost if lot_value is None else lot_value * self.lots

    @property
    def unrealised(self) -> Money:
        """Profit, if it were closed at the mark price."""
        return (self.value - self.cost) * self.sign

    @property
    def equity(self) -> Money:
        """What an isolated position has: its margin and its unrealised profit."""
        return self.margin + (self.value - self.cost) * self.sign

    def maintenance(self, fee_rate: int) -> Money:
        """The maintenance margin: the tier's share of its value, and the fee of closing it.

        HashKey REST 4.10: the venue's own formula is unknown; mark value x rate + close fee fits best.
        """
        value, tiers = self.value, self.perpetual.tiers
        return value * (tiers.maintenance[tiers.at(value)] + max(0, fee_rate)) // RATE_ONE

    def open(self, lots: Lots, cost: Money, margin: Money) -> None:
        """More of it."""
        if not self.lots:
            self.realised = 0
        self.lots += lots
        self.cost += cost
        self.margin += margin

    def close(self, lots: Lots, value: Money) -> tuple[Money, Money]:
        """Less of it, for ``value``; returns the profit and the margin that is given back."""
        cost, margin = self.cost * lots // self.lots, self.margin * lots // self.lots
        self.lots -= lots
        self.cost -= cost
        self.margin -= margin
        pnl = (value - cost) * self.sign
        self.realised += pnl
        if not self.lots:
            self.warned = False
        return pnl, margin

    def changed(self) -> PositionChanged:
        """What it is now."""
        return PositionChanged(
            self.account,
            self.perpetual.symbol,
            self.side,
            self.lots,
            self.cost,
            self.margin,
            self.realised,
            self.closing,
        )

    def check(self) -> None:
        """Assert every invariant; for tests."""
        assert self.lots >= 0 and 0 <= self.closing <= self.lots
        assert self.margin >= 0, "negative margin"
        if not self.lots:
            assert not self.cost and not self.margin
            assert self.take_profit is None and self.stop_loss is None, "exits of nothing"
