"""The live market as a source that the runner plays: frames as they arrive, and what follows from silence.

Nothing is kept back: who brings a frame or a loss wakes the runner, which takes it at once. Frames are placed at
their arrival in the exchange's time, what they tell at the venue's time in ours (``venue_clock``).

**A mirror that may be wrong never fills.** A symbol is stale (InvalidateDepth) from the start until its first whole
book, when the connection is lost, when books go back in their order, and when a doubt about its book lasts longer than
``stale_after`` (``health``). Clients go on seeing the book as it was and their orders wait. The next good book is
told whole (ReplaceDepth) and makes it fresh. What happened in between is not made up for: an order that might have
filled at the venue meanwhile has not filled here.

**A quiet book is not a stale one.** HashKey sends a book when it changes (WebSocket 1.4), so while the connection
answers, silence means that nothing changed; but for a symbol that says nothing for long the venue is asked over REST
(``asks``), as for one that has no book yet, since the second socket does not begin with one (WebSocket 2).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from simulator.core.commands import Command, InvalidateDepth
from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.feeds.client import Direction, Received
from simulator.feeds.health import Freshness, LeftOut
from simulator.feeds.settlements import Settlements
from simulator.feeds.sync import Quotes, Sync
from simulator.feeds.venue_clock import VenueClock
from simulator.venues.hashkey.feed import (
    DEPTH_PATH,
    V2,
    BadFrame,
    DepthMessage,
    FundingMessage,
    Message,
    TimeMessage,
    TradeMessage,
    parse,
    refusal,
)
from simulator.venues.hashkey.skim import about

BOOKS = V2
"""The socket that the books come from."""
_OLDEST_TRADE: Final[Nanos] = 3600 * NANOS_PER_SECOND


Happens: TypeAlias = Callable[[Nanos], Sequence[Command]]
"""Something that came, ready to be read: given the time when it came, it says what follows."""


class Symbol:
    """One mirrored symbol: its texts from book to book, and how fresh they are."""

    def __init__(self, instrument: Instrument, now: Nanos) -> None:
        self.name = instrument.symbol
        self.sync = Sync(instrument)
        self.health = Freshness(instrument.symbol, now)
        self.asked_s = 0.0


class Live:
    """A source of commands. ``now`` is the exchange's time, ``wake`` lets the runner play what is due."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        stale_after_s: float,
        now: Callable[[], Nanos],
        wake: Callable[[], object],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._wake = wake
        self._seconds = seconds
        self._stale_after_s = stale_after_s
        self._symbols = {symbol: Symbol(one, now()) for symbol, one in instruments.items()}
        self._quotes = Quotes(instruments)
        self._waiting: deque[tuple[Nanos, Happens]] = deque()
        self.clock = VenueClock()
        self._settlements = Settlements(self._quotes, self.clock)
        self.left_out = LeftOut()
        self.connections: dict[str, str] = {}
        self._waiting.append((now(), self._begin))

    def due(self) -> Nanos | None:
        """When the next frame is due: it was when it came."""
        return self._waiting[0][0] if self._waiting else None

    def take(self) -> Sequence[Command]:
        """What follows from the next frame, loss or silence."""
        arrival, happens = self._waiting.popleft()
        return happens(arrival)

    def freshness(self) -> list[Freshness]:
        """Of every symbol."""
        return [one.health for one in self._symbols.values()]

    def hear(self, frame: Received) -> None:
        """A frame came; our own are of no interest here."""
        if frame.direction is Direction.IN:
            self._happened(partial(self._read, frame))

    def opened(self, connection: str) -> None:
        """A connection stands and everything has been subscribed to: a new beginning for all that it tells."""
        self.connections[connection] = ""
        if connection == BOOKS:
            self._happened(self._begin_anew)

    def lost(self, connection: str, why: str) -> None:
        """A connection is gone, or could not be had."""
        self.connections[connection] = why
        if connection == BOOKS:
            self._happened(partial(self._become_stale, tuple(self._symbols.values()), why))

    def go_on(self) -> None:
        """The exchange is another one now: its mirrors wait for the next whole books."""
        self._happened(self._wait_for_books)

    def watch(self) -> None:
        """To be called often: doubts that have lasted too long."""
        latest = self._seconds() - self._stale_after_s
        for one in self._symbols.values():
            doubted_s = one.health.doubted_s
            if one.health.fresh and doubted_s is not None and doubted_s <= latest:
                why = f"no good book for {self._stale_after_s:g} s, {one.health.doubt}"
                self._happened(partial(self._become_stale, (one,), why))

    def asks(self) -> str | None:
        """A symbol whose book the venue should be asked for now, if any; the one that has waited longest."""
        if self.connections.get(BOOKS) != "":
            return None
        seconds = self._seconds()
        quiet = seconds - self._stale_after_s
        wanted = [one for one in self._symbols.values() if one.asked_s <= quiet and _in_need(one.health, quiet)]
        if not wanted:
            return None
        chosen = min(wanted, key=lambda one: one.asked_s)
        chosen.asked_s = seconds
        return chosen.name

    def _happened(self, what: Happens) -> None:
        """Everything takes its turn in the order in which it came."""
        self._waiting.append((self._now(), what))
        self._wake()

    def _begin(self, now: Nanos) -> list[Command]:
        return [InvalidateDepth(symbol) for symbol in self._symbols]

    def _begin_anew(self, now: Nanos) -> list[Command]:
        self.clock.restart()
        for one in self._symbols.values():
            one.sync.restart()
            one.asked_s = 0.0
            one.health.why = "connected, but no book yet"
        return []

    def _wait_for_books(self, now: Nanos) -> list[Command]:
        self._become_stale(self._symbols.values(), "another state was restored", now)
        return self._begin(now)

    def _become_stale(self, symbols: Iterable[Symbol], why: str, now: Nanos) -> list[Command]:
        stale: list[Command] = []
        for one in symbols:
            one.sync.forget_book()
            if one.health.lost(now, why):
                stale.append(InvalidateDepth(one.name))
        return stale

    def _read(self, frame: Received, arrival: Nanos) -> list[Command]:
        try:
            messages = parse(frame.connection, frame.data)
        except BadFrame as error:
            self.left_out("unreadable", str(error))
            self._doubt(frame, "what came could not be read")
            return []
        if not messages and (refused := refusal(frame.data)):
            self.left_out("refused", f"{frame.connection}: the venue says {refused}")
        commands: list[Command] = []
        for message in messages:
            commands += self._told(arrival, frame, message)
        return commands

    def _told(self, arrival: Nanos, frame: Received, message: Message) -> list[Command]:
        try:
            if isinstance(message, DepthMessage | TradeMessage):
                return self._market(arrival, frame, message)
            if isinstance(message, FundingMessage):
                return self._settlements.commands(message)
            if isinstance(message, TimeMessage):
                self.clock.heard(arrival, message.ts_ms)
            return self._quotes.commands(message, self.clock)
        except BadFrame as error:
            self.left_out("impossible", str(error))
            self._doubt(frame, "what came could not be used")
            return []

    def _market(self, arrival: Nanos, frame: Received, message: DepthMessage | TradeMessage) -> list[Command]:
        one = self._symbols.get(message.symbol)
        asked = frame.connection.startswith(DEPTH_PATH)
        if one is None:
            self.left_out("wrong symbol", f"{frame.connection}: {message.symbol} was not asked for")
            self._doubt(frame, "books of other symbols came")
            return []
        if asked and self.connections.get(BOOKS) != "":
            return []  # answered after the connection was lost: nothing would keep it fresh
        if not asked:
            self.clock.heard(arrival, message.ts_ms)
        if isinstance(message, TradeMessage):
            if arrival - self.clock(message.ts_ms) > _OLDEST_TRADE:
                raise BadFrame(f"{message.symbol}: a trade of {message.ts_ms} (ms since 1970) does not happen now")
            return one.sync.commands(message, self.clock)
        commands = one.sync.commands(message, self.clock)
        if any(isinstance(command, InvalidateDepth) for command in commands):
            one.health.lost(arrival, "its books came out of order")
            self.left_out("out of order", f"{message.symbol}: book {message.version} after a later one")
        elif commands:
            one.health.heard(arrival, self._seconds())
        return commands

    def _doubt(self, frame: Received, doubt: str) -> None:
        """Something that may have been a book was not used. A frame that names its symbol doubts only that one."""
        topic, name = about(frame.connection, frame.data)
        if frame.connection != BOOKS or topic not in ("depth", ""):
            return
        named = self._symbols.get(name)
        for one in self._symbols.values() if named is None else (named,):
            one.health.doubted(self._seconds(), doubt)


def _in_need(health: Freshness, quiet: float) -> bool:
    return not health.fresh or health.doubted_s is not None or health.heard_s <= quiet
