"""A simulator that mirrors another one live, over real sockets, with everything that may go wrong in between.

The upstream is a process of its own that serves a recording; a relay with faults stands before it. The mirror runs
here, so that its state can be looked at after each frame.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import connect

from simulator.app import Running, running
from simulator.assembly.forks import Plan
from simulator.config import build, gather
from simulator.core.commands import PlaceOrder
from simulator.core.events import OrderFilled
from simulator.core.market import Market
from simulator.core.orders import Order, OrderType, Side
from tests.relay import Relay, relaying
from tests.serving import CHECKOUT, Ready, serving
from tests.waiting import until

SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"
STALE_AFTER_S = 0.6
WITHIN_S = STALE_AFTER_S * 1.5
BTC = "BTCUSDT"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Ready]:
    with serving("--replay", str(SMALL), "--no-idle-close") as ready:
        yield ready


class Mirror:
    """A running mirror, and what is looked at in it."""

    def __init__(self, sim: Running, relay: Relay) -> None:
        self.sim = sim
        self.relay = relay
        self.filled: list[OrderFilled] = []
        self._names = 0
        sim.parts.runner.subscribers.append(self._on_events)

    def _on_events(self, now: int, events: Iterable[Any]) -> None:
        self.filled += [one for one in events if isinstance(one, OrderFilled)]

    def market(self, symbol: str = BTC) -> Market:
        return self.sim.parts.desk.state.markets[symbol]

    @property
    def stale(self) -> bool:
        return self.market().mirror.stale

    async def fresh(self) -> None:
        await until(lambda: not self.stale, 10, "a fresh mirror")

    async def goes_stale(self) -> None:
        await until(lambda: self.stale, WITHIN_S, "a stale mirror")

    def order(self, side: Side, price: int) -> Order:
        self._names += 1
        name = f"own-{self._names}"
        runner = self.sim.parts.runner
        runner.do(PlaceOrder("default", BTC, side, OrderType.LIMIT, 100, price, name))
        return next(one for one in self.sim.parts.desk.state.orders.values() if one.client_order_id == name)

    def left_out(self, kind: str) -> int:
        assert self.sim.parts.live is not None
        return self.sim.parts.live.left_out.counts[kind]

    def why(self, symbol: str = BTC) -> str:
        assert self.sim.parts.live is not None
        return next(one.why for one in self.sim.parts.live.freshness() if one.symbol == symbol)


@asynccontextmanager
async def mirroring(upstream: Ready, *, rest: str = "", symbols: str = BTC) -> AsyncIterator[Mirror]:
    """``rest``: where to ask instead of the upstream; a port that nobody listens on leaves only the sockets."""
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(relaying(upstream.rest.replace("http", "ws")))
        flags = {
            "live": True,
            "port": 0,
            "symbols": symbols,
            "stale_after": STALE_AFTER_S,
            "upstream_rest": rest or upstream.rest,
            "upstream_ws": relay.url,
        }
        sim = await stack.enter_async_context(running(build(gather(None, {}, flags))))
        yield Mirror(sim, relay)


NOBODY = "http://127.0.0.1:9"


def garbage(frame: bytes) -> Iterable[bytes]:
    return (b"\x00" + frame,)


def without(topic: str) -> Callable[[bytes], Iterable[bytes]]:
    return lambda frame: () if f'"topic":"{topic}"'.encode() in frame else (frame,)


def wrong_symbol(frame: bytes) -> Iterable[bytes]:
    return (frame.replace(b"BTCUSDT", b"DOGEUSDT"),)


def crossed(frame: bytes) -> Iterable[bytes]:
    if b'"topic":"depth"' not in frame or b'"data"' not in frame:
        return (frame,)
    told = json.loads(frame)
    told["data"]["b"], told["data"]["a"] = told["data"]["a"], told["data"]["b"]
    return (json.dumps(told, separators=(",", ":")).encode(),)


def off_the_grid(frame: bytes) -> Iterable[bytes]:
    if b'"topic":"depth"' not in frame or b'"data"' not in frame:
        return (frame,)
    told = json.loads(frame)
    told["data"]["b"] = [[price + "7", size] for price, size in told["data"]["b"]]
    return (json.dumps(told, separators=(",", ":")).encode(),)


async def test_the_filters_are_the_venues_and_so_are_the_symbols(upstream: Ready) -> None:
    async with mirroring(upstream, symbols="") as mirror:
        assert mirror.sim.ready.symbols == upstream.symbols
        assert "the venue's own filters" in mirror.sim.parts.market
        await until(lambda: not any(one.mirror.stale for one in mirror.sim.parts.desk.state.markets.values()))
        assert mirror.relay.connections == 2


@pytest.mark.parametrize("fault", ["cut", "freeze", "slow"])
async def test_when_the_connection_fails_nothing_fills_and_it_comes_back_alone(upstream: Ready, fault: str) -> None:
    async with mirroring(upstream) as mirror:
        await mirror.fresh()
        ask = mirror.market().best(Side.SELL)
        assert ask is not None
        waits = mirror.order(Side.BUY, ask // 2)
        if fault == "cut":
            mirror.relay.closed = True
            mirror.relay.cut()
        elif fault == "freeze":
            mirror.relay.freeze()
        else:
            mirror.relay.delay_s = 60
        await mirror.goes_stale()
        seen = mirror.market().best(Side.SELL)
        assert seen is not None, "clients go on seeing the book as it was"
        came_meanwhile = mirror.order(Side.BUY, seen + 20_000)
        mirror.relay.closed, mirror.relay.delay_s = False, 0.0
        if fault == "freeze":
            mirror.relay.cut()  # what is in the queue is of yesterday
            mirror.relay.thaw()
        assert not mirror.filled, "filled from a stale mirror"
        await mirror.fresh()
        assert waits.is_open, "an order was lost"
        await until(lambda: came_meanwhile.filled, 10, "a fill after the return")


@pytest.mark.parametrize(
    ("twist", "kind"),
    [(garbage, "unreadable"), (wrong_symbol, "wrong symbol"), (crossed, "impossible"), (off_the_grid, "impossible")],
)
async def test_what_cannot_be_used_makes_it_stale_in_time_and_a_good_book_fresh(
    upstream: Ready, twist: Callable[[bytes], Iterable[bytes]], kind: str
) -> None:
    async with mirroring(upstream, rest=NOBODY) as mirror:
        await mirror.fresh()
        mirror.relay.twist = twist
        await until(lambda: mirror.left_out(kind), 5, kind)
        await mirror.goes_stale()
        version = mirror.market().version
        assert "no good book" in mirror.why() or "answers" in mirror.why()
        mirror.relay.twist = lambda frame: (frame,)
        await mirror.fresh()
        assert mirror.market().version > version


async def test_one_bad_frame_is_left_out_and_nothing_else_happens(upstream: Ready) -> None:
    async with mirroring(upstream) as mirror:
        await mirror.fresh()

        def once(frame: bytes) -> Iterable[bytes]:
            mirror.relay.twist = lambda frame: (frame,)
            return b"\x00", frame

        mirror.relay.twist = once
        await until(lambda: mirror.left_out("unreadable") == 1)
        version = mirror.market().version
        await until(lambda: mirror.market().version > version + 5)
        assert not mirror.stale and mirror.relay.connections == 1


async def test_books_out_of_order_are_not_traded_on(upstream: Ready) -> None:
    """A relay that keeps a book back and sends it after the next two."""
    async with mirroring(upstream, rest=NOBODY) as mirror:
        await mirror.fresh()
        kept: list[bytes] = []

        def late(frame: bytes) -> Iterable[bytes]:
            if b'"topic":"depth"' not in frame or b'"data"' not in frame:
                return (frame,)
            kept.append(frame)
            if len(kept) == 3:
                mirror.relay.twist = without("depth")
                return kept[1], kept[2], kept[0]
            return ()

        mirror.relay.twist = late
        await until(lambda: mirror.left_out("out of order"))
        assert mirror.stale and mirror.why() == "its books came out of order"
        mirror.relay.twist = lambda frame: (frame,)
        await mirror.fresh()


async def test_books_that_are_left_out_change_nothing_once_the_next_has_come(upstream: Ready) -> None:
    """Every book is whole: a gap in the numbers is no gap in what is known (hashkey-websocket.md 1.4)."""
    async with mirroring(upstream, rest=NOBODY) as mirror:
        await mirror.fresh()
        told: list[dict[str, Any]] = []

        def sparse(frame: bytes) -> Iterable[bytes]:
            if b'"topic":"depth"' not in frame or b'"data"' not in frame:
                return (frame,)
            told.append(json.loads(frame)["data"])
            return (frame,) if len(told) % 3 == 0 else ()

        mirror.relay.twist = sparse
        await until(lambda: len(told) >= 9 and len(told) % 3 == 0)
        last = told[len(told) // 3 * 3 - 1]
        await until(lambda: shown(mirror.market()) == (last["b"], last["a"]), what="the last book that was passed on")
        assert not mirror.stale and not mirror.left_out("out of order")


def shown(market: Market) -> tuple[list[list[str]], list[list[str]]]:
    grids = market.instrument
    bids, asks = (
        [[grids.price_grid.text(price), grids.qty_grid.text(lots)] for price, lots in market.levels(side)]
        for side in (Side.BUY, Side.SELL)
    )
    return bids, asks


async def test_a_symbol_that_says_nothing_is_asked_for(upstream: Ready) -> None:
    async with mirroring(upstream) as mirror:
        mirror.relay.twist = without("depth")
        await mirror.fresh()
        before = mirror.market().version
        await until(lambda: mirror.market().version > before, 5, "a book over REST")
        assert mirror.relay.connections == 1


async def test_many_clients_share_one_connection_of_each_kind(upstream: Ready) -> None:
    async with mirroring(upstream, symbols="BTCUSDT,BTCUSDT-PERPETUAL") as mirror:
        await mirror.fresh()
        async with AsyncExitStack() as clients:
            for _ in range(20):
                client = await clients.enter_async_context(
                    connect(mirror.sim.ready.ws_public_v2, close_timeout=0.1, proxy=None)
                )
                await client.send('{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT-PERPETUAL"}}')
                while b"data" not in await client.recv(decode=False):
                    pass
        assert mirror.relay.connections == 2
        perpetual = mirror.sim.parts.desk.state.perpetuals["BTCUSDT-PERPETUAL"].perpetual
        await until(lambda: perpetual.told_mark and perpetual.told_index, what="mark and index")
        assert perpetual.funding is not None


async def test_without_an_upstream_it_serves_a_stale_market_and_says_so(
    upstream: Ready, caplog: pytest.LogCaptureFixture
) -> None:
    flags = {"live": True, "port": 0, "upstream_rest": NOBODY, "upstream_ws": "ws://127.0.0.1:9", "stale_after": 0.5}
    async with running(build(gather(None, {}, flags))) as sim:
        live = sim.parts.live
        assert live is not None and "bundled filters" in sim.parts.market
        await until(lambda: live.connections)
        assert all(one.mirror.stale for one in sim.parts.desk.state.markets.values())
    assert "no exchangeInfo from the venue" in caplog.text
    assert "cannot connect to ws://127.0.0.1:9/quote/ws/v2" in caplog.text


async def test_health_tells_why_and_the_upstreams_death_loses_no_order() -> None:
    """Two lives of one upstream: the second is started where the first was killed."""
    port = free_port()
    url = f"127.0.0.1:{port}"
    flags = {"live": True, "port": 0, "symbols": BTC, "stale_after": STALE_AFTER_S}
    flags |= {"upstream_rest": f"http://{url}", "upstream_ws": f"ws://{url}"}
    async with AsyncExitStack() as stack:
        first = await asyncio.to_thread(stack.enter_context, killable(port))
        sim = await stack.enter_async_context(running(build(gather(None, {}, flags))))
        mirror = Mirror(sim, Relay(""))
        await mirror.fresh()
        ask = mirror.market().best(Side.SELL)
        assert ask is not None
        order = mirror.order(Side.BUY, ask // 2)
        assert (await health(sim))["ok"]
        first.kill()
        await mirror.goes_stale()
        told = await health(sim)
        assert (told["ok"], told["stale"]) == (False, [BTC])
        assert not told["upstream"]["symbols"][BTC]["fresh"] and told["upstream"]["symbols"][BTC]["why"]
        first.wait()
        await asyncio.to_thread(stack.enter_context, killable(port))
        await until(lambda: not mirror.stale, 15, "a fresh mirror")
        assert (await health(sim))["ok"] and order.is_open


@contextmanager
def killable(port: int) -> Iterator[subprocess.Popen[str]]:
    """An upstream that serves the recording on a port of ours and may be killed."""
    command = [sys.executable, "-m", "simulator", "serve", "--json", "--port", str(port), "--replay", str(SMALL)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as one:
        assert one.stdout is not None and one.stdout.readline().startswith("{")
        yield one
        one.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def health(sim: Running) -> Any:
    def ask() -> Any:
        with urlopen(f"{sim.ready.control}/health") as reply:
            return json.load(reply)

    return await asyncio.to_thread(ask)


async def test_a_live_market_is_not_taken_back_its_mirror_waits_for_the_next_book(upstream: Ready) -> None:
    async with mirroring(upstream) as mirror:
        await mirror.fresh()
        snapshots = mirror.sim.parts.snapshots
        then = snapshots.take()
        mirror.order(Side.BUY, 1_000_000)
        snapshots.restore(then)
        assert mirror.stale and not mirror.sim.parts.desk.state.orders
        await mirror.fresh()


async def test_a_fork_of_a_live_market_hears_the_venue_by_itself(upstream: Ready) -> None:
    async with mirroring(upstream) as mirror:
        await mirror.fresh()
        parts = mirror.sim.parts
        served = await parts.forks.begin(Plan(parts.snapshots.take(), queue=("front",)))
        told = replace(mirror.sim, ready=served.ready)
        async with asyncio.timeout(10):
            while not (await health(told))["ok"]:  # noqa: ASYNC110 - it is the fork that changes
                await asyncio.sleep(0.02)
