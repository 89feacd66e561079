"""What a state folder holds, for ``hashkey-sim inspect``."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.storage import keys, reading
from simulator.storage.folder import JOURNAL, opened_to_read


class RunTold(msgspec.Struct, frozen=True):
    """One process that served the folder; ``ended_ns`` None: it did not end in order, or it still runs."""

    first_entry: int
    began_ns: Nanos
    ended_ns: Nanos | None
    program: str
    settings: dict[str, object]


class Holding(msgspec.Struct, frozen=True):
    """All of it. Times are the exchange's own; those of runs are the wall's. ``bytes`` of the journal."""

    path: str
    entries: int
    bytes: int
    first_ns: Nanos | None
    last_ns: Nanos | None
    commands: dict[str, int]
    checkpoints: int
    digest: str | None
    digest_after: int
    api_keys: int
    runs: list[RunTold]

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        span = "" if self.first_ns is None else f", {_clock(self.first_ns)} to {_clock(self.last_ns)}"
        lines = [f"{self.path}: {self.entries} entries{span}, {self.bytes:,} bytes, {self.api_keys} API key(s)"]
        lines += [f"  {name}: {count}" for name, count in self.commands.items()]
        lines += [
            f"run of {one.program} from {_clock(one.began_ns)} to {_clock(one.ended_ns)}, from entry {one.first_entry}"
            for one in self.runs
        ]
        if self.digest is not None:
            lines.append(f"digest {self.digest} after entry {self.digest_after}")
        return "\n".join(lines)


def holding(folder: Path) -> Holding:
    """Read a state folder; BadState when that is not possible."""
    commands: Counter[str] = Counter()
    first = last = None
    with opened_to_read(folder) as db:
        for _, entry in reading.entries(db, folder):
            commands[type(entry.command).__name__] += 1
            first, last = entry.now if first is None else first, entry.now
        checkpoints, runs = reading.checkpoints(db), reading.runs(db)
    after = max(checkpoints, default=0)
    return Holding(
        path=str(folder),
        entries=commands.total(),
        bytes=sum(one.stat().st_size for one in folder.glob(f"{JOURNAL}*")),
        first_ns=first,
        last_ns=last,
        commands=dict(sorted(commands.items())),
        checkpoints=len(checkpoints),
        digest=checkpoints.get(after),
        digest_after=after,
        api_keys=len(keys.load(folder)),
        runs=[
            RunTold(one.first, one.began, one.ended, one.program, msgspec.json.decode(one.settings, type=dict))
            for one in runs
        ],
    )


def _clock(ts: Nanos | None) -> str:
    if ts is None:
        return "(not ended)"
    seconds, rest = divmod(ts, NANOS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03} UTC"
