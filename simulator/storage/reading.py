"""A journal read back: its entries in order, checked pack by pack, and what stands beside them.

Each pack's checksum goes on from the one before, so a byte that changed, a pack that is missing and one that
stands in another's place are all seen, at the first pack that they touch. Entries are numbered from 1.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from simulator.core.units import Nanos
from simulator.storage.codec import Entry, Unreadable, unpack
from simulator.storage.folder import BadState


class Run(NamedTuple):
    """One process that served the folder: from which entry on, since when (wall time), and until when.

    ``ended`` None: it did not end in order, or has not yet.
    """

    first: int
    began: Nanos
    program: str
    settings: str
    ended: Nanos | None


class Tail(NamedTuple):
    """Where the next pack goes: how many entries there are, and the checksum so far."""

    entries: int
    checksum: int


def tail(db: sqlite3.Connection) -> Tail:
    """The end of what was written."""
    row = db.execute("SELECT first, entries, checksum FROM packs ORDER BY first DESC LIMIT 1").fetchone()
    return Tail(0, 0) if row is None else Tail(row[0] + row[1] - 1, row[2])


def entries(db: sqlite3.Connection, folder: Path) -> Iterator[tuple[int, Entry]]:
    """All entries and their numbers; BadState at the first that is not whole."""
    number, checksum = 0, 0
    try:
        for first, count, told, data in db.execute("SELECT first, entries, checksum, data FROM packs ORDER BY first"):
            checksum = zlib.crc32(data, checksum)
            if first != number + 1 or told != checksum:
                raise _damaged(folder, number)
            pack = unpack(data)
            if len(pack) != count:
                raise _damaged(folder, number)
            for entry in pack:
                number += 1
                yield number, entry
    except (sqlite3.DatabaseError, Unreadable, TypeError):
        raise _damaged(folder, number) from None


def _damaged(folder: Path, whole: int) -> BadState:
    return BadState(f"the journal in {folder} is damaged: entries 1 to {whole} are whole, what follows is not")


def checkpoints(db: sqlite3.Connection) -> dict[int, str]:
    """Digests of the whole state, by the entry after which they were taken."""
    return dict(db.execute("SELECT entry, digest FROM checkpoints ORDER BY entry"))


def runs(db: sqlite3.Connection) -> list[Run]:
    """Everybody who has served it, first to last."""
    return [Run(*row) for row in db.execute("SELECT first, began, program, settings, ended FROM runs ORDER BY rowid")]
