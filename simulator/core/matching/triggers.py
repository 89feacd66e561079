"""Stop orders of one perpetual, waiting for a price.

Those that wait for a rising price and those that wait for a falling one are kept apart, each in the order
in which a moving price reaches them; at one price the older goes first. So asking whether anything is due
costs the same whether three or three thousand wait.
"""

from __future__ import annotations

from sortedcontainers import SortedKeyList

from simulator.core.orders import TriggerBy
from simulator.core.stops import Stop
from simulator.core.units import Price


def _when_rising(stop: Stop) -> tuple[int, int]:
    return stop.trigger, stop.id


def _when_falling(stop: Stop) -> tuple[int, int]:
    return -stop.trigger, stop.id


class Triggers:
    """What waits for one of the two prices (mark or last) of a perpetual; ``tick`` is one tick as a Price."""

    __slots__ = ("_falling", "_rising", "tick")

    def __init__(self, tick: Price) -> None:
        self.tick = tick
        self._rising: SortedKeyList[Stop, tuple[int, int]] = SortedKeyList(key=_when_rising)
        self._falling: SortedKeyList[Stop, tuple[int, int]] = SortedKeyList(key=_when_falling)

    def _side(self, stop: Stop) -> SortedKeyList[Stop, tuple[int, int]]:
        return self._rising if stop.rising else self._falling

    def add(self, stop: Stop) -> None:
        """Wait."""
        self._side(stop).add(stop)

    def remove(self, stop: Stop) -> None:
        """Wait no longer."""
        self._side(stop).remove(stop)

    def due(self, price: Price) -> Stop | None:
        """The first that a price has reached: rising ones before falling ones."""
        if self._rising and self._rising[0].trigger * self.tick <= price:
            return self._rising[0]
        if self._falling and self._falling[0].trigger * self.tick >= price:
            return self._falling[0]
        return None


class Waiting:
    """Stop orders by the price they watch, and how many there are."""

    __slots__ = ("by_last", "by_mark", "count")

    def __init__(self, tick: Price) -> None:
        self.by_mark = Triggers(tick)
        self.by_last = Triggers(tick)
        self.count = 0

    def _watching(self, stop: Stop) -> Triggers:
        return self.by_mark if stop.by is TriggerBy.MARK else self.by_last

    def add(self, stop: Stop) -> None:
        """Wait."""
        self._watching(stop).add(stop)
        self.count += 1

    def remove(self, stop: Stop) -> None:
        """Wait no longer."""
        self._watching(stop).remove(stop)
        self.count -= 1

    def due(self, mark: Price | None, last: Price | None) -> Stop | None:
        """The first that goes out now: those that watch the mark before those that watch the last price."""
        found = None if mark is None else self.by_mark.due(mark)
        return found if found is not None or last is None else self.by_last.due(last)
