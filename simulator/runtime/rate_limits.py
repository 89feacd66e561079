"""Token buckets with weights, and a ban for addresses that do not listen.

Off unless switched on: a strict limit breaks the clients' start-up (HashKey errors and limits 5). How
long the venue bans and after how many refusals is not published; the numbers here are ours.
"""

from __future__ import annotations

from typing import Final

from simulator.core.units import NANOS_PER_SECOND, Nanos

PATIENCE: Final = 10
"""Refused calls within a ban's length after which their address is banned."""
BAN: Final[Nanos] = 60 * NANOS_PER_SECOND
"""After a refused order one should wait a minute (HashKey errors and limits 5)."""


class Bucket:
    """``per_second`` tokens flow in; at most one second's worth is kept."""

    __slots__ = ("_at", "_per_second", "_tokens")

    def __init__(self, per_second: int, now: Nanos) -> None:
        self._per_second = per_second
        self._tokens = per_second * NANOS_PER_SECOND
        self._at = now

    def take(self, weight: int, now: Nanos) -> bool:
        """Whether ``weight`` tokens were there; if so they are gone."""
        full = self._per_second * NANOS_PER_SECOND
        self._tokens = min(full, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        cost = min(weight * NANOS_PER_SECOND, full)
        if cost > self._tokens:
            return False
        self._tokens -= cost
        return True


class Strikes:
    """One address's refused calls since the first that still counts, and how long it is banned."""

    __slots__ = ("banned_until", "count", "since")

    def __init__(self, now: Nanos) -> None:
        self.count = 0
        self.since = now
        self.banned_until: Nanos = 0

    def add(self, now: Nanos) -> None:
        """One more refused call; one too many begins a ban."""
        if now - self.since >= BAN:
            self.count, self.since = 0, now
        self.count += 1
        if self.count > PATIENCE:
            self.count, self.since, self.banned_until = 0, now, now + BAN


class RateLimits:
    """One bucket per kind of call and caller (a key or an address)."""

    def __init__(self, per_second: dict[str, int]) -> None:
        self._per_second = per_second
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._strikes: dict[str, Strikes] = {}

    def allow(self, kind: str, who: str, weight: int, now: Nanos) -> bool:
        """Count a call of a kind; kinds without a limit are free."""
        limit = self._per_second.get(kind)
        if limit is None:
            return True
        bucket = self._buckets.get((kind, who))
        if bucket is None:
            bucket = self._buckets[kind, who] = Bucket(limit, now)
        return bucket.take(weight, now)

    def strike(self, address: str, now: Nanos) -> None:
        """A call from there was refused."""
        strikes = self._strikes.get(address)
        if strikes is None:
            strikes = self._strikes[address] = Strikes(now)
        strikes.add(now)

    def banned(self, address: str, now: Nanos) -> bool:
        """Whether too many calls from there were refused for the next one to be heard."""
        strikes = self._strikes.get(address)
        return strikes is not None and now < strikes.banned_until
