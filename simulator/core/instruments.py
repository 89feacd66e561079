"""What is traded: an instrument, its steps and the limits its orders must keep."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec

from simulator.core.units import RATE_ONE, Grid, Lots, Money, Ticks, rate

UNLIMITED: Final = 2**62


class Instrument(msgspec.Struct, frozen=True, dict=True):
    """A tradable symbol. Steps and limits are decimal texts as a venue publishes them; None = no limit.

    ``price_band_up`` / ``price_band_down`` limit how far beyond the reference price a limit buy may
    bid and a limit sell may ask; the ``market_`` twins bound what a market order may pay.
    """

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    min_qty: str
    max_qty: str
    market_min_qty: str | None = None
    market_max_qty: str | None = None
    min_notional: str | None = None
    max_notional: str | None = None
    market_min_notional: str | None = None
    market_max_notional: str | None = None
    price_band_up: str | None = None
    price_band_down: str | None = None
    market_band_up: str | None = None
    market_band_down: str | None = None
    max_open_orders: int | None = None
    trading: bool = True

    @cached_property
    def price_grid(self) -> Grid:
        """Text to ticks and back."""
        return Grid(self.tick)

    @cached_property
    def qty_grid(self) -> Grid:
        """Text to lots and back."""
        return Grid(self.lot)

    @cached_property
    def base_atoms(self) -> Money:
        """Base money in one lot."""
        return self.qty_grid.atoms

    @cached_property
    def quote_atoms(self) -> Money:
        """Quote money in one tick x lot; exact, because both steps have few decimals."""
        price = self.price_grid
        return price.step * self.qty_grid.atoms // int(10**price.decimals)

    @cached_property
    def base_fee_atoms(self) -> Money:
        """Base fee of one lot at a rate of 10^-8."""
        return self.base_atoms // RATE_ONE

    @cached_property
    def quote_fee_atoms(self) -> Money:
        """Quote fee of one tick x lot at a rate of 10^-8."""
        return self.quote_atoms // RATE_ONE

    @cached_property
    def notional_grid(self) -> Grid:
        """Quote amounts in whole ticks x lots."""
        decimals = self.price_grid.decimals + self.qty_grid.decimals
        step = self.price_grid.step * self.qty_grid.step
        return Grid(f"{step}e-{decimals}")

    def lots(self, text: str | None) -> Lots | None:
        """A published quantity limit in lots."""
        return None if text is None else self.qty_grid.parse(text)

    @cached_property
    def limits(self) -> Limits:
        """The filters in whole numbers, ready for comparison."""
        qty, notional = self.qty_grid, self.notional_grid
        return Limits(
            min_qty=max(1, qty.parse(self.min_qty)),
            max_qty=qty.parse(self.max_qty),
            market_min_qty=max(1, qty.parse(self.market_min_qty or self.min_qty)),
            market_max_qty=qty.parse(self.market_max_qty or self.max_qty),
            min_notional=max(1, _or(self.min_notional, notional, 1)),
            max_notional=_or(self.max_notional, notional, UNLIMITED),
            market_min_notional=_or(self.market_min_notional, notional, 0),
            market_max_notional=_or(self.market_max_notional, notional, UNLIMITED),
            max_open_orders=UNLIMITED if self.max_open_orders is None else self.max_open_orders,
        )

    @cached_property
    def limit_bands(self) -> Bands:
        """How far limit prices may lie beyond the reference price."""
        return Bands(_rate(self.price_band_up), _rate(self.price_band_down))

    @cached_property
    def market_bands(self) -> Bands:
        """How far a market order may trade beyond the reference price."""
        return Bands(_rate(self.market_band_up), _rate(self.market_band_down))


class Limits(msgspec.Struct, frozen=True):
    """Quantities in lots, notionals in ticks x lots. The least is at least 1, so nothing of size 0 passes."""

    min_qty: Lots
    max_qty: Lots
    market_min_qty: Lots
    market_max_qty: Lots
    min_notional: int
    max_notional: int
    market_min_notional: int
    market_max_notional: int
    max_open_orders: int


class Bands(msgspec.Struct, frozen=True):
    """Rates in 10^-8 above and below a reference price; None leaves that side open."""

    up: int | None
    down: int | None

    def highest_bid(self, reference: Ticks) -> Ticks | None:
        """The highest price a buyer may pay."""
        return None if self.up is None else reference * (RATE_ONE + self.up) // RATE_ONE

    def lowest_ask(self, reference: Ticks) -> Ticks | None:
        """The lowest price a seller may take."""
        return None if self.down is None else -(-reference * (RATE_ONE - self.down) // RATE_ONE)


def _or(text: str | None, grid: Grid, default: int) -> int:
    return default if text is None else grid.parse(text)


def _rate(text: str | None) -> int | None:
    return None if text is None else rate(text)
