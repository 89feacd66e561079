"""Stop orders, and take-profit and stop-loss of positions: waiting for a price, and what happens when it comes.

HashKey REST 4.1: on trigger a new order with an id of its own goes in, and the stop is done; a stop holds no
margin, so its order may be refused when its time comes (StopFailed). Its direction is given by where the price
stands when it is placed: a trigger above waits for a rise, one below for a fall, one at the price goes off
at once. Before there is any price a buy waits for a rise and a sell for a fall.

A position's exits close it by a market order for what no open closing order speaks for. An exit that went off
is gone; with the position the other one goes too.

At one move of the market stops go off before margins are looked at: a stop-loss that stands above the liquidation
price is a customer's own earlier wish. While a symbol is halted nothing goes off.
"""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.core.accounts.positions import Position
from simulator.core.checking import check_place
from simulator.core.commands import CancelStop, CancelStops, Exit, PlaceOrder, PlaceStop, SetPositionStops
from simulator.core.events import (
    Event,
    OrderAccepted,
    PositionStopsSet,
    StopCanceled,
    StopFailed,
    StopPlaced,
    StopTriggered,
)
from simulator.core.marking import unknown_perpetual
from simulator.core.orders import (
    BUY,
    GTC,
    LIMIT_MAKER,
    MARKET,
    CancelReason,
    OrderType,
    PositionEffect,
    PositionSide,
    StopStatus,
    TimeInForce,
    TriggerBy,
)
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.placing import made_up_id, place
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.stops import Stop
from simulator.core.units import Nanos, Price, Ticks

BAD_EXITS: Final = {
    PositionSide.LONG: (RejectReason.BAD_LONG_TAKE_PROFIT, RejectReason.BAD_LONG_STOP_LOSS),
    PositionSide.SHORT: (RejectReason.BAD_SHORT_TAKE_PROFIT, RejectReason.BAD_SHORT_STOP_LOSS),
}


def _watched(listed: PerpetualMarket, by: TriggerBy) -> Price | None:
    return listed.perpetual.mark if by is TriggerBy.MARK else listed.last


def check_place_stop(state: State, command: PlaceStop) -> RejectReason | None:
    """What can be said before the price comes: the order's form, its size, its price against the trigger."""
    order = command.order
    refusal = unknown_perpetual(state, order.symbol)
    if refusal is not None:
        return refusal
    customer = state.customers.get(order.account)
    if customer is None:
        return RejectReason.UNKNOWN_ACCOUNT
    listed = state.perpetuals[order.symbol]
    if not listed.market.trading:
        return RejectReason.SYMBOL_NOT_TRADING
    taken = customer.by_client_order_id, customer.stops_by_client_order_id
    if any(order.client_order_id in ids for ids in taken):
        return RejectReason.DUPLICATE_CLIENT_ORDER_ID
    if order.effect is None:
        return RejectReason.EFFECT_MISPLACED
    refusal = _check_form(listed, command)
    if refusal is not None:
        return refusal
    most = listed.contract.max_stops
    mine = sum(stop.symbol == order.symbol for stop in customer.stops.values())
    return None if most is None or mine < most else RejectReason.TOO_MANY_STOPS


def _check_form(listed: PerpetualMarket, command: PlaceStop) -> RejectReason | None:
    order, market = command.order, listed.market
    if order.qty is None or order.amount is not None:
        return RejectReason.SIZE_AMBIGUOUS
    if not market.limits.min_qty <= order.qty:
        return RejectReason.QTY_TOO_SMALL
    if order.qty > market.limits.max_qty:
        return RejectReason.QTY_TOO_LARGE
    if command.trigger <= 0:
        return RejectReason.PRICE_NOT_POSITIVE
    if order.type is MARKET:
        wrong = order.price is not None or order.tif is GTC
        return RejectReason.UNSUPPORTED_COMBINATION if wrong else None
    if order.price is None:
        return RejectReason.PRICE_MISSING
    if order.price <= 0:
        return RejectReason.PRICE_NOT_POSITIVE
    if order.type is LIMIT_MAKER and order.tif is not GTC:
        return RejectReason.UNSUPPORTED_COMBINATION
    return _check_band(listed, order, order.price, command.trigger)


