"""The three sockets as an AsyncAPI document.

The application that it describes is the server: it receives what clients say, and sends what it tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from simulator import __version__
from simulator.venues.hashkey import public_v2 as v2
from simulator.venues.hashkey.documents import frames
from simulator.venues.hashkey.documents.frames import Message
from simulator.venues.schemas import Schema, Schemas, described

PUBLIC_V1, PUBLIC_V2, PRIVATE = "publicV1", "publicV2", "private"


class Socket(NamedTuple):
    """One channel."""

    address: str
    meaning: str
    said: Sequence[Message]
    told: Sequence[Message]


def asyncapi() -> Schema:
    """HashKey Global's sockets as hashkey-simulator serves them.

    Frames are JSON texts; of a subscription with `binary` they are gzip of such.
    """
    schemas = Schemas([*frames.SCHEMAS, v2.Answer])
    sockets = _sockets(schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "HashKey Global", "version": __version__, "description": described(asyncapi)},
        "servers": {"simulator": {"host": "127.0.0.1:8765", "protocol": "ws"}},
        "defaultContentType": "application/json",
        "channels": {name: _channel(socket) for name, socket in sockets.items()},
        "operations": {
            f"{name}{action.capitalize()}": _operation(name, action, messages)
            for name, socket in sockets.items()
            for action, messages in (("receive", socket.said), ("send", socket.told))
        },
        "components": {"schemas": {name: draft_7(one) for name, one in schemas.components.items()}},
    }


def _sockets(schemas: Schemas) -> dict[str, Socket]:
    return {
        PUBLIC_V1: Socket(
            "/quote/ws/v1",
            "market data; a subscription is not acknowledged",
            frames.said_on_v1(),
            frames.told_on_v1(schemas),
        ),
        PUBLIC_V2: Socket(
            "/quote/ws/v2",
            "market data; a subscription is acknowledged",
            frames.said_on_v2(),
            frames.told_on_v2(schemas),
        ),
        PRIVATE: Socket(
            "/api/v1/ws/{listenKey}",
            "what happens to the accounts of a listen key's user; an unknown key is refused with 401",
            frames.said_in_private(),
            frames.told_in_private(schemas),
        ),
    }


_HEARD: Final = "heard_"
"""Clients and server may call different messages alike; this stands before the clients'."""


def _channel(socket: Socket) -> Schema:
    said = {_HEARD + one.name: _message(one) for one in socket.said}
    told: Schema = {
        "address": socket.address,
        "description": socket.meaning,
        "messages": said | {one.name: _message(one) for one in socket.told},
    }
    if "{listenKey}" in socket.address:
        told["parameters"] = {"listenKey": {"description": "of POST /api/v1/userDataStream"}}
    return told


def _message(one: Message) -> Schema:
    return {"name": one.name, "summary": one.meaning, "payload": draft_7(one.payload)}


def _operation(name: str, action: str, messages: Sequence[Message]) -> Schema:
    before = _HEARD if action == "receive" else ""
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{before}{one.name}"} for one in messages],
    }


def draft_7(schema: Any) -> Any:
    """The same in JSON Schema's draft 7, which is AsyncAPI's: tuples are written otherwise there.

    >>> draft_7({"type": "array", "prefixItems": [{}], "items": False})
    {'type': 'array', 'items': [{}], 'additionalItems': False}
    """
    if isinstance(schema, list):
        return [draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: draft_7(value) for name, value in schema.items() if name != "prefixItems"}
    if "prefixItems" in schema:
        inner["items"], inner["additionalItems"] = draft_7(schema["prefixItems"]), schema.get("items", True)
    return inner
