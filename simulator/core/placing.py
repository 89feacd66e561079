"""Orders in: trade what can be traded, then rest or cancel what is left.

Nothing here can fail: ``checking.py`` has decided before.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.core.accounts.customers import Customer
from simulator.core.accounts.spot import SpotSeat
from simulator.core.commands import PlaceOrder
from simulator.core.events import HIT_BY_ORDER, TOOK_MIRROR, TOOK_ORDER, Event, OrderAccepted, TradeHappened
from simulator.core.filling import Touched, end, fill, release, report
from simulator.core.market import Market
from simulator.core.matching.match import NO_LIMIT, Match, Outcome, best_offer, foresee, match
from simulator.core.orders import BUY, FOK, GTC, LIMIT_MAKER, CancelReason, Order, Side, Stopped
from simulator.core.state import State
from simulator.core.units import NANOS_PER_MILLI, Lots, Nanos, Ticks


def place(state: State, now: Nanos, command: PlaceOrder) -> list[Event]:
    """Accept an order, trade it, rest or cancel what is left."""
    account, symbol, side, price, qty = command.account, command.symbol, command.side, command.price, command.qty
    market = state.markets[symbol]
    customer = state.customers[account]
    if price is None:
        price = market.pricing.protective_price(side)
    order_id = state.next_id()
    client_order_id = command.client_order_id or made_up_id(state, customer)
    order = Order(order_id, command, account, side, price, client_order_id, now, now, qty or 0)
    state.orders[order_id] = customer.by_client_order_id[client_order_id] = order
    events: list[Event] = [OrderAccepted(order_id, account, symbol, side, price, qty, client_order_id)]
    touched: Touched = {}
    if price is not None:
        trade_or_rest(state, market, order, price, events, touched)
    elif market.matching:
        _trade_market(state, market, order, events, touched)
    else:
        end(order, CancelReason.NO_LIQUIDITY, events)
    if order.cancel_reason is not None or market.mirror.stale:
        _note_what_stopped(market, order)
    market.version += 1
    market.ts = now
    for watcher in market.watchers:
        watcher()
    report(touched, events)
    return events


def trade_or_rest(
    state: State, market: Market, order: Order, price: Ticks, events: list[Event], touched: Touched
) -> None:
    """A limit order comes to the book: it trades what it can, and what is left of it waits or ends."""
    command = order.command
    if command.apart:
        order.waits = True
    elif command.type is not LIMIT_MAKER and market.would_take(order.side, price):
        if market.matching:
            _trade_limit(state, market, order, price, events, touched)
        elif command.tif is GTC:
            order.waits = True
            market.waiting.append(order)
        else:
            _end_at_once(order, events)
    elif command.tif is not GTC:
        _end_at_once(order, events)
    if order.leaves and order.cancel_reason is None:
        seat = market.seats[order.account]
        seat.open_orders += 1
        touched[seat.hold(order, price)] = None
        state.customers[order.account].open_orders[order.id] = order
        if not order.waits:
            market.rest(order, price)


def _end_at_once(order: Order, events: list[Event]) -> None:
    killed = order.tif is FOK
    end(order, CancelReason.FILL_OR_KILL if killed else CancelReason.IMMEDIATE_OR_CANCEL, events)


def _note_what_stopped(market: Market, order: Order) -> None:
    """For explanations; of an order that rests, only a stale mirror is worth a note."""
    side = order.side.opposite
    offer = best_offer(market.book.side(side), market.outside(side))
    order.stopped = Stopped(None if offer is None else abs(offer[0]), market.mirror.stale)


def made_up_id(state: State, customer: Customer) -> str:
    """HashKey real shapes 1.3: the creation milliseconds and three digits."""
    number = state.now // NANOS_PER_MILLI * 1000 + state.last_id % 1000
    while (text := str(number)) in customer.by_client_order_id or text in customer.stops_by_client_order_id:
        number += 1
    return text


def _trade_limit(
    state: State, market: Market, order: Order, price: Ticks, events: list[Event], touched: Touched
) -> None:
    side = order.side
    makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
    limit = price * side.sign
    if order.tif is FOK:
        foreseen, _ = foresee(order, makers, outside, limit, NO_LIMIT)
        if _traded(foreseen) < order.leaves:
            end(order, CancelReason.FILL_OR_KILL, events)
            return
    outcome = match(order, makers, outside, limit, NO_LIMIT)
    _settle(state, market, order, outcome, events, touched)
    if outcome.taker_expired:
        end(order, CancelReason.SELF_TRADE, events)
    elif order.leaves and order.tif is not GTC:
        end(order, CancelReason.IMMEDIATE_OR_CANCEL, events)


def _trade_market(state: State, market: Market, order: Order, events: list[Event], touched: Touched) -> None:
    """HashKey errors and limits 6: a market order never trades beyond its band; the rest is cancelled."""
    side = order.side
    makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
    worst = market.worst_price(side, market.instrument.market_bands)
    budget = _market_budget(market, order)
    want = Want(order.leaves, budget, NO_LIMIT if worst is None else worst * side.sign)
    if order.tif is FOK:
        foreseen, following = foresee(order, makers, outside, want.limit, budget)
        if not _is_done(order, want, foreseen, following):
            end(order, CancelReason.FILL_OR_KILL, events)
            return
    outcome = match(order, makers, outside, want.limit, budget)
    offer = best_offer(makers, outside)
    done = _is_done(order, want, outcome, offer[0] if offer else None)
    if done:
        order.leaves = 0
    _settle(state, market, order, outcome, events, touched)
    if outcome.taker_expired:
        end(order, CancelReason.SELF_TRADE, events)
    elif not done:
        end(order, CancelReason.PRICE_BAND if offer else CancelReason.NO_LIQUIDITY, events)


class Want(NamedTuple):
    """What a market order may trade at most: lots, ticks x lots, and the key it may go to."""

    lots: Lots
    budget: int
    limit: int


def _is_done(order: Order, want: Want, outcome: Outcome, following: int | None) -> bool:
    """Whether a market order got all it asked for; ``following`` is the key of what it would meet next.

    An amount is spent when what is left of it does not pay for one lot more.
    """
    traded = _traded(outcome)
    if order.amount is None or not traded or outcome.taker_expired:
        return traded == want.lots and order.amount is None
    spent = sum(price * qty for _, price, qty in outcome.matches)
    within = following is not None and following <= want.limit
    next_price = abs(following) if within and following is not None else outcome.matches[-1][1]
    return traded == want.lots or want.budget - spent < next_price


def _traded(outcome: Outcome) -> Lots:
    return sum(qty for _, _, qty in outcome.matches)


def _market_budget(market: Market, order: Order) -> int:
    """Ticks x lots that may be traded; money that is not there cannot be spent, whatever happens on the way."""
    seat, instrument = market.seats[order.account], market.instrument
    assert isinstance(seat, SpotSeat), "only spot has market orders without a price of their own"
    if order.amount is None:
        return NO_LIMIT if order.side is not BUY else seat.quote.free // instrument.quote_atoms
    order.leaves = NO_LIMIT if order.side is BUY else seat.base.free // instrument.base_atoms
    return order.amount // instrument.quote_atoms


def _settle(
    state: State,
    market: Market,
    taker: Order,
    outcome: Outcome,
    events: list[Event],
    touched: Touched,
) -> None:
    """Money and events of every match, in order; then of the makers that self-trade prevention expired."""
    left = taker.leaves
    by_amount = taker.amount is not None
    if not by_amount:
        taker.leaves += sum(qty for _, _, qty in outcome.matches)
    for number, found in enumerate(outcome.matches, 1):
        maker, price, qty = found
        trade_id = state.next_id()
        if by_amount:
            taker.leaves = left if number == len(outcome.matches) else NO_LIMIT
        else:
            taker.leaves -= qty
        settle_maker(state, market, found, taker.side, trade_id, events, touched)
        cause = TOOK_MIRROR if maker is None else TOOK_ORDER
        fill(state, market, taker, (taker, price, qty), trade_id, cause, None, events, touched)
        events.append(TradeHappened(taker.symbol, trade_id, state.now, price, qty, taker.side))
        market.last = price
    for order in outcome.expired:
        release(state, market, order, CancelReason.SELF_TRADE, events, touched)


def settle_maker(
    state: State, market: Market, found: Match, side: Side, trade_id: int, events: list[Event], touched: Touched
) -> None:
    """The maker's part of a match with a taker of this side."""
    maker, price, qty = found
    if maker is None:
        market.outside_seat.trade(side.opposite, price, qty)
    else:
        fill(state, market, maker, found, trade_id, HIT_BY_ORDER, None, events, touched)
