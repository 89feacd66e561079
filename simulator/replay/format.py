r"""The recording format ``.hkrec``, version 1: raw messages as they came, one session a file.

A recording is a run of zstandard and skippable frames (RFC 8878), so any zstandard tool reads it, and
``zstdcat FILE | head`` shows it to a person::

    file    = mark  block(header)  block(records)*
    mark    = skippable frame 0x184D2A50 holding b"HKREC 1\n"     name and version of the format
    block   = skippable frame 0x184D2A51 holding a label, then one zstandard frame holding text
    label   = little endian: kind u32 (0 header, 1 records), packed u32, size u32, count u32,
              first i64, last i64, crc u32
    header  = one line of JSON: see ``Header``
    records = lines "time direction connection data\n"

``packed`` and ``size`` are the bytes of the zstandard frame and of its text, ``count`` its lines,
``first`` and ``last`` the times of the first and last record (0 in the header's label), ``crc`` the
CRC-32 of the label before it. So a reader finds its way by labels alone, without unpacking anything.
Every zstandard frame says its content size and carries a checksum.

A record's ``time`` is when it was received (or sent), in nanoseconds since 1970 by the recorder's clock;
times never go back. ``direction`` is ``in`` or ``out``. ``connection`` says where: a path such as
``/quote/ws/v2`` or ``/quote/v1/depth?symbol=BTCUSDT``, printable ASCII without spaces. ``data`` is the
message, any bytes: printable ASCII stands for itself, ``\\``, ``\n``, ``\r`` and ``\t`` for backslash, line
feed, return and tab, ``\xNN`` for every other byte.

A writer appends whole blocks, so a file whose writer was killed ends in whole blocks and perhaps a part
of one. That part (or zeros, which some file systems leave after a power cut) is a *torn tail*: it is
reported and left out. Anything else that is not as described here is BadRecording.

Limits keep a hostile file from exhausting memory: a block's text is at most 64 MiB, a line at most 16.
"""

from __future__ import annotations

import enum
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import msgspec
import zstandard

from simulator.core.units import NANOS_PER_SECOND, Nanos

VERSION: Final = 1
LARGEST_TEXT: Final = 64 * 2**20
LONGEST_LINE: Final = 16 * 2**20
LIVE_LEVEL: Final = 3
"""speed.md 2: level 3 packs faster than any feed sends, and unpacking is a percent of a replay."""

_SKIPPABLE: Final = struct.Struct("<II")
_LABEL: Final = struct.Struct("<IIIIqq")
_CRC: Final = struct.Struct("<I")
_MARK_MAGIC: Final = 0x184D2A50
_BLOCK_MAGIC: Final = 0x184D2A51
_MARK_NAME: Final = b"HKREC "
_MARK: Final = _SKIPPABLE.pack(_MARK_MAGIC, 8) + _MARK_NAME + b"%d\n" % VERSION
_BLOCK_START: Final = _SKIPPABLE.pack(_BLOCK_MAGIC, _LABEL.size + _CRC.size)
_LABEL_BYTES: Final = len(_BLOCK_START) + _LABEL.size + _CRC.size
_KIND_HEADER: Final = 0
_KIND_RECORDS: Final = 1
_LATEST: Final = 2**63 - 1
_ZERO_PIECE: Final = 2**20

_CONNECTION = re.compile(r"[!-~]{1,500}")
_UNKNOWN_ESCAPE = re.compile(rb"\\(?![nrt]|x[0-9a-f]{2})")


class BadRecording(ValueError):
    """Not a recording, or a damaged one: one line that says what is wrong and where."""


class Direction(enum.Enum):
    """Who sent a message: the venue (``IN``) or we (``OUT``)."""

    IN = "in"
    OUT = "out"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One raw message."""

    ts: Nanos
    connection: str
    data: bytes
    direction: Direction = Direction.IN


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording says about itself.

    ``exchange_info`` holds the venue's own rows of the recorded symbols, in the shape of its exchangeInfo
    reply (``symbols``, ``contracts``, ``coins``). ``clock_offset_ns`` is the venue's clock less the
    recorder's, as far as it was measured.
    """

    format: str = "hkrec"
    version: int = VERSION
    venue: str
    symbols: tuple[str, ...]
    clock_offset_ns: int = 0
    origin: str
    licence: str
    created_by: str
    exchange_info: dict[str, Any] = {}


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Where a block of records is and what its label says; ``offset`` is that of its zstandard frame."""

    offset: int
    packed: int
    size: int
    count: int
    first: Nanos
    last: Nanos


def line(record: Record) -> bytes:
    """A record as its line of text."""
    data = record.data.decode("latin-1").encode("unicode_escape")
    return b"%d %b %b %b\n" % (record.ts, record.direction.value.encode(), record.connection.encode(), data)


def _unescaped(data: bytes) -> bytes:
    """Whole-text steps only, because a step per escape would cost a hostile file's reader gigabytes."""
    if _UNKNOWN_ESCAPE.search(data.replace(b"\\\\", b"")):
        raise ValueError("an unknown escape")
    return data.decode("unicode_escape").encode("latin-1")


