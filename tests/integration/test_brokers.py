"""Volume and fees per broker, counted from orders that really came with the header."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import requests

from tests.serving import Ready, serving
from tests.wire import sign


def order(server: Ready, broker: str | None, **params: Any) -> Any:
    query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
    account = server.accounts[0]
    url = f"{server.rest}/api/v1/spot/order?{query}&signature={sign(account.api_secret, query)}"
    headers = {"X-HK-APIKEY": account.api_key} | ({"INPUT-SOURCE": broker} if broker else {})
    reply = requests.post(url, headers=headers, timeout=10)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_brokers_share_in_the_fees_of_the_orders_that_they_brought() -> None:
    with serving("--empty", "--taker-fee", "0.001") as server:
        book = {"symbol": "BTCUSDT", "bids": [["50000", "1"]], "asks": [["50001", "1"]]}
        assert requests.post(f"{server.control}/market/book", json=book, timeout=10).status_code == 200
        market: dict[str, Any] = {"symbol": "BTCUSDT", "type": "MARKET"}
        order(server, "10000800001", side="SELL", quantity="0.1", **market)
        order(server, "10000800001", side="SELL", quantity="0.2", **market)
        order(server, None, side="SELL", quantity="0.01", **market)
        order(server, "other", side="BUY", type="LIMIT", symbol="BTCUSDT", quantity="0.01", price="40000")
        told = requests.get(f"{server.control}/brokers", timeout=10).json()
    assert told == [
        {"broker": "10000800001", "orders": 2, "fills": 2, "volume": {"USDT": "15000"}, "fees": {"USDT": "15"}},
        {"broker": "", "orders": 1, "fills": 1, "volume": {"USDT": "500"}, "fees": {"USDT": "0.5"}},
        {"broker": "other", "orders": 1, "fills": 0, "volume": {}, "fees": {}},
    ]
