"""How one exchange is put together: from the settings to a runner with a market and everybody who reads it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from simulator.assembly.choices import choices
from simulator.assembly.forks import Forks
from simulator.assembly.mirroring import live_of
from simulator.assembly.opening import fees_of, open_accounts
from simulator.assembly.replaying import Replay
from simulator.assembly.resuming import check_listed, check_time, closed_on_failure, keep, market_goes_on, resumed
from simulator.assembly.snapshots import Snapshots, roots_of
from simulator.config import BadSetting, Settings
from simulator.core.candles import Tapes
from simulator.core.commands import ListInstrument
from simulator.core.exchange import Exchange
from simulator.core.explaining import Explainer
from simulator.core.history import History
from simulator.core.instruments import Instrument
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.refusals import Refusals
from simulator.core.state import State
from simulator.core.units import Nanos
from simulator.feeds.live import Live
from simulator.feeds.rules import Rules
from simulator.ready import Access
from simulator.replay.format import BadRecording, Reader
from simulator.runtime import margin_log
from simulator.runtime.bracket import Bracket
from simulator.runtime.clock import RecordedClock, SteeredClock, WallClock
from simulator.runtime.faults.faults import Faults
from simulator.runtime.fill_log import FillLog
from simulator.runtime.latency import BadLatency, Latencies
from simulator.runtime.metrics import Counts
from simulator.runtime.runner import Runner
from simulator.runtime.steering import Steering
from simulator.storage.folder import BadState
from simulator.storage.kept import Kept
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.funding import first_funding
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.request_log import RequestLog
from simulator.venues.hashkey.signing import KeyRing

BUNDLED: Final = "hashkey-20240808.hkrec"


class CannotServe(Exception):
    """The exchange cannot run, in one line, and the status to exit with."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status


@dataclass(frozen=True)
class Parts:
    """One exchange with everything that reads it.

    ``kept``: the state folder that it lives in; ``bracket``: the same by other models; ``live`` and ``rules``: of the
    venue that it mirrors. None: not asked for.
    """

    settings: Settings
    runner: Runner
    desk: Desk
    refusals: Refusals
    access: list[Access]
    market: str
    steering: Steering
    latencies: Latencies
    faults: Faults
    requests: RequestLog
    counts: Counts
    snapshots: Snapshots
    kept: Kept | None = None
    bracket: Bracket | None = None
    live: Live | None = None
    rules: Rules | None = None
    forks: Forks = field(default_factory=Forks)


def bundled(name: str) -> Path:
    """A recording that comes with the simulator: in an installed package inside it, in a checkout beside it."""
    here = Path(__file__).resolve().parents[1]
    inside = here / "replay_data" / name
    return inside if inside.exists() else here.parent / "replay_data" / name


def exchange_of(settings: Settings, rules: Rules | None = None) -> Parts:
    """An exchange at its first moment, or where its state folder ends: listed, funded, its market ready to play.

    ``rules``: of the live venue that it mirrors.
    """
    try:
        return _exchange_of(settings, rules)
    except BadState as error:
        raise CannotServe(str(error)) from None


def _exchange_of(settings: Settings, rules: Rules | None) -> Parts:
    recording = None if settings.market.empty or rules is not None else _recording(settings)
    catalogue = _catalogue(recording) if rules is None else rules.catalogue
    instruments = _instruments(settings, catalogue, recording)
    exchange, keys = Exchange(), KeyRing()
    desk, refusals = _desk(settings, exchange.state, keys, catalogue), Refusals()
    bracket = Bracket(exchange.state) if settings.run.bracket else None
    readers = [desk.history.on_events, desk.tapes.on_events, desk.perpetuals.on_events, refusals.on_events]
    past = resumed(settings.run.state, exchange, readers, bracket)
    with closed_on_failure(past.kept):
        clock = _clock(settings, recording, exchange.state)
        runner = Runner(exchange, clock)
        keep(past, runner, keys, settings, bracket)
        fill_log = FillLog(Explainer(exchange.state, desk.history, settings.market.seed))
        counts = Counts()
        runner.subscribers += [*readers, margin_log.on_events, fill_log.on_events, counts.on_events]
        check_listed(instruments, list(catalogue.rows), exchange.state)
        _list(settings, runner, instruments)
        access = open_accounts(settings, runner, desk)
        replay = None if recording is None else _replay(settings, recording, instruments, runner.now())
        if past:
            market_goes_on(past, settings, runner, replay)
        if past.kept is not None:
            past.kept.journal.settle()
        latencies = _latencies(settings, [one.name for one in access])
    runner.source = replay
    speed, recorded = speed_of(settings.market.speed), settings.market.clock == "recorded"
    steering = Steering(runner, clock, replay, speed, recorded=recorded)
    live = None
    if rules is not None:
        runner.source = live = live_of(settings, instruments, runner)
        runner.catch_up()  # it begins stale, before anybody can ask
    roots = {"state": exchange.state, "refusals": refusals, "latencies": latencies, **roots_of(desk)}
    if bracket is not None:
        roots["bracket"] = bracket
    return Parts(
        settings=settings,
        runner=runner,
        desk=desk,
        refusals=refusals,
        access=access,
        market=_describe(settings, recording, rules),
        steering=steering,
        latencies=latencies,
        faults=Faults(runner),
        counts=counts,
        requests=RequestLog(keys, runner.now, time.time_ns),
        snapshots=Snapshots(runner, steering, roots, kept=past.kept is not None),
        kept=past.kept,
        bracket=bracket,
        live=live,
        rules=rules,
    )


