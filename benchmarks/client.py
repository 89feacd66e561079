"""What a client of the venue sends: signed requests, made without any of the product's code."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from benchmarks.load import Request
from benchmarks.moving_market import INSTRUMENT

_TIMEOUT_S = 10.0


def signed(account: dict[str, str], method: str, path: str, **params: str) -> Request:
    """A request signed now; the signature stays good for the minute that recvWindow allows."""
    query = urlencode({**params, "recvWindow": "60000", "timestamp": str(time.time_ns() // 1_000_000)})
    signature = hmac.new(account["api_secret"].encode(), query.encode(), hashlib.sha256).hexdigest()
    return Request(method, f"{path}?{query}&signature={signature}", {"X-HK-APIKEY": account["api_key"]})


def limit_order(account: dict[str, str], side: str, price: str, qty: str = "0.001") -> Request:
    """POST /api/v1/spot/order."""
    words = {"symbol": INSTRUMENT.symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC"}
    return signed(account, "POST", "/api/v1/spot/order", **words, quantity=qty, price=price)


def crossing_pair(ready: dict[str, Any]) -> list[Request]:
    """A buy of the first account and a sell of the second, at one price."""
    buyer, seller = ready["accounts"][:2]
    return [limit_order(buyer, "BUY", "50000"), limit_order(seller, "SELL", "50000")]


def listen_url(ready: dict[str, Any]) -> str:
    """The private socket of the first account, with a fresh listen key."""
    asked = signed(ready["accounts"][0], "POST", "/api/v1/userDataStream")
    request = urllib.request.Request(ready["rest"] + asked.path, method=asked.method, headers=asked.headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        return str(ready["ws_private"].replace("{listenKey}", json.load(answer)["listenKey"]))
