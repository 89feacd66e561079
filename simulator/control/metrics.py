"""The exchange in numbers for Prometheus, in its text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from simulator import __version__
from simulator.assembly.parts import Parts
from simulator.control.table import Nothing, Row, Text
from simulator.core.units import NANOS_PER_SECOND

PREFIX: Final = "hashkey_sim_"

Sample: TypeAlias = tuple[dict[str, str], int | str]
"""Labels and a value."""


class Metric(NamedTuple):
    """One family: what it is, whether it only grows, and its samples."""

    name: str
    kind: str
    meaning: str
    samples: Iterable[Sample]


def metrics(parts: Parts, ask: Nothing) -> Text:
    """All of them, one sample a line."""
    return Text("".join(line + "\n" for metric in _metrics(parts) for line in _lines(metric)))


def _metrics(parts: Parts) -> Iterator[Metric]:
    state, now = parts.desk.state, parts.runner.now()
    markets, customers = state.markets, state.customers
    seconds, nanos = divmod(now, NANOS_PER_SECOND)
    yield Metric("info", "gauge", "the version that runs", [({"version": __version__}, 1)])
    yield Metric("time_seconds", "gauge", "the exchange's own time", [({}, f"{seconds}.{nanos:09d}")])
    events = sorted((kind.__name__, many) for kind, many in parts.counts.events.items())
    yield Metric("events_total", "counter", "what happened, by kind", [({"kind": kind}, n) for kind, n in events])
    yield Metric("requests_total", "counter", "REST requests and sockets that came", [({}, parts.requests.came)])
    yield Metric("orders_total", "counter", "orders that were accepted", [({}, len(state.orders))])
    opened = [({"account": name}, len(one.open_orders)) for name, one in customers.items()]
    yield Metric("open_orders", "gauge", "orders that are open", opened)
    positions = sum(len(wallet.positions) for wallet in state.wallets.values())
    yield Metric("positions", "gauge", "positions that are open", [({}, positions)])
    stale = [({"symbol": name}, int(market.mirror.stale)) for name, market in markets.items()]
    yield Metric("mirror_stale", "gauge", "1 while nothing fills from the mirror", stale)
    trading = [({"symbol": name}, int(market.trading)) for name, market in markets.items()]
    yield Metric("trading", "gauge", "1 while a symbol takes orders", trading)
    yield Metric("faults_active", "gauge", "what goes wrong on command", [({}, len(parts.faults.active()))])


def _lines(metric: Metric) -> Iterator[str]:
    name = PREFIX + metric.name
    yield f"# HELP {name} {metric.meaning}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


ROWS: Final = (Row("GET", "metrics", metrics, Nothing, Text, "numbers for Prometheus, as its text"),)
