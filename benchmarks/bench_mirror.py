"""Market data in, depth messages out.

M1 and M4 are the product's own path: the venue's frame, the parser, ``Sync``, ``Exchange.handle``. M2
feeds frames that hold only changed levels through the same parser, grids and ``ChangeDepth``; HashKey
Global sends whole books only, so this is the path without ``Sync``'s comparison. M5 is what a listener of
the v2 socket is told when the book has changed.
"""

from __future__ import annotations

import importlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sortedcontainers import SortedDict

from benchmarks.moving_market import INSTRUMENT, LEVELS, MIDDLE, START_MS, Moment, moments, record
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import NANOS, Rounds, in_turns, timed
from simulator.assembly.parts import exchange_of
from simulator.config import Accounts, Market, Settings
from simulator.core.commands import ChangeDepth, ListInstrument, PlaceOrder
from simulator.core.events import Rejected
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderType, Side
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.feeds.pump import Pump
from simulator.feeds.sync import Sync
from simulator.replay.format import Reader, Record
from simulator.replay.player import Played, play
from simulator.runtime.clock import ManualClock
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.channels import Publisher
from simulator.venues.hashkey.feed import V2, DepthMessage, Pair, parse
from simulator.venues.hashkey.public_v2 import PublicV2
from simulator.venues.hashkey.sockets import Frame, StreamSwitches
from simulator.venues.hashkey.topics import EVERY_100_MS

SNAPSHOT: Final = Goal("M1", "speed from snapshot bytes to book, of json + Decimal + rebuilding", at_least=2.5)
DIFF: Final = Goal("M2", "time from diff bytes to book, of json.loads of the same bytes", at_most=4)
REPLAY: Final = Goal("M4", "speed of replay from a zstd recording, of replay from memory", at_least=0.9)
MESSAGE: Final = Goal("M5", "time of a 200x2 depth message of the live book, of orjson.dumps of a ready one", at_most=6)


def run(options: Options) -> Report:
    """All of them."""
    options.say("making the outside market")
    told = moments(options.some(8_000, 800))
    contestants: dict[str, Callable[[], float]] = {
        "snapshot to book": lambda: _snapshots(told),
        "snapshot to book, naively": lambda: _naive_snapshots(told),
        "diff to book": lambda: _diffs(told),
        "diff, json.loads only": lambda: _loads(told),
        "depth message of the live book": lambda: _messages(told),
    }
    if _orjson() is not None:
        contestants["depth message, orjson.dumps of a ready one"] = lambda: _dumps(told)
    with tempfile.TemporaryDirectory() as folder:
        recording = Reader(record(Path(folder), told))
        contestants["frame replayed from a recording"] = lambda: _replay(play(recording), len(told))
        contestants["frame replayed from memory"] = lambda: _replay(iter(_in_memory(told)), len(told))
        rounds = in_turns(contestants, options.rounds, options.say)
    return _report(rounds, told)


def _report(rounds: Rounds, told: Sequence[Moment]) -> Report:
    sizes = f"snapshots {len(told[-1].snapshot)} bytes, diffs {sum(len(one.diff) for one in told) // len(told)} bytes"
    rows = [[name, f"{rounds.cost(name) * 1e6:.1f}"] for name in rounds.costs]
    report = Report(tables=[Table(f"Mirror, CPU microseconds per message ({sizes})", ["work", "us"], rows)])
    report.judge(SNAPSHOT, rounds.speed("snapshot to book", "snapshot to book, naively"))
    report.judge(DIFF, rounds.slowness("diff to book", "diff, json.loads only"))
    report.judge(REPLAY, rounds.speed("frame replayed from a recording", "frame replayed from memory"))
    live, ready = "depth message of the live book", "depth message, orjson.dumps of a ready one"
    report.judge(MESSAGE, rounds.slowness(live, ready) if ready in rounds else None, "orjson is not installed")
    return report


def _mirror() -> Exchange:
    exchange = Exchange()
    exchange.handle(0, ListInstrument(INSTRUMENT))
    return exchange


def _same_time(ms: Millis) -> Nanos:
    return ms * NANOS_PER_MILLI


def _snapshots(told: Sequence[Moment]) -> float:
    exchange, sync = _mirror(), Sync(INSTRUMENT)

    def work() -> None:
        now = _same_time(START_MS)
        for one in told:
            now += NANOS_PER_MILLI
            for message in parse(V2, one.snapshot):
                for command in sync.commands(message, _same_time):
                    exchange.handle(now, command)

    seconds = timed(work)
    _same_as_last(exchange, told)
    return seconds / len(told)


