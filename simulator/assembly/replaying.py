"""A recording as the market of an exchange: played at a pace, on either clock, and entered anywhere.

With the recording's own clock it is the clock that is slow or fast and the pace is always 1. Beside the wall's clock
the frames come sooner or later instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from simulator.core.commands import Command
from simulator.core.instruments import Instrument
from simulator.core.units import Nanos
from simulator.feeds.jump import Known
from simulator.feeds.pump import Pace, Pump, Remembered
from simulator.replay.format import Direction, Reader
from simulator.replay.player import Frames, Place, lap_length, on_from, play
from simulator.venues.hashkey.skim import only


class Stand(NamedTuple):
    """Where a replay stood, for snapshots. ``place`` None: at its end."""

    loop: bool
    pace: Pace
    place: Place | None
    pump: Remembered


class Replay:
    """A source for the runner, and what steering asks of it (see runtime/steering.py).

    ``start`` is when its first moment is, in the exchange's time; None: at the recorded time. ``loop``: whether it
    starts again at its end.
    """

    def __init__(
        self,
        recording: Reader,
        instruments: Sequence[Instrument],
        *,
        start: Nanos | None,
        speed: Fraction = Fraction(1),
        loop: bool,
    ) -> None:
        assert recording.span is not None
        self._recording = recording
        self._instruments: Mapping[str, Instrument] = {one.symbol: one for one in instruments}
        self._keep = only(list(self._instruments))
        self.first, self.last = recording.span
        self.lap = lap_length(recording)
        self.loop = loop
        self._pace = Pace(self.first if start is None else start, speed)
        self._frames = play(recording, start=start, loop=self._loops, keep=self._keep)
        self._pump = Pump(self._frames, self._instruments, self._pace)
        self.due = self._pump.due
        self.take = self._pump.take
        self.tell_whole = self._pump.tell_whole

    def _loops(self) -> bool:
        return self.loop

    @property
    def bad_frames(self) -> int:
        """How many could not be read."""
        return self._pump.bad_frames

    def position(self, now: Nanos) -> Nanos:
        """The recorded time that is being played."""
        if self._pump.offset is None:
            return self.first
        shift = self._pump.offset + self._recording.header.clock_offset_ns
        return min(max(self._pace.back(now) - shift, self.first), self.last)

    def change_speed(self, now: Nanos, speed: Fraction) -> None:
        """Another pace from now on."""
        self._pace.change(now, speed)

    def put_off(self, due: Nanos, now: Nanos) -> None:
        """What was due then is due now, and the rest as much later."""
        self._pace.put_off(due, now)

    def seek(self, to: Nanos, now: Nanos) -> Sequence[Command]:
        """Play on from a recorded time, which is now; what tells the exchange of it."""
        known = Known(self._instruments)
        known.gather((one.connection, one.data) for one in self._recording.before(to) if one.direction is Direction.IN)
        self._pace.restart(now, self._pace.speed)
        self._frames = on_from(self._recording, to, start=now, loop=self._loops, keep=self._keep)
        return self._pump.jump(known, now - to - self._recording.header.clock_offset_ns, self._frames)

    def __getstate__(self) -> Stand:
        """For snapshots."""
        place = None if self._pump.ended else self._frames.place
        return Stand(self.loop, self._pace, place, self._pump.remembered())

    def __setstate__(self, stand: Stand) -> None:
        """Stand where another replay of this recording stood; ``go_on`` must follow."""
        self._stand = stand

    def go_on(self, later: Nanos) -> None:
        """Play on from where it was made to stand, so much later in the exchange's time than then."""
        self.loop, pace, place, pump = self._stand
        self._pace.become(pace, later)
        if place is None:
            self._frames = on_from(self._recording, self.last, start=self.last, loop=False, keep=self._keep)
        else:
            self._frames = Frames(self._recording, place.moved(later), loop=self._loops, keep=self._keep)
        self._pump.go_on(pump, self._frames, later)
