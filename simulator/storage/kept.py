"""A state folder while it is served: what was in it happens again, and what happens from now on goes into it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from simulator.core.exchange import Exchange
from simulator.core.units import Nanos
from simulator.runtime.runner import Runner
from simulator.storage import keys as keys_file
from simulator.storage.folder import BadState
from simulator.storage.journal import Journal
from simulator.storage.verifying import Differs, Hear, replay
from simulator.venues.hashkey.signing import KeyRing

log = logging.getLogger(__name__)


class Kept:
    """One folder, locked. ``resumed`` is how many entries were there."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder)
        self.resumed = 0

    def resume(self, exchange: Exchange, hear: Hear) -> Mapping[str, object]:
        """Everything that happened happens again; returns the settings it last happened with, {} for a new folder.

        BadState when the journal is damaged, or does not do again what it did.
        """
        journal, began = self.journal, time.monotonic()
        runs = journal.runs()
        try:
            self.resumed = replay(journal.entries(), journal.checkpoints(), exchange, hear)
        except Differs as error:
            by = runs[-1].program if runs else "an unknown program"
            raise BadState(f"cannot go on from {journal.folder}, which {by} wrote: {error}") from None
        if not runs:
            return {}
        if runs[-1].ended is None:
            log.warning(
                "the last run on %s did not end in order; all that was acknowledged, up to entry %d, is here",
                journal.folder,
                self.resumed,
            )
        log.info("%d entries of %s again in %.1f s", self.resumed, journal.folder, time.monotonic() - began)
        settings: Mapping[str, object] = msgspec.json.decode(runs[-1].settings, type=dict)
        return settings

    def keep(self, runner: Runner, keys: KeyRing, program: str, settings: Mapping[str, object]) -> None:
        """From now on everything is written down: commands by the runner's door, keys when they change."""
        journal, state = self.journal, runner.exchange.state

        def beat(now: Nanos) -> None:
            journal.beat(state)

        def keys_changed() -> None:
            keys_file.save(journal.folder, keys)

        for key in keys_file.load(journal.folder):
            keys.add(key)
        journal.begin(program, settings)
        runner.journal = journal.append
        runner.subscribers.insert(0, journal.on_events)
        runner.ticks.append(beat)
        keys.changed = keys_changed
