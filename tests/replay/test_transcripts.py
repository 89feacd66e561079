"""The same recording, settings, seed and commands give the same bytes on every socket and in every reply.

Each run is a process of its own with a PYTHONHASHSEED of its own, driven over real sockets: time is moved through the
control API, and every byte that comes back is kept, frames' heads and HTTP heads too.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from simulator.replay.format import Reader
from tests.serving import Ready, serving
from tests.wire import sign

SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"
KEY, SECRET = "the-key", "the-secret"
FLAGS = (
    *("--replay", str(SMALL), "--clock", "recorded", "--paused", "--no-loop", "--rate-limits"),
    *("--api-key", KEY, "--api-secret", SECRET, "--seed", "7"),
    *("--account", "alice:USDT=100000,BTC=2,ETH=20", "--account", "alice/futures:USDT=100000"),
    *("--account", "bob:USDT=100000,BTC=2", "--account", "bob/futures:USDT=100000"),
)
LATENCY = (
    *("--latency", "request=lognormal:8:0.5", "--latency", "response=uniform:1:5"),
    *("--latency", "market=exponential:12", "--latency", "private=uniform:0:30", "--latency", "bob/request=120"),
)
SYMBOLS = ("BTCUSDT", "ETHUSDT-PERPETUAL")
V2_TOPICS = ("depth", "bbo", "trade", "realtimes", "kline", "markPrice")
STEP_MS = 200


class Line:
    """A TCP connection that keeps what it was sent."""

    def __init__(self, ready: Ready) -> None:
        where = urlsplit(ready.rest)
        assert where.hostname is not None and where.port is not None
        self.tcp = socket.create_connection((where.hostname, where.port), timeout=20)
        self._unread = b""

    def exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            got = self.tcp.recv(1 << 16)
            assert got, "the server hung up"
            self._unread += got
        data, self._unread = self._unread[:count], self._unread[count:]
        return data

    def head(self) -> bytes:
        while b"\r\n\r\n" not in self._unread:
            got = self.tcp.recv(1 << 16)
            assert got, "the server hung up"
            self._unread += got
        return self.exactly(self._unread.index(b"\r\n\r\n") + 4)

    def reply(self) -> tuple[bytes, bytes]:
        head = self.head()
        length = next(one for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:"))
        return head, self.exactly(int(length.split(b":")[1]))


class Listener:
    """A WebSocket spoken by hand: everything after the handshake is kept as it came."""

    def __init__(self, ready: Ready, url: str) -> None:
        self.line = Line(ready)
        self.heard = bytearray()
        self._pings = 0
        key = base64.b64encode(b"0123456789abcdef").decode()
        self.line.tcp.sendall(
            f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert self.line.head().startswith(b"HTTP/1.1 101")

    def send(self, text: bytes, kind: int = 0x81) -> None:
        size = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        self.line.tcp.sendall(bytes([kind]) + size + bytes(4) + text)  # a mask of zeros changes nothing

    def say(self, **message: Any) -> None:
        """Say it, and be heard before anything else happens."""
        self.send(json.dumps(message).encode())
        self.catch_up()

    def catch_up(self) -> None:
        """Read everything that was sent by now: a ping of the protocol is answered behind it."""
        self._pings += 1
        mark = b"%d" % self._pings
        self.send(mark, 0x89)
        while True:
            frame, kind, payload = self._frame()
            if kind == 0x8A and payload == mark:
                return
            self.heard += frame

    def _frame(self) -> tuple[bytes, int, bytes]:
        head = self.line.exactly(2)
        size = head[1]
        if size >= 126:
            more = self.line.exactly(2 if size == 126 else 8)
            head, size = head + more, int.from_bytes(more)
        payload = self.line.exactly(size)
        return head + payload, head[0], payload


class Transcript(NamedTuple):
    """What a run said, byte by byte."""

    digests: list[str]
    replies: bytes
    sockets: dict[str, bytes]


class Run:
    """Somebody who drives one process in lockstep."""

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self.control_line, self.lines = Line(ready), {one.name: Line(ready) for one in ready.accounts}
        self.keys = {one.name: one for one in ready.accounts}
        self.replies = bytearray()
        self.digests: list[str] = []
        self.sockets: dict[str, Listener] = {}

    # -- time and the control API, which are not part of what is compared

    def control(self, method: str, name: str, **asked: Any) -> Any:
        body = json.dumps(asked).encode() if method == "POST" else b""
        self.control_line.tcp.sendall(
            f"{method} /_sim/{name} HTTP/1.1\r\nHost: sim\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        return json.loads(self.control_line.reply()[1])

    def advance(self, ms: int) -> None:
        for _ in range(0, ms, STEP_MS):
            self.control("POST", "clock", advance_ms=STEP_MS)
            for one in self.sockets.values():
                one.catch_up()

    def quiet(self) -> None:
        """No more market data, which would be more at once than a socket takes, and then depend on its reader."""
        self.sockets["v1"].say(event="cancel_all")
        for symbol in SYMBOLS:
            for topic in V2_TOPICS:
                self.sockets["v2"].say(topic=topic, event="cancel", params={"symbol": symbol, "klineType": "1m"})
        self.advance(STEP_MS)

    # -- clients

    def listen(self, name: str, url: str) -> Listener:
        listener = self.sockets[name] = Listener(self.ready, url)
        listener.catch_up()
        return listener

    def call(self, who: str, method: str, path: str, *, body: bytes = b"", **params: Any) -> Any:
        """A signed request; its reply, after as much of time as it takes."""
        account = self.keys[who]
        now = self.control("GET", "clock")["time"]
        query = urlencode(params | {"timestamp": now, "recvWindow": 50_000})
        kind = "application/json" if body else "application/x-www-form-urlencoded"
        before = self.control("GET", "clock")["waiting"]
        self.lines[who].tcp.sendall(
            f"{method} {path}?{query}&signature={sign(account.api_secret, query)} HTTP/1.1\r\nHost: sim\r\n"
            f"X-HK-APIKEY: {account.api_key}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        reply = self._read(who, before)
        return json.loads(reply) if reply.startswith((b"{", b"[")) else None

    def _read(self, who: str, before: int) -> bytes:
        line = self.lines[who]
        if any("latency" in one for one in self.flags):
            while self.control("GET", "clock")["waiting"] <= before:
                pass  # it has not come in yet
            self.advance(STEP_MS)
        head, body = line.reply()
        self.replies += head + body
        return body

    flags: tuple[str, ...] = ()


def subscribe(run: Run) -> None:
    v1, v2 = run.listen("v1", run.ready.ws_public), run.listen("v2", run.ready.ws_public_v2)
    for symbol in SYMBOLS:
        for topic in ("depth", "trade", "realtimes", "kline_1m", "mergedDepth"):
            v1.say(symbol=symbol, topic=topic, event="sub", params={"binary": False}, id=topic)
        v1.say(symbol=symbol, topic="diffMergedDepth", event="sub", params={"dumpScale": 1, "binary": True})
        for topic in V2_TOPICS:
            v2.say(topic=topic, event="sub", params={"symbol": symbol, "klineType": "1m"})
    v1.say(symbol="ETHUSDT-PERPETUAL", topic="markPrice", event="sub")
    v1.say(symbol="ETHUSDT", topic="index", event="sub")
    v1.say(ping=1)
    v1.send(b"nonsense")
    v1.catch_up()
    for name in ("alice", "bob"):
        key = run.call(name, "POST", "/api/v1/userDataStream")["listenKey"]
        run.listen(f"private of {name}", run.ready.ws_private.format(listenKey=key)).say(ping=name)


def spot(run: Run, who: str, side: str, price: str, number: int) -> None:
    wanted: dict[str, Any] = {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "quantity": "0.01", "price": price}
    run.call(who, "POST", "/api/v1/spot/order", newClientOrderId=f"{who}-{number}", **wanted)


def trade(run: Run, number: int) -> None:
    """Orders that rest, cross, meet each other, are refused and cancelled, of both products."""
    depth = run.call("alice", "GET", "/quote/v1/depth", symbol="BTCUSDT", limit=5)
    bid, ask = depth["b"][0][0], depth["a"][0][0]
    for who, side, price in (("alice", "BUY", bid), ("bob", "SELL", bid), ("bob", "BUY", ask), ("alice", "SELL", ask)):
        spot(run, who, side, price, number * 10 + len(price + side))
    batch = [{"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "1"}] * 2
    run.call("alice", "POST", "/api/v1/spot/batchOrders", body=json.dumps(batch).encode())
    run.call("bob", "POST", "/api/v1/spot/order", symbol="BTCUSDT", side="BUY", type="LIMIT", quantity="9", price="0")
    perpetual = run.call("bob", "GET", "/quote/v1/depth", symbol="ETHUSDT-PERPETUAL", limit=5)
    for who, side, price in (("bob", "BUY_OPEN", perpetual["a"][0][0]), ("alice", "SELL_OPEN", perpetual["b"][0][0])):
        wanted: dict[str, Any] = {"symbol": "ETHUSDT-PERPETUAL", "side": side, "type": "LIMIT", "quantity": "30"}
        run.call(who, "POST", "/api/v1/futures/order", **wanted, price=price, clientOrderId=f"{who}-f{number}")
    run.call("alice", "DELETE", "/api/v1/spot/openOrders", symbol="BTCUSDT")


def look(run: Run) -> None:
    """Everything that can be asked."""
    for who in ("alice", "bob"):
        for path in ("account", "account/vipInfo", "spot/openOrders", "account/trades", "futures/balance"):
            run.call(who, "GET", f"/api/v1/{path}")
        for path in ("futures/positions", "futures/userTrades", "futures/openOrders", "spot/tradeOrders"):
            run.call(who, "GET", f"/api/v1/{path}", symbol="ETHUSDT-PERPETUAL", type="LIMIT")
    for path in ("exchangeInfo", "time", "futures/historyFundingRate", "futures/fundingRate", "nowhere"):
        run.call("alice", "GET", f"/api/v1/{path}", symbol="ETHUSDT-PERPETUAL")
    for path in ("trades", "ticker/24hr", "ticker/bookTicker", "depth/merged", "markPrice", "index"):
        run.call("alice", "GET", f"/quote/v1/{path}", symbol="BTCUSDT", scale=0)
    run.call("alice", "GET", "/quote/v1/klines", symbol="BTCUSDT", interval="1m")


def transcript(hash_seed: str, flags: tuple[str, ...]) -> Transcript:
    with serving(*FLAGS, *flags, PYTHONHASHSEED=hash_seed) as ready, ExitStack() as stack:
        run = Run(ready)
        run.flags = flags
        for line in (run.control_line, *run.lines.values()):
            stack.callback(line.tcp.close)
        subscribe(run)
        for one in run.sockets.values():
            stack.callback(one.line.tcp.close)
        for number in range(3):
            run.advance(3 * STEP_MS)
            trade(run, number)
            run.control("POST", "clock", step=7)
            run.digests.append(run.control("GET", "digest")["digest"])
        look(run)
        run.quiet()
        run.control("POST", "clock", advance_ms=30_000)
        for one in run.sockets.values():
            one.catch_up()
        run.digests.append(run.control("GET", "digest")["digest"])
        heard = {name: bytes(one.heard) for name, one in run.sockets.items()}
        return Transcript(run.digests, bytes(run.replies), heard)


def differing(one: bytes, other: bytes) -> str:
    """Where two differ, for whoever has to find out why."""
    place = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if place is None:
        return "" if len(one) == len(other) else f"{len(one)} and {len(other)} bytes"
    around = slice(max(0, place - 150), place + 100)
    return f"at {place} of {len(one)} and {len(other)}:\n{one[around]!r}\n{other[around]!r}"


@pytest.mark.parametrize("flags", [(), LATENCY], ids=["at once", "with latency"])
def test_two_processes_say_the_same_to_the_byte(flags: tuple[str, ...]) -> None:
    with ThreadPoolExecutor(2) as both:
        one, other = both.map(lambda salt: transcript(salt, flags), ("1", "2"))
    assert differing(one.replies, other.replies) == ""
    assert list(one.sockets) == ["v1", "v2", "private of alice", "private of bob"]
    for name, heard in one.sockets.items():
        assert differing(heard, other.sockets[name]) == "", name
        assert len(heard) > 2000, name
    assert one.digests == other.digests
    assert len(set(one.digests)) == len(one.digests)
    said = list(events(one))
    assert {"executionReport", "ticketInfo", "outboundAccountInfo", "outboundContractPositionInfo"} <= set(said)
    assert b'{"ping":' in one.sockets["private of alice"], "half a minute went by"


def events(one: Transcript) -> Iterator[str]:
    for name in ("private of alice", "private of bob"):
        for part in one.sockets[name].split(b'"e":"')[1:]:
            yield part.split(b'"')[0].decode()


def test_the_recording_is_long_enough_for_this() -> None:
    span = Reader(SMALL).span
    assert span is not None and span[1] - span[0] > 20_000_000_000
