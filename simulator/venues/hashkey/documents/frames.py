"""What is said on the three sockets: members of every message, of clients and of the server.

The topics are those of the sockets' own tables; what a frame's ``data`` holds is described by the struct that makes
it, where one does, else by a type here.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, NotRequired, TypedDict

from simulator.core.candles import INTERVALS
from simulator.venues.hashkey import public_v1 as v1
from simulator.venues.hashkey import public_v2 as v2
from simulator.venues.hashkey.documents.shapes import Level, MarkPrice
from simulator.venues.hashkey.futures_reports import ContractReport, PositionInfo
from simulator.venues.hashkey.public_data import Bar, IndexRow, MarkV2, Ticker, TickerV2
from simulator.venues.hashkey.reports import AccountInfo, ExecutionReport
from simulator.venues.hashkey.tickets import TicketInfo
from simulator.venues.schemas import Digits, Number, Schema, Schemas

ANYTHING: Final[Schema] = {}
WHOLE: Final[Schema] = {"type": "integer"}
TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}


class Message(NamedTuple):
    """One kind of message, and what it is for."""

    name: str
    meaning: str
    payload: Schema


class BookRow(TypedDict):
    """WebSocket 1.4: a whole book."""

    e: int
    s: str
    t: int
    v: str
    b: list[Level]
    a: list[Level]
    o: int


class DifferenceRow(TypedDict):
    """WebSocket 1.5: number 0 is a whole book, what follows has no ``s``; size 0 removes a level."""

    e: int
    s: NotRequired[str]
    t: int
    v: str
    b: list[Level]
    a: list[Level]
    o: int


class BookV2(TypedDict):
    """WebSocket 2: a whole book."""

    s: str
    t: int
    v: str
    b: list[Level]
    a: list[Level]


class BestV2(TypedDict):
    """WebSocket 2, ``bbo``: the best levels."""

    s: str
    b: Number
    bz: Number
    a: Number
    az: Number
    t: int
    v: str


class TradeItem(TypedDict):
    """WebSocket 1.6; ``m``: the buyer was the maker."""

    v: Digits
    t: int
    p: Number
    q: Number
    m: bool


DATA_V1: Final[dict[str, Any]] = {
    v1.DEPTH: BookRow,
    v1.TRADE: TradeItem,
    v1.REALTIMES: Ticker,
    v1.MARK_PRICE: MarkPrice,
    v1.INDEX: IndexRow,
    v1.MERGED: BookRow,
    v1.DIFFERENCES: DifferenceRow,
    v1.KLINE: Bar,
}
"""What each topic's ``data`` is a list of."""
DATA_V2: Final[dict[str, Any]] = {
    v2.DEPTH: BookV2,
    v2.BBO: BestV2,
    v2.TRADE: TradeItem,
    v2.REALTIMES: TickerV2,
    v2.KLINE: Bar,
    v2.MARK_PRICE: MarkV2,
}
EVENTS: Final = {
    "executionReport": ExecutionReport,
    "contractExecutionReport": ContractReport,
    "ticketInfo": TicketInfo,
    "outboundAccountInfo": AccountInfo,
    "outboundContractAccountInfo": AccountInfo,
    "outboundContractPositionInfo": PositionInfo,
}
"""Of the private socket, by their ``e``."""
SCHEMAS: Final = (*DATA_V1.values(), *DATA_V2.values(), *EVENTS.values())


def record(required: Schema, optional: Schema | None = None, *, more: bool = False) -> Schema:
    """An object with these members."""
    members = required | (optional or {})
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": more}


def words(*chosen: str) -> Schema:
    """One of these texts."""
    return {"enum": list(chosen)}


# -- what both sides say everywhere ---------------------------------------------------------------------

PING: Final = Message("ping", "a sign of life; answered", record({"ping": ANYTHING}, more=True))
PONG: Final = Message("pong", "the answer to a ping; nothing follows", record({"pong": ANYTHING}, more=True))
TIME: Final = Message("time", "the answer to a ping: the server's milliseconds", record({"pong": WHOLE}))
REFUSAL: Final = Message(
    "refusal", "what was said makes no sense; the socket stays", record({"code": TEXT, "desc": TEXT})
)


# -- /quote/ws/v1 ---------------------------------------------------------------------------------------

_PLAIN_V1: Final = {"binary": {"enum": [True, False, "true", "false"]}}
_SCALE: Final = {"dumpScale": {"type": ["integer", "string"]}}


