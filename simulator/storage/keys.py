"""API keys in a state folder: one JSON file, for its owner only, always whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from simulator.core.units import Millis
from simulator.storage.folder import KEYS, BadState, told
from simulator.venues.hashkey.signing import ApiKey


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    secret: str
    account: str
    may_trade: bool = True
    ips: tuple[str, ...] = ()
    expires: Millis | None = None
    note: str = ""


def load(folder: Path) -> list[ApiKey]:
    """All keys, in the order in which they were made."""
    path = folder / KEYS
    with told(folder):
        if not path.exists():
            return []
        data = path.read_bytes()
    try:
        rows = msgspec.json.decode(data, type=list[_Stored])
    except msgspec.DecodeError:
        # Not the decoder's own words: they may quote a secret.
        raise BadState(f"{path} does not hold API keys as this program writes them") from None
    return [
        ApiKey(
            one.key,
            one.secret,
            one.account,
            may_trade=one.may_trade,
            ips=frozenset(one.ips),
            expires=one.expires,
            note=one.note,
        )
        for one in rows
    ]


def save(folder: Path, keys: Iterable[ApiKey]) -> None:
    """In place of those that were there; a crash leaves the old file or the new one."""
    rows = [
        _Stored(one.key, one.secret, one.account, one.may_trade, tuple(sorted(one.ips)), one.expires, one.note)
        for one in keys
    ]
    beside = folder / f"{KEYS}.new"
    with told(folder):
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(rows)))
            out.flush()
            os.fsync(out.fileno())
        beside.replace(folder / KEYS)
