"""API keys by hand: made once, their secret shown once, refused at once when they are revoked.

HashKey errors and limits 4: a key is read-only or may trade too, and may be bound to addresses. Requests of a
revoked key meet the venue's 0102, and the listen keys that it made are gone, so its private sockets end.
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import Final, Literal, TypeAlias

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.table import Ask, BadAsk, Done, Nothing, NotThere, Row
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.venues.hashkey.accounts import user_of
from simulator.venues.hashkey.signing import ApiKey

Permission: TypeAlias = Literal["read", "trade"]
LONGEST_NOTE: Final = 200


class Key(Ask, frozen=True):
    """A key to be made: for whom, what it may do, from which addresses (none: all), until when (never: None)."""

    account: str
    note: str = ""
    permissions: tuple[Permission, ...] = ("read", "trade")
    ips: tuple[str, ...] = ()
    expires: Millis | None = None


class KnownKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key without its secret."""

    api_key: str
    account: str
    note: str
    permissions: tuple[Permission, ...]
    ips: tuple[str, ...]
    expires: Millis | None = None


class MadeKey(msgspec.Struct, frozen=True):
    """The only time that a secret is shown."""

    api_key: str
    api_secret: str


def create(parts: Parts, ask: Key) -> MadeKey:
    """A new key."""
    if ask.account not in {user_of(name) for name in parts.desk.state.customers}:
        raise NotThere(f"there is no account {ask.account}")
    if "read" not in ask.permissions:
        raise BadAsk("permissions are read, or read and trade: who trades must also see")
    if len(ask.note) > LONGEST_NOTE or not ask.note.isprintable():
        raise BadAsk(f"a note is one line of at most {LONGEST_NOTE} characters")
    if ask.expires is not None and ask.expires <= parts.runner.now() // NANOS_PER_MILLI:
        raise BadAsk("expires is in the past (milliseconds since 1970, in the exchange's time)")
    made = ApiKey(
        secrets.token_hex(16),
        secrets.token_hex(16),
        ask.account,
        may_trade="trade" in ask.permissions,
        ips=frozenset(_address(one) for one in ask.ips),
        expires=ask.expires,
        note=ask.note,
    )
    parts.desk.keys.add(made)
    return MadeKey(made.key, made.secret)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise BadAsk(f"{text!r} is not an IP address") from None


def known(parts: Parts, ask: Nothing) -> list[KnownKey]:
    """All keys, without their secrets."""
    return [
        KnownKey(
            one.key,
            one.account,
            one.note,
            ("read", "trade") if one.may_trade else ("read",),
            tuple(sorted(one.ips)),
            one.expires,
        )
        for one in parts.desk.keys
    ]


class WhichKey(Ask, frozen=True):
    """A key by its public part."""

    api_key: str


def revoke(parts: Parts, ask: WhichKey) -> Done:
    """Refuse it from now on."""
    if parts.desk.keys.get(ask.api_key) is None:
        raise NotThere("there is no such key; GET keys lists them")
    parts.desk.keys.revoke(ask.api_key)
    parts.desk.listen_keys.forget(ask.api_key)
    return Done()


ROWS = (
    Row("GET", "keys", known, Nothing, list[KnownKey], "the API keys, without their secrets"),
    Row("POST", "keys", create, Key, MadeKey, "a new API key; the only time that its secret is shown"),
    Row("DELETE", "keys", revoke, WhichKey, Done, "revoke an API key at once"),
)
