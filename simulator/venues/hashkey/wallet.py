"""Wallet endpoints (hashkey-rest.md 6): coins in and out, as a paper exchange can honestly answer.

Deposits and withdrawals are those of the exchange's own ledger: a deposit is what ``Deposit`` brought in,
a withdrawal really takes the money out with ``Withdraw``. No chain is behind them, so addresses and
transaction ids are made up: of the right length and alphabet for a client's parser, always the same for
the same account, and never usable. What a withdrawal was asked for with (address, remark, …) travels in
the command's ``reference``, so it comes back from the journal with the money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import Any, Final

import msgspec

from simulator.core.commands import Withdraw
from simulator.core.history import Flow, FlowKind
from simulator.core.rejections import RejectReason
from simulator.core.units import MONEY_DECIMALS, NANOS_PER_MILLI, Money, Nanos, NotANumber, OffGrid, money, plain
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.accounts import CUSTODY
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode, refuse
from simulator.venues.hashkey.errors import Refusal, VenueError

LIST_DEFAULT, LIST_MOST = 500, 1000
DEPOSITED_OK = 4
CONFIRMATIONS = 64
WITHDRAWAL_DECIMALS, DEPOSIT_DECIMALS = 8, 20
"""Real shapes 1.2."""

WITHDRAWAL_EPOCH_MS: Final = 1_577_808_000_000
_WITHDRAWAL_BITS: Final = 22

REQUEST_NAMES: Final = {"ERC20": "ETH", "TRC20": "Tron", "Bitcoin": "BTC", "Litecoin": "LTC"}
"""Chains that requests call otherwise than exchangeInfo does (real shapes 2.3); both spellings are understood."""

ADDRESSES: Final = {
    "Bitcoin": ("bc1q0SIMULATED0", 42),
    "TRC20": ("T0SIMULATED0", 34),
    "Litecoin": ("L0SIMULATED0", 34),
    "Dogecoin": ("D0SIMULATED0", 34),
}
"""How a made-up address begins, and its length. A 0 is in no base58 alphabet, capitals break bech32."""
EVM_ADDRESS: Final = ("0x", 42)


class Slip(msgspec.Struct, omit_defaults=True):
    """What a withdrawal was asked for with."""

    address: str = ""
    remark: str = ""
    platform: str = ""
    client_order_id: str = ""


def chain_types(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/chainType: names as requests use them (HashKey REST 5.8)."""
    coin = _coin(desk, read.required(call.params, "coinId"))
    names = [REQUEST_NAMES.get(chain["chainType"], chain["chainType"]) for chain in coin["chainTypes"]]
    return encode([{"coinId": coin["coinId"], "coinName": coin["coinName"], "chainTypeList": names}])


