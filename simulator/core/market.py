"""One instrument: its book, its mirror, who has a seat at it, and what it last traded at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from simulator.core.accounts.ledger import Balance
from simulator.core.accounts.positions import Perpetual, Position
from simulator.core.commands import PlaceOrder
from simulator.core.instruments import Bands, Instrument
from simulator.core.matching.book import BookSide, OrderBook
from simulator.core.mirror.depth import MirrorBook, MirrorSide
from simulator.core.mirror.fills import Prints
from simulator.core.mirror.queue_position import Pessimistic, QueueModel
from simulator.core.orders import BUY, SELL, Order, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import Lots, Money, Ticks

NOTHING_OUTSIDE = {BUY: MirrorSide(BUY), SELL: MirrorSide(SELL)}
"""What a stale mirror offers."""


class Seat(Protocol):
    """One account at one market: what its orders hold and what its fills move."""

    open_orders: int
    buy_fee_asset: str
    sell_fee_asset: str

    def refuses(self, command: PlaceOrder, price: Ticks, qty: Lots) -> RejectReason | None:
        """Why the account cannot have such an order at such a price."""
        ...

    def hold(self, order: Order, price: Ticks) -> Balance | Position:
        """Reserve what is left of an order that rests; returns what changed."""
        ...

    def release(self, order: Order, price: Ticks) -> Balance | Position:
        """Let go of it."""
        ...

    def settle(
        self, order: Order, price: Ticks, qty: Lots, rate: int, *, held: bool, touched: dict[Any, None]
    ) -> tuple[Money, Money]:
        """The account's part of a fill, from what rested (``held``) or not; returns the fee and the profit."""
        ...


class Counterparty(Protocol):
    """The outside market as the other side of a fill."""

    def trade(self, side: Side, price: Ticks, qty: Lots) -> None:
        """Its part."""
        ...


class Pricing(Protocol):
    """What price bands are measured from: the book on spot, the mark price on a perpetual."""

    def allows(self, side: Side, price: Ticks) -> bool:
        """Whether a limit price lies within its band.

        Only the side that is bad for the trader is limited (HashKey errors and limits 6).
        """
        ...

    def protective_price(self, side: Side) -> Ticks | None:
        """The price of a market order that has one of its own; None: it has none."""
        ...


NewSeat: TypeAlias = Callable[[str], Seat]


class Market:
    """Own orders and mirrored liquidity of one symbol as one market.

    ``version`` grows with every change that a client may see in the composite book. Who trades what with
    whose money is the seats' business: ``new_seat`` makes them, for spot or for a perpetual, which is all
    that is different between the two here. ``watchers`` are called when the market has moved.
    By which models it fills, ``model`` and the mirror's residual, is told by ChooseModels. ``waiting`` are the orders
    that would have traded while its ``matching`` is paused.
    """

    __slots__ = (
        "book",
        "has_limit_bands",
        "instrument",
        "last",
        "limits",
        "matching",
        "mirror",
        "model",
        "new_seat",
        "outside_seat",
        "perpetual",
        "pricing",
        "prints",
        "seats",
        "trading",
        "ts",
        "version",
        "waiting",
        "watchers",
    )

    def __init__(
        self,
        instrument: Instrument,
        outside_seat: Counterparty,
        new_seat: NewSeat,
        perpetual: Perpetual | None = None,
    ) -> None:
        self.instrument = instrument
        self.limits = instrument.limits
        self.has_limit_bands = instrument.limit_bands != Bands(None, None)
        self.outside_seat = outside_seat
        self.new_seat = new_seat
        self.perpetual = perpetual
        self.pricing: Pricing = self if perpetual is None else perpetual
        self.watchers: tuple[Callable[[], None], ...] = ()
        self.seats: dict[str, Seat] = {}
        self.book = OrderBook()
        self.mirror = MirrorBook()
        self.model: QueueModel = Pessimistic()
        self.prints = {BUY: Prints(), SELL: Prints()}
        self.last: Ticks | None = None
        self.trading = instrument.trading
        self.matching = True
        self.waiting: list[Order] = []
        self.version = 0
        self.ts = 0

    def seat(self, account: str) -> Seat:
        """What an account's orders here hold and move."""
        seat = self.seats.get(account)
        if seat is None:
            seat = self.seats[account] = self.new_seat(account)
        return seat

    def outside(self, side: Side) -> MirrorSide:
        """The mirrored orders of a side that may be traded with now."""
        return NOTHING_OUTSIDE[side] if self.mirror.stale else self.mirror.side(side)

    def best(self, side: Side) -> Ticks | None:
        """The best price of the composite book on one side."""
        if side is BUY:
            level, outside, sign = self.book.bids.best, self.mirror.bids.best_key, -1
        else:
            level, outside, sign = self.book.asks.best, self.mirror.asks.best_key, 1
        if level is None:
            return None if outside is None else outside * sign
        return level.price if outside is None or level.key < outside else outside * sign

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

    def allows(self, side: Side, price: Ticks) -> bool:
        """Whether a limit price lies within the band around the reference price.

        Most orders bid no more than the best bid or ask no less than the best ask; the reference lies in the
        spread, so these are within any band. (A stale mirror may be crossed: then its bid is the reference.)
        """
        best = self.best(side)
        if best is not None and (price - best) * side.sign <= 0 and (side is BUY or not self.mirror.stale):
            return True
        worst = self.worst_price(side, self.instrument.limit_bands)
        return worst is None or (price - worst) * side.sign <= 0

    def protective_price(self, side: Side) -> Ticks | None:
        """Spot market orders have no price of their own."""
        return None

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
        if self.mirror.stale:
            order.ahead = order.joined_behind = None  # what stands there is known when the mirror is back
        elif mirror.size_at:
            order.ahead = order.joined_behind = self._place_in_queue(side, mirror, price)
        side.add(order, price)

    def _place_in_queue(self, side: BookSide, mirror: MirrorSide, price: Ticks) -> Lots | None:
        """As the model says, but never before an older order, which may have joined under another model."""
        if not mirror.sees(price):
            return None
        place = self.model.joined(mirror.available(mirror.sign * price))
        level = side.level_at(price)
        last_place = None if level is None or level.tail is None else level.tail.ahead
        return place if last_place is None or last_place < place else last_place

    def changed(self, now: int) -> None:
        """Clients see another book from now on."""
        self.version += 1
        self.ts = now
        for watcher in self.watchers:
            watcher()

    def wake(self) -> None:
        """Tell the watchers that a price may be another now."""
        for watcher in self.watchers:
            watcher()

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
        if bid is not None and ask is not None and not self.mirror.stale and self.matching:
            assert bid < ask, "the composite book is crossed"
