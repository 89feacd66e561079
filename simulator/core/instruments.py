"""What is traded: an instrument, its steps and the limits its orders must keep."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import Final

import msgspec

from simulator.core.units import PRICE_ONE, RATE_ONE, Grid, Lots, Money, Price, Ticks, money, rate

UNLIMITED: Final = 2**62


class Tier(msgspec.Struct, frozen=True):
    """A risk tier: positions worth up to ``ceiling`` of quote money need these shares of it as margin."""

    ceiling: str
    initial: str
    maintenance: str


class Contract(msgspec.Struct, frozen=True):
    """What makes an instrument a perpetual.

    One lot is ``multiplier`` of the underlying. ``index`` is the name of its index, which is also the symbol
    of the spot market that the index follows where it is listed here. Tiers are in the order of their ceilings.
    """

    multiplier: str
    margin_asset: str
    index: str
    tiers: tuple[Tier, ...]
    max_stops: int | None = None


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
    contract: Contract | None = None

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
        return price.step * self._lot_atoms // int(10**price.decimals)

    @cached_property
    def _lot_atoms(self) -> Money:
        """The underlying in one lot; on spot that is the base itself."""
        if self.contract is None:
            return self.qty_grid.atoms
        multiplier = Grid(self.contract.multiplier)
        return self.qty_grid.atoms * multiplier.step // int(10**multiplier.decimals)

    @cached_property
    def mark_atoms(self) -> Money:
        """Quote money in one lot at a mark price of 10^-8."""
        return self._lot_atoms // PRICE_ONE

    @cached_property
    def tick_price(self) -> Price:
        """One tick as a mark price."""
        return self.price_grid.step * PRICE_ONE // int(10**self.price_grid.decimals)

    @cached_property
    def tiers(self) -> Tiers:
        """The risk tiers in whole numbers."""
        return Tiers.of(() if self.contract is None else self.contract.tiers)

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
        steps = [self.price_grid, self.qty_grid]
        if self.contract is not None:
            steps.append(Grid(self.contract.multiplier))
        step = 1
        for grid in steps:
            step *= grid.step
        return Grid(f"{step}e-{sum(grid.decimals for grid in steps)}")

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


class Tiers(msgspec.Struct, frozen=True):
    """Risk tiers as whole numbers: ceilings in atoms, highest leverages, rates in 10^-8, smallest ceiling first.

    A position is in the first tier whose ceiling is not below what it is worth, with all of it (HashKey
    REST 8.2 publishes no deduction that would make tiers progressive); beyond the last ceiling it is in
    the last tier.
    """

    ceilings: tuple[Money, ...]
    leverages: tuple[int, ...]
    maintenance: tuple[int, ...]

    @classmethod
    def of(cls, tiers: tuple[Tier, ...]) -> Tiers:
        """Read from their texts."""
        return cls(
            tuple(money(tier.ceiling) for tier in tiers),
            tuple(RATE_ONE // rate(tier.initial) for tier in tiers),
            tuple(rate(tier.maintenance) for tier in tiers),
        )

    def at(self, value: Money) -> int:
        """The number of the tier, from 0, that a position of this worth is in."""
        found = bisect_left(self.ceilings, value)
        return found if found < len(self.ceilings) else found - 1

    def max_leverage(self, value: Money) -> int:
        """The highest leverage that a position of this worth may have."""
        return self.leverages[self.at(value)]


def _or(text: str | None, grid: Grid, default: int) -> int:
    return default if text is None else grid.parse(text)


def _rate(text: str | None) -> int | None:
    return None if text is None else rate(text)
