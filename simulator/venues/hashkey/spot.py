"""Spot trading endpoints (hashkey-rest.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice, takewhile

from simulator.core.commands import CancelOpenOrders, CancelOrder, PlaceOrder
from simulator.core.events import Event, OrderAccepted, OrderCanceled, Rejected
from simulator.core.orders import Order, OrderStatus
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_MILLI
from simulator.venues.hashkey import orders as shapes
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.batches import IDS_MOST, batch_items
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode, own_account, refuse, sub_account
from simulator.venues.hashkey.errors import Refusal, VenueError

CANCEL_DEFAULT, CANCEL_MOST = 100, 200
LIST_DEFAULT, LIST_MOST = 500, 1000
HISTORY_DAYS = 90


def create_v1(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/spot/order."""
    return _create(desk, shapes.parse_order(desk, call, call.params, explicit_sizes=False))


def create_v1_1(desk: Desk, call: Call) -> Ask:
    """POST /api/v1.1/spot/order."""
    return _create(desk, shapes.parse_order(desk, call, call.params, explicit_sizes=True))


def _create(desk: Desk, command: PlaceOrder) -> Ask:
    def render(outcomes: Outcomes) -> bytes:
        refuse(outcomes[0])
        return encode(shapes.created(desk, _accepted(desk, outcomes[0])))

    return Ask((command,), render)


def _accepted(desk: Desk, events: Sequence[Event]) -> Order:
    first = events[0]
    assert isinstance(first, OrderAccepted)
    return desk.state.orders[first.order_id]


def test_order(desk: Desk, call: Call) -> bytes:
    """POST /api/v1/spot/orderTest: checked, not placed. The reply is unknown; {} (HashKey REST 3.1)."""
    command = shapes.parse_order(desk, call, call.params, explicit_sizes=False)
    reason = desk.check(command)
    if reason is not None:
        raise VenueError(reason)
    return b"{}"


