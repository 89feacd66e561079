"""When each public topic says something about a symbol; what it says is made in ``public_data``.

A topic is asked for its ``opening``, what a new listener is told first (None: nothing yet), and at
each of its times for its ``updates``, what everybody is told since the last time. Both are bytes of
JSON, made once however many listen. Nothing is said that did not change, so what is pushed depends on
commands and the exchange's time alone; but for marks and indexes, of which the venue says the time at each
beat whatever they are. (Whether the venue repeats a ticker, or pushes the flat bar of
a minute without trades, is not known; here both wait for the next trade.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from simulator.core.candles import INTERVALS, Candle, Tape
from simulator.core.events import TradeHappened
from simulator.core.instruments import Instrument
from simulator.core.market import Market
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.venues.hashkey.public_data import (
    best,
    best_texts,
    difference,
    has_levels,
    merged_row,
    merged_sides,
    trade_item,
)

EVERY_100_MS: Final[Nanos] = 100 * NANOS_PER_MILLI
EVERY_300_MS: Final[Nanos] = 300 * NANOS_PER_MILLI
EVERY_500_MS: Final[Nanos] = 500 * NANOS_PER_MILLI
EVERY_900_MS: Final[Nanos] = 900 * NANOS_PER_MILLI
EVERY_SECOND: Final[Nanos] = 1000 * NANOS_PER_MILLI
AT_ONCE: Final[Nanos] = 0

FIRST_TRADES: Final = 60
_MOST_IN_A_BATCH: Final = 500


class Topic(Protocol):
    """One stream about one symbol.

    ``opens``: it begins with something that a new listener has to hear first. ``latest_only``: an
    update makes the ones before it worthless.
    """

    period: Nanos
    opens: bool
    latest_only: bool

    def traded(self, trade: TradeHappened) -> None:
        """A public trade of the symbol."""
        ...

    def again(self) -> None:
        """Those who listen saw something else before: at the next time they are to be told all of it."""
        ...

    def opening(self, now: Nanos) -> bytes | None:
        """What a new listener is told."""
        ...

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """What is new since the last time."""
        ...


class OnBook:
    """The whole book, each time it changed."""

    latest_only = True

    def __init__(self, market: Market, period: Nanos, render: Callable[[], bytes], *, opens: bool) -> None:
        self.period = period
        self._market = market
        self._render = render
        self.opens = opens
        self._version = market.version

    def traded(self, trade: TradeHappened) -> None:
        """The book's version says it all."""

    def again(self) -> None:
        """See Topic."""
        self._version = -1

    def opening(self, now: Nanos) -> bytes | None:
        """The book as it is; not an empty one, which a client would take for the market (WebSocket 1.11)."""
        return self._render() if has_levels(self._market) else None

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """The book, also when its last order is gone."""
        if self._version == self._market.version:
            return ()
        self._version = self._market.version
        return (self._render(),)


class Differences:
    """WebSocket 1.5, ``diffMergedDepth``: the whole book as number 0, then what changed as 1, 2, 3 and so on.

    The numbers begin with each subscription, so this is the one topic that listeners do not share.
    """

    period = EVERY_300_MS
    opens = True
    latest_only = False

    def __init__(self, market: Market, scale: int) -> None:
        self._market = market
        self._scale = scale
        self._version = market.version
        self._shown = merged_sides(market, scale)
        self._number = 0

    def traded(self, trade: TradeHappened) -> None:
        """The book's version says it all."""

    def again(self) -> None:
        """It is empty: only its opening could say so, and there is none."""

    def opening(self, now: Nanos) -> bytes | None:
        """The whole book."""
        self._version, self._number = self._market.version, 0
        self._shown = bids, asks = merged_sides(self._market, self._scale)
        if not bids and not asks:
            return None
        return merged_row(self._market, self._scale, list(bids.items()), list(asks.items()), 0)

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """The levels that are others now; size 0 removes one."""
        if self._version == self._market.version:
            return ()
        self._version = self._market.version
        before, self._shown = self._shown, merged_sides(self._market, self._scale)
        bids, asks = (difference(old, new) for old, new in zip(before, self._shown, strict=True))
        if not bids and not asks:
            return ()
        self._number += 1
        return (merged_row(self._market, self._scale, bids, asks, self._number),)


class Best:
    """WebSocket 2, ``bbo``: both best levels, as soon as one of the four numbers changed."""

    period = AT_ONCE
    opens = False
    latest_only = True

    def __init__(self, market: Market) -> None:
        self._market = market
        self._version = market.version
        self._shown: object = best_texts(market)

    def traded(self, trade: TradeHappened) -> None:
        """The book's version says it all."""

    def again(self) -> None:
        """See Topic."""
        self._version, self._shown = -1, None

    def opening(self, now: Nanos) -> bytes | None:
        """There is none."""
        return None

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """The best levels, if they are others."""
        market = self._market
        if self._version == market.version:
            return ()
        self._version = market.version
        texts = best_texts(market)
        if texts == self._shown:
            return ()
        self._shown = texts
        return (best(market, texts),)


