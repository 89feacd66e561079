"""Going on from a state folder: what happened happens again, then the outside market goes on at now.

**What the folder says goes.** Accounts, money, keys, fees and instruments are those it holds; the settings add accounts
and symbols that are not there yet, and may choose other models. **Nothing fills from what was not seen**: the
mirror is stale until the market tells its next whole book, so orders that rested meet the market as it is then.
On the wall's clock a recording begins again, at now; in the recording's own time it goes on from the same moment.
Funding that fell due meanwhile is settled at its time, with the last mark known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator import __version__
from simulator.assembly.replaying import Replay
from simulator.config import Settings, told
from simulator.core.commands import Command, InvalidateDepth, PrintTrade
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.state import State
from simulator.core.units import NANOS_PER_SECOND, Nanos
from simulator.runtime.bracket import Bracket
from simulator.runtime.clock import SteeredClock
from simulator.runtime.runner import Runner, Subscriber
from simulator.storage.folder import BadState
from simulator.storage.kept import Kept
from simulator.venues.hashkey.signing import KeyRing


class Past:
    """What a state folder held: the folder (None: nothing is kept), and the settings it last happened with."""

    def __init__(self, kept: Kept | None = None, settings: Mapping[str, Any] | None = None) -> None:
        self.kept = kept
        self.settings = settings or {}

    def __bool__(self) -> bool:
        return self.kept is not None and self.kept.resumed > 0


def resumed(folder: str, exchange: Exchange, readers: Sequence[Subscriber], bracket: Bracket | None) -> Past:
    """Everything in a folder happens again, and its readers hear of it; BadState when that cannot be."""
    if not folder:
        return Past()

    def hear(now: Nanos, command: Command, events: Sequence[Event]) -> None:
        for reader in readers:
            reader(now, events)
        if bracket is not None:
            bracket.hear(now, command, events)

    kept = Kept(Path(folder).expanduser())
    with closed_on_failure(kept):
        return Past(kept, kept.resume(exchange, hear))


def keep(past: Past, runner: Runner, keys: KeyRing, settings: Settings, bracket: Bracket | None) -> None:
    """From now on everything is written down, and happens in all worlds of the bracket."""
    if past.kept is not None:
        past.kept.keep(runner, keys, f"hashkey-simulator {__version__}", told(settings))
    if bracket is not None:
        bracket.attach(runner)


@contextmanager
def closed_on_failure(kept: Kept | None) -> Iterator[None]:
    """Who cannot serve leaves the folder to others."""
    try:
        yield
    except BaseException:
        if kept is not None:
            kept.journal.close()
        raise


def check_time(clock: SteeredClock, state: State) -> None:
    """Time does not run backwards, and a clock that stood still for long would let nothing happen."""
    if state.now > clock.now() + NANOS_PER_SECOND:
        raise BadState(
            "the exchange in the state folder is ahead of this clock, and time does not run backwards: was it served "
            "with another --clock, or moved by hand?"
        )


def check_listed(instruments: Sequence[Instrument], known: Sequence[str], state: State) -> None:
    """What was traded before must be known here, in the same steps: orders and balances are counted in them."""
    for symbol in state.markets:
        if symbol not in known:
            raise BadState(f"the state folder trades {symbol}, which this market does not have")
    for one in instruments:
        before = state.markets[one.symbol].instrument if one.symbol in state.markets else one
        if (one.tick, one.lot, one.contract is None) != (before.tick, before.lot, before.contract is None):
            raise BadState(f"{one.symbol} is counted in other steps in the state folder than in this market")


def market_goes_on(past: Past, settings: Settings, runner: Runner, replay: Replay | None) -> None:
    """The mirror waits for the market's next word. A market that was set by hand, and will be, stands."""
    if replay is not None and settings.market.clock == "recorded":
        for command in replay.seek(_recorded_time(replay, runner.now()), runner.now()):
            # Its trades have happened here already.
            if not isinstance(command, PrintTrade):
                runner.do(command)
    elif not (settings.market.empty and past.settings["market"]["empty"]):
        for symbol in runner.exchange.state.markets:
            runner.do(InvalidateDepth(symbol))


def _recorded_time(replay: Replay, now: Nanos) -> Nanos:
    """Where in its recording, in whatever lap, an exchange is that lives in the recording's time."""
    elapsed = max(0, now - replay.first)
    return replay.first + (elapsed % replay.lap if replay.loop else min(elapsed, replay.last - replay.first))
