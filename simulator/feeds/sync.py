"""The venue's books and trades → commands in ticks and lots.

The venue sends whole books. Converting four hundred texts for the fifteen that changed is most of the
cost of a mirror, so a book is first compared with the one before as text, and only what differs is
converted: the first book (and the first after ``restart``) becomes ReplaceDepth, later ones ChangeDepth.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.core.commands import ChangeDepth, Command, PrintTrade, ReplaceDepth
from simulator.core.instruments import Instrument
from simulator.core.orders import Side
from simulator.core.units import Lots, Millis, Nanos, NotANumber, OffGrid, Ticks
from simulator.venues.hashkey.feed import BadFrame, DepthMessage, Message, Pair, TradeMessage

VenueTime = Callable[[Millis], Nanos]
"""From the venue's milliseconds to the exchange's time."""


class Sync:
    """One symbol's texts, remembered from book to book."""

    def __init__(self, instrument: Instrument) -> None:
        self._symbol = instrument.symbol
        self._prices = instrument.price_grid
        self._sizes = instrument.qty_grid
        self._shown: tuple[dict[str, str], dict[str, str]] | None = None

    def restart(self) -> None:
        """The next book has nothing to do with the last one."""
        self._shown = None

    def commands(self, message: Message, venue_time: VenueTime) -> list[Command]:
        """What a message asks of the exchange; BadFrame when a number is not on the symbol's steps."""
        try:
            if isinstance(message, DepthMessage):
                return self._depth(message, venue_time(message.ts_ms))
            if isinstance(message, TradeMessage) and not message.history:
                return [self._trade(message, venue_time(message.ts_ms))]
        except (NotANumber, OffGrid) as error:
            raise BadFrame(f"{self._symbol}: {error} is not a price or size of this symbol") from None
        return []

    def _depth(self, message: DepthMessage, ts: Nanos) -> list[Command]:
        self._check(message)
        before = self._shown
        bids, asks = dict(message.bids), dict(message.asks)
        if before is None:
            command: Command = ReplaceDepth(
                self._symbol, ts, tuple(self._levels(message.bids)), tuple(self._levels(message.asks))
            )
        else:
            command = ChangeDepth(self._symbol, ts, self._changed(before[0], bids), self._changed(before[1], asks))
        self._shown = bids, asks
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

    def _trade(self, message: TradeMessage, ts: Nanos) -> PrintTrade:
        side = Side.SELL if message.buyer_made else Side.BUY
        return PrintTrade(self._symbol, ts, self._prices.parse(message.price), self._sizes.parse(message.qty), side)
