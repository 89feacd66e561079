"""What can be seen of an exchange without changing it."""

from __future__ import annotations

import msgspec

from simulator import __version__
from simulator.assembly.parts import Parts
from simulator.control.table import Nothing, Row
from simulator.core.accounts.ledger import INSURANCE
from simulator.core.digest import digest
from simulator.core.units import NANOS_PER_MILLI, Millis, money_text
from simulator.feeds.live import Live


class Fresh(msgspec.Struct, frozen=True):
    """One symbol of a live mirror: whether it may fill, since when (milliseconds), and if not, why."""

    fresh: bool
    since: Millis
    why: str


class Upstream(msgspec.Struct, frozen=True):
    """A live mirror: why a connection is down, by its path ("": it stands); its symbols; what was left out, by kind."""

    connections: dict[str, str]
    symbols: dict[str, Fresh]
    left_out: dict[str, int]


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether every market is as fresh as it should be.

    ``upstream`` is there when the market is live, ``faults``, how many are active, when some are.
    """

    ok: bool
    stale: list[str]
    symbols: list[str]
    version: str
    upstream: Upstream | None = None
    faults: int = 0


def health(parts: Parts, ask: Nothing) -> Health:
    """Readiness."""
    markets = parts.desk.state.markets
    stale = [name for name, market in markets.items() if market.mirror.stale]
    upstream = None if parts.live is None else _upstream(parts.live)
    connected = upstream is None or not any(upstream.connections.values())
    return Health(connected and not stale, stale, list(markets), __version__, upstream, len(parts.faults.active()))


def _upstream(live: Live) -> Upstream:
    return Upstream(
        dict(live.connections),
        {one.symbol: Fresh(one.fresh, one.since // NANOS_PER_MILLI, one.why) for one in live.freshness()},
        dict(live.left_out.counts),
    )


class Summary(msgspec.Struct, frozen=True):
    """The exchange in a few numbers; ``time`` is its own, in milliseconds."""

    time: Millis
    market: str
    accounts: list[str]
    orders: int
    open_orders: int
    positions: int
    insurance: dict[str, str]


def summary(parts: Parts, ask: Nothing) -> Summary:
    """What there is."""
    state = parts.desk.state
    return Summary(
        time=parts.runner.now() // NANOS_PER_MILLI,
        market=parts.market,
        accounts=list(state.customers),
        orders=len(state.orders),
        open_orders=sum(len(one.open_orders) for one in state.customers.values()),
        positions=sum(len(wallet.positions) for wallet in state.wallets.values()),
        insurance={asset: money_text(one.total) for asset, one in state.ledger.of(INSURANCE).items()},
    )


class Fingerprint(msgspec.Struct, frozen=True):
    """One hash of the whole state."""

    digest: str


def fingerprint(parts: Parts, ask: Nothing) -> Fingerprint:
    """Equal for equal exchanges, on every machine."""
    return Fingerprint(digest(parts.desk.state))


ROWS = (
    Row("GET", "health", health, Nothing, Health, "readiness: whether every market is fresh"),
    Row("GET", "state", summary, Nothing, Summary, "a summary of the exchange"),
    Row("GET", "digest", fingerprint, Nothing, Fingerprint, "one hash of the whole state"),
)
