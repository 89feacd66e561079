"""How one exchange is put together: from the settings to a runner with a market and everybody who reads it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

from simulator import __version__
from simulator.config import Accounts, BadSetting, Settings, told
from simulator.core.candles import Tapes
from simulator.core.commands import Command, Deposit, InvalidateDepth, ListInstrument, OpenAccount
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.history import History
from simulator.core.instruments import Instrument
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.state import State
from simulator.core.units import NANOS_PER_SECOND, Nanos, NotANumber, OffGrid, money, rate
from simulator.feeds.pump import Pace, Played, Pump
from simulator.ready import Access
from simulator.replay.format import BadRecording, Reader
from simulator.replay.player import lap_length, play
from simulator.runtime import margin_log
from simulator.runtime.bracket import Bracket
from simulator.runtime.clock import Clock, RecordedClock, WallClock
from simulator.runtime.runner import Runner, Subscriber
from simulator.storage.folder import BadState
from simulator.storage.kept import Kept
from simulator.venues.hashkey.accounts import FUTURES_SUFFIX, futures_of, user_of
from simulator.venues.hashkey.desk import Desk, Switches
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.funding import first_funding
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.signing import ApiKey, KeyRing
from simulator.venues.hashkey.skim import only

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
    access: list[Access]
    market: str
    kept: Kept | None = None
    bracket: Bracket | None = None


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
    exchange = Exchange()
    history, tapes, keys = History(exchange.state), Tapes(), KeyRing()
    perpetuals = PerpetualHistory(exchange.state)
    bracket = Bracket(exchange.state) if settings.run.bracket else None
    kept, before = _resumed(settings, exchange, [history.on_events, tapes.on_events, perpetuals.on_events], bracket)
    runner = Runner(exchange, _clock(settings, recording, exchange.state.now))
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
    with _closed_on_failure(kept):
        if kept is not None:
            kept.keep(runner, keys, f"hashkey-simulator {__version__}", told(settings))
        if bracket is not None:
            bracket.attach(runner)
        if kept is not None and kept.resumed:
            _check_listed(catalogue, instruments, exchange.state)
            _forget_the_market(settings, before, runner)
        for instrument in instruments:
            _list(runner, instrument)
        access = _open_accounts(settings, runner, keys)
        if kept is not None:
            kept.journal.settle()
    if recording is not None:
        runner.source = _source(settings, recording, instruments, runner.now(), resumed=bool(before))
    return Parts(settings, runner, desk, access, _describe(settings, recording), kept, bracket)


def _resumed(
    settings: Settings, exchange: Exchange, readers: Sequence[Subscriber], bracket: Bracket | None
) -> tuple[Kept | None, Mapping[str, Any]]:
    """The state folder, everything in it having happened again, and the settings it last happened with."""
    if not settings.run.state:
        return None, {}

    def hear(now: Nanos, command: Command, events: Sequence[Event]) -> None:
        for reader in readers:
            reader(now, events)
        if bracket is not None:
            bracket.hear(now, command, events)

    kept = None
    try:
        kept = Kept(Path(settings.run.state).expanduser())
        return kept, kept.resume(exchange, hear)
    except BadState as error:
        if kept is not None:
            kept.journal.close()
        raise CannotServe(str(error)) from None


@contextmanager
def _closed_on_failure(kept: Kept | None) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if kept is not None:
            kept.journal.close()
        if isinstance(error, BadState):
            raise CannotServe(str(error)) from None
        raise


def _check_listed(catalogue: Catalogue, instruments: list[Instrument], state: State) -> None:
    """What was traded before must be known here, in the same steps: orders and balances are counted in them."""
    for symbol in state.markets:
        if symbol not in catalogue.rows:
            raise CannotServe(f"the state folder trades {symbol}, which this market does not have")
    for one in instruments:
        market = state.markets.get(one.symbol)
        if market is not None and (one.tick, one.lot) != (market.instrument.tick, market.instrument.lot):
            raise CannotServe(
                f"{one.symbol} has other steps of price or quantity in the state folder than in this market"
            )


def _forget_the_market(settings: Settings, before: Mapping[str, Any], runner: Runner) -> None:
    """While nobody looked the outside market went on: nothing fills from what it was. What was set by hand stands."""
    if settings.market.empty and before["market"]["empty"]:
        return
    for symbol in runner.exchange.state.markets:
        runner.do(InvalidateDepth(symbol))


def _list(runner: Runner, instrument: Instrument) -> None:
    if instrument.symbol in runner.exchange.state.markets:
        return
    runner.do(ListInstrument(instrument))
    if instrument.contract is not None:
        runner.do(first_funding(instrument.symbol, runner.now()))


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


def _clock(settings: Settings, recording: Reader | None, resumed: Nanos) -> Clock:
    """``resumed``: where the exchange's time stands already."""
    if settings.market.clock == "wall":
        if settings.market.speed == "max":
            raise BadSetting("speed max needs --clock recorded: at full speed the exchange's time leaves the wall's")
        wall = WallClock()
        if resumed > wall.now() + NANOS_PER_SECOND:
            raise CannotServe("the exchange in the state folder is ahead of this clock; time does not run backwards")
        return wall
    if recording is None or recording.span is None:
        raise BadSetting("clock recorded needs a recording to live in")
    return RecordedClock(max(recording.span[0], resumed), _speed(settings))


