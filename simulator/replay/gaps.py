"""Where a session has holes: silences, reconnects, and numbers of a stream that do not follow one another.

*silence*: nothing at all came for longer than a limit. What we sent does not end it: a frozen socket is
still pinged.

*reconnect*: a connection was told again what it had been told to send already; a venue keeps that until
the socket ends (HashKey WebSocket 1.1). It lasts from the last message before to the subscription.

*sequence*: a book's number went back; or a number was left out in a stream that counts by ones, as far as
it was seen. HashKey's own books skip numbers (WebSocket 1.4) and its trades do not count at all, so there
a step forward says nothing and is no gap; trades imported from a venue that counts them do.
Books repeated with their old number are none either. First frames of v1 trades hold old trades and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.replay.format import Direction, Record
from simulator.venues.hashkey.feed import V2
from simulator.venues.hashkey.skim import About

LONG_GAP: Final[Nanos] = 5 * NANOS_PER_SECOND
MOST_LISTED: Final = 100
MOST_STREAMS: Final = 1_000
"""A hostile recording may name any number of streams; more than this are not followed."""

Kind: TypeAlias = Literal["silence", "reconnect", "sequence"]
_ENOUGH_STEPS: Final = 20
_HEAD: Final = 400
_NUMBER = re.compile(rb'"v"\s*:\s*"([0-9]{1,18})[_"]')
_SUBSCRIBES = re.compile(rb'"event"\s*:\s*"sub"')


class Gap(msgspec.Struct, frozen=True):
    """One hole; ``where`` is empty when it is everywhere."""

    kind: Kind
    where: str
    from_ns: Nanos
    to_ns: Nanos


class _Stream:
    """The numbers of one symbol's books or trades on one connection."""

    __slots__ = ("_at", "_name", "_number", "_ones", "_others")

    def __init__(self, name: str) -> None:
        self._name = name
        self._number: int | None = None
        self._at: Nanos = 0
        self._ones = self._others = 0

    def follow(self, number: int, now: Nanos) -> Gap | None:
        """The next number; a gap when it does not follow the last one."""
        before, at = self._number, self._at
        self._number, self._at = number, now
        step = 0 if before is None else number - before
        counts = self._ones >= _ENOUGH_STEPS and self._ones >= 9 * self._others
        self._ones += step == 1
        self._others += step > 1
        return Gap("sequence", self._name, at, now) if step < 0 or (step > 1 and counts) else None

    def restart(self) -> None:
        """What comes next need not follow."""
        self._number = None


class Gaps:
    """Finds gaps while records go by. ``count`` is of all, ``listed`` holds the first hundred."""

    def __init__(self, limit_ns: Nanos = LONG_GAP) -> None:
        self.limit_ns = limit_ns
        self.listed: list[Gap] = []
        self.count: dict[str, int] = {"silence": 0, "reconnect": 0, "sequence": 0}
        self._last: Nanos | None = None
        self._came: dict[str, Nanos] = {}
        self._told: dict[str, set[bytes]] = {}
        self._streams: dict[tuple[str, About], _Stream] = {}

    @property
    def total(self) -> int:
        """Gaps of every kind."""
        return sum(self.count.values())

    def add(self, record: Record, what: About) -> None:
        """The next record, and what it is about."""
        for gap in self._of(record, what):
            self.count[gap.kind] += 1
            if len(self.listed) < MOST_LISTED:
                self.listed.append(gap)

    def _of(self, record: Record, what: About) -> Iterator[Gap]:
        if record.direction is Direction.OUT:
            yield from self._sent(record)
            return
        now = record.ts
        if self._last is not None and now - self._last > self.limit_ns:
            yield Gap("silence", "", self._last, now)
        self._last = now
        if record.connection in self._came or len(self._came) < MOST_STREAMS:
            self._came[record.connection] = now
        if what.topic == "depth" or (what.topic == "trade" and record.connection == V2):
            gap = self._followed(record, what)
            if gap is not None:
                yield gap

    def _followed(self, record: Record, what: About) -> Gap | None:
        found = _NUMBER.search(record.data, 0, _HEAD)
        if found is None:
            return None
        key = record.connection, what
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                return None
            stream = self._streams[key] = _Stream(f"{what.symbol} {what.topic} {record.connection}")
        return stream.follow(int(found[1]), record.ts)

    def _sent(self, record: Record) -> Iterator[Gap]:
        where = record.connection
        if not _SUBSCRIBES.search(record.data, 0, _HEAD) or (
            where not in self._told and len(self._told) >= MOST_STREAMS
        ):
            return
        told = self._told.setdefault(where, set())
        if record.data in told:
            told.clear()
            for (connection, _), stream in self._streams.items():
                if connection == where:
                    stream.restart()
            yield Gap("reconnect", where, self._came.get(where, record.ts), record.ts)
        if len(told) < MOST_STREAMS:
            told.add(record.data)
