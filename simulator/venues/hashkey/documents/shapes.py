"""What the REST routes answer when they succeed, as types: members and words of real-response-shapes.md.

For the documents only. Where the code makes an answer of a struct, that struct is its own description.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias, TypedDict

import msgspec

from simulator.core.orders import (
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from simulator.venues.hashkey.orders import Canceled, Created
from simulator.venues.schemas import REF, Digits, Number

FourSides: TypeAlias = Literal["BUY_OPEN", "BUY_CLOSE", "SELL_OPEN", "SELL_CLOSE"]
Trigger: TypeAlias = Literal["CONTRACT_PRICE", "MARK_PRICE"]
Level: TypeAlias = Annotated[list[Number], msgspec.Meta(min_length=2, max_length=2)]
"""Price and size. A list, for readers of OpenAPI 3.1 that do not know ``prefixItems`` yet."""
Done: TypeAlias = Literal["0000"]


def _open(*names: str) -> Any:
    """An object with these members and whatever else the venue's own row has, which goes out as it came in."""
    return msgspec.Meta(
        extra_json_schema={
            "required": list(names),
            "properties": {name: {"type": "string"} for name in names},
            "additionalProperties": True,
        }
    )


Listing: TypeAlias = Annotated[dict[str, Any], _open("symbol", "status", "baseAsset", "quoteAsset", "tradeStatus")]
Coin: TypeAlias = Annotated[dict[str, Any], _open("coinId", "coinName", "tokenType")]


class Empty(TypedDict):
    """Nothing: it was done."""


class ServerTime(TypedDict):
    """HashKey REST 2.2: a number."""

    serverTime: int


class ExchangeInfo(TypedDict):
    """HashKey REST 2.3, without a symbol."""

    timezone: str
    serverTime: Digits
    brokerFilters: list[Any]
    symbols: list[Listing]
    options: list[Any]
    contracts: list[Listing]
    coins: list[Coin]
    site: str


class CoinInfo(TypedDict):
    """One coin."""

    timezone: str
    serverTime: Digits
    coins: list[Coin]


class Depth(TypedDict):
    """HashKey REST 2.4: levels of price and size, best first."""

    t: int
    b: list[Level]
    a: list[Level]


class Trade(TypedDict):
    """HashKey REST 2.6; ``ibm``: the buyer was the maker."""

    t: int
    p: Number
    q: Number
    ibm: bool


Kline: TypeAlias = Annotated[list[int | Number], msgspec.Meta(min_length=11, max_length=11)]
"""HashKey REST 2.7: start, open, high, low, close, volume, 0, cash, trades, and of these what takers bought."""


class DayTicker(TypedDict):
    """HashKey REST 2.8."""

    t: int
    s: str
    c: Number
    h: Number
    l: Number
    o: Number
    b: Number
    a: Number
    v: Number
    qv: Number
    it: Literal["SPOT", "FUTURES"]


class PriceTicker(TypedDict):
    """HashKey REST 2.9."""

    s: str
    p: Number


class BookTicker(TypedDict):
    """HashKey REST 2.10."""

    s: str
    b: Number
    bq: Number
    a: Number
    aq: Number
    t: int


class MarkPrice(TypedDict):
    """HashKey REST 2.11."""

    exchangeId: int
    symbolId: str
    price: Number
    time: int


class Indexes(TypedDict):
    """HashKey REST 2.12: by an index's name; ``edp`` is a mean."""

    index: dict[str, Number]
    edp: dict[str, Number]


class FundingRate(TypedDict):
    """HashKey REST 2.13."""

    symbol: str
    rate: Number
    nextSettleTime: Digits


class Settlement(TypedDict):
    """HashKey REST 2.14."""

    id: Digits
    symbol: str
    settleTime: Digits
    settleRate: Number


class Failed(TypedDict):
    """An order of a batch that was refused."""

    code: str
    msg: str


def _either(*names: str) -> Any:
    """One of these, for which Python's type would be a union of dicts that msgspec does not describe."""
    return msgspec.Meta(extra_json_schema={"anyOf": [{"$ref": REF.format(name=name)} for name in names]})


