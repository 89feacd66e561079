"""What can be seen of an exchange without changing it."""

from __future__ import annotations

import msgspec

from simulator import __version__
from simulator.control.table import Ask, Nothing, NotThere, Row
from simulator.core.accounts.ledger import INSURANCE
from simulator.core.digest import digest
from simulator.core.explaining import (
    Explanation,
    LiquidationReason,
    StopReason,
    explain,
    explain_liquidation,
    explain_stop,
)
from simulator.core.orders import Order
from simulator.core.stops import Stop
from simulator.core.units import NANOS_PER_MILLI, Millis, money_text
from simulator.feeds.live import Live
from simulator.parts import Parts


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
    """Whether every market is as fresh as it should be. ``upstream`` is there when the market is live."""

    ok: bool
    stale: list[str]
    symbols: list[str]
    version: str
    upstream: Upstream | None = None


def health(parts: Parts, ask: Nothing) -> Health:
    """Readiness."""
    markets = parts.desk.state.markets
    stale = [name for name, market in markets.items() if market.mirror.stale]
    upstream = None if parts.live is None else _upstream(parts.live)
    connected = upstream is None or not any(upstream.connections.values())
    return Health(connected and not stale, stale, list(markets), __version__, upstream)


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


class WhichOrder(Ask, frozen=True):
    """An order by our id, or by the customer's."""

    order_id: str = msgspec.field(default="", name="orderId")
    client_order_id: str = msgspec.field(default="", name="clientOrderId")


def why(parts: Parts, ask: WhichOrder) -> Explanation | StopReason | LiquidationReason:
    """Why an order filled or did not: of the book, one that waits or waited for a price, or a take-over told as one."""
    state, history = parts.desk.state, parts.desk.history

    def named(one: Order | Stop) -> bool:
        return ask.order_id == str(one.id) or (not ask.order_id and ask.client_order_id == one.client_order_id)

    for order in filter(named, reversed(state.orders.values())):
        fills = [one.event for one in history.of(order.account).fills if one.event.order_id == order.id]
        return explain(state.markets[order.symbol], order, fills)
    for stop in filter(named, reversed(state.stops.values())):
        return explain_stop(state.markets[stop.symbol], stop)
    for _, event in (one for taken in parts.desk.perpetuals.liquidations.values() for one in taken):
        if str(event.order_id) in (ask.order_id, ask.client_order_id):
            return explain_liquidation(state.perpetuals[event.symbol], event)
    raise NotThere("there is no such order: name it by orderId or clientOrderId")


ROWS = (
    Row("GET", "health", health, Nothing, Health, "readiness: whether every market is fresh"),
    Row("GET", "state", summary, Nothing, Summary, "a summary of the exchange"),
    Row("GET", "digest", fingerprint, Nothing, Fingerprint, "one hash of the whole state"),
    Row(
        "GET",
        "explain",
        why,
        WhichOrder,
        Explanation | StopReason | LiquidationReason,
        "why each fill of an order happened and why the rest did not",
    ),
)
