"""Proof that a mirror is its upstream: ``python -m tests.clients.mirror --minutes 60 --speed 10``.

Where the upstream falls behind (it answers late), take fewer symbols or go slower.

One process serves a recording, another one mirrors it live. Somebody listens to both: every book that the mirror
shows must be, level for level, a book that the upstream has shown, in the same order, and it must keep up. A third
mirror in this process is looked at after every single book: its composite book must be the upstream's frame of the
same number.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from simulator.app import Running, running
from simulator.config import build, gather
from simulator.core.commands import ChangeDepth, ReplaceDepth
from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.feeds.client import Received
from simulator.venues.hashkey.feed import V2, DepthMessage, Pair, parse
from tests.serving import Ready, serving

BUNDLED = Path(__file__).parents[2] / "replay_data" / "hashkey-20240808.hkrec"
_BEFORE = 5


def print_of(bids: Sequence[Pair], asks: Sequence[Pair]) -> bytes:
    """A book in sixteen bytes."""
    return blake2b(json.dumps([list(bids), list(asks)]).encode(), digest_size=16).digest()


def shown(market: Market) -> bytes:
    """The composite book as clients see it, by ``Market.levels`` and not by the code that makes frames."""
    grids = market.instrument
    bids, asks = (
        [(grids.price_grid.text(price), grids.qty_grid.text(lots)) for price, lots in market.levels(side)][:200]
        for side in (Side.BUY, Side.SELL)
    )
    return print_of(bids, asks)


@dataclass
class Seen:
    """What a listener saw of one symbol: the books in their order."""

    numbers: list[str] = field(default_factory=list)
    books: list[bytes] = field(default_factory=list)


class Listener:
    """Hears the books of one exchange over its second public socket."""

    def __init__(self, exchange: Ready) -> None:
        self._url = exchange.ws_public_v2
        self.seen = {symbol: Seen() for symbol in exchange.symbols}

    async def listen(self) -> None:
        async with connect(self._url, proxy=None, close_timeout=0.1, max_size=None) as socket:
            for symbol in self.seen:
                await socket.send(json.dumps({"topic": "depth", "event": "sub", "params": {"symbol": symbol}}))
            pinged = time.monotonic()
            while True:
                self.hear(await socket.recv(decode=False))
                if time.monotonic() - pinged > 10:
                    pinged = time.monotonic()
                    await socket.send('{"ping":1}')

    def hear(self, frame: bytes) -> None:
        for message in parse(V2, frame):
            if isinstance(message, DepthMessage) and message.symbol in self.seen:
                seen = self.seen[message.symbol]
                seen.numbers.append(message.version)
                seen.books.append(print_of(message.bids, message.asks))


class Inside:
    """The mirror in this process: its book after every frame, by the frame's number."""

    def __init__(self, sim: Running) -> None:
        self._sim = sim
        self.told: dict[str, dict[str, bytes]] = {symbol: {} for symbol in sim.ready.symbols}
        self._latest: dict[str, str] = {}
        assert sim.parts.live is not None
        live, hear = sim.parts.live, sim.parts.live.hear

        def tap(frame: Received) -> None:
            # The number is noted before the runner plays the frame, which it does at once.
            for message in parse(frame.connection, frame.data) if frame.connection == V2 else ():
                if isinstance(message, DepthMessage):
                    self._latest[message.symbol] = message.version
            hear(frame)

        live.hear = tap  # type: ignore[method-assign]
        sim.parts.runner.journal = self._wrap(sim.parts.runner.journal)
        sim.parts.runner.subscribers.append(self._look)
        self._applied: str | None = None

    def _wrap(self, journal: Any) -> Any:
        def write(now: int, command: Any) -> None:
            self._applied = command.symbol if isinstance(command, ChangeDepth | ReplaceDepth) else None
            journal(now, command)

        return write

    def _look(self, now: int, events: Any) -> None:
        symbol = self._applied
        if symbol is not None and symbol in self._latest:
            self.told[symbol][self._latest[symbol]] = shown(self._sim.parts.desk.state.markets[symbol])


