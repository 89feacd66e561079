"""The only place that builds things and joins them together.

``exchange_of`` makes an exchange with its readers from the settings, ``running`` puts it behind a server
for as long as a block lasts, ``serve`` is what the command does. What neighbours need of one another is
handed to them here, mostly as plain functions.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from simulator import __version__
from simulator.config import BadSetting, Settings
from simulator.core.accounts.ledger import INSURANCE
from simulator.core.candles import Tapes
from simulator.core.commands import Deposit, ListInstrument, OpenAccount
from simulator.core.digest import digest
from simulator.core.exchange import Exchange
from simulator.core.explaining import explain, explain_liquidation, explain_stop
from simulator.core.history import History
from simulator.core.instruments import Instrument
from simulator.core.orders import Order
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.stops import Stop
from simulator.core.units import NANOS_PER_MILLI, Nanos, NotANumber, OffGrid, money, money_text, rate
from simulator.feeds.pump import Pace, Played, Pump
from simulator.ready import Access, Ready, ready
from simulator.replay.format import BadRecording, Reader
from simulator.replay.player import play
from simulator.runtime import margin_log
from simulator.runtime.clock import Clock, RecordedClock, WallClock
from simulator.runtime.rate_limits import RateLimits
from simulator.runtime.runner import Runner
from simulator.server.app import listening, route
from simulator.server.control import PREFIX as CONTROL
from simulator.server.control import control_handler
from simulator.server.rest import rest_handler
from simulator.server.ws import PRIVATE_PREFIX, Streams
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, futures_of, user_of
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.funding import first_funding
from simulator.venues.hashkey.gate import Gate
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.signing import ApiKey, KeyRing
from simulator.venues.hashkey.skim import only
from simulator.venues.hashkey.sockets import StreamSwitches

BUNDLED: Final = "hashkey-20240808.hkrec"
DEFAULT_ACCOUNTS: Final = ("default:USDT=100000,BTC=2,ETH=20", "default/futures:USDT=100000")
# speed.md 1.4: freezing what start-up made and rarer collections cut the worst pause from 103 to 17 ms.
_GC_THRESHOLDS: Final = (50_000, 20, 100)


class CannotServe(Exception):
    """The exchange cannot run, in one line, and the status to exit with."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status


@dataclass(frozen=True)
class Parts:
    """One exchange with everything that reads it."""

    runner: Runner
    desk: Desk
    access: list[Access]
    market: str


@dataclass(frozen=True)
class Running:
    """An exchange that accepts connections."""

    parts: Parts
    ready: Ready
    playing: asyncio.Task[None]


def bundled(name: str) -> Path:
    """A recording that comes with the simulator: in an installed package inside it, in a checkout beside it."""
    here = Path(__file__).resolve().parent
    inside = here / "replay_data" / name
    return inside if inside.exists() else here.parent / "replay_data" / name


def exchange_of(settings: Settings) -> Parts:
    """An exchange at its first moment: listed, funded, with its market ready to play."""
    recording = None if settings.market.empty else _recording(settings)
    info = recording.header.exchange_info if recording is not None else {}
    catalogue = Catalogue(info) if info.get("symbols") or info.get("contracts") else Catalogue.bundled()
    instruments = _instruments(settings, catalogue, recording)
    clock = _clock(settings, recording)
    exchange = Exchange()
    history, tapes, keys = History(exchange.state), Tapes(), KeyRing()
    perpetuals = PerpetualHistory(exchange.state)
    runner = Runner(exchange, clock)
    runner.subscribers += [history.on_events, tapes.on_events, perpetuals.on_events, margin_log.on_events]
    desk = Desk(
        state=exchange.state,
        tapes=tapes,
        history=history,
        perpetuals=perpetuals,
        keys=keys,
        listen_keys=ListenKeys(settings.market.seed),
        catalogue=catalogue,
        switches=Switches(
            cancel_status=settings.venue.cancel_status,
            answer_finished_cancel=settings.venue.answer_finished_cancel,
            transfer_interval_ms=1000 if settings.venue.rate_limits else 0,
        ),
    )
    for instrument in instruments:
        runner.do(ListInstrument(instrument))
        if instrument.contract is not None:
            runner.do(first_funding(instrument.symbol, runner.now()))
    access = _open_accounts(settings, runner, keys)
    if recording is not None:
        runner.source = _source(settings, recording, instruments, runner.now())
    return Parts(runner, desk, access, _describe(settings, recording))


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