class SpotPlaced(TypedDict):
    """An order of a batch that was accepted."""

    code: Done
    order: Created


class SpotBatch(TypedDict):
    """HashKey REST 3.4: in the order of the request."""

    code: Literal[0]
    result: list[Annotated[Any, _either("SpotPlaced", "Failed")]]
    concentration: str


class Success(TypedDict):
    """HashKey REST 3.6."""

    success: bool


class CanceledAll(TypedDict):
    """HashKey REST 3.7."""

    code: Done
    message: str
    timestamp: int
    lastOrderId: Digits


class NotCanceled(TypedDict):
    """An id whose order could not be cancelled."""

    orderId: str
    code: str


class CanceledIds(TypedDict):
    """HashKey REST 3.8: the failures."""

    code: Done
    result: list[NotCanceled]


class SpotOrder(TypedDict):
    """Real shapes 4.5: a row of a list."""

    accountId: Digits
    exchangeId: Digits
    symbol: str
    symbolName: str
    clientOrderId: str
    orderId: Digits
    price: Number
    origQty: Number
    executedQty: Number
    cummulativeQuoteQty: Number
    cumulativeQuoteQty: Number
    avgPrice: Number
    status: OrderStatus
    timeInForce: TimeInForce
    type: OrderType
    side: Side
    stopPrice: Number
    icebergQty: Number
    time: Digits
    updateTime: Digits
    isWorking: bool
    reqAmount: Number
    ordCxlReason: str
    stpMode: SelfTradePrevention


class SpotOrderAlone(SpotOrder):
    """Real shapes 4.4: with its three dead fee members."""

    feeCoin: str
    feeAmount: Number
    sumFeeAmount: Number


class ContractOrderSeed(TypedDict):
    """The 16 members that all shapes of an order share."""

    time: Digits
    updateTime: Digits
    orderId: Digits
    clientOrderId: str
    symbol: str
    price: Number
    leverage: Digits
    origQty: Number
    executedQty: Number
    avgPrice: Number
    marginLocked: Number
    type: Literal["LIMIT", "LIMIT_MAKER"]
    side: FourSides
    timeInForce: TimeInForce
    status: OrderStatus
    priceType: Literal["INPUT", "MARKET"]


class ContractCreated(ContractOrderSeed):
    """Real shapes 5.1."""

    contractMultiplier: Number


class ContractOrder(ContractOrderSeed):
    """Real shapes 5.3."""

    isLiquidationOrder: bool
    indexPrice: Number
    liquidationType: Literal["", "LIQUIDATION_TAKER"]


class StopOrder(TypedDict):
    """Real shapes 5.2: an order that waits for a price."""

    time: Digits
    updateTime: Digits
    orderId: Digits
    accountId: Digits
    clientOrderId: str
    symbol: str
    price: Number
    leverage: Digits
    origQty: Number
    type: Literal["STOP"]
    side: FourSides
    status: Literal["ORDER_NEW", "ORDER_FILLED", "ORDER_FAILED", "ORDER_CANCELED"]
    stopPrice: Number


class ContractPlaced(TypedDict):
    """An order of a batch that was accepted."""

    code: Done
    order: ContractOrder


class ContractBatch(TypedDict):
    """HashKey REST 4.2: in the order of the request."""

    code: Done
    result: list[Annotated[Any, _either("ContractPlaced", "Failed")]]


class CanceledSymbol(TypedDict):
    """Real shapes 5.5."""

    message: str
    timestamp: Digits
    code: Done


class ContractFill(TypedDict):
    """Real shapes 5.6."""

    time: Digits
    tradeId: Digits
    orderId: Digits
    symbol: str
    price: Number
    quantity: Number
    commissionAsset: str
    commission: Number
    makerRebate: Number
    type: Literal["LIMIT", "LIMIT_MAKER", "MARKET"]
    side: FourSides
    realizedPnl: Number
    isMarker: bool
    isMaker: bool
    ticketId: Digits


