"""Orders in and out: the checks before, the trading, and what becomes of the rest.

*Check, then apply.* ``check_place`` decides from what is there; ``place`` changes and cannot fail.
HashKey errors and limits 2.2 gives the order of checks: symbol, filters, balance, matching rules.
"""

from __future__ import annotations

from typing import NamedTuple

from simulator.core.accounts.ledger import Balance
from simulator.core.accounts.spot import SpotSeat
from simulator.core.commands import CancelOpenOrders, CancelOrder, PlaceOrder
from simulator.core.events import (
    BalanceChanged,
    Event,
    FillCause,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    TradeHappened,
)
from simulator.core.instruments import Limits
from simulator.core.market import Market
from simulator.core.matching.match import NO_LIMIT, Match, Outcome, best_offer, foresee, match
from simulator.core.orders import CancelReason, Order, OrderStatus, OrderType, Side, TimeInForce
from simulator.core.rejections import RejectReason
from simulator.core.state import Customer, State
from simulator.core.units import Lots, Nanos, Ticks

BUY, LIMIT, MARKET, LIMIT_MAKER = Side.BUY, OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK


def check_place(state: State, command: PlaceOrder) -> RejectReason | None:
    """Why an order cannot be accepted, or None."""
    market = state.markets.get(command.symbol)
    if market is None:
        return RejectReason.UNKNOWN_SYMBOL
    customer = state.customers.get(command.account)
    if customer is None:
        return RejectReason.UNKNOWN_ACCOUNT
    if not market.trading:
        return RejectReason.SYMBOL_NOT_TRADING
    if command.client_order_id in customer.by_client_order_id:
        return RejectReason.DUPLICATE_CLIENT_ORDER_ID
    if command.type is MARKET:
        return _check_market(market, command)
    return _check_limit(market, customer, command)


def _check_limit(market: Market, customer: Customer, command: PlaceOrder) -> RejectReason | None:
    price, qty, side, limits = command.price, command.qty, command.side, market.limits
    if price is None:
        return RejectReason.PRICE_MISSING
    if qty is None or command.amount is not None:
        return RejectReason.SIZE_AMBIGUOUS
    reason = _check_filters(limits, price, qty)
    if reason is not None:
        return reason
    if not _within_band(market, side, price):
        return RejectReason.BUY_PRICE_TOO_HIGH if side is BUY else RejectReason.SELL_PRICE_TOO_LOW
    if customer.open_per_symbol.get(command.symbol, 0) >= limits.max_open_orders:
        return RejectReason.TOO_MANY_OPEN_ORDERS
    if market.terms.hold(side, price, qty) > market.seat(command.account).pays(side).free:
        return RejectReason.INSUFFICIENT_BALANCE
    if command.type is LIMIT_MAKER:
        if command.tif is not GTC:
            return RejectReason.UNSUPPORTED_COMBINATION
        if market.would_take(side, price):
            return RejectReason.WOULD_TAKE
    return None


def _check_filters(limits: Limits, price: Ticks, qty: Lots) -> RejectReason | None:
    if price <= 0:
        return RejectReason.PRICE_NOT_POSITIVE
    if qty < limits.min_qty or qty <= 0:
        return RejectReason.QTY_TOO_SMALL
    if qty > limits.max_qty:
        return RejectReason.QTY_TOO_LARGE
    notional = price * qty
    if notional < limits.min_notional:
        return RejectReason.NOTIONAL_TOO_SMALL
    return RejectReason.NOTIONAL_TOO_LARGE if notional > limits.max_notional else None


def _within_band(market: Market, side: Side, price: Ticks) -> bool:
    """Only the side that is bad for the trader is limited (HashKey errors and limits 6)."""
    bands = market.instrument.limit_bands
    if side is BUY:
        if bands.up is None:
            return True
        worst = market.worst_price(side, bands)
        return worst is None or price <= worst
    if bands.down is None:
        return True
    worst = market.worst_price(side, bands)
    return worst is None or price >= worst


