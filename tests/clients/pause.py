"""A long pause with real clients connected: ``python -m tests.clients.pause 600``.

ccxt.pro watches the books, trades and balance; Hummingbot's connector stands beside it. Looked at: errors,
a client's book against REST depth of the same moment, and the server's memory. Exit status 1 if anything is off.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.clients import hummingbot_env
from tests.clients.ccxt_exchanges import BTC, ETH, configured
from tests.serving import CHECKOUT, Ready, serving

PEEK_S = 0.2
EXPECTED = ("last trade price", "Unclosed c")
"""Hummingbot wants the ticker price as an object, and never closes its time requests (Hummingbot 9.1 and 9.14)."""
MEGABYTE = 1024 * 1024
MOST_GROWTH_MB = 12
"""Candles and recent trades fill up in the first minutes; after that nothing may grow."""


class Seen:
    """What was counted."""

    def __init__(self) -> None:
        self.equal = self.different = self.frames = 0
        self.errors: list[str] = []
        self.memory: list[int] = []


async def watch(exchange: Any, seen: Seen, method: str, *args: str) -> None:
    """Call a watch method for ever."""
    while True:
        try:
            await getattr(exchange, method)(*args)
            seen.frames += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            seen.errors.append(f"{method} {args}: {error!r}")
            await asyncio.sleep(1)


async def compare(exchange: Any, seen: Seen, symbol: str) -> None:
    """A client's book and REST depth, whenever both are of the same moment."""
    while True:
        await asyncio.sleep(PEEK_S)
        depth = await exchange.publicGetQuoteV1Depth({"symbol": symbol.replace("/", ""), "limit": 200})
        book = exchange.orderbooks.get(symbol)
        if book is None or book["timestamp"] != int(depth["t"]):
            continue
        theirs = [[[float(p), float(q)] for p, q in depth[side]] for side in ("b", "a")]
        mine = [[list(level[:2]) for level in book[side]] for side in ("bids", "asks")]
        if mine == theirs:
            seen.equal += 1
        else:
            seen.different += 1


async def pause(ready: Ready, pid: int, seconds: float) -> Seen:
    """Everything at once for so long."""
    seen = Seen()
    exchange = configured(ready, "pro", "default")
    await exchange.load_markets()
    calls = [("watch_order_book", BTC), ("watch_order_book", ETH), ("watch_trades", BTC), ("watch_orders",)]
    tasks = [asyncio.create_task(watch(exchange, seen, *call)) for call in calls]
    tasks += [asyncio.create_task(compare(exchange, seen, symbol)) for symbol in (BTC, ETH)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(min(10, max(0.1, end - time.monotonic())))
        seen.memory.append(_resident(pid))
        left = end - time.monotonic()
        print(f"{left:5.0f} s left, {seen.memory[-1] // MEGABYTE} MB, {seen.equal} books equal", file=sys.stderr)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await exchange.close()
    return seen


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


async def run(seconds: float) -> bool:
    """The pause, and whether everything was as it should be."""
    with serving() as ready:
        pid = _server(ready)
        python = hummingbot_env.interpreter()
        bot = await asyncio.create_subprocess_exec(
            python,
            "-m",
            "tests.clients.hummingbot_pause",
            str(seconds),
            cwd=CHECKOUT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        told, seen = await asyncio.gather(bot.communicate(ready.line().encode() + b"\n"), pause(ready, pid, seconds))
    hummingbot = json.loads(told[0])
    settled = seen.memory[len(seen.memory) // 3 :]
    growth = (settled[-1] - settled[0]) / MEGABYTE
    print(json.dumps(hummingbot, indent=1))
    print(f"ccxt: {seen.frames} frames, books equal {seen.equal}, different {seen.different}, errors {seen.errors}")
    print(f"memory: {[one // MEGABYTE for one in seen.memory]} MB, {growth:+.1f} MB in the last two thirds")
    complaints = [one for one in hummingbot["complaints"] if not any(known in one for known in EXPECTED)]
    fine = not seen.errors and not seen.different and seen.equal > 0 and growth < MOST_GROWTH_MB
    return bool(fine and hummingbot["ready"] and not complaints)


def _server(ready: Ready) -> int:
    """The process that listens where the ready line says."""
    return next(int(path.name) for path in Path("/proc").iterdir() if _is_server(path, ready))


def _is_server(path: Path, ready: Ready) -> bool:
    """Whether a process is that server."""
    if not path.name.isdigit():
        return False
    try:
        return b"simulator\0serve" in (path / "cmdline").read_bytes() and _listens(path, ready)
    except OSError:
        return False


def _listens(path: Path, ready: Ready) -> bool:
    port = int(ready.rest.rpartition(":")[2])
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    return any(str(one.readlink()) in inodes for one in (path / "fd").iterdir())


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(run(float(sys.argv[1]))) else 1)
