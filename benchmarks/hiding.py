"""Real orders, hidden one at a time, and placed with the simulator instead.

**What "hidden" means.** The levels that the simulator is told are those of everybody else: at the price of the hidden
order, less what it still has there. The trades are told as they were, those with the hidden order among
them: the tape shows somebody's wish to trade at that price, and whom it met is what the simulator has to
find out. So a model that knows the true queue fills the order exactly when and as much as it was filled. What
we do not do: replay the taker against the others alone. He would have met the next in the queue or a
worse price, and no recording says which.

**When.** The order is placed right after the update in which it came, behind what is then shown, and taken back
right before the update in which its owner took it. The simulator never knows more than a venue with
books by level would have told; ``every`` is how often it tells its book (0: at each change), while trades are told
at once, as on HashKey. An order that was filled is waited for a while longer, to see how late a model is.

The exchange is the product's own core, through its commands: one for each order and model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from sortedcontainers import SortedDict

from benchmarks.l3 import Life, Place, Recording, Update
from benchmarks.report import Say
from simulator.core.commands import (
    ChangeDepth,
    ChooseModels,
    Deposit,
    Levels,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PrintTrade,
    ReplaceDepth,
)
from simulator.core.events import Event, OrderAccepted, OrderFilled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.mirror.queue_position import QueueModel
from simulator.core.orders import BUY, SELL, Order, OrderType, Side
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, ONE, Lots, Millis, Nanos

PATIENCE: Final = 60 * NANOS_PER_SECOND
"""How long after its true last fill an order is still waited for."""

Fills: TypeAlias = list[tuple[Nanos, Lots]]


@dataclass
class Guess:
    """What one model said about one order.

    ``joined`` is what it took to be ahead at entry; errors are of ``ahead``, predicted less true, in lots: at the
    order's end, and over its life as time averages of the absolute and the signed error.
    """

    joined: Lots
    end_error: Lots
    mean_abs_error: float
    mean_error: float
    fills: Fills


@dataclass
class Hidden:
    """An order, when it truly ended, and what each model said."""

    life: Life
    end_ts: Nanos
    guesses: dict[str, Guess]


@dataclass
class Told:
    """The recording as a venue with books by level tells it: ``books[i]`` goes with update i; None: none then."""

    recording: Recording
    books: list[Mapping[Place, Lots] | None]

    @classmethod
    def every(cls, recording: Recording, interval: Millis) -> Told:
        """A book at most once per interval, with all that changed."""
        books: list[Mapping[Place, Lots] | None] = []
        changed: dict[Place, Lots] = {}
        updates = recording.updates
        for number, update in enumerate(updates):
            changed.update(update.levels)
            if _last_of_its_interval(updates, number, interval * NANOS_PER_MILLI):
                books.append(changed)
                changed = {}
            else:
                books.append(None)
        return cls(recording, books)


def _last_of_its_interval(updates: Sequence[Update], number: int, interval: Nanos) -> bool:
    if not interval or number + 1 == len(updates):
        return True
    return updates[number].ts // interval != updates[number + 1].ts // interval


class Shown:
    """The book as the simulator has been told it, both sides best first."""

    def __init__(self, levels: Mapping[Place, Lots]) -> None:
        self.sides: dict[Side, SortedDict[int, Lots]] = {BUY: SortedDict(), SELL: SortedDict()}
        self.change(levels)

    def change(self, levels: Mapping[Place, Lots]) -> None:
        """Some levels are of another size now."""
        for (side, price), size in levels.items():
            key = -side.sign * price
            if size:
                self.sides[side][key] = size
            else:
                self.sides[side].pop(key, None)

    def best(self, side: Side, count: int) -> list[tuple[int, Lots]]:
        """So many levels, as keys and sizes."""
        return list(islice(self.sides[side].items(), count))


def hide_all(told: Told, models: Sequence[QueueModel], levels: int, say: Say, *, one_in: int = 1) -> Iterator[Hidden]:
    """Every order (or one in so many) that came to rest within the best levels, in the order in which they came."""
    shown = Shown(told.recording.start)
    waiting = iter(told.recording.lives)
    life = next(waiting, None)
    number = 0
    for at, book in enumerate(told.books):
        if book is not None:
            shown.change(book)
        while life is not None and life.opened == at:
            number += 1
            if not number % 500:
                say(f"hid {number} of {len(told.recording.lives)} orders")
            if not number % one_in and life.ended != at and (start := _start(shown, life, book, levels)) is not None:
                yield _hide(told, life, start, models)
            life = next(waiting, None)


def _start(shown: Shown, life: Life, book: Mapping[Place, Lots] | None, count: int) -> dict[Side, Levels] | None:
    """The best levels without the order; None: it came to rest outside of them.

    None also where it would trade at once, because the book that was told last is too old.
    """
    place = life.side, life.price
    start: dict[Side, Levels] = {}
    for side in (BUY, SELL):
        pairs = [(-side.sign * key, size) for key, size in shown.best(side, count)]
        if side is life.side:
            if not pairs or -side.sign * life.price > -side.sign * pairs[-1][0]:
                return None
            if book is not None and place in book:
                pairs = [(price, size - life.qty * (price == life.price)) for price, size in pairs]
        start[side] = tuple((price, size) for price, size in pairs if size)
    others = start[life.side.opposite]
    return None if others and (life.price - others[0][0]) * life.side.sign >= 0 else start


def _hide(told: Told, life: Life, start: dict[Side, Levels], models: Sequence[QueueModel]) -> Hidden:
    updates = told.recording.updates
    last = len(updates) - 1 if life.ended is None else life.ended
    guesses: dict[str, Guess] = {}
    first: Guess | None = None
    for model in models:
        if first is not None and not first.joined:
            guesses[model.name] = first  # first in its queue it stays first, under every model
            continue
        guess = guesses[model.name] = _Stand(told, life, model, start).run(last)
        if model.name != "front":
            first = guess
    return Hidden(life, updates[last].ts, guesses)


class _Stand:
    """One hidden order at one exchange with one model."""

    def __init__(self, told: Told, life: Life, model: QueueModel, start: dict[Side, Levels]) -> None:
        self.told = told
        self.life = life
        self.place: Place = (life.side, life.price)
        self.symbol = told.recording.symbol
        self.fills: Fills = []
        self.model = model.name
        self.exchange = Exchange()
        self.order = self._place(told.recording.updates[life.opened].ts, start)
        self.joined = self.order.joined_behind or 0

    def _place(self, now: Nanos, start: dict[Side, Levels]) -> Order:
        recording, life = self.told.recording, self.life
        instrument = Instrument(
            symbol=self.symbol,
            base="BASE",
            quote="QUOTE",
            tick=recording.tick,
            lot=recording.lot,
            min_qty=recording.lot,
            max_qty="1000000000",
        )
        self._do(now, ListInstrument(instrument))
        self._do(now, ChooseModels(self.symbol, self.model))
        self._do(now, OpenAccount("us", 0, 0))
        for asset in ("BASE", "QUOTE"):
            self._do(now, Deposit("us", asset, 10**18 * ONE))
        self._do(now, ReplaceDepth(self.symbol, now, start[BUY], start[SELL]))
        order = PlaceOrder("us", self.symbol, life.side, OrderType.LIMIT_MAKER, life.qty, life.price, "")
        accepted = self._do(now, order)[0]
        assert isinstance(accepted, OrderAccepted)
        return self.exchange.state.orders[accepted.order_id]

    def _do(self, now: Nanos, command: object) -> list[Event]:
        events = self.exchange.handle(now, command)  # type: ignore[arg-type]
        if events and isinstance(events[0], Rejected):
            raise AssertionError(events[0])
        self.fills += [(now, event.qty) for event in events if isinstance(event, OrderFilled)]
        return events

    def run(self, last: int) -> Guess:
        """From its entry to its end, and while it is waited for."""
        updates, life = self.told.recording.updates, self.life
        truth = iter(life.ahead[1:])
        true_ahead, upcoming = life.ahead[0][1], next(truth, None)
        error, weighed_abs, weighed = self.joined - true_ahead, 0, 0
        until = last - 1 if life.canceled else last
        for at in range(life.opened + 1, until + 1):
            span = updates[at].ts - updates[at - 1].ts
            weighed_abs += abs(error) * span
            weighed += error * span
            self._tell(at)
            while upcoming is not None and upcoming[0] <= at:
                true_ahead, upcoming = upcoming[1], next(truth, None)
            error = self._ahead() - true_ahead
        life_span = max(1, updates[until].ts - updates[life.opened].ts)
        if not life.canceled:
            self._wait(last)
        return Guess(self.joined, error, weighed_abs / life_span, weighed / life_span, self.fills)

    def _ahead(self) -> Lots:
        return self.order.ahead or 0 if self.order.is_open else 0

    def _wait(self, last: int) -> None:
        updates = self.told.recording.updates
        for at in range(last + 1, len(updates)):
            if not self.order.is_open or updates[at].ts > updates[last].ts + PATIENCE:
                return
            self._tell(at)

    def _tell(self, at: int) -> None:
        update, book = self.told.recording.updates[at], self.told.books[at]
        for trade in update.trades:
            self._do(update.ts, PrintTrade(self.symbol, update.ts, trade.price, trade.qty, trade.side))
        if book is None:
            return
        levels: dict[Side, list[tuple[int, Lots]]] = {BUY: [], SELL: []}
        for place, size in book.items():
            side, price = place
            levels[side].append((price, size - self._left(at) if place == self.place else size))
        self._do(update.ts, ChangeDepth(self.symbol, update.ts, tuple(levels[BUY]), tuple(levels[SELL])))

    def _left(self, at: int) -> Lots:
        """What the order truly still had in the book."""
        life = self.life
        if life.ended is not None and life.ended <= at:
            return 0
        return life.qty - sum(qty for when, qty in life.fills if when <= at)
