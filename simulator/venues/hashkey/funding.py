"""Funding as the venue tells it (hashkey-rest.md 2.13, 2.14), and what it is before anybody told."""

from __future__ import annotations

from itertools import islice
from typing import Final

from simulator.core.accounts.funding import INTERVAL
from simulator.core.commands import SetFunding
from simulator.core.units import Nanos, funding_rate, funding_rate_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Call, Desk, encode
from simulator.venues.hashkey.orders import millis

USUAL_RATE: Final = "0.0001"
"""HashKey REST 2.15, "Funding mechanics": the interest part, which is all there is while no premium is known."""
HISTORY_DEFAULT, HISTORY_MOST = 20, 100


def first_funding(symbol: str, now: Nanos) -> SetFunding:
    """Until a rate is told: the usual one, at the next 00:00, 08:00 or 16:00 UTC."""
    return SetFunding(symbol, funding_rate(USUAL_RATE), now - now % INTERVAL + INTERVAL)


def rates(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/fundingRate: of the coming settlements; signed or not (HashKey REST 2.13)."""
    read.required_whole(call.params, "timestamp")
    symbol = call.params.get("symbol")
    chosen = [desk.contract(symbol)] if symbol else desk.state.perpetuals.values()
    return encode(
        [
            {
                "symbol": one.symbol,
                "rate": funding_rate_text(funding.rate),
                "nextSettleTime": millis(funding.settle_time),
            }
            for one in chosen
            if (funding := one.perpetual.funding) is not None
        ]
    )


def history(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/historyFundingRate: settlements that happened here, newest first (HashKey REST 2.14).

    ``fromId`` and ``endId`` are taken as bounds that the ids must lie between; the page does not say more.
    """
    symbol = desk.contract(read.required(call.params, "symbol")).symbol
    above, below = read.whole(call.params, "fromId"), read.whole(call.params, "endId") or None
    most = read.limit(call.params, HISTORY_DEFAULT, HISTORY_MOST)
    found = (
        row
        for row in reversed(_rows(desk, symbol))
        if (above is None or int(row["id"]) > above) and (below is None or int(row["id"]) < below)
    )
    return encode(list(islice(found, most)))


def _rows(desk: Desk, symbol: str) -> list[dict[str, str]]:
    """Ids count over all perpetuals: one row for each at each settlement (real shapes 1.3)."""
    symbols = list(desk.state.perpetuals)
    place, step = symbols.index(symbol) + 1, len(symbols)
    return [
        {
            "id": str(number * step + place),
            "symbol": symbol,
            "settleTime": millis(one.settle_time),
            "settleRate": funding_rate_text(one.rate),
        }
        for number, one in enumerate(desk.history.settlements.get(symbol, ()))
    ]
