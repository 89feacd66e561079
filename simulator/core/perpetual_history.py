"""What happened to perpetuals, kept so that it is found at once: indexes, ends of orders, positions, take-overs.

A read model: it hears the same events as everybody else and can be rebuilt from them at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from simulator.core.accounts.positions import Position
from simulator.core.events import (
    Event,
    MarkChanged,
    OrderCanceled,
    OrderFilled,
    PositionChanged,
    PositionLiquidated,
)
from simulator.core.orders import FILLED, PositionSide
from simulator.core.state import State
from simulator.core.units import NANOS_PER_SECOND, Nanos, Price

MEAN_OVER: Final[Nanos] = 600 * NANOS_PER_SECOND
"""HashKey REST 2.12: ``edp`` is the mean of ten minutes."""


class Liquidation(NamedTuple):
    """A position that was taken over, and when."""

    ts: Nanos
    event: PositionLiquidated


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
    """A subscriber: ``on_events`` after every command.

    ``finished_with``: the leverage that a finished order had; ``liquidations`` of each account, oldest first.
    """

    __slots__ = ("_changed", "_indexes", "_state", "finished_with", "liquidations")

    def __init__(self, state: State) -> None:
        self._state = state
        self._indexes: dict[str, IndexMean] = {}
        self._changed: dict[tuple[str, str, PositionSide], Nanos] = {}
        self.finished_with: dict[int, int] = {}
        self.liquidations: dict[str, list[Liquidation]] = {}

    def index_mean(self, symbol: str, now: Nanos) -> Price | None:
        """Of a perpetual's index."""
        mean = self._indexes.get(symbol)
        return None if mean is None else mean.mean(now)

    def changed(self, position: Position) -> Nanos:
        """When a position became what it is; 0: it never was."""
        return self._changed.get((position.account, position.perpetual.symbol, position.side), 0)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep what concerns a perpetual."""
        for event in events:
            if type(event) in _KEPT:
                self._keep(now, event)

    def _keep(self, now: Nanos, event: Event) -> None:
        if isinstance(event, OrderFilled | OrderCanceled):
            self._ended(event)
        elif isinstance(event, MarkChanged):
            if event.index is not None:
                self._indexes.setdefault(event.symbol, IndexMean()).became(now, event.index)
        elif isinstance(event, PositionChanged):
            self._changed[event.account, event.symbol, event.side] = now
        elif isinstance(event, PositionLiquidated):
            self.liquidations.setdefault(event.account, []).append(Liquidation(now, event))
            self._ended(event)

    def _ended(self, event: OrderFilled | OrderCanceled | PositionLiquidated) -> None:
        listed = self._state.perpetuals.get(event.symbol)
        if listed is not None and (type(event) is not OrderFilled or event.status is FILLED):
            self.finished_with[event.order_id] = listed.seat(event.account).leverage


_KEPT = frozenset({OrderFilled, OrderCanceled, MarkChanged, PositionChanged, PositionLiquidated})
