"""Every kind of fault in one table: where it strikes, which parameters it takes, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

Parameter: TypeAlias = str | int | bool


class Where(Enum):
    """What a fault strikes, and what its scope may name."""

    REQUEST = "requests"
    FRAME = "frames"
    CONNECTION = "connections"
    KEY = "listen keys"
    MARKET = "markets"

    @property
    def scope(self) -> frozenset[str]:
        """The fields that say which ones."""
        return _SCOPES[self]


_SCOPES: Final[Mapping[Where, frozenset[str]]] = {
    Where.REQUEST: frozenset({"account", "symbol", "method", "path"}),
    Where.FRAME: frozenset({"account", "symbol", "stream"}),
    Where.CONNECTION: frozenset({"account", "stream"}),
    Where.KEY: frozenset({"account"}),
    Where.MARKET: frozenset({"symbol"}),
}


class Whole(NamedTuple):
    """A whole number between two bounds, both included."""

    default: int
    low: int
    high: int

    def takes(self, value: Parameter) -> bool:
        """Whether it is one."""
        return type(value) is int and self.low <= value <= self.high

    def words(self) -> str:
        """What it has to be."""
        return f"a whole number from {self.low} to {self.high}"


class OneOf(NamedTuple):
    """One of a few values."""

    default: Parameter
    values: tuple[Parameter, ...]

    def takes(self, value: Parameter) -> bool:
        """Whether it is."""
        return any(value == one and type(value) is type(one) for one in self.values)

    def words(self) -> str:
        """What it has to be."""
        return f"one of {', '.join(str(one).lower() if isinstance(one, bool) else str(one) for one in self.values)}"


class Code(NamedTuple):
    """A close code that may be sent (RFC 6455 7.4): not one that only says what was received."""

    default: int

    def takes(self, value: Parameter) -> bool:
        """Whether it is."""
        code = value if type(value) is int else 0
        return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999

    def words(self) -> str:
        """What it has to be."""
        return "a close code that can be sent: 1000 to 1014 without 1004, 1005, 1006, or 3000 to 4999"


class Kind(NamedTuple):
    """One kind."""

    where: Where
    takes: Mapping[str, Whole | OneOf | Code]
    meaning: str
    once: bool = False
    """Strikes once where nobody says how often."""


_DAY_MS: Final = 86_400_000

KINDS: Final[Mapping[str, Kind]] = {
    "lose_answer": Kind(
        Where.REQUEST,
        {"how": OneOf("timeout", ("timeout", "502", "close"))},
        "the request is carried out and its answer lost: nothing is ever sent, a gateway's 502, or the connection ends",
    ),
    "error": Kind(
        Where.REQUEST,
        {"status": OneOf(503, (500, 502, 503, 504))},
        "the request is not carried out, the answer is a server error",
    ),
    "rate_limit": Kind(
        Where.REQUEST,
        {"status": OneOf(429, (429, 418)), "mode": OneOf("answer", ("answer", "buckets"))},
        "the request is not carried out, the answer is the venue's 429 or 418; buckets: the venue's own limits are on",
    ),
    "late_answer": Kind(
        Where.REQUEST,
        {"ms": Whole(500, 1, _DAY_MS)},
        "the answer leaves so much later, the private events do not: they come first",
    ),
    "slow_bytes": Kind(
        Where.REQUEST,
        {"bytes_per_second": Whole(100, 1, 1_000_000)},
        "the answer drips, so many bytes a second",
    ),
    "skew_clock": Kind(
        Where.REQUEST,
        {"ms": Whole(60_000, -_DAY_MS, _DAY_MS), "tell": OneOf("skewed", ("skewed", "true"))},
        "the venue's clock is so much ahead, by which stamps are judged (-1021); it tells that time, or the true one",
    ),
    "late_events": Kind(
        Where.FRAME,
        {"ms": Whole(500, 1, _DAY_MS)},
        "private events leave so much later than the answer that they belong to",
    ),
    "delay_events": Kind(
        Where.FRAME,
        {"ms": Whole(500, 1, _DAY_MS)},
        "events leave so much later; each stream keeps its order, others overtake it",
    ),
    "reorder_events": Kind(
        Where.FRAME,
        {"ms": Whole(100, 1, _DAY_MS)},
        "each event leaves up to so much later, drawn from the seed, and waits for no other",
    ),
    "duplicate_events": Kind(Where.FRAME, {"copies": Whole(1, 1, 100)}, "events are sent so many times more"),
    "drop_events": Kind(Where.FRAME, {}, "events are not sent"),
    "freeze_depth": Kind(Where.FRAME, {}, "books and best prices are not sent, trades are"),
    "sequence_gap": Kind(
        Where.FRAME,
        {"frames": Whole(1, 1, 1000)},
        "so many frames of a book are left out, so its version jumps",
        once=True,
    ),
    "silence": Kind(Where.FRAME, {}, "nothing at all is sent, pongs neither; the connection stays open"),
    "close_socket": Kind(Where.CONNECTION, {"code": Code(1001)}, "the connection is closed with a code"),
    "cut_socket": Kind(Where.CONNECTION, {}, "the connection ends without a close frame"),
    "expire_listen_key": Kind(Where.KEY, {}, "listen keys end before their time"),
    "maintenance": Kind(
        Where.MARKET, {}, "the symbol's status is BREAK: new orders are refused, cancels work; a command, kept as one"
    ),
    "pause_matching": Kind(
        Where.MARKET,
        {},
        "orders are accepted and cancelled, nothing trades; then what can trade does, the oldest first; also a command",
    ),
}
