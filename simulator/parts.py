"""How one exchange is put together: from the settings to a runner with a market and everybody who reads it."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from simulator.config import BadSetting, Settings, nearest
from simulator.core.candles import Tapes
from simulator.core.commands import ChooseModels, Deposit, ListInstrument, OpenAccount
from simulator.core.exchange import Exchange
from simulator.core.explaining import Explainer
from simulator.core.history import History
from simulator.core.instruments import Instrument
from simulator.core.mirror.queue_position import MODELS as QUEUES
from simulator.core.mirror.queue_position import UnknownModel, queue_model
from simulator.core.mirror.residual import MODELS as RESIDUALS
from simulator.core.mirror.residual import UnknownResidual, residual_model
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.refusals import Refusals
from simulator.core.state import State
from simulator.core.units import Nanos, NotANumber, OffGrid, money, rate
from simulator.ready import Access
from simulator.replay.format import BadRecording, Reader
from simulator.replaying import Replay
from simulator.resuming import check_listed, check_time, closed_on_failure, keep, market_goes_on, resumed
from simulator.runtime import margin_log
from simulator.runtime.bracket import Bracket
from simulator.runtime.clock import RecordedClock, SteeredClock, WallClock
from simulator.runtime.fill_log import FillLog
from simulator.runtime.latency import BadLatency, Latencies
from simulator.runtime.runner import Runner
from simulator.runtime.steering import Steering
from simulator.storage.folder import BadState
from simulator.storage.kept import Kept
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, futures_of, user_of
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.funding import first_funding
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.signing import ApiKey, KeyRing

BUNDLED: Final = "hashkey-20240808.hkrec"
DEFAULT_ACCOUNTS: Final = ("default:USDT=100000,BTC=2,ETH=20", "default/futures:USDT=100000")


class CannotServe(Exception):
    """The exchange cannot run, in one line, and the status to exit with."""

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(line)
        self.status = status


@dataclass(frozen=True)
class Parts:
    """One exchange with everything that reads it.

    ``kept``: the state folder that it lives in; ``bracket``: the same by other models. None: not asked for.
    """

    settings: Settings
    runner: Runner
    desk: Desk
    refusals: Refusals
    access: list[Access]
    market: str
    steering: Steering
    latencies: Latencies
    kept: Kept | None = None
    bracket: Bracket | None = None


def bundled(name: str) -> Path:
    """A recording that comes with the simulator: in an installed package inside it, in a checkout beside it."""
    here = Path(__file__).resolve().parent
    inside = here / "replay_data" / name
    return inside if inside.exists() else here.parent / "replay_data" / name


def exchange_of(settings: Settings) -> Parts:
    """An exchange at its first moment, or where its state folder ends: listed, funded, its market ready to play."""
    try:
        return _exchange_of(settings)
    except BadState as error:
        raise CannotServe(str(error)) from None


def _exchange_of(settings: Settings) -> Parts:
    recording = None if settings.market.empty else _recording(settings)
    info = recording.header.exchange_info if recording is not None else {}
    catalogue = Catalogue(info) if info.get("symbols") or info.get("contracts") else Catalogue.bundled()
    instruments = _instruments(settings, catalogue, recording)
    exchange = Exchange()
    history, tapes, keys = History(exchange.state), Tapes(), KeyRing()
    perpetuals, refusals = PerpetualHistory(exchange.state), Refusals()
    bracket = Bracket(exchange.state) if settings.run.bracket else None
    readers = [history.on_events, tapes.on_events, perpetuals.on_events, refusals.on_events]
    past = resumed(settings.run.state, exchange, readers, bracket)
    with closed_on_failure(past.kept):
        clock = _clock(settings, recording, exchange.state)
        runner = Runner(exchange, clock)
        keep(past, runner, keys, settings, bracket)
    runner.subscribers += [history.on_events, tapes.on_events, perpetuals.on_events, margin_log.on_events]
    fill_log = FillLog(Explainer(exchange.state, history, settings.market.seed))
    runner.subscribers += [refusals.on_events, fill_log.on_events]
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
    with closed_on_failure(past.kept):
        check_listed(instruments, list(catalogue.rows), exchange.state)
        for instrument in instruments:
            _list(runner, instrument)
        for choice in _models(settings, [one.symbol for one in instruments]):
            runner.do(choice)
        access = _open_accounts(settings, runner, keys)
        replay = None if recording is None else _replay(settings, recording, instruments, runner.now())
        if past:
            market_goes_on(past, settings, runner, replay)
        if past.kept is not None:
            past.kept.journal.settle()
        latencies = _latencies(settings)
    runner.source = replay
    steering = Steering(
        runner, clock, replay, speed_of(settings.market.speed), recorded=settings.market.clock == "recorded"
    )
    market = _describe(settings, recording)
    return Parts(settings, runner, desk, refusals, access, market, steering, latencies, past.kept, bracket)


def _list(runner: Runner, instrument: Instrument) -> None:
    """Open a market, if it is not open already."""
    if instrument.symbol in runner.exchange.state.markets:
        return
    runner.do(ListInstrument(instrument))
    if instrument.contract is not None:
        runner.do(first_funding(instrument.symbol, runner.now()))


def _latencies(settings: Settings) -> Latencies:
    try:
        return Latencies(settings.venue.latency, settings.market.seed)
    except BadLatency as error:
        raise BadSetting(f"latency: {error}") from None


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


def _models(settings: Settings, symbols: list[str]) -> list[ChooseModels]:
    """Each symbol's own choice, else the one for all, else what the exchange has by itself."""
    queues = _chosen("queue", settings.market.queue, symbols, queue_model, list(QUEUES))
    residuals = _chosen("residual", settings.market.residual, symbols, residual_model, list(RESIDUALS))
    return [ChooseModels(symbol, queues[symbol], residuals[symbol]) for symbol in symbols]


