"""A recording as a feed: moved to any start, looped without a jump, entered in the middle, of some symbols."""

from __future__ import annotations

import gc
import tracemalloc
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.commands import PrintTrade, ReplaceDepth
from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.feeds.pump import Pace, Pump
from simulator.replay.format import Direction, Header, Reader
from simulator.replay.player import SEAM, Frames, Played, lap_length, play
from simulator.venues.hashkey.skim import only
from tests.unit.replay.recordings import at, book, record, trade

INSTRUMENT = Instrument(symbol="BTCUSDT", base="BTC", quote="USDT", tick="1", lot="1", min_qty="1", max_qty="100")


def ms(played: Played) -> int:
    return played.ts // NANOS_PER_MILLI


def reader(tmp_path: Path, *times: int) -> Reader:
    return Reader(record(tmp_path / "a.hkrec", [at(time) for time in times]))


def test_by_default_a_recording_plays_once_at_its_own_times(tmp_path: Path) -> None:
    played = list(play(reader(tmp_path, 5000, 5100, 7000)))
    assert [(ms(one), one.offset, one.lap) for one in played] == [(5000, 0, 0), (5100, 0, 0), (7000, 0, 0)]


def test_moved_to_a_start_all_times_move_together(tmp_path: Path) -> None:
    played = list(play(reader(tmp_path, 5000, 5100, 7000), start=9_000 * NANOS_PER_MILLI))
    assert [ms(one) for one in played] == [9000, 9100, 11000]
    assert {one.offset for one in played} == {4_000 * NANOS_PER_MILLI}


def test_the_offset_takes_the_recorders_clock_into_account(tmp_path: Path) -> None:
    """The venue's clock was 30 ms ahead of the recorder's: what it stamps 5030 happened when ours said 5000."""
    header = Header(venue="v", symbols=(), origin="", licence="", created_by="", clock_offset_ns=30 * NANOS_PER_MILLI)
    path = record(tmp_path / "a.hkrec", [at(5000)], header=header)
    (one,) = play(Reader(path), start=9_000 * NANOS_PER_MILLI)
    assert 5030 * NANOS_PER_MILLI + one.offset == 9_000 * NANOS_PER_MILLI


