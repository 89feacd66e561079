"""The control API as an OpenAPI document, made of the rows that it answers by; and the rows that give documents.

A document is made when somebody asks, which takes some hundredths of a second: in a thread, so that orders do not wait.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Any, Final, get_origin

import msgspec

from simulator import __version__
from simulator.assembly.parts import Parts
from simulator.control.table import Nothing, Row, Text
from simulator.venues.schemas import Schema, Schemas, alternatives, described, one_line

PREFIX: Final = "/_sim/"


class Refused(msgspec.Struct, frozen=True):
    """What is wrong, in words."""

    error: str


_REFUSALS: Final = {
    "400": "what was asked makes no sense, or cannot be done",
    "401": "the token is missing or another",
    "403": "asked by a page of another origin",
    "404": "there is no such thing",
}


def openapi(rows: Iterable[Row], *, token: bool) -> Schema:
    """What a test may ask of the simulator itself.

    Another method on a known path is answered with 405, an unknown path with 404, both in words.
    """
    rows = list(rows)
    schemas = Schemas([Refused, *(kind for row in rows for kind in (row.ask, row.answer))])
    paths: dict[str, Schema] = {}
    for row in rows:
        paths.setdefault(PREFIX + row.name, {})[row.method.lower()] = _operation(row, schemas, token=token)
    components: Schema = {"schemas": schemas.components, "responses": _refusals(schemas, token=token)}
    if token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hashkey-simulator: control",
            "version": __version__,
            "description": described(openapi),
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}] if token else [],
        "paths": paths,
        "components": components,
    }


def _refusals(schemas: Schemas, *, token: bool) -> Schema:
    told = {status: words for status, words in _REFUSALS.items() if token or status != "401"}
    return {status: _answer(words, schemas.of(Refused)) for status, words in told.items()}


def _answer(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _operation(row: Row, schemas: Schemas, *, token: bool) -> Schema:
    words = " or ".join(
        one_line(one.__doc__) for one in alternatives(row.answer) if issubclass(get_origin(one) or one, msgspec.Struct)
    )
    responses = {"200": _answer(words or row.meaning, schemas.of(row.answer))}
    if row.answer is Text:
        responses["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    for status in _refusals(schemas, token=token):
        responses[status] = {"$ref": f"#/components/responses/{status}"}
    told: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{row.method.lower()}_{row.name}"),
        "summary": row.meaning,
        "description": one_line(row.ask.__doc__),
        "responses": responses,
    }
    asked = msgspec.structs.fields(row.ask)
    if row.method == "POST":
        content = {"application/json": {"schema": schemas.of(row.ask)}}
        return told | {"requestBody": {"content": content, "required": any(one.required for one in asked)}}
    name = schemas.of(row.ask)["$ref"].rpartition("/")[2]  # the class's, or a longer one where two share it
    properties = schemas.components[name]["properties"]
    return told | {"parameters": [_parameter(one, properties[one.encode_name]) for one in asked]}


def _parameter(field: Any, schema: Schema) -> Schema:
    return {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}


# -- rows -----------------------------------------------------------------------------------------------


async def _control(parts: Parts, ask: Nothing) -> Schema:
    """Of this table."""
    from simulator.control.answering import TABLE  # noqa: PLC0415 - it holds these rows too

    return await asyncio.to_thread(openapi, TABLE, token=parts.settings.server.needs_token)


async def _venue_rest(parts: Parts, ask: Nothing) -> Schema:
    """Of the venue's routes."""
    from simulator.venues.hashkey.documents.openapi import openapi as venue  # noqa: PLC0415 - only on demand

    return await asyncio.to_thread(venue)


async def _venue_sockets(parts: Parts, ask: Nothing) -> Schema:
    """Of the venue's sockets."""
    from simulator.venues.hashkey.documents.asyncapi import asyncapi  # noqa: PLC0415 - only on demand

    return await asyncio.to_thread(asyncapi)


ROWS: Final = (
    Row("GET", "openapi.json", _control, Nothing, Schema, "this API as an OpenAPI document"),
    Row("GET", "hashkey-openapi.json", _venue_rest, Nothing, Schema, "HashKey's REST API as an OpenAPI document"),
    Row("GET", "hashkey-asyncapi.json", _venue_sockets, Nothing, Schema, "HashKey's sockets as an AsyncAPI document"),
)
