"""Who listens to what, and the one who tells them.

A *channel* is a topic about a symbol and everybody who listens to it. The publisher hears the events
of every command and the exchange's ticks; what is due is rendered once per channel and wrapped once
per *envelope*, the part of a frame that says how it was subscribed to, so those who asked in the same
words are sent the same bytes object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from simulator.core.candles import Tape, Tapes
from simulator.core.events import Event, TradeHappened
from simulator.core.market import Market
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.state import State
from simulator.core.units import Nanos
from simulator.venues.hashkey.books import BookTexts
from simulator.venues.hashkey.sockets import Frame, Outlet
from simulator.venues.hashkey.topics import AT_ONCE, Topic


class Subject(NamedTuple):
    """What a client may listen to: a topic of a symbol, or of an index by its name.

    ``detail`` is an interval or a scale; ``private_to`` one listener, or 0 for all.
    """

    socket: str
    topic: str
    symbol: str
    detail: str = ""
    private_to: int = 0


class Envelope(Protocol):
    """How a topic's data becomes a frame; equal ones make equal frames."""

    def frame(self, data: bytes, now: Nanos, subject: object, *, first: bool) -> Frame:
        """A frame of the data."""
        ...

    def __hash__(self) -> int: ...


class Channel:
    """A topic and its listeners. Where a topic opens with something, a listener waits until there is something."""

    __slots__ = ("_listeners", "_make", "_waiting", "topic")

    def __init__(self, make: Callable[[], Topic]) -> None:
        self._make = make
        self.topic = make()
        self._listeners: dict[Envelope, dict[Outlet, None]] = {}
        self._waiting: dict[Outlet, Envelope] = {}

    def join(self, outlet: Outlet, envelope: Envelope, now: Nanos) -> None:
        """Listen from now on; the opening is told at once."""
        self.leave(outlet)
        if self.topic.opens:
            self._waiting[outlet] = envelope
            self._open(now)
        else:
            self._listeners.setdefault(envelope, {})[outlet] = None

    def leave(self, outlet: Outlet) -> bool:
        """Listen no longer; returns whether anybody is left."""
        self._waiting.pop(outlet, None)
        for envelope, outlets in list(self._listeners.items()):
            outlets.pop(outlet, None)
            if not outlets:
                del self._listeners[envelope]
        return bool(self._waiting or self._listeners)

    def renew(self, now: Nanos) -> None:
        """What it tells of is another: everybody is told it as if he had just come, or at the next time.

        At the next time too where a newcomer would be told nothing: who has seen a book must hear that it is empty.
        """
        self.topic = self._make()
        if self.topic.opens and self.topic.opening(now) is not None:
            self._waiting |= {outlet: how for how, outlets in self._listeners.items() for outlet in outlets}
            self._listeners.clear()
            self._open(now)
            return
        self.topic.again()
        if self.topic.period == AT_ONCE:
            self.publish(now)

    def publish(self, now: Nanos) -> None:
        """Tell everybody what is new, and the opening to those who wait for it."""
        subject = self if self.topic.latest_only else None
        for data in self.topic.updates(now):
            for envelope, outlets in self._listeners.items():
                frame = envelope.frame(data, now, subject, first=False)
                for outlet in outlets:
                    outlet.send(frame)
        if self._waiting:
            self._open(now)

    def _open(self, now: Nanos) -> None:
        data = self.topic.opening(now)
        if data is None:
            return
        frames: dict[Envelope, Frame] = {}
        for outlet, envelope in self._waiting.items():
            if envelope not in frames:
                frames[envelope] = envelope.frame(data, now, None, first=True)
            outlet.send(frames[envelope])
            self._listeners.setdefault(envelope, {})[outlet] = None
        self._waiting.clear()


class Source(NamedTuple):
    """What topics about a symbol are made from; ``listed``: when it is a perpetual."""

    market: Market
    tape: Tape
    texts: BookTexts
    listed: PerpetualMarket | None
    perpetuals: PerpetualHistory


Make: TypeAlias = Callable[[Subject, Source], Topic]


class Publisher:
    """A subscriber of events and ticks: tells every channel's listeners what is due."""

    def __init__(self, state: State, tapes: Tapes, perpetuals: PerpetualHistory) -> None:
        self._state = state
        self._tapes = tapes
        self._perpetuals = perpetuals
        self._texts: dict[str, BookTexts] = {}
        self._channels: dict[Subject, Channel] = {}
        self._of_symbol: dict[str, list[Channel]] = {}

    def lists(self, symbol: str) -> bool:
        """Whether there is such a symbol."""
        return symbol in self._state.markets

    def lists_perpetual(self, symbol: str) -> bool:
        """Whether it is one."""
        return symbol in self._state.perpetuals

    def followed_by(self, index: str) -> str | None:
        """A perpetual that has an index of this name."""
        return next((one.symbol for one in self._state.perpetuals.values() if one.contract.index == index), None)

    def decimals(self, symbol: str) -> int:
        """Of a symbol's prices."""
        return self._state.markets[symbol].instrument.price_grid.decimals

    def join(
        self, outlet: Outlet, subject: Subject, envelope: Envelope, make: Make, now: Nanos, *, about: str = ""
    ) -> None:
        """Let somebody listen; ``make`` makes the topic for the first one, ``about`` a symbol that is not its name."""
        channel = self._channels.get(subject)
        if channel is None:
            channel = self._channels[subject] = Channel(lambda: make(subject, self._source(about or subject.symbol)))
            self._of_symbol.setdefault(subject.symbol, []).append(channel)
        channel.join(outlet, envelope, now)

    def _source(self, symbol: str) -> Source:
        market, tape = self._state.markets[symbol], self._tapes.of(symbol)
        texts = self._texts.setdefault(symbol, BookTexts(market))
        return Source(market, tape, texts, self._state.perpetuals.get(symbol), self._perpetuals)

    def leave(self, outlet: Outlet, subject: Subject) -> None:
        """Nobody listens: nothing is rendered."""
        channel = self._channels.get(subject)
        if channel is not None and not channel.leave(outlet):
            del self._channels[subject]
            self._of_symbol[subject.symbol].remove(channel)

    def renew(self, now: Nanos) -> None:
        """The markets are others, by the same names (see assembly/snapshots.py)."""
        self._texts.clear()
        for channel in self._channels.values():
            channel.renew(now)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Hear of trades, and tell what is to be told at once."""
        if not self._channels:
            return
        touched: dict[str, None] = {}
        for event in events:
            symbol = getattr(event, "symbol", None)
            if symbol in self._of_symbol:
                touched[symbol] = None
                if type(event) is TradeHappened:
                    for channel in self._of_symbol[symbol]:
                        channel.topic.traded(event)
        for symbol in touched:
            for channel in self._of_symbol[symbol]:
                if channel.topic.period == AT_ONCE:
                    channel.publish(now)

    def tick(self, now: Nanos) -> None:
        """Tell what is due at this multiple of 100 ms; after a command there is one for every period (see runner)."""
        for channel in self._channels.values():
            period = channel.topic.period
            if period != AT_ONCE and now % period == 0:
                channel.publish(now)
