"""Account endpoints (hashkey-rest.md 5): balances, fills, the account list, fees. Money in motion is in flows.py."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from simulator.core.commands import CancelOrder
from simulator.core.history import Fill
from simulator.core.instruments import Instrument
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, Millis, money_text, rate_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.accounts import LABELS, futures_of
from simulator.venues.hashkey.desk import Call, Desk, encode, own_account, sub_account
from simulator.venues.hashkey.errors import Refusal, VenueError

LIST_DEFAULT, LIST_MOST = 500, 1000
MONTH_DAYS = 30
"""How far fills reach back (HashKey REST 5.2)."""


def balances(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account: the spot account, without balances of zero (HashKey REST 5.1)."""
    rows = [
        {
            "asset": one.asset,
            "assetId": one.asset,
            "assetName": one.asset,
            "total": money_text(one.total),
            "free": money_text(one.free),
            "locked": money_text(one.held),
        }
        for one in desk.state.ledger.of(own_account(desk, call)).values()
        if one.total
    ]
    return encode({"balances": rows, "userId": desk.ids.user_id(call.account)})


def trades(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/trades (HashKey REST 5.2)."""
    return _trades(desk, call, own_account(desk, call))


def sub_account_trades(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/subAccount/trades (HashKey REST 6)."""
    return _trades(desk, call, sub_account(desk, call))


def _trades(desk: Desk, call: Call, account: str) -> bytes:
    """Fills, newest first; ``fromId`` and ``toId`` are bounds that the ids must lie between."""
    params = call.params
    symbol = params.get("symbol")
    if symbol:
        desk.market(symbol)
    start, end = read.window(params, call.now_ms, MONTH_DAYS, Refusal.TRADES_TOO_OLD, longest_days=MONTH_DAYS)
    above, below = read.whole(params, "fromId"), read.whole(params, "toId") or None
    most = read.limit(params, LIST_DEFAULT, LIST_MOST)
    client_order_id = read.client_order_id(params, "clientOrderId")
    order_id = None
    if client_order_id:
        order = desk.find(CancelOrder(account, None, client_order_id))
        if order is None:
            return b"[]"
        order_id, start = order.id, max(start, order.created // NANOS_PER_MILLI)
    found = (
        fill
        for fill in _between(desk, account, start, end)
        if (order_id is None or fill.event.order_id == order_id)
        and (not symbol or fill.event.symbol == symbol)
        and (above is None or fill.event.fill_id > above)
        and (below is None or fill.event.fill_id < below)
    )
    return encode([_fill_row(desk, fill) for fill in islice(found, most)])


def _between(desk: Desk, account: str, start: Millis, end: Millis) -> Iterator[Fill]:
    """Fills of a time span, newest first."""
    for fill in reversed(desk.history.of(account).fills):
        ms = fill.ts // NANOS_PER_MILLI
        if ms < start:
            return
        if ms <= end:
            yield fill


def _fill_row(desk: Desk, fill: Fill) -> dict[str, object]:
    """18 members (real shapes 4.7); ``ticketId`` is both sides' and the ``d`` of the private socket."""
    event = fill.event
    grids = desk.state.markets[event.symbol].instrument
    fee, asset = money_text(event.fee), event.fee_asset
    return {
        "id": str(event.fill_id),
        "clientOrderId": desk.state.orders[event.order_id].client_order_id,
        "ticketId": str(event.trade_id),
        "symbol": event.symbol,
        "symbolName": event.symbol,
        "orderId": str(event.order_id),
        "matchOrderId": "0",
        "price": grids.price_grid.text(event.price),
        "qty": grids.qty_grid.text(event.qty),
        "commission": fee,
        "commissionAsset": asset,
        "time": str(fill.ts // NANOS_PER_MILLI),
        "isBuyer": fill.side is Side.BUY,
        "isMaker": event.maker,
        "fee": {"feeCoinId": asset, "feeCoinName": asset, "fee": fee},
        "feeCoinId": asset,
        "feeAmount": fee,
        "makerRebate": "0",
    }


def account_types(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/type: the accounts every user has (HashKey REST 5.3).

    Custody and fiat are listed as the venue lists them; nothing can be moved into them here.
    """
    return encode(
        [
            {
                "accountId": desk.ids.typed_id(call.account, kind),
                "accountLabel": label,
                "accountType": kind,
                "accountIndex": 0,
            }
            for kind, label in LABELS.items()
        ]
    )


def check_api_key(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/checkApiKey: there are no sub-accounts (HashKey REST 5.5)."""
    return b'{"accountType":"Master Account"}'


def vip_info(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/vipInfo: the user's level and rates, whatever his volume (HashKey REST 5.6)."""
    wanted = [name for name in call.params.get("symbols", "").split(",") if name]
    if any(name not in desk.state.markets for name in wanted):
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "symbols")
    rows = [_fee_row(desk, call, desk.state.markets[name].instrument) for name in wanted or desk.state.markets]
    return encode(
        {
            "code": 0,
            "vipLevel": str(desk.fees.level(call.account)),
            "tradeVol30Day": money_text(_month_volume(desk, call)),
            "totalAssetBal": "0",
            "data": rows,
            "updateTimestamp": str(call.now_ms),
        }
    )


def _fee_row(desk: Desk, call: Call, traded: Instrument) -> dict[str, str]:
    """On spot buyers pay in base, sellers in quote; on a perpetual all in its margin asset (HashKey REST 5.2, 5.6)."""
    contract = traded.contract
    customer = desk.state.customers[call.account if contract is None else futures_of(call.account)]
    buyer = traded.base if contract is None else contract.margin_asset
    seller = traded.quote if contract is None else contract.margin_asset
    return {
        "symbol": traded.symbol,
        "productType": "Token-Token",
        "buyMakerFeeCurrency": buyer,
        "buyTakerFeeCurrency": buyer,
        "sellMakerFeeCurrency": seller,
        "sellTakerFeeCurrency": seller,
        "actualMakerRate": rate_text(customer.maker_rate),
        "actualTakerRate": rate_text(customer.taker_rate),
    }


def _month_volume(desk: Desk, call: Call) -> int:
    """What the account traded in 30 days, in quote money: every market is quoted in USDT (real shapes 2.1)."""
    since = call.now_ms - MONTH_DAYS * read.DAY_MS
    return sum(
        fill.event.price * fill.event.qty * desk.state.markets[fill.event.symbol].instrument.quote_atoms
        for fill in _between(desk, call.account, since, call.now_ms)
    )


def fee_deduction(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/hsk/deductionSwitch: fees are never paid in HSK here (HashKey REST 5.9)."""
    return b'{"deductionSwitch":0,"updateTime":"0"}'


def set_fee_deduction(desk: Desk, call: Call) -> bytes:
    """POST /api/v1/hsk/deductionSwitch: it can only stay off."""
    if read.required_whole(call.params, "deductionSwitch"):
        raise VenueError(Refusal.FEE_DEDUCTION_UNSUPPORTED)
    return fee_deduction(desk, call)


def invitees(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/affiliate/inviteeInfo: nobody was invited (HashKey REST 5.10: shape unknown)."""
    return b"[]"
