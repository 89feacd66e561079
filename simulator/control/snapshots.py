"""Snapshots, the ways back, and forks: see ``assembly/snapshots.py`` for what a snapshot holds and what time does.

A snapshot belongs to the exchange that took it; a fork begins without any, and its ``reset`` goes back to where it was
forked.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from simulator.assembly.forks import CannotFork, Plan
from simulator.assembly.parts import CannotServe, Parts
from simulator.assembly.snapshots import CannotRestore
from simulator.config import BadSetting
from simulator.control.table import Ask, BadAsk, Done, Nothing, NotThere, Row
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.ready import Ready
from simulator.runtime.snapshot import Snapshot

LONGEST_NAME: Final = 100


class Name(Ask, frozen=True):
    """A snapshot by its name."""

    name: str


class NameOrAll(Ask, frozen=True):
    """A snapshot by its name; none: all of them."""

    name: str | None = None


class Known(msgspec.Struct, frozen=True):
    """A snapshot: the exchange's time in it (milliseconds), and its size, without what never changes."""

    name: str
    time: Millis
    bytes: int


class Moved(msgspec.Struct, frozen=True):
    """The exchange's time now, in milliseconds, and how long it took to be what it was."""

    time: Millis
    took_ms: float


def take(parts: Parts, ask: Name) -> Known:
    """Keep what the exchange is now, under a name; one of that name before is replaced."""
    if not (0 < len(ask.name) <= LONGEST_NAME and ask.name.isprintable()):
        raise BadAsk(f"a name is one line of 1 to {LONGEST_NAME} characters")
    taken = parts.snapshots.named[ask.name] = parts.snapshots.take()
    return _known(ask.name, taken)


def listed(parts: Parts, ask: Nothing) -> list[Known]:
    """In the order in which their names were first used."""
    return [_known(name, one) for name, one in parts.snapshots.named.items()]


def _known(name: str, one: Snapshot) -> Known:
    return Known(name, one.time // NANOS_PER_MILLI, len(one.data))


def drop(parts: Parts, ask: NameOrAll) -> Done:
    """Forget one, or all."""
    if ask.name is None:
        parts.snapshots.named.clear()
    else:
        _named(parts, ask.name)
        del parts.snapshots.named[ask.name]
    return Done()


def _named(parts: Parts, name: str) -> Snapshot:
    found = parts.snapshots.named.get(name)
    if found is None:
        raise NotThere(f"there is no snapshot {name}; there are {', '.join(parts.snapshots.named) or 'none'}")
    return found


def restore(parts: Parts, ask: Name) -> Moved:
    """Back to a snapshot."""
    found, began = _named(parts, ask.name), time.perf_counter()
    try:
        parts.snapshots.restore(found)
    except CannotRestore as error:
        raise BadAsk(str(error)) from None
    return _moved(parts, began)


def reset(parts: Parts, ask: Nothing) -> Moved:
    """Back to the start; the journal of requests begins anew."""
    began = time.perf_counter()
    try:
        parts.snapshots.reset()
    except CannotRestore as error:
        raise BadAsk(str(error)) from None
    parts.requests.clear()
    return _moved(parts, began)


def _moved(parts: Parts, began: float) -> Moved:
    took_ms = round(1000 * (time.perf_counter() - began), 3)
    return Moved(parts.runner.now() // NANOS_PER_MILLI, took_ms)


class NewFork(Ask, frozen=True):
    """From which snapshot (none: from now), and by which other models.

    ``queue`` and ``residual`` are as in the settings: a name for all symbols, or SYMBOL=NAME, or a list of these.
    ``port`` 0 is a free one.
    """

    name: str | None = None
    queue: str | tuple[str, ...] = ()
    residual: str | tuple[str, ...] = ()
    port: int = 0


async def fork(parts: Parts, ask: NewFork) -> Ready:
    """An exchange that runs on from there beside this one; answered with its ready line."""
    start = parts.snapshots.take() if ask.name is None else _named(parts, ask.name)
    if not 0 <= ask.port < 65536:
        raise BadAsk("a port goes from 0 to 65535")
    try:
        served = await parts.forks.begin(Plan(start, _words(ask.queue), _words(ask.residual), ask.port))
    except (BadSetting, CannotFork, CannotServe) as error:
        raise BadAsk(str(error)) from None
    return served.ready


def _words(told: str | tuple[str, ...]) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) and told else tuple(told)


class WhichFork(Ask, frozen=True):
    """A fork by its port; none: all of them."""

    port: int | None = None


def forks(parts: Parts, ask: Nothing) -> list[Ready]:
    """Those that are there."""
    return [one.ready for one in parts.forks.served]


async def end_fork(parts: Parts, ask: WhichFork) -> Done:
    """Close it, or all of them."""
    if ask.port is None:
        await parts.forks.end_all()
    elif not await parts.forks.end(ask.port):
        raise NotThere(f"there is no fork on port {ask.port}; GET forks lists them")
    return Done()


ROWS = (
    Row("POST", "snapshot", take, Name, Known, "keep the whole exchange as it is now, under a name"),
    Row("GET", "snapshots", listed, Nothing, list[Known], "the snapshots that are kept"),
    Row("DELETE", "snapshots", drop, NameOrAll, Done, "forget a snapshot, or all of them"),
    Row("POST", "restore", restore, Name, Moved, "back to a snapshot"),
    Row("POST", "reset", reset, Nothing, Moved, "back to the start"),
    Row("POST", "fork", fork, NewFork, Ready, "an exchange that runs on from here beside this one, by other models"),
    Row("GET", "forks", forks, Nothing, list[Ready], "the forks that are there, as their ready lines"),
    Row("DELETE", "forks", end_fork, WhichFork, Done, "close a fork, or all of them"),
)
