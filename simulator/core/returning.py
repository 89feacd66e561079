"""The mirror is back: what orders do that came while it was away.

Nobody knows what they would have met on their way in, so they waited. Those that would trade with the first whole
book come in again now, behind everybody who rested before: as takers, at the book's prices and in the order in which
they first came. To fill them at their own prices, as if the market had come to them, would take from a customer what
no exchange would. A post-only order cannot take; it has rested, and the market comes to it.
"""

from __future__ import annotations

from simulator.core.events import Event
from simulator.core.filling import Touched, withdraw
from simulator.core.market import Market
from simulator.core.orders import BUY, LIMIT_MAKER, SELL, Order
from simulator.core.placing import trade_or_rest
from simulator.core.state import State


def withdraw_newcomers(state: State, market: Market, touched: Touched) -> list[Order]:
    """Take out of the book what came while the mirror was stale and would trade now; oldest first, its hold free."""
    since = market.mirror.stale_since
    newcomers = [
        order
        for side in (BUY, SELL)
        for level in market.book.side(side)
        if market.would_take(side, level.price)
        for order in level
        if order.ahead is None and order.created >= since and order.type is not LIMIT_MAKER
    ]
    for order in newcomers:
        withdraw(state, market, order, touched)
    return sorted(newcomers, key=lambda order: order.id)


def let_in(state: State, market: Market, newcomers: list[Order], events: list[Event], touched: Touched) -> None:
    """They come in again."""
    for order in newcomers:
        assert order.price is not None
        trade_or_rest(state, market, order, order.price, events, touched)
