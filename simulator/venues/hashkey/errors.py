"""Every refusal as HashKey words it: one table from reason to (HTTP status, code, text).

Source: hashkey-errors-and-limits.md, section 2 (texts) and 2.2 (which situation gets which). The
``/api/v1`` family sends codes as strings, ``/quote/v1`` as numbers (section 1). ``%s`` is filled with
the name of the parameter. Where the spec leaves a choice, the row says what decided.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

import msgspec

from simulator.core.rejections import RejectReason


class Refusal(Enum):
    """What is refused before the exchange is asked: keys, signatures, parameters."""

    API_KEY_MISSING = auto()
    API_KEY_UNKNOWN = auto()
    API_KEY_EXPIRED = auto()
    IP_NOT_ALLOWED = auto()
    FIELD_MISSING = auto()
    SIGNATURE_WRONG = auto()
    TIMESTAMP_OUTSIDE_WINDOW = auto()
    PERMISSION_MISSING = auto()
    ACCOUNT_NOT_PERMITTED = auto()
    PARAMETER_ILLEGAL = auto()
    BODY_MALFORMED = auto()
    LISTEN_KEY_UNKNOWN = auto()
    SIDE_UNKNOWN = auto()
    ORDER_TYPE_UNKNOWN = auto()
    TIME_IN_FORCE_UNKNOWN = auto()
    PRICE_TYPE_UNKNOWN = auto()
    POSITION_SIDE_UNKNOWN = auto()
    PRICE_OFF_TICK = auto()
    QTY_OFF_STEP = auto()
    CLIENT_ORDER_ID_INVALID = auto()
    BATCH_TOO_LARGE = auto()
    RANGE_TOO_LONG = auto()
    TRADES_TOO_OLD = auto()
    ORDERS_TOO_OLD = auto()
    TRANSFER_SOURCE_UNKNOWN = auto()
    TRANSFER_TARGET_UNKNOWN = auto()
    TRANSFER_FAILED = auto()
    TRANSFER_TOO_OFTEN = auto()
    COIN_UNKNOWN = auto()
    ADDRESS_ILLEGAL = auto()
    WITHDRAWAL_AMOUNT_ILLEGAL = auto()
    WITHDRAWAL_TOO_SMALL = auto()
    WITHDRAWAL_BALANCE = auto()
    WITHDRAWAL_NOT_ALLOWED = auto()
    WITHDRAWAL_REPEATED = auto()
    FEE_DEDUCTION_UNSUPPORTED = auto()
    RATE_LIMITED = auto()
    BANNED = auto()
    CONTRACT_BUY_PRICE_TOO_HIGH = auto()
    CONTRACT_SELL_PRICE_TOO_LOW = auto()
    CONTRACT_ORDER_UNKNOWN = auto()
    QUOTE_SYMBOL_UNKNOWN = auto()
    QUOTE_PARAMETER_MISSING = auto()
    QUOTE_NOT_A_NUMBER = auto()
    QUOTE_INTERVAL_UNKNOWN = auto()


class Row(NamedTuple):
    """What goes on the wire."""

    status: int
    code: str
    msg: str


ERRORS: Final[dict[RejectReason | Refusal, Row]] = {
    Refusal.API_KEY_MISSING: Row(400, "-1002", "Unauthorized operation"),
    Refusal.API_KEY_UNKNOWN: Row(400, "0102", "Invalid APIKey"),
    Refusal.API_KEY_EXPIRED: Row(400, "0103", "APIKey expired"),
    Refusal.IP_NOT_ALLOWED: Row(400, "0202", "Invalid IP"),
    # Observed without the full stop of the table (spec 2, P).
    Refusal.FIELD_MISSING: Row(400, "0001", "Required field %s missing or invalid"),
    # 0002 and not MENA's 0001: ccxt maps it to AuthenticationError (spec 2.2).
    Refusal.SIGNATURE_WRONG: Row(400, "0002", "Incorrect signature"),
    Refusal.TIMESTAMP_OUTSIDE_WINDOW: Row(400, "-1021", "Timestamp for this request is outside of the recvWindow"),
    # Status 403 is reported for writes with a read-only key (spec 1.1, M; body unknown).
    Refusal.PERMISSION_MISSING: Row(403, "-1005", "No permission"),
    Refusal.ACCOUNT_NOT_PERMITTED: Row(400, "0104", "The accountId defined is not permissible"),
    # Observed without quotes around the name (spec 2, P).
    Refusal.PARAMETER_ILLEGAL: Row(400, "-1130", "Illegal parameter %s"),
    Refusal.BODY_MALFORMED: Row(400, "-1004", "Bad request"),
    # Unknown on HashKey; the spec's 2.2 asks for this one.
    Refusal.LISTEN_KEY_UNKNOWN: Row(400, "-1130", "Illegal parameter listenKey"),
    Refusal.SIDE_UNKNOWN: Row(400, "-1117", "Invalid order side"),
    Refusal.ORDER_TYPE_UNKNOWN: Row(400, "0206", "Unsupported order type"),
    Refusal.TIME_IN_FORCE_UNKNOWN: Row(400, "-1115", "Invalid timeInForce"),
    Refusal.PRICE_TYPE_UNKNOWN: Row(400, "-1153", "Invalid price type"),
    Refusal.POSITION_SIDE_UNKNOWN: Row(400, "-1154", "Invalid position side"),
    Refusal.PRICE_OFF_TICK: Row(400, "0209", "Invalid price precision"),
    Refusal.QTY_OFF_STEP: Row(400, "-1137", "Order quantity precision too large"),
    Refusal.CLIENT_ORDER_ID_INVALID: Row(400, "-1123", "Invalid client order id"),
    Refusal.BATCH_TOO_LARGE: Row(400, "-2022", "Order batch size exceeds the limit"),
    Refusal.RANGE_TOO_LONG: Row(400, "-2027", "Exceed maximum time range of 30 days"),
    Refusal.TRADES_TOO_OLD: Row(400, "-2028", "The search is limited to data within the last one month"),
    Refusal.ORDERS_TOO_OLD: Row(400, "-2029", "The search is limited to data within the last three months"),
    Refusal.TRANSFER_SOURCE_UNKNOWN: Row(400, "-1172", "Invalid from account id"),
    # The text is cut in the spec's source; the missing word is its twin's.
    Refusal.TRANSFER_TARGET_UNKNOWN: Row(400, "-1173", "Invalid to account id"),
    Refusal.TRANSFER_FAILED: Row(400, "-1161", "Balance transfer failed"),
    Refusal.TRANSFER_TOO_OFTEN: Row(400, "-3145", "Please DO NOT submit request too frequently"),
    Refusal.COIN_UNKNOWN: Row(400, "-2041", "Token does not exist"),
    Refusal.ADDRESS_ILLEGAL: Row(400, "-1163", "Illegal withdrawal address"),
    Refusal.WITHDRAWAL_AMOUNT_ILLEGAL: Row(400, "-1168", "Illegal withdrawal amount"),
    Refusal.WITHDRAWAL_TOO_SMALL: Row(400, "-1167", "Withdrawal amount less than the minimum"),
    Refusal.WITHDRAWAL_BALANCE: Row(400, "-4003", "Insufficient Balance"),
    Refusal.WITHDRAWAL_NOT_ALLOWED: Row(400, "-1169", "Withdraw not allowed"),
    Refusal.WITHDRAWAL_REPEATED: Row(400, "-4013", "Withdraw repeatly"),
    Refusal.FEE_DEDUCTION_UNSUPPORTED: Row(400, "-1218", "HSK fee deduction not supported"),
    Refusal.RATE_LIMITED: Row(429, "0003", "Rate limit exceeded"),
    Refusal.BANNED: Row(418, "0003", "Rate limit exceeded"),
    # Observed for a sell; the buy's twin is inferred (spec 2.2).
    Refusal.CONTRACT_BUY_PRICE_TOO_HIGH: Row(400, "0207", "Create limit order buy price too high"),
    Refusal.CONTRACT_SELL_PRICE_TOO_LOW: Row(400, "0207", "Create limit order sell price too low"),
    # Hummingbot looks for this code and "Order not found" (spec 2.4).
    Refusal.CONTRACT_ORDER_UNKNOWN: Row(400, "-1143", "Order not found on order book"),
    Refusal.QUOTE_SYMBOL_UNKNOWN: Row(400, "-100011", "Not supported symbols"),
    Refusal.QUOTE_PARAMETER_MISSING: Row(400, "-100012", "Parameter %s [String] missing!"),
    # Seen on the sister site (real shapes 10); the interval's text was not recorded there.
    Refusal.QUOTE_NOT_A_NUMBER: Row(400, "-100002", "Param %s should be int."),
    Refusal.QUOTE_INTERVAL_UNKNOWN: Row(400, "-10009", "Invalid interval!"),
    RejectReason.UNKNOWN_ACCOUNT: Row(400, "-1160", "Account does not exist"),
    # -1130 and not 0201: observed on exchangeInfo of the same family (spec 2.2).
    RejectReason.UNKNOWN_SYMBOL: Row(400, "-1130", "Illegal parameter symbol"),
    RejectReason.UNKNOWN_ASSET: Row(400, "0402", "Invalid asset"),
    RejectReason.DUPLICATE_ACCOUNT: Row(400, "-1159", "Finance account already exists"),
    RejectReason.DUPLICATE_SYMBOL: Row(400, "-1024", "Duplicate request"),
    RejectReason.SYMBOL_NOT_TRADING: Row(400, "-1151", "The trading pair is not open yet"),
    RejectReason.PRICE_NOT_POSITIVE: Row(400, "0207", "Invalid price"),
    RejectReason.PRICE_MISSING: Row(400, "0001", "Required field price missing or invalid"),
    RejectReason.QTY_TOO_SMALL: Row(400, "-1136", "Order quantity lower than the minimum"),
    RejectReason.QTY_TOO_LARGE: Row(400, "-1135", "Order quantity greater than the maximum"),
    RejectReason.NOTIONAL_TOO_SMALL: Row(400, "-1140", "Order amount lower than the minimum"),
    RejectReason.NOTIONAL_TOO_LARGE: Row(400, "-1206", "Order amount greater than the maximum"),
    RejectReason.AMOUNT_TOO_PRECISE: Row(400, "-1148", "Order amount precision too large"),
    RejectReason.SIZE_AMBIGUOUS: Row(
        400, "-1129", "Invalid parameters, quantity and amount are not allowed to be sent at the same time."
    ),
    RejectReason.UNSUPPORTED_COMBINATION: Row(400, "-1014", "Unsupported order combination"),
    # 0210 for both directions on spot (spec 2.2, inferred).
    RejectReason.BUY_PRICE_TOO_HIGH: Row(400, "0210", "Price outside of allowed range"),
    RejectReason.SELL_PRICE_TOO_LOW: Row(400, "0210", "Price outside of allowed range"),
    RejectReason.TOO_MANY_OPEN_ORDERS: Row(400, "-2017", "Open orders exceeds the limit of the trading pair"),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: Row(400, "-1141", "Duplicate order"),
    RejectReason.WOULD_TAKE: Row(400, "-1156", "Limit maker order creation failed"),
    RejectReason.INSUFFICIENT_BALANCE: Row(400, "0401", "Insufficient asset"),
    RejectReason.UNKNOWN_ORDER: Row(400, "0211", "Order not found"),
    RejectReason.ORDER_ALREADY_FILLED: Row(400, "-1139", "Order has been filled"),
    RejectReason.ORDER_ALREADY_CANCELED: Row(400, "-1142", "Order has been cancelled"),
    RejectReason.AMOUNT_NOT_POSITIVE: Row(400, "-1126", "Invalid quantity"),
    RejectReason.SAME_ACCOUNT: Row(400, "-1174", "Transfer not allowed between the same account"),
    RejectReason.CROSSED_BOOK: Row(400, "-1004", "Bad request"),
    RejectReason.UNKNOWN_MODEL: Row(400, "-1130", "Illegal parameter model"),
    RejectReason.NOT_A_PERPETUAL: Row(400, "-1130", "Illegal parameter symbol"),
    RejectReason.EFFECT_MISPLACED: Row(400, "-1117", "Invalid order side"),
    RejectReason.MARKET_ORDERS_FORBIDDEN: Row(400, "-1194", "Market order creation forbidden"),
    # -2030 as in 2024, before it came to mean another thing; -2038 says the same (spec 2.2), and ccxt maps both alike.
    RejectReason.INSUFFICIENT_MARGIN: Row(400, "-2030", "Insufficient margin"),
    RejectReason.POSITION_NOT_ENOUGH: Row(400, "-2053", "Position not enough"),
    # What a position beyond the last risk tier gets is not known; this text says it.
    RejectReason.RISK_LIMIT_EXCEEDED: Row(
        400, "-2042", "You have passed the trade limit, please pay attention to the risks"
    ),
    RejectReason.LEVERAGE_INVALID: Row(400, "-1130", "Illegal parameter leverage"),
    RejectReason.LEVERAGE_TOO_HIGH: Row(400, "-2043", "Maximum allowed leverage reached, please lower your leverage"),
    RejectReason.LEVERAGE_MARGIN_MISSING: Row(400, "-2003", "Position size cannot meet target leverage"),
    RejectReason.LEVERAGE_REDUCTION_ISOLATED: Row(
        400, "-2031", "Leverage reduction is not supported in Isolated Margin Mode with open positions"
    ),
    RejectReason.LEVERAGE_CHANGE_FAILED: Row(400, "-2004", "Adjust leverage fail"),
    # Code unknown (HashKey REST 4.13).
    RejectReason.MARGIN_MODE_IN_USE: Row(400, "-1020", "Unsupported operation"),
    RejectReason.MARGIN_CHANGE_FAILED: Row(400, "-1157", "Modify futures margin failed"),
    RejectReason.MARGIN_REDUCTION_FORBIDDEN: Row(400, "-1158", "Reduce margin is forbidden"),
    RejectReason.TOO_MANY_STOPS: Row(400, "-2048", "Exceed the maximum number of conditional orders of %s"),
    RejectReason.STOP_BUY_PRICE_TOO_HIGH: Row(400, "-2049", "Create stop order buy price too big"),
    RejectReason.STOP_SELL_PRICE_TOO_LOW: Row(400, "-2050", "Create stop order sell price too small"),
    RejectReason.POSITION_STOPS_REJECTED: Row(400, "-2052", "Create stop profit-loss plan order reject"),
    RejectReason.BAD_LONG_TAKE_PROFIT: Row(400, "-2054", "Invalid long stop profit price"),
    RejectReason.BAD_LONG_STOP_LOSS: Row(400, "-2055", "Invalid long stop loss price"),
    RejectReason.BAD_SHORT_TAKE_PROFIT: Row(400, "-2056", "Invalid short stop profit price"),
    RejectReason.BAD_SHORT_STOP_LOSS: Row(400, "-2057", "Invalid short stop loss price"),
    RejectReason.FUNDING_TIME_PASSED: Row(400, "-1130", "Illegal parameter settleTime"),
}


class VenueError(Exception):
    """A refusal on its way to the client."""

    def __init__(self, reason: RejectReason | Refusal, field: str = "") -> None:
        self.reason = reason
        self.field = field
        row = ERRORS[reason]
        self.status = row.status
        self.code = row.code
        self.msg = row.msg.replace("%s", field)
        super().__init__(f"{self.code} {self.msg}")

    def body(self, *, numeric: bool = False) -> bytes:
        """The JSON body; ``numeric`` for the ``/quote/v1`` family.

        Codes with leading zeros stay texts there too: as the number 3 no client would know "0003" again.
        """
        code: str | int = int(self.code) if numeric and self.code.startswith("-") else self.code
        return msgspec.json.encode({"code": code, "msg": self.msg})
