"""A recording as a feed: its frames at their times in the exchange's clock, as often as wanted.

**The seam of a loop.** The next lap's first frame comes one book interval after the last frame of the lap
before, and the times inside the frames move along, so clocks that clients see go on as if nothing had
happened. Prices do jump: the market of the last moment meets the one of the first. That cannot be hidden
without inventing a market, so it is left to be seen; the pump begins every lap with whole books.

**Starting in the middle.** Nothing is guessed: what was recorded before that moment is played too, all of
it due at the start, with its own times inside. So books, last trades and marks are what they were. (``on_from`` leaves
it out, for who has read it himself: see ``feeds/jump.py``.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

import msgspec

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.replay.format import Direction, Reader, Record

Keep: TypeAlias = Callable[[str, bytes], bool]
Loop: TypeAlias = bool | Callable[[], bool]
"""Whether it starts again at its end; a call is asked when it is there."""

SEAM: Final[Nanos] = 100 * NANOS_PER_MILLI
"""HashKey WebSocket 2: a book of the v2 socket comes at most every 100 ms."""


class Played(msgspec.Struct, frozen=True, gc=False):
    """A frame at its time. ``offset`` turns the venue's time into the exchange's; ``lap`` counts loops."""

    ts: Nanos
    offset: Nanos
    lap: int
    frame: Record


class Place(NamedTuple):
    """Where a player stands. ``shift`` makes recorded times the exchange's, nothing plays before ``start``.

    The next record is the first one at ``ts`` or after it, less the ``read`` first ones; ``played``: whether this lap
    has given anything.
    """

    shift: Nanos
    start: Nanos
    ts: Nanos
    lap: int = 0
    read: int = 0
    played: bool = False

    def moved(self, by: Nanos) -> Place:
        """The same place in the recording, so much later in the exchange's time."""
        return self._replace(shift=self.shift + by, start=self.start + by)


class Frames(Iterator[Played]):
    """The received frames of a recording from a place on, lap after lap."""

    def __init__(self, recording: Reader, place: Place, *, loop: Loop = False, keep: Keep | None = None) -> None:
        self._recording = recording
        self._loop = loop
        self._keep = keep
        self._place: tuple[Nanos, Nanos, Nanos, int, int, bool] = place
        self._played = self._play(place)

    @property
    def place(self) -> Place:
        """That of the frame given last: who starts there is given it again, and then all that follow."""
        return Place(*self._place)

    def __next__(self) -> Played:
        return next(self._played)

    def _play(self, place: Place) -> Iterator[Played]:
        recording, keep, loop = self._recording, self._keep, self._loop
        shift, start, ts, lap, read, played = place
        while True:
            offset = shift - recording.header.clock_offset_ns
            for record in islice(recording.records(ts), read, None):
                ts, read = record.ts, read + 1 if record.ts == ts else 1
                if record.direction is Direction.IN and (keep is None or keep(record.connection, record.data)):
                    played = True
                    self._place = shift, start, ts, lap, read - 1, True
                    yield Played(max(ts + shift, start), offset, lap, record)
            if not (played and (loop() if callable(loop) else loop)):
                return
            shift, ts, lap, read, played = shift + lap_length(recording), 0, lap + 1, 0, False


def play(
    recording: Reader,
    *,
    start: Nanos | None = None,
    seek: Nanos | None = None,
    loop: Loop = False,
    keep: Keep | None = None,
) -> Frames:
    """The received frames of a recording.

    The recorded moment ``seek`` (default: the first) plays at ``start`` in the exchange's time (default:
    at its recorded time). ``keep`` says by connection and bytes which frames matter; others are skipped
    before anybody parses them. With ``loop`` there is no end, unless nothing is kept.
    """
    first, last = recording.span or (0, 0)
    seek = first if seek is None else seek
    if not first <= seek <= last:
        raise ValueError(f"{recording.path}: {seek} is not within the recording, {first} to {last}")
    start = seek if start is None else start
    return Frames(recording, Place(start - seek, start, first), loop=loop, keep=keep)


def on_from(recording: Reader, moment: Nanos, *, start: Nanos, loop: Loop, keep: Keep | None) -> Frames:
    """The frames after a recorded moment, which is ``start`` in the exchange's time."""
    place = Place(start - moment, start, moment + 1, played=True)
    return Frames(recording, place, loop=loop, keep=keep)


def lap_length(recording: Reader) -> Nanos:
    """From the first moment of a lap to the first of the next."""
    if recording.span is None:
        return 0
    first, last = recording.span
    return last - first + SEAM