def said_on_v1() -> list[Message]:
    """What clients say there."""
    kline = words(*(v1.KLINES + interval for interval in INTERVALS))
    plain = {"anyOf": [words(*v1.PLAIN, v1.MERGED), kline]}
    more = {"params": record({}, _PLAIN_V1 | _SCALE, more=True), "id": ANYTHING}
    scaled = {"params": record(_SCALE, _PLAIN_V1, more=True), "id": ANYTHING}
    asks: list[Schema] = [
        record({"symbol": TEXT, "topic": plain, "event": words("sub", "cancel")}, more, more=True),
        record(
            {
                "symbol": TEXT,
                "topic": words(v1.DIFFERENCES),
                "event": words("sub", "cancel"),
                "params": scaled["params"],
            },
            {"id": ANYTHING},
            more=True,
        ),
    ]
    return [
        Message("subscription", "begin or end to listen; symbols are separated by commas", {"anyOf": asks}),
        Message("cancelAll", "end to listen to anything", record({"event": words("cancel_all")}, more=True)),
        PING,
        PONG,
    ]


def told_on_v1(schemas: Schemas) -> list[Message]:
    """What the server says there."""
    told = [_frame_v1(topic, schemas.of(data)) for topic, data in DATA_V1.items()]
    later = _frame_v1(v1.MARK_PRICE, schemas.of(MarkPrice))
    row = record(
        {name: schema for name, schema in later.payload["properties"].items() if name in _ALWAYS}
        | {"data": schemas.of(MarkPrice)},
        {"id": ANYTHING},
    )
    return [*told, Message("laterMarkPrice", "every frame of a mark price but the first", row), TIME, REFUSAL]


_ALWAYS: Final = ("topic", "params", "data", "f", "sendTime", "shared")


def _frame_v1(topic: str, row: Schema) -> Message:
    """WebSocket 1.3. A frame that was asked for with ``binary`` is gzip of this."""
    params: Schema = {"realtimeInterval": words(v1.INTERVAL_24H)}
    if topic in v1.SCALED:
        params["dumpScale"] = TEXT
    elif topic == v1.KLINE:
        params["klineType"] = words(*INTERVALS)
    members: Schema = {
        "symbol": TEXT,
        "symbolName": TEXT,
        "topic": words(topic),
        "params": record(params, {"binary": words("true", "false")}),
        "data": {"type": "array", "items": row, "minItems": 1},
        "f": FLAG,
        "sendTime": WHOLE,
        "shared": FLAG,
    }
    if topic in v1.NAMED:
        members["channelId"] = TEXT
    return Message(topic, f"data of the topic {topic}; `f`: it is the first", record(members, {"id": ANYTHING}))


# -- /quote/ws/v2 ---------------------------------------------------------------------------------------


def said_on_v2() -> list[Message]:
    """What clients say there."""
    event = words("sub", "cancel")
    plain = [topic for topic in v2.TOPICS if topic != v2.KLINE]
    kline = record({"symbol": TEXT, "klineType": words(*INTERVALS)}, more=True)
    asks = [
        record({"topic": words(*plain), "event": event, "params": record({"symbol": TEXT}, more=True)}, more=True),
        record({"topic": words(v2.KLINE), "event": event, "params": kline}, more=True),
    ]
    return [Message("subscription", "begin or end to listen", {"anyOf": asks}), PING, PONG]


def told_on_v2(schemas: Schemas) -> list[Message]:
    """What the server says there."""
    return [_frame_v2(topic, schemas.of(data)) for topic, data in DATA_V2.items()] + [
        Message("answer", "the verdict on a subscription", schemas.of(v2.Answer)),
        TIME,
        REFUSAL,
    ]


def _frame_v2(topic: str, data: Schema) -> Message:
    params: Schema = {"symbol": TEXT}
    if topic == v2.KLINE:
        params["klineType"] = words(*INTERVALS)
    payload = record({"topic": words(topic), "params": record(params), "data": data})
    return Message(topic, f"data of the topic {topic}", payload)


# -- /api/v1/ws/{listenKey} -----------------------------------------------------------------------------


def said_in_private() -> list[Message]:
    """What clients say there; everything else is not heard."""
    return [PING, PONG]


def told_in_private(schemas: Schemas) -> list[Message]:
    """What the server says there."""
    told = [_event(name, schemas.of(kind)) for name, kind in EVENTS.items()]
    channel = {"channelId": TEXT}
    return [
        *told,
        Message("serverPing", "a ping of the server", record({"ping": WHOLE} | channel)),
        Message("answer", "the answer to a ping: its own value", record({"pong": ANYTHING} | channel)),
    ]


def _event(name: str, schema: Schema) -> Message:
    """WebSocket 4.2: an array of one."""
    one = {"allOf": [schema, {"type": "object", "properties": {"e": words(name)}}]}
    payload: Schema = {"type": "array", "items": one, "minItems": 1, "maxItems": 1}
    return Message(name, f"{name}, in an array of one", payload)
