"""The venue's public frames, written: what ``feed.py`` reads, for recordings made from other data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from simulator.core.units import Millis
from simulator.venues.hashkey.feed import Pair


class Funding(NamedTuple):
    """The rate of the next settlement and when it is."""

    rate: str
    settle_ms: Millis


def depth(symbol: str, *, ts_ms: Millis, version: str, bids: Sequence[Pair], asks: Sequence[Pair]) -> bytes:
    """A whole book on the v2 socket (hashkey-websocket.md 2)."""
    return _v2("depth", symbol, {"s": symbol, "t": ts_ms, "v": version, "b": bids, "a": asks})


def trade(symbol: str, *, ts_ms: Millis, id: str, price: str, qty: str, buyer_made: bool) -> bytes:
    """One trade on the v2 socket (hashkey-websocket.md 1.6, 2)."""
    return _v2("trade", symbol, {"v": id, "t": ts_ms, "p": price, "q": qty, "m": buyer_made})


def mark_price(symbol: str, *, ts_ms: Millis, price: str) -> bytes:
    """A mark price on the v2 socket (hashkey-websocket.md 2)."""
    return _v2("markPrice", symbol, {"s": symbol, "p": price, "t": ts_ms})


def index(name: str, *, ts_ms: Millis, price: str, sent_ms: Millis) -> bytes:
    """An index on the v1 socket (hashkey-websocket.md 1.10), without the mean and the basket formula."""
    return msgspec.json.encode(
        {
            "symbol": name,
            "symbolName": name,
            "topic": "index",
            "params": {"realtimeInterval": "24h"},
            "data": [{"symbol": name, "index": price, "time": ts_ms}],
            "f": False,
            "sendTime": sent_ms,
            "shared": False,
        }
    )


def funding_rates(known: Iterable[tuple[str, Funding]]) -> bytes:
    """The reply of GET /api/v1/futures/fundingRate (real shapes 3.9)."""
    return msgspec.json.encode(
        [
            {"symbol": symbol, "rate": funding.rate, "nextSettleTime": str(funding.settle_ms)}
            for symbol, funding in known
        ]
    )


def _v2(topic: str, symbol: str, fields: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({"topic": topic, "params": {"symbol": symbol}, "data": fields})