class Position(TypedDict):
    """Real shapes 5.7."""

    symbol: str
    side: PositionSide
    avgPrice: Number
    position: Number
    available: Number
    leverage: Digits
    lastPrice: Number
    positionValue: Number
    liquidationPrice: Number
    margin: Number
    marginRate: str
    unrealizedPnL: Number
    profitRate: Number
    realizedPnL: Number
    minMargin: Number
    updateTime: Digits
    marginType: MarginMode


class FuturesBalance(TypedDict):
    """Real shapes 5.8."""

    balance: Number
    availableBalance: Number
    positionMargin: Number
    orderMargin: Number
    asset: str
    crossUnRealizedPnl: Number


class MarginChanged(TypedDict):
    """HashKey REST 4.14."""

    code: Done
    symbol: str
    margin: Number
    timestamp: Digits


class PositionStops(TypedDict):
    """HashKey REST 4.15."""

    symbol: str
    side: PositionSide
    takeProfit: Number
    stopLoss: Number
    tpTriggerBy: Trigger
    slTriggerBy: Trigger
    tpSize: Number
    slSize: Number


class Leverage(TypedDict):
    """HashKey REST 4.11."""

    symbolId: str
    leverage: Digits
    marginType: MarginMode


class LeverageSet(TypedDict):
    """HashKey REST 4.12."""

    code: Done
    symbolId: str
    leverage: Digits


class MarginTypeSet(TypedDict):
    """HashKey REST 4.13."""

    code: Done
    symbolId: str
    marginType: MarginMode


class ContractFees(TypedDict):
    """HashKey REST 4.17."""

    openMakerFee: Number
    openTakerFee: Number
    closeMakerFee: Number
    closeTakerFee: Number


class RiskLimit(TypedDict):
    """HashKey REST 4.18."""

    riskLimitId: Digits
    riskLimitAmount: Number
    maintainMargin: Number
    initialMargin: Number
    side: Literal["BUY_OPEN", "SELL_OPEN"]


class BestLevel(TypedDict):
    """The best of one side."""

    price: Number
    quantity: Number


class BestOrder(TypedDict):
    """HashKey REST 4.19."""

    price: Number
    bid: BestLevel
    ask: BestLevel


class SpotBalance(TypedDict):
    """One asset."""

    asset: str
    assetId: str
    assetName: str
    total: Number
    free: Number
    locked: Number


class SpotAccount(TypedDict):
    """HashKey REST 5.1."""

    balances: list[SpotBalance]
    userId: Digits


class Fee(TypedDict):
    """A fee once more."""

    feeCoinId: str
    feeCoinName: str
    fee: Number


class SpotFill(TypedDict):
    """Real shapes 4.7."""

    id: Digits
    clientOrderId: str
    ticketId: Digits
    symbol: str
    symbolName: str
    orderId: Digits
    matchOrderId: Digits
    price: Number
    qty: Number
    commission: Number
    commissionAsset: str
    time: Digits
    isBuyer: bool
    isMaker: bool
    fee: Fee
    feeCoinId: str
    feeAmount: Number
    makerRebate: Number


class AccountType(TypedDict):
    """HashKey REST 5.3."""

    accountId: Digits
    accountLabel: str
    accountType: Literal[1, 3, 5, 6]
    accountIndex: int


class Transferred(TypedDict):
    """HashKey REST 5.4."""

    success: bool
    timestamp: int
    clientOrderId: str
    orderId: Digits


class KeyKind(TypedDict):
    """HashKey REST 5.5."""

    accountType: str


class SymbolFees(TypedDict):
    """What a symbol costs."""

    symbol: str
    productType: str
    buyMakerFeeCurrency: str
    buyTakerFeeCurrency: str
    sellMakerFeeCurrency: str
    sellTakerFeeCurrency: str
    actualMakerRate: Number
    actualTakerRate: Number


