"""The recorder: whole files whatever happens, a plain word when something does."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND
from simulator.replay.format import Direction, Reader, Record
from simulator.replay.inspect import summarize
from simulator.replay.recorder import NEVER, CannotRecord, Recorder, Rotation
from tests.unit.replay.recordings import HEADER, V2, at

ROOT = Path(__file__).parents[3]
INFO: dict[str, Any] = {"symbols": [{"symbol": "BTCUSDT"}], "contracts": [], "coins": []}


def recorder(path: Path, rotation: Rotation = NEVER) -> Recorder:
    return Recorder(path, HEADER, rotation)


def feed(to: Recorder, records: list[Record]) -> None:
    for one in records:
        to.record(one.connection, one.data, one.direction, one.ts)


def read(path: Path) -> list[Record]:
    return list(Reader(path).records())


# ---- what is written


def test_what_came_before_the_header_was_known_is_in_the_file_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    it = recorder(path)
    records = [at(1, b"time", "/api/v1/time"), at(2, b"info", "/api/v1/exchangeInfo"), at(3), at(4)]
    feed(it, records[:3])
    assert not path.exists()
    it.begin(INFO, -250)
    feed(it, records[3:])
    it.close()
    it.close()
    assert read(path) == records
    header = Reader(path).header
    assert (header.exchange_info, header.clock_offset_ns, header.symbols) == (INFO, -250, HEADER.symbols)
    assert it.told.files == [str(path)]
    assert (it.told.records, it.told.received, it.told.lost) == (4, 4, 0)
    assert it.told.file_bytes == path.stat().st_size
    assert (it.told.first_ns, it.told.last_ns) == (NANOS_PER_MILLI, 4 * NANOS_PER_MILLI)


def test_what_never_began_leaves_no_file(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    feed(it, [at(1, b"not what it should be")])
    it.flush()
    it.close()
    assert list(tmp_path.iterdir()) == []


def test_the_header_is_told_once(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.begin(INFO, 1)
    it.begin({}, 2)
    it.close()
    assert Reader(tmp_path / "a.hkrec").header.clock_offset_ns == 1


def test_flush_brings_into_the_file_what_waits(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.flush()
    it.begin(INFO, 0)
    feed(it, [at(1), at(2)])
    assert read(tmp_path / "a.hkrec") == []
    it.flush()
    assert read(tmp_path / "a.hkrec") == [at(1), at(2)]
    it.close()


def test_a_second_or_a_mebibyte_of_messages_is_a_block(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.begin(INFO, 0)
    feed(it, [at(0), at(999), at(1000)])
    assert len(read(tmp_path / "a.hkrec")) == 2
    feed(it, [at(1000, b"x" * 2**20), at(1000)])
    assert len(read(tmp_path / "a.hkrec")) == 4
    it.close()


def test_a_clock_that_is_set_back_stands_still_in_the_recording(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.begin(INFO, 0)
    feed(it, [at(5), at(3, b"earlier"), at(6)])
    it.close()
    assert read(tmp_path / "a.hkrec") == [at(5), at(5, b"earlier"), at(6)]


def test_a_message_that_cannot_be_written_is_counted_and_does_not_stop_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.begin(INFO, 0)
    feed(it, [at(1), at(2, b"\0" * 2**22), at(3, connection="not one"), at(4)])
    it.close()
    assert read(tmp_path / "a.hkrec") == [at(1), at(4)]
    assert (it.told.lost, it.failure) == (2, "")
    assert "a message was not recorded" in caplog.text


# ---- never over another


@pytest.mark.parametrize(
    ("there", "rotation"),
    [
        ("a.hkrec", Rotation()),
        ("a.hkrec", Rotation(bytes=10)),
        ("a-0001.hkrec", Rotation(bytes=10)),
        ("a-0007.hkrec", Rotation(nanos=10)),
        ("a-12345.hkrec", Rotation(nanos=10)),
    ],
)
def test_a_recording_is_never_written_over(tmp_path: Path, there: str, rotation: Rotation) -> None:
    (tmp_path / there).write_bytes(b"precious")
    with pytest.raises(CannotRecord, match=f"{there} is there already; a recording is never written over"):
        recorder(tmp_path / "a.hkrec", rotation)
    assert (tmp_path / there).read_bytes() == b"precious"


def test_another_recording_beside_it_does_not_matter(tmp_path: Path) -> None:
    for name in ("ba.hkrec", "a-1.hkrec", "a-0001.hkrec.bak", "xa-0001.hkrec", "a+0001.hkrec"):
        (tmp_path / name).write_bytes(b"")
    recorder(tmp_path / "a.hkrec", Rotation(bytes=1)).close()
    recorder(tmp_path / "a-0001.hkrec").close()


@pytest.mark.parametrize("path", ["nowhere/a.hkrec", "."])
def test_a_place_where_no_file_can_be_is_refused_at_once(tmp_path: Path, path: str) -> None:
    with pytest.raises(CannotRecord, match=r"there is no folder .*nowhere|is no name of a file"):
        recorder(tmp_path / path)


def test_what_appears_in_the_meantime_is_not_written_over_either(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    (tmp_path / "a.hkrec").write_bytes(b"precious")
    it.begin(INFO, 0)
    feed(it, [at(1)])
    it.close()
    assert it.failure == f"cannot write {tmp_path / 'a.hkrec'}: {os.strerror(errno.EEXIST)}"
    assert it.told.lost == 1
    assert (tmp_path / "a.hkrec").read_bytes() == b"precious"


# ---- rotation


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("a-*.hkrec"))


@given(
    ages=st.lists(st.integers(0, 30).map(lambda tenths: tenths * NANOS_PER_SECOND // 10), max_size=30),
    size=st.sampled_from([0, 1, 700, 2000]),
    nanos=st.sampled_from([0, 1, NANOS_PER_SECOND, 4 * NANOS_PER_SECOND]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
def test_whatever_the_rotation_nothing_is_lost_or_doubled(
    tmp_path: Path, ages: list[int], size: int, nanos: int
) -> None:
    for old in tmp_path.glob("a*.hkrec"):
        old.unlink()
    records, now = [], 0
    for number, age in enumerate(ages):
        now += age
        records.append(Record(now, V2, os.urandom(100) + b"%d" % number))
    it = recorder(tmp_path / "a.hkrec", Rotation(size, nanos))
    it.begin(INFO, 7)
    feed(it, records)
    it.close()
    files = parts(tmp_path) if size or nanos else [tmp_path / "a.hkrec"]
    assert [str(path) for path in files] == it.told.files
    readers = [Reader(path) for path in files]
    assert [one for reader in readers for one in reader.records()] == records
    assert all(reader.header.exchange_info == INFO and reader.header.clock_offset_ns == 7 for reader in readers)
    assert all(reader.count or not records for reader in readers), "no file is empty"
    assert it.told.file_bytes == sum(path.stat().st_size for path in files)
    for reader in readers:
        if nanos and reader.span:
            assert reader.span[1] - reader.span[0] < nanos
        if size and len(reader.chunks) > 2:
            reached = [chunk for chunk in reader.chunks if chunk.offset + chunk.packed >= size]
            assert len(reached) <= 2, "it ended with the block that reached the size, or what came in the same moment"


def test_files_are_numbered_and_the_first_is_not_the_plain_name(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec", Rotation(nanos=NANOS_PER_SECOND))
    it.begin(INFO, 0)
    feed(it, [at(0), at(500), at(1000), at(5000)])
    it.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a-0001.hkrec", "a-0002.hkrec", "a-0003.hkrec"]
    assert [Reader(path).count for path in parts(tmp_path)] == [2, 1, 1]


def test_a_name_taken_at_the_next_rotation_ends_the_recording(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec", Rotation(nanos=1))
    it.begin(INFO, 0)
    feed(it, [at(0)])
    (tmp_path / "a-0002.hkrec").write_bytes(b"precious")
    feed(it, [at(1), at(2)])
    it.close()
    assert "a-0002.hkrec" in it.failure
    assert (it.told.records, it.told.lost) == (1, 2)
    assert (tmp_path / "a-0002.hkrec").read_bytes() == b"precious"
    assert read(tmp_path / "a-0001.hkrec") == [at(0)]


# ---- killed, cut, full


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_block(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.hkrec", tmp_path / "cut.hkrec"
    it = recorder(path)
    it.begin(INFO, 0)
    flushed = [path.stat().st_size]
    for n in range(3):
        feed(it, [at(1000 * n, os.urandom(20)), at(1000 * n + 1)])
        it.flush()
        flushed.append(path.stat().st_size)
    it.close()
    whole, records = path.read_bytes(), read(path)
    for length in range(flushed[0], len(whole) + 1):
        cut.write_bytes(whole[:length])
        blocks = sum(size <= length for size in flushed) - 1
        assert read(cut) == records[: 2 * blocks]
        told = summarize(cut)
        assert (told.records, told.torn_bytes) == (2 * blocks, length - flushed[blocks])


def run(program: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *argv],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


BEGIN = """
import os, signal, sys
from pathlib import Path
from simulator.replay.recorder import Recorder, Rotation
from tests.unit.replay.recordings import HEADER, at
def feed(*records):
    for one in records:
        it.record(one.connection, one.data, one.direction, one.ts)
