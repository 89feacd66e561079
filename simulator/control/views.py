"""What can be seen of an exchange without changing it."""

from __future__ import annotations

import msgspec

from simulator import __version__
from simulator.control.table import Nothing, Row
from simulator.core.accounts.ledger import INSURANCE
from simulator.core.digest import digest
from simulator.core.units import NANOS_PER_MILLI, Millis, money_text
from simulator.parts import Parts


class Health(msgspec.Struct, frozen=True):
    """Whether every market is as fresh as it should be."""

    ok: bool
    stale: list[str]
    symbols: list[str]
    version: str


def health(parts: Parts, ask: Nothing) -> Health:
    """Readiness."""
    markets = parts.desk.state.markets
    stale = [name for name, market in markets.items() if market.mirror.stale]
    return Health(not stale, stale, list(markets), __version__)


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
