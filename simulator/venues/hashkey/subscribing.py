"""What a mirror of this venue asks for: which socket, in which words, which REST paths. No sockets in here.

Of the two public sockets v2 has the books three times as often and each trade at once; only v1 knows the index
(hashkey-websocket.md 1.4, 1.6, 1.10 and 2). So books, trades and marks come from v2, indexes from v1, which is not
needed where no perpetual is mirrored. Funding rates have no topic and are asked for (hashkey-rest.md 2.13).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from simulator.core.instruments import Instrument
from simulator.core.units import Millis
from simulator.venues.hashkey.feed import DEPTH_PATH, FUNDING_PATH, V1, V2

GLOBAL_REST: Final = "https://api-glb.hashkey.com"
GLOBAL_WS: Final = "wss://stream-glb.hashkey.com"
EXCHANGE_INFO_PATH: Final = "/api/v1/exchangeInfo"
_MOST_LEVELS: Final = 200


def subscriptions(instruments: Iterable[Instrument]) -> dict[str, tuple[bytes, ...]]:
    """What is said on each socket after connecting, by the socket's path."""
    v2: list[bytes] = []
    indexes: dict[str, None] = {}
    for one in instruments:
        v2 += [_v2("depth", one.symbol), _v2("trade", one.symbol)]
        if one.contract is not None:
            v2.append(_v2("markPrice", one.symbol))
            indexes[one.contract.index] = None
    said = {V2: tuple(v2)}
    if indexes:
        # WebSocket 1.1: a list of names in one frame; 1.10: an index goes by its own name.
        words = {"symbol": ",".join(indexes), "topic": "index", "event": "sub", "params": {"binary": False}}
        said[V1] = (msgspec.json.encode(words),)
    return said


def _v2(topic: str, symbol: str) -> bytes:
    return msgspec.json.encode({"topic": topic, "event": "sub", "params": {"symbol": symbol}})


def depth_path(symbol: str) -> str:
    """Where a symbol's whole book is to be had (hashkey-rest.md 2.4)."""
    return f"{DEPTH_PATH}?symbol={symbol}&limit={_MOST_LEVELS}"


def funding_path(now_ms: Millis) -> str:
    """Where all rates are to be had; ``timestamp`` is required (hashkey-rest.md 2.13)."""
    return f"{FUNDING_PATH}?timestamp={now_ms}"