@dataclass
class Verdict:
    """What was compared; ``problems`` is empty when all was equal."""

    inside: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    upstream: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def text(self) -> str:
        rows = [
            f"{symbol}: {self.upstream[symbol]} books of the upstream; the mirror was the same after "
            f"{self.inside[symbol]} of them, and {self.outside[symbol]} that a mirror showed were among them, in order"
            for symbol in self.upstream
        ]
        return "\n".join(
            [
                *rows,
                f"left out: {self.left_out or 'nothing'}; {self.seconds:.0f} s of the wall",
                *(self.problems[:20] or ["all equal"]),
            ]
        )


def compare(verdict: Verdict, above: Listener, below: Listener, inside: Inside) -> None:
    """Into the verdict: every number inside, every shown book outside, in order."""
    for symbol in above.seen:
        told = above.seen[symbol]
        by_number = dict(zip(told.numbers, told.books, strict=True))
        verdict.upstream[symbol] = len(told.books)
        for number, book in inside.told[symbol].items():
            if number in by_number:
                verdict.inside[symbol] += 1
                if by_number[number] != book:
                    verdict.problems.append(f"{symbol}: book {number} is another one in the mirror")
        # What the mirror shows first may be a book of before anybody listened to the upstream.
        books = below.seen[symbol].books
        first = next((index for index, book in enumerate(books[:_BEFORE]) if book in told.books), 0)
        place = 0
        for index, book in enumerate(books[first:], first):
            try:
                place = told.books.index(book, place)
            except ValueError:
                verdict.problems.append(
                    f"{symbol}: the mirror's book {index} was never the upstream's, or not in order"
                )
                break
            verdict.outside[symbol] += 1


@asynccontextmanager
async def mirrored(upstream: Ready) -> AsyncIterator[Running]:
    """A mirror in this process."""
    flags = {"live": True, "port": 0, "upstream_rest": upstream.rest, "stale_after": 20}
    flags["upstream_ws"] = upstream.ws_public_v2
    async with running(build(gather(None, {}, flags))) as sim:
        yield sim


async def prove(above: Ready, below: Ready, seconds: float) -> Verdict:
    """Listen to an upstream and its mirror for a while, and compare."""
    verdict, start = Verdict(), time.monotonic()
    async with mirrored(above) as sim:
        inside = Inside(sim)
        listeners = Listener(above), Listener(below)
        hearing = [asyncio.create_task(one.listen()) for one in listeners]
        await asyncio.wait(hearing, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        # The mirror's listener first: it must know nothing that the other has not heard yet.
        for task in reversed(hearing):
            ended_early = task.done()
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            if ended_early:
                verdict.problems.append(f"a listener ended: {outcome!r}")
        assert sim.parts.live is not None
        verdict.left_out = dict(sim.parts.live.left_out.counts)
        compare(verdict, *listeners, inside)
    verdict.seconds = time.monotonic() - start
    return verdict


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A mirror against its upstream, book by book.")
    parser.add_argument("--minutes", type=float, default=60, help="of the market")
    parser.add_argument("--speed", default="20", help="how many times as fast as the market was")
    parser.add_argument("--recording", default=str(BUNDLED))
    parser.add_argument("--symbols", default="", help="only these, separated by commas")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        market = ("--replay", args.recording, "--loop", "--speed", args.speed, "--symbols", args.symbols)
        with serving(*market) as above:
            live = ("--live", "--upstream-rest", above.rest, "--upstream-ws", above.ws_public_v2, "--stale-after", "20")
            with serving(*live) as below:
                verdict = asyncio.run(prove(above, below, args.minutes * 60 / float(args.speed)))
    print(verdict.text())
    return 1 if verdict.problems or not all(verdict.inside[symbol] for symbol in verdict.upstream) else 0


if __name__ == "__main__":
    sys.exit(main())