def batch_v1(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/spot/batchOrders."""
    return _batch(desk, call, explicit_sizes=False)


def batch_v1_1(desk: Desk, call: Call) -> Ask:
    """POST /api/v1.1/spot/batchOrders."""
    return _batch(desk, call, explicit_sizes=True)


def _batch(desk: Desk, call: Call, *, explicit_sizes: bool) -> Ask:
    """Items succeed or fail one by one; the reply keeps their order (HashKey REST 3.4)."""
    parsed: list[PlaceOrder | VenueError] = []
    for item in batch_items(call.body):
        try:
            parsed.append(shapes.parse_order(desk, call, item, explicit_sizes=explicit_sizes))
        except VenueError as error:
            parsed.append(error)

    def render(outcomes: Outcomes) -> bytes:
        placed = iter(outcomes)
        result = [_batch_row(desk, one if isinstance(one, VenueError) else next(placed)) for one in parsed]
        return encode({"code": 0, "result": result, "concentration": ""})

    return Ask([one for one in parsed if isinstance(one, PlaceOrder)], render)


def _batch_row(desk: Desk, outcome: VenueError | Sequence[Event]) -> dict[str, object]:
    try:
        if isinstance(outcome, VenueError):
            raise outcome
        refuse(outcome)
    except VenueError as error:
        return {"code": error.code, "msg": error.msg}
    return {"code": "0000", "order": shapes.created(desk, _accepted(desk, outcome), batch=True)}


def _order_id(params: read.Params) -> int | None:
    return read.whole(params, "orderId")


def cancel(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/spot/order, by orderId or clientOrderId; no symbol needed (HashKey REST 3.5)."""
    order_id = _order_id(call.params)
    client_order_id = read.client_order_id(call.params, "clientOrderId", "origClientOrderId")
    if order_id is None and not client_order_id:
        raise VenueError(Refusal.FIELD_MISSING, "orderId")
    command = CancelOrder(call.account, order_id, client_order_id)

    def render(outcomes: Outcomes) -> bytes:
        order = desk.find(command)
        try:
            refuse(outcomes[0])
        except VenueError as error:
            if error.reason is RejectReason.UNKNOWN_ORDER or not desk.switches.answer_finished_cancel:
                raise
        assert order is not None
        ended = any(isinstance(event, OrderCanceled) for event in outcomes[0])
        return encode(shapes.canceled(desk, order, desk.switches.cancel_status if ended else order.status.name))

    return Ask((command,), render)


def cancel_open(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/spot/openOrders: up to 200 of one symbol (HashKey REST 3.6)."""
    symbol = desk.market(read.required(call.params, "symbol")).instrument.symbol
    command = CancelOpenOrders(call.account, symbol, read.optional_side(call.params), None, CANCEL_MOST)

    def render(outcomes: Outcomes) -> bytes:
        refuse(outcomes[0])
        return b'{"success":true}'

    return Ask((command,), render)


def cancel_all(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/spot/cancelAllOpenOrders (HashKey REST 3.7)."""
    symbol = call.params.get("symbol")
    command = CancelOpenOrders(
        call.account,
        desk.market(symbol).instrument.symbol if symbol else None,
        read.optional_side(call.params),
        read.whole(call.params, "fromOrderId") or None,
        read.limit(call.params, CANCEL_DEFAULT, CANCEL_MOST),
    )

    def render(outcomes: Outcomes) -> bytes:
        refuse(outcomes[0])
        ended = [event.order_id for event in outcomes[0] if isinstance(event, OrderCanceled)]
        last = str(ended[-1]) if ended else "0"
        return encode({"code": "0000", "message": "success", "timestamp": call.now_ms, "lastOrderId": last})

    return Ask((command,), render)


def cancel_by_ids(desk: Desk, call: Call) -> Ask:
    """DELETE /api/v1/spot/cancelOrderByIds: failures are listed, the rest succeed (HashKey REST 3.8)."""
    ids = [text.strip() for text in read.required(call.params, "ids").split(",")]
    if len(ids) > IDS_MOST:
        raise VenueError(Refusal.BATCH_TOO_LARGE)
    numbers = [read.whole({"ids": text}, "ids") for text in ids]
    if None in numbers:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "ids")
    commands = [CancelOrder(call.account, number) for number in numbers]

    def render(outcomes: Outcomes) -> bytes:
        failed = []
        for text, events in zip(ids, outcomes, strict=True):
            first = events[0]
            if isinstance(first, Rejected):
                failed.append({"orderId": text, "code": VenueError(first.reason).code})
        return encode({"code": "0000", "result": failed})

    return Ask(commands, render)


def query(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/spot/order, by orderId or origClientOrderId (HashKey REST 3.9)."""
    account = own_account(desk, call)
    order_id = _order_id(call.params)
    client_order_id = read.client_order_id(call.params, "origClientOrderId", "clientOrderId")
    if order_id is None and not client_order_id:
        raise VenueError(Refusal.FIELD_MISSING, "orderId")
    order = desk.find(CancelOrder(account, order_id, client_order_id))
    if order is None:
        raise VenueError(RejectReason.UNKNOWN_ORDER)
    return encode(shapes.queried(desk, order))


def open_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/spot/openOrders (HashKey REST 3.10)."""
    return _open_orders(desk, call, own_account(desk, call))


def sub_account_open_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/spot/subAccount/openOrders (HashKey REST 6)."""
    return _open_orders(desk, call, sub_account(desk, call))


def _open_orders(desk: Desk, call: Call, account: str) -> bytes:
    """Newest first; ``orderId`` is an older name of ``fromOrderId``."""
    before = read.whole(call.params, "fromOrderId") or read.whole(call.params, "orderId") or None
    return _list(desk, call, reversed(desk.state.customers[account].open_orders.values()), before)


def trade_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/spot/tradeOrders (HashKey REST 3.11)."""
    return _trade_orders(desk, call, own_account(desk, call))


def sub_account_trade_orders(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/spot/subAccount/tradeOrders (HashKey REST 6)."""
    return _trade_orders(desk, call, sub_account(desk, call))


def _trade_orders(desk: Desk, call: Call, account: str) -> bytes:
    """Finished orders by their creation, newest first."""
    start, end = read.window(call.params, call.now_ms, HISTORY_DAYS, Refusal.ORDERS_TOO_OLD)
    finished = (
        order
        for order in takewhile(
            lambda order: order.created // NANOS_PER_MILLI >= start,
            reversed(desk.state.customers[account].by_client_order_id.values()),
        )
        if order.status not in _UNFINISHED and order.created // NANOS_PER_MILLI <= end
    )
    return _list(desk, call, finished, read.whole(call.params, "fromOrderId") or None)


_UNFINISHED = (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


def _list(desk: Desk, call: Call, found: Iterable[Order], before: int | None) -> bytes:
    symbol = call.params.get("symbol")
    if symbol:
        desk.market(symbol)
    side = read.optional_side(call.params)
    most = read.limit(call.params, LIST_DEFAULT, LIST_MOST)
    chosen = (
        order
        for order in found
        if (not symbol or order.symbol == symbol)
        and (side is None or order.side is side)
        and (before is None or order.id < before)
    )
    return encode([shapes.listed(desk, order) for order in islice(chosen, most)])