def _speed(settings: Settings) -> Fraction | None:
    return None if settings.market.speed == "max" else Fraction(settings.market.speed)


def _source(
    settings: Settings, recording: Reader, instruments: list[Instrument], start: Nanos, *, resumed: bool
) -> Pump:
    speed = _speed(settings)
    recorded = settings.market.clock == "recorded"
    # A recorded clock runs faster by itself; beside the wall's clock the frames come sooner instead.
    pace = Pace(start, Fraction(1) if recorded or speed is None else speed)
    keep = only([one.symbol for one in instruments])
    loop = settings.market.loop and settings.market.speed != "max"
    played: Iterator[Played] = play(recording, start=None if recorded else start, loop=loop, keep=keep)
    if recorded and resumed:
        played = _after(recording, start, loop=loop, keep=keep)
    return Pump(played, {one.symbol: one for one in instruments}, pace)


def _after(recording: Reader, now: Nanos, *, loop: bool, keep: Callable[[str, bytes], bool]) -> Iterator[Played]:
    """The frames of a recorded time that come after ``now``, whatever lap that is in."""
    assert recording.span is not None
    first, lap = recording.span[0], lap_length(recording)
    laps = max(0, now - first) // lap if loop else 0
    return dropwhile(lambda one: one.ts <= now, play(recording, start=first + laps * lap, loop=loop, keep=keep))


def _describe(settings: Settings, recording: Reader | None) -> str:
    if recording is None:
        return "none: only orders of this exchange's own accounts"
    loop = "looping" if settings.market.loop and settings.market.speed != "max" else "once"
    return f"{recording.path.name} ({recording.header.venue}), speed {settings.market.speed}, {loop}"


def _open_accounts(settings: Settings, runner: Runner, keys: KeyRing) -> list[Access]:
    wanted = settings.accounts
    spot = rate(wanted.maker_fee), rate(wanted.taker_fee)
    futures = rate(wanted.futures_maker_fee), rate(wanted.futures_taker_fee)
    there = runner.exchange.state.customers
    known = {user_of(name) for name in there}
    funds = [_funds(text) for text in wanted.account or (() if known else DEFAULT_ACCOUNTS)]
    for user in dict.fromkeys(user_of(name) for name, _ in funds if user_of(name) not in known):
        for name, (maker, taker) in ((user, spot), (futures_of(user), futures)):
            runner.do(OpenAccount(name, maker, taker))
    for name, assets in funds:
        for asset, amount in assets.items():
            if amount and user_of(name) not in known:
                runner.do(Deposit(name, asset, amount))
    users = dict.fromkeys(user_of(name) for name in (*(name for name, _ in funds), *there))
    return [_access(wanted if place == 0 else Accounts(), user, keys) for place, user in enumerate(users)]


def _access(wanted: Accounts, user: str, keys: KeyRing) -> Access:
    """The key that a user is wanted of: the one from the settings, else the first he has, else a new one."""
    has = next((one for one in keys if one.account == user and one.may_trade and one.expires is None), None)
    if has is None or (wanted.api_key or has.key, wanted.api_secret or has.secret) != (has.key, has.secret):
        has = ApiKey(wanted.api_key or secrets.token_hex(16), wanted.api_secret or secrets.token_hex(16), user)
        keys.add(has)
    return Access(user, has.key, has.secret)


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
