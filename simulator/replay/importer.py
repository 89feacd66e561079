"""Neutral files of another venue → one recording as if HashKey had sent it.

Files are merged by receive time, at one time in the order in which they were named; the recording's
receive times are theirs. Not taken over: *bbo* lines, because HashKey's books carry their best levels
themselves and nobody mirrors its other stream; *market-by-order* lines, because HashKey does not send
any. Both are counted. Nothing is invented: without marks in the files there are none in the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from heapq import merge
from importlib.resources import files as package_files
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import zstandard

from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Millis, Nanos, NotANumber, OffGrid
from simulator.replay.books import Gap
from simulator.replay.format import BadRecording, Header, Reader, Record, Writer
from simulator.replay.neutral import Line, NeutralFile, opened
from simulator.replay.publishing import Market, Publisher, Told
from simulator.venues.hashkey.exchange_info import of_symbols

CHUNK_NS: Final[Nanos] = 20 * NANOS_PER_SECOND
CHUNK_BYTES: Final = 16 * 2**20
LEVEL: Final = 10
"""Of zstandard. Measured on the bundled session: 3 gives 4.8 MB in 0.2 s, 10 3.3 MB in 1 s, 19 2.8 MB in 40 s."""

_DEFAULT_NAMES: Final = {"spot": "{}", "usdm": "{}-PERPETUAL"}
_PROGRESS_EVERY: Final = 5_000

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many of how many bytes of the input have been read."""
_Lines: TypeAlias = Iterable[tuple[Millis, Market, Line]]


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of what; times in milliseconds."""

    path: str
    first_ms: Millis
    last_ms: Millis
    records: int
    bytes: int
    symbols: list[Told]

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        seconds = (self.last_ms - self.first_ms) // 1000
        lines = [f"{self.path}: {self.records:,} frames, {seconds:,} s, {self.bytes:,} bytes"]
        for one in self.symbols:
            lines.append(
                f"  {one.symbol}: {one.books:,} books, {one.trades:,} trades, {one.marks:,} marks from {one.source}"
            )
            if one.trades_too_small:
                lines.append(f"    {one.trades_too_small:,} trades smaller than a lot were left out")
            if one.books_not_shown:
                lines.append(f"    {one.books_not_shown:,} books that were empty or crossed were left out")
            lines += [f"    {count:,} {kind} lines were not needed" for kind, count in one.ignored.items()]
        return "\n".join(lines)


def import_files(
    files: Sequence[Path],
    out: Path,
    *,
    symbol_map: Mapping[str, str],
    progress: Progress = lambda _done, _total: None,
    from_ms: Millis = 0,
    to_ms: Millis | None = None,
    level: int = LEVEL,
    venue_info: Mapping[str, Any] | None = None,
) -> ImportSummary:
    """Make one recording of several neutral files; BadRecording says what is wrong with which line.

    ``symbol_map`` renames a file's symbol, ``BTCUSDT`` or, more precisely, ``usdm:BTCUSDT``; without it
    spot keeps its name and a USD-M contract becomes ``...-PERPETUAL``. ``from_ms`` and ``to_ms`` cut by
    receive time: what happened before is in the first books, which are sent together at ``from_ms``.
    ``venue_info`` is an exchangeInfo reply to be used instead of the one that comes with the package.
    """
    info = _bundled_info() if venue_info is None else venue_info
    with ExitStack() as stack:
        markets = _markets([stack.enter_context(opened(path)) for path in files], symbol_map, info)
        lines: _Lines = merge(*(market.lines() for market in markets), key=itemgetter(0))
        if to_ms is not None:
            lines = takewhile(lambda line: line[0] <= to_ms, lines)
        part = stack.enter_context(_unfinished(out))
        with _writer(part, _header(markets, info), level) as writer:
            _write(writer, markets, _watched(lines, markets, progress), from_ms)
        told = _used(markets)
        part.replace(out)
    return _summary(out, told)


def _writer(path: Path, header: Header, level: int) -> Writer:
    compressor = zstandard.ZstdCompressor(level=level, write_checksum=True)
    return Writer(path, header, chunk_ns=CHUNK_NS, chunk_bytes=CHUNK_BYTES, compressor=compressor)


def _write(writer: Writer, markets: Sequence[Market], lines: _Lines, from_ms: Millis) -> None:
    def send(now: Millis, connection: str, data: bytes) -> None:
        writer.write(Record(now * NANOS_PER_MILLI, connection, data))

    publisher = Publisher(send, markets, from_ms)
    for now, market, line in lines:
        try:
            publisher.take(now, market, line)
        except (Gap, NotANumber, OffGrid) as error:
            raise market.source.bad(_said(error)) from None
    publisher.send_books()


def _said(error: ValueError) -> str:
    return str(error) if isinstance(error, Gap) else f"{error} is not a price or a quantity"


def _markets(sources: Sequence[NeutralFile], symbol_map: Mapping[str, str], info: Mapping[str, Any]) -> list[Market]:
    rows = {row["symbol"]: row for row in (*info["symbols"], *info.get("contracts", ()))}
    markets: dict[str, Market] = {}
    for source in sources:
        if source.header.qty_unit != "base":
            raise source.bad(f"quantities in {source.header.qty_unit} cannot be turned into HashKey's")
        symbol = _target(source, symbol_map)
        if symbol not in rows:
            raise source.bad(f"{symbol} is not a symbol of HashKey known here ({', '.join(rows)}); see --map")
        if symbol in markets:
            taken = markets[symbol].source.path
            raise source.bad(f"{symbol} comes from {taken} already; say --map {source.header.market}:...=...")
        markets[symbol] = Market(source, rows[symbol])
    return list(markets.values())


def _target(source: NeutralFile, symbol_map: Mapping[str, str]) -> str:
    market, symbol = source.header.market, source.header.symbol
    named = symbol_map.get(f"{market}:{symbol}") or symbol_map.get(symbol)
    if named is None and market not in _DEFAULT_NAMES:
        raise source.bad(f"{symbol} of a market {market!r} has no twin at HashKey; see --map")
    return named or _DEFAULT_NAMES[market].format(symbol)


def _header(markets: Sequence[Market], info: Mapping[str, Any]) -> Header:
    rows = [market.symbol for market in markets]
    return Header(
        venue="hashkey",
        symbols=tuple(rows),
        origin="; ".join(f"{one.symbol}: {one.told.source}, {one.source.header.source}" for one in markets),
        licence=", ".join(dict.fromkeys(market.source.header.licence for market in markets)),
        created_by="hashkey-sim import",
        exchange_info=of_symbols(info, rows),
    )


def _bundled_info() -> Mapping[str, Any]:
    info = package_files("simulator.venues.hashkey").joinpath("exchange_info.json").read_bytes()
    decoded: Mapping[str, Any] = msgspec.json.decode(info)
    return decoded


def _watched(lines: _Lines, markets: Sequence[Market], progress: Progress) -> _Lines:
    total = sum(market.source.size for market in markets)
    for number, line in enumerate(lines):
        if number % _PROGRESS_EVERY == 0:
            progress(min(total - 1, sum(market.source.bytes_read() for market in markets)), total)
        yield line
    progress(total, total)


def _used(markets: Sequence[Market]) -> list[Told]:
    """What became of the files; each must have given something."""
    for market in markets:
        told = market.told
        if not told.books and not told.trades and not told.marks:
            held = ", ".join(f"{count} {kind}" for kind, count in told.ignored.items()) or "none"
            raise BadRecording(f"{told.file}: no line of it can be imported (others: {held})")
    return [market.told for market in markets]


def _summary(out: Path, told: list[Told]) -> ImportSummary:
    made = Reader(out)
    first, last = made.span or (0, 0)
    return ImportSummary(
        path=str(out),
        first_ms=first // NANOS_PER_MILLI,
        last_ms=last // NANOS_PER_MILLI,
        records=made.count,
        bytes=made.bytes,
        symbols=told,
    )


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A file beside ``out`` to write into, gone in the end: an import that fails leaves nothing behind."""
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
