"""What has happened so far, counted: events by their kind."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.core.events import Event
from simulator.core.units import Nanos


class Counts:
    """A subscriber."""

    __slots__ = ("events",)

    def __init__(self) -> None:
        self.events: dict[type, int] = {}

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """One more of each."""
        counted = self.events
        for event in events:
            kind = type(event)
            counted[kind] = counted.get(kind, 0) + 1
