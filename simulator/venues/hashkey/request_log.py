"""The requests journal: what clients asked, and how they were answered. Bounded: the newest stay.

Nothing that lets anybody in is ever kept: signatures and listen keys are taken out before a request is written down,
and of an API key only the beginning stays. Every request pays for this, so little is done when it arrives; what its
parameters are is worked out when somebody looks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, TypeVar
from urllib.parse import unquote_plus

import msgspec

from simulator.core.units import Nanos
from simulator.venues.hashkey.gate import Reply, Request
from simulator.venues.hashkey.params import split
from simulator.venues.hashkey.signing import KeyRing

T = TypeVar("T")
Batch: TypeAlias = list[dict[str, str | int | float | bool | None]]
"""Orders of a JSON body (HashKey REST 3.4): flat, so nobody can make a reader of it go deep."""

MOST: Final = 10_000
LONGEST_BODY: Final = 16_384
"""Of a body so many bytes are kept: more than a batch of orders has."""
SHOWN_OF_A_KEY: Final = 6
_LISTEN_KEY_LETTERS: Final = 64
_LISTEN_KEY: Final = re.compile(f"[A-Za-z]{{{_LISTEN_KEY_LETTERS}}}")
SOCKET: Final = "WS"
"""The method that a connection to a socket is told under; its path never has a listen key in it."""


class Received(msgspec.Struct, gc=False):
    """One request: ``now`` is the exchange's time and ``wall`` the machine's. ``status`` None: not answered (yet).

    ``account`` is whose API key came with it, whether or not the signature was right.
    """

    now: Nanos
    wall: Nanos
    method: str
    path: str
    query: str
    body: bytes
    account: str
    api_key: str
    status: int | None = None
    error: bytes = b""
    took: Nanos | None = None

    def answered(self, reply: Reply, took: Nanos) -> None:
        """What was said to it, and how long it lasted by the machine's clock."""
        self.status, self.took = reply.status, took
        if reply.status != 200:
            self.error = reply.body

    @property
    def params(self) -> dict[str, str]:
        """Its parameters, those of the query before those of a form body; of a repeated one the first."""
        form = "" if _is_batch(self.body) else self.body.decode("utf-8", "replace")
        return _open(split(form)) | _open(split(self.query))

    @property
    def batch(self) -> Batch | None:
        """The JSON array of orders that it came with; None: none that can be read."""
        try:
            return msgspec.json.decode(self.body, type=Batch) if _is_batch(self.body) else None
        except msgspec.DecodeError:
            return None

    @property
    def code(self) -> str:
        """The venue's error code; "" where there was no error."""
        try:
            return str(msgspec.json.decode(self.error, type=_Coded).code) if self.error else ""
        except msgspec.DecodeError:
            return ""


class _Coded(msgspec.Struct):
    code: str | int = ""


class RequestLog:
    """The newest requests, in the order of their arrival. ``now``: the exchange's time; ``wall``: the machine's."""

    def __init__(self, keys: KeyRing, now: Callable[[], Nanos], wall: Callable[[], Nanos], most: int = MOST) -> None:
        self._keys = keys
        self._now = now
        self._wall = wall
        self._kept: deque[Received] = deque(maxlen=most)
        self.came = 0

    def arrived(self, request: Request) -> Received:
        """Write a request down; who answers it says so to what is returned."""
        self.came += 1
        body = request.body
        one = Received(
            self._now(),
            self._wall(),
            request.method,
            request.path if len(request.path) < _LISTEN_KEY_LETTERS else _LISTEN_KEY.sub("{listenKey}", request.path),
            without_secrets(request.query) if request.query else "",
            _body_without_secrets(body) if body else b"",
            *self._whose(request.api_key),
        )
        self._kept.append(one)
        return one

    def connected(self, path: str, account: str, status: int) -> None:
        """Somebody came to a socket and was let in (101) or not. ``path`` has no listen key in it."""
        self.came += 1
        self._kept.append(Received(self._now(), self._wall(), SOCKET, path, "", b"", account, "", status, took=0))

    def _whose(self, api_key: str | None) -> tuple[str, str]:
        if not api_key:
            return "", ""
        key = self._keys.get(api_key)
        return "" if key is None else key.account, api_key[:SHOWN_OF_A_KEY] + "..."

    def clear(self) -> int:
        """Forget all of them; returns how many there were."""
        many = len(self._kept)
        self._kept.clear()
        return many

    def __iter__(self) -> Iterator[Received]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def without_secrets(text: str) -> str:
    """A query or form text without the parameters that let somebody in; the usual place of a signature is quick."""
    head, found, tail = text.rpartition("&signature=")
    if found and "&" not in tail:
        text = head
    if "%" in text or _is_secret(text):
        return "&".join(part for part in text.split("&") if not _is_secret(unquote_plus(part.partition("=")[0])))
    return text


def _body_without_secrets(body: bytes) -> bytes:
    text = body[:LONGEST_BODY].decode("utf-8", "replace")
    if not _is_batch(body):
        return without_secrets(text).encode("utf-8", "replace")
    if not _is_secret(text):
        return text.encode()
    try:
        orders = msgspec.json.decode(text, type=Batch)
    except msgspec.DecodeError:
        return b""
    return msgspec.json.encode([_open(one) for one in orders])


def _is_batch(body: bytes) -> bool:
    return body.startswith(b"[")


def _is_secret(name: str) -> bool:
    """Whether a parameter of that name is not kept, however it is spelt."""
    lowered = name.lower()
    # Every request pays for this: half of the time of any(... for ...).
    return "signature" in lowered or "listenkey" in lowered or "secret" in lowered


def _open(params: Mapping[str, T]) -> dict[str, T]:
    return {name: value for name, value in params.items() if name and not _is_secret(name)}