class VipInfo(TypedDict):
    """HashKey REST 5.6."""

    code: Literal[0]
    vipLevel: Digits
    tradeVol30Day: Number
    totalAssetBal: Number
    data: list[SymbolFees]
    updateTimestamp: Digits


class BalanceFlow(TypedDict):
    """HashKey REST 5.7."""

    id: Digits
    accountId: Digits
    coin: str
    coinId: str
    coinName: str
    flowTypeValue: int
    flowType: str
    flowName: str
    change: Number
    total: Number
    created: Digits


class ChainTypes(TypedDict):
    """HashKey REST 5.8."""

    coinId: str
    coinName: str
    chainTypeList: list[str]


class DeductionSwitch(TypedDict):
    """HashKey REST 5.9."""

    deductionSwitch: int
    updateTime: Digits


class DepositAddress(TypedDict):
    """Real shapes 6."""

    canDeposit: bool
    address: str
    addressExt: str
    minQuantity: Number
    needAddressTag: bool
    requiredConfirmTimes: int
    canWithdrawConfirmTimes: int
    coinType: str


class DepositRow(TypedDict):
    """HashKey REST 6."""

    time: Digits
    coin: str
    coinName: str
    address: str
    quantity: Number
    status: int
    statusCode: Digits
    txId: str


class WithdrawalRow(TypedDict):
    """Real shapes 6."""

    time: Digits
    id: str
    coin: str
    coinId: str
    coinName: str
    address: str
    quantity: Number
    arriveQuantity: Number
    txId: str
    addressUrl: str
    feeCoinId: str
    feeCoinName: str
    fee: Number
    remark: str
    platform: str


class Withdrawn(TypedDict):
    """HashKey REST 6."""

    success: bool
    id: Digits
    orderId: str
    accountId: Digits


class Authorized(TypedDict):
    """HashKey REST 6."""

    success: bool
    msg: str
    timestamp: Digits


class ListenKey(TypedDict):
    """HashKey REST 7."""

    listenKey: str


NAMED: Final = (SpotPlaced, ContractPlaced, Failed)
"""Types that others mean by their names."""