def deposit_address(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/deposit/address: 8 members (real shapes 6)."""
    coin = _coin(desk, read.required(call.params, "coin"))
    chain = _chain(coin, read.required(call.params, "chainType"))
    return encode(
        {
            "canDeposit": chain["allowDeposit"],
            "address": address(call.account, chain["chainType"]),
            "addressExt": "",
            "minQuantity": chain["minDepositQuantity"],
            "needAddressTag": False,
            "requiredConfirmTimes": CONFIRMATIONS,
            "canWithdrawConfirmTimes": CONFIRMATIONS,
            "coinType": coin["tokenType"],
        }
    )


def address(account: str, chain: str) -> str:
    """The made-up deposit address of an account on a chain.

    >>> address("alice", "TRC20")
    'T0SIMULATED0XXXXXXXXXXXXXXe3164c97'
    """
    start, length = ADDRESSES.get(chain, EVM_ADDRESS)
    end = sha256(f"{account} {chain}".encode()).hexdigest()[:8]
    return start.ljust(length - len(end), "0" if start == "0x" else "X") + end


def _coin(desk: Desk, name: str) -> Mapping[str, Any]:
    coin = desk.catalogue.coin(name)
    if coin is None:
        raise VenueError(Refusal.COIN_UNKNOWN)
    return coin


def _chain(coin: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for chain in coin["chainTypes"]:
        if name in (chain["chainType"], REQUEST_NAMES.get(chain["chainType"])):
            return dict(chain)
    raise VenueError(Refusal.PARAMETER_ILLEGAL, "chainType")


def deposits(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/depositOrders, newest first (HashKey REST 6)."""
    found = _list(desk, call, FlowKind.DEPOSIT)
    return encode([_deposit_row(desk, call.account, flow) for flow in found])


def _deposit_row(desk: Desk, account: str, flow: Flow) -> dict[str, object]:
    coin = desk.catalogue.coin(flow.asset)
    chains = coin["chainTypes"] if coin else []
    return {
        "time": _ms(flow.ts),
        "coin": flow.asset,
        "coinName": flow.asset,
        "address": address(account, chains[0]["chainType"] if chains else ""),
        "quantity": padded(flow.change, DEPOSIT_DECIMALS),
        "status": DEPOSITED_OK,
        "statusCode": str(DEPOSITED_OK),
        "txId": _transaction_id(flow),
    }


def withdrawals(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/account/withdrawOrders, newest first (HashKey REST 6)."""
    found = _list(desk, call, FlowKind.WITHDRAWAL)
    return encode([_withdrawal_row(flow) for flow in found])


def _withdrawal_row(flow: Flow) -> dict[str, object]:
    """15 members (real shapes 6); there are no withdrawal fees (2.3), so all of it arrives."""
    slip = _slip(flow)
    quantity = padded(-flow.change, WITHDRAWAL_DECIMALS)
    return {
        "time": _ms(flow.ts),
        "id": withdrawal_id(flow),
        "coin": flow.asset,
        "coinId": flow.asset,
        "coinName": flow.asset,
        "address": slip.address,
        "quantity": quantity,
        "arriveQuantity": quantity,
        "txId": _transaction_id(flow),
        "addressUrl": slip.address,
        "feeCoinId": flow.asset,
        "feeCoinName": flow.asset,
        "fee": padded(0, WITHDRAWAL_DECIMALS),
        "remark": slip.remark,
        "platform": slip.platform,
    }


def _list(desk: Desk, call: Call, kind: FlowKind) -> Iterator[Flow]:
    """Changes of one kind that the request asks for, newest first."""
    params = call.params
    coin = params.get("coin")
    start, end = read.whole(params, "startTime"), read.whole(params, "endTime")
    most = read.limit(params, LIST_DEFAULT, LIST_MOST)
    found = (
        flow
        for flow in _of_kind(desk, call.account, kind)
        if (not coin or flow.asset == coin)
        and (start is None or flow.ts // NANOS_PER_MILLI >= start)
        and (end is None or flow.ts // NANOS_PER_MILLI <= end)
    )
    return islice(found, most)


def _of_kind(desk: Desk, account: str, kind: FlowKind) -> Iterator[Flow]:
    return (flow for flow in reversed(desk.history.of(account).flows) if flow.kind is kind)


def _slip(flow: Flow) -> Slip:
    """A withdrawal from elsewhere than this endpoint has another reference, and no slip."""
    try:
        return msgspec.json.decode(flow.reference, type=Slip)
    except msgspec.DecodeError:
        return Slip()


def _ms(ts: Nanos) -> str:
    return str(ts // NANOS_PER_MILLI)


def padded(amount: Money, decimals: int) -> str:
    """Money with exactly so many decimals, what is beyond them cut off.

    >>> padded(2 * 10**MONEY_DECIMALS, 8)
    '2.00000000'
    """
    whole, _, fraction = plain(amount // 10 ** (MONEY_DECIMALS - decimals), decimals).partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}"


def _transaction_id(flow: Flow) -> str:
    return sha256(f"{flow.kind.value} {flow.id} {flow.ts}".encode()).hexdigest()


def withdrawal_id(flow: Flow) -> str:
    """A snowflake of its own (real shapes 1.3): W, another epoch, another shift."""
    ms = max(0, flow.ts // NANOS_PER_MILLI - WITHDRAWAL_EPOCH_MS)
    return f"W{(ms << _WITHDRAWAL_BITS) + flow.id % (1 << _WITHDRAWAL_BITS)}"


WITHDRAWAL_WORDS: Final = {
    RejectReason.INSUFFICIENT_BALANCE: Refusal.WITHDRAWAL_BALANCE,
    RejectReason.AMOUNT_NOT_POSITIVE: Refusal.WITHDRAWAL_AMOUNT_ILLEGAL,
}


def withdraw(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/account/withdraw (HashKey REST 6): the money leaves at once.

    ``clientOrderId`` is documented as required, but ccxt sends it only when its caller gives one.
    """
    params = call.params
    coin = _coin(desk, read.required(params, "coin"))
    target = read.required(params, "address")
    chain = _chain(coin, read.required(params, "chainType"))
    amount = _withdrawal_amount(params)
    own_id = read.client_order_id(params, "clientOrderId")
    if not (coin["allowWithdraw"] and chain["allowWithdraw"]):
        raise VenueError(Refusal.WITHDRAWAL_NOT_ALLOWED)
    if len(target) > read.LONGEST_TEXT or not target.isprintable():
        raise VenueError(Refusal.ADDRESS_ILLEGAL)
    if amount < money(chain["minWithdrawQuantity"]):
        raise VenueError(Refusal.WITHDRAWAL_TOO_SMALL)
    earlier = _of_kind(desk, call.account, FlowKind.WITHDRAWAL)
    if own_id and any(_slip(flow).client_order_id == own_id for flow in earlier):
        raise VenueError(Refusal.WITHDRAWAL_REPEATED)
    slip = Slip(target, read.printable(params, "remark"), read.printable(params, "platform"), own_id)
    command = Withdraw(call.account, coin["coinId"], amount, msgspec.json.encode(slip).decode())

    def render(outcomes: Outcomes) -> bytes:
        refuse(outcomes[0], WITHDRAWAL_WORDS)
        made = withdrawal_id(desk.history.of(call.account).flows[-1])
        custody = desk.ids.typed_id(call.account, CUSTODY)
        return encode({"success": True, "id": "0", "orderId": made, "accountId": custody})

    return Ask((command,), render)


def _withdrawal_amount(params: read.Params) -> Money:
    text = read.required(params, "quantity")
    try:
        amount = money(text)
    except (NotANumber, OffGrid):
        raise VenueError(Refusal.WITHDRAWAL_AMOUNT_ILLEGAL) from None
    if amount <= 0 or amount % 10 ** (MONEY_DECIMALS - WITHDRAWAL_DECIMALS):
        raise VenueError(Refusal.WITHDRAWAL_AMOUNT_ILLEGAL)
    return amount


def authorize_address(desk: Desk, call: Call) -> bytes:
    """POST /api/v1/account/authAddress: every address is fine with paper money (HashKey REST 6)."""
    read.required(call.params, "txid")
    return encode({"success": True, "msg": "", "timestamp": str(call.now_ms)})
