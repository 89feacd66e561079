"""How fresh each mirrored book is, since when, and if not, why; and what was left out of the feed.

A book is *doubted* from the moment when something came that may have been it and could not be used. A good
book ends the doubt; a doubt that lasts as long as silence may last makes the book stale.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

from simulator.core.units import Nanos

log = logging.getLogger(__name__)

NOT_CONNECTED = "not connected yet"


@dataclass
class Freshness:
    """One symbol's. ``why`` is empty when it is fresh; ``since`` is in the exchange's time, the others in seconds."""

    symbol: str
    since: Nanos
    why: str = NOT_CONNECTED
    heard_s: float = 0.0
    doubted_s: float | None = None
    doubt: str = ""

    @property
    def fresh(self) -> bool:
        """Whether it may be traded against."""
        return not self.why

    def heard(self, now: Nanos, seconds: float) -> None:
        """A whole book came and was used."""
        self.heard_s = seconds
        self.doubted_s = None
        if self.why:
            log.warning("the mirror of %s is fresh again, after: %s", self.symbol, self.why)
            self.why, self.since = "", now

    def lost(self, now: Nanos, why: str) -> bool:
        """It is stale from now on; returns whether it was not before."""
        was_fresh, self.why = self.fresh, why
        self.doubted_s = None
        if was_fresh:
            self.since = now
            log.warning("the mirror of %s is stale, nothing fills from it: %s", self.symbol, why)
        return was_fresh

    def doubted(self, seconds: float, doubt: str) -> None:
        """Something that may have been its book could not be used."""
        if self.doubted_s is None:
            self.doubted_s, self.doubt = seconds, doubt


class LeftOut:
    """What could not be used, by kind. Logged the first time, then each time it has doubled."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def __call__(self, kind: str, words: str) -> None:
        """One more."""
        self.counts[kind] += 1
        count = self.counts[kind]
        if count & (count - 1) == 0:
            log.warning("left out of the market data (%s, number %d): %s", kind, count, words)
