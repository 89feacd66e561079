"""A market-by-order recording in the neutral form, and the true queue in it.

Lines with one ``seq`` are one update of the venue. A level is the orders at one price, oldest first (the order in
which the snapshot lists them, then in which they came). Prices and quantities become whole ticks and lots of
the finest steps that occur in the file. Times become nanoseconds, each update one later than the one before
at least, so that what the venue did one after the other in a millisecond stays in order.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, Grid, Lots, Millis, Nanos, Ticks
from simulator.replay.neutral import Header


class L3Snapshot(msgspec.Struct, tag="l3snapshot"):
    """Every resting order as (id, price, qty)."""

    te: Millis
    seq: int
    bids: list[tuple[str, str, str]]
    asks: list[tuple[str, str, str]]


class OrderOpen(msgspec.Struct, tag="order_open"):
    """An order came to rest."""

    te: Millis
    seq: int
    id: str
    side: Literal["buy", "sell"]
    price: str
    qty: str


class OrderDone(msgspec.Struct, tag="order_done"):
    """An order was taken away by its owner."""

    te: Millis
    seq: int
    id: str


class L3Trade(msgspec.Struct, tag="l3trade"):
    """Part of a resting order traded; ``side`` is the taker's."""

    te: Millis
    seq: int
    maker_id: str
    price: str
    qty: str
    side: Literal["buy", "sell"]


Line: TypeAlias = L3Snapshot | OrderOpen | OrderDone | L3Trade
_line: Final = msgspec.json.Decoder(Line)
_header: Final = msgspec.json.Decoder(Header)
SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


class BadFile(ValueError):
    """It is not a market-by-order recording in the neutral form."""


class Trade(NamedTuple):
    """A trade of the tape; ``side`` is the taker's."""

    side: Side
    price: Ticks
    qty: Lots
    maker: str


Place: TypeAlias = tuple[Side, Ticks]
"""A level."""


class Cancel(NamedTuple):
    """What somebody at the level of an order took away, and how the level stood before: without the order itself."""

    at: int
    qty: Lots
    was_ahead: bool
    ahead: Lots
    behind: Lots


@dataclass
class Life:
    """What truly became of an order: ``ahead`` and ``fills`` as (number of the update, lots)."""

    id: str
    side: Side
    price: Ticks
    qty: Lots
    opened: int
    ahead: list[tuple[int, Lots]]
    fills: list[tuple[int, Lots]] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    ended: int | None = None

    @property
    def filled(self) -> Lots:
        """How much of it traded."""
        return sum(qty for _, qty in self.fills)

    @property
    def canceled(self) -> bool:
        """Whether its owner took it away."""
        return self.ended is not None and self.filled < self.qty


@dataclass
class Update:
    """One update of the venue: the trades, then what the changed levels hold after it."""

    ts: Nanos
    trades: list[Trade]
    levels: dict[Place, Lots]


@dataclass
class Recording:
    """The whole file: the levels at its start, its updates, and every order that came to rest in it."""

    symbol: str
    tick: str
    lot: str
    start: dict[Place, Lots]
    updates: list[Update]
    lives: list[Life]


@dataclass
class _Resting:
    place: Place
    qty: Lots
    life: Life | None


