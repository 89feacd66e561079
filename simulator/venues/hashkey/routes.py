"""The REST table: every call that is answered, who may make it, and what it costs.

Paths and weights are those of hashkey-rest.md 2 to 7 and hashkey-errors-and-limits.md 5 (the
documented weight where there is one). Everything that is not in this table is an unknown path.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

from simulator.venues.hashkey import account, flows, funding, futures, public, spot, streams, wallet
from simulator.venues.hashkey import futures_fills as fills
from simulator.venues.hashkey import futures_positions as positions
from simulator.venues.hashkey import futures_settings as settings
from simulator.venues.hashkey.desk import Endpoint


class Security(Enum):
    """Who may call (HashKey REST 1.4)."""

    NONE = auto()
    SIGNED = auto()
    # Signed, or with a living listen key and no API key: Hummingbot's renewal is unsigned (HashKey REST 7).
    LISTEN_KEY = auto()


class Kind(Enum):
    """What a call is counted as by the optional rate limits (errors and limits 5)."""

    PUBLIC = "public"
    QUERY = "query"
    ORDER = "order"


class Route(NamedTuple):
    """One call. ``writes`` needs a key with trade permission; ``json_body``: the orders are a JSON array."""

    method: str
    path: str
    endpoint: Endpoint
    security: Security
    kind: Kind
    weight: int = 1
    writes: bool = False
    json_body: bool = False


NONE, SIGNED, LISTEN_KEY = Security.NONE, Security.SIGNED, Security.LISTEN_KEY
PUBLIC, QUERY, ORDER = Kind.PUBLIC, Kind.QUERY, Kind.ORDER

TABLE: Final = (
    # 2: public
    Route("GET", "/api/v1/ping", public.ping, NONE, PUBLIC),
    Route("GET", "/api/v1/time", public.server_time, NONE, PUBLIC),
    Route("GET", "/api/v1/exchangeInfo", public.exchange_info, NONE, PUBLIC, 5),
    Route("GET", "/api/v1/coinInfo", public.coin_info, NONE, PUBLIC),
    Route("GET", "/quote/v1/depth", public.depth, NONE, PUBLIC),
    Route("GET", "/quote/v1/depth/merged", public.merged_depth, NONE, PUBLIC),
    Route("GET", "/quote/v1/trades", public.trades, NONE, PUBLIC),
    Route("GET", "/quote/v1/klines", public.klines, NONE, PUBLIC),
    Route("GET", "/quote/v1/ticker/24hr", public.ticker_24hr, NONE, PUBLIC),
    Route("GET", "/quote/v1/ticker/price", public.ticker_price, NONE, PUBLIC),
    Route("GET", "/quote/v1/ticker/bookTicker", public.book_ticker, NONE, PUBLIC),
    Route("GET", "/quote/v1/markPrice", public.mark_price, NONE, PUBLIC),
    Route("GET", "/quote/v1/index", public.index, NONE, PUBLIC),
    Route("GET", "/api/v1/futures/fundingRate", funding.rates, NONE, PUBLIC),
    Route("GET", "/api/v1/futures/historyFundingRate", funding.history, NONE, PUBLIC),
    # 3: spot trading
    Route("POST", "/api/v1/spot/orderTest", spot.test_order, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1/spot/order", spot.create_v1, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1.1/spot/order", spot.create_v1_1, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1/spot/batchOrders", spot.batch_v1, SIGNED, ORDER, writes=True, json_body=True),
    Route("POST", "/api/v1.1/spot/batchOrders", spot.batch_v1_1, SIGNED, ORDER, writes=True, json_body=True),
    Route("DELETE", "/api/v1/spot/order", spot.cancel, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/spot/openOrders", spot.cancel_open, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/spot/cancelAllOpenOrders", spot.cancel_all, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/spot/cancelOrderByIds", spot.cancel_by_ids, SIGNED, ORDER, writes=True),
    Route("GET", "/api/v1/spot/order", spot.query, SIGNED, QUERY),
    Route("GET", "/api/v1/spot/openOrders", spot.open_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/spot/tradeOrders", spot.trade_orders, SIGNED, QUERY, 5),
    # 4: futures trading
    Route("POST", "/api/v1/futures/order", futures.create, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1/futures/batchOrders", futures.batch, SIGNED, ORDER, writes=True, json_body=True),
    Route("DELETE", "/api/v1/futures/order", futures.cancel, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/futures/batchOrders", futures.cancel_open, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/futures/cancelAllOpenOrders", futures.cancel_all, SIGNED, ORDER, writes=True),
    Route("DELETE", "/api/v1/futures/cancelOrderByIds", futures.cancel_by_ids, SIGNED, ORDER, writes=True),
    Route("GET", "/api/v1/futures/order", futures.query, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/openOrders", futures.open_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/historyOrders", futures.history_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/userTrades", fills.user_trades, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/positions", positions.positions, SIGNED, QUERY),
    Route("POST", "/api/v1/futures/positionMargin", positions.change_margin, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1/futures/position/trading-stop", positions.trading_stop, SIGNED, ORDER, 3, writes=True),
    Route("GET", "/api/v1/futures/balance", positions.balance, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/leverage", settings.leverage, SIGNED, QUERY),
    Route("POST", "/api/v1/futures/leverage", settings.set_leverage, SIGNED, ORDER, writes=True),
    Route("POST", "/api/v1/futures/marginType", settings.set_margin_type, SIGNED, ORDER, writes=True),
    Route("GET", "/api/v1/futures/commissionRate", settings.commission_rate, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/riskLimit", settings.risk_limit, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/getBestOrder", settings.best_order, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/liquidationAssignStatus", settings.liquidation_assign_status, SIGNED, QUERY),
    # 5: account
    Route("GET", "/api/v1/account", account.balances, SIGNED, QUERY, 5),
    Route("GET", "/api/v1/account/trades", account.trades, SIGNED, QUERY, 5),
    Route("GET", "/api/v1/account/type", account.account_types, SIGNED, QUERY, 5),
    Route("POST", "/api/v1/account/assetTransfer", flows.transfer, SIGNED, QUERY, writes=True),
    Route("GET", "/api/v1/account/checkApiKey", account.check_api_key, SIGNED, QUERY),
    Route("GET", "/api/v1/account/vipInfo", account.vip_info, SIGNED, QUERY, 5),
    Route("GET", "/api/v1/account/balanceFlow", flows.balance_flow, SIGNED, QUERY, 3),
    Route("GET", "/api/v1/account/chainType", wallet.chain_types, SIGNED, QUERY),
    Route("GET", "/api/v1/hsk/deductionSwitch", account.fee_deduction, SIGNED, QUERY),
    Route("POST", "/api/v1/hsk/deductionSwitch", account.set_fee_deduction, SIGNED, QUERY, writes=True),
    Route("GET", "/api/v1/affiliate/inviteeInfo", account.invitees, SIGNED, QUERY),
    # 6: wallet and sub-accounts
    Route("GET", "/api/v1/account/deposit/address", wallet.deposit_address, SIGNED, QUERY),
    Route("GET", "/api/v1/account/depositOrders", wallet.deposits, SIGNED, QUERY, 5),
    Route("GET", "/api/v1/account/withdrawOrders", wallet.withdrawals, SIGNED, QUERY, 5),
    Route("POST", "/api/v1/account/withdraw", wallet.withdraw, SIGNED, QUERY, writes=True),
    Route("POST", "/api/v1/account/authAddress", wallet.authorize_address, SIGNED, QUERY, writes=True),
    Route("GET", "/api/v1/spot/subAccount/openOrders", spot.sub_account_open_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/spot/subAccount/tradeOrders", spot.sub_account_trade_orders, SIGNED, QUERY, 5),
    Route("GET", "/api/v1/futures/subAccount/openOrders", futures.sub_account_open_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/subAccount/historyOrders", futures.sub_account_history_orders, SIGNED, QUERY),
    Route("GET", "/api/v1/futures/subAccount/userTrades", fills.sub_account_user_trades, SIGNED, QUERY),
    Route("GET", "/api/v1/subAccount/trades", account.sub_account_trades, SIGNED, QUERY, 5),
    # 7: user data stream
    Route("POST", "/api/v1/userDataStream", streams.create, SIGNED, QUERY),
    Route("PUT", "/api/v1/userDataStream", streams.renew, LISTEN_KEY, QUERY),
    Route("DELETE", "/api/v1/userDataStream", streams.delete, LISTEN_KEY, QUERY),
)

ROUTES: Final = {(row.method, row.path): row for row in TABLE}