def _clock(settings: Settings, recording: Reader | None) -> Clock:
    if settings.market.clock == "wall":
        if settings.market.speed == "max":
            raise BadSetting("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        return WallClock()
    if recording is None or recording.span is None:
        raise BadSetting("clock recorded needs a recording to live in")
    return RecordedClock(recording.span[0], _speed(settings))


def _speed(settings: Settings) -> Fraction | None:
    return None if settings.market.speed == "max" else Fraction(settings.market.speed)


def _source(settings: Settings, recording: Reader, instruments: list[Instrument], start: Nanos) -> Pump:
    speed = _speed(settings)
    recorded = settings.market.clock == "recorded"
    # A recorded clock runs faster by itself; beside the wall's clock the frames come sooner instead.
    pace = Pace(start, Fraction(1) if recorded or speed is None else speed)
    keep = only([one.symbol for one in instruments])
    loop = settings.market.loop and settings.market.speed != "max"
    played: Iterator[Played] = play(recording, start=None if recorded else start, loop=loop, keep=keep)
    return Pump(played, {one.symbol: one for one in instruments}, pace)


def _describe(settings: Settings, recording: Reader | None) -> str:
    if recording is None:
        return "none: only orders of this exchange's own accounts"
    loop = "looping" if settings.market.loop and settings.market.speed != "max" else "once"
    return f"{recording.path.name} ({recording.header.venue}), speed {settings.market.speed}, {loop}"


def _open_accounts(settings: Settings, runner: Runner, keys: KeyRing) -> list[Access]:
    told = settings.accounts
    spot = rate(told.maker_fee), rate(told.taker_fee)
    futures = rate(told.futures_maker_fee), rate(told.futures_taker_fee)
    access: list[Access] = []
    funds = [_funds(text) for text in settings.accounts.account or DEFAULT_ACCOUNTS]
    for user in dict.fromkeys(user_of(name) for name, _ in funds):
        for name, (maker, taker) in ((user, spot), (futures_of(user), futures)):
            runner.do(OpenAccount(name, maker, taker))
        first = not access
        key = (first and settings.accounts.api_key) or secrets.token_hex(16)
        secret = (first and settings.accounts.api_secret) or secrets.token_hex(16)
        keys.add(ApiKey(key, secret, user))
        access.append(Access(user, key, secret))
    for name, assets in funds:
        for asset, amount in assets.items():
            if amount:
                runner.do(Deposit(name, asset, amount))
    return access


def _funds(text: str) -> tuple[str, dict[str, int]]:
    """An account and its money of a text such as ``bob:USDT=1000,BTC=1``."""
    name, _, rest = text.partition(":")
    user, _, wallet = name.partition("/")
    plain = user.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or name not in (user, user + FUTURES_SUFFIX) or (wallet and not user):
        raise BadSetting(f"account needs NAME:ASSET=QTY,... or NAME/futures:ASSET=QTY,...; not {text!r}")
    assets: dict[str, int] = {}
    for part in rest.split(",") if rest else ():
        asset, found, qty = part.partition("=")
        try:
            assets[asset] = money(qty)
        except (NotANumber, OffGrid):
            assets[asset] = -1
        if not (found and asset.isascii() and asset.isalnum()) or assets[asset] < 0:
            raise BadSetting(f"account {name}: {part!r} is not ASSET=QTY")
    return name, assets


def views(parts: Parts) -> dict[str, Callable[[dict[str, str]], Any]]:
    """What ``/_sim/...`` tells, by name."""
    state, runner = parts.desk.state, parts.runner

    def health(query: dict[str, str]) -> Any:
        stale = [name for name, market in state.markets.items() if market.mirror.stale]
        return {"ok": not stale, "stale": stale, "symbols": list(state.markets), "version": __version__}

    def summary(query: dict[str, str]) -> Any:
        return {
            "time": runner.now() // NANOS_PER_MILLI,
            "market": parts.market,
            "accounts": list(state.customers),
            "orders": len(state.orders),
            "open_orders": sum(len(one.open_orders) for one in state.customers.values()),
            "positions": sum(len(wallet.positions) for wallet in state.wallets.values()),
            "insurance": {asset: money_text(one.total) for asset, one in state.ledger.of(INSURANCE).items()},
        }

    def why(query: dict[str, str]) -> Any:
        return _explained(parts, query.get("orderId", ""), query.get("clientOrderId", ""))

    def fingerprint(query: dict[str, str]) -> Any:
        return {"digest": digest(state)}

    return {"health": health, "state": summary, "digest": fingerprint, "explain": why}


def _explained(parts: Parts, order_id: str, client_order_id: str) -> Any:
    """Why an order filled or did not: of the book, one that waits or waited for a price, or a take-over told as one."""
    state, history = parts.desk.state, parts.desk.history

    def named(one: Order | Stop) -> bool:
        return order_id == str(one.id) or (not order_id and client_order_id == one.client_order_id)

    for order in filter(named, reversed(state.orders.values())):
        fills = [one.event for one in history.of(order.account).fills if one.event.order_id == order.id]
        return explain(state.markets[order.symbol], order, fills)
    for stop in filter(named, reversed(state.stops.values())):
        return explain_stop(state.markets[stop.symbol], stop)
    for _, event in (one for taken in parts.desk.perpetuals.liquidations.values() for one in taken):
        if str(event.order_id) in (order_id, client_order_id):
            return explain_liquidation(state.perpetuals[event.symbol], event)
    raise LookupError("there is no such order: name it by orderId or clientOrderId")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Serve the settings' exchange for as long as the block lasts."""
    parts = exchange_of(settings)
    runner, desk = parts.runner, parts.desk
    limits = RateLimits({"order": 20, "query": 10}) if settings.venue.rate_limits else None
    gate = Gate(desk, limits, runner.catch_up, runner.act)
    switches = StreamSwitches()
    if not settings.venue.idle_close:
        switches = replace(switches, v1_idle_s=None, v2_silence_s=None)
    streams = Streams(desk, runner, switches)
    handler = route(
        {"/quote/ws/v1": streams.public_v1, "/quote/ws/v2": streams.public_v2},
        {PRIVATE_PREFIX: streams.private, CONTROL: control_handler(views(parts))},
        rest_handler(gate, streams.turn),
    )
    async with AsyncExitStack() as stack:
        host = settings.server.host
        try:
            port = await stack.enter_async_context(listening(handler, host, settings.server.port))
        except OSError as error:
            where = f"{host}:{settings.server.port}"
            raise CannotServe(f"cannot listen on {where}: {error.strerror}; another --port may help") from None
        stack.push_async_callback(streams.close_all)
        _calm_the_collector()
        playing = asyncio.create_task(runner.run(flat_out=settings.market.speed == "max"))
        stack.push_async_callback(_ended, playing)
        yield Running(parts, ready(host, port, list(desk.state.markets), parts.access, __version__), playing)


async def _ended(playing: asyncio.Task[None]) -> None:
    """Nothing is played any more; if a bug had stopped it before, nobody may miss it."""
    playing.cancel()
    await asyncio.wait([playing])
    if not playing.cancelled():
        playing.result()


def _calm_the_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def serve(settings: Settings) -> None:
    """Run the exchange until it is stopped."""
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with running(settings) as sim:
        if settings.run.json:
            print(sim.ready.to_json(), flush=True)
        else:
            print(sim.ready.to_text(sim.parts.market), flush=True)
        await _until_stopped(sim.playing, settings.run.run_seconds or None)


async def _until_stopped(playing: asyncio.Task[None], seconds: float | None) -> None:
    """Until a signal, the end of the time, or a bug in what plays the market, which is raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, playing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if playing.done():
        playing.result()


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop where it is installed (the ``fast`` extra), else on asyncio's loop."""
    factory = None
    if sys.platform != "win32":
        with suppress(ImportError):
            import uvloop  # noqa: PLC0415 - there only with the extra

            factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
