"""Faults joined to an exchange: those that are told the market as commands, to the gate, and to the listen keys.

**A maintenance**, and matching that is paused, are what happens, not what is sent, so they are commands in the journal.
Faults end with the server, and symbols trade again; after a crash they do when the same fault has begun and ended, or,
after a maintenance, when somebody says so (``POST market/trading``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.config import BadSetting
from simulator.core.commands import Command, SetMatching, SetTrading
from simulator.runtime.faults.fault import BadFault, Fault, Told
from simulator.runtime.faults.faults import MOST_FAULTS, Faults
from simulator.runtime.faults.kinds import Where
from simulator.runtime.rate_limits import RateLimits
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.accounts import user_of
from simulator.venues.hashkey.desk import Desk
from simulator.venues.hashkey.gate import Gate

PER_SECOND = {"order": 20, "query": 10}
"""Errors and limits 5: what a client's start-up just bears."""


class FaultyMarket:
    """What faults do to markets and listen keys. ``changed`` hears of each that begins or ends."""

    def __init__(self, faults: Faults, runner: Runner, desk: Desk) -> None:
        self._faults = faults
        self._runner = runner
        self._desk = desk
        self._pauses: set[str] = set()

    def changed(self, fault: Fault) -> None:
        """A fault begins or ends."""
        if fault.kind.where is Where.MARKET:
            self._maintain(fault)
        elif fault.kind.where is Where.KEY and fault.active:
            fault.struck += self._desk.listen_keys.expire(
                lambda account: fault.told.account in (None, user_of(account)), fault.told.times
            )
            self._faults.end(fault)

    def _maintain(self, fault: Fault) -> None:
        """Halt what has to be, and let go on what was halted here and needs to be no longer."""
        markets = self._desk.state.markets
        maintenance = fault.told.kind == "maintenance"
        halted = self._desk.breaks if maintenance else self._pauses
        same = [one for one in self._faults.active(Where.MARKET) if one.told.kind == fault.told.kind]
        wanted = {name for name in markets if any(one.told.symbol in (None, name) for one in same)}
        for name in sorted(wanted - halted):
            if markets[name].trading if maintenance else markets[name].matching:
                halted.add(name)
                fault.struck += 1
                self._runner.do(_command(fault, name, on=False))
        for name in sorted(halted - wanted):
            halted.discard(name)
            self._runner.do(_command(fault, name, on=True))


def _command(fault: Fault, symbol: str, *, on: bool) -> Command:
    return SetTrading(symbol, on) if fault.told.kind == "maintenance" else SetMatching(symbol, on)


class FaultyGate:
    """The venue's own rate limits, while a fault has them on."""

    def __init__(self, faults: Faults, gate: Gate) -> None:
        self._faults = faults
        self._gate = gate
        self._usual = gate.limits

    def changed(self, fault: Fault) -> None:
        """A fault begins or ends."""
        if fault.act != "buckets" or self._usual is not None:
            return
        needed = any(one.act == "buckets" for one in self._faults.active())
        if not needed:
            self._gate.limits = None
        elif self._gate.limits is None:
            self._gate.limits = RateLimits(PER_SECOND)


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of faults: TOML with tables ``[[faults]]``, or JSON. Times count from the start."""

    faults: tuple[Told, ...] = ()


def scenario(data: bytes, *, toml: bool) -> Sequence[Told]:
    """The faults that a file holds, or BadFault: which line or field is wrong, and why."""
    try:
        read = msgspec.toml.decode(data, type=Scenario) if toml else msgspec.json.decode(data, type=Scenario)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadFault(str(error) or "it is nested too deeply") from None
    told = read.faults
    if len(told) > MOST_FAULTS:
        raise BadFault(f"faults: {len(told)} are too many, at most {MOST_FAULTS}")
    for number, one in enumerate(told):
        try:
            Fault(0, one, 0)
        except BadFault as error:
            raise BadFault(f"faults[{number}].{error}") from None
    return told


def scenario_of(path: str) -> Sequence[Told]:
    """The faults of a setting's file; "": none."""
    if not path:
        return ()
    try:
        return scenario(Path(path).expanduser().read_bytes(), toml=not path.endswith(".json"))
    except OSError as error:
        raise BadSetting(f"faults: cannot read {path}: {error.strerror}") from None
    except BadFault as error:
        raise BadSetting(f"faults: {path}: {error}") from None
