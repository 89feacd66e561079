"""What the command says while it records and when it is done."""

from __future__ import annotations

import json
from pathlib import Path

from simulator.assembly.mirroring import rest_of
from simulator.assembly.tape import Tape
from simulator.config import Settings
from simulator.core.units import NANOS_PER_MILLI
from simulator.feeds.client import Direction
from simulator.feeds.live import Live
from simulator.record import _result, progress
from simulator.venues.hashkey.exchange_info import Catalogue


def recorded(tmp_path: Path) -> Tape:
    """Two messages with ten seconds between them."""
    settings = Settings()
    tape = Tape(settings, tmp_path / "a.hkrec", ["BTCUSDT"], rest_of(settings))
    tape.begin(Catalogue.bundled())
    for second in (1, 11):
        tape.record("/quote/ws/v2", b"{}", Direction.IN, second * 1000 * NANOS_PER_MILLI)
    tape.recorder.flush()
    return tape


def live() -> Live:
    return Live({}, 5, lambda: 0, lambda: None)


def test_progress_tells_time_messages_rate_size_gaps_and_lost_connections(tmp_path: Path) -> None:
    tape, market = recorded(tmp_path), live()
    market.connections["/quote/ws/v2"] = ""
    line = progress(tape.recorder, market, 3725.9, 1234)
    size = (tmp_path / "a.hkrec").stat().st_size / 1e6
    assert line == f"01:02:05  2 messages (1,234/s)  {size:.1f} MB  1 gaps\x1b[K"
    market.connections["/quote/ws/v2"] = "nothing came for 5 s"
    assert "1 gaps  /quote/ws/v2: nothing came for 5 s" in progress(tape.recorder, market, 1, 0)
    tape.recorder.close()


def test_people_read_a_text_and_scripts_the_same_as_json(tmp_path: Path) -> None:
    tape = recorded(tmp_path)
    tape.recorder.close()
    told = _result(tape, "")
    size = (tmp_path / "a.hkrec").stat().st_size
    assert told.to_text() == (
        f"{tmp_path}/a.hkrec: 2 messages in 10.0 s, {size:,} bytes of 4; gaps: 1 silence, 0 reconnect, 0 sequence"
    )
    read = json.loads(told.to_json())
    assert (read["records"], read["received"], read["file_bytes"], read["lost"]) == (2, 2, size, 0)
    assert read["gaps"] == [{"kind": "silence", "where": "", "from_ns": 10**9, "to_ns": 11 * 10**9}]
    assert (read["symbols"], read["duration_ns"], read["failure"]) == (["BTCUSDT"], 10 * 10**9, "")


def test_messages_that_were_lost_are_told(tmp_path: Path) -> None:
    tape = recorded(tmp_path)
    tape.record("not a connection", b"{}", Direction.IN, 12 * 10**9)
    tape.recorder.close()
    assert "2 messages in 11.0 s, 1 lost, " in _result(tape, "").to_text()