def _check_band(listed: PerpetualMarket, order: PlaceOrder, price: Ticks, trigger: Ticks) -> RejectReason | None:
    """Its price may lie as far beyond the trigger as a limit order's beyond the mark."""
    bands = listed.market.instrument.limit_bands
    if order.side is BUY:
        highest = bands.highest_bid(trigger)
        return RejectReason.STOP_BUY_PRICE_TOO_HIGH if highest is not None and price > highest else None
    lowest = bands.lowest_ask(trigger)
    return RejectReason.STOP_SELL_PRICE_TOO_LOW if lowest is not None and price < lowest else None


def place_stop(state: State, now: Nanos, command: PlaceStop) -> list[Event]:
    """Wait."""
    order = command.order
    listed, customer = state.perpetuals[order.symbol], state.customers[order.account]
    price = _watched(listed, command.by)
    rising = order.side is BUY if price is None else command.trigger * listed.perpetual.tick >= price
    stop_id = state.next_id()
    client_order_id = order.client_order_id or made_up_id(state, customer)
    stop = Stop(stop_id, command, client_order_id, rising, now, now)
    state.stops[stop_id] = customer.stops[stop_id] = customer.stops_by_client_order_id[client_order_id] = stop
    listed.waiting.add(stop)
    listed.wake()
    return [StopPlaced(stop_id, order.account, order.symbol, order.side, command.trigger, rising, client_order_id)]


def find(state: State, command: CancelStop) -> Stop | None:
    """The stop that a customer means, if it is his."""
    if command.stop_id is not None:
        stop = state.stops.get(command.stop_id)
        return stop if stop is not None and stop.account == command.account else None
    customer = state.customers.get(command.account)
    return None if customer is None else customer.stops_by_client_order_id.get(command.client_order_id or "")


def check_cancel_stop(state: State, command: CancelStop) -> RejectReason | None:
    """Only a waiting one can be taken back."""
    stop = find(state, command)
    if stop is None:
        return RejectReason.UNKNOWN_ORDER
    if stop.status is StopStatus.WAITING:
        return None
    triggered = stop.status is StopStatus.TRIGGERED
    return RejectReason.ORDER_ALREADY_FILLED if triggered else RejectReason.ORDER_ALREADY_CANCELED


def cancel_stop(state: State, now: Nanos, command: CancelStop) -> list[Event]:
    """Take one back."""
    stop = find(state, command)
    assert stop is not None
    return [_cancel(state, stop)]


def check_cancel_stops(state: State, command: CancelStops) -> RejectReason | None:
    """Account and symbol must exist; nothing to cancel is fine."""
    if command.account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    return None if command.symbol is None else unknown_perpetual(state, command.symbol)


def cancel_stops(state: State, now: Nanos, command: CancelStops) -> list[Event]:
    """Take many back, newest first."""
    chosen = [
        stop
        for stop in reversed(state.customers[command.account].stops.values())
        if command.symbol in (None, stop.symbol) and command.side in (None, stop.order.side)
    ]
    return [_cancel(state, stop) for stop in chosen]


def _cancel(state: State, stop: Stop) -> StopCanceled:
    _end(state, stop, StopStatus.CANCELED)
    return StopCanceled(stop.id, stop.account, stop.symbol, CancelReason.USER)


def _end(state: State, stop: Stop, status: StopStatus) -> None:
    state.perpetuals[stop.symbol].waiting.remove(stop)
    del state.customers[stop.account].stops[stop.id]
    stop.status = status
    stop.updated = state.now


# -- take-profit and stop-loss of positions ---------------------------------------------------------


def check_exits(state: State, command: SetPositionStops) -> RejectReason | None:
    """A take-profit lies on the side of the price where there is profit, a stop-loss on the other."""
    refusal = unknown_perpetual(state, command.symbol)
    if refusal is not None:
        return refusal
    if command.account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    listed = state.perpetuals[command.symbol]
    position = listed.seat(command.account).position(command.side)
    if not position.lots:
        return RejectReason.POSITION_STOPS_REJECTED
    bad_profit, bad_loss = BAD_EXITS[command.side]
    for exit_, sign, bad in (
        (command.take_profit, position.sign, bad_profit),
        (command.stop_loss, -position.sign, bad_loss),
    ):
        if exit_ is None:
            continue
        price = _watched(listed, exit_.by)
        if exit_.trigger <= 0 or (price is not None and (exit_.trigger * listed.perpetual.tick - price) * sign <= 0):
            return bad
        if exit_.qty is not None and not 0 < exit_.qty <= position.lots:
            return RejectReason.POSITION_STOPS_REJECTED
    return None