def test_a_loop_goes_on_one_book_interval_later_and_its_offset_goes_along(tmp_path: Path) -> None:
    played = list(islice(play(reader(tmp_path, 5000, 5100, 7000), loop=True), 7))
    assert [ms(one) for one in played] == [5000, 5100, 7000, 7100, 7200, 9100, 9200]
    assert [one.lap for one in played] == [0, 0, 0, 1, 1, 1, 2]
    assert [one.offset // NANOS_PER_MILLI for one in played] == [0, 0, 0, 2100, 2100, 2100, 4200]
    assert SEAM == 100 * NANOS_PER_MILLI


@given(times=st.lists(st.integers(0, 10**6), min_size=1, max_size=8).map(sorted), start=st.integers(0, 10**18))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_time_never_goes_back_and_laps_are_alike(tmp_path: Path, times: list[int], start: Nanos) -> None:
    (tmp_path / "a.hkrec").unlink(missing_ok=True)
    recording = reader(tmp_path, *times)
    count = len(times)
    played = list(islice(play(recording, start=start, loop=True), 3 * count))
    assert played[0].ts == start
    assert all(one.ts <= other.ts for one, other in pairwise(played))
    for one, later in zip(played, played[count:], strict=False):
        assert later.ts - one.ts == later.offset - one.offset == lap_length(recording)


def test_entering_in_the_middle_plays_everything_before_at_once_with_its_own_times_inside(tmp_path: Path) -> None:
    recording = reader(tmp_path, 5000, 5100, 7000, 8000)
    played = list(play(recording, seek=7000 * NANOS_PER_MILLI, start=20_000 * NANOS_PER_MILLI))
    assert [ms(one) for one in played] == [20_000, 20_000, 20_000, 21_000]
    assert {one.offset for one in played} == {13_000 * NANOS_PER_MILLI}


def test_entering_in_the_middle_without_a_start_means_that_recorded_time(tmp_path: Path) -> None:
    played = play(reader(tmp_path, 5000, 5100, 7000), seek=6000 * NANOS_PER_MILLI, loop=True)
    assert [ms(one) for one in islice(played, 5)] == [6000, 6000, 7000, 7100, 7200]


@pytest.mark.parametrize("seek", [4999, 7001])
def test_a_moment_outside_the_recording_is_refused(tmp_path: Path, seek: int) -> None:
    with pytest.raises(ValueError, match="is not within the recording"):
        next(play(reader(tmp_path, 5000, 7000), seek=seek * NANOS_PER_MILLI))


def test_what_we_sent_is_not_played(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [at(1, b"sub", direction=Direction.OUT), at(2, b"book")])
    assert [one.frame.data for one in play(Reader(path))] == [b"book"]


def test_only_the_frames_of_wanted_symbols_are_played(tmp_path: Path) -> None:
    frames = [book(1), book(2, "ETHUSDT"), trade(3, "ETHUSDT"), trade(4), at(5, b'{"pong":1}')]
    path = record(tmp_path / "a.hkrec", frames)
    assert [ms(one) for one in play(Reader(path), keep=only(["BTCUSDT"]))] == [1, 4, 5]
    assert [ms(one) for one in play(Reader(path), keep=only(["ETHUSDT"]))] == [2, 3, 5]


def test_skipping_frames_does_not_change_when_others_play(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [book(1, "ETHUSDT"), book(5), book(9, "ETHUSDT")])
    played = play(Reader(path), start=0, keep=only(["BTCUSDT"]), loop=True)
    assert [ms(one) for one in islice(played, 2)] == [4, 112]


def test_a_loop_over_nothing_ends(tmp_path: Path) -> None:
    assert list(play(Reader(record(tmp_path / "a.hkrec", [])), loop=True)) == []
    path = record(tmp_path / "b.hkrec", [book(1, "ETHUSDT")])
    assert list(play(Reader(path), keep=only(["BTCUSDT"]), loop=True)) == []


def test_only_a_chunk_is_kept_in_memory(tmp_path: Path) -> None:
    """Thirty chunks of 200 kB each are played within the memory of a few; escapes make no difference."""
    size = 200_000
    recording = Reader(record(tmp_path / "a.hkrec", [at(1000 * n, bytes([n + 70]) * size) for n in range(30)]))
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(len(one.frame.data) for one in play(recording)) == 30 * size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * size


def test_the_pump_begins_every_lap_with_a_whole_book_at_the_venues_moved_time(tmp_path: Path) -> None:
    path = record(tmp_path / "a.hkrec", [book(1000, t=990), trade(1500), book(2000, bid="98", t=1990)])
    played = play(Reader(path), start=50_000 * NANOS_PER_MILLI, loop=True)
    pump = Pump(played, {"BTCUSDT": INSTRUMENT}, Pace(0, Fraction(1)))
    whole: list[tuple[int, int]] = []
    trades: list[tuple[int, int]] = []
    for _ in range(6):
        due = pump.due()
        assert due is not None
        for command in pump.take():
            if isinstance(command, ReplaceDepth):
                whole.append((due // NANOS_PER_MILLI, command.ts // NANOS_PER_MILLI))
            if isinstance(command, PrintTrade):
                trades.append((due // NANOS_PER_MILLI, command.ts // NANOS_PER_MILLI))
    assert whole == [(50_000, 49_990), (51_100, 51_090)]
    assert trades == [(50_500, 50_500), (51_600, 51_600)]
    assert pump.bad_frames == 0


@given(
    times=st.lists(st.integers(0, 3_000), min_size=1, max_size=8).map(sorted),
    given_before=st.integers(1, 20),
    later=st.integers(0, 10**12),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_who_starts_at_a_place_is_given_what_follows(
    tmp_path: Path, times: list[int], given_before: int, later: Nanos
) -> None:
    """Also between frames of one moment, at the end of a lap, and so much later."""
    (tmp_path / "a.hkrec").unlink(missing_ok=True)
    recording = Reader(record(tmp_path / "a.hkrec", [at(ms, b"%d" % place) for place, ms in enumerate(times)]))
    whole = list(islice(play(recording, start=0, loop=True), given_before + 10))
    stopped = play(recording, start=0, loop=True)
    assert list(islice(stopped, given_before)) == whole[:given_before]
    again = Frames(recording, stopped.place.moved(later), loop=True)
    expected = [(one.ts + later, one.offset + later, one.lap, one.frame) for one in whole[given_before - 1 :]]
    assert [(one.ts, one.offset, one.lap, one.frame) for one in islice(again, 11)] == expected
