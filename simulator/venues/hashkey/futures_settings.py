"""What an account chooses and what it is charged in a perpetual (hashkey-rest.md 4.11 to 4.13, 4.17 to 4.20)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from simulator.core.commands import SetLeverage, SetMarginMode
from simulator.core.orders import MarginMode, Side
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.units import rate_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.books import top
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.futures import account_of, refuse

MODES: Final = {mode.value: mode for mode in MarginMode}


def _listed(desk: Desk, call: Call) -> PerpetualMarket:
    return desk.contract(read.required(call.params, "symbol"))


def leverage(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/leverage: an array (HashKey REST 4.11)."""
    listed = _listed(desk, call)
    seat = listed.seat(account_of(call))
    return encode([{"symbolId": listed.symbol, "leverage": str(seat.leverage), "marginType": seat.mode.name}])


def set_leverage(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/leverage (HashKey REST 4.12)."""
    symbol, chosen = _listed(desk, call).symbol, read.required_whole(call.params, "leverage")

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        return encode({"code": "0000", "symbolId": symbol, "leverage": str(chosen)})

    return Ask((SetLeverage(account_of(call), symbol, chosen),), render)


def set_margin_type(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/marginType (HashKey REST 4.13: the reply is inferred)."""
    symbol = _listed(desk, call).symbol
    name = read.required(call.params, "marginType")
    mode = MODES.get(name)
    if mode is None:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "marginType")

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        return encode({"code": "0000", "symbolId": symbol, "marginType": name})

    return Ask((SetMarginMode(account_of(call), symbol, mode),), render)


def commission_rate(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/commissionRate: opening and closing cost the same (HashKey REST 4.17)."""
    _listed(desk, call)
    customer = desk.state.customers[account_of(call)]
    maker, taker = rate_text(customer.maker_rate), rate_text(customer.taker_rate)
    return encode({"openMakerFee": maker, "openTakerFee": taker, "closeMakerFee": maker, "closeTakerFee": taker})


def risk_limit(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/riskLimit: the tier that each side is in, in the sibling's shape (HashKey REST 4.18)."""
    listed = _listed(desk, call)
    seat = listed.seat(account_of(call))
    tiers = sorted(desk.catalogue.rows[listed.symbol]["riskLimits"], key=lambda one: Decimal(one["quantity"]))
    return encode([_tier_row(tiers[listed.perpetual.tiers.at(seat.exposure(side))], side) for side in Side])


def _tier_row(tier: dict[str, Any], side: Side) -> dict[str, str]:
    return {
        "riskLimitId": tier["riskLimitId"],
        "riskLimitAmount": tier["quantity"],
        "maintainMargin": tier["maintMargin"],
        "initialMargin": tier["initialMargin"],
        "side": f"{side.name}_OPEN",
    }


def best_order(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/getBestOrder, in the ancestor's shape (HashKey REST 4.19)."""
    market = _listed(desk, call).market
    grids = market.instrument
    last = "0" if market.last is None else grids.price_grid.text(market.last)
    best = {}
    for side, name in ((Side.BUY, "bid"), (Side.SELL, "ask")):
        level = top(market, side, 1)
        price, size = (grids.price_grid.text(level[0][0]), grids.qty_grid.text(level[0][1])) if level else ("0", "0")
        best[name] = {"price": price, "quantity": size}
    return encode({"price": last} | best)


def liquidation_assign_status(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/liquidationAssignStatus: nobody is deleveraged here (HashKey REST 4.20)."""
    return b"[]"
