"""What a recording holds: read through once, counted, and summed up for people and scripts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.replay.format import Reader, Record, line
from simulator.venues.hashkey.skim import About, about

LONG_GAP: Final[Nanos] = 5 * NANOS_PER_SECOND
_MOST_ROWS: Final = 1_000
_MOST_GAPS: Final = 100


class Row(msgspec.Struct, kw_only=True):
    """Messages of one kind; ``bytes`` counts the messages alone, times are in nanoseconds."""

    direction: str
    connection: str
    topic: str
    symbol: str
    records: int = 0
    bytes: int = 0
    first_ns: Nanos
    last_ns: Nanos
    longest_gap_ns: Nanos = 0


class Silence(msgspec.Struct, frozen=True):
    """A time in which nothing at all was recorded."""

    from_ns: Nanos
    to_ns: Nanos


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A recording in numbers.

    ``digest`` is the SHA-256 of the records' lines as ``format.py`` describes them: the same records give
    the same digest, however they are packed. ``gaps`` lists the first hundred of ``gap_count``.
    """

    path: str
    format_version: int
    venue: str
    symbols: tuple[str, ...]
    first_ns: Nanos | None
    last_ns: Nanos | None
    duration_ns: Nanos
    clock_offset_ns: Nanos
    records: int
    chunks: int
    file_bytes: int
    raw_bytes: int
    torn_bytes: int
    digest: str
    gap_limit_ns: Nanos
    gap_count: int
    gaps: list[Silence]
    rows: list[Row]
    origin: str
    licence: str
    created_by: str

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        torn = f", {self.torn_bytes:,} bytes of a torn tail left out" if self.torn_bytes else ""
        lines = [
            f"{self.path}: format {self.format_version}, {self.venue}, {', '.join(self.symbols)}",
            f"  time     {_span(self.first_ns, self.last_ns)}",
            f"  size     {self.file_bytes:,} bytes, {self.raw_bytes:,} unpacked, {self.chunks:,} chunks{torn}",
            f"  digest   {self.digest}",
            f"  origin   {self.origin}",
            f"  licence  {self.licence}",
            f"  made by  {self.created_by}",
            f"  gaps     {self.gap_count:,} longer than {_seconds(self.gap_limit_ns)}",
        ]
        lines += [f"    {_clock(gap.from_ns)} for {_seconds(gap.to_ns - gap.from_ns)}" for gap in self.gaps]
        lines.append(f"  records  {self.records:,}")
        return "\n".join(lines + [f"    {_row(row)}" for row in self.rows])


def summarize(path: Path, gap_ns: Nanos = LONG_GAP) -> Summary:
    """Read a whole recording; BadRecording when it is none."""
    reader = Reader(path)
    header, span = reader.header, reader.span
    tally = _Tally(gap_ns)
    for record in reader.records():
        tally.add(record)
    return Summary(
        path=str(path),
        format_version=header.version,
        venue=header.venue,
        symbols=header.symbols,
        first_ns=span[0] if span else None,
        last_ns=span[1] if span else None,
        duration_ns=span[1] - span[0] if span else 0,
        clock_offset_ns=header.clock_offset_ns,
        records=reader.count,
        chunks=len(reader.chunks),
        file_bytes=reader.bytes,
        raw_bytes=sum(chunk.size for chunk in reader.chunks),
        torn_bytes=reader.torn,
        digest=tally.sum.hexdigest(),
        gap_limit_ns=gap_ns,
        gap_count=tally.gap_count,
        gaps=tally.gaps,
        rows=sorted(tally.rows.values(), key=lambda row: (row.symbol, row.topic, row.connection, row.direction)),
        origin=header.origin,
        licence=header.licence,
        created_by=header.created_by,
    )


class _Tally:
    """Counts of everything read so far; how many kinds it tells apart is limited, what it counts is not."""

    def __init__(self, gap_ns: Nanos) -> None:
        self.sum = hashlib.sha256()
        self.rows: dict[tuple[str, ...], Row] = {}
        self.gaps: list[Silence] = []
        self.gap_count = 0
        self._gap_ns = gap_ns
        self._last: Nanos | None = None

    def add(self, record: Record) -> None:
        """One more."""
        self.sum.update(line(record))
        row = self._row(record)
        row.records += 1
        row.bytes += len(record.data)
        row.longest_gap_ns = max(row.longest_gap_ns, record.ts - row.last_ns)
        row.last_ns = record.ts
        if self._last is not None and record.ts - self._last > self._gap_ns:
            self.gap_count += 1
            if len(self.gaps) < _MOST_GAPS:
                self.gaps.append(Silence(self._last, record.ts))
        self._last = record.ts

    def _row(self, record: Record) -> Row:
        connection, what = record.connection.partition("?")[0], about(record.connection, record.data)
        key = (record.direction.value, connection, *what)
        if key not in self.rows and len(self.rows) >= _MOST_ROWS:
            connection, what = "(others)", About("", "")
            key = (record.direction.value, connection, *what)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Row(
                direction=record.direction.value,
                connection=connection,
                topic=what.topic,
                symbol=what.symbol,
                first_ns=record.ts,
                last_ns=record.ts,
            )
        return row


def _row(row: Row) -> str:
    what = " ".join(word for word in (row.symbol, row.topic) if word) or "(other)"
    where = "" if row.topic == row.connection else f" {row.connection}"
    return (
        f"{what}{where} {row.direction}: {row.records:,} in {_seconds(row.last_ns - row.first_ns)}, "
        f"{row.bytes:,} bytes, longest gap {_seconds(row.longest_gap_ns)}"
    )


def _span(first: Nanos | None, last: Nanos | None) -> str:
    if first is None or last is None:
        return "nothing recorded"
    return f"{_clock(first)} to {_clock(last)}, {_seconds(last - first)}"


def _clock(ts: Nanos) -> str:
    seconds, rest = divmod(ts, NANOS_PER_SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03} UTC"


def _seconds(nanos: Nanos) -> str:
    seconds, rest = divmod(nanos, NANOS_PER_SECOND)
    return f"{seconds:,}.{rest // 1_000_000:03} s"