class _TrueBook:
    """The orders at every price, and what each order's life brings."""

    def __init__(self) -> None:
        self.levels: dict[Place, dict[str, _Resting]] = {}
        self.orders: dict[str, _Resting] = {}
        self.lives: list[Life] = []

    def size(self, place: Place) -> Lots:
        return sum(one.qty for one in self.levels.get(place, {}).values())

    def add(self, id: str, place: Place, qty: Lots, opened: int | None = None) -> None:
        life = None
        if opened is not None:
            life = Life(id, *place, qty, opened, [(opened, self.size(place))])
            self.lives.append(life)
        self.orders[id] = self.levels.setdefault(place, {})[id] = _Resting(place, qty, life)

    def trade(self, at: int, id: str, qty: Lots) -> Place:
        order = self.orders[id]
        if order.qty < qty:
            raise BadFile(f"order {id} traded {qty} lots and had {order.qty}")
        if order.life is not None:
            order.life.fills.append((at, qty))
        self._step_forward(at, id, qty)
        order.qty -= qty
        if not order.qty:
            self._remove(at, id)
        return order.place

    def cancel(self, at: int, id: str) -> Place:
        order = self.orders[id]
        self._tell_cancel(at, id, order)
        self._step_forward(at, id, order.qty)
        self._remove(at, id)
        return order.place

    def _remove(self, at: int, id: str) -> None:
        order = self.orders.pop(id)
        if order.life is not None:
            order.life.ended = at
        del self.levels[order.place][id]

    def _behind(self, id: str) -> Iterator[_Resting]:
        there = iter(self.levels[self.orders[id].place].items())
        for other, _ in there:
            if other == id:
                break
        for _, order in there:
            yield order

    def _step_forward(self, at: int, id: str, qty: Lots) -> None:
        for order in self._behind(id):
            if order.life is not None:
                order.life.ahead.append((at, order.life.ahead[-1][1] - qty))

    def _tell_cancel(self, at: int, id: str, gone: _Resting) -> None:
        all_of_it = self.size(gone.place)
        passed, before = False, 0
        for other, order in self.levels[gone.place].items():
            if other == id:
                passed = True
            elif order.life is not None:
                behind = all_of_it - before - order.qty
                order.life.cancels.append(Cancel(at, gone.qty, passed, before, behind))
            before += order.qty


def read(path: Path) -> Recording:
    """The file, checked as far as its orders make sense; raises BadFile."""
    header, lines = _lines(path)
    if not isinstance(lines[0], L3Snapshot):
        raise BadFile(f"{path}: the second line is no l3snapshot")
    tick, lot = _finest(lines)
    price, qty = Grid(tick), Grid(lot)
    book = _TrueBook()
    for side, orders in ((Side.BUY, lines[0].bids), (Side.SELL, lines[0].asks)):
        for name, at, size in orders:
            book.add(name, (side, price.parse(at)), qty.parse(size))
    start = {place: book.size(place) for place in book.levels}
    updates: list[Update] = []
    for _, group in groupby(lines[1:], lambda line: line.seq):
        try:
            _apply(book, updates, list(group), price, qty)
        except KeyError as error:
            raise BadFile(f"{path}: there is no order {error}") from None
    return Recording(header.symbol, tick, lot, start, updates, book.lives)


def _apply(book: _TrueBook, updates: list[Update], lines: list[Line], price: Grid, qty: Grid) -> None:
    at = len(updates)
    ts = lines[0].te * NANOS_PER_MILLI
    if updates:
        ts = max(ts, updates[-1].ts + 1)
    trades: list[Trade] = []
    touched: dict[Place, None] = {}
    for line in lines:
        match line:
            case OrderOpen():
                place = SIDES[line.side], price.parse(line.price)
                book.add(line.id, place, qty.parse(line.qty), at)
            case OrderDone():
                place = book.cancel(at, line.id)
            case L3Trade():
                lots = qty.parse(line.qty)
                place = book.trade(at, line.maker_id, lots)
                trades.append(Trade(SIDES[line.side], price.parse(line.price), lots, line.maker_id))
            case L3Snapshot():
                raise BadFile("a second l3snapshot")
        touched[place] = None
    updates.append(Update(ts, trades, {place: book.size(place) for place in touched}))


def _lines(path: Path) -> tuple[Header, list[Line]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            header = _header.decode(file.readline())
            lines: list[Line] = [_line.decode(text) for text in file]
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise BadFile(f"{path}: {error}") from None
    if not lines:
        raise BadFile(f"{path}: nothing after the header")
    return header, lines


def _finest(lines: Iterable[Line]) -> tuple[str, str]:
    prices: list[str] = []
    sizes: list[str] = []
    for line in lines:
        if isinstance(line, L3Snapshot):
            for _, price, size in line.bids + line.asks:
                prices.append(price)
                sizes.append(size)
        elif not isinstance(line, OrderDone):
            prices.append(line.price)
            sizes.append(line.qty)
    return _step(prices), _step(sizes)


def _step(texts: Iterable[str]) -> str:
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return f"{10**-decimals:.{decimals}f}"
