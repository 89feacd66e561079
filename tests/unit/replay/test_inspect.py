"""What a recording holds, in numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.core.units import NANOS_PER_MILLI
from simulator.replay.format import BadRecording, Direction, Writer
from simulator.replay.inspect import summarize
from tests.unit.replay.recordings import HEADER, at, book, record, trade

RECORDS = [
    at(1000, b'{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}', direction=Direction.OUT),
    book(1100),
    book(1200, "ETHUSDT"),
    trade(1300),
    book(9300),
    at(9400, b'{"pong":1}'),
    at(9500, b"[]", connection="/quote/v1/depth?symbol=BTCUSDT&limit=200"),
]


def test_messages_are_counted_by_connection_topic_and_symbol(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", RECORDS)
    told = summarize(path)
    assert [(row.symbol, row.topic, row.connection, row.direction, row.records) for row in told.rows] == [
        ("", "", "/quote/ws/v2", "in", 1),
        ("BTCUSDT", "/quote/v1/depth", "/quote/v1/depth", "in", 1),
        ("BTCUSDT", "depth", "/quote/ws/v2", "in", 2),
        ("BTCUSDT", "depth", "/quote/ws/v2", "out", 1),
        ("BTCUSDT", "trade", "/quote/ws/v2", "in", 1),
        ("ETHUSDT", "depth", "/quote/ws/v2", "in", 1),
    ]
    books = told.rows[2]
    assert books.bytes == len(RECORDS[1].data) + len(RECORDS[4].data)
    assert (books.first_ns, books.last_ns) == (1100 * NANOS_PER_MILLI, 9300 * NANOS_PER_MILLI)
    assert books.longest_gap_ns == 8200 * NANOS_PER_MILLI
    assert told.records == sum(row.records for row in told.rows) == 7
    assert told.duration_ns == 8500 * NANOS_PER_MILLI
    assert told.file_bytes == path.stat().st_size
    assert told.chunks == 2


def test_gaps_longer_than_the_limit_are_listed(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", RECORDS)
    told = summarize(path)
    assert [(gap.from_ns, gap.to_ns) for gap in told.gaps] == [(1300 * NANOS_PER_MILLI, 9300 * NANOS_PER_MILLI)]
    assert summarize(path, gap_ns=8000 * NANOS_PER_MILLI).gap_count == 0
    many = record(tmp_path / "b.hkrec", [at(10_000 * n) for n in range(300)])
    assert (summarize(many).gap_count, len(summarize(many).gaps)) == (299, 100)


def test_a_stream_that_stopped_while_others_went_on_is_told_in_its_row(tmp_path: Path) -> None:
    records = [book(0), *(book(1000 * n, "ETHUSDT") for n in range(1, 9)), book(8500)]
    told = summarize(record(tmp_path / "a.hkrec", records))
    assert [(row.symbol, row.silences) for row in told.rows] == [("BTCUSDT", 1), ("ETHUSDT", 0)]
    assert told.gap_count == 0


def test_reconnects_and_jumps_are_gaps_too(tmp_path: Path) -> None:
    subscribed = b'{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}'
    records = [
        at(1000, subscribed, direction=Direction.OUT),
        at(1100, b'{"topic":"depth","params":{"symbol":"BTCUSDT"},"data":{"v":"9_1"}}'),
        at(1200, b'{"topic":"depth","params":{"symbol":"BTCUSDT"},"data":{"v":"8_1"}}'),
        at(1900, subscribed, direction=Direction.OUT),
    ]
    told = summarize(record(tmp_path / "a.hkrec", records))
    assert told.gap_kinds == {"silence": 0, "reconnect": 1, "sequence": 1}
    assert "00:00:01.100 UTC for 0.100 s: sequence of BTCUSDT depth /quote/ws/v2" in told.to_text()
    assert "00:00:01.200 UTC for 0.700 s: reconnect of /quote/ws/v2" in told.to_text()


def test_the_digest_depends_on_the_records_and_on_nothing_else(tmp_path: Path) -> None:
    one = summarize(record(tmp_path / "a.hkrec", RECORDS))
    other = summarize(record(tmp_path / "b.hkrec", RECORDS, chunk_ns=1))
    assert other.chunks > one.chunks
    assert other.digest == one.digest
    assert summarize(record(tmp_path / "c.hkrec", RECORDS[:-1])).digest != one.digest
    late = [*RECORDS[:-1], at(9501, RECORDS[-1].data, connection=RECORDS[-1].connection)]
    assert summarize(record(tmp_path / "d.hkrec", late)).digest != one.digest


def test_people_read_a_text_and_scripts_the_same_as_json(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", RECORDS)
    path.write_bytes(path.read_bytes() + b"\x51")
    told = summarize(path)
    text = told.to_text()
    for words in (
        "format 1, hashkey, BTCUSDT",
        "1970-01-01 00:00:01.000 UTC to 1970-01-01 00:00:09.500 UTC, 8.500 s",
        "1 bytes of a torn tail left out",
        told.digest,
        "origin   made up",
        "licence  none",
        "gaps     1 silences longer than 5.000 s, 0 reconnects, 0 jumps of a sequence",
        "1970-01-01 00:00:01.300 UTC for 8.000 s: silence",
        "BTCUSDT depth /quote/ws/v2 in: 2 in 8.200 s, 248 bytes, longest gap 8.200 s, 1 silences",
        "(other) /quote/ws/v2 in: 1",
    ):
        assert words in text
    read = json.loads(told.to_json())
    assert read["digest"] == told.digest
    assert read["torn_bytes"] == 1
    assert read["gap_kinds"] == {"silence": 1, "reconnect": 0, "sequence": 0}
    assert read["gaps"] == [{"kind": "silence", "where": "", "from_ns": 1_300_000_000, "to_ns": 9_300_000_000}]
    assert read["rows"][2]["records"] == 2


def test_an_empty_recording_is_told_too(tmp_path: Path) -> None:
    told = summarize(record(tmp_path / "a.hkrec", []))
    assert (told.first_ns, told.records, told.rows) == (None, 0, [])
    assert "nothing recorded" in told.to_text()


def test_kinds_beyond_a_thousand_are_counted_together(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [at(1, connection=f"/{n}") for n in range(1500)])
    told = summarize(path)
    assert len(told.rows) == 1001
    assert told.records == sum(row.records for row in told.rows) == 1500


def test_damage_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    with Writer(path, HEADER) as writer:
        writer.write(at(1))
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(BadRecording, match=r"a\.hkrec: a block cannot be unpacked.*at byte"):
        summarize(path)
