"""May this order come in? HashKey errors and limits 2.2 gives the order of checks: symbol, filters, balance, rules.

Checks decide from what is there and change nothing.
"""

from __future__ import annotations

from simulator.core.accounts.spot import SpotSeat
from simulator.core.commands import PlaceOrder
from simulator.core.instruments import Limits
from simulator.core.market import Market
from simulator.core.orders import BUY, GTC, LIMIT_MAKER, MARKET
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Lots, Ticks


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
    if (command.effect is None) is not (market.perpetual is None):
        return RejectReason.EFFECT_MISPLACED
    if command.type is not MARKET:
        return _check_limit(market, command)
    if command.apart:
        return RejectReason.UNSUPPORTED_COMBINATION
    return _check_market(market, command) if market.perpetual is None else _check_protected(market, command)


def _check_limit(market: Market, command: PlaceOrder) -> RejectReason | None:
    price, qty, side, limits = command.price, command.qty, command.side, market.limits
    if price is None:
        return RejectReason.PRICE_MISSING
    if qty is None or command.amount is not None:
        return RejectReason.SIZE_AMBIGUOUS
    if not (limits.min_qty <= qty <= limits.max_qty and limits.min_notional <= price * qty <= limits.max_notional):
        return _filter_broken(limits, price, qty)
    if market.has_limit_bands and not market.pricing.allows(side, price):
        return RejectReason.BUY_PRICE_TOO_HIGH if side is BUY else RejectReason.SELL_PRICE_TOO_LOW
    seat = market.seat(command.account)
    if seat.open_orders >= limits.max_open_orders:
        return RejectReason.TOO_MANY_OPEN_ORDERS
    refusal = seat.refuses(command, price, qty)
    if refusal is not None:
        return refusal
    if command.type is LIMIT_MAKER:
        if command.tif is not GTC:
            return RejectReason.UNSUPPORTED_COMBINATION
        if not command.apart and market.would_take(side, price):
            return RejectReason.WOULD_TAKE
    return None


def _filter_broken(limits: Limits, price: Ticks, qty: Lots) -> RejectReason:
    if price <= 0:
        return RejectReason.PRICE_NOT_POSITIVE
    if qty < limits.min_qty:
        return RejectReason.QTY_TOO_SMALL
    if qty > limits.max_qty:
        return RejectReason.QTY_TOO_LARGE
    return RejectReason.NOTIONAL_TOO_SMALL if price * qty < limits.min_notional else RejectReason.NOTIONAL_TOO_LARGE


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
        if command.qty < limits.market_min_qty:
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


def _check_protected(market: Market, command: PlaceOrder) -> RejectReason | None:
    """A market order for a perpetual: a limit order at its protective price that does not wait (HashKey REST 4.1)."""
    limits, qty = market.limits, command.qty
    if qty is None or command.amount is not None:
        return RejectReason.SIZE_AMBIGUOUS
    if command.price is not None or command.tif is GTC:
        return RejectReason.UNSUPPORTED_COMBINATION
    if qty < limits.market_min_qty:
        return RejectReason.QTY_TOO_SMALL
    if qty > limits.market_max_qty:
        return RejectReason.QTY_TOO_LARGE
    price = market.pricing.protective_price(command.side)
    if price is None:
        return RejectReason.MARKET_ORDERS_FORBIDDEN
    return market.seat(command.account).refuses(command, price, qty)


def _check_funds(market: Market, command: PlaceOrder) -> RejectReason | None:
    """A market order pays at once, so what it would pay now is what it must have."""
    seat = market.seat(command.account)
    assert isinstance(seat, SpotSeat)
    if command.side is BUY:
        needed = command.amount if command.amount is not None else _price_of(market, command)
    else:
        needed = seat.needs(command.side, 0, command.qty or _lots_for(market, command))
    return RejectReason.INSUFFICIENT_BALANCE if needed > seat.pays(command.side).free else None


def _price_of(market: Market, command: PlaceOrder) -> int:
    """Quote money that a market buy of ``qty`` would cost against the book as it is."""
    walked = _walk(market, command, command.qty or 0)
    return market.instrument.quote_atoms * sum(price * qty for price, qty in walked)


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
