"""How one exchange is put together: from the settings to a runner with a market and everybody who reads it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from simulator.config import BadSetting, Settings
from simulator.core.candles import Tapes
from simulator.core.commands import Deposit, ListInstrument, OpenAccount
from simulator.core.exchange import Exchange
from simulator.core.history import History
from simulator.core.instruments import Instrument
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.units import Nanos, NotANumber, OffGrid, money, rate
from simulator.feeds.live import Live
from simulator.feeds.rules import Rules
from simulator.mirroring import live_of
from simulator.ready import Access
from simulator.replay.format import BadRecording, Reader
from simulator.replaying import Replay
from simulator.runtime import margin_log
from simulator.runtime.clock import RecordedClock, SteeredClock, WallClock
from simulator.runtime.latency import BadLatency, Latencies
from simulator.runtime.runner import Runner
from simulator.runtime.steering import Steering
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, futures_of, user_of
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.fees import Fees, Fixed
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
    """One exchange with everything that reads it."""

    settings: Settings
    runner: Runner
    desk: Desk
    access: list[Access]
    market: str
    steering: Steering
    latencies: Latencies
    live: Live | None = None


def bundled(name: str) -> Path:
    """A recording that comes with the simulator: in an installed package inside it, in a checkout beside it."""
    here = Path(__file__).resolve().parent
    inside = here / "replay_data" / name
    return inside if inside.exists() else here.parent / "replay_data" / name


def exchange_of(settings: Settings, rules: Rules | None = None) -> Parts:
    """An exchange at its first moment: listed, funded, with its market ready to play. ``rules``: of a live venue."""
    recording = None if settings.market.empty or rules is not None else _recording(settings)
    info = recording.header.exchange_info if recording is not None else {}
    catalogue = Catalogue(info) if info.get("symbols") or info.get("contracts") else Catalogue.bundled()
    if rules is not None:
        catalogue = rules.catalogue
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
        fees=_fees(settings),
    )
    for instrument in instruments:
        runner.do(ListInstrument(instrument))
        if instrument.contract is not None:
            runner.do(first_funding(instrument.symbol, runner.now()))
    access = _open_accounts(settings, runner, desk)
    replay = None if recording is None else _replay(settings, recording, instruments, runner.now())
    runner.source = replay
    steering = Steering(
        runner, clock, replay, speed_of(settings.market.speed), recorded=settings.market.clock == "recorded"
    )
    latencies = _latencies(settings, [one.name for one in access])
    live = None
    if rules is not None:
        runner.source = live = live_of(settings, instruments, runner)
        runner.catch_up()  # it begins stale, before anybody can ask
    return Parts(settings, runner, desk, access, _describe(settings, recording, rules), steering, latencies, live)


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


def _clock(settings: Settings, recording: Reader | None) -> SteeredClock:
    """Recorded time stands until somebody serves, so that an exchange begins with its first moment, always the same."""
    if settings.market.clock == "wall":
        if settings.market.speed == "max":
            raise BadSetting("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        return WallClock(paused=settings.market.paused)
    if recording is None or recording.span is None:
        raise BadSetting("clock recorded needs a recording to live in")
    return RecordedClock(recording.span[0], speed_of(settings.market.speed), paused=True)


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


def _fees(settings: Settings) -> Fees:
    told = settings.accounts
    levels = [(name, int(level)) for name, _, level in (text.rpartition("=") for text in told.vip)]
    fixed = [
        None if not text else rate(text)
        for text in (told.maker_fee, told.taker_fee, told.futures_maker_fee, told.futures_taker_fee)
    ]
    everybody = dict(levels).pop("", 0)
    return Fees({name: level for name, level in levels if name}, everybody, Fixed(*fixed[:2]), Fixed(*fixed[2:]))


def _open_accounts(settings: Settings, runner: Runner, desk: Desk) -> list[Access]:
    access: list[Access] = []
    funds = [_funds(text) for text in settings.accounts.account or DEFAULT_ACCOUNTS]
    users = list(dict.fromkeys(user_of(name) for name, _ in funds))
    for name in desk.fees.level_of:
        if name not in users:
            raise BadSetting(f"vip: there is no account {name}; there are {', '.join(users)}")
    for user in users:
        runner.do(OpenAccount(user, *desk.fees.spot(user)))
        runner.do(OpenAccount(futures_of(user), *desk.fees.futures(user)))
        first = not access
        key = (first and settings.accounts.api_key) or _made_up(settings, f"key of {user}")
        secret = (first and settings.accounts.api_secret) or _made_up(settings, f"secret of {user}")
        desk.keys.add(ApiKey(key, secret, user))
        access.append(Access(user, key, secret))
    for name, assets in funds:
        for asset, amount in assets.items():
            if amount:
                runner.do(Deposit(name, asset, amount))
    return access


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
