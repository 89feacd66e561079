"""A snapshot, something else, and the way back: at any moment, and nobody can tell that there was a detour.

Both machines run here with an exchange that takes the detour every few commands, so what they hold against their
references was restored dozens of times. A second exchange starts from each snapshot and must do the same.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from simulator.core import commands as c
from simulator.core.candles import Tapes
from simulator.core.digest import digest
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.history import History
from simulator.core.orders import LIMIT, Side
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.units import NANOS_PER_SECOND, ONE, Nanos
from simulator.runtime.snapshot import restore, take
from tests.property.invariants import Watch
from tests.property.reference_perpetual import Bookkeeper
from tests.property.test_machine import SYMBOL, THOROUGH, TwoExchanges, accounts, sides
from tests.property.test_perpetual_machine import PerpetualDay

EXAMPLES, STEPS = (1000, 60) if THOROUGH else (25, 50)


class World:
    """An exchange and what is remembered of it."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.state = self.exchange.state
        self.history = History(self.state)
        self.tapes = Tapes()
        self.perpetuals = PerpetualHistory(self.state)
        self.roots = {
            "state": self.state,
            "history": self.history,
            "tapes": self.tapes,
            "perpetuals": self.perpetuals,
        }

    def do(self, now: Nanos, command: c.Command) -> list[Event]:
        events = self.exchange.handle(now, command)
        for reader in (self.history, self.tapes, self.perpetuals):
            reader.on_events(now, events)
        return events

    def told(self) -> list[object]:
        """What a client could ask for."""
        state, ms = self.state, self.state.now // 1_000_000
        return [
            digest(state),
            [list(self.history.of(one).flows) for one in state.customers],
            [list(self.history.of(one).fills) for one in state.customers],
            [list(one.open_orders) for one in state.customers.values()],
            [self.tapes.of(symbol).recent(50) for symbol in state.markets],
            [self.tapes.of(symbol).candles("1m", ms, start_ms=None, end_ms=None, limit=5) for symbol in state.markets],
            [self.history.models_at(symbol, state.last_id) for symbol in state.markets],
            [self.perpetuals.index_mean(symbol, state.now) for symbol in state.perpetuals],
            dict(self.perpetuals.finished_with),
            state.timer,
            state.last_id,
        ]


EVERY = 1 if THOROUGH else 5
"""Commands from one detour to the next."""


class Detour(Exchange):
    """Takes one every few commands."""

    def __init__(self) -> None:
        super().__init__()
        self._world = World()
        self.state = self._world.state
        self._handled = 0

    def handle(self, now: Nanos, command: c.Command) -> list[Event]:
        self._handled += 1
        if self._handled % EVERY:
            return self._world.do(now, command)
        here, twin = self._world, World()
        before, photo = here.told(), take(now, here.roots)
        events = here.do(now, command)
        after = here.told()
        _stray(here, now)
        restore(photo, here.roots)
        assert here.told() == before
        restore(photo, twin.roots)
        for world in (here, twin):
            _check(world)
            assert world.do(now, command) == events
            assert world.told() == after
        return events


def _stray(world: World, now: Nanos) -> None:
    """Something else happens to everybody and everything."""
    for name in world.state.customers:
        world.do(now, c.CancelOpenOrders(name))
        world.do(now, c.Deposit(name, "Y", ONE))
        world.do(now, c.SetFees(name, 1, 1))
    for symbol in world.state.markets:
        world.do(now, c.ChooseModels(symbol, "front", "sticky"))
        world.do(now, c.ReplaceDepth(symbol, now, ((97, 3),), ((103, 3),)))
        world.do(now, c.PrintTrade(symbol, now, 97, 1, Side.SELL))
    world.do(now + 7 * NANOS_PER_SECOND, c.OpenAccount("new here", 0, 0))


def _check(world: World) -> None:
    for market in world.state.markets.values():
        market.check()
    for wallet in world.state.wallets.values():
        wallet.check()


class SpotDetours(TwoExchanges):
    """See test_machine.py."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Detour()
        self.watch = Watch(self.real)

    @rule(account=accounts, side=sides, count=st.integers(2, 4))
    def queue(self, account: str, side: Side, count: int) -> None:
        """Several at one price, which seldom come about by themselves."""
        for _ in range(count):
            self.send(c.PlaceOrder(account, SYMBOL, side, LIMIT, 2, 95 if side is Side.BUY else 105, ""))


class PerpetualDetours(PerpetualDay):
    """See test_perpetual_machine.py."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Detour()
        self.keeper = Bookkeeper(self.real, "Y")


_settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not THOROUGH,
    print_blob=True,
    report_multiple_bugs=False,
)
SpotDetours.TestCase.settings = PerpetualDetours.TestCase.settings = _settings
TestSpotDetours = SpotDetours.TestCase
TestPerpetualDetours = PerpetualDetours.TestCase