class TradeBatches:
    """WebSocket 1.6, v1: the 60 latest, oldest first, then what came since, in batches."""

    period = EVERY_300_MS
    opens = True
    latest_only = False

    def __init__(self, grids: Instrument, tape: Tape) -> None:
        self._grids = grids
        self._tape = tape
        self._new: list[TradeHappened] = []

    def traded(self, trade: TradeHappened) -> None:
        """Into the next batch; when no batch leaves because time stands still, the newest are kept."""
        if len(self._new) == _MOST_IN_A_BATCH:
            del self._new[0]
        self._new.append(trade)

    def _items(self, trades: Sequence[TradeHappened]) -> bytes:
        return f"[{','.join([trade_item(self._grids, one) for one in trades])}]".encode()

    def again(self) -> None:
        """Nothing has traded: there is nothing to tell."""

    def opening(self, now: Nanos) -> bytes | None:
        """The latest trades but those that the next batch brings; nothing before the first trade."""
        waiting = len(self._new)
        known = self._tape.recent(FIRST_TRADES + waiting)
        told = known[: len(known) - waiting]
        return self._items(told) if told else None

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """One batch."""
        if not self._new:
            return ()
        batch, self._new = self._new, []
        return (self._items(batch),)


class EachTrade:
    """WebSocket 2, ``trade``: each by itself, as it happens."""

    period = AT_ONCE
    opens = False
    latest_only = False

    def __init__(self, grids: Instrument) -> None:
        self._grids = grids
        self._new: list[bytes] = []

    def traded(self, trade: TradeHappened) -> None:
        """Told when its command is done."""
        self._new.append(trade_item(self._grids, trade).encode())

    def again(self) -> None:
        """Trades of before are not told again."""

    def opening(self, now: Nanos) -> bytes | None:
        """There is none."""
        return None

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """One by one."""
        trades, self._new = self._new, []
        return trades


class OnTrade:
    """Something about the last 24 hours, when there were trades since the last time."""

    period = EVERY_500_MS
    latest_only = True

    def __init__(self, render: Callable[[Millis], bytes], *, opens: bool) -> None:
        self._render = render
        self.opens = opens
        self._changed = False

    def traded(self, trade: TradeHappened) -> None:
        """There is something to say."""
        self._changed = True

    def again(self) -> None:
        """See Topic."""
        self._changed = True

    def opening(self, now: Nanos) -> bytes | None:
        """How it is now."""
        return self._render(now // NANOS_PER_MILLI)

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """How it is now, if it is another."""
        if not self._changed:
            return ()
        self._changed = False
        return (self._render(now // NANOS_PER_MILLI),)


class Klines:
    """WebSocket 1.8: the present bar, and the last state of one that is over."""

    period = EVERY_300_MS
    latest_only = False

    def __init__(self, tape: Tape, interval: str, render: Callable[[Candle], bytes], *, opens: bool) -> None:
        self._tape = tape
        self._interval = interval
        self._start = INTERVALS[interval].start
        self._render = render
        self.opens = opens
        self._touched: dict[Millis, None] = {}
        self._newest = 0

    def traded(self, trade: TradeHappened) -> None:
        """Its bar is another now. A bar is final when the next one was seen: a late trade does not bring it back."""
        start = self._start(trade.ts // NANOS_PER_MILLI)
        if start >= self._newest:
            self._touched[start] = None

    def again(self) -> None:
        """The next trade tells."""

    def opening(self, now: Nanos) -> bytes | None:
        """The present bar; nothing before the first trade."""
        bars = self._bars(now // NANOS_PER_MILLI, None)
        return self._said(bars[0]) if bars else None

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """The bars that were traded in."""
        touched, self._touched = sorted(self._touched), {}
        return [self._said(bar) for start in touched for bar in self._bars(start, start)]

    def _bars(self, until: Millis, start: Millis | None) -> list[Candle]:
        return self._tape.candles(self._interval, until, start_ms=start, end_ms=None, limit=1)

    def _said(self, candle: Candle) -> bytes:
        self._newest = max(self._newest, candle.start_ms)
        return self._render(candle)


class OnBeat:
    """WebSocket 1.9 and 1.10: a mark or an index, at each beat as soon as it is known."""

    latest_only = True

    def __init__(self, period: Nanos, render: Callable[[Nanos], bytes | None], *, opens: bool) -> None:
        self.period = period
        self._render = render
        self.opens = opens

    def traded(self, trade: TradeHappened) -> None:
        """It does not matter here."""

    def again(self) -> None:
        """The next beat tells."""

    def opening(self, now: Nanos) -> bytes | None:
        """How it is now."""
        return self._render(now)

    def updates(self, now: Nanos) -> Sequence[bytes]:
        """How it is now."""
        said = self._render(now)
        return () if said is None else (said,)
