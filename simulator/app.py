"""The only place that joins things together: an exchange of ``assembly/`` behind a server.

``running`` serves for as long as a block lasts, ``serve`` is what the command does. What neighbours need
of one another is handed to them here, mostly as plain functions.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from simulator import __version__
from simulator.assembly.choices import choices
from simulator.assembly.faulting import PER_SECOND, FaultyGate, FaultyMarket, scenario_of
from simulator.assembly.forks import Plan, Served
from simulator.assembly.mirroring import mirror_of, rest_of, rules_of
from simulator.assembly.parts import CannotServe, Parts, exchange_of
from simulator.assembly.tape import Tape
from simulator.config import BadSetting, Settings
from simulator.control.answering import Caller, Control
from simulator.feeds.together import together
from simulator.lifetime import run, stop_signal, until_stopped
from simulator.ready import Ready, ready
from simulator.replay.recorder import CannotRecord
from simulator.runtime.bracket_report import result
from simulator.runtime.faults.fault import Fault
from simulator.runtime.faults.kinds import Where
from simulator.runtime.rate_limits import RateLimits
from simulator.runtime.runner import Runner
from simulator.server.app import PATIENCE_S, listening, route
from simulator.server.control import PREFIX as CONTROL
from simulator.server.control import Answer, control_handler
from simulator.server.delivery import Delivery
from simulator.server.faulty_frames import FaultyStreams
from simulator.server.outbox import Turn
from simulator.server.rest import rest_handler
from simulator.server.tls import Authority, NoAuthority, authority
from simulator.server.ws import PRIVATE_PREFIX, Streams
from simulator.storage.folder import BadState
from simulator.venues.hashkey.fates import Fates
from simulator.venues.hashkey.gate import Gate
from simulator.venues.hashkey.sockets import StreamSwitches

# speed.md 1.4: freezing what start-up made and rarer collections cut the worst pause from 103 to 17 ms.
_GC_THRESHOLDS: Final = (50_000, 20, 100)


@dataclass(frozen=True)
class Running:
    """An exchange that accepts connections."""

    parts: Parts
    ready: Ready
    port: int
    playing: asyncio.Task[None]


@asynccontextmanager
async def running(settings: Settings, patience_s: float = PATIENCE_S) -> AsyncIterator[Running]:
    """Serve the settings' exchange for as long as the block lasts; ``patience_s``: with clients, at the end."""
    parts = exchange_of(settings, await rules_of(settings) if settings.market.live else None)
    with _kept(parts):
        async with _served(parts, partial(_start, parts), patience_s) as sim:
            yield sim


@contextmanager
def _kept(parts: Parts) -> Iterator[None]:
    """Its state folder, if it has one, is closed in order at the end."""
    if parts.kept is None:
        yield
        return
    journal = parts.kept.journal
    try:
        try:
            yield
        finally:
            journal.settle()
        journal.end(parts.desk.state)
    except BadState as error:
        raise CannotServe(str(error)) from None
    finally:
        journal.close()


def _start(parts: Parts) -> None:
    """Time begins."""
    if not parts.settings.market.paused:
        parts.steering.resume()


@asynccontextmanager
async def _served(parts: Parts, begin: Callable[[], None], patience_s: float = PATIENCE_S) -> AsyncIterator[Running]:
    """``begin`` is called when connections are accepted, and before the first of them."""
    settings = parts.settings
    tape = _tape_of(parts)
    runner, desk = parts.runner, parts.desk
    limits = RateLimits(PER_SECOND) if settings.venue.rate_limits else None
    if limits is not None:
        parts.snapshots.roots["rate limits"] = limits
    gate = Gate(desk, limits, runner.catch_up, runner.act)
    if settings.venue.forced_outcomes:
        gate.fates = Fates(runner.act, runner.later)
    switches = StreamSwitches()
    if not settings.venue.idle_close:
        switches = replace(switches, v1_idle_s=None, v2_silence_s=None)
    delivery = Delivery(runner, parts.latencies, partial(_account_of, parts))
    if parts.kept is not None:
        delivery.turn.before = parts.kept.journal.settle
    streams = Streams(desk, runner, switches, delivery, parts.requests)
    _join_faults(parts, gate, delivery, streams)
    parts.snapshots.renewed.append(streams.renew)
    parts.forks.serve = partial(_forked, parts)
    token = settings.server.control_token or (secrets.token_hex(16) if settings.server.needs_token else "")
    handler = route(
        {"/quote/ws/v1": streams.public_v1, "/quote/ws/v2": streams.public_v2},
        {
            PRIVATE_PREFIX: streams.private,
            CONTROL: control_handler(_settled(Control(parts, token), delivery.turn), Caller),
        },
        rest_handler(gate, delivery, parts.requests),
    )
    async with AsyncExitStack() as stack:
        host = settings.server.host
        signer = stack.enter_context(authority_of(settings)) if settings.server.tls else None
        tls = None if signer is None else signer.context(*own_address(host))
        try:
            port = await stack.enter_async_context(listening(handler, host, settings.server.port, tls, patience_s))
        except OSError as error:
            where = f"{host}:{settings.server.port}"
            raise CannotServe(f"cannot listen on {where}: {error.strerror}; another --port may help") from None
        stack.push_async_callback(streams.close_all, patience_s)
        stack.callback(_end_faults, parts, delivery)
        begin()
        parts.snapshots.begin()
        if tape is not None:
            stack.callback(tape.recorder.close)
        playing = asyncio.create_task(_play(parts, tape))
        stack.push_async_callback(_ended, playing)
        stack.push_async_callback(parts.forks.end_all)
        ca = "" if signer is None else str(signer.certificate)
        yield Running(parts, _ready(parts, port, token, ca), port, playing)


