"""The venue's public messages, read into plain records. No state: order and gaps are sync's business.

Both public sockets are understood (hashkey-websocket.md 1.4, 1.6, 1.9, 1.10 and 2): v1 puts the symbol
on top and ``data`` in a list, v2 puts it into ``params`` and sends one object. REST replies of a
recording come through the same door, told apart by their connection.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from simulator.venues.hashkey.skim import about

_T = TypeVar("_T")

Pair: TypeAlias = tuple[str, str]


class BadFrame(ValueError):
    """Not a message of this venue."""


class DepthMessage(msgspec.Struct, frozen=True, gc=False):
    """A whole book: price and size texts, best first; ``ts_ms`` is its time at the venue, ``version`` its id.

    The number in it grows from book to book and skips (WebSocket 1.4); "": not told, as over REST.
    """

    symbol: str
    ts_ms: int
    bids: list[Pair]
    asks: list[Pair]
    version: str = ""


class TradeMessage(msgspec.Struct, frozen=True, gc=False):
    """One trade; ``buyer_made``: the buyer was the maker, so the taker sold.

    ``history``: sent on subscribing (v1's first frame holds up to 60 old trades), not happening now.
    ``id`` grows from trade to trade; 0: not told, or no number.
    """

    symbol: str
    ts_ms: int
    price: str
    qty: str
    buyer_made: bool
    history: bool
    id: str = ""


class MarkMessage(msgspec.Struct, frozen=True, gc=False):
    """A perpetual's mark price."""

    symbol: str
    ts_ms: int
    price: str


class IndexMessage(msgspec.Struct, frozen=True, gc=False):
    """An index, by index name (``BTCUSDT``)."""

    name: str
    ts_ms: int
    price: str


class FundingMessage(msgspec.Struct, frozen=True, gc=False):
    """The rate of the next settlement and when it is."""

    symbol: str
    rate: str
    settle_ms: int


class TimeMessage(msgspec.Struct, frozen=True, gc=False):
    """What time it is at the venue."""

    ts_ms: int


Message: TypeAlias = DepthMessage | TradeMessage | MarkMessage | IndexMessage | FundingMessage | TimeMessage


class _Params(msgspec.Struct, gc=False):
    symbol: str = ""


class _Frame(msgspec.Struct, gc=False):
    topic: str = ""
    symbol: str = ""
    params: _Params | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    f: bool = False


_LONGEST_NUMBER = 40
_Text = Annotated[str, msgspec.Meta(max_length=_LONGEST_NUMBER)]


class _Depth(msgspec.Struct, gc=False):
    t: int
    b: list[Pair]
    a: list[Pair]
    s: str = ""
    v: _Text = ""


class _Trade(msgspec.Struct, gc=False):
    t: int
    p: _Text
    q: _Text
    m: bool
    v: _Text = ""


class _Mark1(msgspec.Struct, gc=False):
    symbolId: str  # noqa: N815 - the venue's name
    price: _Text
    time: int


class _Mark2(msgspec.Struct, gc=False):
    s: str
    p: _Text
    t: int


class _Index(msgspec.Struct, gc=False):
    symbol: str
    index: _Text
    time: int


class _Funding(msgspec.Struct, gc=False):
    symbol: str
    rate: _Text
    nextSettleTime: str  # noqa: N815 - the venue's name


class _Refusal(msgspec.Struct, gc=False):
    code: str | int = ""
    desc: str = ""
    msg: str = ""


class _Time(msgspec.Struct, gc=False):
    serverTime: int  # noqa: N815 - the venue's name


class _DepthFrame(msgspec.Struct, gc=False):
    topic: Literal["depth"]
    data: _Depth | list[_Depth]
    symbol: str = ""
    params: _Params | None = None


_frame = msgspec.json.Decoder(_Frame)
_depth_frame = msgspec.json.Decoder(_DepthFrame)
_depths = msgspec.json.Decoder(_Depth | list[_Depth])
_trades = msgspec.json.Decoder(_Trade | list[_Trade])
_mark1s = msgspec.json.Decoder(_Mark1 | list[_Mark1])
_mark2s = msgspec.json.Decoder(_Mark2 | list[_Mark2])
_indexes = msgspec.json.Decoder(list[_Index])
_fundings = msgspec.json.Decoder(list[_Funding])
_snapshot = msgspec.json.Decoder(_Depth)
_refusals = msgspec.json.Decoder(_Refusal)
_time = msgspec.json.Decoder(_Time)

FUNDING_PATH = "/api/v1/futures/fundingRate"
TIME_PATH = "/api/v1/time"
DEPTH_PATH = "/quote/v1/depth"
_DEPTH, _HEAD = b'"topic":"depth"', 400
V1, V2 = "/quote/ws/v1", "/quote/ws/v2"


def parse(connection: str, data: bytes) -> list[Message]:
    """The messages in one frame; [] for what is no market data (acks, pongs, other topics); BadFrame."""
    try:
        if connection.startswith(("/api/", "/quote/v1")):
            return _rest(connection, data)
        return _socket(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadFrame(f"{connection}: {error}") from None


def refusal(data: bytes) -> str:
    """What the venue says when it refuses a request or a subscription (WebSocket 1.2, 2); "" when it does not."""
    try:
        frame = _refusals.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    return "" if frame.code in ("", "0", 0) else f"{frame.code} {frame.desc or frame.msg}"


def _rest(connection: str, data: bytes) -> list[Message]:
    path = connection.partition("?")[0]
    if path == FUNDING_PATH:
        return [FundingMessage(row.symbol, row.rate, int(row.nextSettleTime)) for row in _fundings.decode(data)]
    if path == DEPTH_PATH:
        row = _snapshot.decode(data)
        return [DepthMessage(about(connection, data).symbol, row.t, row.b, row.a)]
    if path == TIME_PATH:
        return [TimeMessage(_time.decode(data).serverTime)]
    return []


def _socket(data: bytes) -> list[Message]:
    books = _books_at_once(data) if data.find(_DEPTH, 0, _HEAD) >= 0 else None
    if books is not None:
        return books
    frame = _frame.decode(data)
    if not frame.topic or not bytes(frame.data):
        return []
    symbol = _symbol(frame)
    if frame.topic == "depth":
        return _books(_DepthFrame("depth", _depths.decode(frame.data), frame.symbol, frame.params))
    if frame.topic == "trade":
        trades = _rows(_trades.decode(frame.data))
        return [TradeMessage(symbol, row.t, row.p, row.q, row.m, frame.f, row.v) for row in trades]
    if frame.topic == "index":
        return [IndexMessage(row.symbol, row.time, row.index) for row in _indexes.decode(frame.data)]
    if frame.topic == "markPrice":
        return _marks(frame.data)
    return []


def _books_at_once(data: bytes) -> list[Message] | None:
    """Most bytes of a feed are books; read in one pass they take 0.75 of the time. None: it is something else."""
    try:
        frame = _depth_frame.decode(data)
    except msgspec.DecodeError:
        return None
    return _books(frame)


def _books(frame: _DepthFrame) -> list[Message]:
    symbol = _symbol(frame)
    books: list[Message] = []
    for row in _rows(frame.data):
        if row.s and symbol and row.s != symbol:
            raise BadFrame(f"a book of {row.s} among those of {symbol}")
        books.append(DepthMessage(row.s or symbol, row.t, row.b, row.a, row.v))
    return books


def _symbol(frame: _Frame | _DepthFrame) -> str:
    return frame.symbol or (frame.params.symbol if frame.params else "")


def _marks(data: msgspec.Raw) -> list[Message]:
    if b'"symbolId"' in bytes(data):
        return [MarkMessage(row.symbolId, row.time, row.price) for row in _rows(_mark1s.decode(data))]
    return [MarkMessage(row.s, row.t, row.p) for row in _rows(_mark2s.decode(data))]


def _rows(decoded: _T | list[_T]) -> list[_T]:
    return decoded if isinstance(decoded, list) else [decoded]