def _same_as_last(exchange: Exchange, told: Sequence[Moment]) -> None:
    """The mirror shows what the last message said, or its speed means nothing."""
    data = json.loads(told[-1].snapshot)["data"]
    market = exchange.state.markets[INSTRUMENT.symbol]
    for side, pairs in ((Side.BUY, data["b"]), (Side.SELL, data["a"])):
        assert list(market.levels(side)) == _steps(pairs)


def _steps(pairs: Iterable[Pair]) -> list[tuple[int, int]]:
    price, size = INSTRUMENT.price_grid.parse, INSTRUMENT.qty_grid.parse
    return [(price(p), size(q)) for p, q in pairs]


def _naive_snapshots(told: Sequence[Moment]) -> float:
    """As one would write it first: parse, convert every number, build the book anew."""

    def work() -> None:
        for one in told:
            data = json.loads(one.snapshot)["data"]
            bids = SortedDict({-Decimal(p): Decimal(q) for p, q in data["b"]})
            asks = SortedDict({Decimal(p): Decimal(q) for p, q in data["a"]})
            assert bids and asks

    return timed(work) / len(told)


def _diffs(told: Sequence[Moment]) -> float:
    exchange = _mirror()

    def work(told: Iterable[Moment]) -> None:
        now = _same_time(START_MS)
        for one in told:
            now += NANOS_PER_MILLI
            for message in parse(V2, one.diff):
                assert isinstance(message, DepthMessage)
                bids, asks = tuple(_steps(message.bids)), tuple(_steps(message.asks))
                exchange.handle(now, ChangeDepth(message.symbol, _same_time(message.ts_ms), bids, asks))

    work(told[:1])
    seconds = timed(lambda: work(told[1:]))
    _same_as_last(exchange, told)
    return seconds / (len(told) - 1)


def _loads(told: Sequence[Moment]) -> float:
    def work() -> None:
        for one in told[1:]:
            json.loads(one.diff)

    return timed(work) / (len(told) - 1)


def _in_memory(told: Sequence[Moment]) -> list[Played]:
    return [Played(_same_time(one.ts_ms), 0, 0, Record(_same_time(one.ts_ms), V2, one.snapshot)) for one in told]


def _replay(frames: Iterable[Played], count: int) -> float:
    """The whole way of a recording: player, pump, runner, exchange."""
    exchange = _mirror()
    runner = Runner(exchange, ManualClock(_same_time(START_MS)))

    def work() -> None:
        runner.source = Pump(iter(frames), {INSTRUMENT.symbol: INSTRUMENT}, lambda ts: ts)
        played = runner.play(2**63)
        assert played == count

    return timed(work) / count


def _messages(told: Sequence[Moment]) -> float:
    """What the v2 socket's ``depth`` says after every change of the book; the change itself is not counted."""
    accounts = Accounts(account=("maker:BTC=1000,USDT=100000000",))
    parts = exchange_of(Settings(market=Market(empty=True, symbols=(INSTRUMENT.symbol,)), accounts=accounts))
    runner, desk, outlet = parts.runner, parts.desk, _Kept()
    publisher = Publisher(desk.state, desk.tapes, desk.perpetuals)
    now = runner.now() // EVERY_100_MS * EVERY_100_MS
    session = PublicV2(publisher, outlet, StreamSwitches(), wall=0)
    session.received(b'{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}', now)
    sync, spent, sent = Sync(INSTRUMENT), 0, 0
    for number, one in enumerate(told):
        for message in parse(V2, one.snapshot):
            for command in sync.commands(message, _same_time):
                runner.do(command)
        if not number:
            _rest_some(runner)
        now += EVERY_100_MS
        start = time.process_time_ns()
        publisher.tick(now)
        spent += time.process_time_ns() - start
        sent += len(json.loads(outlet.frames.pop().payload)["data"]["b"]) == LEVELS
    assert sent == len(told)
    return spent / NANOS / sent


class _Kept:
    """An outlet that keeps its frames."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def send(self, frame: Frame) -> None:
        """Keep it."""
        self.frames.append(frame)


def _rest_some(runner: Runner) -> None:
    """Own orders among the mirrored levels, so that the two must be joined."""
    for distance in range(1, 21):
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            price = MIDDLE + sign * distance * 55
            command = PlaceOrder("maker", INSTRUMENT.symbol, side, OrderType.LIMIT, 10_000, price, "")
            events = runner.do(command)
            assert not isinstance(events[0], Rejected), events


def _dumps(told: Sequence[Moment]) -> float:
    dumps = _orjson()
    ready = json.loads(told[-1].snapshot)["data"]
    count = len(told)

    def work() -> None:
        for _ in range(count):
            dumps(ready)

    return timed(work) / count


def _orjson() -> Any:
    try:
        return importlib.import_module("orjson").dumps
    except ImportError:
        return None