def _check_market(market: Market, command: PlaceOrder) -> RejectReason | None:
    limits = market.limits
    if (command.qty is None) == (command.amount is None):
        return RejectReason.SIZE_AMBIGUOUS
    if command.price is not None or command.tif is GTC:
        return RejectReason.UNSUPPORTED_COMBINATION
    if command.amount is not None:
        notional, rest = divmod(command.amount, market.instrument.quote_atoms)
        if rest:
            return RejectReason.AMOUNT_TOO_PRECISE
    elif command.qty is not None:
        if command.qty < limits.market_min_qty or command.qty <= 0:
            return RejectReason.QTY_TOO_SMALL
        if command.qty > limits.market_max_qty:
            return RejectReason.QTY_TOO_LARGE
        notional = command.qty * (market.reference() or 0)
        if not notional:
            return _check_funds(market, command)
    if notional < limits.market_min_notional or notional <= 0:
        return RejectReason.NOTIONAL_TOO_SMALL
    if notional > limits.market_max_notional:
        return RejectReason.NOTIONAL_TOO_LARGE
    return _check_funds(market, command)


def _check_funds(market: Market, command: PlaceOrder) -> RejectReason | None:
    """A market order pays at once, so what it would pay now is what it must have."""
    free = market.seat(command.account).pays(command.side).free
    if command.side is BUY:
        needed = command.amount if command.amount is not None else _price_of(market, command)
    else:
        needed = market.terms.hold(command.side, 0, command.qty or _lots_for(market, command))
    return RejectReason.INSUFFICIENT_BALANCE if needed > free else None


def _price_of(market: Market, command: PlaceOrder) -> int:
    """Quote money that a market buy of ``qty`` would cost against the book as it is."""
    return market.terms.cost(sum(price * qty for price, qty in _walk(market, command, command.qty or 0)))


