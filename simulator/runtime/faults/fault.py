"""One fault: what was told of it, whether that makes sense, and which of those that it meets it strikes.

**Which ones.** Those in its scope are counted; from the ``nth`` on (1: the first) it strikes, at most ``times`` of
them, each with ``probability``. ``nth`` alone means that one only. What is drawn depends on the seed and on how many
were met before, on nothing else, so the same faults and the same clients always meet in the same way.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.runtime.faults.kinds import KINDS, Kind, Parameter, Where

LONGEST_MS: Final = 366 * 86_400_000
MOST: Final = 10**9
_SCOPE: Final = ("account", "symbol", "method", "path", "stream")
_PARAMETERS: Final = tuple(dict.fromkeys(name for kind in KINDS.values() for name in kind.takes))
BETWEEN: Final = {"nth": (1, MOST), "times": (1, MOST), "start_ms": (0, LONGEST_MS), "duration_ms": (1, LONGEST_MS)}


class BadFault(ValueError):
    """What was told is no fault: one line that says which field and why."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A fault as people write it; times are milliseconds of the exchange's own clock.

    ``path`` and ``stream`` may end in ``*``; a stream is ``public``, ``private``, or what a frame is about: ``depth``,
    ``trade``, ``executionReport``. No scope: everything; no ``duration_ms``: until its times are used up or it is
    ended. The rest are the kind's own parameters (see kinds.py).
    """

    kind: str
    account: str | None = None
    symbol: str | None = None
    method: str | None = None
    path: str | None = None
    stream: str | None = None
    nth: int | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 1
    start_ms: int = 0
    duration_ms: int | None = None
    how: str | None = None
    status: int | None = None
    mode: str | None = None
    ms: int | None = None
    tell: str | None = None
    bytes_per_second: int | None = None
    copies: int | None = None
    frames: int | None = None
    code: int | None = None


def checked(told: Told) -> Kind:
    """The kind of a fault that makes sense, or BadFault."""
    kind = KINDS.get(told.kind)
    if kind is None:
        raise BadFault(f"kind: there is no fault {told.kind!r}; there are {', '.join(KINDS)}")
    for name in _SCOPE:
        if getattr(told, name) is not None and name not in kind.where.scope:
            raise BadFault(f"{name}: {told.kind} strikes {kind.where.value}, which are told by {_names(kind.where)}")
    for name in _PARAMETERS:
        _check_parameter(told, kind, name)
    for name, (low, high) in BETWEEN.items():
        value = getattr(told, name)
        if value is not None and not low <= value <= high:
            raise BadFault(f"{name}: needs a whole number from {low} to {high}, not {value}")
    if not 0 < told.probability <= 1:
        raise BadFault(f"probability: needs a number above 0 and up to 1, not {told.probability}")
    if told.mode == "buckets" and any(getattr(told, name) is not None for name in (*_SCOPE, "nth", "status")):
        raise BadFault("mode: the venue's buckets are everybody's; say nothing of scope, nth or status")
    return kind


def _check_parameter(told: Told, kind: Kind, name: str) -> None:
    value, takes = getattr(told, name), kind.takes.get(name)
    if value is None:
        return
    if takes is None:
        raise BadFault(f"{name}: {told.kind} takes {', '.join(kind.takes) or 'no parameter'}")
    if not takes.takes(value):
        raise BadFault(f"{name}: needs {takes.words()}, not {value}")


def _names(where: Where) -> str:
    return ", ".join(name for name in _SCOPE if name in where.scope)


class Met(msgspec.Struct, frozen=True):
    """Something that a fault may strike, as far as it is known what it is; "": it has no such thing."""

    account: str = ""
    symbols: tuple[str, ...] = ()
    method: str = ""
    path: str = ""
    streams: tuple[str, ...] = ()


class Fault:
    """A fault that makes sense. ``begins`` and ``ends`` are times of the exchange; None: nobody knows."""

    __slots__ = ("active", "begins", "ended", "ends", "id", "kind", "matched", "struck", "told")

    def __init__(self, id: int, told: Told, now: Nanos) -> None:
        self.id = id
        self.told = told
        self.kind = checked(told)
        self.begins = now + told.start_ms * NANOS_PER_MILLI
        self.ends = None if told.duration_ms is None else self.begins + told.duration_ms * NANOS_PER_MILLI
        self.active = False
        self.ended = False
        self.matched = 0
        self.struck = 0

    def __repr__(self) -> str:
        """For the log."""
        return f"Fault({self.id}, {self.told.kind})"

    @property
    def times(self) -> int | None:
        """How many it strikes at most."""
        told = self.told
        if told.times is not None:
            return told.times
        return 1 if told.nth is not None or (self.kind.once and told.probability >= 1) else None

    @property
    def act(self) -> str:
        """What it does, where one kind may do two things."""
        return "buckets" if self.told.mode == "buckets" else self.told.kind

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.times is not None and self.struck >= self.times

    def value(self, name: str) -> Parameter:
        """A parameter: as told, or its default."""
        told: Parameter | None = getattr(self.told, name)
        return self.kind.takes[name].default if told is None else told

    def whole(self, name: str) -> int:
        """A parameter that is a whole number."""
        return int(self.value(name))

    def concerns(self, met: Met) -> bool:
        """Whether something lies in its scope."""
        told = self.told
        return (
            (told.account is None or told.account == met.account)
            and (told.symbol is None or told.symbol in met.symbols)
            and (told.method is None or told.method.upper() == met.method)
            and (told.path is None or _fits(told.path, met.path))
            and (told.stream is None or any(_fits(told.stream, one) for one in met.streams))
        )

    def strikes(self, met: Met) -> bool:
        """Count something that it meets; whether it strikes."""
        if not self.active or not self.concerns(met):
            return False
        self.matched += 1
        if self.spent or self.matched < (self.told.nth or 1) or not self._happens():
            return False
        self.struck += 1
        return True

    def _happens(self) -> bool:
        return self.told.probability >= 1 or self.drawn(self.matched) < self.told.probability

    def drawn(self, number: int) -> float:
        """The n-th number drawn, from 0 to 1 without 1."""
        drawn = blake2b(b"%d %d" % (self.told.seed, number), digest_size=8).digest()
        return (int.from_bytes(drawn) >> 11) / 2**53


def _fits(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
