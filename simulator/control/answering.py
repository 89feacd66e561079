"""The control API's one way in: method, name, query and body → status and JSON.

Bound to loopback it is open, because whoever reaches it can run programs here anyway; but not for pages that a
browser on this machine shows: a request that names another origin than its own host is refused. On any other
address every request needs the token.
"""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from simulator.assembly.parts import Parts
from simulator.control import (
    accounts,
    bracket,
    brokers,
    clock,
    documents,
    explain,
    faults,
    keys,
    market,
    metrics,
    people,
    requests,
    snapshots,
    views,
)
from simulator.control.table import BadAsk, NotThere, Row, Text

JSON: Final = "application/json"
PLAIN: Final = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus calls its text format."""

TABLE: Final[tuple[Row, ...]] = (
    *views.ROWS,
    *metrics.ROWS,
    *explain.ROWS,
    *people.ROWS,
    *accounts.ROWS,
    *keys.ROWS,
    *brokers.ROWS,
    *bracket.ROWS,
    *market.ROWS,
    *clock.ROWS,
    *faults.ROWS,
    *snapshots.ROWS,
    *documents.ROWS,
    *requests.ROWS,
)


class Told(NamedTuple):
    """What is answered."""

    status: int
    body: bytes
    content_type: str = JSON


class Caller(NamedTuple):
    """What a request's headers say of who asks."""

    host: str
    origin: str | None
    authorization: str


class Control:
    """All rows of one exchange. ``token`` "" lets everybody in who is on this machine."""

    def __init__(self, parts: Parts, token: str = "", rows: Iterable[Row] = TABLE) -> None:
        self._parts = parts
        self._token = token
        self._rows = {(row.method, row.name): row for row in rows}

    async def answer(self, method: str, name: str, query: Mapping[str, str], body: bytes, caller: Caller) -> Told:
        """What there is to say."""
        refused = self._refused(caller)
        if refused is not None:
            return refused
        row = self._rows.get((method, name))
        if row is None:
            return self._unknown(method, name)
        try:
            answer = row.call(self._parts, read(row, query, body))
            if inspect.isawaitable(answer):
                answer = await answer
        except NotThere as error:
            return _says(404, str(error))
        except (BadAsk, msgspec.ValidationError, msgspec.DecodeError) as error:
            return _says(400, str(error))
        except UnicodeDecodeError as error:
            return _says(400, f"a text in the body is no UTF-8: {error.reason}")
        except RecursionError:
            return _says(400, "the body is nested too deeply")
        if isinstance(answer, Text):
            return Told(200, answer.text.encode(), PLAIN)
        return Told(200, msgspec.json.encode(answer))

    def _refused(self, caller: Caller) -> Told | None:
        if caller.origin is not None and _place(caller.origin) != caller.host:
            return _says(403, f"the control API does not answer pages of {caller.origin}")
        given = caller.authorization.encode("utf-8", "backslashreplace")
        if self._token and not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            return _says(401, "this needs the header Authorization: Bearer TOKEN, with the token that serve printed")
        return None

    def _unknown(self, method: str, name: str) -> Told:
        methods = [row.method for row in self._rows.values() if row.name == name]
        if methods:
            return _says(405, f"/_sim/{name} answers {' and '.join(methods)}, not {method}")
        there = [f"{row.method} /_sim/{row.name}" for row in self._rows.values()]
        return Told(404, msgspec.json.encode({"error": readable(f"there is no /_sim/{name}"), "there is": there}))


def read(row: Row, query: Mapping[str, str], body: bytes) -> msgspec.Struct:
    """What was asked, of the row's own type, or msgspec's error that says what is wrong with it."""
    if row.method == "POST":
        return msgspec.json.decode(body or b"{}", type=row.ask)
    return msgspec.convert(dict(query), row.ask, strict=False)


def _place(origin: str) -> str | None:
    """Host and port of an origin; None: it is no URL."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def readable(words: str) -> str:
    """The same, without what cannot be written as UTF-8: bytes of a request that are no text come as such."""
    return words.encode("utf-8", "backslashreplace").decode()


def _says(status: int, words: str) -> Told:
    reply: dict[str, Any] = {"error": readable(words)}
    return Told(status, msgspec.json.encode(reply))