it = Recorder(Path(sys.argv[1]), HEADER, Rotation(bytes=int(sys.argv[2])))
it.begin({}, 0)
"""
FULL = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
feed(at(1)); it.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (it.told.file_bytes + int(sys.argv[3]), -1))
feed(at(2), at(3, os.urandom(9000)))
it.flush()
it.flush()
feed(at(4))
it.flush()
it.close()
assert it.told.file_bytes == sum(os.path.getsize(path) for path in it.told.files)
print(it.failure, it.told.records, it.told.lost, sep="|")
"""


def test_kill_costs_what_was_not_flushed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.hkrec"
    done = run(
        BEGIN + "feed(at(1), at(2)); it.flush(); feed(at(3)); os.kill(os.getpid(), signal.SIGKILL)", str(path), "0"
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert read(path) == [at(1), at(2)]


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_a_full_disk_ends_the_recording_in_a_whole_block_and_says_so(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    path = tmp_path / "a.hkrec"
    done = run(BEGIN + FULL, str(path), "0", "500")
    assert done.stdout == f"cannot write {path}: {os.strerror(errno.EFBIG)}|1|3\n", done.stderr
    assert (read(path), Reader(path).torn) == ([at(1)], 0)
    assert done.stderr.count("the recording has ended") == 1


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on the size of files")
def test_no_room_for_the_next_files_header_leaves_no_empty_file(tmp_path: Path) -> None:
    program = BEGIN + FULL.replace("it.told.file_bytes + int(sys.argv[3])", "10")
    done = run(program, str(tmp_path / "a.hkrec"), "1", "0")
    assert f"cannot write {tmp_path / 'a-0002.hkrec'}: {os.strerror(errno.EFBIG)}|1|3" in done.stdout, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a-0001.hkrec"]


def test_both_directions_are_recorded(tmp_path: Path) -> None:
    it = recorder(tmp_path / "a.hkrec")
    it.begin(INFO, 0)
    feed(it, [at(1, b'{"ping":1}', direction=Direction.OUT), at(2, b'{"pong":2}')])
    it.close()
    assert [one.direction for one in read(tmp_path / "a.hkrec")] == [Direction.OUT, Direction.IN]
    assert (it.told.records, it.told.received) == (2, 1)
