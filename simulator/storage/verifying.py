"""A journal carried out again, entry by entry, and compared with what it says it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from simulator.core.commands import Command
from simulator.core.digest import digest
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.units import Nanos
from simulator.storage import reading
from simulator.storage.codec import Entry, outcome
from simulator.storage.folder import BadState, opened_to_read

Hear = Callable[[Nanos, Command, Sequence[Event]], None]


class Differs(BadState):
    """A replay does something else than the journal says, from this entry on."""

    def __init__(self, entry: int, line: str) -> None:
        super().__init__(line)
        self.entry = entry


def replay(entries: Iterable[tuple[int, Entry]], checkpoints: Mapping[int, str], exchange: Exchange, hear: Hear) -> int:
    """Let everything happen again in a new exchange; returns how many entries, or raises Differs at the first."""
    number = 0
    for number, entry in entries:
        what = f"entry {number} ({type(entry.command).__name__} at {entry.now})"
        if entry.outcome is None:
            raise Differs(number, f"{what}: the exchange broke while this was handled, so what it did is not known")
        try:
            events = exchange.handle(entry.now, entry.command)
        except Exception as error:
            raise Differs(number, f"{what}: a replay breaks: {error!r}") from error
        if outcome(events) != entry.outcome:
            raise Differs(number, f"{what}: a replay does not do what was done then")
        told = checkpoints.get(number)
        if told is not None and told != (now := digest(exchange.state)):
            raise Differs(number, f"{what}: after it the digest was {told}, and is {now} in a replay")
        hear(entry.now, entry.command, events)
    if checkpoints and (last := max(checkpoints)) > number:
        raise Differs(
            number + 1, f"there are {number} entries, and a digest of the state after entry {last}: some are gone"
        )
    return number


class Verdict(msgspec.Struct, frozen=True):
    """What ``verify`` found. ``first_difference`` is the entry from which on a replay differs; None: nowhere."""

    ok: bool
    entries: int
    checkpoints: int
    digest: str
    first_difference: int | None = None
    problem: str = ""

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        if not self.ok:
            return self.problem
        return (
            f"{self.entries} entries do again what they did, {self.checkpoints} digests of the state are the same\n"
            f"digest {self.digest}"
        )


def verify(folder: Path) -> Verdict:
    """Replay a folder's journal; BadState when it cannot be read at all."""
    exchange, heard = Exchange(), 0

    def hear(now: Nanos, command: Command, events: Sequence[Event]) -> None:
        nonlocal heard
        heard += 1

    with opened_to_read(folder) as db:
        checkpoints = reading.checkpoints(db)
        try:
            replay(reading.entries(db, folder), checkpoints, exchange, hear)
        except BadState as error:
            first = error.entry if isinstance(error, Differs) else heard + 1
            return Verdict(False, heard, len(checkpoints), digest(exchange.state), first, str(error))
    return Verdict(True, heard, len(checkpoints), digest(exchange.state))
