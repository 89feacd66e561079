"""The journal: every command and its time, written down before anybody hears what it did.

**What is never lost.** A command is noted before the exchange handles it, and everything noted is committed before a
byte leaves for a client (``settle``: the server calls it at the end of each turn of the event loop, before frames and
replies are written). So whatever a client was told happened is there after ``kill -9``. Committing each command
instead would cost the same for one client and far more for many: measured 38 us per commit, and the orders of one
turn share it. A signed order over HTTP with a journal is 0.8 times as fast as one without. SQLite's WAL runs with
``synchronous=NORMAL``: the commit is with the operating system, which survives the end of the process; a loss of
power may take the last moments, never the order or the wholeness of what is left. FULL would wait for the disk, 330
us here, and a simulator's orders are not worth it.

**Market data stands in the journal itself,** not as a reference to a recording. Measured on the bundled session: four
symbols at their real pace are 190 commands and 18 kB a second (65 MB an hour); the recording itself is 8 kB a second.
At full speed a journal costs an eighth more CPU time, and a replay of one does 28,000 entries a second, 18,000 with
everybody who reads them. For so little, a journal can be replayed alone: of a live market that nobody recorded, after
the recording was moved, with a parser that reads frames otherwise than the one that wrote it, and with faults and
books set by hand among them. Market data is told to nobody in particular, so it waits for the next beat (``tick``,
100 ms) and shares a commit.

**Proof.** Beside each entry stands a sum of its events (``codec.outcome``), and now and then a digest of the whole
state: at the end, and every ``CHECKPOINT_EVERY`` entries while that takes no longer than a few milliseconds, because
everybody waits for it. So a replay that differs is found at the very entry.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from simulator.core.commands import Command
from simulator.core.digest import digest
from simulator.core.events import Event
from simulator.core.state import State
from simulator.core.units import Nanos
from simulator.storage import reading
from simulator.storage.codec import Entry, outcome, pack
from simulator.storage.folder import open_to_write, told

CHECKPOINT_EVERY: Final = 20_000
CHECKPOINT_ORDERS_MOST: Final = 2_000
"""A digest reads every order there ever was: 4 us each."""
_PACK_MOST: Final = 1_000


class Journal:
    """The journal of one folder, open for writing: the runner's ``journal``, and a subscriber for what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock, self._db = open_to_write(folder)
        self._pending: list[Entry] = []
        with told(folder):
            self._written, self._checksum = reading.tail(self._db)
            self._checkpointed = self._written

    @property
    def count(self) -> int:
        """Entries so far."""
        return self._written + len(self._pending)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """All entries of before, and their numbers; BadState at the first that is not whole."""
        return reading.entries(self._db, self.folder)

    def checkpoints(self) -> dict[int, str]:
        """Digests by the entry after which they were taken."""
        return reading.checkpoints(self._db)

    def runs(self) -> list[reading.Run]:
        """Who has served this folder."""
        return reading.runs(self._db)

    def begin(self, program: str, settings: Mapping[str, object]) -> None:
        """A process serves this folder from now on. ``settings`` are written down: leave secrets out."""
        with told(self.folder):
            self._db.execute(
                "INSERT INTO runs (first, began, program, settings) VALUES (?, ?, ?, ?)",
                (self._written + 1, time.time_ns(), program, json.dumps(settings)),
            )

    def append(self, now: Nanos, command: Command) -> None:
        """Note what is about to be handled."""
        self._pending.append(Entry(now, command))

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Note what came of it."""
        self._pending[-1].outcome = outcome(events)
        if len(self._pending) >= _PACK_MOST:
            self.settle()

    def settle(self) -> None:
        """Commit everything noted; BadState when that is not possible, and then it stays noted."""
        if not self._pending:
            return
        data = pack(self._pending)
        checksum = zlib.crc32(data, self._checksum)
        with told(self.folder):
            self._db.execute(
                "INSERT INTO packs VALUES (?, ?, ?, ?)", (self._written + 1, len(self._pending), checksum, data)
            )
        self._written += len(self._pending)
        self._checksum = checksum
        self._pending.clear()

    def checkpoint(self, state: State) -> None:
        """Commit, and write down what the state is now."""
        self.settle()
        with told(self.folder):
            self._db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (self._written, digest(state)))
        self._checkpointed = self._written

    def beat(self, state: State) -> None:
        """Ten times a second: commit, and a checkpoint when it is time for one."""
        self.settle()
        if self._written - self._checkpointed >= CHECKPOINT_EVERY and len(state.orders) <= CHECKPOINT_ORDERS_MOST:
            self.checkpoint(state)

    def end(self, state: State) -> None:
        """The process ends in order, with this state."""
        self.checkpoint(state)
        with told(self.folder):
            self._db.execute("UPDATE runs SET ended = ? WHERE rowid = (SELECT max(rowid) FROM runs)", (time.time_ns(),))

    def close(self) -> None:
        """Let the next process in. What was not settled is gone."""
        self._db.close()
        self._lock.release()
