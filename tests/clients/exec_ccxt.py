"""Plain ccxt, blocking, asyncio and pro, as its manual shows it: a key pair and nothing else. Runs under exec.

Standard output: one JSON document of what each of them saw of an order of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro

AUTH = {"apiKey": os.environ["HASHKEY_SIM_API_KEY"], "secret": os.environ["HASHKEY_SIM_API_SECRET"]}
ORDER = ("BTC/USDT", "market", "buy", 0.001)
SWAP_ORDER = ("ETH/USDT:USDT", "market", "sell", 1)


def told(order: Any) -> dict[str, Any]:
    """What is the same for everybody."""
    return {name: order[name] for name in ("status", "filled")}


def blocking() -> dict[str, Any]:
    """With requests."""
    exchange = ccxt.hashkey(dict(AUTH))
    order = exchange.create_order(*ORDER)
    swap = exchange.create_order(*SWAP_ORDER)
    return {
        "spot": told(exchange.fetch_order(order["id"], ORDER[0])),
        "swap": told(exchange.fetch_order(swap["id"], SWAP_ORDER[0])),
        "positions": [one["contracts"] for one in exchange.fetch_positions([SWAP_ORDER[0]])],
    }


async def awaiting() -> dict[str, Any]:
    """With aiohttp."""
    exchange = ccxt.async_support.hashkey(dict(AUTH))
    try:
        order = await exchange.create_order(*ORDER)
        return {"spot": told(await exchange.fetch_order(order["id"], ORDER[0]))}
    finally:
        await exchange.close()


async def watching() -> dict[str, Any]:
    """With sockets: the public one, and the private one for an order's own trade."""
    exchange = ccxt.pro.hashkey(dict(AUTH))
    try:
        book = await exchange.watch_order_book(ORDER[0])
        hearing = asyncio.create_task(exchange.watch_my_trades(ORDER[0]))
        await exchange.watch_balance()  # says something at once, on the same private socket
        order = await exchange.create_order(*ORDER)
        trades = await asyncio.wait_for(hearing, 10)
        return {"levels": min(len(book["bids"]), len(book["asks"])), "own": trades[0]["order"] == order["id"]}
    finally:
        await exchange.close()


if __name__ == "__main__":
    document = {"blocking": blocking(), "awaiting": asyncio.run(awaiting()), "watching": asyncio.run(watching())}
    json.dump(document, sys.stdout)
