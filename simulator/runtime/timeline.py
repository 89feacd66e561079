"""What waits for its moment in the exchange's time: requests under way to the venue, replies and frames under way back.

A heap, first in first out at equal times. The runner plays it together with the market source and the timers in
one order of time; see ``runner.py`` for what comes first at equal ones.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, TypeAlias

from simulator.core.units import Nanos

Call: TypeAlias = Callable[[Nanos], None]
"""What happens, told the time at which it does."""


NEVER: Final[Nanos] = 2**63


class Timeline:
    """Calls and when they are due. ``due`` is when the next one is; NEVER: nothing waits."""

    __slots__ = ("_entries", "_made", "due")

    def __init__(self) -> None:
        self.due = NEVER
        # The number stands before the call, so calls are never compared.
        self._entries: list[tuple[Nanos, int, Call]] = []
        self._made = 0

    def add(self, due: Nanos, call: Call) -> None:
        """Let something happen at a time."""
        self._made += 1
        heappush(self._entries, (due, self._made, call))
        self.due = self._entries[0][0]

    def take(self) -> tuple[Nanos, Call]:
        """The next one and its time; it waits no longer."""
        due, _, call = heappop(self._entries)
        self.due = self._entries[0][0] if self._entries else NEVER
        return due, call

    def __len__(self) -> int:
        return len(self._entries)
