"""The parameters of every route: name, type, words, whether it must be there. Words come from the readers' own tables.

An empty text counts as a missing parameter everywhere, and a name that a route does not know is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from simulator.core.candles import INTERVALS
from simulator.venues.hashkey import flows, funding, futures, futures_fills, public, spot, wallet
from simulator.venues.hashkey import futures_orders as contracts
from simulator.venues.hashkey import futures_positions as positions
from simulator.venues.hashkey import futures_settings as settings
from simulator.venues.hashkey import orders as spot_orders
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.accounts import LABELS
from simulator.venues.schemas import Schema


class Param(NamedTuple):
    """One parameter."""

    name: str
    schema: Schema
    required: bool = False
    meaning: str = ""

    def must(self) -> Param:
        """The same, required."""
        return self._replace(required=True)


Params: TypeAlias = tuple[Param, ...]


def _text(name: str, meaning: str = "", *, longest: int | None = None) -> Param:
    return Param(name, {"type": "string"} | ({} if longest is None else {"maxLength": longest}), meaning=meaning)


def _whole(name: str, meaning: str = "") -> Param:
    return Param(name, {"type": "integer", "minimum": 0, "maximum": 10**read.LONGEST_DIGITS - 1}, meaning=meaning)


def _decimal(name: str, meaning: str = "") -> Param:
    return Param(name, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, meaning=meaning)


def _words(name: str, words: Iterable[str | int], default: str | None = None, meaning: str = "") -> Param:
    chosen = list(words)
    schema: Schema = {"type": "integer" if isinstance(chosen[0], int) else "string", "enum": chosen}
    return Param(name, schema | ({} if default is None else {"default": default}), meaning=meaning)


def _limit(default: int, most: int) -> Param:
    schema: Schema = {"type": "integer", "minimum": 1, "default": default}
    return Param("limit", schema, meaning=f"how many rows; more than {most} counts as {most}")


_SYMBOL: Final = _text("symbol")
_COIN: Final = _text("coin")
_ORDER_ID: Final = _whole("orderId")
_FROM_ORDER: Final = _whole("fromOrderId", "only orders with smaller ids")
_SIDE: Final = _words("side", read.SIDES)
_STP: Final = _words("stpMode", spot_orders.SELF_TRADE_PREVENTIONS, "EXPIRE_TAKER")
_TIMES: Final = (_whole("startTime", "milliseconds, inclusive"), _whole("endTime", "milliseconds, inclusive"))
_BETWEEN: Final = (_whole("fromId", "only greater ids"), _whole("toId", "only smaller ids"))
_ACCOUNT: Final = _text("accountId", "the caller's own account")
_SUB_ACCOUNT: Final = _text("subAccountId", "one of the caller's own accounts").must()
_OWN_IDS: Final = tuple(_text(name, longest=read.LONGEST_TEXT) for name in ("clientOrderId", "origClientOrderId"))
_NAMED: Final = (_ORDER_ID, *_OWN_IDS)

SPOT_ORDER: Final = (
    _SYMBOL.must(),
    _SIDE.must(),
    _words("type", spot_orders.TYPES).must(),
    _decimal("quantity", "in base; of a market buy the quote money").must(),
    _decimal("price", "of all but market orders"),
    _words("timeInForce", spot_orders.TIMES_IN_FORCE, meaning="GTC, of market orders IOC"),
    _text("newClientOrderId", longest=read.LONGEST_TEXT),
    _text("clientOrderId", "another name of newClientOrderId", longest=read.LONGEST_TEXT),
    _STP,
)
SPOT_ORDER_1_1: Final = (
    *(_decimal("quantity", "in base") if one.name == "quantity" else one for one in SPOT_ORDER),
    _decimal("amount", "quote money of a market order, in place of a quantity"),
)
_PLAIN_OR_FOUR: Final = (*contracts.SIDES, *read.SIDES)
CONTRACT_ORDER: Final = (
    _SYMBOL.must(),
    _words("side", contracts.SIDES).must(),
    _words("type", contracts.KINDS).must(),
    _decimal("quantity", "contracts; a fraction of one is dropped").must(),
    _decimal("price", "of all but market orders"),
    _words("priceType", contracts.PRICE_TYPES, "INPUT"),
    _words("timeInForce", contracts.TIMES_IN_FORCE, "GTC"),
    _text("clientOrderId", longest=read.LONGEST_TEXT).must(),
    _STP,
    _decimal("stopPrice", "of a STOP"),
)
_KIND: Final = _words("type", contracts.KINDS)
_OPEN: Final = (_FROM_ORDER, _ORDER_ID._replace(meaning="an older name of fromOrderId"))
_SPOT_LIST: Final = (_SYMBOL, _SIDE, _limit(spot.LIST_DEFAULT, spot.LIST_MOST))
_FINISHED: Final = (*_TIMES, _FROM_ORDER, *_SPOT_LIST)
_FILLS: Final = (_SYMBOL, *_TIMES, *_BETWEEN, _text("clientOrderId", longest=read.LONGEST_TEXT))
_SPOT_FILLS: Final = (*_FILLS, _limit(500, 1000))
_CONTRACT_FILLS: Final = (*_FILLS, _limit(futures_fills.LIST_DEFAULT, futures_fills.LIST_MOST))
_CONTRACT_LIST: Final = (
    _SYMBOL.must(),
    _KIND.must(),
    _FROM_ORDER,
    _limit(futures.ORDERS_DEFAULT, futures.ORDERS_MOST),
)
_IDS: Final = _text("ids", "order ids, separated by commas").must()
_FLOWS: Final = (_COIN, *_TIMES, _limit(wallet.LIST_DEFAULT, wallet.LIST_MOST))
_DEPTH: Final = (_SYMBOL.must(), _limit(public.DEPTH_DEFAULT, public.DEPTH_MOST))
_CHAIN: Final = _text("chainType").must()
_LISTEN_KEY: Final = _text("listenKey").must()
_NUMBER: Final = {"type": "integer"}

TAKES: Final[dict[tuple[str, str], Params]] = {
    # 2: public
    ("GET", "/api/v1/ping"): (),
    ("GET", "/api/v1/time"): (),
    ("GET", "/api/v1/exchangeInfo"): (_SYMBOL,),
    ("GET", "/api/v1/coinInfo"): (_text("coinId").must(),),
    ("GET", "/quote/v1/depth"): _DEPTH,
    ("GET", "/quote/v1/depth/merged"): (
        *_DEPTH,
        Param("scale", {"type": "integer", "minimum": -public.SCALE_MOST, "maximum": public.SCALE_MOST}),
    ),
    ("GET", "/quote/v1/trades"): (_SYMBOL.must(), _limit(public.TRADES_MOST, public.TRADES_MOST)),
    ("GET", "/quote/v1/klines"): (
        _SYMBOL.must(),
        _words("interval", INTERVALS).must(),
        Param("startTime", _NUMBER),
        Param("endTime", _NUMBER),
        _limit(public.KLINES_DEFAULT, public.KLINES_MOST),
    ),
    ("GET", "/quote/v1/ticker/24hr"): (_SYMBOL, _words("instType", public.INSTRUMENT_TYPES, "SPOT")),
    ("GET", "/quote/v1/ticker/price"): (_SYMBOL,),
    ("GET", "/quote/v1/ticker/bookTicker"): (_SYMBOL.must(),),
    ("GET", "/quote/v1/markPrice"): (_SYMBOL.must(),),
    ("GET", "/quote/v1/index"): (_text("symbol", "an index's own name"),),
    ("GET", "/api/v1/futures/fundingRate"): (_whole("timestamp").must(), _SYMBOL),
    ("GET", "/api/v1/futures/historyFundingRate"): (
        _SYMBOL.must(),
        _whole("fromId", "only greater ids"),
        _whole("endId", "only smaller ids"),
        _limit(funding.HISTORY_DEFAULT, funding.HISTORY_MOST),
    ),
    # 3: spot trading
    ("POST", "/api/v1/spot/orderTest"): SPOT_ORDER,
    ("POST", "/api/v1/spot/order"): SPOT_ORDER,
    ("POST", "/api/v1.1/spot/order"): SPOT_ORDER_1_1,
    ("POST", "/api/v1/spot/batchOrders"): (),
    ("POST", "/api/v1.1/spot/batchOrders"): (),
    ("DELETE", "/api/v1/spot/order"): _NAMED,
    ("DELETE", "/api/v1/spot/openOrders"): (_SYMBOL.must(), _SIDE),
    ("DELETE", "/api/v1/spot/cancelAllOpenOrders"): (
        _SYMBOL,
        _SIDE,
        _FROM_ORDER,
        _limit(spot.CANCEL_DEFAULT, spot.CANCEL_MOST),
    ),
    ("DELETE", "/api/v1/spot/cancelOrderByIds"): (_IDS,),
    ("GET", "/api/v1/spot/order"): (_ACCOUNT, *_NAMED),
    ("GET", "/api/v1/spot/openOrders"): (_ACCOUNT, *_OPEN, *_SPOT_LIST),
    ("GET", "/api/v1/spot/tradeOrders"): (_ACCOUNT, *_FINISHED),
    # 4: futures trading
    ("POST", "/api/v1/futures/order"): CONTRACT_ORDER,
    ("POST", "/api/v1/futures/batchOrders"): (),
    ("DELETE", "/api/v1/futures/order"): (*_NAMED, _KIND.must()),
    ("DELETE", "/api/v1/futures/batchOrders"): (_SYMBOL.must(), _words("side", _PLAIN_OR_FOUR)),
    ("DELETE", "/api/v1/futures/cancelAllOpenOrders"): (
        _SYMBOL,
        _words("side", _PLAIN_OR_FOUR),
        _FROM_ORDER,
        _limit(futures.CANCEL_DEFAULT, futures.CANCEL_MOST),
    ),
    ("DELETE", "/api/v1/futures/cancelOrderByIds"): (_IDS,),
    ("GET", "/api/v1/futures/order"): (*_NAMED, _words("type", contracts.KINDS, contracts.LIMIT_TYPE)),
    ("GET", "/api/v1/futures/openOrders"): _CONTRACT_LIST,
    ("GET", "/api/v1/futures/historyOrders"): (*_CONTRACT_LIST, *_TIMES),
    ("GET", "/api/v1/futures/userTrades"): _CONTRACT_FILLS,
    ("GET", "/api/v1/futures/positions"): (_SYMBOL, _words("side", read.POSITION_SIDES)),
    ("POST", "/api/v1/futures/positionMargin"): (
        _SYMBOL.must(),
        _words("side", read.POSITION_SIDES).must(),
        _decimal("amount", "to add; negative: to take back").must(),
    ),
    ("POST", "/api/v1/futures/position/trading-stop"): (
        _SYMBOL.must(),
        _words("side", read.POSITION_SIDES).must(),
        _decimal("takeProfit", "0 removes it"),
        _decimal("stopLoss", "0 removes it"),
        _words("tpTriggerBy", positions.TRIGGERS, "CONTRACT_PRICE"),
        _words("slTriggerBy", positions.TRIGGERS, "CONTRACT_PRICE"),
        _decimal("tpSize", "contracts; none: the whole position"),
        _decimal("slSize", "contracts; none: the whole position"),
    ),
    ("GET", "/api/v1/futures/balance"): (),
    ("GET", "/api/v1/futures/leverage"): (_SYMBOL.must(),),
    ("POST", "/api/v1/futures/leverage"): (_SYMBOL.must(), _whole("leverage").must()),
    ("POST", "/api/v1/futures/marginType"): (_SYMBOL.must(), _words("marginType", settings.MODES).must()),
    ("GET", "/api/v1/futures/commissionRate"): (_SYMBOL.must(),),
    ("GET", "/api/v1/futures/riskLimit"): (_SYMBOL.must(),),
    ("GET", "/api/v1/futures/getBestOrder"): (_SYMBOL.must(),),
    ("GET", "/api/v1/futures/liquidationAssignStatus"): (),
    # 5: account
    ("GET", "/api/v1/account"): (_ACCOUNT,),
    ("GET", "/api/v1/account/trades"): (_ACCOUNT, *_SPOT_FILLS),
    ("GET", "/api/v1/account/type"): (),
    ("POST", "/api/v1/account/assetTransfer"): (
        _text("fromAccountId").must(),
        _text("toAccountId").must(),
        _COIN.must(),
        _decimal("quantity").must(),
        _text("clientOrderId", longest=flows.LONGEST_TRANSFER_ID),
    ),
    ("GET", "/api/v1/account/checkApiKey"): (),
    ("GET", "/api/v1/account/vipInfo"): (_text("symbols", "separated by commas; none: all"),),
    ("GET", "/api/v1/account/balanceFlow"): (
        *(one.must() for one in _TIMES),
        _words("flowType", sorted(flows.KNOWN)),
        _words("accountType", LABELS),
        _COIN,
        _limit(flows.LIST_DEFAULT, flows.LIST_MOST),
    ),
    ("GET", "/api/v1/account/chainType"): (_text("coinId").must(),),
    ("GET", "/api/v1/hsk/deductionSwitch"): (),
    ("POST", "/api/v1/hsk/deductionSwitch"): (_whole("deductionSwitch", "0: it can only stay off").must(),),
    ("GET", "/api/v1/affiliate/inviteeInfo"): (),
    # 6: wallet and sub-accounts
    ("GET", "/api/v1/account/deposit/address"): (_COIN.must(), _CHAIN),
    ("GET", "/api/v1/account/depositOrders"): _FLOWS,
    ("GET", "/api/v1/account/withdrawOrders"): _FLOWS,
    ("POST", "/api/v1/account/withdraw"): (
        _COIN.must(),
        _text("address", longest=read.LONGEST_TEXT).must(),
        _CHAIN,
        _decimal("quantity").must(),
        *(_text(name, longest=read.LONGEST_TEXT) for name in ("clientOrderId", "remark", "platform")),
    ),
    ("POST", "/api/v1/account/authAddress"): (_text("txid").must(),),
    ("GET", "/api/v1/spot/subAccount/openOrders"): (_SUB_ACCOUNT, *_OPEN, *_SPOT_LIST),
    ("GET", "/api/v1/spot/subAccount/tradeOrders"): (_SUB_ACCOUNT, *_FINISHED),
    ("GET", "/api/v1/futures/subAccount/openOrders"): (_SUB_ACCOUNT, *_CONTRACT_LIST),
    ("GET", "/api/v1/futures/subAccount/historyOrders"): (_SUB_ACCOUNT, *_CONTRACT_LIST, *_TIMES),
    ("GET", "/api/v1/futures/subAccount/userTrades"): (_SUB_ACCOUNT, *_CONTRACT_FILLS),
    ("GET", "/api/v1/subAccount/trades"): (_SUB_ACCOUNT, *_SPOT_FILLS),
    # 7: user data stream
    ("POST", "/api/v1/userDataStream"): (),
    ("PUT", "/api/v1/userDataStream"): (_LISTEN_KEY,),
    ("DELETE", "/api/v1/userDataStream"): (_LISTEN_KEY,),
}

ITEMS: Final[dict[tuple[str, str], Params]] = {
    ("POST", "/api/v1/spot/batchOrders"): SPOT_ORDER,
    ("POST", "/api/v1.1/spot/batchOrders"): SPOT_ORDER_1_1,
    ("POST", "/api/v1/futures/batchOrders"): CONTRACT_ORDER,
}
"""What an order of a batch says."""