@asynccontextmanager
async def _forked(parts: Parts, plan: Plan) -> AsyncIterator[Served]:
    """Another exchange that is what a snapshot of this one says, and does not keep or record anything."""
    told = parts.settings
    settings = replace(
        told,
        market=replace(told.market, queue=plan.queue, residual=plan.residual, paused=True),
        server=replace(told.server, port=plan.port),
        venue=replace(told.venue, faults=""),
        run=replace(told.run, state=""),
        recording=replace(told.recording, record=""),
    )
    fork = replace(exchange_of(settings, parts.rules), access=parts.access)

    def begin() -> None:
        fork.snapshots.begin_as(plan.start)
        for choice in choices(settings.market, list(fork.desk.state.markets)):
            if choice.queue or choice.residual:
                fork.runner.do(choice)

    try:
        async with _served(fork, begin) as sim:
            yield Served(sim.ready, sim.port, sim.playing)
    finally:
        fork.snapshots.end()


def _join_faults(parts: Parts, gate: Gate, delivery: Delivery, streams: Streams) -> None:
    """Who hears of faults; those of the settings begin with the exchange."""
    faults, runner = parts.faults, parts.runner
    streams.faulty = FaultyStreams(faults, runner, streams.connections)
    market, limits = FaultyMarket(faults, runner, parts.desk), FaultyGate(faults, gate)

    def replies(fault: Fault) -> None:
        delivery.faults = faults if faults.active(Where.REQUEST) else None

    faults.changed += [replies, streams.faulty.changed, market.changed, limits.changed]
    scenario = scenario_of(parts.settings.venue.faults)
    faults.begin(scenario)
    parts.snapshots.leaving.append(faults.forget)
    parts.snapshots.started.append(partial(faults.begin, scenario))


def _end_faults(parts: Parts, delivery: Delivery) -> None:
    parts.faults.forget()
    delivery.spoiling.end()


def _tape_of(parts: Parts) -> Tape | None:
    """Where the live market is recorded, if it is."""
    settings = parts.settings
    if not settings.recording.record:
        return None
    if parts.live is None:
        raise BadSetting("--record keeps what a live market says: it goes with --live")
    out, symbols = Path(settings.recording.record).expanduser(), list(parts.desk.state.markets)
    try:
        return Tape(settings, out, symbols, rest_of(settings))
    except CannotRecord as error:
        raise CannotServe(str(error), 2) from None


async def _play(parts: Parts, tape: Tape | None) -> None:
    """Let the market play, and a live one be heard; never ends by itself."""
    if parts.live is None:
        await parts.runner.run()
        return
    instruments = [market.instrument for market in parts.desk.state.markets.values()]
    if tape is None:
        await together(_forever(parts.runner), mirror_of(parts.settings, instruments, parts.live).run())
    mirror = mirror_of(parts.settings, instruments, parts.live, tape.record)
    await together(_forever(parts.runner), mirror.run(), tape.beside(parts.desk.catalogue))


async def _forever(runner: Runner) -> NoReturn:
    await runner.run()
    raise AssertionError("the runner ends only by raising")


def _settled(control: Control, turn: Turn) -> Answer:
    """The control API's answers, each given only when what it tells of is kept."""

    async def answer(*asked: Any) -> tuple[int, bytes, str]:
        reply = await control.answer(*asked)
        turn.before()
        return reply

    return answer


def _ready(parts: Parts, port: int, token: str, ca: str) -> Ready:
    addresses = ready(parts.settings.server.host, port, list(parts.desk.state.markets), parts.access, __version__, ca)
    return msgspec.structs.replace(addresses, control_token=token)


@contextmanager
def authority_of(settings: Settings) -> Iterator[Authority]:
    """Who signs for the server; CannotServe where nobody can."""
    folder = settings.server.tls_dir
    try:
        with authority(Path(folder) if folder else None, *own_address(settings.server.host)) as signer:
            yield signer
    except NoAuthority as error:
        raise CannotServe(str(error), 2) from None


def own_address(host: str) -> tuple[str, ...]:
    """The address that clients may know the server by, if it is one: none means all of them."""
    return () if host in ("0.0.0.0", "::") else (host,)  # noqa: S104


def _account_of(parts: Parts, api_key: str) -> str | None:
    key = parts.desk.keys.get(api_key)
    return None if key is None else key.account


async def _ended(playing: asyncio.Task[None]) -> None:
    """Nothing is played any more; if a bug had stopped it before, nobody may miss it."""
    playing.cancel()
    await asyncio.wait([playing])
    if not playing.cancelled():
        playing.result()


def calm_the_collector() -> None:
    """Only in a process of our own: it is set for the whole process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def serve(settings: Settings) -> None:
    """Run the exchange until it is stopped."""
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with running(settings) as sim:
        calm_the_collector()
        # Before the ready line: who reads it may stop us at once.
        stop = stop_signal()
        if settings.run.json:
            print(sim.ready.to_json(), flush=True)
        else:
            print(sim.ready.to_text(sim.parts.market), flush=True)
        try:
            await until_stopped(stop, sim.playing, settings.run.run_seconds or None)
        except BadState as error:
            raise CannotServe(str(error)) from None
        if sim.parts.bracket is not None:
            told = result(sim.parts.bracket)
            print(told.to_json() if settings.run.json else told.to_text(), flush=True)
