"""Whatever is asked of the control API, the answer is one that its OpenAPI document knows."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.assembly.parts import Parts, exchange_of
from simulator.config import Market, Settings
from simulator.control.answering import TABLE, Caller, Control
from simulator.control.documents import openapi
from simulator.core.digest import digest

UNKNOWN = {404, 405}
"""What there is an answer for although no path or method of the document leads there."""
SYMBOL, PERPETUAL = "BTCUSDT", "BTCUSDT-PERPETUAL"


@cache
def document() -> dict[str, Any]:
    return openapi(TABLE, token=True)


@cache
def validator(method: str, name: str, status: int) -> Any:
    told = document()["paths"].get(f"/_sim/{name}", {}).get(method.lower(), {}).get("responses", {}).get(str(status))
    if told is None:
        return None
    if "$ref" in told:
        told = document()["components"]["responses"][told["$ref"].rpartition("/")[2]]
    content = told["content"]
    schema = content.get("application/json", content.get("text/plain"))["schema"]
    return jsonschema_rs.validator_for(schema | {"components": document()["components"]})


def asked(parts: Parts, method: str, name: str, query: dict[str, str], body: bytes, caller: Caller) -> int:
    """The status; the body was one of the document's, and what was refused changed nothing."""
    before = digest(parts.desk.state)
    status, answer, kind = asyncio.run(Control(parts, "token").answer(method, name, query, body, caller))
    told: Any = json.loads(answer) if kind == "application/json" else answer.decode()
    one = validator(method, name, status)
    if one is None:
        assert status in UNKNOWN or status in {401, 403}, (status, told)
        assert isinstance(told["error"], str)
    else:
        one.validate(told)
    if status != 200 or method == "GET":
        assert digest(parts.desk.state) == before
    parts.desk.state.ledger.check()
    return status


PARTS = exchange_of(Settings(market=Market(empty=True)))
ALLOWED = Caller("127.0.0.1:1", None, "Bearer token")
FIELDS = (
    *(
        "symbol",
        "bids",
        "asks",
        "price",
        "qty",
        "side",
        "mark",
        "index",
        "rate",
        "trading",
        "account",
        "asset",
        "amount",
    ),
    *("wallet", "note", "permissions", "ips", "expires", "api_key", "orderId", "clientOrderId"),
)
wild = st.text(st.characters(), max_size=20)
words = st.sampled_from(
    [SYMBOL, PERPETUAL, "BUY", "SELL", "default", "USDT", "100", "0.5", "-1", "1e400", "NaN", "read"]
)
scalars = st.none() | st.booleans() | st.floats() | st.integers() | words | wild
levels = st.lists(st.tuples(words | scalars, words | scalars), max_size=3)
values = words | scalars | levels | st.lists(scalars, max_size=3) | st.dictionaries(wild, scalars, max_size=2)
bodies = st.dictionaries(st.sampled_from(FIELDS) | wild, values, max_size=5)
rows = st.sampled_from(TABLE)
many = settings(max_examples=200)


@many
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]) | wild,
    st.sampled_from([row.name for row in TABLE]) | wild,
    st.dictionaries(st.sampled_from(FIELDS) | wild, wild, max_size=3),
    st.binary(max_size=100),
    st.builds(Caller, wild, st.none() | wild, wild | st.just("Bearer token")),
)
def test_any_request_is_answered_as_documented(
    method: str, name: str, query: dict[str, str], body: bytes, caller: Caller
) -> None:
    asked(PARTS, method, name, query, body, caller)


@many
@given(rows, bodies, st.binary(max_size=3), st.integers(0, 200))
def test_any_body_is_answered_as_documented(row: Any, body: dict[str, Any], noise: bytes, at: int) -> None:
    text = json.dumps(body).encode()
    for sent in (text, text[:at] + noise + text[at:]):
        asked(PARTS, row.method, row.name, {name: str(value) for name, value in body.items()}, sent, ALLOWED)


GOOD: dict[str, dict[str, Any]] = {
    "market/book": {"symbol": SYMBOL, "bids": [["99.5", 1]], "asks": [["101", "2"]]},
    "market/trade": {"symbol": SYMBOL, "price": "100", "qty": "1", "side": "BUY"},
    "market/mark": {"symbol": PERPETUAL, "mark": "100", "index": "100"},
    "market/funding": {"symbol": PERPETUAL, "rate": "0.0001"},
    "market/trading": {"symbol": SYMBOL, "trading": True},
    "deposit": {"account": "default", "asset": "USDT", "amount": "5"},
    "withdraw": {"account": "default", "asset": "USDT", "amount": "5"},
    "keys": {"account": "default"},
}
"""Bodies that are accepted; each member is then left out or something else."""


@many
@given(st.sampled_from(list(GOOD)), st.data())
def test_any_change_of_a_good_body_is_answered_as_documented(name: str, data: st.DataObject) -> None:
    body = dict(GOOD[name])
    for field in data.draw(st.sets(st.sampled_from(sorted(body)), max_size=2)):
        if data.draw(st.booleans()):
            del body[field]
        else:
            body[field] = data.draw(values)
    asked(PARTS, "POST", name, {}, json.dumps(body).encode(), ALLOWED)


@pytest.mark.parametrize("name", GOOD)
def test_the_good_bodies_are_accepted(name: str) -> None:
    assert asked(PARTS, "POST", name, {}, json.dumps(GOOD[name]).encode(), ALLOWED) == 200


def test_bytes_that_are_no_text_are_refused_in_words() -> None:
    for body in (b'{"symbol":"\xff"}', b'{"symbol":"\\ud800"}', b"[" * 100_000, b'{"symbol":' * 5_000):
        assert asked(PARTS, "POST", "market/book", {}, body, ALLOWED) == 400
    assert asked(PARTS, "GET", "\udcff", {}, b"", ALLOWED) == 404
    assert asked(PARTS, "GET", "state", {}, b"", ALLOWED._replace(authorization="Bearer \udcff")) == 401
    assert asked(PARTS, "GET", "state", {}, b"", ALLOWED._replace(origin="http://[")) == 403
