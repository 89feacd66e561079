"""What must always hold, looked at from outside: from events, and from the state as it lies there.

``Watch`` hears every command with its events and keeps its own books: what each order was asked to be
and has become, what the outside market has shown and how much of it was used up, what fees were paid.
``of_events`` is cheap enough for every step; ``of_state`` looks at everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from simulator.core.accounts.ledger import FEES, HOUSE
from simulator.core.commands import ChangeDepth, Command, PlaceOrder, PrintTrade, ReplaceDepth
from simulator.core.events import Event, FillCause, OrderAccepted, OrderCanceled, OrderFilled, Rejected, TradeHappened
from simulator.core.exchange import Exchange
from simulator.core.orders import MOVES, OrderStatus, Side
from simulator.core.units import ONE

FROM_OUTSIDE = (FillCause.TOOK_MIRROR, FillCause.TRADED_AT, FillCause.TRADED_THROUGH, FillCause.CROSSED)
DONE = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PARTIALLY_CANCELED)


@dataclass
class Story:
    """One order as its events tell it."""

    command: PlaceOrder
    status: OrderStatus = OrderStatus.NEW
    filled: int = 0
    notional: int = 0


class Watch:
    """Asserts, after each command."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.stories: dict[int, Story] = {}
        self.fees: dict[str, Fraction] = {}
        self.supply: dict[tuple[str, Side], dict[int, int]] = {}
        self.shown: dict[tuple[str, Side], dict[int, int]] = {}
        self.aheads: dict[int, int | None] = {}

    def of_events(self, command: Command, events: list[Event]) -> None:
        """What a command and its events must agree on."""
        if len(events) == 1 and isinstance(events[0], Rejected):
            return
        if isinstance(command, ReplaceDepth | ChangeDepth):
            self._displayed(command)
        trades: dict[int, list[OrderFilled]] = {}
        for event in events:
            if isinstance(event, OrderAccepted):
                assert isinstance(command, PlaceOrder)
                self.stories[event.order_id] = Story(command)
            elif isinstance(event, OrderFilled):
                self._filled(event)
                trades.setdefault(event.trade_id, []).append(event)
            elif isinstance(event, OrderCanceled):
                story = self.stories[event.order_id]
                self._moves(story, event.status)
                ordered = story.command.qty
                assert ordered is None or event.leaves == ordered - story.filled
        for parts in trades.values():
            self._agree(parts)
        self._printed(command, events, trades)
        if isinstance(command, PlaceOrder):
            self._ended(command, events)

    def _moves(self, story: Story, status: OrderStatus) -> None:
        assert status in MOVES[story.status], f"{story.status} must not become {status}"
        story.status = status

    def _filled(self, event: OrderFilled) -> None:
        story = self.stories[event.order_id]
        order = story.command
        self._moves(story, event.status)
        story.filled += event.qty
        story.notional += event.qty * event.price
        assert event.qty > 0
        assert (event.filled, event.notional) == (story.filled, story.notional)
        if order.qty is not None:
            assert event.filled + event.leaves == order.qty
            assert (event.status is OrderStatus.FILLED) == (event.leaves == 0)
        if order.price is not None:
            assert event.price * order.side.sign <= order.price * order.side.sign, "worse than the limit"
            assert not event.maker or event.price == order.price
        assert event.maker == (event.cause not in (FillCause.TOOK_MIRROR, FillCause.TOOK_ORDER))
        self._fee(event, order)
        self._used(event, order)
        if event.maker:
            level = self.exchange.state.markets[event.symbol].book.side(order.side).level_at(event.price)
            older = level.head if level else None
            assert older is None or older.id >= event.order_id, "a newer order filled before an older one"

    def _fee(self, event: OrderFilled, order: PlaceOrder) -> None:
        customer = self.exchange.state.customers[event.account]
        instrument = self.exchange.state.markets[event.symbol].instrument
        rate = Fraction(customer.maker_rate if event.maker else customer.taker_rate, 10**8)
        received = event.qty * Fraction(instrument.lot)
        if order.side is Side.SELL:
            received *= event.price * Fraction(instrument.tick)
        assert Fraction(event.fee, ONE) == received * rate
        assert event.fee_asset == (instrument.base if order.side is Side.BUY else instrument.quote)
        self.fees[event.fee_asset] = self.fees.get(event.fee_asset, Fraction(0)) + received * rate

    def _displayed(self, command: ReplaceDepth | ChangeDepth) -> None:
        """What may be used of each level, as the residual says; a level that vanished starts again."""
        residual = self.exchange.state.markets[command.symbol].mirror.residual.name
        for side, levels in ((Side.BUY, command.bids), (Side.SELL, command.asks)):
            supply = self.supply.setdefault((command.symbol, side), {})
            shown = self.shown.setdefault((command.symbol, side), {})
            news = dict(levels)
            if isinstance(command, ReplaceDepth):
                news = {price: news.get(price, 0) for price in [*shown, *news]}
            for price, size in news.items():
                if size:
                    before, shown[price] = shown.get(price, 0), size
                    supply[price] = supply.get(price, 0) + size - before
                    if residual == "difference" or (residual == "reset" and size == before):
                        supply[price] = max(0, supply[price])
                    elif residual == "reset":
                        supply[price] = size
                else:
                    supply.pop(price, None)
                    shown.pop(price, None)
            if residual == "none":
                supply.clear()
                supply.update(shown)

    def _used(self, event: OrderFilled, order: PlaceOrder) -> None:
        """No displayed lot is traded twice, and nothing fills from a stale mirror."""
        if event.cause in FROM_OUTSIDE:
            assert not self.exchange.state.markets[event.symbol].mirror.stale, "filled from a stale mirror"
        supply = self.supply.get((event.symbol, order.side.opposite), {})
        if event.cause is FillCause.TOOK_MIRROR:
            assert supply[event.price] >= event.qty, "took more than was displayed"
            supply[event.price] -= event.qty
        elif event.cause is FillCause.CROSSED:
            left = event.qty
            for price in sorted(supply, key=lambda one: one * order.side.sign):
                if price * order.side.sign <= event.price * order.side.sign:
                    used = min(left, max(0, supply[price]))
                    supply[price] -= used
                    left -= used
            assert not left, "crossed with more than was displayed"

    def _agree(self, parts: list[OrderFilled]) -> None:
        assert len(parts) in (1, 2)
        assert len({(part.symbol, part.price, part.qty) for part in parts}) == 1
        assert len({part.fill_id for part in parts}) == len(parts)
        if len(parts) == 2:
            one, other = parts
            assert one.maker != other.maker and one.account != other.account
            assert self.stories[one.order_id].command.side is not self.stories[other.order_id].command.side
            assert {one.cause, other.cause} == {FillCause.HIT_BY_ORDER, FillCause.TOOK_ORDER}
        else:
            assert parts[0].cause in FROM_OUTSIDE

    def _printed(self, command: Command, events: list[Event], trades: dict[int, list[OrderFilled]]) -> None:
        """Every trade is public once; of a market trade we fill at most what traded, the rest is its own."""
        public = [event for event in events if isinstance(event, TradeHappened)]
        assert set(trades) <= {event.trade_id for event in public}
        assert len({event.trade_id for event in public}) == len(public)
        for event in public:
            for part in trades.get(event.trade_id, ()):
                assert (event.price, event.qty) == (part.price, part.qty)
        if isinstance(command, PrintTrade):
            assert sum(event.qty for event in public) == command.qty, "filled more than traded through us"
        else:
            assert len(public) == len(trades)

    def _ended(self, command: PlaceOrder, events: list[Event]) -> None:
        """What was placed now either rests or has come to an end; only GTC limit orders rest."""
        made = next(event.order_id for event in events if isinstance(event, OrderAccepted))
        order = self.exchange.state.orders[made]
        story = self.stories[made]
        assert order.status is story.status and order.filled == story.filled and order.notional == story.notional
        assert order.is_open != (story.status in DONE), "neither in the book nor at an end"
        if command.tif.name == "FOK":
            assert story.status is OrderStatus.FILLED or not story.filled, "fill or kill, not fill a little"
        if command.tif.name != "GTC":
            assert not order.is_open

    def of_state(self) -> None:
        """Everything that can be seen in the state between two commands."""
        state = self.exchange.state
        for market in state.markets.values():
            market.check()
        state.ledger.check()
        self._holds()
        for asset, paid in self.fees.items():
            assert Fraction(state.ledger.balance(FEES, asset).total, ONE) == paid

    def _holds(self) -> None:
        """Held money is what open orders hold, order by order from the published steps."""
        state = self.exchange.state
        holds: dict[tuple[str, str], Fraction] = {}
        for customer in state.customers.values():
            per_symbol: dict[str, int] = {}
            for order in customer.open_orders.values():
                assert order.is_open and order.price is not None
                per_symbol[order.symbol] = per_symbol.get(order.symbol, 0) + 1
                instrument = state.markets[order.symbol].instrument
                amount = order.leaves * Fraction(instrument.lot)
                asset = instrument.base
                if order.side is Side.BUY:
                    amount, asset = amount * order.price * Fraction(instrument.tick), instrument.quote
                key = (customer.name, asset)
                holds[key] = holds.get(key, Fraction(0)) + amount
            for symbol, market in state.markets.items():
                seat = market.seats.get(customer.name)
                assert (seat.open_orders if seat else 0) == per_symbol.get(symbol, 0)
        resting = sum(len(list(level)) for m in state.markets.values() for side in Side for level in m.book.side(side))
        assert resting == sum(len(customer.open_orders) for customer in state.customers.values())
        for balance in state.ledger:
            if balance.account not in HOUSE:
                assert Fraction(balance.held, ONE) == holds.get((balance.account, balance.asset), Fraction(0))

    def of_queues(self) -> None:
        """``ahead`` never grows, stays within its level, and an older order never stands behind a newer."""
        now: dict[int, int | None] = {}
        for market in self.exchange.state.markets.values():
            for side in Side:
                mirror = market.mirror.side(side)
                for level in market.book.side(side):
                    before = 0
                    for order in level:
                        ahead = now[order.id] = order.ahead
                        known = self.aheads.get(order.id)
                        assert known is None or (ahead is not None and ahead <= known), "ahead grew"
                        if ahead is None and market.mirror.stale:
                            continue  # it came while nothing was known
                        if mirror.sees(level.price):
                            assert ahead is not None, "in view, and nobody knows its place"
                            assert ahead <= mirror.available(level.key), "ahead of more than is there"
                            assert ahead >= before, "the older order stands behind the newer one"
                            before = ahead
        self.aheads = now
