"""``hashkey-sim demo``: the exchange on its recording, and a small bot that trades on it as anybody would.

The bot talks HTTP and WebSocket over real sockets with nothing but the venue's API; what it prints was
read from replies, private events and ``/_sim/explain``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from simulator.app import Running, running
from simulator.config import BadSetting, Settings
from simulator.core.rejections import RejectReason
from simulator.lifetime import run
from simulator.ready import Access
from simulator.runtime.bracket_report import result
from simulator.venues.hashkey.errors import ERRORS

WAIT_SECONDS: Final = 4.0
"""How long the bot waits for its resting order to fill."""
REPLY_SECONDS: Final = 10.0


class Failed(Exception):
    """The exchange refused what it should have done."""


class WouldTake(Failed):
    """A post-only order was refused because it would have traded at once."""


class Api:
    """The venue's REST API for one key."""

    def __init__(self, url: str, access: Access) -> None:
        self._url = url
        self._access = access

    async def get(self, path: str, **params: object) -> Any:
        """A public or control request."""
        return await asyncio.to_thread(self._send, "GET", f"{path}?{urlencode(params)}", {})

    async def signed(self, method: str, path: str, **params: object) -> Any:
        """A signed request; all parameters in the query."""
        query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(self._access.api_secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        target = f"{path}?{query}&signature={signature}"
        return await asyncio.to_thread(self._send, method, target, {"X-HK-APIKEY": self._access.api_key})

    def _send(self, method: str, target: str, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(self._url + target, method=method, headers=headers)  # noqa: S310 - http only
        try:
            with urllib.request.urlopen(request, timeout=REPLY_SECONDS) as reply:  # noqa: S310
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode()
            kind = WouldTake if ERRORS[RejectReason.WOULD_TAKE].code in words else Failed
            raise kind(f"{method} {target.partition('?')[0]}: {words}") from None


def demo(settings: Settings) -> bool:
    """Run it; whether everything went as it should."""
    if settings.market.empty or settings.market.live or settings.market.clock != "wall":
        raise BadSetting(
            "the demo trades on a recorded market on the wall's clock: leave --empty, --live and --clock away"
        )
    said = print if not settings.run.json else _silent
    result: dict[str, Any] = run(_demo(replace(settings, server=replace(settings.server, port=0, tls=False)), said))
    if settings.run.json:
        print(json.dumps(result))
    return bool(result["ok"])


def _silent(line: str) -> None:
    """Nobody reads it."""


async def _demo(settings: Settings, say: Callable[[str], None]) -> dict[str, Any]:
    async with running(settings) as sim:
        access = sim.ready.accounts[0]
        say(f"An exchange on {sim.parts.market}, at {sim.ready.rest}; account {access.name}.")
        api = Api(sim.ready.rest, access)
        try:
            async with _private(api, sim) as socket:
                done = await _trade(api, socket, sim.ready.symbols[0], say)
                if sim.parts.bracket is not None:
                    bracket = result(sim.parts.bracket)
                    say("\n" + bracket.to_text())
                    done["bracket"] = msgspec.to_builtins(bracket)
                return done
        except Failed as error:
            say(f"The demo did not work: {error}")
            return {"ok": False, "error": str(error)}


@asynccontextmanager
async def _private(api: Api, sim: Running) -> AsyncIterator[ClientConnection]:
    listen_key = (await api.signed("POST", "/api/v1/userDataStream"))["listenKey"]
    async with connect(sim.ready.ws_private.replace("{listenKey}", listen_key)) as socket:
        yield socket


async def _trade(api: Api, socket: ClientConnection, symbol: str, say: Callable[[str], None]) -> dict[str, Any]:
    before = await _balances(api)
    say("\nBalances before: " + _words(before))
    row = await api.get("/api/v1/exchangeInfo", symbol=symbol)
    lot = Decimal(next(one["stepSize"] for one in row["filters"] if one["filterType"] == "LOT_SIZE"))
    best = (await api.get("/quote/v1/ticker/bookTicker", symbol=symbol))[0]
    qty = (Decimal(500) / Decimal(best["a"]) // lot) * lot
    say(f"The market for {symbol}: {best['b']} bid for {best['bq']}, {best['a']} asked for {best['aq']}.")

    placed = []

    async def place(path: str, words: str, **params: object) -> dict[str, Any]:
        order: dict[str, Any] = await api.signed("POST", path, symbol=symbol, **params)
        placed.append(order)
        say(f"\n{words}: {order['status']}, {order['executedQty']} of {order['origQty']} filled")
        await _tell(api, order["orderId"], say)
        return order

    await place("/api/v1.1/spot/order", f"Buy {qty} at market", side="BUY", type="MARKET", quantity=qty)
    resting = None
    while resting is None:
        bid = (await api.get("/quote/v1/ticker/bookTicker", symbol=symbol))[0]["b"]
        limit = {"side": "BUY", "quantity": qty, "price": bid}
        # The market may fall to our price before the order is there.
        with suppress(WouldTake):
            resting = await place(
                "/api/v1/spot/order", f"Join the bid at {bid}, post-only", type="LIMIT_MAKER", **limit
            )
    fills = await _fills(socket, resting["orderId"], WAIT_SECONDS)
    say(f"After {WAIT_SECONDS:.0f} seconds of the market: {len(fills)} fill(s) told by the private socket")
    await _tell(api, resting["orderId"], say)
    state = await api.signed("GET", "/api/v1/spot/order", orderId=resting["orderId"])
    if state["status"] in ("NEW", "PARTIALLY_FILLED"):
        ended = await api.signed("DELETE", "/api/v1/spot/order", orderId=resting["orderId"])
        say(f"Cancelled what was left: {ended['status']}")
    await place("/api/v1.1/spot/order", f"Sell {qty} at market", side="SELL", type="MARKET", quantity=qty)

    after = await _balances(api)
    say("\nBalances after: " + _words(after))
    trades = await api.signed("GET", "/api/v1/account/trades", symbol=symbol)
    say(f"{len(trades)} fills in all. Every one of them is in GET /api/v1/account/trades, with its fee.")
    return {"ok": True, "before": before, "after": after, "orders": placed, "fills": trades}


async def _tell(api: Api, order_id: str, say: Callable[[str], None]) -> None:
    told = await api.get("/_sim/explain", orderId=order_id)
    for fill in told["fills"]:
        say(f"  filled {fill['qty']} at {fill['price']}: {fill['reason']}")
    say(f"  the rest: {'; '.join(told['reasons'])}")


async def _fills(socket: ClientConnection, order_id: str, seconds: float) -> list[dict[str, Any]]:
    """Fill reports of an order, until it is filled or the time is up."""
    fills: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(seconds):
            async for frame in socket:
                for event in json.loads(frame) if frame[:1] in ("[", b"[") else ():
                    if event["e"] == "executionReport" and event["i"] == order_id and event["l"] not in ("", "0"):
                        fills.append(event)
                        if event["X"] == "FILLED":
                            return fills
    except TimeoutError:
        pass
    return fills


async def _balances(api: Api) -> dict[str, str]:
    account = await api.signed("GET", "/api/v1/account")
    return {one["asset"]: one["total"] for one in account["balances"]}


def _words(balances: dict[str, str]) -> str:
    return ", ".join(f"{total} {asset}" for asset, total in balances.items())
