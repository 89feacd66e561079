"""Another venue's market, told as HashKey tells it.

Every symbol behaves as the v2 socket does (hashkey-websocket.md 2): a whole book of up to 200 levels a
side when something in it changed, at most once in 100 ms, and every trade in a frame of its own as soon
as it is known; marks and indexes as they come, funding as a REST reply when it changes. ``t`` inside the
frames is the venue's matching time, or its event time where that is all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, TypeAlias

import msgspec

from simulator.core.orders import Side
from simulator.core.units import Millis
from simulator.replay.books import Book, Shown, Steps
from simulator.replay.neutral import Diff, Line, Mark, NeutralFile, Snapshot, Trade
from simulator.venues.hashkey import feed_frames
from simulator.venues.hashkey.feed import FUNDING_PATH, V1, V2
from simulator.venues.hashkey.feed_frames import Funding

BOOK_INTERVAL_MS: Final = 100

Send: TypeAlias = Callable[[Millis, str, bytes], None]
"""Takes a frame: its time, its connection, its bytes."""


class Told(msgspec.Struct, kw_only=True):
    """What became of one file; ``ignored`` counts lines by type."""

    file: str
    source: str
    symbol: str
    books: int = 0
    trades: int = 0
    marks: int = 0
    trades_too_small: int = 0
    books_not_shown: int = 0
    ignored: dict[str, int] = {}


class Market:
    """One symbol: its book as of now, and what has been sent of it."""

    def __init__(self, source: NeutralFile, row: Mapping[str, Any]) -> None:
        header = source.header
        self.source = source
        self.row = row
        self.symbol: str = row["symbol"]
        self.index = index_name(row)
        self.steps = steps(row)
        self.ts: Millis = 0
        self.told = Told(
            file=str(source.path), source=f"{header.venue} {header.market} {header.symbol}", symbol=self.symbol
        )
        self._book = Book(self.steps)
        self._shown: Shown | None = None
        self._sent: Millis | None = None
        self._changed: Millis | None = None

    def lines(self) -> Iterator[tuple[Millis, Market, Line]]:
        """The file's lines with their times."""
        for line in self.source.lines():
            yield line.t, self, line

    def observe(self, line: Snapshot | Diff) -> None:
        """The book changes."""
        if isinstance(line, Snapshot):
            self._book.replace(line)
        else:
            self._book.change(line)
        self.ts = max(self.ts, _venue_time(line))
        self._changed = line.t

    def due(self, earliest: Millis) -> Millis | None:
        """When the book may be sent; None when there is nothing new."""
        if self._changed is None:
            return None
        after = 0 if self._sent is None else self._sent + BOOK_INTERVAL_MS
        return max(earliest, self._changed, after)

    def frame(self, now: Millis) -> bytes | None:
        """The book, if it looks otherwise than when it was last sent."""
        self._changed = None
        if not self._book.can_be_shown:
            self.told.books_not_shown += 1
            return None
        shown = self._book.shown()
        if shown == self._shown:
            return None
        self._shown, self._sent = shown, now
        self.told.books += 1
        # hashkey-websocket.md 1.4, 2: "<number>_<scale>"; the scale seen on perpetuals is the price's decimals.
        version = f"{self._book.update}_{self.steps.price.decimals}"
        return feed_frames.depth(self.symbol, ts_ms=self.ts, version=version, bids=shown[0], asks=shown[1])


class Publisher:
    """Lines of all symbols in, in the order of their times; frames out."""

    def __init__(self, send: Send, markets: Sequence[Market], from_ms: Millis) -> None:
        self._send = send
        self._markets = markets
        self._from = from_ms
        self._funding: dict[str, Funding] = {}

    def take(self, now: Millis, market: Market, line: Line) -> None:
        """One line, after the books that were due by then. Before ``from_ms`` only the books follow."""
        self.send_books(now)
        if isinstance(line, Snapshot | Diff):
            market.observe(line)
        elif now < self._from:
            return
        elif isinstance(line, Trade):
            self._trade(market, line)
        elif isinstance(line, Mark) and market.index is not None:
            self._mark(market, market.index, line)
        else:
            kind = str(type(line).__struct_config__.tag)
            market.told.ignored[kind] = market.told.ignored.get(kind, 0) + 1

    def send_books(self, until: Millis | None = None) -> None:
        """Send the books that are due by a time, or all that wait."""
        waiting = [(due, market) for market in self._markets if (due := market.due(self._from)) is not None]
        for due, market in sorted(waiting, key=itemgetter(0)):
            if until is None or due <= until:
                frame = market.frame(due)
                if frame is not None:
                    self._send(due, V2, frame)

    def _trade(self, market: Market, line: Trade) -> None:
        market_steps = market.steps
        price = market_steps.trade(line.price, Side.BUY if line.side == "buy" else Side.SELL)
        lots = market_steps.size(line.qty)
        if not lots or not price:
            market.told.trades_too_small += 1
            return
        market.told.trades += 1
        frame = feed_frames.trade(
            market.symbol,
            ts_ms=_venue_time(line),
            id=str(line.id),
            price=market_steps.price.text(price),
            qty=market_steps.size_text(lots),
            buyer_made=line.side == "sell",
        )
        self._send(line.t, V2, frame)

    def _mark(self, market: Market, index: str, line: Mark) -> None:
        market.told.marks += 1
        self._send(line.t, V2, feed_frames.mark_price(market.symbol, ts_ms=line.te, price=line.mark))
        self._send(line.t, V1, feed_frames.index(index, ts_ms=line.te, price=line.index, sent_ms=line.t))
        funding = Funding(line.funding_rate, line.next_funding_time)
        if self._funding.get(market.symbol) != funding:
            self._funding[market.symbol] = funding
            self._send(line.t, FUNDING_PATH, feed_frames.funding_rates(self._funding.items()))


def steps(row: Mapping[str, Any]) -> Steps:
    """The steps of an exchangeInfo row: spot in lots of the base asset, contracts in whole ones."""
    filters = {one["filterType"]: one for one in row["filters"]}
    tick = filters["PRICE_FILTER"]["tickSize"]
    if _is_contract(row):
        return Steps(tick=tick, lot=row["contractMultiplier"], written="1")
    lot = filters["LOT_SIZE"]["stepSize"]
    return Steps(tick=tick, lot=lot, written=lot)


def index_name(row: Mapping[str, Any]) -> str | None:
    """A contract's index (real shapes 2.2): ``BTC`` + ``USDT``."""
    return str(row["underlying"] + row["index"]) if _is_contract(row) else None


def _is_contract(row: Mapping[str, Any]) -> bool:
    return "contractMultiplier" in row


def _venue_time(line: Snapshot | Diff | Trade) -> Millis:
    return line.te if line.tt is None else line.tt
