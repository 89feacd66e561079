"""What a recording holds: read through once, counted, and summed up for people and scripts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.replay.format import Reader, Record, line
from simulator.replay.gaps import LONG_GAP, Gap, Gaps
from simulator.venues.hashkey.skim import About, about

_MOST_ROWS: Final = 1_000


class Row(msgspec.Struct, kw_only=True):
    """Messages of one kind; ``bytes`` counts the messages alone, times are in nanoseconds.

    ``silences`` counts the times in which none came for longer than the limit: a stream may have stopped while
    others went on, or nothing happened in its market.
    """

    direction: str
    connection: str
    topic: str
    symbol: str
    records: int = 0
    bytes: int = 0
    first_ns: Nanos
    last_ns: Nanos
    longest_gap_ns: Nanos = 0
    silences: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A recording in numbers.

    ``digest`` is the SHA-256 of the records' lines as ``format.py`` describes them: the same records give
    the same digest, however they are packed. ``gaps`` lists the first hundred of ``gap_count``;
    ``gaps.py`` says what counts as one.
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
    gap_kinds: dict[str, int]
    gaps: list[Gap]
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
            f"  gaps     {_gaps(self.gap_kinds, self.gap_limit_ns)}",
        ]
        lines += [f"    {_gap(gap)}" for gap in self.gaps]
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
        gap_count=tally.gaps.total,
        gap_kinds=tally.gaps.count,
        gaps=tally.gaps.listed,
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
        self.gaps = Gaps(gap_ns)
        self._gap_ns = gap_ns

    def add(self, record: Record) -> None:
        """One more."""
        self.sum.update(line(record))
        what = about(record.connection, record.data)
        self.gaps.add(record, what)
        row = self._row(record, what)
        row.records += 1
        row.bytes += len(record.data)
        gap = record.ts - row.last_ns
        row.longest_gap_ns = max(row.longest_gap_ns, gap)
        row.silences += gap > self._gap_ns
        row.last_ns = record.ts

    def _row(self, record: Record, what: About) -> Row:
        connection = record.connection.partition("?")[0]
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


def _gaps(kinds: dict[str, int], limit_ns: Nanos) -> str:
    return (
        f"{kinds['silence']:,} silences longer than {_seconds(limit_ns)}, {kinds['reconnect']:,} reconnects, "
        f"{kinds['sequence']:,} jumps of a sequence"
    )


def _gap(gap: Gap) -> str:
    where = f" of {gap.where}" if gap.where else ""
    return f"{_clock(gap.from_ns)} for {_seconds(gap.to_ns - gap.from_ns)}: {gap.kind}{where}"


def _row(row: Row) -> str:
    what = " ".join(word for word in (row.symbol, row.topic) if word) or "(other)"
    where = "" if row.topic == row.connection else f" {row.connection}"
    silences = f", {row.silences:,} silences" if row.silences else ""
    return (
        f"{what}{where} {row.direction}: {row.records:,} in {_seconds(row.last_ns - row.first_ns)}, "
        f"{row.bytes:,} bytes, longest gap {_seconds(row.longest_gap_ns)}{silences}"
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
