"""Every reason for which the exchange says no, in one enum. A venue's error table has a row for each."""

from __future__ import annotations

from enum import Enum, auto


class RejectReason(Enum):
    """Named after what is wrong, not after who asked."""

    UNKNOWN_ACCOUNT = auto()
    UNKNOWN_SYMBOL = auto()
    UNKNOWN_ASSET = auto()
    DUPLICATE_ACCOUNT = auto()
    DUPLICATE_SYMBOL = auto()
    SYMBOL_NOT_TRADING = auto()

    PRICE_NOT_POSITIVE = auto()
    PRICE_MISSING = auto()
    QTY_TOO_SMALL = auto()
    QTY_TOO_LARGE = auto()
    NOTIONAL_TOO_SMALL = auto()
    NOTIONAL_TOO_LARGE = auto()
    AMOUNT_TOO_PRECISE = auto()
    SIZE_AMBIGUOUS = auto()
    UNSUPPORTED_COMBINATION = auto()
    BUY_PRICE_TOO_HIGH = auto()
    SELL_PRICE_TOO_LOW = auto()
    TOO_MANY_OPEN_ORDERS = auto()
    DUPLICATE_CLIENT_ORDER_ID = auto()
    WOULD_TAKE = auto()
    INSUFFICIENT_BALANCE = auto()

    UNKNOWN_ORDER = auto()
    ORDER_ALREADY_FILLED = auto()
    ORDER_ALREADY_CANCELED = auto()

    AMOUNT_NOT_POSITIVE = auto()
    SAME_ACCOUNT = auto()
    CROSSED_BOOK = auto()
    UNKNOWN_MODEL = auto()

    NOT_A_PERPETUAL = auto()
    EFFECT_MISPLACED = auto()
    MARKET_ORDERS_FORBIDDEN = auto()
    INSUFFICIENT_MARGIN = auto()
    POSITION_NOT_ENOUGH = auto()
    RISK_LIMIT_EXCEEDED = auto()
    LEVERAGE_INVALID = auto()
    LEVERAGE_TOO_HIGH = auto()
    LEVERAGE_MARGIN_MISSING = auto()
    LEVERAGE_REDUCTION_ISOLATED = auto()
    LEVERAGE_CHANGE_FAILED = auto()
    MARGIN_MODE_IN_USE = auto()
    MARGIN_CHANGE_FAILED = auto()
    MARGIN_REDUCTION_FORBIDDEN = auto()
    TOO_MANY_STOPS = auto()
    STOP_BUY_PRICE_TOO_HIGH = auto()
    STOP_SELL_PRICE_TOO_LOW = auto()
    POSITION_STOPS_REJECTED = auto()
    BAD_LONG_TAKE_PROFIT = auto()
    BAD_LONG_STOP_LOSS = auto()
    BAD_SHORT_TAKE_PROFIT = auto()
    BAD_SHORT_STOP_LOSS = auto()
    FUNDING_TIME_PASSED = auto()
