"""The command line as people and scripts meet it: what it prints, what it refuses, with which status."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.cli import main
from tests.serving import serving

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "replay_data" / "small.hkrec"

LIVE_ALONE = ("--live", "--upstream-rest", "http://127.0.0.1:9", "--upstream-ws", "ws://127.0.0.1:9")
"""Nobody listens on the discard port."""


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    try:
        status = main(argv)
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@contextmanager
def busy_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("argv", "status", "line"),
    [
        ([], 2, "COMMAND"),
        (["dance"], 2, "invalid choice"),
        (["serve", "--no-such-flag"], 2, "unrecognized arguments"),
        (["serve", "--port", "99999"], 2, "flag --port: port needs a port from 0 to 65535"),
        (["serve", "--speed", "quick"], 2, "flag --speed"),
        (["serve", "--speed", "max"], 2, "speed max needs --clock recorded"),
        (["serve", "--empty", "--clock", "recorded"], 2, "clock recorded needs a recording"),
        (["serve", "--symbols", "DOGEUSDT"], 2, "no symbol DOGEUSDT to trade; it has BTCUSDT"),
        (["serve", "--queue", "pesimistic"], 2, "queue: no queue model is called 'pesimistic'"),
        (["serve", "--queue", "pesimistic"], 2, "did you mean pessimistic?"),
        (
            ["serve", "--residual", "BTCUSDT=stick"],
            2,
            "there are difference, none, sticky, reset; did you mean sticky?",
        ),
        (["serve", "--residual", "BTCUSD=none"], 2, "residual: no symbol BTCUSD is traded; did you mean BTCUSDT?"),
        (["serve", "--replay", "nowhere.hkrec"], 2, "there is no recording nowhere.hkrec"),
        (["serve", "--replay", str(ROOT / "README.md")], 1, "README.md"),
        (["serve", "--config", "nowhere.toml"], 2, "cannot read nowhere.toml"),
        (["serve", "--account", "bob"], 0, ""),
        (["serve", "--account", "bob:USDT"], 2, "'USDT' is not ASSET=QTY"),
        (["serve", "--account", "bob:USDT=-1"], 2, "is not ASSET=QTY"),
        (["serve", "--account", "#fees:USDT=1"], 2, "account needs NAME:ASSET=QTY"),
        (["serve", "--account", "bob/savings:USDT=1"], 2, "account needs NAME:ASSET=QTY"),
        (["serve", "--live", "--replay", str(SMALL)], 2, "--live mirrors the venue as it is now: leave --replay away"),
        (["serve", "--live", "--empty"], 2, "leave --empty away"),
        (["serve", "--live", "--speed", "2"], 2, "leave --speed away"),
        (["serve", "--live", "--speed", "max"], 2, "leave --speed away"),
        (["serve", "--live", "--clock", "recorded"], 2, "leave --clock away"),
        (["serve", "--live", "--upstream-rest", "127.0.0.1:1"], 2, "needs a URL that begins with http:// or https://"),
        (["serve", "--live", "--upstream-ws", "http://x"], 2, "needs a URL that begins with ws:// or wss://"),
        (["serve", "--live", "--upstream-ws", "ws://127.0.0.1:9"], 2, "two sides of one venue: name both or none"),
        (["serve", *LIVE_ALONE, "--symbols", "NOPE"], 2, "the market has no symbol NOPE to trade; it has BTCUSDT"),
        (["demo", "--live"], 2, "the demo trades on a recorded market"),
        (["demo", "--empty"], 2, "the demo trades on a recorded market"),
        (["import", "nowhere.jsonl", "--out", "x"], 2, "there is no file nowhere.jsonl"),
        (["import", str(ROOT / "README.md"), "--out", "x", "--map", "BTC"], 2, "--map needs FROM=TO"),
        (["import", str(ROOT / "README.md"), "--out", "/nowhere/x"], 1, "README.md"),
        (["inspect", "nowhere.hkrec"], 2, "there is no file nowhere.hkrec"),
        (["inspect", str(ROOT / "README.md")], 1, "README.md"),
        (["inspect", str(SMALL), "--gap", "0"], 2, "--gap needs a number of seconds"),
        (["serve", "--record", "x.hkrec"], 2, "--record keeps what a live market says: it goes with --live"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: list[str], status: int, line: str
) -> None:
    if not status:
        argv += ["--replay", str(SMALL), "--port", "0", "--for", "0.01"]
    code, _, err = said(capsys, *argv)
    assert code == status, err
    assert line in err
    assert "Traceback" not in err
    own = [one for one in err.splitlines() if one.startswith("hashkey-sim:")]
    assert len(own) <= 1


def test_a_busy_port_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with busy_port() as port:
        code, _, err = said(capsys, "serve", "--replay", str(SMALL), "--port", str(port))
    assert code == 1
    assert err.startswith(f"hashkey-sim: cannot listen on 127.0.0.1:{port}: ") and err.count("\n") == 1


def test_serve_prints_one_ready_line_and_stops_on_a_signal() -> None:
    with serving("--replay", str(SMALL)) as ready:
        assert ready.symbols == ["BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"]
        with urllib.request.urlopen(ready.rest + "/api/v1/ping") as reply:
            assert (reply.status, reply.read()) == (200, b"{}")
        for name in ("health", "state", "digest"):
            with urllib.request.urlopen(f"{ready.control}/{name}") as reply:
                assert json.load(reply)
        with urllib.request.urlopen(ready.page) as reply:
            assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
            assert b"hashkey-simulator" in reply.read()


def test_ctrl_c_is_a_clean_stop_too() -> None:
    command = [sys.executable, "-m", "simulator", "serve", "--empty", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HASHKEY_SIM_")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("hashkey-simulator 0.1.0 is serving BTCUSDT, ETHUSDT")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, "")


def test_inspect_tells_what_a_recording_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "inspect", str(SMALL), "--json")
    assert code == 0
    assert "BTCUSDT" in json.loads(out)["symbols"]
    code, out, _ = said(capsys, "inspect", str(SMALL))
    assert code == 0 and "BTCUSDT" in out
    code, out, _ = said(capsys, "inspect", str(SMALL), "--gap", "0.05", "--json")
    told = json.loads(out)
    assert code == 0 and told["gap_limit_ns"] == 50_000_000
    assert told["gap_kinds"]["silence"] == told["gap_count"] > 0


def test_config_tells_every_setting_and_hides_the_secret(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "config", "--json", "--api-secret", "hush", "--port", "7")
    told = json.loads(out)
    assert code == 0
    assert told["port"] == {"value": 7, "from": "flag --port"}
    assert told["api_secret"]["value"] == "(hidden)" and "hush" not in out
    code, out, _ = said(capsys, "config", "--api-secret", "hush")
    assert code == 0 and "hush" not in out and "[market]" in out


def test_the_demo_trades_and_says_why_each_fill_happened(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "demo", "--replay", str(SMALL), "--speed", "5")
    assert code == 0, err
    for words in ("Balances before: 100000 USDT", "from the market's book", "the rest:", "Balances after:"):
        assert words in out
