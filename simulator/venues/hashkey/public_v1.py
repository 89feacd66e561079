"""The public socket ``/quote/ws/v1`` (hashkey-websocket.md 1): what clients say, and what frames look like.

Silent on success: the first data frame is the only answer. ccxt's receive loop dies of an
acknowledgement on this socket (real shapes 12.4), and nothing else may be sent that it does not know.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from simulator.core.candles import INTERVALS
from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.venues.hashkey import public_data as data
from simulator.venues.hashkey.channels import Publisher, Source, Subject
from simulator.venues.hashkey.sockets import (
    Ending,
    Frame,
    Message,
    Outlet,
    StreamSwitches,
    bad_event,
    bad_json,
    bad_topic,
    channel_id,
    packed,
    public_pong,
    read,
    refusal,
)
from simulator.venues.hashkey.topics import (
    EVERY_300_MS,
    EVERY_900_MS,
    EVERY_SECOND,
    Differences,
    Klines,
    OnBeat,
    OnBook,
    OnTrade,
    Topic,
    TradeBatches,
)

NAME: Final = "v1"
DEPTH, TRADE, REALTIMES = "depth", "trade", "realtimes"
KLINE, KLINES = "kline", "kline_"
MERGED, DIFFERENCES = "mergedDepth", "diffMergedDepth"
MARK_PRICE, INDEX = "markPrice", "index"
PLAIN: Final = (DEPTH, TRADE, REALTIMES, MARK_PRICE, INDEX)
SCALED: Final = (MERGED, DIFFERENCES)
"""Topics without a detail, and with ``dumpScale``; a kline's detail is its interval."""
NAMED: Final = (DEPTH, TRADE, INDEX)
"""Real shapes 8: frames of these topics carry a ``channelId``."""
INTERVAL_24H: Final = "24h"
_FINEST, _COARSEST = 18, -18


def make_topic(subject: Subject, source: Source) -> Topic:
    """What a subject says on this socket."""
    market, tape, texts, listed, perpetuals = source
    grids = market.instrument
    topic, detail = subject.topic, subject.detail
    if topic == MARK_PRICE and listed is not None:
        return OnBeat(EVERY_SECOND, partial(data.mark_v1, listed), opens=True)
    if topic == INDEX and listed is not None:
        return OnBeat(EVERY_900_MS, partial(data.index_v1, listed, perpetuals), opens=True)
    if topic == DEPTH:
        return OnBook(market, EVERY_300_MS, partial(data.depth_v1, market, texts), opens=True)
    if topic == MERGED:
        return OnBook(market, EVERY_300_MS, partial(data.merged_depth, market, int(detail)), opens=True)
    if topic == DIFFERENCES:
        return Differences(market, int(detail))
    if topic == TRADE:
        return TradeBatches(grids, tape)
    if topic == REALTIMES:
        return OnTrade(partial(data.ticker_v1, grids, tape), opens=True)
    return Klines(tape, detail, partial(data.bar_v1, grids), opens=True)


