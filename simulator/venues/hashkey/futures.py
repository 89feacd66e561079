"""Futures trading endpoints (hashkey-rest.md 4.1 to 4.8): orders in and out, and their lists.

All of them are about the caller's futures account, whatever key signed the call.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any, Final, TypeVar

from simulator.core.commands import CancelOrder, CancelStop, Command, PlaceOrder, PlaceStop
from simulator.core.events import Event, OrderAccepted, OrderCanceled, Rejected, StopPlaced
from simulator.core.orders import CANCELED, FILLED, PARTIALLY_CANCELED, Order, PositionEffect, Side, StopStatus
from simulator.core.perpetual_history import Liquidation
from simulator.core.rejections import RejectReason
from simulator.core.stopping import find as find_stop
from simulator.core.stops import Stop
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.venues.hashkey import futures_orders as shapes
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.accounts import futures_of, user_of
from simulator.venues.hashkey.batches import IDS_MOST, batch_items
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode
from simulator.venues.hashkey.errors import Refusal, VenueError

CANCEL_DEFAULT, CANCEL_MOST = 100, 200
ORDERS_DEFAULT, ORDERS_MOST = 20, 500
HISTORY_DAYS = 90
One = TypeVar("One", Order, Stop)
FINISHED: Final = (FILLED, CANCELED, PARTIALLY_CANCELED)


def account_of(call: Call) -> str:
    """The caller's futures account."""
    return futures_of(call.account)


def refuse(desk: Desk, events: Sequence[Event]) -> None:
    """Raise this family's words for a rejection."""
    first = events[0] if events else None
    if not isinstance(first, Rejected):
        return
    reason, command = first.reason, first.command
    if reason is RejectReason.TOO_MANY_STOPS:
        assert isinstance(command, PlaceStop)
        raise VenueError(reason, str(desk.contract(command.order.symbol).contract.max_stops))
    raise VenueError(shapes.WORDS.get(reason, reason))


# -- orders in ----------------------------------------------------------------------------------------