def _lots_for(market: Market, command: PlaceOrder) -> Lots:
    """Lots that a market sell for a quote amount would give against the book as it is."""
    budget = (command.amount or 0) // market.instrument.quote_atoms
    sold = 0
    for price, size in market.levels(BUY):
        qty = min(size, budget // price)
        sold += qty
        budget -= qty * price
        if qty < size:
            break
    return sold


def _walk(market: Market, command: PlaceOrder, wanted: Lots) -> list[tuple[Ticks, Lots]]:
    walked = []
    for price, size in market.levels(command.side.opposite):
        if not wanted:
            break
        qty = min(size, wanted)
        wanted -= qty
        walked.append((price, qty))
    return walked


def place(state: State, now: Nanos, command: PlaceOrder) -> list[Event]:
    """Accept an order, trade it, rest or cancel what is left."""
    market = state.markets[command.symbol]
    customer = state.customers[command.account]
    order = _accept(state, now, customer, command)
    events: list[Event] = [
        OrderAccepted(order.id, order.account, order.symbol, order.side, order.price, order.qty, order.client_order_id)
    ]
    touched: dict[Balance, None] = {}
    seat = market.seat(order.account)
    price = order.price
    if price is None:
        _trade_market(state, market, order, events, touched)
    elif order.type is not LIMIT_MAKER and market.would_take(order.side, price):
        _trade_limit(state, market, order, price, events, touched)
    elif order.tif is not GTC:
        _cancel_rest(order, CancelReason.FILL_OR_KILL if order.tif is FOK else CancelReason.IMMEDIATE_OR_CANCEL, events)
    if order.leaves and price is not None and order.status in _ALIVE:
        _rest(market, customer, seat, order, price, touched)
    market.changed(now)
    for balance in touched:
        events.append(BalanceChanged(balance.account, balance.asset, balance.free, balance.held))
    return events


_ALIVE = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


def _accept(state: State, now: Nanos, customer: Customer, command: PlaceOrder) -> Order:
    order = Order(
        state.next_id(),
        command.account,
        command.symbol,
        command.side,
        command.type,
        command.tif,
        command.price,
        command.qty,
        command.amount,
        command.client_order_id or _made_up_id(state, customer),
        command.stp,
        command.broker,
        now,
    )
    state.orders[order.id] = order
    customer.by_client_order_id[order.client_order_id] = order
    return order


def _made_up_id(state: State, customer: Customer) -> str:
    """HashKey real shapes 1.3: the creation milliseconds and three digits."""
    number = state.now // 1_000_000 * 1000 + state.last_id % 1000
    while str(number) in customer.by_client_order_id:
        number += 1
    return str(number)


def _rest(
    market: Market, customer: Customer, seat: SpotSeat, order: Order, price: Ticks, touched: dict[Balance, None]
) -> None:
    balance = seat.pays(order.side)
    balance.hold(market.terms.hold(order.side, price, order.leaves))
    touched[balance] = None
    market.rest(order, price)
    customer.open_orders[order.id] = order
    symbol = order.symbol
    customer.open_per_symbol[symbol] = customer.open_per_symbol.get(symbol, 0) + 1


def _trade_limit(
    state: State, market: Market, order: Order, price: Ticks, events: list[Event], touched: dict[Balance, None]
) -> None:
    side = order.side
    makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
    limit = price * side.sign
    if order.tif is FOK:
        foreseen, _ = foresee(order, makers, outside, limit, NO_LIMIT)
        if _traded(foreseen) < order.leaves:
            _cancel_rest(order, CancelReason.FILL_OR_KILL, events)
            return
    outcome = match(order, makers, outside, limit, NO_LIMIT)
    _settle(state, market, order, outcome, events, touched)
    if outcome.taker_expired:
        _cancel_rest(order, CancelReason.SELF_TRADE, events)
    elif order.leaves and order.tif is not GTC:
        _cancel_rest(order, CancelReason.IMMEDIATE_OR_CANCEL, events)


def _trade_market(
    state: State, market: Market, order: Order, events: list[Event], touched: dict[Balance, None]
) -> None:
    """HashKey errors and limits 6: a market order never trades beyond its band; the rest is cancelled."""
    side = order.side
    makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
    worst = market.worst_price(side, market.instrument.market_bands)
    budget = _market_budget(market, order)
    want = Want(order.leaves, budget, NO_LIMIT if worst is None else worst * side.sign)
    if order.tif is FOK:
        foreseen, following = foresee(order, makers, outside, want.limit, budget)
        if not _is_done(order, want, foreseen, following):
            _cancel_rest(order, CancelReason.FILL_OR_KILL, events)
            return
    outcome = match(order, makers, outside, want.limit, budget)
    offer = best_offer(makers, outside)
    done = _is_done(order, want, outcome, offer[0] if offer else None)
    if done:
        order.leaves = 0
    _settle(state, market, order, outcome, events, touched)
    if outcome.taker_expired:
        _cancel_rest(order, CancelReason.SELF_TRADE, events)
    elif not done:
        _cancel_rest(order, CancelReason.PRICE_BAND if offer else CancelReason.NO_LIQUIDITY, events)


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
    seat, instrument = market.seat(order.account), market.instrument
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
    touched: dict[Balance, None],
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
        if maker is None:
            market.terms.settle_outside(taker.side.opposite, price, qty)
        else:
            fill(state, market, maker, found, trade_id, FillCause.HIT_BY_ORDER, None, events, touched)
        cause = FillCause.TOOK_MIRROR if maker is None else FillCause.TOOK_ORDER
        fill(state, market, taker, (taker, price, qty), trade_id, cause, None, events, touched)
        events.append(TradeHappened(taker.symbol, trade_id, state.now, price, qty, taker.side))
        market.last = price
    for order in outcome.expired:
        release(state, market, order, CancelReason.SELF_TRADE, events, touched)


def fill(
    state: State,
    market: Market,
    order: Order,
    found: Match,
    trade_id: int,
    cause: FillCause,
    trigger: Nanos | None,
    events: list[Event],
    touched: dict[Balance, None],
) -> None:
    """One order's part of a trade: its money, its status, its event. ``leaves`` is already what is left."""
    _, price, qty = found
    customer = state.customers[order.account]
    seat = market.seat(order.account)
    maker = cause not in _TAKER_CAUSES
    rate = customer.maker_rate if maker else customer.taker_rate
    fee = market.terms.settle(seat, order.side, price, qty, rate, held=maker)
    touched[seat.base] = touched[seat.quote] = None
    order.filled += qty
    order.notional += price * qty
    order.updated = state.now
    if order.leaves:
        order.status = OrderStatus.PARTIALLY_FILLED
    else:
        order.status = OrderStatus.FILLED
        if maker:
            _forget_open(customer, order)
    events.append(
        OrderFilled(
            order.id,
            order.account,
            order.symbol,
            trade_id,
            state.next_id(),
            price,
            qty,
            order.filled,
            0 if order.qty is None else order.leaves,
            order.notional,
            order.status,
            fee,
            market.instrument.base if order.side is BUY else market.instrument.quote,
            maker,
            cause,
            order.joined_behind if maker else None,
            trigger,
        )
    )


_TAKER_CAUSES = frozenset({FillCause.TOOK_MIRROR, FillCause.TOOK_ORDER})


def _cancel_rest(order: Order, reason: CancelReason, events: list[Event]) -> None:
    """End an order that is not in the book."""
    order.status = OrderStatus.PARTIALLY_CANCELED if order.filled else OrderStatus.CANCELED
    order.cancel_reason = reason
    leaves = 0 if order.qty is None else order.leaves
    events.append(OrderCanceled(order.id, order.account, order.symbol, order.status, leaves, reason))


def _forget_open(customer: Customer, order: Order) -> None:
    del customer.open_orders[order.id]
    customer.open_per_symbol[order.symbol] -= 1


def release(
    state: State,
    market: Market,
    order: Order,
    reason: CancelReason,
    events: list[Event],
    touched: dict[Balance, None],
) -> None:
    """End an order that rested: out of the book, its hold free again."""
    assert order.price is not None
    if order.level is not None:
        market.book.side(order.side).remove(order)
    balance = market.seat(order.account).pays(order.side)
    balance.release(market.terms.hold(order.side, order.price, order.leaves))
    touched[balance] = None
    _forget_open(state.customers[order.account], order)
    order.updated = state.now
    _cancel_rest(order, reason, events)


def find(state: State, command: CancelOrder) -> Order | None:
    """The order a customer means, if it is his."""
    if command.order_id is not None:
        order = state.orders.get(command.order_id)
        return order if order is not None and order.account == command.account else None
    customer = state.customers.get(command.account)
    return None if customer is None else customer.by_client_order_id.get(command.client_order_id or "")


def check_cancel(state: State, command: CancelOrder) -> RejectReason | None:
    """Only an open order of the same account can be cancelled."""
    order = find(state, command)
    if order is None:
        return RejectReason.UNKNOWN_ORDER
    if order.status is OrderStatus.FILLED:
        return RejectReason.ORDER_ALREADY_FILLED
    return None if order.level is not None else RejectReason.ORDER_ALREADY_CANCELED


def cancel(state: State, now: Nanos, command: CancelOrder) -> list[Event]:
    """Take an order out of the book."""
    order = find(state, command)
    assert order is not None
    return _cancel_all(state, now, [order])


def check_cancel_open(state: State, command: CancelOpenOrders) -> RejectReason | None:
    """The account and the symbol must exist; nothing to cancel is fine."""
    if command.account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    if command.symbol is not None and command.symbol not in state.markets:
        return RejectReason.UNKNOWN_SYMBOL
    return None


def cancel_open(state: State, now: Nanos, command: CancelOpenOrders) -> list[Event]:
    """Take many orders out, newest first."""
    chosen = [
        order
        for order in reversed(state.customers[command.account].open_orders.values())
        if (command.symbol is None or order.symbol == command.symbol)
        and (command.side is None or order.side is command.side)
        and (command.before is None or order.id < command.before)
    ]
    return _cancel_all(state, now, chosen[: command.limit])


def _cancel_all(state: State, now: Nanos, orders: list[Order]) -> list[Event]:
    events: list[Event] = []
    touched: dict[Balance, None] = {}
    for order in orders:
        market = state.markets[order.symbol]
        release(state, market, order, CancelReason.USER, events, touched)
        market.changed(now)
    for balance in touched:
        events.append(BalanceChanged(balance.account, balance.asset, balance.free, balance.held))
    return events
