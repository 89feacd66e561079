"""The user data stream's listen keys (hashkey-rest.md 7)."""

from __future__ import annotations

from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Call, Desk, encode
from simulator.venues.hashkey.errors import Refusal, VenueError


def create(desk: Desk, call: Call) -> bytes:
    """POST /api/v1/userDataStream: one key covers spot and futures events of the account."""
    assert call.key is not None
    return encode({"listenKey": desk.listen_keys.create(call.account, call.now, call.key.key)})


def renew(desk: Desk, call: Call) -> bytes:
    """PUT /api/v1/userDataStream: signed, or with nothing but the key as Hummingbot sends it."""
    desk.listen_keys.renew(_own_key(desk, call), call.now)
    return b"{}"


def delete(desk: Desk, call: Call) -> bytes:
    """DELETE /api/v1/userDataStream."""
    desk.listen_keys.delete(_own_key(desk, call), call.now)
    return b"{}"


def _own_key(desk: Desk, call: Call) -> str:
    """The living listen key of the request; who signs may only name his own."""
    listen_key = read.required(call.params, "listenKey")
    account = desk.listen_keys.account_of(listen_key, call.now)
    if account is None or (call.key is not None and call.key.account != account):
        raise VenueError(Refusal.LISTEN_KEY_UNKNOWN)
    return listen_key
