"""Who is asking: API key, HMAC signature over what was really sent, and the time window.

hashkey-errors-and-limits.md 3 and 4. The signature covers the raw query without ``signature`` and then
the raw form body without it, concatenated with nothing between; a JSON body is not signed. Clients
whose HTTP library re-quotes the URL after signing are understood by trying the decoded and the
re-encoded text as well, in the same order of parameters.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

from simulator.core.units import Millis
from simulator.venues.hashkey.errors import Refusal, VenueError

DEFAULT_RECV_WINDOW: Final = 5_000
# Clamped, never refused: Hummingbot's spot connector sends 10000 (spec 4).
LONGEST_RECV_WINDOW: Final = 60_000
FUTURE_TOLERANCE: Final = 1_000
_MILLIS_DIGITS: Final = 18
_BLOCK: Final = 64


class ApiKey:
    """A key pair and what it may do."""

    __slots__ = ("_inner", "_outer", "account", "expires", "ips", "key", "may_trade", "note", "secret")

    def __init__(
        self,
        key: str,
        secret: str,
        account: str,
        *,
        may_trade: bool = True,
        ips: frozenset[str] = frozenset(),
        expires: Millis | None = None,
        note: str = "",
    ) -> None:
        self.key = key
        self.secret = secret
        self.account = account
        self.may_trade = may_trade
        self.ips = ips
        self.expires = expires
        self.note = note
        block = _key_block(secret.encode())
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def __repr__(self) -> str:
        """Without the secret."""
        return f"ApiKey({self.key!r}, account={self.account!r})"

    def sign(self, text: bytes) -> str:
        """Lower-case hex HMAC-SHA256 (RFC 2104), its two halves begun once: every signed request pays for this."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()


def _key_block(secret: bytes) -> bytes:
    if len(secret) > _BLOCK:
        secret = sha256(secret).digest()
    return secret.ljust(_BLOCK, b"\0")


def _nobody_cares() -> None:
    """Nothing is kept."""


class KeyRing:
    """All API keys. ``changed`` is called when there is one more or one less."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self.changed: Callable[[], None] = _nobody_cares

    def __getstate__(self) -> dict[str, object]:
        """For snapshots: the keys, and not who wants to know of them."""
        return {"_keys": self._keys}

    def add(self, key: ApiKey) -> None:
        """Accept a key from now on."""
        self._keys[key.key] = key
        self.changed()

    def revoke(self, key: str) -> None:
        """Refuse it from now on."""
        del self._keys[key]
        self.changed()

    def get(self, key: str) -> ApiKey | None:
        """The key of that text."""
        return self._keys.get(key)

    def __iter__(self) -> Iterator[ApiKey]:
        return iter(self._keys.values())


def authenticate(
    keys: KeyRing,
    *,
    key_text: str | None,
    remote: str,
    query: str,
    form: str,
    params: Mapping[str, str],
    now: Millis,
    any_time: bool = False,
) -> ApiKey:
    """The key that signed a request, or VenueError. Order of checks: errors and limits 2.2.

    ``any_time``: whenever it says that it was signed.
    """
    if not key_text:
        raise VenueError(Refusal.API_KEY_MISSING)
    key = keys.get(key_text)
    if key is None:
        raise VenueError(Refusal.API_KEY_UNKNOWN)
    if key.expires is not None and now >= key.expires:
        raise VenueError(Refusal.API_KEY_EXPIRED)
    if key.ips and remote not in key.ips:
        raise VenueError(Refusal.IP_NOT_ALLOWED)
    timestamp = milliseconds(params, "timestamp")
    signature = params.get("signature")
    if not signature:
        raise VenueError(Refusal.FIELD_MISSING, "signature")
    if not is_signed(key, query, form, signature):
        raise VenueError(Refusal.SIGNATURE_WRONG)
    window = recv_window(params)
    if not any_time and (timestamp >= now + FUTURE_TOLERANCE or now - timestamp > window):
        raise VenueError(Refusal.TIMESTAMP_OUTSIDE_WINDOW)
    return key


def milliseconds(params: Mapping[str, str], name: str) -> Millis:
    """A required time parameter."""
    text = params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MILLIS_DIGITS):
        raise VenueError(Refusal.FIELD_MISSING, name)
    return int(text)


def recv_window(params: Mapping[str, str]) -> Millis:
    """How old a request may be."""
    if "recvWindow" not in params:
        return DEFAULT_RECV_WINDOW
    text = params["recvWindow"]
    if not (text.isascii() and text.isdigit() and len(text) <= _MILLIS_DIGITS):
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "recvWindow")
    return min(int(text), LONGEST_RECV_WINDOW)


def is_signed(key: ApiKey, query: str, form: str, signature: str) -> bool:
    """Whether the signature fits what was sent, as sent or as it was before a library re-quoted it."""
    wanted = signature.lower()
    if not wanted.isascii():
        return False
    query, form = _unsigned(query), _unsigned(form)
    if _fits(key, query + form, wanted):
        return True
    return any(_fits(key, text, wanted) for text in _readings(query, form))


def _fits(key: ApiKey, text: str, wanted: str) -> bool:
    try:
        signed = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return hmac.compare_digest(key.sign(signed), wanted)


def _unsigned(text: str) -> str:
    """Without its ``signature``; the usual place, last, is quick."""
    if not text:
        return text
    head, found, tail = text.rpartition("&signature=")
    if found and "&" not in tail:
        return head
    return "&".join(part for part in text.split("&") if part.partition("=")[0] != "signature")


def _readings(query: str, form: str) -> Iterator[str]:
    """The text before a library quoted it, and as another library would have quoted it."""
    if "%" in query + form or "+" in query + form:
        yield unquote_plus(query) + unquote_plus(form)
    pairs = [parse_qsl(part, keep_blank_values=True) for part in (query, form)]
    yield "".join(urlencode(part, errors="replace") for part in pairs)
    yield "".join(urlencode(part, errors="replace", quote_via=quote) for part in pairs)
