"""The documents as judges: they must describe whatever a test gets over ``tests/wire.py`` and ``tests/sockets.py``."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs

from simulator.venues.hashkey.documents.asyncapi import asyncapi
from simulator.venues.hashkey.documents.openapi import JSON, openapi
from simulator.venues.hashkey.gate import NOT_FOUND

EMPTY = "/quote/v1/markPrice"
"""Answers of an unknown mark are a body of nothing (HashKey REST 2.11), which no schema of JSON says."""


@cache
def document() -> dict[str, Any]:
    return openapi()


@cache
def validator(method: str, path: str, status: int) -> Any:
    """What judges a route's replies of a status; None: the document knows no such reply."""
    operation = document()["paths"].get(path, {}).get(method.lower())
    told = None if operation is None else operation["responses"].get(str(status))
    if told is None:
        return None
    return jsonschema_rs.validator_for(told["content"][JSON]["schema"] | {"components": document()["components"]})


def judge(method: str, path: str, status: int, body: bytes) -> None:
    """AssertionError for a reply that is not documented."""
    if (status, body) == NOT_FOUND or (path, status, body) == (EMPTY, 200, b""):
        return
    one = validator(method, path, status)
    assert one is not None, f"{method} {path}: status {status} is not documented"
    try:
        one.validate(json.loads(body))
    except jsonschema_rs.ValidationError as error:
        raise AssertionError(f"{method} {path} {status}: {error}\n{body!r}") from None


# -- sockets ----------------------------------------------------------------------------------------------


@cache
def sockets() -> dict[str, Any]:
    return asyncapi()


@cache
def frame_validators(channel: str, action: str) -> dict[str, Any]:
    """What judges the messages of a channel that the server receives or sends, by their names."""
    refs = [one["$ref"] for one in sockets()["operations"][f"{channel}{action.capitalize()}"]["messages"]]
    messages = sockets()["channels"][channel]["messages"]
    return {
        name: jsonschema_rs.Draft7Validator(messages[name]["payload"] | {"components": sockets()["components"]})
        for name in (ref.rpartition("/")[2] for ref in refs)
    }


def judge_frame(channel: str, frame: Any) -> str:
    """The name of the one message that it is; AssertionError for what is none, or more than one."""
    names = [name for name, one in frame_validators(channel, "send").items() if one.is_valid(frame)]
    assert len(names) == 1, f"{channel}: {frame} is documented as {names or 'nothing'}"
    return names[0]
