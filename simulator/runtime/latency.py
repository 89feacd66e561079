"""How long things take on their way, on four legs: a request to the venue, its reply, market data, private events.

Settings are texts ``[ACCOUNT/]LEG=MODEL``, LEG one of ``request``, ``response``, ``market``, ``private``, and MODEL

- ``5`` or ``0.25``: always so many milliseconds;
- ``uniform:MIN:MAX``, ``exponential:MEAN``, ``lognormal:MEDIAN:SIGMA``: drawn, each time anew (SIGMA is that of the
  logarithm; waiting times on networks are skewed like this);
- ``file:PATH``: measured, one number of milliseconds a line, used in their order and then again from the first.

The last text about a leg counts. **What is drawn** depends on the seed, the account, the leg and how many were drawn
before, on nothing else: the n-th is made from a hash of these, so it is the same in every process and its whole
state is a count. It is rounded to a microsecond, so that a last digit of somebody's logarithm changes nothing.
(A numpy generator would have a larger state, and numpy does not promise the same numbers from version to version.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist
from typing import Final, Protocol, TypeAlias

from simulator.core.units import NANOS_PER_MILLI, Nanos

_MICRO: Final[Nanos] = 1000
LONGEST: Final[Nanos] = 3_600_000 * NANOS_PER_MILLI
"""An hour; what is drawn longer takes an hour."""
_LONGEST_FILE: Final = 10_000_000
_NORMAL: Final = NormalDist()


class BadLatency(ValueError):
    """A text that is no latency: one line that says why."""


class Leg(Enum):
    """What is under way."""

    REQUEST = "request"
    RESPONSE = "response"
    MARKET = "market"
    PRIVATE = "private"


class Latency(Protocol):
    """How long the next thing on one leg of one account takes."""

    used: int
    """How many were asked for: all that it remembers."""

    def next(self) -> Nanos:
        """Not negative."""
        ...


class Constant:
    """Always the same."""

    used = 0

    def __init__(self, nanos: Nanos) -> None:
        self._nanos = nanos

    def next(self) -> Nanos:
        """See Latency."""
        return self._nanos


Quantile: TypeAlias = Callable[[float], float]
"""A number between 0 and 1, both excluded → milliseconds."""


class Drawn:
    """Drawn from a distribution by its quantiles; ``name`` tells one stream of numbers from another."""

    def __init__(self, quantile: Quantile, name: str) -> None:
        self._quantile = quantile
        self._name = name.encode()
        self.used = 0

    def next(self) -> Nanos:
        """See Latency."""
        self.used += 1
        bits = int.from_bytes(blake2b(b"%d %b" % (self.used, self._name), digest_size=8).digest()) >> 12
        try:
            millis = self._quantile((bits + 0.5) / 2**52)
        except OverflowError:
            return LONGEST
        return min(round(min(millis, LONGEST / NANOS_PER_MILLI) * 1000) * _MICRO, LONGEST)


class Measured:
    """As they were measured, in order, over and over."""

    def __init__(self, nanos: Sequence[Nanos]) -> None:
        self._nanos = nanos
        self.used = 0

    def next(self) -> Nanos:
        """See Latency."""
        self.used += 1
        return self._nanos[(self.used - 1) % len(self._nanos)]


@dataclass(frozen=True)
class Told:
    """One setting, read."""

    account: str | None
    leg: Leg
    make: Callable[[str], Latency]


class Latencies:
    """Every leg's latency, by account; what nobody set takes no time.

    Each account draws from streams of its own, so what one does changes nothing for another.
    """

    def __init__(self, texts: Sequence[str] = (), seed: int = 0) -> None:
        self._seed = seed
        self._told = {(one.account, one.leg): one.make for one in map(read, texts)}
        self._made: dict[tuple[str | None, Leg], Latency | None] = {}

    def __getstate__(self) -> dict[tuple[str | None, Leg], int]:
        """For snapshots: how many were used."""
        return {key: one.used for key, one in self._made.items() if one is not None}

    def __setstate__(self, used: dict[tuple[str | None, Leg], int]) -> None:
        """In those that are in use already."""
        for account, leg in used:
            self.on(leg, account)
        for key, one in self._made.items():
            if one is not None:
                one.used = used.get(key, 0)

    @property
    def accounts(self) -> list[str]:
        """Who has latencies of their own."""
        return sorted({account for account, _ in self._told if account})

    def any(self, *legs: Leg) -> bool:
        """Whether anything takes time on one of these legs."""
        return any(leg in legs for _, leg in self._told)

    def on(self, leg: Leg, account: str | None = None) -> Latency | None:
        """An account's latency (None: of nobody in particular); None: it takes no time."""
        key = account, leg
        if key not in self._made:
            make = self._told.get(key) or self._told.get((None, leg))
            self._made[key] = make and make(f"{self._seed} {account or ''} {leg.value}")
        return self._made[key]


def read(text: str) -> Told:
    """A setting's text, or BadLatency.

    >>> read("slow/request=lognormal:8:0.5").account
    'slow'
    """
    where, found, model = text.partition("=")
    account, slash, leg = where.rpartition("/")
    if not found or leg not in {one.value for one in Leg} or (slash and not account):
        raise BadLatency(
            f"needs [ACCOUNT/]LEG=MODEL with LEG one of {', '.join(one.value for one in Leg)}; not {text!r}"
        )
    if account and leg == Leg.MARKET.value:
        raise BadLatency(f"{text!r}: market data is public, nobody knows whose connection it goes to")
    return Told(account or None, Leg(leg), _model(model, text))


def _model(model: str, text: str) -> Callable[[str], Latency]:
    kind, *rest = model.split(":")
    if kind == "file":
        samples = _samples(model.removeprefix("file:"))
        return lambda _: Measured(samples)
    numbers = [_millis(one, text) for one in (rest or [kind])]
    if not rest:
        nanos = int(numbers[0] * NANOS_PER_MILLI)
        return lambda _: Constant(nanos)
    quantile = _quantile(kind, [float(one) for one in numbers])
    if quantile is None:
        raise BadLatency(
            f"needs a number of milliseconds, uniform:MIN:MAX, exponential:MEAN, lognormal:MEDIAN:SIGMA or file:PATH; "
            f"not {text!r}"
        )
    return lambda name: Drawn(quantile, name)


def _quantile(kind: str, numbers: Sequence[float]) -> Quantile | None:
    match kind, numbers:
        case "uniform", [low, high] if low <= high:
            return lambda share: low + (high - low) * share
        case "exponential", [mean]:
            return lambda share: -mean * math.log1p(-share)
        case "lognormal", [median, sigma]:
            return lambda share: median * math.exp(sigma * _NORMAL.inv_cdf(share))
    return None


def _millis(text: str, where: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not (number.is_finite() and 0 <= number * NANOS_PER_MILLI <= LONGEST):
        raise BadLatency(f"{where!r}: {text!r} is not a number of milliseconds from 0 to an hour")
    return number


def _samples(path: str) -> list[Nanos]:
    try:
        text = Path(path).expanduser().read_text("ascii")
    except OSError as error:
        raise BadLatency(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadLatency(f"{path} is not text with a number a line") from None
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or len(lines) > _LONGEST_FILE:
        raise BadLatency(f"{path} needs one to {_LONGEST_FILE} numbers of milliseconds, one a line")
    return [int(_millis(line.strip(), path) * NANOS_PER_MILLI) for line in lines]