def _catalogue(recording: Reader | None) -> Catalogue:
    """What the recording says of its symbols, or what is known of HashKey's."""
    info = recording.header.exchange_info if recording is not None else {}
    return Catalogue(info) if info.get("symbols") or info.get("contracts") else Catalogue.bundled()


def _desk(settings: Settings, state: State, keys: KeyRing, catalogue: Catalogue) -> Desk:
    return Desk(
        state=state,
        tapes=Tapes(),
        history=History(state),
        perpetuals=PerpetualHistory(state),
        keys=keys,
        listen_keys=ListenKeys(settings.market.seed),
        catalogue=catalogue,
        switches=Switches(
            cancel_status=settings.venue.cancel_status,
            answer_finished_cancel=settings.venue.answer_finished_cancel,
            transfer_interval_ms=1000 if settings.venue.rate_limits else 0,
            timestamps=settings.venue.timestamps,
        ),
        fees=fees_of(settings),
    )


def _list(settings: Settings, runner: Runner, instruments: list[Instrument]) -> None:
    """Open the markets that are not open already, and choose their models."""
    for one in instruments:
        if one.symbol in runner.exchange.state.markets:
            continue
        runner.do(ListInstrument(one))
        if one.contract is not None:
            runner.do(first_funding(one.symbol, runner.now()))
    for choice in choices(settings.market, [one.symbol for one in instruments]):
        runner.do(choice)


def _latencies(settings: Settings, users: list[str]) -> Latencies:
    try:
        latencies = Latencies(settings.venue.latency, settings.market.seed)
    except BadLatency as error:
        raise BadSetting(f"latency: {error}") from None
    for name in latencies.accounts:
        if name not in users:
            raise BadSetting(f"latency: there is no account {name}; there are {', '.join(users)}")
    return latencies


def _recording(settings: Settings) -> Reader:
    path = Path(settings.market.replay).expanduser() if settings.market.replay else bundled(BUNDLED)
    try:
        return Reader(path)
    except FileNotFoundError:
        raise CannotServe(f"there is no recording {path}", 2) from None
    except OSError as error:
        raise CannotServe(f"cannot read {path}: {error.strerror}") from None
    except BadRecording as error:
        raise CannotServe(str(error)) from None


def _instruments(settings: Settings, catalogue: Catalogue, recording: Reader | None) -> list[Instrument]:
    there = [name for name in catalogue.rows if recording is None or name in recording.header.symbols]
    wanted = settings.market.symbols or tuple(there)
    for name in wanted:
        if name not in there:
            raise BadSetting(f"the market has no symbol {name} to trade; it has {', '.join(there) or 'none'}")
    return catalogue.instruments(wanted)


def _clock(settings: Settings, recording: Reader | None, state: State) -> SteeredClock:
    """Recorded time stands until somebody serves, so that an exchange begins with its first moment, always the same.

    ``state``: what was there before; its time goes on.
    """
    if settings.market.clock == "wall":
        if settings.market.speed == "max":
            raise BadSetting("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        clock: SteeredClock = WallClock(paused=settings.market.paused)
    else:
        if recording is None or recording.span is None:
            raise BadSetting("clock recorded needs a recording to live in")
        start = max(recording.span[0], state.now)
        clock = RecordedClock(start, speed_of(settings.market.speed), paused=True)
    check_time(clock, state)
    return clock


def speed_of(text: str) -> Fraction | None:
    """A speed as the setting has it; None: max."""
    return None if text == "max" else Fraction(text)


def _replay(settings: Settings, recording: Reader, instruments: list[Instrument], start: Nanos) -> Replay | None:
    if recording.span is None:
        return None
    market = settings.market
    if market.clock == "recorded":
        return Replay(recording, instruments, start=None, loop=market.loop)
    return Replay(recording, instruments, start=start, speed=speed_of(market.speed) or Fraction(1), loop=market.loop)


def _describe(settings: Settings, recording: Reader | None, rules: Rules | None) -> str:
    if rules is not None:
        return f"live mirror of {settings.upstream.upstream_ws}, {rules.origin}"
    if recording is None:
        return "none: only orders of this exchange's own accounts"
    loop = "looping" if settings.market.loop and settings.market.speed != "max" else "once"
    return f"{recording.path.name} ({recording.header.venue}), speed {settings.market.speed}, {loop}"
