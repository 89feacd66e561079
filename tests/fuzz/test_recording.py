"""Any bytes as a recording: its records or BadRecording in one line, nothing else, and in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.replay.format import BadRecording, Direction, Reader, Record
from simulator.replay.inspect import summarize
from simulator.replay.player import play
from tests.unit.replay.recordings import at, book, record, trade
from tests.unit.replay.test_format import MARK, beginning, block

RECORDS = [book(0), trade(400), at(900, bytes(range(256))), book(1200), book(2600, "ETHUSDT"), at(2700, b"")]
quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)


def attempt(path: Path, content: bytes) -> list[Record] | None:
    """What a reader makes of these bytes; None: it says what is wrong with them."""
    path.write_bytes(content)
    said, records = "", []
    try:
        records = list(Reader(path).records())
    except BadRecording as error:
        said = str(error)
    if said:
        assert said.startswith(f"{path}: ")
        assert "\n" not in said
        return None
    assert [one.frame for one in play(Reader(path))] == [one for one in records if one.direction is Direction.IN]
    assert summarize(path).records == len(records)
    return records


@quietly
@given(content=st.binary(max_size=400), after=st.sampled_from(["nothing", "mark", "header", "label"]))
def test_any_bytes(tmp_path: Path, content: bytes, after: str) -> None:
    start = beginning(tmp_path)
    known = {"nothing": b"", "mark": start[:MARK], "header": start, "label": start + block(b"")[:44]}
    attempt(tmp_path / "a.hkrec", known[after] + content)


@quietly
@given(text=st.binary(max_size=200), count=st.integers(0, 3), times=st.tuples(st.integers(-1, 9), st.integers(-1, 9)))
def test_any_text_in_a_block_that_is_well_packed(
    tmp_path: Path, text: bytes, count: int, times: tuple[int, int]
) -> None:
    attempt(tmp_path / "a.hkrec", beginning(tmp_path) + block(text, count=count, first=times[0], last=times[1]))


@quietly
@given(data=st.data())
def test_a_recording_of_which_bytes_were_changed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "good.hkrec"
    if not path.exists():
        record(path, RECORDS)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    records = attempt(tmp_path / "bad.hkrec", bytes(content))
    if records is not None:
        assert records == RECORDS[: len(records)], "damage went unnoticed"


@pytest.mark.parametrize("fill", [b"\0", b"\\n", b"\\x00", b"5 in a b\n"])
def test_a_small_file_cannot_take_much_memory(tmp_path: Path, fill: bytes) -> None:
    """64 MiB of one pattern pack into some kilobytes: the reader may hold a block, a line, not many times that."""
    line = b"5 in a "
    size = 2**26
    text = fill * (size // len(fill)) if fill.endswith(b"\n") else line + fill * ((2**24 - 20) // len(fill)) + b"\n"
    path = tmp_path / "bomb.hkrec"
    path.write_bytes(beginning(tmp_path) + block(text, count=max(1, text.count(b"\n"))))
    assert path.stat().st_size < 50_000
    del text
    tracemalloc.start()
    try:
        for number, _ in enumerate(Reader(path).records()):
            if number > 1000:
                break
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * size