def _chosen(
    setting: str, words: tuple[str, ...], symbols: list[str], model: Callable[[str], object], there: list[str]
) -> dict[str, str]:
    """Names by symbol of words such as ``pessimistic`` and ``BTCUSDT=none``."""
    for_all, own = "", {}
    for word in words:
        symbol, found, name = word.rpartition("=")
        if found and symbol not in symbols:
            raise BadSetting(f"{setting}: no symbol {symbol} is traded{nearest(symbol, symbols)}")
        try:
            model(name)
        except (UnknownModel, UnknownResidual) as error:
            raise BadSetting(f"{setting}: {error}{nearest(name, there)}") from None
        if found:
            own[symbol] = name
        else:
            for_all = name
    return {symbol: own.get(symbol, for_all) for symbol in symbols}


def _clock(settings: Settings, recording: Reader | None, state: State) -> SteeredClock:
    """Recorded time stands until somebody serves, so that an exchange begins with its first moment, always the same.

    ``state``: what was there before; its time goes on.
    """
    if settings.market.clock == "wall":
        if settings.market.speed == "max":
            raise BadSetting("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        clock: SteeredClock = WallClock()
    else:
        if recording is None or recording.span is None:
            raise BadSetting("clock recorded needs a recording to live in")
        clock = RecordedClock(max(recording.span[0], state.now), speed_of(settings.market.speed))
    if settings.market.paused or settings.market.clock == "recorded":
        clock.pause()
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


def _describe(settings: Settings, recording: Reader | None) -> str:
    if recording is None:
        return "none: only orders of this exchange's own accounts"
    loop = "looping" if settings.market.loop and settings.market.speed != "max" else "once"
    return f"{recording.path.name} ({recording.header.venue}), speed {settings.market.speed}, {loop}"


def _open_accounts(settings: Settings, runner: Runner, keys: KeyRing) -> list[Access]:
    told = settings.accounts
    spot = rate(told.maker_fee), rate(told.taker_fee)
    futures = rate(told.futures_maker_fee), rate(told.futures_taker_fee)
    there = runner.exchange.state.customers
    before = {user_of(name): None for name in there}
    funds = [_funds(text) for text in told.account or (() if before else DEFAULT_ACCOUNTS)]
    users = {user_of(name): None for name, _ in funds} | before
    for user in users:
        for name, (maker, taker) in ((user, spot), (futures_of(user), futures)):
            if name not in there:
                runner.do(OpenAccount(name, maker, taker))
    for name, assets in funds:
        for asset, amount in assets.items():
            if amount and user_of(name) not in before:
                runner.do(Deposit(name, asset, amount))
    return [_access(settings, user, keys, first=not place) for place, user in enumerate(users)]


def _access(settings: Settings, user: str, keys: KeyRing, *, first: bool) -> Access:
    """The key that a user is told of: that of the settings (for the first of them), else one he has, else a new one."""
    told, has = settings.accounts, next((one for one in keys if one.account == user and one.may_trade), None)
    key, secret = (told.api_key, told.api_secret) if first else ("", "")
    if has is None or (key or has.key, secret or has.secret) != (has.key, has.secret):
        key = key or _made_up(settings, f"key of {user}")
        has = ApiKey(key, secret or _made_up(settings, f"secret of {user}"), user)
        keys.add(has)
    return Access(user, has.key, has.secret)


def _made_up(settings: Settings, what: str) -> str:
    """A key or secret; it follows from the first account's secret, where that is given: equal settings, equal keys."""
    first = settings.accounts.api_secret
    if not first:
        return secrets.token_hex(16)
    return hmac.new(first.encode(), f"{settings.market.seed} {what}".encode(), "sha256").hexdigest()[:32]


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
