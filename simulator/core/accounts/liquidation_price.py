"""At which mark price a position would be liquidated, all other marks staying as they are.

Equity and maintenance margin are straight lines in the price, broken where a position comes into another risk
tier. From the present mark the pieces are walked in the direction that hurts (down for a long position, up for a
short one); the first price at which equity is not more than the maintenance margin is the answer. For one isolated
long position within one tier that is (cost - margin) / (size x (1 - maintenance rate - close fee rate)), for
a short one (cost + margin) / (size x (1 + maintenance rate + close fee rate)); HashKey publishes no formula, these
follow from "equity = maintenance margin". In cross mode both sides of the symbol move, and a price may not
exist: None.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.core.accounts.margin import CROSS, Wallet
from simulator.core.accounts.positions import Position
from simulator.core.orders import PositionSide
from simulator.core.units import RATE_ONE, Price


def liquidation_price(wallet: Wallet, position: Position) -> Price | None:
    """The nearest price that ends it, to 10^-8; None: no price does."""
    perpetual, fee_rate = position.perpetual, max(0, wallet.customer.taker_rate)
    mark = perpetual.mark
    if mark is None or not position.lots:
        return None
    if position.terms.mode is CROSS:
        moving = [one for one in wallet.in_mode(CROSS) if one.perpetual is perpetual]
        spare = wallet.cross_equity - wallet.cross_maintenance
    else:
        moving = [position]
        spare = position.equity - position.maintenance(fee_rate)
    # What does not move with the price, in atoms x 10^8: spare = still + slope x price.
    still = spare * RATE_ONE - _slope(moving, mark, fee_rate) * mark
    if position.side is PositionSide.LONG:
        return _down(moving, mark, still, fee_rate)
    return _up(moving, mark, still, fee_rate)


def _slope(moving: Sequence[Position], price: Price, fee_rate: int) -> int:
    """By how many atoms x 10^8 the spare margin grows with the price, in the tiers of this price."""
    slope = 0
    for position in moving:
        unit = position.lots * position.perpetual.mark_atoms
        tiers = position.perpetual.tiers
        slope += unit * (position.sign * RATE_ONE - tiers.maintenance[tiers.at(unit * price)] - fee_rate)
    return slope


def _edges(moving: Sequence[Position]) -> list[Price]:
    """The highest prices of each tier of each position."""
    return sorted(
        ceiling // (position.lots * position.perpetual.mark_atoms)
        for position in moving
        for ceiling in position.perpetual.tiers.ceilings[:-1]
    )


def _down(moving: Sequence[Position], mark: Price, still: int, fee_rate: int) -> Price | None:
    top = mark
    for bottom in [edge for edge in reversed(_edges(moving)) if edge < mark] + [0]:
        slope = _slope(moving, top, fee_rate)
        if still + slope * top <= 0:
            return top
        if slope > 0 and -still // slope > bottom:
            return -still // slope
        top = bottom
    return None


def _up(moving: Sequence[Position], mark: Price, still: int, fee_rate: int) -> Price | None:
    bottom = mark
    for top in [*(edge for edge in _edges(moving) if edge >= mark), None]:
        slope = _slope(moving, bottom, fee_rate)
        if still + slope * bottom <= 0:
            return bottom
        if slope < 0:
            price = -(still // slope)
            if top is None or price <= top:
                return price
        if top is not None:
            bottom = top + 1
    return None
