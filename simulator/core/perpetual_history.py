"""Of perpetuals what ``history.py`` does not keep: what an index was, and which leverage an order had at its end.

A read model: it hears the same events as everybody else and can be rebuilt from them at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from simulator.core.events import Event, MarkChanged, OrderCanceled, OrderFilled, PositionLiquidated
from simulator.core.orders import FILLED
from simulator.core.state import State
from simulator.core.units import NANOS_PER_SECOND, Nanos, Price

MEAN_OVER: Final[Nanos] = 600 * NANOS_PER_SECOND
"""HashKey REST 2.12: ``edp`` is the mean of ten minutes."""


class IndexMean:
    """An index of the last ten minutes: what it became, and when."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: deque[tuple[Nanos, Price]] = deque()

    def became(self, now: Nanos, index: Price) -> None:
        """It is another from now on. The last one before the ten minutes is kept: it held when they began."""
        changes = self._changes
        if changes and changes[-1][1] == index:
            return
        changes.append((now, index))
        while len(changes) > 1 and changes[1][0] <= now - MEAN_OVER:
            changes.popleft()

    def mean(self, now: Nanos) -> Price | None:
        """Weighted by time, as far back as it is known; cut."""
        changes = self._changes
        if not changes:
            return None
        since = max(changes[0][0], now - MEAN_OVER)
        if now <= since:
            return changes[-1][1]
        total, end = 0, now
        for ts, index in reversed(changes):
            begin = max(ts, since)
            if begin < end:
                total += index * (end - begin)
                end = begin
            if ts <= since:
                break
        return total // (now - since)


class PerpetualHistory:
    """A subscriber: ``on_events`` after every command. ``finished_with``: the leverage that a finished order had."""

    __slots__ = ("_indexes", "_state", "finished_with")

    def __init__(self, state: State) -> None:
        self._state = state
        self._indexes: dict[str, IndexMean] = {}
        self.finished_with: dict[int, int] = {}

    def index_mean(self, symbol: str, now: Nanos) -> Price | None:
        """Of a perpetual's index."""
        mean = self._indexes.get(symbol)
        return None if mean is None else mean.mean(now)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep what concerns a perpetual."""
        for event in events:
            kind = type(event)
            if kind in _ENDS:
                self._ended(event)  # type: ignore[arg-type]
            elif kind is MarkChanged and event.index is not None:  # type: ignore[union-attr]
                self._became(now, event)  # type: ignore[arg-type]

    def _became(self, now: Nanos, event: MarkChanged) -> None:
        assert event.index is not None
        self._indexes.setdefault(event.symbol, IndexMean()).became(now, event.index)

    def _ended(self, event: OrderFilled | OrderCanceled | PositionLiquidated) -> None:
        listed = self._state.perpetuals.get(event.symbol)
        if listed is not None and (type(event) is not OrderFilled or event.status is FILLED):
            self.finished_with[event.order_id] = listed.seat(event.account).leverage


_ENDS = frozenset({OrderFilled, OrderCanceled, PositionLiquidated})