def create(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/order (HashKey REST 4.1)."""
    command = shapes.parse_order(desk, call, account_of(call), call.params)

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        first = outcomes[0][0]
        if isinstance(first, StopPlaced):
            return encode(shapes.stop_order(desk, desk.state.stops[first.stop_id]))
        return encode(shapes.created(desk, _accepted(desk, first)))

    return Ask((command,), render)


def _accepted(desk: Desk, event: Event) -> Order:
    assert isinstance(event, OrderAccepted)
    return desk.state.orders[event.order_id]


def batch(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/batchOrders: items succeed or fail one by one (HashKey REST 4.2)."""
    parsed: list[PlaceOrder | VenueError] = []
    for item in batch_items(call.body):
        try:
            parsed.append(_batch_order(desk, call, item))
        except VenueError as error:
            parsed.append(error)

    def render(outcomes: Outcomes) -> bytes:
        placed = iter(outcomes)
        result = [_batch_row(desk, one if isinstance(one, VenueError) else next(placed)) for one in parsed]
        return encode({"code": "0000", "result": result})

    return Ask([one for one in parsed if isinstance(one, PlaceOrder)], render)


def _batch_order(desk: Desk, call: Call, item: Mapping[str, str]) -> PlaceOrder:
    """HashKey REST 4.2: ``type`` LIMIT only."""
    command = shapes.parse_order(desk, call, account_of(call), item)
    if isinstance(command, PlaceStop):
        raise VenueError(Refusal.ORDER_TYPE_UNKNOWN)
    return command


def _batch_row(desk: Desk, outcome: VenueError | Sequence[Event]) -> dict[str, Any]:
    try:
        if isinstance(outcome, VenueError):
            raise outcome
        refuse(desk, outcome)
    except VenueError as error:
        return {"code": error.code, "msg": error.msg}
    return {"code": "0000", "order": shapes.listed_order(desk, _accepted(desk, outcome[0]))}


# -- orders out ---------------------------------------------------------------------------------------


def _ids(call: Call) -> tuple[int | None, str]:
    """``orderId`` or ``clientOrderId``: one is required (HashKey REST 4.3, 4.5)."""
    order_id = read.whole(call.params, "orderId")
    client_order_id = read.client_order_id(call.params, "clientOrderId", "origClientOrderId")
    if order_id is None and not client_order_id:
        raise VenueError(Refusal.FIELD_MISSING, "orderId")
    return order_id, client_order_id


def _waits(call: Call, *, default: str | None = None) -> bool:
    """Whether ``type`` means orders that wait for a price."""
    kind = read.choice(call.params, "type", shapes.KINDS, Refusal.ORDER_TYPE_UNKNOWN, default)
    return kind == shapes.STOP_TYPE


def cancel(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/futures/order: no symbol needed, but the type (HashKey REST 4.3)."""
    order_id, client_order_id = _ids(call)
    account = account_of(call)
    if _waits(call):
        stop_command = CancelStop(account, order_id, client_order_id)

        def render_stop(outcomes: Outcomes) -> bytes:
            refuse(desk, outcomes[0])
            stop = find_stop(desk.state, stop_command)
            assert stop is not None
            return encode(shapes.stop_order(desk, stop))

        return Ask((stop_command,), render_stop)
    command = CancelOrder(account, order_id, client_order_id)

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        order = desk.find(command)
        assert order is not None
        return encode(shapes.listed_order(desk, order, desk.switches.cancel_status))

    return Ask((command,), render)


CancelFilter = Callable[[Order], bool]


def _side_filter(call: Call) -> CancelFilter:
    """``side``: BUY or SELL as on the sibling venues, or one of the four (HashKey REST 4.4: which is not known)."""
    if not call.params.get("side"):
        return _any
    plain: dict[str, tuple[Side, PositionEffect | None]] = {side.name: (side, None) for side in Side}
    side, effect = read.choice(call.params, "side", {**shapes.SIDES, **plain}, Refusal.SIDE_UNKNOWN)
    return lambda order: order.side is side and effect in (None, order.effect)


def _any(order: Order) -> bool:
    return True


def _cancels(desk: Desk, call: Call, symbol: str | None, before: int | None, most: int) -> list[Command]:
    """Cancels of open orders, newest first. STOP orders stay (HashKey REST 4.4)."""
    account, wanted = account_of(call), _side_filter(call)
    chosen = (
        order
        for order in reversed(desk.state.customers[account].open_orders.values())
        if symbol in (None, order.symbol) and (before is None or order.id < before) and wanted(order)
    )
    return [CancelOrder(account, order.id) for order in islice(chosen, most)]


def cancel_open(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/futures/batchOrders: all of one symbol (HashKey REST 4.4; order of members: real shapes 5.5)."""
    symbol = desk.contract(read.required(call.params, "symbol")).symbol
    open_orders = len(desk.state.customers[account_of(call)].open_orders)

    def render(outcomes: Outcomes) -> bytes:
        return encode({"message": "success", "timestamp": str(call.now_ms), "code": "0000"})

    return Ask(_cancels(desk, call, symbol, None, open_orders), render)


def cancel_all(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/futures/cancelAllOpenOrders (HashKey REST 4.4; as on spot, 3.7)."""
    symbol = call.params.get("symbol")
    if symbol:
        desk.contract(symbol)
    before = read.whole(call.params, "fromOrderId") or None
    commands = _cancels(desk, call, symbol or None, before, read.limit(call.params, CANCEL_DEFAULT, CANCEL_MOST))

    def render(outcomes: Outcomes) -> bytes:
        ended = [event.order_id for events in outcomes for event in events if isinstance(event, OrderCanceled)]
        last = str(ended[-1]) if ended else "0"
        return encode({"code": "0000", "message": "success", "timestamp": call.now_ms, "lastOrderId": last})

    return Ask(commands, render)


def cancel_by_ids(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/futures/cancelOrderByIds: failures are listed, the rest succeed (HashKey REST 4.4)."""
    ids = [text.strip() for text in read.required(call.params, "ids").split(",")]
    if len(ids) > IDS_MOST:
        raise VenueError(Refusal.BATCH_TOO_LARGE)
    numbers = [read.whole({"ids": text}, "ids") for text in ids]
    if None in numbers:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "ids")
    account = account_of(call)
    commands: list[Command] = [
        CancelStop(account, number) if number in desk.state.stops else CancelOrder(account, number)
        for number in numbers
    ]

    def render(outcomes: Outcomes) -> bytes:
        failed = []
        for text, events in zip(ids, outcomes, strict=True):
            try:
                refuse(desk, events)
            except VenueError as error:
                failed.append({"orderId": text, "code": error.code})
        return encode({"code": "0000", "result": failed})

    return Ask(commands, render)


# -- what became of them --------------------------------------------------------------------------------


def query(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/order; the type is LIMIT unless it says STOP (HashKey REST 4.5)."""
    order_id, client_order_id = _ids(call)
    account = account_of(call)
    if _waits(call, default=shapes.LIMIT_TYPE):
        stop = find_stop(desk.state, CancelStop(account, order_id, client_order_id))
        if stop is None:
            raise VenueError(Refusal.CONTRACT_ORDER_UNKNOWN)
        return encode(shapes.stop_order(desk, stop))
    order = desk.find(CancelOrder(account, order_id, client_order_id))
    if order is not None:
        return encode(shapes.listed_order(desk, order))
    for taken in liquidations(desk, account):
        if str(taken.event.order_id) in (str(order_id), client_order_id):
            return encode(shapes.liquidation_order(desk, taken))
    raise VenueError(Refusal.CONTRACT_ORDER_UNKNOWN)


def liquidations(desk: Desk, account: str) -> Iterator[Liquidation]:
    """Positions that were taken over, newest first."""
    return reversed(desk.perpetuals.liquidations.get(account, []))


def open_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/openOrders (HashKey REST 4.6)."""
    return _open_orders(desk, call, account_of(call))


def sub_account_open_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/subAccount/openOrders (HashKey REST 6)."""
    return _open_orders(desk, call, sub_account(desk, call))


def _open_orders(desk: Desk, call: Call, account: str) -> bytes:
    """Of one symbol and type, newest first."""
    symbol, waits = listed_symbol(desk, call), _waits(call)
    customer = desk.state.customers[account]
    if waits:
        return _list(desk, call, _of_symbol(reversed(customer.stops.values()), symbol))
    return _list(desk, call, _of_symbol(reversed(customer.open_orders.values()), symbol))


def history_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/historyOrders (HashKey REST 4.8)."""
    return _history_orders(desk, call, account_of(call))


def sub_account_history_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/subAccount/historyOrders (HashKey REST 6)."""
    return _history_orders(desk, call, sub_account(desk, call))


def _history_orders(desk: Desk, call: Call, account: str) -> bytes:
    """What is finished, by its creation, newest first; positions taken over are among the LIMIT orders."""
    symbol, waits = listed_symbol(desk, call), _waits(call)
    start, end = read.window(call.params, call.now_ms, HISTORY_DAYS, Refusal.ORDERS_TOO_OLD)
    customer = desk.state.customers[account]
    if waits:
        stops = _between(reversed(customer.stops_by_client_order_id.values()), start, end)
        return _list(desk, call, (one for one in _of_symbol(stops, symbol) if one.status is not StopStatus.WAITING))
    orders = _between(reversed(customer.by_client_order_id.values()), start, end)
    finished = (one for one in _of_symbol(orders, symbol) if one.status in FINISHED)
    taken = (
        one
        for one in liquidations(desk, account)
        if one.event.symbol == symbol and start <= one.ts // NANOS_PER_MILLI <= end
    )
    return _list(desk, call, heapq.merge(finished, taken, key=_id, reverse=True))


def listed_symbol(desk: Desk, call: Call) -> str:
    """The perpetual that a request has to name."""
    return desk.contract(read.required(call.params, "symbol")).symbol


def _of_symbol(found: Iterable[One], symbol: str) -> Iterator[One]:
    return (one for one in found if one.symbol == symbol)


def _between(found: Iterable[One], start: Millis, end: Millis) -> Iterator[One]:
    """By creation; the newest come first."""
    recent = takewhile(lambda one: one.created // NANOS_PER_MILLI >= start, found)
    return (one for one in recent if one.created // NANOS_PER_MILLI <= end)


def _id(one: Order | Stop | Liquidation) -> int:
    return one.event.order_id if isinstance(one, Liquidation) else one.id


def _list(desk: Desk, call: Call, found: Iterable[Order | Stop | Liquidation]) -> bytes:
    """As many as were asked for, from ``fromOrderId`` backwards."""
    before = read.whole(call.params, "fromOrderId") or None
    most = read.limit(call.params, ORDERS_DEFAULT, ORDERS_MOST)
    chosen = (one for one in found if before is None or _id(one) < before)
    return encode([_shape(desk, one) for one in islice(chosen, most)])


def _shape(desk: Desk, one: Order | Stop | Liquidation) -> dict[str, Any]:
    if isinstance(one, Order):
        return shapes.listed_order(desk, one)
    return shapes.stop_order(desk, one) if isinstance(one, Stop) else shapes.liquidation_order(desk, one)


def sub_account(desk: Desk, call: Call) -> str:
    """The futures account that ``subAccountId`` names. There are no sub-accounts here: only one's own pass."""
    account_id = read.required(call.params, "subAccountId")
    name = desk.ids.name(call.account, account_id)
    if name is None:
        raise VenueError(Refusal.ACCOUNT_NOT_PERMITTED)
    return futures_of(user_of(name))
