"""schemathesis against a real server: whatever it makes of the documents, the answers are documented.

Bounded and derandomized, so that a failure today is a failure tomorrow. A connection that breaks is a failure too:
``requests`` raises then. What venue calls are signed with is put in after generation, as a client would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from simulator.venues.hashkey.documents.openapi import JSON
from tests.documents import EMPTY
from tests.serving import Account, Ready, serving
from tests.wire import sign

Case: TypeAlias = schemathesis.Case[Any]
Send: TypeAlias = Callable[[Case], schemathesis.Response]
checks.load_all_checks()
CHECKS: Any = checks.CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)
LONG_S = 5.0
LEAST = {"empty": 50, "a book": 70}
"""How many calls succeed at least: a run in which all are refused would show little."""
GENERATED_FOR_NOTHING = ("timestamp", "signature")


class Signer(requests.auth.AuthBase):
    """Signs what is about to leave: the query and the form body as they are, less what was generated for it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(request.url or "")
        kept = [one for one in parts.query.split("&") if one.partition("=")[0] not in (*GENERATED_FOR_NOTHING, "")]
        query = "&".join([*kept, urlencode({"timestamp": time.time_ns() // 1_000_000})])
        form = str(request.headers.get("Content-Type", "")).startswith("application/x-www-form-urlencoded")
        body: Any = request.body or "" if form else ""
        text = body if isinstance(body, str) else body.decode()
        query += f"&signature={sign(self._account.api_secret, query + text)}"
        request.url = urlunsplit(parts._replace(query=query))
        request.headers["X-HK-APIKEY"] = self._account.api_key
        return request


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def ask(document: dict[str, Any], examples: int, send: Send) -> dict[int, int]:
    """Every operation of a document so many times; how often each status came."""
    seen: dict[int, int] = {}
    for made in schemathesis.openapi.from_dict(document).get_all_operations():
        operation: Any = made.ok()  # type: ignore[union-attr]  # Err raises when asked for what it has not

        @bounded(examples)
        @given(operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def asks(case: Case) -> None:
            response = send(case)
            seen[response.status_code] = seen.get(response.status_code, 0) + 1
            if not (case.path == EMPTY and response.status_code == 200 and not response.content):
                case.validate_response(response, checks=CHECKS)

        asks()
    return seen


@pytest.fixture(scope="module")
def server() -> Iterator[Ready]:
    with serving("--empty") as ready:
        yield ready


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def fetched(session: requests.Session, server: Ready, name: str) -> dict[str, Any]:
    """A document as a client gets it."""
    reply = session.get(f"{server.control}/{name}", timeout=LONG_S)
    assert reply.headers["Content-Type"].startswith(JSON)
    document: dict[str, Any] = reply.json()
    return document


def unsigned(document: dict[str, Any]) -> dict[str, Any]:
    """Without the parameters that the signer puts in, which are costly to make up."""
    for item in document["paths"].values():
        for operation in item.values():
            kept = [one for one in operation["parameters"] if one["name"] not in GENERATED_FOR_NOTHING]
            operation["parameters"] = kept
    return document


PERPETUALS = ("BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL")
WORDS: dict[str, tuple[str, ...]] = {
    "symbol": ("BTCUSDT", "ETHUSDT", *PERPETUALS),
    "price": ("50000", "50001", "49999.5", "1"),
    "stopPrice": ("50010", "49990"),
    "quantity": ("0.01", "1", "10", "100000"),
    "amount": ("100", "1"),
    "coin": ("USDT", "BTC"),
    "coinId": ("USDT", "BTC"),
    "chainType": ("ETH", "Tron", "Bitcoin"),
}
"""Texts of which no schema knows what they may be, and that must be right for anything to happen."""


def with_words(document: dict[str, Any]) -> dict[str, Any]:
    """The document as somebody reads it who knows what is traded there."""
    for path, item in document["paths"].items():
        known = WORDS | ({"symbol": PERPETUALS} if "/futures/" in path else {})
        for operation in item.values():
            for one in operation["parameters"]:
                if one["name"] in known:
                    one["schema"] = {"type": "string", "enum": list(known[one["name"]])}
    return document


def book(session: requests.Session, server: Ready) -> None:
    """A market that orders can trade in, and marks."""
    for symbol in server.symbols:
        levels = {"symbol": symbol, "bids": [["50000", "1"], ["49999", "10"]], "asks": [["50001", "1"], ["50002", "9"]]}
        assert session.post(f"{server.control}/market/book", json=levels, timeout=LONG_S).ok
        if symbol.endswith("PERPETUAL"):
            mark = {"symbol": symbol, "mark": "50000", "index": "50000"}
            assert session.post(f"{server.control}/market/mark", json=mark, timeout=LONG_S).ok


def test_control_calls_are_answered_as_documented(server: Ready, session: requests.Session) -> None:
    def send(case: Case) -> schemathesis.Response:
        return case.call(base_url=server.rest, session=session, timeout=LONG_S)

    try:
        seen = ask(fetched(session, server, "openapi.json"), 10, send)
    finally:
        assert session.delete(f"{server.control}/faults", timeout=LONG_S).ok  # what was made to go wrong meanwhile
    assert set(seen) <= {200, 400, 404} and seen[200] and seen[400]


@pytest.mark.parametrize("market", ["empty", "a book"])
def test_venue_calls_are_answered_as_documented(server: Ready, session: requests.Session, market: str) -> None:
    document = unsigned(fetched(session, server, "hashkey-openapi.json"))
    if market == "a book":
        book(session, server)
        document = with_words(document)
    signer = Signer(server.accounts[0])

    def send(case: Case) -> schemathesis.Response:
        return case.call(base_url=server.rest, session=session, timeout=LONG_S, auth=signer)

    seen = ask(document, 4, send)
    assert set(seen) == {200, 400} and seen[200] > LEAST[market], seen


def test_calls_that_nobody_signed_are_refused_as_documented(server: Ready, session: requests.Session) -> None:
    def send(case: Case) -> schemathesis.Response:
        return case.call(base_url=server.rest, session=session, timeout=LONG_S)

    assert set(ask(fetched(session, server, "hashkey-openapi.json"), 1, send)) == {200, 400}
