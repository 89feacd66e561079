"""Clients led to a simulator: what is changed of them, and what is not."""

from __future__ import annotations

import copy
import sys
from types import ModuleType
from typing import Any

import ccxt
import pytest

from simulator.testing import clients
from simulator.testing.clients import Addresses

PLACE = Addresses("http://x:1", "ws://x:1/quote/ws/v1", "ws://x:1/api/v1/ws/{listenKey}")
SPOT = {
    "DEFAULT_DOMAIN": "hashkey_global",
    "REST_URLS": {"hashkey_global": "a", "hashkey_global_testnet": "b"},
    "WSS_PUBLIC_URL": {"hashkey_global": "c", "hashkey_global_testnet": "d"},
    "WSS_PRIVATE_URL": {"hashkey_global": "e", "hashkey_global_testnet": "f"},
}
PERPETUAL = {
    "PERPETUAL_BASE_URL": "g",
    "TESTNET_BASE_URL": "h",
    "WSS_PUBLIC_URL": {"hashkey_perpetual": "i", "hashkey_perpetual_testnet": "j"},
    "WSS_PRIVATE_URL": {"hashkey_perpetual": "k", "hashkey_perpetual_testnet": "l"},
}


def test_ccxt_gets_urls_and_keys_and_nothing_else() -> None:
    exchange, untouched = ccxt.hashkey(), ccxt.hashkey()
    clients.configure_ccxt(exchange, PLACE, "key", "secret")
    assert exchange.urls["api"]["private"] == "http://x:1"
    assert exchange.urls["api"]["ws"] == {"public": "ws://x:1/quote/ws/v1", "private": "ws://x:1/api/v1/ws"}
    assert (exchange.apiKey, exchange.secret) == ("key", "secret")
    exchange.set_sandbox_mode(True)
    assert exchange.urls["api"]["public"] == "http://x:1", "nobody leads it outside by a sandbox"
    assert exchange.options.keys() - {"sandboxMode"} == untouched.options.keys() - {"sandboxMode"}


@pytest.fixture
def constants(monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """Modules with the names that Hummingbot's have (Hummingbot 2); the real ones are led in tests/clients."""
    modules = []
    for name, content in ((clients.SPOT, SPOT), (clients.PERPETUAL, PERPETUAL)):
        parts = name.split(".")
        for depth in range(1, len(parts)):
            package = ModuleType(".".join(parts[:depth]))
            package.__path__ = []
            monkeypatch.setitem(sys.modules, package.__name__, package)
        module = ModuleType(name)
        vars(module).update(copy.deepcopy(content))
        monkeypatch.setitem(sys.modules, name, module)
        modules.append(module)
    return modules


def told(module: ModuleType, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names}


def test_hummingbot_is_led_here_in_every_domain_for_as_long_as_a_block_lasts(constants: list[ModuleType]) -> None:
    spot, perpetual = constants
    held = spot.REST_URLS
    with clients.hummingbot_led_to(PLACE):
        assert held == dict.fromkeys(SPOT["REST_URLS"], "http://x:1"), "who holds the dictionary sees it too"
        assert set(spot.WSS_PRIVATE_URL.values()) == {"ws://x:1/api/v1/ws/{listenKey}"}
        assert (perpetual.PERPETUAL_BASE_URL, perpetual.TESTNET_BASE_URL) == ("http://x:1", "http://x:1")
        assert set(perpetual.WSS_PUBLIC_URL.values()) == {"ws://x:1/quote/ws/v1"}
    assert [told(spot, SPOT), told(perpetual, PERPETUAL)] == [SPOT, PERPETUAL]
    clients.patch_hummingbot(PLACE)
    assert spot.DEFAULT_DOMAIN == "hashkey_global"
    assert perpetual.WSS_PRIVATE_URL["hashkey_perpetual_testnet"] == "ws://x:1/api/v1/ws/{listenKey}"