_DIRECTIONS: Final = {direction.value.encode(): direction for direction in Direction}


class Writer:
    """Appends records to a new file, a block at a time.

    Records wait in memory until a block is full: when one arrives ``chunk_ns`` after the block's first,
    or when the text reaches ``chunk_bytes``. ``flush`` ends the block at once; a recorder calls it when
    a feed falls silent. What has been flushed survives the death of the process. OSError when the disk is
    full: the file is whole then, and what waited still waits. A file whose header did not fit is removed.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        chunk_ns: Nanos = NANOS_PER_SECOND,
        chunk_bytes: int = 4 * 2**20,
        compressor: zstandard.ZstdCompressor | None = None,
    ) -> None:
        assert chunk_bytes + LONGEST_LINE <= LARGEST_TEXT
        self._packer = compressor or zstandard.ZstdCompressor(level=LIVE_LEVEL, write_checksum=True)
        self._chunk_ns = chunk_ns
        self._chunk_bytes = chunk_bytes
        self._lines: list[bytes] = []
        self._waiting = 0
        self._first: Nanos = 0
        self._last: Nanos = 0
        self.bytes_written = 0
        beginning = _MARK + self._block(_KIND_HEADER, msgspec.json.encode(header) + b"\n", 1, 0, 0)
        self._file = path.open("xb", buffering=0)
        try:
            self._append(beginning)
        except OSError:
            self._file.close()
            path.unlink()
            raise

    @property
    def waiting(self) -> int:
        """How many records are not in the file yet."""
        return len(self._lines)

    def write(self, record: Record) -> None:
        """Take a record; its time must not be before the last one's."""
        text = _checked_line(record, self._last)
        if self._lines and (record.ts - self._first >= self._chunk_ns or self._waiting >= self._chunk_bytes):
            self.flush()
        if not self._lines:
            self._first = record.ts
        self._last = record.ts
        self._lines.append(text)
        self._waiting += len(text)

    def flush(self) -> None:
        """Bring everything into the file that has been written so far."""
        if self._lines:
            self._append(self._block(_KIND_RECORDS, b"".join(self._lines), len(self._lines), self._first, self._last))
            self._lines.clear()
            self._waiting = 0

    def close(self) -> None:
        """Flush and end; once is enough, twice does no harm."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _block(self, kind: int, text: bytes, count: int, first: Nanos, last: Nanos) -> bytes:
        packed = self._packer.compress(text)
        label = _LABEL.pack(kind, len(packed), len(text), count, first, last)
        return b"".join((_BLOCK_START, label, _CRC.pack(zlib.crc32(label)), packed))

    def _append(self, block: bytes) -> None:
        """All of a block or, when the disk is full, nothing of it: the next one must find a whole file."""
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self.bytes_written)
            self._file.seek(self.bytes_written)
            raise
        self.bytes_written += len(block)


def _checked_line(record: Record, last: Nanos) -> bytes:
    if not last <= record.ts <= _LATEST:
        raise ValueError(f"a record at {record.ts} cannot follow one at {last}")
    if not _CONNECTION.fullmatch(record.connection):
        raise ValueError(f"not a connection: {record.connection[:100]!r}")
    text = line(record)
    if len(text) > LONGEST_LINE:
        raise ValueError(f"a message of {len(record.data)} bytes is too long to be recorded")
    return text


class Reader:
    """A recording, checked as it is read. Opening it reads the header and the labels, nothing else.

    ``torn`` is how many bytes of a torn tail were left out. OSError when there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0
        with path.open("rb") as file:
            self.bytes = file.seek(0, 2)
            self.header = self._read_header(file)
            self.chunks: list[Chunk] = list(self._labels(file))

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(chunk.count for chunk in self.chunks)

    @property
    def span(self) -> tuple[Nanos, Nanos] | None:
        """Times of the first and the last record."""
        return (self.chunks[0].first, self.chunks[-1].last) if self.chunks else None

    def records(self, from_ts: Nanos = 0) -> Iterator[Record]:
        """All records from a time on, in order, read chunk by chunk."""
        with self.path.open("rb") as file:
            for chunk in self.chunks:
                if chunk.last >= from_ts:
                    for record in self._records(file, chunk):
                        if record.ts >= from_ts:
                            yield record

    def before(self, moment: Nanos) -> Iterator[Record]:
        """All records up to a time (included), the newest first, read chunk by chunk."""
        with self.path.open("rb") as file:
            for chunk in reversed(self.chunks):
                if chunk.first <= moment:
                    records = [record for record in self._records(file, chunk) if record.ts <= moment]
                    yield from reversed(records)

    def _read_header(self, file: BinaryIO) -> Header:
        file.seek(0)
        mark = file.read(len(_MARK))
        if not mark.startswith(_MARK[: _SKIPPABLE.size] + _MARK_NAME):
            raise self._bad("not a recording", 0)
        version = mark[_SKIPPABLE.size + len(_MARK_NAME) :]
        if mark != _MARK:
            found = version.decode("ascii", "replace").strip()
            raise self._bad(f"format version {found!r}, but this program reads {VERSION}", 0)
        chunk = self._label(file, len(_MARK), _KIND_HEADER, 0)
        if chunk is None:
            raise self._bad("the header is cut off", len(_MARK))
        try:
            header = msgspec.json.decode(self._text(file, chunk), type=Header)
        except msgspec.DecodeError as error:
            raise self._bad(f"the header cannot be read: {error}", chunk.offset) from None
        self._records_at = chunk.offset + chunk.packed
        return header

    def _labels(self, file: BinaryIO) -> Iterator[Chunk]:
        at, last = self._records_at, 0
        while at < self.bytes:
            chunk = self._label(file, at, _KIND_RECORDS, last)
            if chunk is None:
                self.torn = self.bytes - at
                return
            yield chunk
            at, last = chunk.offset + chunk.packed, chunk.last

    def _label(self, file: BinaryIO, at: int, kind: int, after: Nanos) -> Chunk | None:
        """The label of the block at ``at``; None when the file ends before the block does."""
        file.seek(at)
        head = file.read(_LABEL_BYTES)
        if not head.startswith(_BLOCK_START[: len(head)]):
            if _only_zeros(file, at):
                return None
            raise self._bad("no block begins here", at)
        if len(head) < _LABEL_BYTES:
            return None
        label, crc = head[len(_BLOCK_START) : -_CRC.size], head[-_CRC.size :]
        if _CRC.pack(zlib.crc32(label)) != crc:
            raise self._bad("a block's label is damaged", at)
        found, packed, size, count, first, last = _LABEL.unpack(label)
        if found != kind:
            raise self._bad(f"a block of kind {found} where {kind} belongs", at)
        if size > LARGEST_TEXT or packed > LARGEST_TEXT or not count:
            raise self._bad(f"a block of {count} records, {size} bytes, {packed} packed is beyond the limits", at)
        if not after <= first <= last:
            raise self._bad(f"time goes back: {first} to {last} after {after}", at)
        chunk = Chunk(at + _LABEL_BYTES, packed, size, count, first, last)
        return chunk if chunk.offset + packed <= self.bytes else None

    def _text(self, file: BinaryIO, chunk: Chunk) -> bytes:
        file.seek(chunk.offset)
        packed = file.read(chunk.packed)
        try:
            promised = zstandard.get_frame_parameters(packed)
            if promised.content_size != chunk.size or not promised.has_checksum:
                raise self._bad("a block is not what its label says", chunk.offset)
            text = zstandard.ZstdDecompressor().decompress(packed, max_output_size=chunk.size, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise self._bad(f"a block cannot be unpacked: {error}", chunk.offset) from None
        if len(text) != chunk.size or not text.endswith(b"\n"):
            raise self._bad("a block is not what its label says", chunk.offset)
        return text

    def _records(self, file: BinaryIO, chunk: Chunk) -> Iterator[Record]:
        text = self._text(file, chunk)
        start = number = 0
        before = chunk.first
        connections: dict[bytes, str] = {}
        while start < len(text):
            end = text.index(b"\n", start)
            number += 1
            try:
                record = _record(text[start:end], connections)
                if record.ts < before or (number == 1 and record.ts != chunk.first):
                    raise ValueError("its time is not in order")
            except ValueError as error:
                raise self._bad(f"record {number} of the block: {error}", chunk.offset) from None
            before, start = record.ts, end + 1
            yield record
        if number != chunk.count or before != chunk.last:
            raise self._bad("a block is not what its label says", chunk.offset)

    def _bad(self, what: str, at: int) -> BadRecording:
        return BadRecording(f"{self.path}: {what} (at byte {at})")


def _record(text: bytes, connections: dict[bytes, str]) -> Record:
    """The record of a line; ``connections`` keeps one string for each, however often it comes."""
    if len(text) >= LONGEST_LINE:
        raise ValueError("the line is too long")
    parts = text.split(b" ", 3)
    if len(parts) != 4:
        raise ValueError("not four words")
    time, way, where, data = parts
    direction, connection = _DIRECTIONS.get(way), connections.get(where)
    if not time.isdigit() or len(time) > 19 or int(time) > _LATEST or direction is None:
        raise ValueError("not a time and a direction")
    if connection is None:
        connection = connections[where] = where.decode("latin-1")
        if not _CONNECTION.fullmatch(connection):
            raise ValueError("not a connection")
    if b"\\" in data:
        data = _unescaped(data)
    return Record(int(time), connection, data, direction)


def _only_zeros(file: BinaryIO, at: int) -> bool:
    file.seek(at)
    while piece := file.read(_ZERO_PIECE):
        if piece.strip(b"\0"):
            return False
    return True
