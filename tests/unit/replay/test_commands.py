"""``hashkey-sim import`` and ``inspect``: a recording made and told, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.cli import main
from simulator.replay.format import Reader
from tests.unit.replay.test_importer import ASK, BID, header, snapshot, trade, write


def test_import_then_inspect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", header(), snapshot(1000, [BID], [ASK]), trade(1999), trade(2000), trade(2001))
    out = tmp_path / "a.hkrec"
    renamed = ["--map", "BTCUSDT=ETHUSDT"]
    window = ["--from", "1500", "--to", "2000", "--level", "1"]
    assert main(["import", str(path), "--out", str(out), "--json", *renamed, *window]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["records"], made["first_ms"], made["last_ms"]) == (3, 1500, 2000)
    assert made["symbols"][0]["symbol"] == "ETHUSDT"
    assert Reader(out).count == 3

    assert main(["inspect", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["symbols"], told["torn_bytes"]) == (3, ["ETHUSDT"], 0)
    assert main(["inspect", str(out)]) == 0
    assert told["digest"] in capsys.readouterr().out


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", header(), trade(2000), trade(1000))
    assert main(["import", str(path), "--out", str(tmp_path / "a.hkrec")]) == 1
    said = capsys.readouterr().err
    assert said == f"hashkey-sim: {path}:3: t is 1000 after 2000\n"
    assert main(["inspect", str(path)]) == 1
    assert capsys.readouterr().err == f"hashkey-sim: {path}: not a recording (at byte 0)\n"
