"""The recording format: any bytes survive, a killed writer costs its last chunk, damage is named."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.replay.format import BadRecording, Direction, Header, Reader, Record, Writer, line
from tests.unit.replay.recordings import HEADER, at, record

RECORDS = st.lists(
    st.builds(
        Record,
        ts=st.integers(0, 2**63 - 1),
        connection=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30),
        data=st.binary(max_size=300),
        direction=st.sampled_from(Direction),
    ),
    max_size=12,
).map(lambda records: sorted(records, key=lambda one: one.ts))

MARK = 16
LABEL = 8 + 36
ROOT = Path(__file__).parents[3]


def written(path: Path, records: list[Record], chunk_ns: int = 10**9) -> Reader:
    path.unlink(missing_ok=True)
    return Reader(record(path, records, chunk_ns=chunk_ns))


@given(records=RECORDS, chunk_ns=st.integers(1, 2**63))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_whatever_the_bytes(tmp_path: Path, records: list[Record], chunk_ns: int) -> None:
    reader = written(tmp_path / "a.hkrec", records, chunk_ns)
    assert list(reader.records()) == records
    assert reader.count == len(records)
    assert reader.torn == 0
    assert reader.span == ((records[0].ts, records[-1].ts) if records else None)
    assert reader.header == HEADER


@given(records=RECORDS, from_ts=st.integers(0, 2**63 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_from_a_time_on_gives_the_rest(tmp_path: Path, records: list[Record], from_ts: int) -> None:
    reader = written(tmp_path / "a.hkrec", records, chunk_ns=2**60)
    assert list(reader.records(from_ts)) == [one for one in records if one.ts >= from_ts]


@given(data=st.binary(max_size=200))
def test_a_line_is_printable_ascii(data: bytes) -> None:
    text = line(at(1, data))
    assert text.endswith(b"\n")
    assert all(32 <= byte < 127 for byte in text[:-1])


def test_json_stands_for_itself() -> None:
    assert line(at(7, b'{"ping":1}')) == b'7000000 in /quote/ws/v2 {"ping":1}\n'
    assert line(at(7, b"a\\b\n\r\xff", direction=Direction.OUT)) == b"7000000 out /quote/ws/v2 a\\\\b\\n\\r\\xff\n"


def test_any_zstandard_tool_reads_a_recording(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [at(1, b"one"), at(2000, b"two")])
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    lines = text.splitlines()
    assert lines[0].startswith(b'{"format":"hkrec","version":1,"venue":"hashkey"')
    assert lines[1:] == [b"1000000 in /quote/ws/v2 one", b"2000000000 in /quote/ws/v2 two"]


@pytest.mark.skipif(shutil.which("zstdcat") is None, reason="the zstd tool is not installed")
def test_zstdcat_shows_a_recording(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [at(1, b"one")])
    said = subprocess.run(["zstdcat", str(path)], capture_output=True, check=True, timeout=30).stdout
    assert said.endswith(b"1000000 in /quote/ws/v2 one\n")


# ---- cut off


def test_a_file_cut_anywhere_holds_every_whole_chunk_and_says_what_is_missing(tmp_path: Path) -> None:
    records = [at(ms, b"message %d" % ms) for ms in range(0, 5000, 500)]
    whole = record(tmp_path / "whole.hkrec", records).read_bytes()
    chunks = Reader(tmp_path / "whole.hkrec").chunks
    first_block = chunks[0].offset - LABEL
    path = tmp_path / "cut.hkrec"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length < first_block:
            with pytest.raises(BadRecording):
                Reader(path)
            continue
        reader = Reader(path)
        kept = [chunk for chunk in chunks if chunk.offset + chunk.packed <= length]
        assert list(reader.records()) == records[: 2 * len(kept)]
        end = kept[-1].offset + kept[-1].packed if kept else first_block
        assert reader.torn == length - end


def test_zeros_after_the_last_chunk_are_a_torn_tail(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [at(1)])
    path.write_bytes(path.read_bytes() + bytes(5000))
    reader = Reader(path)
    assert (reader.torn, reader.count) == (5000, 1)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BadRecording, match="no block begins here"):
        Reader(path)


def test_what_was_flushed_survives_the_death_of_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from simulator.replay.format import Writer\n"
        "from tests.unit.replay.recordings import HEADER, at\n"
        "writer = Writer(Path(sys.argv[1]), HEADER)\n"
        "for ms in (1, 2, 3): writer.write(at(ms))\n"
        "writer.flush()\n"
        "writer.write(at(4))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    assert [one.ts // 10**6 for one in Reader(path).records()] == [1, 2, 3]


# ---- damaged


def block(
    text: bytes, *, kind: int = 1, count: int = 1, first: int = 5, last: int = 5, size: int | None = None
) -> bytes:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(text)
    label = struct.pack("<IIIIqq", kind, len(packed), len(text) if size is None else size, count, first, last)
    return struct.pack("<II", 0x184D2A51, 36) + label + struct.pack("<I", zlib.crc32(label)) + packed


def beginning(tmp_path: Path) -> bytes:
    path = tmp_path / "empty.hkrec"
    path.unlink(missing_ok=True)
    return record(path, []).read_bytes()


GOOD = b"5 in /quote/ws/v2 {}\n"


def test_the_hand_made_block_is_good(tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    path.write_bytes(beginning(tmp_path) + block(GOOD))
    assert list(Reader(path).records()) == [Record(5, "/quote/ws/v2", b"{}")]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (block(GOOD, kind=0), "kind 0 where 1 belongs"),
        (block(GOOD, count=0), "beyond the limits"),
        (block(GOOD, size=2**31), "beyond the limits"),
        (block(GOOD, size=2**26), "not what its label says"),
        (block(GOOD, count=2), "not what its label says"),
        (block(GOOD, last=6), "not what its label says"),
        (block(GOOD, first=6, last=5), "time goes back"),
        (block(GOOD, first=-1), "time goes back"),
        (block(GOOD) + block(b"4 in a b\n", first=4, last=4), "time goes back"),
        (block(GOOD, first=4), "record 1 of the block: its time is not in order"),
        (block(GOOD + b"4 in a b\n", count=2), "record 2 of the block: its time is not in order"),
        (block(b""), "not what its label says"),
        (block(b"5 in a b"), "not what its label says"),
        (block(b"5 in a\n"), "not four words"),
        (block(b"5 IN a b\n"), "not a time and a direction"),
        (block(b"+5 in a b\n"), "not a time and a direction"),
        (block(b"5_0 in a b\n"), "not a time and a direction"),
        (block(b"99999999999999999999 in a b\n"), "not a time and a direction"),
        (block(b"5 in \xff b\n"), "not a connection"),
        (block(b"5 in  b\n"), "not a connection"),
        (block(b"5 in a \\q\n"), "unknown escape"),
        (block(b"5 in a \\x4\n"), "unknown escape"),
        (block(b"5 in a \\\n"), "unknown escape"),
        (block(b"5 in a \\\\\\q\n"), "unknown escape"),
        (block(b"5 in a \\u1234\n"), "unknown escape"),
        (block(b"5 in a \\101\n"), "unknown escape"),
        (block(b"5 in a " + b"x" * 2**24 + b"\n"), "too long"),
        (b"hello", "no block begins here"),
        (b"h", "no block begins here"),
        (block(GOOD)[:-1] + b"\x00", "cannot be unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_is_named_with_its_place(tmp_path: Path, bad: bytes, says: str) -> None:
    path, start = tmp_path / "a.hkrec", beginning(tmp_path)
    path.write_bytes(start + bad)
    with pytest.raises(BadRecording, match=says) as caught:
        list(Reader(path).records())
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "(at byte " in message
    assert "\n" not in message


def test_a_label_that_was_changed_is_noticed(tmp_path: Path) -> None:
    whole = bytearray(record(tmp_path / "a.hkrec", [at(1)]).read_bytes())
    start = Reader(tmp_path / "a.hkrec").chunks[0].offset - LABEL
    for place in range(start + 8, start + LABEL):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / "b.hkrec").write_bytes(damaged)
        with pytest.raises(BadRecording, match="label is damaged"):
            Reader(tmp_path / "b.hkrec")


def test_a_frame_without_checksum_is_refused(tmp_path: Path) -> None:
    packed = zstandard.ZstdCompressor(write_checksum=False).compress(GOOD)
    label = struct.pack("<IIIIqq", 1, len(packed), len(GOOD), 1, 5, 5)
    path = tmp_path / "a.hkrec"
    path.write_bytes(
        beginning(tmp_path) + struct.pack("<II", 0x184D2A51, 36) + label + struct.pack("<I", zlib.crc32(label)) + packed
    )
    with pytest.raises(BadRecording, match="not what its label says"):
        list(Reader(path).records())


def headed(text: bytes) -> Callable[[bytes], bytes]:
    return lambda whole: whole[:MARK] + block(text, kind=0, first=0, last=0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda whole: b"", "not a recording"),
        (lambda whole: b"\x1f\x8b" + whole[2:], "not a recording"),
        (lambda whole: whole[:14] + b"2\n" + whole[MARK:], "format version '2', but this program reads 1"),
        (lambda whole: whole[:MARK], "the header is cut off"),
        (lambda whole: whole[:-1], "the header is cut off"),
        (headed(b"[]\n"), "the header cannot be read"),
        (headed(b'{"format":"hkrec"}\n'), "the header cannot be read"),
        (headed(b"\xff\n"), "the header cannot be read"),
    ],
)
def test_a_bad_beginning_is_named(tmp_path: Path, change: Callable[[bytes], bytes], says: str) -> None:
    path = tmp_path / "a.hkrec"
    path.write_bytes(change(beginning(tmp_path)))
    with pytest.raises(BadRecording, match=says):
        Reader(path)


def test_a_header_may_know_more_than_we_do(tmp_path: Path) -> None:
    text = b'{"venue":"hashkey","symbols":["A"],"origin":"o","licence":"l","created_by":"c","mood":"good"}\n'
    path = tmp_path / "a.hkrec"
    path.write_bytes(headed(text)(beginning(tmp_path)))
    assert Reader(path).header == Header(venue="hashkey", symbols=("A",), origin="o", licence="l", created_by="c")


# ---- the writer


def test_a_chunk_ends_after_its_time_or_its_size(tmp_path: Path) -> None:
    by_time = Reader(record(tmp_path / "a.hkrec", [at(ms) for ms in (0, 999, 1000, 1999, 2500)]))
    assert [chunk.count for chunk in by_time.chunks] == [2, 2, 1]
    with Writer(tmp_path / "b.hkrec", HEADER, chunk_ns=2**60, chunk_bytes=40) as writer:
        for _ in range(5):
            writer.write(at(0))
    assert [chunk.count for chunk in Reader(tmp_path / "b.hkrec").chunks] == [2, 2, 1]


@pytest.mark.parametrize(
    "bad", [at(4), at(5, connection="a b"), at(5, connection=""), at(5, connection="é"), at(5, b"\0" * 2**22)]
)
def test_the_writer_refuses_what_could_not_be_read(tmp_path: Path, bad: Record) -> None:
    with Writer(tmp_path / "a.hkrec", HEADER) as writer:
        writer.write(at(5))
        with pytest.raises(ValueError, match=r"cannot follow|not a connection|too long"):
            writer.write(bad)
        writer.write(at(6))
    assert Reader(tmp_path / "a.hkrec").count == 2


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    record(tmp_path / "a.hkrec", [at(1)])
    with pytest.raises(FileExistsError):
        Writer(tmp_path / "a.hkrec", HEADER)


def test_closing_twice_does_no_harm(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.hkrec", HEADER)
    writer.write(at(1))
    writer.close()
    writer.close()
    assert Reader(tmp_path / "a.hkrec").bytes == writer.bytes_written


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_block_that_does_not_fit_on_the_disk_leaves_the_file_whole(tmp_path: Path) -> None:
    """A limit on the file's size stands for a full disk: part of the block is written, then no more."""
    path = tmp_path / "a.hkrec"
    program = (
        "import os, resource, signal, sys; from pathlib import Path\n"
        "from simulator.replay.format import Writer\n"
        "from tests.unit.replay.recordings import HEADER, at\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "writer = Writer(Path(sys.argv[1]), HEADER)\n"
        "writer.write(at(1)); writer.flush()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (writer.bytes_written + 500, -1))\n"
        "writer.write(at(2, os.urandom(2000)))\n"
        "try: writer.flush()\n"
        "except OSError: print('full', Path(sys.argv[1]).stat().st_size - writer.bytes_written)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))\n"
        "writer.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "full 0\n", done.stderr
    reader = Reader(path)
    assert (reader.count, reader.torn) == (2, 0)
    assert len(list(reader.records())) == 2