def set_exits(state: State, now: Nanos, command: SetPositionStops) -> list[Event]:
    """In place of those it had."""
    listed = state.perpetuals[command.symbol]
    position = listed.seat(command.account).position(command.side)
    return [_become(listed, position, command.take_profit, command.stop_loss)]


def _become(
    listed: PerpetualMarket, position: Position, take_profit: Exit | None, stop_loss: Exit | None
) -> PositionStopsSet:
    position.take_profit, position.stop_loss = take_profit, stop_loss
    if take_profit is None and stop_loss is None:
        listed.exits.pop(position, None)
    else:
        listed.exits[position] = None
    return PositionStopsSet(position.account, listed.symbol, position.side, take_profit, stop_loss)


# -- what happens when the price comes -----------------------------------------------------------------


def forget_closed(listed: PerpetualMarket, events: list[Event]) -> None:
    """Exits of positions that are no more."""
    for position in [one for one in listed.exits if not one.lots]:
        events.append(_become(listed, position, None, None))


def go_off(state: State, listed: PerpetualMarket, events: list[Event]) -> None:
    """Everything that the present prices reach, one after the other."""
    while True:
        stop = listed.waiting.due(listed.perpetual.mark, listed.last)
        if stop is not None:
            _trigger(state, stop, events)
        elif not _leave(state, listed, events):
            return
        forget_closed(listed, events)


def _trigger(state: State, stop: Stop, events: list[Event]) -> None:
    _end(state, stop, StopStatus.TRIGGERED)
    customer = state.customers[stop.account]
    free = stop.client_order_id not in customer.by_client_order_id
    order = msgspec.structs.replace(stop.order, client_order_id=stop.client_order_id if free else "")
    refusal = check_place(state, order)
    if refusal is not None:
        stop.status, stop.refusal = StopStatus.FAILED, refusal
        events.append(StopFailed(stop.id, stop.account, stop.symbol, refusal))
        return
    placed = place(state, state.now, order)
    stop.order_id = _order_id(placed)
    events.append(StopTriggered(stop.id, stop.account, stop.symbol, stop.order_id))
    events += placed


def _order_id(placed: list[Event]) -> int:
    accepted = placed[0]
    assert isinstance(accepted, OrderAccepted)
    return accepted.order_id


def _leave(state: State, listed: PerpetualMarket, events: list[Event]) -> bool:
    """Let one exit of one position go off, if the price is there."""
    for position in listed.exits:
        exit_ = _reached(listed, position)
        if exit_ is not None:
            _close(state, listed, position, exit_, events)
            return True
    return False


def _reached(listed: PerpetualMarket, position: Position) -> Exit | None:
    for exit_, sign in ((position.take_profit, position.sign), (position.stop_loss, -position.sign)):
        price = None if exit_ is None else _watched(listed, exit_.by)
        if exit_ is not None and price is not None and (price - exit_.trigger * listed.perpetual.tick) * sign >= 0:
            return exit_
    return None


def _close(state: State, listed: PerpetualMarket, position: Position, exit_: Exit, events: list[Event]) -> None:
    take_profit, stop_loss = (None if one is exit_ else one for one in (position.take_profit, position.stop_loss))
    events.append(_become(listed, position, take_profit, stop_loss))
    qty = min(exit_.qty or position.lots, position.available)
    order = PlaceOrder(
        position.account,
        listed.symbol,
        position.side.closes,
        OrderType.MARKET,
        qty,
        None,
        "",
        TimeInForce.IOC,
        effect=PositionEffect.CLOSE,
    )
    refusal = RejectReason.POSITION_NOT_ENOUGH if not qty else check_place(state, order)
    if refusal is not None:
        events.append(StopFailed(state.next_id(), position.account, listed.symbol, refusal))
        return
    events += place(state, state.now, order)
