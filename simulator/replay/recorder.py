"""Raw messages → files, before anybody parses them; readable up to the last second whatever happens.

A block is appended when a message comes a second after the block's first, when 1 MiB waits, and when
``flush`` is called, which the owner does once a second for feeds that fall silent. A whole block goes to
the system in one write, so killing the process costs at most what waits. Against a power cut there is
no fsync: it may last long, and an exchange that serves must not wait for a disk.

**What is known late.** The header holds the venue's exchangeInfo rows and its clock's offset, which are
read from replies that are messages themselves. So messages wait in memory until ``begin`` tells the
header. A recording that never began leaves no file in the way of the next try.

**Rotation.** Without it the one file is named as asked. With it they are NAME-0001.hkrec, NAME-0002.hkrec,
...: a file ends soon after the block that reaches the size, or before the message that comes too late for it.
Every one has the whole header and plays by itself from its first books on (books are whole at HashKey; what is
asked for over REST, such as funding, is there when it is asked for again, within a minute).
Nothing is in two of them, and nothing is lost between.

**A disk that is full** ends the recording, not the exchange: ``failure`` says what happened, the file
ends in its last whole block, and later messages are counted as lost. It is not tried again: a file with an
unexplained hole would be worse than one that ends.

The clock that stamps messages may be set back; their times are kept from it, because a recording's never
go back.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.replay.format import Direction, Header, Record, Writer
from simulator.replay.gaps import Gaps
from simulator.venues.hashkey.skim import about

log = logging.getLogger(__name__)

FLUSH_NS: Final[Nanos] = NANOS_PER_SECOND
FLUSH_BYTES: Final = 2**20


class CannotRecord(Exception):
    """There can be no recording at this place, in one line."""


class Rotation(msgspec.Struct, frozen=True):
    """When a new file begins: after so many bytes or nanoseconds; 0 is never."""

    bytes: int = 0
    nanos: Nanos = 0

    @property
    def wanted(self) -> bool:
        """Whether there is more than one file to come."""
        return bool(self.bytes or self.nanos)


NEVER: Final = Rotation()


class Recorded(msgspec.Struct, kw_only=True):
    """What has been recorded so far. ``lost`` counts messages that could not be written."""

    files: list[str] = []
    records: int = 0
    received: int = 0
    raw_bytes: int = 0
    file_bytes: int = 0
    first_ns: Nanos | None = None
    last_ns: Nanos | None = None
    lost: int = 0


class Recorder:
    """Takes messages; see above. ``failure`` is empty as long as all is well."""

    def __init__(
        self,
        out: Path,
        header: Header,
        rotation: Rotation = NEVER,
        *,
        flush_bytes: int = FLUSH_BYTES,
    ) -> None:
        self.failure = ""
        self.told = Recorded()
        self.gaps = Gaps()
        self._out = out
        self._header = header
        self._rotation = rotation
        self._flush_bytes = flush_bytes
        self._early: list[Record] | None = []
        self._writer: Writer | None = None
        self._closed_bytes = 0
        self._file_began: Nanos | None = None
        _refuse(out, rotating=rotation.wanted)

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the recording is about."""
        return self._header.symbols

    def begin(self, exchange_info: dict[str, Any], clock_offset_ns: Nanos) -> None:
        """Open the first file, now that its header is known. A second call says nothing new."""
        if self._early is None:
            return
        early, self._early = self._early, None
        self._header = msgspec.structs.replace(
            self._header, exchange_info=exchange_info, clock_offset_ns=clock_offset_ns
        )
        self._next_file()
        for record in early:
            self._write(record)

    def record(self, connection: str, data: bytes, direction: Direction, ts: Nanos) -> None:
        """Take a message that came or went at ``ts``."""
        told = self.told
        record = Record(max(ts, told.last_ns or 0), connection, data, direction)
        if self.failure:
            told.lost += 1
            return
        told.first_ns = record.ts if told.first_ns is None else told.first_ns
        told.last_ns = record.ts
        self.gaps.add(record, about(connection, data))
        if self._early is None:
            self._write(record)
        else:
            self._early.append(record)

    def flush(self) -> None:
        """Bring into the file what waits."""
        if self._writer is not None:
            try:
                self._writer.flush()
            except OSError as error:
                self._fail(error)
            self._count()

    def close(self) -> None:
        """Flush and end; once is enough, twice does no harm. Without a beginning no file is left."""
        self._end()

    def _write(self, record: Record) -> None:
        if self._must_rotate(record.ts):
            self._end()
            self._next_file()
        told, writer = self.told, self._writer
        if writer is None:
            told.lost += 1
            return
        try:
            writer.write(record)
        except OSError as error:
            told.lost += 1
            self._fail(error)
            return
        except ValueError as error:
            told.lost += 1
            log.warning("a message was not recorded: %s", error)
            return
        if self._file_began is None:
            self._file_began = record.ts
        told.records += 1
        told.received += record.direction is Direction.IN
        told.raw_bytes += len(record.data)
        self._count()

    def _must_rotate(self, now: Nanos) -> bool:
        writer, began, rotation = self._writer, self._file_began, self._rotation
        if writer is None or began is None:
            return False
        full = 0 < rotation.bytes <= writer.bytes_written
        return full or 0 < rotation.nanos <= now - began

    def _next_file(self) -> None:
        if self.failure:
            return
        path = self._path(len(self.told.files) + 1)
        try:
            self._writer = Writer(path, self._header, chunk_ns=FLUSH_NS, chunk_bytes=self._flush_bytes)
        except OSError as error:
            self._fail(error, path)
            return
        self._file_began = None
        self.told.files.append(str(path))
        self._count()

    def _end(self) -> None:
        """The present file is whole and closed."""
        if self._writer is None:
            return
        try:
            self._writer.close()
        except OSError as error:
            self._fail(error)
        self._let_go()

    def _fail(self, error: OSError, path: Path | None = None) -> None:
        """The recording has ended before it was meant to."""
        if not self.failure:
            self.failure = f"cannot write {path or self.told.files[-1]}: {error.strerror or error}"
            log.error("the recording has ended: %s", self.failure)
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
            self.told.lost += self._writer.waiting
            self.told.records -= self._writer.waiting
        self._let_go()

    def _let_go(self) -> None:
        """Of the present file, whose size is told from now on."""
        self._count()
        self._closed_bytes = self.told.file_bytes
        self._writer = None

    def _count(self) -> None:
        if self._writer is not None:
            self.told.file_bytes = self._closed_bytes + self._writer.bytes_written

    def _path(self, number: int) -> Path:
        return _numbered(self._out, f"{number:04}") if self._rotation.wanted else self._out


def _numbered(out: Path, number: str) -> Path:
    return out.with_name(f"{out.stem}-{number}{out.suffix}")


def _refuse(out: Path, *, rotating: bool) -> None:
    """Say at once what would go wrong later."""
    if not out.name or out.is_dir():
        raise CannotRecord(f"{out} is no name of a file")
    if not out.parent.is_dir():
        raise CannotRecord(f"there is no folder {out.parent}")
    one_of_many = re.compile(rf"{re.escape(out.stem)}-[0-9]{{4,}}{re.escape(out.suffix)}")
    there = [path.name for path in out.parent.iterdir()] if rotating else [out.name] if out.exists() else []
    taken = sorted(name for name in there if name == out.name or one_of_many.fullmatch(name))
    if taken:
        raise CannotRecord(f"{out.with_name(taken[0])} is there already; a recording is never written over")
