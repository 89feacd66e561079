"""What the market had told by a moment that is jumped to: whole books, the latest trades, marks, indexes and funding.

It is read backwards from that moment until nothing is missing, and nothing is guessed: the venue's books are whole,
so the last one before the moment is the book. **Nothing fills from what is skipped**: the exchange is told that its
mirror is stale, then of the trades, which a stale mirror lets no order have, and then the books, as at the seam of a
loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from simulator.core.instruments import Instrument
from simulator.venues.hashkey.feed import (
    BadFrame,
    DepthMessage,
    FundingMessage,
    IndexMessage,
    MarkMessage,
    Message,
    TimeMessage,
    TradeMessage,
    parse,
)
from simulator.venues.hashkey.skim import about

TRADES: Final = 100
"""Of each symbol: as many as a client can ask for (HashKey REST 2.6)."""
_QUOTES: Final = {MarkMessage: "mark", IndexMessage: "index", FundingMessage: "funding"}


class Known:
    """Gathers what counts from frames, the newest first."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._missing = {("depth", symbol): 1 for symbol in instruments}
        self._missing |= {("trade", symbol): TRADES for symbol in instruments}
        for symbol, one in instruments.items():
            if one.contract is not None:
                self._missing |= {("mark", symbol): 1, ("funding", symbol): 1, ("index", one.contract.index): 1}
        self._messages: list[Message] = []

    def gather(self, frames: Iterable[tuple[str, bytes]]) -> None:
        """Of connections and their frames, until nothing is missing; what cannot be read is left out."""
        for connection, data in frames:
            if not self._missing:
                return
            topic, symbol = about(connection, data)
            if topic in ("depth", "trade") and symbol and (topic, symbol) not in self._missing:
                continue
            try:
                found = parse(connection, data)
            except BadFrame:
                continue
            for message in reversed(found):
                self._add(message)

    def _add(self, message: Message) -> None:
        if isinstance(message, TimeMessage) or (isinstance(message, TradeMessage) and message.history):
            return
        kind = _kind(message)
        left = self._missing.get(kind)
        if left is None:
            return
        self._messages.append(message)
        if left > 1:
            self._missing[kind] = left - 1
        else:
            del self._missing[kind]

    def messages(self) -> list[Message]:
        """Trades, books, then marks and the like; each in the order in which they came."""
        in_order = self._messages[::-1]
        return sorted(in_order, key=_rank)


def _rank(message: Message) -> int:
    return 0 if isinstance(message, TradeMessage) else 1 if isinstance(message, DepthMessage) else 2


def _kind(message: DepthMessage | TradeMessage | MarkMessage | IndexMessage | FundingMessage) -> tuple[str, str]:
    if isinstance(message, DepthMessage):
        return "depth", message.symbol
    if isinstance(message, TradeMessage):
        return "trade", message.symbol
    if isinstance(message, TimeMessage):
        return "time", ""
    return _QUOTES[type(message)], message.name if isinstance(message, IndexMessage) else message.symbol
