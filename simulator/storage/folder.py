"""A state folder: what lies in it, who may read it, and that only one process writes it.

``journal.db`` is the journal (SQLite, with its ``-wal`` and ``-shm`` beside it while it is written), ``keys.json``
the API keys, ``lock`` is held by the process that serves. All are for their owner only. Reading needs no lock.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from simulator.storage.codec import VERSION

JOURNAL: Final = "journal.db"
KEYS: Final = "keys.json"
LOCK: Final = "lock"
_WAIT_S: Final = 5.0

_TABLES: Final = """
CREATE TABLE packs (first INTEGER PRIMARY KEY, entries INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE runs (first INTEGER NOT NULL, began INTEGER NOT NULL, program TEXT NOT NULL, settings TEXT NOT NULL,
                   ended INTEGER);
CREATE TABLE checkpoints (entry INTEGER PRIMARY KEY, digest TEXT NOT NULL);
"""


class BadState(Exception):
    """A state folder that cannot be used, in one line."""


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Errors of SQLite and of the system, as one line that names the folder."""
    try:
        yield
    except sqlite3.Error as error:
        raise BadState(f"the journal in {folder} cannot be used: {error}") from None
    except OSError as error:
        raise BadState(f"the state folder {folder} cannot be used: {error.strerror}") from None


def private_file(path: Path) -> None:
    """Make sure that there is a file, for its owner only."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


class Lock:
    """Held by the process that writes a folder; the system takes it back when that process ends, however it does."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise BadState(
                f"another process serves the state folder {folder}: stop it, or use another folder"
            ) from None

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._file)


def open_to_write(folder: Path) -> tuple[Lock, sqlite3.Connection]:
    """The journal of a folder, made if there is none; BadState when it is another process's or another version's."""
    with told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock(folder)
        try:
            private_file(folder / JOURNAL)
            return lock, _prepared(folder)
        except BaseException:
            lock.release()
            raise


def _prepared(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / JOURNAL, timeout=_WAIT_S, isolation_level=None)
    try:
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={VERSION}; COMMIT;")
        _check_version(db, folder)
        db.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        db.close()
        raise
    return db


@contextmanager
def opened_to_read(folder: Path) -> Iterator[sqlite3.Connection]:
    """The journal of a folder as it is now; somebody may be writing it."""
    path = folder / JOURNAL
    if not path.is_file():
        raise BadState(f"{folder} is no state folder: there is no {JOURNAL} in it")
    with told(folder):
        db = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=_WAIT_S)
        try:
            _check_version(db, folder)
            yield db
        finally:
            db.close()


def _check_version(db: sqlite3.Connection, folder: Path) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise BadState(f"the journal in {folder} is of version {version}; this program reads version {VERSION}")
