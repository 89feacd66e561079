"""Matching that is paused: orders come in and go out, and nothing trades.

What would trade at once waits outside the book; what would not rests in it as ever; what cannot wait
(immediate-or-cancel, fill-or-kill, market orders) ends unfilled. What the outside market trades meanwhile fills
nobody. When matching goes on, resting orders that its book has crossed fill first, then those that waited come in,
the oldest first, as if they had been placed at that moment. Liquidations are the exchange's own and go on.
"""

from __future__ import annotations

from simulator.core.commands import SetMatching
from simulator.core.events import Event, MatchingSet
from simulator.core.filling import Touched, report, withdraw
from simulator.core.observing import fill_crossed
from simulator.core.orders import BUY, SELL
from simulator.core.placing import trade_or_rest
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos


def check_matching(state: State, command: SetMatching) -> RejectReason | None:
    """The market must exist."""
    return None if command.symbol in state.markets else RejectReason.UNKNOWN_SYMBOL


def set_matching(state: State, now: Nanos, command: SetMatching) -> list[Event]:
    """Pause it or let it go on."""
    market = state.markets[command.symbol]
    goes_on = command.matching and not market.matching
    market.matching = command.matching
    events: list[Event] = [MatchingSet(command.symbol, command.matching)]
    if not goes_on:
        return events
    touched: Touched = {}
    if not market.mirror.stale:
        for side in (BUY, SELL):
            fill_crossed(state, market, side, market.mirror.ts, events, touched)
    waiting, market.waiting = market.waiting, []
    for order in waiting:
        if order.is_open:
            assert order.price is not None
            withdraw(state, market, order, touched)
            order.waits = False
            trade_or_rest(state, market, order, order.price, events, touched)
    market.changed(now)
    report(touched, events)
    return events
