"""The command ``record``: a mirror of the venue that nobody trades on, and whose frames are kept.

It asks for what ``serve --live`` would ask for, so that what it records can be replayed as it would have
been mirrored. The venue must answer at the beginning, since the header needs its exchangeInfo and clock; after
that connections are won back however long it takes.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from simulator.assembly.mirroring import check_upstream, mirror_of, rest_of
from simulator.assembly.tape import Ended, Tape
from simulator.config import BadSetting, Settings
from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.feeds.live import Live
from simulator.feeds.mirror import Mirror
from simulator.feeds.rest import Unreachable
from simulator.feeds.rules import read
from simulator.feeds.together import together
from simulator.lifetime import run, stop_signal, until_stopped
from simulator.replay.gaps import Gap
from simulator.replay.recorder import Recorder

_SHOWN_EVERY_S: Final = 1.0
_CLEAR: Final = "\x1b[K"
"""To a terminal: the rest of the line is empty."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that has ended; ``failure`` is empty when it was meant to."""

    files: list[str]
    symbols: tuple[str, ...]
    first_ns: Nanos | None
    last_ns: Nanos | None
    duration_ns: Nanos
    records: int
    received: int
    lost: int
    raw_bytes: int
    file_bytes: int
    clock_offset_ns: Nanos
    gap_count: int
    gap_kinds: dict[str, int]
    gaps: list[Gap]
    failure: str

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        where = ", ".join(self.files) or "no file"
        gaps = ", ".join(f"{count:,} {kind}" for kind, count in self.gap_kinds.items())
        lost = f", {self.lost:,} lost" if self.lost else ""
        return (
            f"{where}: {self.records:,} messages in {self.duration_ns / NANOS_PER_SECOND:,.1f} s{lost}, "
            f"{self.file_bytes:,} bytes of {self.raw_bytes:,}; gaps: {gaps}"
        )


def record(settings: Settings, out: Path) -> Result:
    """Record until stopped; CannotRecord and BadSetting say what is misused."""
    check_upstream(settings)
    symbols = tuple(dict.fromkeys(settings.market.symbols))
    if not symbols:
        raise BadSetting("record needs --symbols A,B")
    if sys.stderr.isatty():
        # What is logged takes the place of the line that tells how it goes.
        logging.basicConfig(format=f"\r%(message)s{_CLEAR}")
    result: Result = run(_record(settings, Tape(settings, out, symbols, rest_of(settings))))
    return result


async def _record(settings: Settings, tape: Tape) -> Result:
    failure = ""
    stop = stop_signal()
    session = asyncio.create_task(_session(settings, tape))
    try:
        await until_stopped(stop, session, settings.run.run_seconds or None)
    except Ended as error:
        failure = str(error)
    finally:
        session.cancel()
        await asyncio.wait([session])
        tape.recorder.close()
    return _result(tape, failure or tape.recorder.failure)


async def _session(settings: Settings, tape: Tape) -> None:
    live, mirror = await _opened(settings, tape)
    symbols, where = ", ".join(tape.recorder.symbols), tape.recorder.told.files[0]
    _say(f"recording {symbols} from {settings.upstream.upstream_ws} into {where}; Ctrl-C stops")
    await together(mirror.run(), tape.keep_flushed(), _show(tape.recorder, live))


async def _opened(settings: Settings, tape: Tape) -> tuple[Live, Mirror]:
    """Everything that the venue must have answered before there is a file."""
    try:
        catalogue = read(await tape.open())
    except (Unreachable, ValueError) as error:
        raise Ended(f"the venue does not answer as it should: {error}") from None
    symbols = tape.recorder.symbols
    for symbol in symbols:
        if symbol not in catalogue.rows:
            raise BadSetting(f"the venue has no symbol {symbol} to record; it has {', '.join(catalogue.rows)}")
    tape.begin(catalogue)
    if tape.recorder.failure:
        raise Ended(tape.recorder.failure)
    instruments = catalogue.instruments(symbols)
    live = _unread({one.symbol: one for one in instruments}, settings.upstream.stale_after)
    return live, mirror_of(settings, instruments, live, tape.record)


def _unread(instruments: Mapping[str, Instrument], stale_after_s: float) -> Live:
    """A live market whose commands nobody wants: it is kept for knowing what the venue should be asked for."""

    def drop() -> None:
        while live.due() is not None:
            live.take()

    live = Live(instruments, stale_after_s, time.time_ns, drop)
    return live


async def _show(recorder: Recorder, live: Live) -> NoReturn:
    """A line on the terminal that tells how it goes, once a second; nothing where nobody looks."""
    began, before = time.monotonic(), 0
    try:
        while True:
            await asyncio.sleep(_SHOWN_EVERY_S)
            if sys.stderr.isatty():
                rate, before = recorder.told.records - before, recorder.told.records
                _say(progress(recorder, live, time.monotonic() - began, rate), end="", start="\r")
    finally:
        if sys.stderr.isatty():
            _say("")


def progress(recorder: Recorder, live: Live, seconds: float, rate: int) -> str:
    """Time, messages and how many a second, size, gaps, and connections that are not there."""
    told = recorder.told
    minutes, rest = divmod(int(seconds), 60)
    down = "".join(f"  {connection}: {why}" for connection, why in live.connections.items() if why)
    return (
        f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}  {told.records:,} messages ({rate:,}/s)  "
        f"{told.file_bytes / 1e6:,.1f} MB  {recorder.gaps.total:,} gaps{down}{_CLEAR}"
    )


def _say(words: str, *, start: str = "", end: str = "\n") -> None:
    print(f"{start}{words}", end=end, file=sys.stderr, flush=True)


def _result(tape: Tape, failure: str) -> Result:
    recorder = tape.recorder
    told, gaps = recorder.told, recorder.gaps
    first, last = told.first_ns, told.last_ns
    return Result(
        files=told.files,
        symbols=recorder.symbols,
        first_ns=first,
        last_ns=last,
        duration_ns=0 if first is None or last is None else last - first,
        records=told.records,
        received=told.received,
        lost=told.lost,
        raw_bytes=told.raw_bytes,
        file_bytes=told.file_bytes,
        clock_offset_ns=tape.clock_offset_ns,
        gap_count=gaps.total,
        gap_kinds=gaps.count,
        gaps=gaps.listed,
        failure=failure,
    )
