"""The public socket ``/quote/ws/v2`` (hashkey-websocket.md 2): one symbol per subscription, acknowledged.

There is no snapshot: the first frame comes with the next change. Frames hold nothing about the
subscription but its parameters, so all listeners of a subject share every frame.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from simulator.core.candles import INTERVALS
from simulator.core.units import Nanos
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
    public_pong,
    read,
)
from simulator.venues.hashkey.topics import (
    EVERY_100_MS,
    EVERY_SECOND,
    Best,
    EachTrade,
    Klines,
    OnBeat,
    OnBook,
    OnTrade,
    Topic,
)

NAME: Final = "v2"
DEPTH, BBO, TRADE, REALTIMES, KLINE = "depth", "bbo", "trade", "realtimes", "kline"
MARK_PRICE: Final = "markPrice"
TOPICS: Final = (DEPTH, BBO, TRADE, REALTIMES, KLINE, MARK_PRICE)


def make_topic(subject: Subject, source: Source) -> Topic:
    """What a subject says on this socket."""
    market, tape, texts, listed, _ = source
    if subject.topic == MARK_PRICE and listed is not None:
        return OnBeat(EVERY_SECOND, partial(data.mark_v2, listed), opens=False)
    grids = market.instrument
    if subject.topic == DEPTH:
        return OnBook(market, EVERY_100_MS, partial(data.depth_v2, market, texts), opens=False)
    if subject.topic == BBO:
        return Best(market)
    if subject.topic == TRADE:
        return EachTrade(grids)
    if subject.topic == REALTIMES:
        return OnTrade(partial(data.ticker_v2, grids, tape), opens=False)
    return Klines(tape, subject.detail, partial(data.bar_v2, grids), opens=False)


class Envelope(NamedTuple):
    """What stands before ``data``."""

    head: bytes

    def frame(self, data: bytes, now: Nanos, subject: object, *, first: bool) -> Frame:
        """See channels.Envelope; neither time nor "first" is told here."""
        return Frame(b"%b%b}" % (self.head, data), subject)


def envelope(subject: Subject) -> Envelope:
    """Topic and parameters."""
    params = {"symbol": subject.symbol}
    if subject.topic == KLINE:
        params["klineType"] = subject.detail
    return Envelope(msgspec.json.encode({"topic": subject.topic, "params": params})[:-1] + b',"data":')


class Answer(msgspec.Struct):
    """An acknowledgement, or a refusal in the same shape."""

    topic: str
    event: str
    params: dict[str, Any]
    code: str
    msg: str


def answered(message: Message, code: str, msg: str) -> Frame:
    """What was asked comes back with a verdict."""
    return Frame(msgspec.json.encode(Answer(message.topic, message.event, message.parameters, code, msg)))


class PublicV2:
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
        elif message.event in ("sub", "cancel"):
            self._outlet.send(self._change(message, now))
        elif message.pong is msgspec.UNSET:
            self._outlet.send(bad_event(message.event))

    def _change(self, message: Message, now: Nanos) -> Frame:
        if message.topic not in TOPICS:
            return bad_topic()
        subject = self._subject(message)
        if subject is None:
            return answered(message, "-100011", "Parameter error!")
        if message.event == "cancel":
            self._leave(subject)
        elif subject not in self._subjects:
            self._subjects[subject] = None
            self._publisher.join(self._outlet, subject, envelope(subject), make_topic, now)
        return answered(message, "0", "Success")

    def _subject(self, message: Message) -> Subject | None:
        """Of one listed symbol; the mark price is one of perpetuals only."""
        symbol, interval = message.parameters.get("symbol"), message.parameters.get("klineType")
        if not isinstance(symbol, str) or not self._publisher.lists(symbol):
            return None
        if message.topic == MARK_PRICE and not self._publisher.lists_perpetual(symbol):
            return None
        if message.topic != KLINE:
            return Subject(NAME, message.topic, symbol)
        return Subject(NAME, KLINE, symbol, interval) if isinstance(interval, str) and interval in INTERVALS else None

    def _leave(self, subject: Subject) -> None:
        self._subjects.pop(subject, None)
        self._publisher.leave(self._outlet, subject)

    def check(self, now: Nanos, wall: float) -> Ending | None:
        """WebSocket 3: dropped half a minute after its last frame, even while streaming."""
        limit = self._switches.v2_silence_s
        return None if limit is None or wall - self.last_heard < limit else Ending.DROP

    def closed(self) -> None:
        """No subscriptions any more."""
        for subject in list(self._subjects):
            self._leave(subject)
