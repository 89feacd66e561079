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
from itertools import count
from typing import Final, TypeAlias

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


def play(
    recording: Reader,
    *,
    start: Nanos | None = None,
    seek: Nanos | None = None,
    loop: Loop = False,
    keep: Keep | None = None,
) -> Iterator[Played]:
    """The received frames of a recording.

    The recorded moment ``seek`` (default: the first) plays at ``start`` in the exchange's time (default:
    at its recorded time). ``keep`` says by connection and bytes which frames matter; others are skipped
    before anybody parses them. With ``loop`` there is no end, unless nothing is kept.
    """
    if recording.span is None:
        return
    first, last = recording.span
    seek = first if seek is None else seek
    if not first <= seek <= last:
        raise ValueError(f"{recording.path}: {seek} is not within the recording, {first} to {last}")
    start = seek if start is None else start
    yield from _laps(recording, start - seek, start, keep, loop, first)


def on_from(recording: Reader, moment: Nanos, *, start: Nanos, loop: Loop, keep: Keep | None) -> Iterator[Played]:
    """The frames after a recorded moment, which is ``start`` in the exchange's time."""
    yield from _laps(recording, start - moment, start, keep, loop, moment + 1)


def _laps(
    recording: Reader, shift: Nanos, start: Nanos, keep: Keep | None, loop: Loop, first: Nanos
) -> Iterator[Played]:
    """``first``: where in the recording the first lap begins."""
    for lap in count():
        played = lap == 0 and recording.span is not None and first > recording.span[0]
        offset = shift - recording.header.clock_offset_ns
        for record in recording.records(0 if lap else first):
            if record.direction is Direction.IN and (keep is None or keep(record.connection, record.data)):
                played = True
                yield Played(max(record.ts + shift, start), offset, lap, record)
        if not (played and (loop() if callable(loop) else loop)):
            return
        shift += lap_length(recording)


def lap_length(recording: Reader) -> Nanos:
    """From the first moment of a lap to the first of the next."""
    if recording.span is None:
        return 0
    first, last = recording.span
    return last - first + SEAM
