"""ticketInfo, the private socket's word for a fill of either product (hashkey-websocket.md 4.9)."""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.core.orders import Side

encode: Final = msgspec.json.Encoder().encode


class TicketInfo(msgspec.Struct):
    """A fill, without its commission; ``S`` is BUY or SELL for perpetuals too."""

    e: str
    E: str
    s: str
    q: str
    t: str
    p: str
    T: str
    o: str
    c: str
    a: str
    m: bool
    S: Side


def two_decimals(text: str) -> str:
    """At least two of them (real shapes 1.2, ticketInfo).

    >>> two_decimals("1"), two_decimals("0.1"), two_decimals("3153.801")
    ('1.00', '0.10', '3153.801')
    """
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"
