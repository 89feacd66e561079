"""The OpenAPI document against the server, both ways: what is read is declared, and what is declared is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from simulator.venues.hashkey.desk import Ask, Call
from simulator.venues.hashkey.documents.openapi import openapi
from simulator.venues.hashkey.documents.parameters import ITEMS, TAKES, Param
from simulator.venues.hashkey.documents.shapes import GIVES
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.routes import ROUTES, TABLE, Route, Security
from tests.documents import judge
from tests.fuzz.test_gate import OF_FUTURES, SENSIBLE, used
from tests.wire import START_MS, Site

MISSING = (Refusal.FIELD_MISSING, Refusal.QUOTE_PARAMETER_MISSING)
NEEDED_BY_SOME = {"price", "stopPrice", "quantity"}
"""Needed by some types of orders: the words beside them say so, no schema can."""


class Noting(dict[str, str]):
    """Parameters that remember what was asked for."""

    def __init__(self, params: dict[str, str]) -> None:
        super().__init__(params)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def values(site: Site, row: Route) -> dict[str, str]:
    """A good value for every parameter there is, as this route wants it."""
    ids = site.desk.ids
    known = SENSIBLE | {
        "accountId": ids.account_id("alice"),
        "subAccountId": ids.account_id("alice"),
        "fromAccountId": ids.account_id("alice"),
        "toAccountId": ids.account_id("alice/futures"),
        "orderId": next(str(one.id) for one in site.exchange.state.orders.values() if one.is_open),
        "ids": "1,2",
        "coin": "USDT",
        "quantity": "0.01",
        "amount": "100",
        "clientOrderId": "own",
        "timestamp": str(START_MS),
        "fromOrderId": str(2**62),
        "fromId": "0",
        "toId": str(2**62),
        "endId": str(2**62),
        "accountType": "1",
        "flowType": "900",
        "symbols": "BTCUSDT",
        "remark": "r",
        "platform": "p",
        "listenKey": site.desk.listen_keys.create("alice", site.runner.now()),
    }
    if "/futures/" in row.path:
        known |= OF_FUTURES | {"quantity": "2", "orderId": "1", "clientOrderId": "own", "amount": "1"}
        sides = next((one.schema["enum"] for one in TAKES[row.method, row.path] if one.name == "side"), [""])
        known["side"] = sides[0]
    if row.path.endswith("account/withdraw"):
        known["quantity"] = "20"
    return known


def calls(row: Route, every: dict[str, str], takes: tuple[Param, ...]) -> Iterator[dict[str, str]]:
    """With all parameters, without each one, and with each word that one may have."""
    params = {one.name: every[one.name] for one in takes}
    yield params
    for one in takes:
        yield {name: value for name, value in params.items() if name != one.name}
        for word in one.schema.get("enum", ()):
            yield params | {one.name: str(word)}
            yield {name: value for name, value in params.items() if name != "quantity"} | {one.name: str(word)}


def ask(site: Site, row: Route, params: Noting) -> VenueError | None:
    """Straight to the endpoint; the refusal, if it is one."""
    now = site.runner.now()
    try:
        answer = row.endpoint(site.desk, Call(now, params, b"", site.desk.keys.get("key-of-alice"), ""))
        if isinstance(answer, Ask):
            answer.render([site.runner.act(now, command) for command in answer.commands])
    except VenueError as error:
        return error
    return None


PLAIN = [row for row in TABLE if not row.json_body]
by_route = pytest.mark.parametrize("row", PLAIN, ids=lambda row: f"{row.method} {row.path}")


def test_the_document_is_valid_and_has_every_route_and_no_other() -> None:
    document = openapi()
    validate(document)
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert told == set(ROUTES) == set(TAKES) == set(GIVES)
    assert set(ITEMS) == {(row.method, row.path) for row in TABLE if row.json_body}


@by_route
def test_an_endpoint_asks_for_the_declared_parameters_and_no_others(row: Route) -> None:
    site = used()
    takes = TAKES[row.method, row.path]
    asked: set[str] = set()
    for params in calls(row, values(site, row), takes):
        noting = Noting(params)
        ask(site, row, noting)
        asked |= noting.asked
    assert asked == {one.name for one in takes}


@by_route
def test_what_is_declared_as_required_is_and_nothing_else(row: Route) -> None:
    takes = TAKES[row.method, row.path]
    every = {one.name: value for one in takes if (value := values(used(), row)[one.name])}
    for one in takes:
        params = {name: value for name, value in every.items() if name != one.name}
        site = used()
        error = ask(site, row, Noting(params | _fresh(site, params)))
        missing = error is not None and error.reason in MISSING and error.field == one.name
        if one.required:
            assert missing, f"{one.name} is not required"
        elif one.name not in NEEDED_BY_SOME:
            assert not missing, f"{one.name} is required"


def _fresh(site: Site, params: dict[str, str]) -> dict[str, str]:
    """Listen keys are each site's own."""
    return {"listenKey": site.desk.listen_keys.create("alice", site.runner.now())} if "listenKey" in params else {}


