"""Recording over real sockets: a simulator records a simulator, and what it recorded plays like the original."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from simulator.app import running
from simulator.assembly.mirroring import rest_of
from simulator.assembly.parts import exchange_of
from simulator.assembly.replaying import Replay
from simulator.assembly.tape import Tape
from simulator.cli import main
from simulator.config import Settings, build, gather
from simulator.core.commands import ReplaceDepth
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_SECOND
from simulator.feeds.client import Direction as Way
from simulator.record import _session
from simulator.replay.format import Direction, Reader
from simulator.replay.inspect import summarize
from simulator.replay.recorder import Recorder, Rotation
from simulator.venues.hashkey.books import DEPTH_LEVELS, top
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.feed import V1, V2, DepthMessage, parse
from tests.relay import Relay, relaying
from tests.serving import CHECKOUT, READY_WITHIN_S, Ready, serving
from tests.waiting import until

SMALL = CHECKOUT / "replay_data" / "small.hkrec"
SYMBOLS = ("BTCUSDT", "BTCUSDT-PERPETUAL")
WITHIN_S = 20.0

Shown = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Ready]:
    """The venue: a simulator that plays a recording, round and round."""
    with serving("--replay", str(SMALL)) as ready:
        yield ready


def sides(venue: Ready) -> dict[str, str]:
    return {"upstream_rest": venue.rest, "upstream_ws": venue.ws_public.removesuffix(V1)}


def flags(venue: Ready) -> list[str]:
    return [f"--{name.replace('_', '-')}={url}" for name, url in sides(venue).items()]


@contextmanager
def recording(venue: Ready, out: Path, *more: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "simulator", "record", "--symbols", ",".join(SYMBOLS), "--out", str(out)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HASHKEY_SIM_")}
    with subprocess.Popen(
        [*command, *flags(venue), "--json", *more],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        **({"stderr": subprocess.PIPE} | options),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait(true: Callable[[], bool], what: str) -> None:
    """For something that another process does."""
    end = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < end, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.02)


def holds(path: Path, books: int) -> bool:
    """Whether there is a recording with so many books in it already."""
    if not path.exists() or path.stat().st_size < 100:
        return False
    return sum(isinstance(one, DepthMessage) for one in messages(path)) >= books


def messages(path: Path) -> list[Any]:
    frames = Reader(path).records()
    return [one for frame in frames if frame.direction is Direction.IN for one in parse(frame.connection, frame.data)]


def books(path: Path, symbol: str) -> list[Shown]:
    """The books of a symbol in their order; one that is repeated counts once."""
    found = [
        (tuple(one.bids), tuple(one.asks))
        for frame in Reader(path).records()
        if frame.connection == V2 and frame.direction is Direction.IN
        for one in parse(frame.connection, frame.data)
        if isinstance(one, DepthMessage) and one.symbol == symbol
    ]
    return [book for book, _ in groupby(found)]


def settings(**flags: object) -> Settings:
    return build(gather(None, {}, flags))


def played(path: Path, symbol: str) -> list[Shown]:
    """The composite books that an exchange shows while it plays a recording."""
    parts = exchange_of(settings(replay=str(path), clock="recorded", speed="max"))
    runner, market = parts.runner, parts.desk.state.markets[symbol]
    price, size = market.instrument.price_grid.text, market.instrument.qty_grid.text
    found = []
    while (due := runner.source.due() if runner.source else None) is not None:
        runner.play(due, 1)
        sides = [tuple((price(p), size(q)) for p, q in top(market, side, DEPTH_LEVELS)) for side in Side]
        found.append((sides[0], sides[1]))
    return [book for book, _ in groupby(found) if book != ((), ())]


def check_played(path: Path, symbol: str) -> None:
    """An exchange that plays a recording shows every book of its socket in order, and none that is not in it.

    A book asked for over REST may come between two of the socket's.
    """
    shown = played(path, symbol)
    in_order = iter(shown)
    assert all(book in in_order for book in books(path, symbol))
    assert set(shown) <= {
        (tuple(one.bids), tuple(one.asks))
        for one in messages(path)
        if isinstance(one, DepthMessage) and one.symbol == symbol
    }


def check_entered_in_the_middle(path: Path) -> None:
    """What a recorder asks for itself, such as the venue's time, does not disturb who jumps into the recording."""
    recording = Reader(path)
    assert recording.span is not None
    middle = sum(recording.span) // 2
    instruments = Catalogue(recording.header.exchange_info).instruments(SYMBOLS)
    told = Replay(recording, instruments, start=None, loop=False).seek(middle, middle)
    assert {one.symbol for one in told if isinstance(one, ReplaceDepth)} == set(SYMBOLS)


