"""WebSockets: what a message to many costs, what an idle subscriber costs, how soon a fill is known.

The servers tell a 200x2 book ten times a second, as the venue's v2 socket does. What one more listener
costs is the difference between a hundred listeners and one, so making the book is not counted. W3 is the
outbox alone, over a real socket.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.client import limit_order, listen_url
from benchmarks.moving_market import INSTRUMENT, moments, record
from benchmarks.processes import CLIENT_CORE, Started, can_measure_processes, plain, simulator
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.sockets import Discarding, RawSocket, on_core
from benchmarks.timing import NANOS, Ratio, Rounds, in_turns
from simulator.server.outbox import Outbox, Turn
from simulator.venues.hashkey.sockets import Frame

FAN_OUT_RAW: Final = Goal("W1", "CPU per delivered message at 100 listeners, of a raw prebuilt frame's", at_most=1.5)
FAN_OUT: Final = Goal("W1", "CPU per delivered message at 100 listeners, of websockets.broadcast's", at_most=1)
MEMORY: Final = Goal("W2", "memory of an idle subscriber, of a bare aiohttp WebSocket's", at_most=1.5)
TEN: Final = Goal("W3", "ten small events in one turn to one client, of one event", at_most=2)
FILL: Final = Goal("L1", "median time from order to fill event, of a TCP echo's", at_most=2.5)
FILL_TAIL: Final = Goal("L1", "99th percentile of that time, of its own median", at_most=4)

OURS, RAW, WEBSOCKETS = "this simulator", "raw protocol", "websockets.broadcast"
DEPTH: Final = '{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}'
WARM_UP: Final = 500
ECHO_BYTES: Final = 300


def run(options: Options) -> Report:
    """All of them."""
    report = Report()
    if can_measure_processes():
        with on_core(CLIENT_CORE):
            _fan_out(report, options)
            _memory(report, options)
            _fills(report, options)
    else:
        for goal in (FAN_OUT_RAW, FAN_OUT, MEMORY, FILL, FILL_TAIL):
            report.judge(goal, None, "needs Linux's /proc")
    _ten_at_once(report, options)
    return report


def _fan_out(report: Report, options: Options) -> None:
    seconds = options.some(3, 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        moving = str(record(folder, moments(600)))
        ours: Started = stack.enter_context(simulator("--replay", moving, "--loop", "--no-idle-close"))
        raw: Started = stack.enter_context(plain("raw-broadcast"))
        library: Started = stack.enter_context(plain("websockets-broadcast"))
        contestants: dict[str, Callable[[], float]] = {
            OURS: lambda: _per_listener(ours, ours.ready["ws_public_v2"], DEPTH, seconds),
            RAW: lambda: _per_listener(raw, f"ws://127.0.0.1:{raw.ready['port']}/", "", seconds),
            WEBSOCKETS: lambda: _per_listener(library, f"ws://127.0.0.1:{library.ready['port']}/", "", seconds),
        }
        rounds = in_turns(contestants, options.rounds, lambda text: options.say(f"fan-out, {text}"))
    rows = [[name, f"{rounds.cost(name) * 1e6:.1f}"] for name in contestants]
    report.tables.append(Table("A 200x2 book to 100 listeners", ["server", "CPU us per delivered message"], rows))
    report.judge(FAN_OUT_RAW, rounds.slowness(OURS, RAW))
    report.judge(FAN_OUT, rounds.slowness(OURS, WEBSOCKETS))


def _per_listener(server: Started, url: str, words: str, seconds: float) -> float:
    """CPU seconds that one more delivered message costs."""
    (one_cpu, one_heard), (many_cpu, many_heard) = (
        _heard(server, [url] * listeners, words, seconds) for listeners in (1, 100)
    )
    assert many_heard > one_heard * 50, f"{url}: a hundred listeners heard {many_heard} messages, one {one_heard}"
    return (many_cpu - one_cpu) / (many_heard - one_heard)


def _heard(server: Started, urls: Sequence[str], words: str, seconds: float) -> tuple[float, int]:
    with Discarding(urls, words) as listening:
        while listening.received < 2 * len(urls):
            time.sleep(0.01)
        cpu, heard = server.cpu_seconds(), listening.received
        time.sleep(seconds)
        return server.cpu_seconds() - cpu, listening.received - heard


def _memory(report: Report, options: Options) -> None:
    count = options.some(1000, 200)
    contestants: dict[str, Callable[[], float]] = {
        OURS: lambda: _bytes_each(
            simulator("--empty", "--symbols", INSTRUMENT.symbol, "--no-idle-close"),
            lambda ready: str(ready["ws_public_v2"]),
            DEPTH,
            count,
        ),
        "aiohttp": lambda: _bytes_each(plain("hello"), lambda ready: f"ws://127.0.0.1:{ready['port']}/ws", "", count),
    }
    rounds = in_turns(contestants, min(options.rounds, 3), lambda text: options.say(f"memory, {text}"))
    rows = [[name, f"{rounds.cost(name) / 1000:.1f}"] for name in contestants]
    report.tables.append(Table(f"{count} idle subscribers", ["server", "kB each"], rows))
    report.judge(MEMORY, rounds.slowness(OURS, "aiohttp"))


def _bytes_each(starting: Any, url: Callable[[dict[str, Any]], str], words: str, count: int) -> float:
    with starting as server:
        address = url(server.ready)
        with Discarding([address] * 20, words):
            before = server.resident_bytes()
            with Discarding([address] * count, words):
                time.sleep(1)
                return float(server.resident_bytes() - before) / count


def _fills(report: Report, options: Options) -> None:
    count = WARM_UP + options.some(20_000, 1_500)
    fills: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        still = str(record(folder, moments(1)))
        rich = ("--account", "taker:USDT=1000000000")
        ours: Started = stack.enter_context(simulator("--replay", still, "--no-loop", *rich))
        echo: Started = stack.enter_context(plain("echo"))
        each = count // options.rounds
        contestants: dict[str, Callable[[], float]] = {
            "fill event": lambda: _middle(fills, "fill event", _order_to_fill(ours, each)),
            "TCP echo": lambda: _middle(fills, "TCP echo", _echoed(echo.ready["port"], each)),
        }
        rounds = in_turns(contestants, options.rounds, lambda text: options.say(f"latency, {text}"))
    rows = [[name, f"{_at(many, 0.5) * 1e6:.0f}", f"{_at(many, 0.99) * 1e6:.0f}"] for name, many in fills.items()]
    report.tables.append(Table("One client, one order at a time", ["until", "p50 us", "p99 us"], rows))
    report.judge(FILL, rounds.slowness("fill event", "TCP echo"))
    report.judge(FILL_TAIL, Ratio.of([_at(fills["fill event"], 0.99) / _at(fills["fill event"], 0.5)]))


def _middle(kept: dict[str, list[float]], name: str, times: list[float]) -> float:
    kept.setdefault(name, []).extend(times)
    return _at(times, 0.5)


def _at(times: list[float], share: float) -> float:
    return sorted(times)[int(len(times) * share)]


def _order_to_fill(server: Started, count: int) -> list[float]:
    """Seconds from the first byte of an order to the event that says it is filled."""
    private = RawSocket(listen_url(server.ready))
    host, port = server.ready["rest"].removeprefix("http://").split(":")
    times = []
    with socket.create_connection((host, int(port))) as http:
        http.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(WARM_UP + count):
            order = limit_order(server.ready["accounts"][0], "BUY", "60500", qty="0.00002").raw(f"{host}:{port}")
            start = time.perf_counter_ns()
            http.sendall(order)
            while not any(b'"FILLED"' in payload for payload in private.read()):
                pass
            if number >= WARM_UP:
                times.append((time.perf_counter_ns() - start) / NANOS)
            answer = http.recv(65_536)
            assert b'"FILLED"' in answer, answer
    private.close()
    return times


def _echoed(port: int, count: int) -> list[float]:
    times, text = [], b"x" * ECHO_BYTES
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(WARM_UP + count):
            start = time.perf_counter_ns()
            tcp.sendall(text)
            got = 0
            while got < len(text):
                got += len(tcp.recv(4096))
            if number >= WARM_UP:
                times.append((time.perf_counter_ns() - start) / NANOS)
    return times


def _ten_at_once(report: Report, options: Options) -> None:
    turns = options.some(20_000, 4_000)
    contestants: dict[str, Callable[[], float]] = {
        f"{count} at once": partial(_turn, count, turns) for count in (0, 1, 10)
    }
    rounds = in_turns(contestants, options.rounds, lambda text: options.say(f"outbox, {text}"))
    # A turn of the event loop costs something even when nothing is sent in it.
    net = Rounds(
        {
            name: [cost - empty for cost, empty in zip(rounds.costs[name], rounds.costs["0 at once"], strict=True)]
            for name in ("1 at once", "10 at once")
        }
    )
    rows = [[name, f"{net.cost(name) * 1e6:.1f}"] for name in net.costs]
    report.tables.append(Table("Small events to one client", ["events", "CPU us per turn"], rows))
    report.judge(TEN, net.slowness("10 at once", "1 at once"))


def _turn(count: int, turns: int) -> float:
    return asyncio.run(_turns(count, turns))


async def _turns(count: int, turns: int) -> float:
    """CPU seconds of one turn of the loop in which so many events of 300 bytes are sent to one client."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    outbox, payload = Outbox(transport, Turn()), b"x" * ECHO_BYTES
    spent = 0
    for _ in range(turns):
        start = time.process_time_ns()
        for _ in range(count):
            outbox.send(Frame(payload))
        await asyncio.sleep(0)
        spent += time.process_time_ns() - start
        if count:
            theirs.recv(1 << 16)
    transport.close()
    theirs.close()
    return spent / NANOS / turns
