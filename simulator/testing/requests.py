"""The requests that clients made, as a list to look through and to assert on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, overload

import msgspec

from simulator.control.requests import Record
from simulator.core.units import NANOS_PER_MILLI
from simulator.testing.last_events import clock_text
from simulator.venues.hashkey.request_log import MOST

WAIT_SECONDS: Final = 10.0
_LOOK_EVERY_S: Final = 0.005
_SHOWN: Final = 10
_OWN: Final = ("path", "method", "account", "status", "code")
"""What ``one`` and its like compare with a record itself; every other name is a request's parameter."""

Ask = Callable[..., Any]


class Requests(Sequence[Record]):
    """All requests so far, in the order of their arrival; each look is a fresh one.

    Records have .time .wall .method .path .params .account .status .code .duration_ms and .batch. Conditions are
    ``path``, ``method`` (WS: somebody came to a socket), ``account``, ``status``, ``code``, and any parameter by its
    name: ``one(path="/api/v1/spot/order", side="BUY")``. Blocking: in an asyncio test that shares its event loop with
    the client, say ``await asyncio.to_thread(sim_server.requests.wait_for, ...)``.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def all(self, **conditions: object) -> list[Record]:
        """Those that meet all conditions."""
        return [one for one in self._told() if not differences(one, conditions)]

    def one(self, **conditions: object) -> Record:
        """The only one that meets all conditions; AssertionError tells what came instead."""
        __tracebackhide__ = True
        told = self._told()
        found = [one for one in told if not differences(one, conditions)]
        if len(found) != 1:
            raise AssertionError(_words(f"{len(found) or 'no'} requests, not one, with", conditions, found or told))
        return found[0]

    def none(self, **conditions: object) -> None:
        """Assert that nobody asked that."""
        __tracebackhide__ = True
        found = self.all(**conditions)
        if found:
            raise AssertionError(_words(f"{len(found)} requests, not none, with", conditions, found))

    def count(self, **conditions: object) -> int:  # type: ignore[override]
        """How many meet all conditions."""
        return len(self.all(**conditions))

    def wait_for(self, *, timeout: float = WAIT_SECONDS, **conditions: object) -> Record:
        """The first that meets all conditions, whether it came already or comes within ``timeout`` seconds."""
        __tracebackhide__ = True
        end = time.monotonic() + timeout
        while True:
            told = self._told()
            found = [one for one in told if not differences(one, conditions)]
            if found:
                return found[0]
            if time.monotonic() > end:
                raise AssertionError(_words(f"within {timeout:g} s no request with", conditions, told))
            time.sleep(_LOOK_EVERY_S)

    def clear(self) -> None:
        """Forget those that came so far."""
        self._ask("DELETE", "requests")

    def lines(self, most: int) -> list[str]:
        """The newest, one line each."""
        return [line(one) for one in self._told()[-most:]]

    def _told(self) -> list[Record]:
        return msgspec.convert(self._ask("GET", "requests", limit=MOST), list[Record])

    def __len__(self) -> int:
        return len(self._told())

    def __iter__(self) -> Iterator[Record]:
        return iter(self._told())

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self._told()[index]

    def __repr__(self) -> str:
        """As a failed assertion shows it."""
        return f"Requests({self.lines(_SHOWN)})"


def differences(one: Record, conditions: dict[str, Any]) -> list[str]:
    """What a record has otherwise than it should, in words."""
    found = []
    for name, wanted in conditions.items():
        has = getattr(one, name) if name in _OWN else one.params.get(name)
        if (None if has is None else str(has)) != (None if wanted is None else str(wanted)):
            found.append(f"{name} was {has}")
    return found


def line(one: Record) -> str:
    """One line of a request: when, what, and what was said to it."""
    params = " ".join(f"{name}={value}" for name, value in one.params.items() if name != "timestamp")
    batch = f" batch of {len(one.batch)}" if one.batch is not None else ""
    answer = "not answered" if one.status is None else f"{one.status} {one.code}".rstrip()
    took = "" if one.duration_ms is None else f" ({one.duration_ms:.1f} ms)"
    who = one.account or "-"
    words = " ".join(filter(None, [clock_text(one.time * NANOS_PER_MILLI), who, one.method, one.path, params]))
    return f"{words}{batch} -> {answer}{took}"


def _words(what: str, conditions: dict[str, Any], told: Sequence[Record]) -> str:
    """What was looked for, what came nearest to it, and what came last."""
    asked = ", ".join(f"{name}={value!r}" for name, value in conditions.items()) or "any condition"
    if not told:
        return f"{what} {asked}; no request came at all"
    nearest = min(reversed(told), key=lambda one: len(differences(one, conditions)))
    missed = differences(nearest, conditions)
    close = (
        [f"nearest: {line(nearest)}", f"  but its {', its '.join(missed)}"] if 0 < len(missed) < len(conditions) else []
    )
    last = [f"  {line(one)}" for one in told[-_SHOWN:]]
    return "\n".join([f"{what} {asked}", *close, f"the last of {len(told)} that came:", *last])
