"""The bundled recordings: all of them are what their README says, and playing them is the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from simulator.core.commands import Deposit, ListInstrument, OpenAccount, PlaceOrder
from simulator.core.digest import digest
from simulator.core.events import Event, MirrorChanged, OrderFilled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.orders import OrderType, Side, TimeInForce
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, ONE, Nanos
from simulator.feeds.pump import Pace, Pump
from simulator.replay.format import Header, Reader
from simulator.replay.inspect import summarize
from simulator.replay.player import SEAM, lap_length, play
from simulator.runtime.clock import ManualClock
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.feed import DepthMessage, FundingMessage, IndexMessage, TimeMessage, TradeMessage, parse
from simulator.venues.hashkey.skim import only

FOLDER = Path(__file__).parents[2] / "replay_data"
RECORDINGS = sorted(FOLDER.glob("*.hkrec"))
SMALL = FOLDER / "small.hkrec"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL")
LARGEST_TOGETHER = 10_000_000

every_recording = pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)

# `hashkey-sim inspect` prints it: the content of the file, however it is packed.
SMALL_CONTENT = "024eb6b29abdc320d0e0c6944a5b18d727dc8e39e2a7a129418b43acc29e1f76"
# The exchange's state and every event after `trading`: a change of a rule of the core changes it.
SMALL_PLAYED = (
    "2d3b2062f5333adbd215f1c92d8170c6cc59fcbdbb684d9740648c38ef0c38ff "
    "611d0e1218766a26be00ec1d7d06ba779bef058c789a6af99061b1e170bfe349"
)


def instrument(row: dict[str, Any]) -> Instrument:
    """What the core needs to know of a row. Contracts are traded like goods that come in whole pieces."""
    filters = {one["filterType"]: one for one in row["filters"]}
    contract = "contractMultiplier" in row
    lot = "1" if contract else filters["LOT_SIZE"]["stepSize"]
    return Instrument(
        symbol=row["symbol"],
        base=row["baseAsset"],
        quote="USDT",
        tick=filters["PRICE_FILTER"]["tickSize"],
        lot=lot,
        min_qty=lot,
        max_qty="1000000",
    )


def instruments(header: Header) -> dict[str, Instrument]:
    rows = [*header.exchange_info["symbols"], *header.exchange_info["contracts"]]
    return {row["symbol"]: instrument(row) for row in rows}


class Session:
    """A recording behind the door of an exchange, and a customer who trades on it now and then."""

    def __init__(self, recording: Reader, *, start: Nanos | None = None, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.exchange = Exchange()
        self.summer = hashlib.sha256()
        self.events = 0
        self.runner = Runner(self.exchange, ManualClock())
        self.runner.subscribers.append(self.hear)
        self.instruments = {name: one for name, one in instruments(recording.header).items() if name in symbols}
        for one in self.instruments.values():
            self.runner.do(ListInstrument(one))
        self.runner.do(OpenAccount("alice", 10_000, 10_000))
        for asset in dict.fromkeys(asset for one in self.instruments.values() for asset in (one.base, one.quote)):
            self.runner.do(Deposit("alice", asset, 10_000_000 * ONE))
        assert recording.span is not None
        self.first = recording.span[0] if start is None else start
        self.pump = Pump(play(recording, start=self.first, keep=only(symbols)), self.instruments, Pace(0, Fraction(1)))
        self.runner.source = self.pump

    def hear(self, now: Nanos, events: Sequence[Event]) -> None:
        self.events += len(events)
        self.summer.update(repr((now, events)).encode())

    def trading(self) -> list[Event]:
        """Play to the end; every two seconds a customer joins, crosses or undercuts the book of each symbol."""
        told: list[Event] = []
        for second in range(0, 40, 2):
            self.runner.play(self.first + second * NANOS_PER_SECOND)
            for number, (symbol, one) in enumerate(self.instruments.items()):
                market = self.exchange.state.markets[symbol]
                bid, ask = market.best(Side.BUY), market.best(Side.SELL)
                assert bid is not None
                assert ask is not None
                side = Side.BUY if (second // 2 + number) % 2 else Side.SELL
                price = (bid, ask, (bid + ask) // 2)[second // 2 % 3]
                lots = one.qty_grid.parse("1") // 50 or 5
                told += self.runner.do(
                    PlaceOrder(
                        "alice", symbol, side, OrderType.LIMIT, lots, price, f"{second}-{number}", TimeInForce.GTC
                    )
                )
        self.runner.play(2**63)
        return told

    @property
    def result(self) -> str:
        return f"{digest(self.exchange.state)} {self.summer.hexdigest()}"


def test_together_they_are_smaller_than_ten_megabytes() -> None:
    assert len(RECORDINGS) == 4
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < LARGEST_TOGETHER
    assert SMALL.stat().st_size < 400_000


@every_recording
def test_each_states_origin_and_licence_and_stands_in_the_readme(path: Path) -> None:
    header = Reader(path).header
    readme = (FOLDER / "README.md").read_text()
    assert header.venue == "hashkey"
    assert header.licence == "MIT"
    assert "nkaz001/hftbacktest" in header.origin
    assert set(instruments(header)) == set(header.symbols)
    assert f"`{path.name}`" in readme
    told = summarize(path)
    assert told.digest in readme
    assert (told.torn_bytes, told.gap_count) == (0, 0)


@dataclass
class Stream:
    """One kind of message of one symbol: when it came, and the times inside."""

    came: list[Nanos] = field(default_factory=list)
    told: list[int] = field(default_factory=list)


@cache
def streams(path: Path) -> dict[tuple[type, str], Stream]:
    """All messages of a recording, each frame read by the feed's parser; no book may be crossed."""
    recording = Reader(path)
    grids = {symbol: one.price_grid for symbol, one in instruments(recording.header).items()}
    found: dict[tuple[type, str], Stream] = {}
    for record in recording.records():
        messages = parse(record.connection, record.data)
        assert messages, "a frame that means nothing"
        for message in messages:
            if isinstance(message, FundingMessage | TimeMessage):
                continue
            name = message.name if isinstance(message, IndexMessage) else message.symbol
            stream = found.setdefault((type(message), name), Stream())
            stream.came.append(record.ts)
            stream.told.append(message.ts_ms)
            if isinstance(message, DepthMessage):
                assert grids[name].parse(message.bids[0][0]) < grids[name].parse(message.asks[0][0])
    return found


