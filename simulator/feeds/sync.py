"""The venue's books, trades, marks, indexes and funding rates → commands in ticks, lots and other whole numbers.

The venue sends whole books. Converting four hundred texts for the fifteen that changed is most of the
cost of a mirror, so a book is first compared with the one before as text, and only what differs is
converted: the first book (and the first after ``restart``) becomes ReplaceDepth, later ones ChangeDepth.

**Order.** The numbers of books skip (WebSocket 1.4: there is nothing to chain), and every book is whole, so a number
left out means nothing was lost. A number that goes *back* means that what came was not in order: then nobody knows
which book is the market, and nothing fills (InvalidateDepth) until the next one. A book asked for over REST has a time
and no number: it counts when it is no older than what the socket told, and the socket's count when they are no older
than it. A trade told twice counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from simulator.core.commands import (
    ChangeDepth,
    Command,
    InvalidateDepth,
    PrintTrade,
    ReplaceDepth,
    SetFunding,
    SetMarkPrice,
)
from simulator.core.instruments import Instrument
from simulator.core.orders import Side
from simulator.core.units import (
    PRICE_DECIMALS,
    Lots,
    Millis,
    Nanos,
    NotANumber,
    OffGrid,
    Price,
    Ticks,
    funding_rate,
    scaled,
)
from simulator.venues.hashkey.feed import (
    BadFrame,
    DepthMessage,
    FundingMessage,
    IndexMessage,
    MarkMessage,
    Message,
    Pair,
    TradeMessage,
)

VenueTime = Callable[[Millis], Nanos]
"""From the venue's milliseconds to the exchange's time."""


class Sync:
    """One symbol's texts, remembered from book to book."""

    def __init__(self, instrument: Instrument) -> None:
        self._symbol = instrument.symbol
        self._prices = instrument.price_grid
        self._sizes = instrument.qty_grid
        self._shown: tuple[dict[str, str], dict[str, str]] | None = None
        self.restart()

    def forget_book(self) -> None:
        """The next book is told whole; it follows those before all the same."""
        self._shown = None

    def restart(self) -> None:
        """What comes next has nothing to do with what was."""
        self._shown = None
        self._version = 0
        self._ts_ms: Millis = 0
        self._asked_ms: Millis = 0
        self._trade_id = 0

    def commands(self, message: Message, venue_time: VenueTime) -> list[Command]:
        """What a message asks of the exchange; BadFrame when a number is not on the symbol's steps."""
        try:
            if isinstance(message, DepthMessage):
                return self._depth(message, venue_time(message.ts_ms))
            if isinstance(message, TradeMessage) and not message.history:
                return self._trade(message, venue_time(message.ts_ms))
        except (NotANumber, OffGrid) as error:
            raise BadFrame(f"{self._symbol}: {error} is not a price or size of this symbol") from None
        return []

    def _depth(self, message: DepthMessage, ts: Nanos) -> list[Command]:
        self._check(message)
        version = _number(message.version.partition("_")[0])
        if version and version < self._version:
            # The counter may have begun anew, so the next book is compared with this one.
            self._shown, self._version = None, version
            return [InvalidateDepth(self._symbol)]
        if message.ts_ms < (self._asked_ms if version else self._ts_ms):
            return []
        before = self._shown
        bids, asks = dict(message.bids), dict(message.asks)
        if before is None:
            command: Command = ReplaceDepth(
                self._symbol, ts, tuple(self._levels(message.bids)), tuple(self._levels(message.asks)), message.version
            )
        else:
            command = ChangeDepth(
                self._symbol, ts, self._changed(before[0], bids), self._changed(before[1], asks), message.version
            )
        self._shown = bids, asks
        self._ts_ms = message.ts_ms
        if version:
            self._version = version
        else:
            self._asked_ms = message.ts_ms
        return [command]

    def _check(self, message: DepthMessage) -> None:
        """A book that crosses itself is no book; sizes are checked as they are converted."""
        if message.bids and message.asks:
            bid, ask = self._prices.parse(message.bids[0][0]), self._prices.parse(message.asks[0][0])
            if bid >= ask:
                raise BadFrame(f"{self._symbol}: the book is crossed, {bid} bid and {ask} asked (ticks)")

    def _levels(self, pairs: list[Pair]) -> list[tuple[Ticks, Lots]]:
        price, size = self._prices.parse, self._sizes.parse
        levels = [(price(p), size(q)) for p, q in pairs]
        if any(p <= 0 or q <= 0 for p, q in levels):
            raise BadFrame(f"{self._symbol}: a price or size in the book is not positive")
        return levels

    def _changed(self, before: dict[str, str], now: dict[str, str]) -> tuple[tuple[Ticks, Lots], ...]:
        shown = before.get
        # ``items() - items()`` would come in another order in every process.
        changed = [pair for pair in now.items() if shown(pair[0]) != pair[1]]
        levels = self._levels(changed)
        appeared = sum([price not in before for price, _ in changed])
        if len(before) + appeared > len(now):
            read = self._prices.parse
            levels[:0] = [(read(price), 0) for price in before if price not in now]
        return tuple(levels)

    def _trade(self, message: TradeMessage, ts: Nanos) -> list[Command]:
        number = _number(message.id)
        if number and number <= self._trade_id:
            return []
        side = Side.SELL if message.buyer_made else Side.BUY
        price, qty = self._prices.parse(message.price), self._sizes.parse(message.qty)
        self._trade_id = number or self._trade_id
        return [PrintTrade(self._symbol, ts, price, qty, side, message.id)]


def _number(text: str) -> int:
    """Of a book (``14088520`` of ``14088520_1``, WebSocket 1.4) or a trade; 0: it has none."""
    return int(text) if text.isdecimal() and text.isascii() else 0


_FINEST_INDEX: Final = 18
"""HashKey real shapes 3.8: an index has up to 18 decimals; what is finer than a Price is cut."""


class Quotes:
    """What is told of perpetuals beside their books: marks, indexes by their names, and funding."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._of_index: dict[str, list[str]] = {}
        self._symbols = {symbol for symbol, one in instruments.items() if one.contract is not None}
        for symbol, one in instruments.items():
            if one.contract is not None:
                self._of_index.setdefault(one.contract.index, []).append(symbol)

    def commands(self, message: Message, venue_time: VenueTime) -> list[Command]:
        """What a message asks of the exchange; BadFrame when a number is none."""
        try:
            if isinstance(message, IndexMessage):
                ts, index = venue_time(message.ts_ms), _price(message.price)
                return [SetMarkPrice(symbol, ts, None, index) for symbol in self._of_index.get(message.name, ())]
            if isinstance(message, MarkMessage) and message.symbol in self._symbols:
                return [SetMarkPrice(message.symbol, venue_time(message.ts_ms), _price(message.price))]
            if isinstance(message, FundingMessage) and message.symbol in self._symbols:
                return [SetFunding(message.symbol, funding_rate(message.rate), venue_time(message.settle_ms))]
        except (NotANumber, OffGrid) as error:
            raise BadFrame(f"{error} is no price or rate") from None
        return []


def _price(text: str) -> Price:
    return scaled(text, _FINEST_INDEX) // int(10 ** (_FINEST_INDEX - PRICE_DECIMALS))
