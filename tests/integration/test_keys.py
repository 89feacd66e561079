"""API keys made, used and revoked while the exchange runs: by the command, and as real requests meet them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from websockets.sync.client import connect

from simulator.cli import FAILED, FINE, main
from tests.serving import Ready, serving
from tests.wire import sign


@pytest.fixture(scope="module")
def server() -> Iterator[Ready]:
    with serving("--empty") as ready:
        yield ready


def command(server: Ready, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["keys", *words, "--server", server.rest, "--json"]) == FINE
    return json.loads(capsys.readouterr().out)


def request(server: Ready, key: str, secret: str, method: str, path: str, **params: Any) -> tuple[int, Any]:
    query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
    url = f"{server.rest}{path}?{query}&signature={sign(secret, query)}"
    reply = requests.request(method, url, headers={"X-HK-APIKEY": key}, timeout=10)
    return reply.status_code, reply.json()


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "50000"}


def test_a_read_only_key_sees_and_does_not_trade(server: Ready, capsys: pytest.CaptureFixture[str]) -> None:
    made = command(server, capsys, "create", "--account", "default", "--permissions", "read", "--note", "to look")
    key, secret = made["api_key"], made["api_secret"]
    assert request(server, key, secret, "GET", "/api/v1/account")[0] == 200
    status, told = request(server, key, secret, "POST", "/api/v1/spot/order", **ORDER)
    assert (status, told["code"]) == (403, "-1005")
    known = next(one for one in command(server, capsys, "list") if one["api_key"] == key)
    assert known == {
        "api_key": key, "account": "default", "note": "to look", "permissions": ["read"], "ips": [],
    }  # fmt: skip


def test_a_key_of_another_address_is_refused(server: Ready, capsys: pytest.CaptureFixture[str]) -> None:
    made = command(server, capsys, "create", "--account", "default", "--ip", "10.0.0.1")
    _, told = request(server, made["api_key"], made["api_secret"], "GET", "/api/v1/account")
    assert told["code"] == "0202"


def test_a_revoked_key_is_refused_at_once_and_its_socket_ends(
    server: Ready, capsys: pytest.CaptureFixture[str]
) -> None:
    made = command(server, capsys, "create", "--account", "default")
    key, secret = made["api_key"], made["api_secret"]
    _, told = request(server, key, secret, "POST", "/api/v1/userDataStream")
    with connect(server.ws_private.replace("{listenKey}", told["listenKey"])) as socket:
        command(server, capsys, "revoke", key)
        _, told = request(server, key, secret, "GET", "/api/v1/account")
        assert told["code"] == "0102"
        assert list(socket) == []  # until the server closes it
    assert key not in [one["api_key"] for one in command(server, capsys, "list")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--account", "nobody"], "there is no account nobody"),
        (["create", "--account", "default", "--permissions", "trade"], "must also see"),
        (["create", "--account", "default", "--permissions", "read,fly"], "fly"),
        (["create", "--account", "default", "--ip", "home"], "'home' is not an IP address"),
        (["revoke", "none"], "there is no such key"),
        (["list", "--server", "http://127.0.0.1:9"], "no exchange answers at http://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    server: Ready, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["keys", words[0], "--server", server.rest, *words[1:]]) == FAILED
    assert said in capsys.readouterr().err


def test_no_secret_is_ever_listed(server: Ready) -> None:
    listed = requests.get(f"{server.control}/keys", timeout=10).text
    assert server.accounts[0].api_key in listed
    assert server.accounts[0].api_secret not in listed