class Envelope(NamedTuple):
    """The members around ``data`` (WebSocket 1.3), as bytes: before it, and after ``sendTime``."""

    head: bytes
    tail: bytes
    binary: bool

    def frame(self, data: bytes, now: Nanos, subject: object, *, first: bool) -> Frame:
        """See channels.Envelope. A binary frame is gzip (WebSocket 0)."""
        flag = b"true" if first else b"false"
        text = b'%b%b,"f":%b,"sendTime":%d%b' % (self.head, data, flag, now // NANOS_PER_MILLI, self.tail)
        return Frame(packed(text), subject, binary=True) if self.binary else Frame(text, subject)


class MarkEnvelope(NamedTuple):
    """WebSocket 1.9: as every other one at first, then without a symbol, and ``data`` is no list any more."""

    first: Envelope
    later: Envelope

    def frame(self, data: bytes, now: Nanos, subject: object, *, first: bool) -> Frame:
        """See channels.Envelope."""
        chosen, told = (self.first, b"[%b]" % data) if first else (self.later, data)
        return chosen.frame(told, now, subject, first=first)


def envelope(subject: Subject, message: Message) -> Envelope | MarkEnvelope:
    """How a subscription's frames look: its parameters and its id come back."""
    asked = message.parameters.get("binary")
    binary = asked is True or asked == "true"
    params = {"realtimeInterval": INTERVAL_24H}
    if asked is not None:
        params["binary"] = "true" if binary else "false"
    if subject.topic == KLINE:
        params["klineType"] = subject.detail
    elif subject.topic in SCALED:
        params["dumpScale"] = subject.detail
    head: dict[str, Any] = {
        "symbol": subject.symbol,
        "symbolName": subject.symbol,
        "topic": subject.topic,
        "params": params,
    }
    tail: dict[str, Any] = {}
    if subject.topic in NAMED:
        tail["channelId"] = channel_id(subject.topic, subject.symbol)
    tail["shared"] = False
    if message.id is not msgspec.UNSET:
        tail["id"] = message.id
    made = _envelope(head, tail, binary=binary)
    if subject.topic != MARK_PRICE:
        return made
    del head["symbol"], head["symbolName"]
    return MarkEnvelope(made, _envelope(head, tail, binary=binary))


def _envelope(head: dict[str, Any], tail: dict[str, Any], *, binary: bool) -> Envelope:
    return Envelope(msgspec.json.encode(head)[:-1] + b',"data":', b"," + msgspec.json.encode(tail)[1:], binary=binary)


class PublicV1:
    """One connection. ``last_heard``: see sockets.Session."""

    def __init__(self, publisher: Publisher, outlet: Outlet, switches: StreamSwitches, wall: float) -> None:
        self._publisher = publisher
        self._outlet = outlet
        self._switches = switches
        self._subjects: dict[Subject, None] = {}
        self.last_heard = wall

    def received(self, data: str | bytes, now: Nanos) -> None:
        """Subscribe, cancel, ping; anything else is answered with an error."""
        message = read(data)
        if message is None:
            self._outlet.send(bad_json())
        elif message.ping is not msgspec.UNSET:
            self._outlet.send(public_pong(now))
        elif message.event == "cancel_all":
            self.closed()
        elif message.event in ("sub", "cancel"):
            self._change(message, now)
        elif message.pong is msgspec.UNSET:
            self._outlet.send(bad_event(message.event))

    def _change(self, message: Message, now: Nanos) -> None:
        wanted = self._wanted(message)
        if isinstance(wanted, Frame):
            self._outlet.send(wanted)
            return
        topic, detail = wanted
        symbols, all_known = self._symbols(message, topic)
        for symbol in symbols:
            own = id(self) if topic == DIFFERENCES else 0
            scale = detail if topic != MERGED or detail else str(self._publisher.decimals(symbol))
            subject = Subject(NAME, topic, symbol, scale, own)
            if message.event == "sub":
                self._join(subject, message, now)
            else:
                self._leave(subject)
        if not all_known:
            # A list of good and bad symbols: unknown at the venue; the good ones are served (WebSocket 1.2).
            self._outlet.send(refusal("-100010", "Invalid Symbols!"))

    def _wanted(self, message: Message) -> tuple[str, str] | Frame:
        """Topic and detail, or what is wrong with them."""
        topic = message.topic
        if not isinstance(topic, str):
            return bad_topic()
        if topic.startswith(KLINES) and topic.removeprefix(KLINES) in INTERVALS:
            return KLINE, topic.removeprefix(KLINES)
        if topic in SCALED:
            scale = _scale(message.parameters.get("dumpScale"))
            return refusal("-100013", "DumpScale required!") if topic == DIFFERENCES and not scale else (topic, scale)
        return (topic, "") if topic in PLAIN else bad_topic()

    def _symbols(self, message: Message, topic: str) -> tuple[list[str], bool]:
        """Those among the ones asked for that have such a topic, and whether those were all.

        Marks are of perpetuals only, and indexes have names of their own (WebSocket 1.9, 1.10).
        """
        text = message.symbol if isinstance(message.symbol, str) else ""
        asked = list(dict.fromkeys(name.strip() for name in text.split(",")))
        known = [name for name in asked if self._has(name, topic)]
        return known, len(known) == len(asked)

    def _has(self, name: str, topic: str) -> bool:
        if topic == INDEX:
            return self._publisher.followed_by(name) is not None
        return self._publisher.lists_perpetual(name) if topic == MARK_PRICE else self._publisher.lists(name)

    def _join(self, subject: Subject, message: Message, now: Nanos) -> None:
        if subject in self._subjects and not self._switches.repeat_first_frame:
            return
        self._subjects[subject] = None
        about = self._publisher.followed_by(subject.symbol) if subject.topic == INDEX else None
        self._publisher.join(
            self._outlet, subject, envelope(subject, message), make_topic, now, about=about or subject.symbol
        )

    def _leave(self, subject: Subject) -> None:
        self._subjects.pop(subject, None)
        self._publisher.leave(self._outlet, subject)

    def check(self, now: Nanos, wall: float) -> Ending | None:
        """WebSocket 3: dropped after a minute in which it neither listened nor spoke."""
        limit = self._switches.v1_idle_s
        if self._subjects or limit is None or wall - self.last_heard < limit:
            return None
        return Ending.DROP

    def closed(self) -> None:
        """No subscriptions any more."""
        for subject in list(self._subjects):
            self._leave(subject)


def _scale(value: object) -> str:
    """``dumpScale``: a small whole number, or its text; "" when it is neither."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or len(text) > 3 or not text.removeprefix("-").isdecimal() or not text.isascii():
        return ""
    return str(int(text)) if _COARSEST <= int(text) <= _FINEST else ""
