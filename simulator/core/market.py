"""One instrument: its book, its mirror, who has a seat at it, and what it last traded at."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.core.accounts.ledger import MARKET, Ledger
from simulator.core.accounts.spot import SpotSeat
from simulator.core.instruments import Bands, Instrument
from simulator.core.matching.book import OrderBook
from simulator.core.mirror.depth import MirrorBook, MirrorSide
from simulator.core.mirror.fills import Prints
from simulator.core.mirror.queue_position import QueueModel
from simulator.core.orders import BUY, SELL, Order, Side
from simulator.core.units import Lots, Ticks

NOTHING_OUTSIDE = {BUY: MirrorSide(BUY), SELL: MirrorSide(SELL)}
"""What a stale mirror offers."""


class Market:
    """Own orders and mirrored liquidity of one symbol as one market.

    ``version`` grows with every change that a client may see in the composite book.
    """

    __slots__ = (
        "book",
        "has_limit_bands",
        "instrument",
        "last",
        "ledger",
        "limits",
        "mirror",
        "model",
        "outside_seat",
        "prints",
        "seats",
        "trading",
        "ts",
        "version",
    )

    def __init__(self, instrument: Instrument, ledger: Ledger, model: QueueModel) -> None:
        self.instrument = instrument
        self.limits = instrument.limits
        self.has_limit_bands = instrument.limit_bands != Bands(None, None)
        self.ledger = ledger
        self.outside_seat = SpotSeat(ledger, MARKET, instrument)
        self.seats: dict[str, SpotSeat] = {}
        self.book = OrderBook()
        self.mirror = MirrorBook()
        self.model = model
        self.prints = {BUY: Prints(), SELL: Prints()}
        self.last: Ticks | None = None
        self.trading = instrument.trading
        self.version = 0
        self.ts = 0

    def seat(self, account: str) -> SpotSeat:
        """The balances an account's orders here move."""
        seat = self.seats.get(account)
        if seat is None:
            seat = self.seats[account] = SpotSeat(self.ledger, account, self.instrument)
        return seat

    def outside(self, side: Side) -> MirrorSide:
        """The mirrored orders of a side that may be traded with now."""
        return NOTHING_OUTSIDE[side] if self.mirror.stale else self.mirror.side(side)

    def best(self, side: Side) -> Ticks | None:
        """The best price of the composite book on one side."""
        level, outside = self.book.side(side).best, self.mirror.side(side)
        keys = [level.key] if level else []
        if outside.best_key is not None:
            keys.append(outside.best_key)
        return min(keys) * outside.sign if keys else None

    def levels(self, side: Side) -> Iterator[tuple[Ticks, Lots]]:
        """The composite book: mirrored lots not taken plus own orders, best price first."""
        own: Iterator[tuple[int, Lots]] = ((level.key, level.qty) for level in self.book.side(side))
        mirror = self.mirror.side(side)
        sign = mirror.sign
        mine = next(own, None)
        for key, size in mirror.levels():
            while mine is not None and mine[0] < key:
                yield mine[0] * sign, mine[1]
                mine = next(own, None)
            if mine is not None and mine[0] == key:
                yield key * sign, size + mine[1]
                mine = next(own, None)
            else:
                yield key * sign, size
        while mine is not None:
            yield mine[0] * sign, mine[1]
            mine = next(own, None)

    def reference(self) -> Ticks | None:
        """The price that bands are measured from: the last trade, moved into the present spread.

        HashKey errors and limits, 6: the last trade for spot (inferred there). A last trade far from
        today's book would lock traders out of a market that moved without trading, so the nearer best
        price counts where the last trade lies outside the spread.
        """
        bid, ask = self.best(BUY), self.best(SELL)
        price = self.last
        if price is None:
            price = bid if ask is None else ask if bid is None else (bid + ask) // 2
        if price is not None and ask is not None:
            price = min(price, ask)
        if price is not None and bid is not None:
            price = max(price, bid)
        return price

    def worst_price(self, side: Side, bands: Bands) -> Ticks | None:
        """The price beyond which a band lets nobody buy or sell; None: no bound."""
        reference = self.reference()
        if reference is None:
            return None
        return bands.highest_bid(reference) if side is BUY else bands.lowest_ask(reference)

    def would_take(self, side: Side, price: Ticks) -> bool:
        """Whether an order at this price would trade at once."""
        if side is BUY:
            level, outside, key = self.book.asks.best, self.mirror.asks.best_key, price
        else:
            level, outside, key = self.book.bids.best, self.mirror.bids.best_key, -price
        if level is not None and level.key <= key:
            return True
        return outside is not None and outside <= key and not self.mirror.stale

    def rest(self, order: Order, price: Ticks) -> None:
        """Put what is left of an order into the book, behind everything displayed at its price."""
        if order.side is BUY:
            side, mirror = self.book.bids, self.mirror.bids
        else:
            side, mirror = self.book.asks, self.mirror.asks
        if mirror.size_at:
            order.ahead = order.joined_behind = (
                self.model.joined(mirror.available(mirror.sign * price)) if mirror.sees(price) else None
            )
        side.add(order, price)

    def changed(self, now: int) -> None:
        """Clients see another book from now on."""
        self.version += 1
        self.ts = now

    def check(self) -> None:
        """Assert every invariant; for tests."""
        self.book.check()
        self.mirror.check()
        for side in Side:
            mirror = self.mirror.side(side)
            for level in self.book.side(side):
                for order in level:
                    if order.ahead and mirror.sees(level.price):
                        assert order.ahead <= mirror.available(level.key)
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None and ask is not None and not self.mirror.stale:
            assert bid < ask, "the composite book is crossed"