# ---- the whole way


def test_a_recording_of_a_replay_plays_the_same_books(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "again.hkrec"
    with recording(upstream, path, "--for", "4") as process:
        out, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["files"] == [str(path)]
    assert (told["failure"], told["lost"], told["gap_count"]) == ("", 0, 0)
    assert told["records"] == Reader(path).count
    assert told["file_bytes"] == path.stat().st_size
    assert abs(told["clock_offset_ns"]) < 1_000_000_000
    for symbol in SYMBOLS:
        recorded, original = books(path, symbol), books(SMALL, symbol)
        assert len(recorded) > 10
        # The replay loops, so the recorded books may run over its end; those that come later stand behind.
        begin = original.index(recorded[0])
        turned = iter(original[begin:] + original)
        assert all(book in turned for book in recorded), "each is the original's, in the original's order"
        check_played(path, symbol)
    check_entered_in_the_middle(path)


def test_what_is_recorded_names_its_venue_its_clock_and_its_rows(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    with recording(upstream, path) as process:
        wait(lambda: holds(path, 2), "two books")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, err
    reader = Reader(path)
    assert reader.torn == 0
    assert reader.header.symbols == SYMBOLS
    rows = reader.header.exchange_info
    assert [row["symbol"] for row in (*rows["symbols"], *rows["contracts"])] == list(SYMBOLS)
    assert [coin["coinId"] for coin in rows["coins"]] == ["BTC", "USDT"]
    assert upstream.rest in reader.header.origin
    assert reader.header.created_by.startswith("hashkey-sim 0")
    frames = list(reader.records())
    asked = [one.connection.partition("?")[0] for one in frames if one.connection.startswith("/api/")]
    assert asked[:4] == ["/api/v1/time"] * 3 + ["/api/v1/exchangeInfo"]
    assert "/api/v1/futures/fundingRate" in asked
    said = [one.data for one in frames if one.direction is Direction.OUT and one.connection == V2]
    assert b'{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}' in said


async def test_the_venues_clock_is_measured_against_ours(tmp_path: Path) -> None:
    """An exchange that lives in a recording of 2024."""
    venue = settings(replay=str(SMALL), clock="recorded", port=0)
    async with running(venue) as sim:
        chosen = settings(upstream_rest=sim.ready.rest)
        tape = Tape(chosen, tmp_path / "a.hkrec", ["BTCUSDT"], rest_of(chosen))
        info = await tape.open()
        expected = sim.parts.runner.now() - time.time_ns()
    tape.begin(Catalogue(json.loads(info)))
    tape.recorder.close()
    assert expected < -365 * 86_400 * NANOS_PER_SECOND
    assert abs(Reader(tmp_path / "a.hkrec").header.clock_offset_ns - expected) < NANOS_PER_SECOND


# ---- ends


def test_somebody_who_looks_sees_how_it_goes(upstream: Ready, tmp_path: Path) -> None:
    """On a terminal."""
    ours, its = pty.openpty()
    with recording(upstream, tmp_path / "a.hkrec", stderr=its) as process:
        os.close(its)
        said = ""
        while "messages (" not in said:
            said += os.read(ours, 1000).decode()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WITHIN_S)
    os.close(ours)
    assert process.returncode == 0, said
    assert re.search(r"\r00:00:0\d  [1-9][0-9,]* messages \([1-9][0-9,]*/s\)  0\.\d MB  0 gaps\x1b\[K", said)
    assert re.search(r"\r\S+/quote/ws/v2 is connected\x1b\[K\r\n", said), "the log does not run into the line"


def test_sigterm_ends_with_a_whole_file_which_is_numbered_when_more_may_come(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a-0001.hkrec"
    with recording(upstream, tmp_path / "a.hkrec", "--rotate-mb", "1") as process:
        wait(lambda: holds(path, 1), "a book")
        process.terminate()
        out, err = process.communicate(timeout=5)
    assert process.returncode == 0, err
    assert json.loads(out)["files"] == [str(path)]
    assert json.loads(out)["records"] == Reader(path).count
    assert Reader(path).torn == 0
    assert err.startswith("recording BTCUSDT, BTCUSDT-PERPETUAL from ws://127.0.0.1:")
    assert "\r" not in err, "no progress where nobody looks"


def test_rotation_is_set_in_megabytes_and_minutes(tmp_path: Path) -> None:
    chosen = settings(rotate_mb=2, rotate_minutes=3)
    tape = Tape(chosen, tmp_path / "a.hkrec", ["BTCUSDT"], rest_of(chosen))
    assert tape.recorder._rotation == Rotation(2_000_000, 180 * NANOS_PER_SECOND)


def test_kill_leaves_what_was_recorded_until_a_second_before(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    with recording(upstream, path) as process:
        wait(lambda: holds(path, 10), "ten books")
        killed = time.time_ns()
        process.kill()
        process.communicate(timeout=WITHIN_S)
    assert process.returncode == -signal.SIGKILL
    told = summarize(path)
    assert told.records == len(list(Reader(path).records())) > 10
    assert told.last_ns is not None
    assert killed - told.last_ns < 3_000_000_000
    for symbol in SYMBOLS:
        check_played(path, symbol)


def test_a_disk_that_is_full_ends_the_command_with_one_line_and_status_one(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    with recording(upstream, path, preexec_fn=small_files) as process:
        out, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1, err
    assert f"hashkey-sim: cannot write {path}: File too large" in err
    assert json.loads(out)["failure"] == f"cannot write {path}: File too large"
    assert (Reader(path).torn, Reader(path).count) == (0, json.loads(out)["records"])


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))


# ---- refusals


@pytest.mark.parametrize(
    ("more", "status", "line"),
    [
        ((), 2, "a.hkrec is there already; a recording is never written over"),
        (("--out", "nowhere/a.hkrec"), 2, "there is no folder nowhere"),
        (("--symbols", ""), 2, "record needs --symbols A,B"),
        (
            ("--symbols", "BTCUSDT,DOGEUSDT", "--out", "{}/b"),
            2,
            "the venue has no symbol DOGEUSDT to record; it has BTC",
        ),
        (("--upstream-rest", "http://127.0.0.1:1", "--out", "{}/b"), 1, "the venue does not answer as it should"),
        (("--upstream-rest", "https://api-glb.hashkey.com", "--out", "{}/b"), 2, "name both or none"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_and_leaves_no_file(
    upstream: Ready,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    status: int,
    line: str,
) -> None:
    (tmp_path / "a.hkrec").write_bytes(b"precious")
    argv = ["record", "--symbols", "BTCUSDT", "--out", str(tmp_path / "a.hkrec"), *flags(upstream)]
    code = main([*argv, *(one.format(tmp_path) for one in more)])
    err = capsys.readouterr().err
    assert (code, err.count("\n")) == (status, 1), err
    assert line in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.hkrec"]
    assert (tmp_path / "a.hkrec").read_bytes() == b"precious"


# ---- what goes wrong on the way


@asynccontextmanager
async def recording_through(relay: Relay, venue: Ready, out: Path) -> AsyncIterator[Recorder]:
    """The command's session in this process, with a relay before the venue's sockets."""
    chosen = settings(symbols="BTCUSDT", stale_after=1.0, upstream_rest=venue.rest, upstream_ws=relay.url)
    tape = Tape(chosen, out, ["BTCUSDT"], rest_of(chosen))
    session = asyncio.create_task(_session(chosen, tape))
    try:
        yield tape.recorder
    finally:
        session.cancel()
        await asyncio.wait([session])
        tape.recorder.close()


async def test_a_connection_that_was_lost_is_a_gap(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    async with (
        relaying(sides(upstream)["upstream_ws"]) as relay,
        recording_through(relay, upstream, path) as recorder,
    ):
        await until(lambda: recorder.told.received > 20)
        relay.cut()
        await until(lambda: recorder.gaps.count["reconnect"])
        seen = recorder.told.received
        await until(lambda: recorder.told.received > seen + 20)
    told = summarize(path)
    assert told.gap_kinds == {"silence": 0, "reconnect": 1, "sequence": 0}
    assert (told.gaps[0].where, told.gaps) == (V2, recorder.gaps.listed)
    assert 0 < told.gaps[0].to_ns - told.gaps[0].from_ns < WITHIN_S * NANOS_PER_SECOND
    check_played(path, "BTCUSDT")


async def test_garbage_is_recorded_as_it_came(upstream: Ready, tmp_path: Path) -> None:
    path, garbage = tmp_path / "a.hkrec", b'{"topic":"depth",\\\n\t\xc3\xa9'
    async with (
        relaying(sides(upstream)["upstream_ws"]) as relay,
        recording_through(relay, upstream, path) as recorder,
    ):
        relay.twist = lambda frame: (garbage, frame)
        await until(lambda: recorder.told.received > 30)
    came = [one.data for one in Reader(path).records() if one.connection == V2 and one.direction is Direction.IN]
    assert len(came) > 10
    assert set(came[::2]) == {garbage}
    assert garbage not in came[1::2]


# ---- beside an exchange


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=READY_WITHIN_S) as reply:
        return json.load(reply)


async def test_serve_live_records_what_it_mirrors_until_its_last_moment(
    upstream: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the end brings anything into the file here."""
    monkeypatch.setattr("simulator.assembly.tape._FLUSH_S", 3600.0)
    monkeypatch.setattr("simulator.replay.recorder.FLUSH_NS", 2**62)
    path = tmp_path / "a.hkrec"
    chosen = settings(live=True, symbols="BTCUSDT", record=str(path), port=0, **sides(upstream))
    async with running(chosen) as sim:
        market = sim.parts.desk.state.markets["BTCUSDT"]
        await until(lambda: not market.mirror.stale and market.version > 10 and path.exists())
        assert Reader(path).count == 0
    header = Reader(path).header
    assert header.symbols == ("BTCUSDT",)
    assert [row["symbol"] for row in header.exchange_info["symbols"]] == ["BTCUSDT"]
    assert books(path, "BTCUSDT")
    check_played(path, "BTCUSDT")


async def test_what_came_last_before_a_silence_is_in_the_file_soon(tmp_path: Path) -> None:
    chosen = settings()
    tape = Tape(chosen, tmp_path / "a.hkrec", ["BTCUSDT"], rest_of(chosen))
    tape.begin(Catalogue.bundled())
    tape.record(V2, b"{}", Way.IN, 1)
    flushing = asyncio.create_task(tape.keep_flushed())
    await until(lambda: Reader(tmp_path / "a.hkrec").count == 1)
    flushing.cancel()
    tape.recorder.close()


def test_an_exchange_goes_on_when_its_recording_cannot(upstream: Ready, tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    path.with_name("limits.py").write_text(
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))\n"
        "runpy.run_module('simulator', run_name='__main__')\n"
    )
    command = [sys.executable, str(tmp_path / "limits.py"), "serve", "--json", "--port", "0", "--live"]
    with subprocess.Popen(
        [*command, *flags(upstream), "--symbols", "BTCUSDT", "--record", str(path)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            ready = json.loads(process.stdout.readline())
            ended = next(line for line in process.stderr if "recording" in line)
            assert f"the recording has ended: cannot write {path}: File too large" in ended
            before = get(ready["rest"] + "/quote/v1/depth?symbol=BTCUSDT")
            wait(lambda: get(ready["rest"] + "/quote/v1/depth?symbol=BTCUSDT")["t"] > before["t"], "another book")
            process.terminate()
            _, err = process.communicate(timeout=5)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert Reader(path).torn == 0
