"""Neutral JSON lines of recorded market data, read and checked: one file is one symbol of one venue.

The first line is a header; then come whole books, changes of books, trades, marks and best prices in the
order in which they were received. ``t`` is that time in milliseconds and never decreases, ``te`` the
venue's event time, ``tt`` its matching time where the feed has it. Prices and quantities are decimal
texts. Whatever is not so is BadRecording, with file and line.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias, cast

import msgspec

from simulator.core.units import Millis
from simulator.replay.format import BadRecording

Pairs: TypeAlias = list[tuple[str, str]]


class Header(msgspec.Struct, tag="header", gc=False):
    """Where the data came from and what its numbers mean."""

    format: Literal["neutral-market-data"]
    version: Literal[1]
    venue: str
    market: str
    symbol: str
    qty_unit: str
    source: str = "not stated"
    licence: str = "not stated"


class Snapshot(msgspec.Struct, tag="snapshot", gc=False):
    """A whole book, best first."""

    t: Millis
    te: Millis
    u: int
    bids: Pairs
    asks: Pairs
    tt: Millis | None = None


class Diff(msgspec.Struct, tag="diff", gc=False):
    """Levels that changed; "0" deletes. Updates ``first`` to ``u``, after ``pu`` where the venue says so."""

    t: Millis
    te: Millis
    u: int
    bids: Pairs
    asks: Pairs
    first: int = msgspec.field(name="U")
    pu: int | None = None
    tt: Millis | None = None


class Trade(msgspec.Struct, tag="trade", gc=False):
    """One trade; ``side`` is the taker's."""

    t: Millis
    te: Millis
    id: int
    price: str
    qty: str
    side: Literal["buy", "sell"]
    tt: Millis | None = None


class Mark(msgspec.Struct, tag="mark", gc=False):
    """A perpetual's mark price, its index, and the funding to come."""

    t: Millis
    te: Millis
    mark: str
    index: str
    funding_rate: str
    next_funding_time: Millis


class Bbo(msgspec.Struct, tag="bbo", gc=False):
    """Best bid and ask, on a stream of their own."""

    t: Millis


class L3Snapshot(msgspec.Struct, tag="l3snapshot", gc=False):
    """Every resting order."""

    t: Millis


class OrderOpen(msgspec.Struct, tag="order_open", gc=False):
    """An order came."""

    t: Millis


class OrderDone(msgspec.Struct, tag="order_done", gc=False):
    """An order went."""

    t: Millis


class L3Trade(msgspec.Struct, tag="l3trade", gc=False):
    """A trade that names its orders."""

    t: Millis


Line: TypeAlias = Snapshot | Diff | Trade | Mark | Bbo | L3Snapshot | OrderOpen | OrderDone | L3Trade

_LONGEST_LINE: Final = 16 * 2**20
_LATEST: Final = 9_223_372_036_854
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a line that is no message raises: no JSON or another one, no UTF-8, nested without end."""
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


class NeutralFile:
    """One file: its header, then its lines. ``number`` is the line read last."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.number = 0
        self.size = path.stat().st_size
        self._raw = file
        self._text = cast(BinaryIO, GzipFile(fileobj=file)) if path.suffix == ".gz" else file
        self.header = self._first_line()

    def bytes_read(self) -> int:
        """How far into the file we are, as it lies on the disk."""
        return self._raw.tell()

    def lines(self) -> Iterator[Line]:
        """All lines after the header, in order of their times."""
        last: Millis = 0
        while text := self._read():
            try:
                one: Line = _line.decode(text)
            except _UNREADABLE as error:
                raise self.bad(str(error)) from None
            if not last <= one.t <= _LATEST:
                raise self.bad(f"t is {one.t} after {last}")
            last = one.t
            yield one

    def bad(self, what: str) -> BadRecording:
        """What is wrong with the line read last."""
        return BadRecording(f"{self.path}:{self.number}: {what}")

    def _first_line(self) -> Header:
        try:
            return _header.decode(self._read())
        except _UNREADABLE as error:
            raise self.bad(f"no header of neutral market data: {error}") from None

    def _read(self) -> bytes:
        self.number += 1
        try:
            text = self._text.readline(_LONGEST_LINE)
        except (EOFError, OSError, zlib.error) as error:
            raise self.bad(f"cannot be read: {error}") from None
        if len(text) == _LONGEST_LINE:
            raise self.bad("the line is too long")
        return text


@contextmanager
def opened(path: Path) -> Iterator[NeutralFile]:
    """A neutral file, plain or gzipped (``.gz``)."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadRecording(f"{path}: {error.strerror or error}") from None
    with file:
        yield NeutralFile(path, file)
