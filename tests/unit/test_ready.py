"""The ready line and its words for people."""

from __future__ import annotations

import json

import pytest

from simulator.ready import Access, ready

ACCESS = Access("default", "the-key", "the-secret")


def test_the_line_for_scripts_has_the_contracts_members() -> None:
    line = json.loads(ready("127.0.0.1", 8765, ["BTCUSDT"], [ACCESS], "0.1.0").to_json())
    assert line == {
        "rest": "http://127.0.0.1:8765",
        "ws_public": "ws://127.0.0.1:8765/quote/ws/v1",
        "ws_public_v2": "ws://127.0.0.1:8765/quote/ws/v2",
        "ws_private": "ws://127.0.0.1:8765/api/v1/ws/{listenKey}",
        "control": "http://127.0.0.1:8765/_sim",
        "page": "http://127.0.0.1:8765/_sim/page",
        "symbols": ["BTCUSDT"],
        "accounts": [{"name": "default", "api_key": "the-key", "api_secret": "the-secret"}],
        "version": "0.1.0",
    }


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://[::1]:1"), ("::1", "http://[::1]:1"), ("box", "http://box:1")],
)
def test_the_address_can_be_connected_to(host: str, url: str) -> None:
    assert ready(host, 1, [], [ACCESS], "").rest == url


def test_with_tls_every_address_is_secure_and_says_whom_to_trust() -> None:
    told = ready("127.0.0.1", 1, ["BTCUSDT"], [ACCESS], "0.1.0", "/x/ca.pem")
    line = json.loads(told.to_json())
    assert line["ca"] == "/x/ca.pem"
    assert {line[name].split(":")[0] for name in ("rest", "control", "page")} == {"https"}
    assert {line[name].split(":")[0] for name in ("ws_public", "ws_public_v2", "ws_private")} == {"wss"}
    words = told.to_text("nothing")
    assert "signed by /x/ca.pem" in words
    compile(words.partition("Try it with ccxt:\n\n")[2].partition("\n\n")[0], "snippet", "exec")


def test_people_get_a_snippet_of_six_lines_that_is_python() -> None:
    words = ready("127.0.0.1", 8765, ["ETHUSDT"], [ACCESS], "0.1.0").to_text("nothing")
    snippet = words.partition("Try it with ccxt:\n\n")[2].partition("\n\n")[0]
    assert len(snippet.splitlines()) == 6
    compile(snippet, "snippet", "exec")
    assert '"ETH/USDT"' in snippet and "the-key" in snippet
