"""All faults of one exchange: begun and ended at their times on the timeline, listed, never active by surprise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from simulator.core.units import Nanos
from simulator.runtime.faults.fault import BadFault, Fault, Met, Told
from simulator.runtime.faults.kinds import Where
from simulator.runtime.runner import Runner

log = logging.getLogger(__name__)

MOST_FAULTS: Final = 1000
"""Listed at once."""

Listener: TypeAlias = Callable[[Fault], None]


class Faults:
    """Every fault that was told and not yet forgotten. ``changed`` hears of each that begins or ends."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._told: dict[int, Fault] = {}
        self._last = 0
        self.changed: list[Listener] = []

    def begin(self, told: Sequence[Told]) -> list[Fault]:
        """Take faults, all of them or, with BadFault, none; those without a ``start_ms`` act when this returns."""
        if len(self._told) + len(told) > MOST_FAULTS:
            raise BadFault(f"there are {len(self._told)} faults; more than {MOST_FAULTS} are not kept, end some")
        now = self._runner.catch_up()
        faults = [Fault(self._last + number, one, now) for number, one in enumerate(told, 1)]
        self._last += len(faults)
        for fault in faults:
            self._told[fault.id] = fault
            if fault.begins <= now:
                self._start(fault)
            else:
                self._runner.later(fault.begins, partial(self._start, fault))
        return faults

    def _start(self, fault: Fault, now: Nanos = 0) -> None:
        if fault.ended:
            return
        fault.active = True
        log.warning("fault %d begins: %s", fault.id, msgspec.json.encode(fault.told).decode())
        if fault.ends is not None:
            self._runner.later(fault.ends, lambda _: self.end(fault))
        for listener in self.changed:
            listener(fault)

    def end(self, fault: Fault) -> None:
        """It strikes no more; it stays listed."""
        if fault.ended:
            return
        was_active, fault.active, fault.ended = fault.active, False, True
        if was_active:
            log.warning("fault %d ends, it struck %d times", fault.id, fault.struck)
            for listener in self.changed:
                listener(fault)

    def forget(self, id: int | None = None) -> list[Fault]:
        """End one or all and list them no longer; LookupError: there is none of that number."""
        gone = list(self._told.values()) if id is None else [self._told[id]]
        for fault in gone:
            self.end(fault)
            del self._told[fault.id]
        return gone

    def strike(self, where: Where, met: Met, *acts: str) -> Fault | None:
        """The first active fault that does one of these and strikes; one that is spent has ended."""
        for fault in self.active(where):
            if fault.act in acts and fault.strikes(met):
                if fault.spent:
                    self.end(fault)
                return fault
        return None

    def active(self, *wheres: Where) -> list[Fault]:
        """Those that strike now, the oldest first."""
        return [one for one in self._told.values() if one.active and (not wheres or one.kind.where in wheres)]

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._told.values()))
