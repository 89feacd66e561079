"""The words for why something happened to an order."""

from __future__ import annotations

from typing import Final

from simulator.core.events import FillCause, OrderFilled
from simulator.core.instruments import Instrument
from simulator.core.orders import CancelReason
from simulator.core.rejections import RejectReason
from simulator.core.units import Lots

FROM_OUTSIDE: Final = frozenset(
    {FillCause.TOOK_MIRROR, FillCause.TRADED_AT, FillCause.TRADED_THROUGH, FillCause.CROSSED, FillCause.FORCED}
)
"""Causes of which the outside market was the other side."""

ENDS: Final = {
    CancelReason.USER: "cancelled by its owner",
    CancelReason.IMMEDIATE_OR_CANCEL: "immediate-or-cancel: nothing more could be taken at its limit",
    CancelReason.FILL_OR_KILL: "fill-or-kill: the book did not hold all of it",
    CancelReason.NO_LIQUIDITY: "the other side of the book was empty",
    CancelReason.PRICE_BAND: "the next offer lay beyond the price band of market orders",
    CancelReason.SELF_TRADE: "self-trade prevention: it would have met an order of the same account",
    CancelReason.LIQUIDATION: "cancelled because the margin of its wallet was used up",
}
STALE: Final = "the mirror of the market is stale; nothing fills from it"
APART: Final = "its client order id asked for its own fate: it stands apart from the book, nothing there fills it"
PAUSED: Final = "matching of the symbol is paused: nothing trades"
WAS_STALE: Final = "the mirror of the market was stale when it came; nothing of it could be taken"


def said_reason(reason: RejectReason) -> str:
    """A reason in words."""
    return reason.name.lower().replace("_", " ")


def why_filled(instrument: Instrument, fill: OrderFilled, other: OrderFilled | None) -> str:
    """One sentence on one fill; ``other`` is the part of another account in the same trade."""
    qty = instrument.qty_grid.text(fill.qty)
    message = f" ({fill.message})" if fill.message else ""
    against = "the insurance fund" if other is None else f"order {other.order_id} of {other.account}"
    words = {
        FillCause.TOOK_MIRROR: f"it took {qty} from the market's book{message}",
        FillCause.TOOK_ORDER: f"it took {qty} from {against}",
        FillCause.HIT_BY_ORDER: f"{against} traded {qty} against it",
        FillCause.TRADED_AT: f"the market traded at its price{message}: {_queue(instrument, fill)}, {qty} came to it",
        FillCause.TRADED_THROUGH: f"the market traded through its price{message}: {qty} came to it",
        FillCause.CROSSED: f"the market's book came to or through its price{message} with {qty} for it",
        FillCause.FORCED: f"its client order id asked for its own fate: {qty} were filled at its price",
    }
    return words[fill.cause]


def _queue(instrument: Instrument, fill: OrderFilled) -> str:
    def text(lots: Lots | None) -> str:
        return "an unknown number" if lots is None else instrument.qty_grid.text(lots)

    if not fill.ahead:
        return "nothing of the market stood before it"
    return f"of the {text(fill.ahead)} that stood before it when it came {text(fill.ahead_then)} were left"
