"""The requests that clients made: what they asked, what was said to it, how long that took. No secrets."""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.table import Ask, BadAsk, Nothing, Row
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.venues.hashkey.params import split
from simulator.venues.hashkey.request_log import MOST, Batch, Received


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request. ``time`` is the exchange's and ``wall`` the machine's, in milliseconds since 1970.

    ``method`` WS is a connection to a socket. ``status`` and ``duration_ms`` are null until it is answered; ``code`` is
    the venue's error code, empty where there is none; ``account`` is whose API key came with it; ``batch`` are the
    orders of a JSON body.
    """

    time: Millis
    wall: Millis
    method: str
    path: str
    params: dict[str, str]
    account: str
    api_key: str
    status: int | None
    code: str
    duration_ms: float | None
    batch: Batch | None = None


class WhichRequests(Ask, frozen=True):
    """The newest ``limit`` of the requests that have all of this.

    ``params`` is written like a query: side=BUY&type=LIMIT.
    ``code`` is an error code as text; ``since`` is the exchange's time in milliseconds.
    """

    path: str = ""
    method: str = ""
    account: str = ""
    status: int | None = None
    code: str | None = None
    params: str = ""
    since: Millis = 0
    limit: int = 100


def told(parts: Parts, ask: WhichRequests) -> list[Record]:
    """In the order of their arrival."""
    if not 0 < ask.limit <= MOST:
        raise BadAsk(f"limit goes from 1 to {MOST}")
    wanted = split(ask.params)
    found: list[Record] = []
    for one in reversed(list(parts.requests)):
        if len(found) == ask.limit or one.now < ask.since * NANOS_PER_MILLI:
            break
        if _meant(ask, one) and wanted.items() <= (one.params if wanted else wanted).items():
            found.append(record(one))
    return found[::-1]


def _meant(ask: WhichRequests, one: Received) -> bool:
    return (
        ask.path in ("", one.path)
        and ask.method.upper() in ("", one.method)
        and ask.account in ("", one.account)
        and ask.status in (None, one.status)
        and (ask.code is None or ask.code == one.code)
    )


def record(one: Received) -> Record:
    """A request as it is shown."""
    return Record(
        time=one.now // NANOS_PER_MILLI,
        wall=one.wall // NANOS_PER_MILLI,
        method=_text(one.method),
        path=_text(one.path),
        params={_text(name): _text(value) for name, value in one.params.items()},
        account=one.account,
        api_key=_text(one.api_key),
        status=one.status,
        code=one.code,
        duration_ms=None if one.took is None else round(one.took / NANOS_PER_MILLI, 3),
        batch=one.batch,
    )


def _text(told: str) -> str:
    """Text that JSON can carry: what arrived may have been no UTF-8."""
    return told.encode("utf-8", "replace").decode()


class Forgotten(msgspec.Struct, frozen=True):
    """How many requests are not told any more."""

    forgotten: int


def forget(parts: Parts, ask: Nothing) -> Forgotten:
    """Begin anew."""
    return Forgotten(parts.requests.clear())


ROWS: Final = (
    Row("GET", "requests", told, WhichRequests, list[Record], "the requests received, without secrets"),
    Row("DELETE", "requests", forget, Nothing, Forgotten, "forget the requests received so far"),
)
