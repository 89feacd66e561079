"""Money in motion: balanceFlow and assetTransfer (hashkey-rest.md 5.4, 5.7)."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Final

from simulator.core.commands import Transfer
from simulator.core.history import Flow, FlowKind
from simulator.core.rejections import RejectReason
from simulator.core.state import ID_EPOCH_MS
from simulator.core.units import NANOS_PER_MILLI, money_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.accounts import CUSTODY, FIAT, FUTURES, FUTURES_SUFFIX, SPOT, futures_of
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode, refuse
from simulator.venues.hashkey.errors import Refusal, VenueError

LIST_DEFAULT, LIST_MOST = 500, 1000
LONGEST_DAYS = 30
LONGEST_TRANSFER_ID = 64
_ID_BITS = 23

FLOW_TYPES: Final[dict[FlowKind, tuple[int, str]]] = {
    FlowKind.TRADE: (1, "TRADE"),
    FlowKind.FEE: (3, "FEE"),
    FlowKind.REALISED_PROFIT: (28, "REALIZED_PNL"),
    FlowKind.FUNDING: (32, "FUNDING_SETTLEMENT"),
    FlowKind.TRANSFER: (51, "USER_ACCOUNT_TRANSFER"),
    FlowKind.LIQUIDATION: (700, "LIQUIDATION"),
    FlowKind.DEPOSIT: (900, "DEPOSIT"),
    FlowKind.WITHDRAWAL: (904, "WITHDRAW"),
}
"""``flowTypeValue`` and ``flowType`` (HashKey REST 5.7); of the names only the transfer's is recorded."""
FUTURES_FEE: Final = (10, "FUTURES_FEE")
"""What a fee is called in a futures account."""
DELEVERAGING: Final = 701
"""Known, but it never happens here: see ``core/accounts/liquidation.py``."""
KNOWN: Final = {number for number, _ in (*FLOW_TYPES.values(), FUTURES_FEE)} | {DELEVERAGING}


def balance_flow(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/balanceFlow: every change of a balance, newest first (HashKey REST 5.7)."""
    params = call.params
    start, end = read.required_whole(params, "startTime"), read.required_whole(params, "endTime")
    if end - start > LONGEST_DAYS * read.DAY_MS:
        raise VenueError(Refusal.RANGE_TOO_LONG)
    wanted = read.whole(params, "flowType")
    if wanted is not None and wanted not in KNOWN:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "flowType")
    coin = params.get("coin")
    rows = (
        _flow_row(flow, desk.ids.account_id(name), *_flow_type(flow, name))
        for flow, name in _flows(desk, call)
        if start <= flow.ts // NANOS_PER_MILLI <= end
        and wanted in (None, _flow_type(flow, name)[0])
        and (not coin or flow.asset == coin)
    )
    return encode(list(islice(rows, read.limit(params, LIST_DEFAULT, LIST_MOST))))


def _flow_type(flow: Flow, account: str) -> tuple[int, str]:
    if flow.kind is FlowKind.FEE and account.endswith(FUTURES_SUFFIX):
        return FUTURES_FEE
    return FLOW_TYPES[flow.kind]


def _flows(desk: Desk, call: Call) -> Iterator[tuple[Flow, str]]:
    """Changes of the accounts that ``accountType`` chooses, newest first, each with its account's name."""
    spot, futures = call.account, futures_of(call.account)
    names = {None: (spot, futures), SPOT: (spot,), FUTURES: (futures,), CUSTODY: (), FIAT: ()}
    chosen = names.get(read.whole(call.params, "accountType"))
    if chosen is None:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "accountType")
    tapes = [
        [(flow, name) for flow in reversed(desk.history.of(name).flows)]
        for name in chosen
        if name in desk.state.customers
    ]
    return heapq.merge(*tapes, key=lambda one: one[0].id, reverse=True)


def flow_id(flow: Flow) -> str:
    """A change's identifier on the wire: of the one family that all ids belong to (real shapes 1.3)."""
    ms = max(0, flow.ts // NANOS_PER_MILLI - ID_EPOCH_MS)
    return str((ms << _ID_BITS) + flow.id % (1 << _ID_BITS))


def _flow_row(flow: Flow, account_id: str, value: int, name: str) -> dict[str, object]:
    """11 members (real shapes 6)."""
    return {
        "id": flow_id(flow),
        "accountId": account_id,
        "coin": flow.asset,
        "coinId": flow.asset,
        "coinName": flow.asset,
        "flowTypeValue": value,
        "flowType": name,
        "flowName": "",
        "change": money_text(flow.change),
        "total": money_text(flow.total),
        "created": str(flow.ts // NANOS_PER_MILLI),
    }


TRANSFER_WORDS: Final = {
    RejectReason.INSUFFICIENT_BALANCE: Refusal.TRANSFER_FAILED,
    RejectReason.AMOUNT_NOT_POSITIVE: Refusal.TRANSFER_FAILED,
}


def transfer(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/account/assetTransfer: between a user's spot and futures accounts (HashKey REST 5.4)."""
    params = call.params
    source = _account(desk, call, "fromAccountId", Refusal.TRANSFER_SOURCE_UNKNOWN)
    target = _account(desk, call, "toAccountId", Refusal.TRANSFER_TARGET_UNKNOWN)
    coin = read.required(params, "coin")
    amount = read.amount(params, "quantity")
    own_id = read.client_order_id(params, "clientOrderId", longest=LONGEST_TRANSFER_ID)
    if desk.catalogue.coin(coin) is None:
        raise VenueError(Refusal.COIN_UNKNOWN)
    last = desk.last_transfer.get(call.account)
    if last is not None and call.now_ms - last < desk.switches.transfer_interval_ms:
        raise VenueError(Refusal.TRANSFER_TOO_OFTEN)

    def render(outcomes: Outcomes) -> bytes:
        refuse(outcomes[0], TRANSFER_WORDS)
        desk.last_transfer[call.account] = call.now_ms
        made = desk.history.of(source).flows[-1]
        return encode({"success": True, "timestamp": call.now_ms, "clientOrderId": own_id, "orderId": flow_id(made)})

    return Ask((Transfer(source, target, coin, amount, own_id),), render)


def _account(desk: Desk, call: Call, field: str, unknown: Refusal) -> str:
    """The caller's account that an id names."""
    name = desk.ids.name(call.account, read.required(call.params, field))
    if name is None or name not in desk.state.customers:
        raise VenueError(unknown)
    return name
