"""The REST side as an OpenAPI document, made of the table that the gate routes by.

Where a parameter stands: every name counts in the query or in a form body (HashKey REST 1.2). The document says
query, where Hummingbot sends them all; the form body beside it, as ccxt sends it, has the same names.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from simulator import __version__
from simulator.venues.hashkey.documents.parameters import ITEMS, TAKES, Param, Params
from simulator.venues.hashkey.documents.shapes import GIVES, NAMED
from simulator.venues.hashkey.errors import ERRORS, VenueError
from simulator.venues.hashkey.gate import FORM
from simulator.venues.hashkey.routes import TABLE, Kind, Route, Security
from simulator.venues.hashkey.signing import DEFAULT_RECV_WINDOW, LONGEST_RECV_WINDOW
from simulator.venues.schemas import Schema, Schemas, described, one_line

JSON: Final = "application/json"
_SIGNED: Final = (
    Param("timestamp", {"type": "integer", "minimum": 0}, required=True, meaning="now, in milliseconds"),
    Param(
        "recvWindow",
        {"type": "integer", "minimum": 0, "default": DEFAULT_RECV_WINDOW},
        meaning=f"how old the request may be, in milliseconds; more than {LONGEST_RECV_WINDOW} counts as that",
    ),
    Param(
        "signature",
        {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
        required=True,
        meaning="hexadecimal HMAC-SHA256 of the query without it, followed by the form body without it",
    ),
)
_BROKER: Final = {
    "name": "INPUT-SOURCE",
    "in": "header",
    "required": False,
    "description": "which software brings the order",
    "schema": {"type": "string"},
}


def openapi() -> Schema:
    """HashKey Global's REST API as hashkey-simulator serves it.

    Other paths, and other methods on these, are answered with status 404 and a page of HTML.
    """
    schemas = Schemas([*NAMED, *GIVES.values()])
    paths: dict[str, Schema] = {}
    for row in TABLE:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "HashKey Global", "version": __version__, "description": described(openapi)},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.components | _refusal_schemas(),
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-HK-APIKEY"}},
        },
    }


def _operation(row: Route, schemas: Schemas) -> Schema:
    """One row."""
    place = row.method, row.path
    signed: Params = _SIGNED if row.security is not Security.NONE else ()
    if row.security is Security.LISTEN_KEY:
        # Without an API key a living listen key is enough (HashKey REST 7).
        signed = tuple(one._replace(required=False) for one in signed)
    parameters = [_parameter(one) for one in (*TAKES[place], *signed)]
    told: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{row.method.lower()}{row.path}"),
        "summary": one_line(row.endpoint.__doc__),
        "tags": [row.kind.value],
        "x-weight": row.weight,
        "parameters": [*parameters, _BROKER] if row.kind is Kind.ORDER else parameters,
        "responses": _responses(row, schemas),
        "security": _security(row),
    }
    body = _body(row)
    return told | {"requestBody": body} if body else told


def _security(row: Route) -> list[Schema]:
    if row.security is Security.NONE:
        return []
    return [{"key": []}, {}] if row.security is Security.LISTEN_KEY else [{"key": []}]


def _parameter(one: Param) -> Schema:
    told: Schema = {"name": one.name, "in": "query", "required": one.required, "schema": one.schema}
    return told | {"description": one.meaning} if one.meaning else told


def _body(row: Route) -> Schema:
    """A batch's array, or the form in which a call that is no GET may bring its parameters."""
    if row.json_body:
        return {"required": True, "content": {JSON: {"schema": _batch(ITEMS[row.method, row.path])}}}
    takes = TAKES[row.method, row.path]
    if row.method == "GET" or not takes:
        return {}
    form = {"type": "object", "properties": {one.name: one.schema for one in takes}}
    return {"required": False, "content": {FORM: {"schema": form}}}


def _batch(takes: Params) -> Schema:
    """Orders, each an object; numbers may be texts. Each succeeds or fails alone, so no member is required."""
    members = {one.name: _or_number(one.schema) for one in takes}
    return {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "object", "properties": members}}


def _or_number(schema: Schema) -> Schema:
    return schema | {"type": ["string", "number"]} if "pattern" in schema else schema


# -- refusals -------------------------------------------------------------------------------------------


def _responses(row: Route, schemas: Schemas) -> Schema:
    """200 and every status of the error table that the call may meet."""
    answer: Schema = {
        "description": "done",
        "content": {JSON: {"schema": schemas.of(GIVES[row.method, row.path])}},
    }
    told: Schema = {"200": answer}
    for status in sorted({error.status for error in ERRORS.values()}):
        if status == 403 and not row.writes:
            continue
        name = refusal_name(row.path, status)
        told[str(status)] = {
            "description": "refused",
            "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
    return told


def refusal_name(path: str, status: int) -> str:
    """The name of the schema of a family's refusals with a status."""
    return f"{'Quote' if path.startswith('/quote/') else ''}Refused{status}"


def _refusal_schemas() -> dict[str, Schema]:
    """By family and status: which codes there are, each with its texts."""
    made: dict[str, Schema] = {}
    for family in ("/api/", "/quote/"):
        by_status: dict[int, dict[str, Schema]] = {}
        for reason, error in ERRORS.items():
            code = msgspec.json.decode(VenueError(reason).body(numeric=family == "/quote/"))["code"]
            pair = _pair(code, error.msg)
            by_status.setdefault(error.status, {})[repr(pair)] = pair
        for status, pairs in by_status.items():
            made[refusal_name(family, status)] = {"anyOf": list(pairs.values())}
    return made


def _pair(code: str | int, msg: str) -> Schema:
    """``%s`` stands for the name of a parameter, or a number."""
    words: Schema = {"const": msg}
    if "%s" in msg:
        words = {"type": "string", "pattern": f"^{'.*'.join(re.escape(part) for part in msg.split('%s'))}$"}
    members: dict[str, Any] = {"code": {"const": code}, "msg": words}
    return {"type": "object", "properties": members, "required": ["code", "msg"], "additionalProperties": False}