GIVES: Final[dict[tuple[str, str], Any]] = {
    # 2: public
    ("GET", "/api/v1/ping"): Empty,
    ("GET", "/api/v1/time"): ServerTime,
    ("GET", "/api/v1/exchangeInfo"): ExchangeInfo | Listing,
    ("GET", "/api/v1/coinInfo"): CoinInfo,
    ("GET", "/quote/v1/depth"): Depth,
    ("GET", "/quote/v1/depth/merged"): Depth,
    ("GET", "/quote/v1/trades"): list[Trade],
    ("GET", "/quote/v1/klines"): list[Kline],
    ("GET", "/quote/v1/ticker/24hr"): list[DayTicker],
    ("GET", "/quote/v1/ticker/price"): list[PriceTicker],
    ("GET", "/quote/v1/ticker/bookTicker"): list[BookTicker],
    ("GET", "/quote/v1/markPrice"): MarkPrice,
    ("GET", "/quote/v1/index"): Indexes,
    ("GET", "/api/v1/futures/fundingRate"): list[FundingRate],
    ("GET", "/api/v1/futures/historyFundingRate"): list[Settlement],
    # 3: spot trading
    ("POST", "/api/v1/spot/orderTest"): Empty,
    ("POST", "/api/v1/spot/order"): Created,
    ("POST", "/api/v1.1/spot/order"): Created,
    ("POST", "/api/v1/spot/batchOrders"): SpotBatch,
    ("POST", "/api/v1.1/spot/batchOrders"): SpotBatch,
    ("DELETE", "/api/v1/spot/order"): Canceled,
    ("DELETE", "/api/v1/spot/openOrders"): Success,
    ("DELETE", "/api/v1/spot/cancelAllOpenOrders"): CanceledAll,
    ("DELETE", "/api/v1/spot/cancelOrderByIds"): CanceledIds,
    ("GET", "/api/v1/spot/order"): SpotOrderAlone,
    ("GET", "/api/v1/spot/openOrders"): list[SpotOrder],
    ("GET", "/api/v1/spot/tradeOrders"): list[SpotOrder],
    # 4: futures trading
    ("POST", "/api/v1/futures/order"): ContractCreated | StopOrder,
    ("POST", "/api/v1/futures/batchOrders"): ContractBatch,
    ("DELETE", "/api/v1/futures/order"): ContractOrder | StopOrder,
    ("DELETE", "/api/v1/futures/batchOrders"): CanceledSymbol,
    ("DELETE", "/api/v1/futures/cancelAllOpenOrders"): CanceledAll,
    ("DELETE", "/api/v1/futures/cancelOrderByIds"): CanceledIds,
    ("GET", "/api/v1/futures/order"): ContractOrder | StopOrder,
    ("GET", "/api/v1/futures/openOrders"): list[ContractOrder] | list[StopOrder],
    ("GET", "/api/v1/futures/historyOrders"): list[ContractOrder] | list[StopOrder],
    ("GET", "/api/v1/futures/userTrades"): list[ContractFill],
    ("GET", "/api/v1/futures/positions"): list[Position],
    ("POST", "/api/v1/futures/positionMargin"): MarginChanged,
    ("POST", "/api/v1/futures/position/trading-stop"): PositionStops,
    ("GET", "/api/v1/futures/balance"): list[FuturesBalance],
    ("GET", "/api/v1/futures/leverage"): list[Leverage],
    ("POST", "/api/v1/futures/leverage"): LeverageSet,
    ("POST", "/api/v1/futures/marginType"): MarginTypeSet,
    ("GET", "/api/v1/futures/commissionRate"): ContractFees,
    ("GET", "/api/v1/futures/riskLimit"): list[RiskLimit],
    ("GET", "/api/v1/futures/getBestOrder"): BestOrder,
    ("GET", "/api/v1/futures/liquidationAssignStatus"): list[Any],
    # 5: account
    ("GET", "/api/v1/account"): SpotAccount,
    ("GET", "/api/v1/account/trades"): list[SpotFill],
    ("GET", "/api/v1/account/type"): list[AccountType],
    ("POST", "/api/v1/account/assetTransfer"): Transferred,
    ("GET", "/api/v1/account/checkApiKey"): KeyKind,
    ("GET", "/api/v1/account/vipInfo"): VipInfo,
    ("GET", "/api/v1/account/balanceFlow"): list[BalanceFlow],
    ("GET", "/api/v1/account/chainType"): list[ChainTypes],
    ("GET", "/api/v1/hsk/deductionSwitch"): DeductionSwitch,
    ("POST", "/api/v1/hsk/deductionSwitch"): DeductionSwitch,
    ("GET", "/api/v1/affiliate/inviteeInfo"): list[Any],
    # 6: wallet and sub-accounts
    ("GET", "/api/v1/account/deposit/address"): DepositAddress,
    ("GET", "/api/v1/account/depositOrders"): list[DepositRow],
    ("GET", "/api/v1/account/withdrawOrders"): list[WithdrawalRow],
    ("POST", "/api/v1/account/withdraw"): Withdrawn,
    ("POST", "/api/v1/account/authAddress"): Authorized,
    ("GET", "/api/v1/spot/subAccount/openOrders"): list[SpotOrder],
    ("GET", "/api/v1/spot/subAccount/tradeOrders"): list[SpotOrder],
    ("GET", "/api/v1/futures/subAccount/openOrders"): list[ContractOrder] | list[StopOrder],
    ("GET", "/api/v1/futures/subAccount/historyOrders"): list[ContractOrder] | list[StopOrder],
    ("GET", "/api/v1/futures/subAccount/userTrades"): list[ContractFill],
    ("GET", "/api/v1/subAccount/trades"): list[SpotFill],
    # 7: user data stream
    ("POST", "/api/v1/userDataStream"): ListenKey,
    ("PUT", "/api/v1/userDataStream"): Empty,
    ("DELETE", "/api/v1/userDataStream"): Empty,
}