@by_route
def test_a_word_that_is_not_in_the_list_is_refused_and_the_others_are_not(row: Route) -> None:
    site = used()
    takes = TAKES[row.method, row.path]
    every = {one.name: values(site, row)[one.name] for one in takes}
    for one in takes:
        if "enum" not in one.schema:
            continue
        made_up = ask(site, row, Noting(every | {one.name: "77"}))
        assert made_up is not None
        for word in one.schema["enum"]:
            error = ask(site, row, Noting(every | {one.name: str(word)}))
            assert error is None or error.reason is not made_up.reason or error.field != made_up.field


EXTRA = {
    ("POST", "/api/v1/spot/order"): ("price",),
    ("POST", "/api/v1/spot/orderTest"): ("price",),
    ("POST", "/api/v1.1/spot/order"): ("price", "quantity"),
    ("DELETE", "/api/v1/spot/order"): ("orderId",),
    ("GET", "/api/v1/spot/order"): ("orderId",),
    ("POST", "/api/v1/futures/order"): ("price",),
    ("DELETE", "/api/v1/futures/order"): ("clientOrderId",),
    ("GET", "/api/v1/futures/order"): ("clientOrderId",),
    ("GET", "/api/v1/futures/userTrades"): ("symbol",),
    ("GET", "/api/v1/futures/subAccount/userTrades"): ("symbol",),
    ("POST", "/api/v1/futures/position/trading-stop"): ("takeProfit",),
}
"""What a call needs beside what it must have."""


def _quiet() -> Site:
    """Alice has one spot order and nothing in futures."""
    site = Site()
    site.alice.order(newClientOrderId="open")
    return site


def _isolated() -> Site:
    """Alice has a long position with a margin of its own."""
    site = Site()
    site.mark("ETHUSDT-PERPETUAL", "2770", "2770")
    site.alice.signed("POST", "/api/v1/futures/marginType", symbol="ETHUSDT-PERPETUAL", marginType="ISOLATED")
    site.alice.order(newClientOrderId="open")
    site.alice.contract_order(price="2780")
    return site


MADE_FOR = {"/api/v1/futures/positionMargin": _isolated, "/api/v1/futures/marginType": _quiet}
"""Where another exchange than the used one is needed."""


@by_route
def test_with_what_is_required_a_call_succeeds_as_documented(row: Route) -> None:
    site = MADE_FOR.get(row.path, used)()
    every = values(site, row)
    if row.path == "/api/v1/futures/order" and row.method != "POST":
        every["clientOrderId"] = "rests"
    needed = [one.name for one in TAKES[row.method, row.path] if one.required]
    params = {name: every[name] for name in (*needed, *EXTRA.get((row.method, row.path), ()))}
    if row.security is Security.NONE:
        answer = site.alice.get(row.path, **params)
    else:
        answer = site.alice.signed(row.method, row.path, **params)
    assert answer.status == 200, answer


@pytest.mark.parametrize("place", ITEMS, ids=lambda place: place[1])
def test_an_order_of_a_batch_says_what_is_declared(place: tuple[str, str]) -> None:
    """Both read an order by one function; what the order's own route takes, a batch's item takes."""
    site = used()
    row = ROUTES[place]
    single = ROUTES["POST", place[1].replace("batchOrders", "order")]
    assert ITEMS[place] == TAKES[single.method, single.path]
    every = values(site, single)
    item = {one.name: every[one.name] for one in ITEMS[place] if one.name != "amount"}
    answer = site.alice.batch(row.path, [item])
    assert answer.json["result"][0]["code"] == "0000", answer


def test_the_judge_of_the_suite_sees_a_member_too_few_or_too_many_and_an_unknown_refusal() -> None:
    good: dict[str, Any] = {"serverTime": 1}
    judge("GET", "/api/v1/time", 200, json.dumps(good).encode())
    bad: list[tuple[int, dict[str, Any]]] = [
        (200, {}),
        (200, good | {"more": 1}),
        (200, {"serverTime": "1"}),
        (400, {"code": "-1", "msg": "x"}),
        (403, {"code": "-1005", "msg": "No permission"}),
        (500, {}),
    ]
    for status, body in bad:
        with pytest.raises(AssertionError):
            judge("GET", "/api/v1/time", status, json.dumps(body).encode())
