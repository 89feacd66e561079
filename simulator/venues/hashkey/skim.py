"""What a raw public frame is about, read off its first bytes: for skipping or counting without parsing.

Both sockets name topic and symbol before the data (hashkey-websocket.md 1.3, 1.9, 2); a REST reply is
named by its connection. A frame that hides them further back counts as unknown, never as another's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

_HEAD: Final = 400
_TOPIC = re.compile(rb'"topic"\s*:\s*"([A-Za-z0-9_]{1,40})"')
_SYMBOL = re.compile(rb'"symbol(?:Id)?"\s*:\s*"([A-Za-z0-9_-]{1,60})"')
_QUERY_SYMBOL = re.compile(r"[?&]symbol=([A-Za-z0-9_-]{1,60})(?:&|$)")
_SKIPPED: Final = frozenset({"depth", "trade"})


class About(NamedTuple):
    """A frame's topic (of REST, its path) and symbol; empty when not known. An index goes by its own name."""

    topic: str
    symbol: str


def about(connection: str, data: bytes) -> About:
    """What a frame is about."""
    if connection.startswith("/quote/ws/"):
        head = data[:_HEAD]
        topic, symbol = _TOPIC.search(head), _SYMBOL.search(head)
        return About(topic[1].decode() if topic else "", symbol[1].decode() if symbol else "")
    asked = _QUERY_SYMBOL.search(connection)
    return About(connection.partition("?")[0], asked[1] if asked else "")


def only(symbols: Collection[str]) -> Callable[[str, bytes], bool]:
    """Says which frames matter to these symbols: all but the books and trades of others.

    Marks, indexes (which several symbols may share) and funding are few, and stay.
    """
    wanted = frozenset(symbols)

    def matters(connection: str, data: bytes) -> bool:
        topic, symbol = about(connection, data)
        return topic not in _SKIPPED or not symbol or symbol in wanted

    return matters
