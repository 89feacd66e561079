"""Trades → recent trades, candles and 24-hour figures.

A read model: it hears the same events as everybody else and can be rebuilt from them at any time. Only
minutes, hours and days in which something traded are kept; every other interval, and the flat candles
of quiet times, are made when somebody asks, never more of them than he asked for.

A trade may arrive a little late (the outside market stamps its own time). It belongs to the candle of
its own time, and there to its own place: a candle opens with the earliest trade and closes with the
latest, whenever they came.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import date
from itertools import islice
from typing import Final, NamedTuple, Protocol

import msgspec

from simulator.core.events import Event, TradeHappened
from simulator.core.orders import BUY
from simulator.core.units import NANOS_PER_MILLI, Lots, Millis, Nanos, Ticks

MINUTE: Final[Millis] = 60_000
HOUR: Final[Millis] = 60 * MINUTE
DAY: Final[Millis] = 24 * HOUR

RECENT_TRADES: Final = 1000
_KEPT: Final = {MINUTE: 31 * 24 * 60, HOUR: 2 * 366 * 24, DAY: 40 * 366}
"""How many candles of each base are kept, per symbol: a month, two years, a lifetime."""
_MINUTES_OF_A_DAY: Final = 24 * 60


class Interval(Protocol):
    """How time is cut into candles."""

    @property
    def base(self) -> Millis:
        """The kept candles that these are made of."""
        ...

    def start(self, ms: Millis) -> Millis:
        """When the candle that holds this moment starts."""
        ...

    def after(self, start: Millis) -> Millis:
        """When the candle after the one that starts here starts."""
        ...


class Every(NamedTuple):
    """Candles of one length; one of them starts at ``origin``."""

    length: Millis
    origin: Millis = 0

    @property
    def base(self) -> Millis:
        """The longest kept candle that fits."""
        return DAY if self.length >= DAY else HOUR if self.length >= HOUR else MINUTE

    def start(self, ms: Millis) -> Millis:
        """See Interval.

        >>> Every(5 * MINUTE).start(7 * MINUTE) // MINUTE
        5
        """
        return ms - (ms - self.origin) % self.length

    def after(self, start: Millis) -> Millis:
        """See Interval."""
        return start + self.length


class Months(NamedTuple):
    """Candles that start on the first of each month."""

    base: Millis = DAY

    def start(self, ms: Millis) -> Millis:
        """See Interval."""
        day = date.fromordinal(_FIRST_DAY + ms // DAY)
        return (day.replace(day=1).toordinal() - _FIRST_DAY) * DAY

    def after(self, start: Millis) -> Millis:
        """See Interval."""
        return self.start(start + 31 * DAY)


_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST_MONDAY: Final = 4 * DAY

INTERVALS: Final[dict[str, Interval]] = {
    "1m": Every(MINUTE),
    "3m": Every(3 * MINUTE),
    "5m": Every(5 * MINUTE),
    "15m": Every(15 * MINUTE),
    "30m": Every(30 * MINUTE),
    "1h": Every(HOUR),
    "2h": Every(2 * HOUR),
    "4h": Every(4 * HOUR),
    "6h": Every(6 * HOUR),
    "8h": Every(8 * HOUR),
    "12h": Every(12 * HOUR),
    "1d": Every(DAY),
    "1w": Every(7 * DAY, origin=_FIRST_MONDAY),
    "1M": Months(),
}


class Candle(msgspec.Struct, gc=False):
    """What traded in one stretch of time: ticks, lots, and ticks x lots.

    ``first`` and ``last`` are the times of the trades that gave ``open`` and ``close``; a candle of a
    quiet time has none and is flat.
    """

    start_ms: Millis
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: Lots = 0
    notional: int = 0
    trades: int = 0
    taker_buy_volume: Lots = 0
    taker_buy_notional: int = 0
    first: Nanos = 0
    last: Nanos = 0

    def add(self, trade: TradeHappened) -> None:
        """One more trade of this time."""
        price, qty = trade.price, trade.qty
        if trade.ts < self.first:
            self.first, self.open = trade.ts, price
        if trade.ts >= self.last:
            self.last, self.close = trade.ts, price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += qty
        self.notional += price * qty
        self.trades += 1
        if trade.side is BUY:
            self.taker_buy_volume += qty
            self.taker_buy_notional += price * qty

    def extend(self, later: Candle) -> None:
        """Take in a candle of a later time."""
        self.close, self.last = later.close, later.last
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.volume += later.volume
        self.notional += later.notional
        self.trades += later.trades
        self.taker_buy_volume += later.taker_buy_volume
        self.taker_buy_notional += later.taker_buy_notional


class Series:
    """Kept candles of one length in order of time, those with trades only, the newest ``kept`` of them."""

    __slots__ = ("candles", "changes_behind", "kept", "length", "starts")

    def __init__(self, length: Millis, kept: int) -> None:
        self.length = length
        self.kept = kept
        self.starts: list[Millis] = []
        self.candles: list[Candle] = []
        self.changes_behind = 0

    def add(self, trade: TradeHappened) -> None:
        """Put a trade where its time belongs; older than everything kept, it is left out."""
        ms = trade.ts // NANOS_PER_MILLI
        start = ms - ms % self.length
        starts = self.starts
        newest = starts[-1] if starts else -1
        if start == newest:
            self.candles[-1].add(trade)
        elif start > newest:
            starts.append(start)
            self.candles.append(_opened(start, trade))
            self._trim()
        else:
            self._add_behind(start, trade)

    def _add_behind(self, start: Millis, trade: TradeHappened) -> None:
        place = bisect_left(self.starts, start)
        self.changes_behind += 1
        if self.starts[place] == start:
            self.candles[place].add(trade)
        elif place or len(self.starts) < self.kept:
            self.starts.insert(place, start)
            self.candles.insert(place, _opened(start, trade))
            self._trim()

    def _trim(self) -> None:
        """Cut an eighth at a time: cutting moves everything that stays."""
        if len(self.starts) > self.kept + self.kept // 8:
            spare = len(self.starts) - self.kept
            del self.starts[:spare]
            del self.candles[:spare]

    def sum(self, low: int, high: int, start: Millis) -> Candle:
        """The candles from one place up to another as one; a flat one where there are none."""
        if low == high:
            price = self.candles[low - 1].close
            return Candle(start, price, price, price, price)
        total = msgspec.structs.replace(self.candles[low], start_ms=start)
        for place in range(low + 1, high):
            total.extend(self.candles[place])
        return total


def _opened(start: Millis, trade: TradeHappened) -> Candle:
    price = trade.price
    candle = Candle(start, price, price, price, price, first=trade.ts, last=trade.ts)
    candle.add(trade)
    return candle


class Day(NamedTuple):
    """The last 24 hours; the prices of a day without trades are all the last one."""

    last: Ticks
    high: Ticks
    low: Ticks
    open: Ticks
    volume: Lots
    notional: int


class Tape:
    """What one symbol traded at."""

    __slots__ = ("_day", "_day_of", "_recent", "_series")

    def __init__(self) -> None:
        self._recent: deque[TradeHappened] = deque(maxlen=RECENT_TRADES)
        self._series = {length: Series(length, kept) for length, kept in _KEPT.items()}
        self._day: Candle | None = None
        self._day_of = (0, 0, 0)

    def add(self, trade: TradeHappened) -> None:
        """One more trade."""
        self._recent.append(trade)
        for series in self._series.values():
            series.add(trade)

    def recent(self, most: int) -> list[TradeHappened]:
        """The newest trades, in the order in which they came."""
        return list(islice(self._recent, max(0, len(self._recent) - most), None))

    def candles(
        self, interval: str, now_ms: Millis, *, start_ms: Millis | None, end_ms: Millis | None, limit: int
    ) -> list[Candle]:
        """Candles that start between two times (both included), oldest first, none of the future.

        Too many: the first ``limit`` from ``start_ms`` on, so that a client can page through the past
        (ccxt does, with a start time and a limit only); without a start time, the newest.
        """
        span = INTERVALS[interval]
        series = self._series[span.base]
        until = now_ms if end_ms is None else min(now_ms, end_ms)
        if not series.starts:
            return []
        starts = _starts(span, series.starts[0], until, start_ms, limit)
        return [self._candle(series, span, start) for start in starts]

    def _candle(self, series: Series, span: Interval, start: Millis) -> Candle:
        low = bisect_left(series.starts, start)
        return series.sum(low, bisect_left(series.starts, span.after(start), low), start)

    def day(self, now_ms: Millis) -> Day | None:
        """The last 24 hours, in whole minutes with the present one; None: it never traded.

        ``open`` is the first price of the window.
        """
        series = self._series[MINUTE]
        minute = now_ms - now_ms % MINUTE
        end = bisect_right(series.starts, minute)
        if not end:
            return None
        low = bisect_left(series.starts, minute - (_MINUTES_OF_A_DAY - 1) * MINUTE)
        newest = series.candles[end - 1]
        if low == end:
            last = newest.close
            return Day(last, last, last, last, 0, 0)
        total = newest
        if low < end - 1:
            total = msgspec.structs.replace(self._sum_behind(series, low, end - 1))
            total.extend(newest)
        return Day(total.close, total.high, total.low, total.open, total.volume, total.notional)

    def _sum_behind(self, series: Series, low: int, high: int) -> Candle:
        """The sum of a day's minutes but the newest, made once as long as they stay the same."""
        key = series.starts[low], series.starts[high], series.changes_behind
        if self._day is None or self._day_of != key:
            self._day, self._day_of = series.sum(low, high, series.starts[low]), key
        return self._day


def _starts(span: Interval, oldest: Millis, until: Millis, start_ms: Millis | None, limit: int) -> list[Millis]:
    """When the wanted candles start."""
    first = span.start(oldest)
    if start_ms is not None and start_ms > first:
        if start_ms > until:
            return []
        first = span.start(start_ms)
        if first < start_ms:
            first = span.after(first)
    starts: list[Millis] = []
    if start_ms is None:
        place = span.start(until)
        while place >= first and len(starts) < limit:
            starts.append(place)
            place = span.start(place - 1)
        starts.reverse()
        return starts
    while first <= until and len(starts) < limit:
        starts.append(first)
        first = span.after(first)
    return starts


class Tapes:
    """A subscriber: ``on_events`` after every command."""

    __slots__ = ("_tapes",)

    def __init__(self) -> None:
        self._tapes: dict[str, Tape] = {}

    def of(self, symbol: str) -> Tape:
        """What a symbol traded at; asking for one that never traded makes an empty tape."""
        tape = self._tapes.get(symbol)
        if tape is None:
            tape = self._tapes[symbol] = Tape()
        return tape

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep the trades."""
        for event in events:
            if type(event) is TradeHappened:
                self.of(event.symbol).add(event)