@every_recording
def test_every_frame_is_read_no_book_is_crossed_and_no_time_goes_back(path: Path) -> None:
    """The times inside the frames neither, nor over the seam of a loop."""
    lap = lap_length(Reader(path)) // NANOS_PER_MILLI
    for stream in streams(path).values():
        assert stream.told == sorted(stream.told)
        assert all(told <= came // NANOS_PER_MILLI for told, came in zip(stream.told, stream.came, strict=True))
        assert stream.told[0] + lap >= stream.told[-1]


@every_recording
def test_all_books_are_there_at_the_first_moment_and_until_the_end(path: Path) -> None:
    recording = Reader(path)
    assert recording.span is not None
    begin, end = recording.span
    books = {symbol: stream.came for (kind, symbol), stream in streams(path).items() if kind is DepthMessage}
    assert set(books) == set(recording.header.symbols)
    for came in books.values():
        assert came[0] == begin
        assert came[-1] > end - NANOS_PER_SECOND


@every_recording
def test_books_keep_their_interval(path: Path) -> None:
    for (kind, _), stream in streams(path).items():
        if kind is DepthMessage:
            assert all(later - one >= SEAM for one, later in pairwise(stream.came))


def test_the_content_of_the_small_one_is_known() -> None:
    assert summarize(SMALL).digest == SMALL_CONTENT


def test_played_twice_with_the_same_orders_it_gives_the_same_events_and_digest() -> None:
    one, other = Session(Reader(SMALL)), Session(Reader(SMALL))
    told = one.trading()
    assert other.trading() == told
    assert one.result == other.result
    assert one.events == other.events
    assert not any(isinstance(event, Rejected) for event in told)
    assert any(isinstance(event, OrderFilled) for event in told)
    assert one.pump.bad_frames == 0
    assert one.result == SMALL_PLAYED


@cache
def straight() -> Session:
    """The small recording, played to its end with nobody there."""
    session = Session(Reader(SMALL))
    session.runner.play(2**63)
    return session


def test_played_at_another_time_it_ends_in_the_same_books() -> None:
    """Times move, the market does not."""
    moved = Session(Reader(SMALL), start=1_900_000_000 * NANOS_PER_SECOND)
    moved.runner.play(2**63)
    for symbol in SYMBOLS:
        assert books(moved, symbol) == books(straight(), symbol)


def test_a_customer_of_one_symbol_sees_the_same_market_with_the_others_skipped() -> None:
    alone = Session(Reader(SMALL), symbols=("BTCUSDT",))
    alone.runner.play(2**63)
    assert books(alone, "BTCUSDT") == books(straight(), "BTCUSDT")


def test_the_books_at_the_end_are_those_of_the_last_frames() -> None:
    session = straight()
    shown: dict[str, DepthMessage] = {}
    traded: dict[str, TradeMessage] = {}
    for record in Reader(SMALL).records():
        for message in parse(record.connection, record.data):
            if isinstance(message, DepthMessage):
                shown[message.symbol] = message
            if isinstance(message, TradeMessage):
                traded[message.symbol] = message
    assert tuple(shown) == SYMBOLS
    for symbol, message in shown.items():
        one = session.instruments[symbol]
        bids, asks = books(session, symbol)
        assert bids == [(one.price_grid.parse(price), one.qty_grid.parse(size)) for price, size in message.bids]
        assert asks == [(one.price_grid.parse(price), one.qty_grid.parse(size)) for price, size in message.asks]
        assert session.exchange.state.markets[symbol].last == one.price_grid.parse(traded[symbol].price)
        session.exchange.state.markets[symbol].check()


def test_a_second_lap_plays_what_the_first_did() -> None:
    recording = Reader(SMALL)
    played = list(islice(play(recording, loop=True), 2 * recording.count))
    lap = lap_length(recording)
    for one, again in zip(played[: recording.count], played[recording.count :], strict=True):
        assert (again.frame, again.lap) == (one.frame, 1)
        assert again.ts - one.ts == again.offset - one.offset == lap


def test_starting_in_the_middle_the_books_are_those_of_that_moment() -> None:
    recording = Reader(SMALL)
    assert recording.span is not None
    middle = sum(recording.span) // 2
    straight, entered = Session(recording), Session(recording)
    straight.runner.play(middle)
    entered.runner.source = Pump(play(recording, seek=middle), entered.instruments, Pace(0, Fraction(1)))
    entered.runner.play(middle)
    for symbol in SYMBOLS:
        assert books(straight, symbol) == books(entered, symbol)
        markets = straight.exchange.state.markets[symbol], entered.exchange.state.markets[symbol]
        assert markets[0].last == markets[1].last is not None
    assert any(isinstance(event, MirrorChanged) for event in straight_events(entered, middle))


def straight_events(session: Session, after: Nanos) -> list[Event]:
    """What happens in the next second."""
    told: list[Event] = []
    session.runner.subscribers.append(lambda now, events: told.extend(events))
    session.runner.play(after + NANOS_PER_SECOND)
    return told


def books(session: Session, symbol: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    market = session.exchange.state.markets[symbol]
    return list(market.levels(Side.BUY)), list(market.levels(Side.SELL))
