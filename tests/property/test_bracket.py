"""The bracket against what must be true of it, whatever is traded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import commands as c
from simulator.core.digest import digest
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderType, Side, TimeInForce
from simulator.core.units import NANOS_PER_MILLI, ONE
from simulator.runtime.bracket import MODELS, TRANSLATE, Bracket
from simulator.runtime.bracket_report import result
from tests.builders import instrument
from tests.property import test_long_run as spot
from tests.property import test_perpetual_long_run as perpetual

BUY, SELL = Side.BUY, Side.SELL


class Followed:
    """An exchange with a bracket, its timers kept as a runner keeps them; and one without, which must not differ."""

    def __init__(self, models: Mapping[str, str] = MODELS) -> None:
        self.exchange, self.alone = Exchange(), Exchange()
        self.bracket = Bracket(self.exchange.state, models)

    def do(self, now: int, command: c.Command) -> list[Event]:
        while (timer := self.exchange.next_timer()) is not None and timer <= now:
            self._do(max(timer, self.exchange.state.now), c.AdvanceTime())
        return self._do(now, command)

    def _do(self, now: int, command: c.Command) -> list[Event]:
        events = self.exchange.handle(now, command)
        assert self.alone.handle(now, command) == events
        self.bracket.hear(now, command, events)
        return events

    def all(self, commands: Iterable[c.Command]) -> None:
        """One a millisecond."""
        for number, command in enumerate(commands, 1):
            self.do(number * NANOS_PER_MILLI, command)


def trade_spot(followed: Followed, seed: int) -> None:
    chance = spot.Chance(seed)
    for command in spot.beginning():
        followed.do(chance.now, command)
    for _ in range(2500):
        command = chance.command()
        chance.hear(followed.do(chance.now, command))


def trade_perpetuals(followed: Followed, seed: int) -> None:
    chance = perpetual.Chance(seed, followed.exchange)
    for command in perpetual.beginning(chance.now):
        followed.do(chance.now, command)
    for _ in range(1500):
        command = chance.command()
        chance.hear(followed.do(chance.now, command))


TRADING = {"spot": trade_spot, "perpetuals": trade_perpetuals}
trading = pytest.mark.parametrize("trade", TRADING.values(), ids=TRADING)


@trading
@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_with_the_main_ones_model_is_the_main_one(trade: Callable[[Followed, int], None], seed: int) -> None:
    followed = Followed({"same": "pessimistic", "other": "front"})
    trade(followed, seed)
    same = followed.bracket.shadows[0]
    assert digest(same.state) == digest(followed.exchange.state)
    assert not same.refused
    told = result(followed.bracket, every_order=True)
    if trade is trade_spot:
        assert told.depend >= 10 and sum(told.refused["other"].values()) >= 10, "the models hardly differ"
    assert all(one.filled["same"] == one.filled["main"] for one in told.listed)
    assert all(
        one.profit[asset].of["same"] == one.profit[asset].of["main"] for one in told.accounts for asset in one.profit
    )


@trading
def test_the_main_world_does_not_notice_the_others(trade: Callable[[Followed, int], None]) -> None:
    followed = Followed()
    trade(followed, 3)
    assert digest(followed.alone.state) == digest(followed.exchange.state)


@trading
def test_money_sums_to_zero_in_every_world(trade: Callable[[Followed, int], None]) -> None:
    followed = Followed()
    trade(followed, 4)
    for world in followed.bracket.worlds:
        world.state.ledger.check()


prices, sizes = st.integers(90, 110), st.integers(1, 9)
taking = st.builds(
    lambda side, qty, price, tif: c.PlaceOrder("a", "XY", side, OrderType.LIMIT, qty, price, "", tif),
    st.sampled_from(Side),
    sizes,
    prices,
    st.sampled_from((TimeInForce.IOC, TimeInForce.FOK)),
)
printing = st.builds(
    lambda side, qty, price, ago: c.PrintTrade("XY", 0, price, qty, side), st.sampled_from(Side), sizes, prices, sizes
)


@st.composite
def books(draw: st.DrawFn) -> c.ReplaceDepth:
    middle = draw(st.integers(96, 104))
    bids = draw(st.dictionaries(st.integers(90, middle - 1), sizes, max_size=5))
    asks = draw(st.dictionaries(st.integers(middle, 110), sizes, max_size=5))
    return c.ReplaceDepth("XY", 0, tuple(sorted(bids.items(), reverse=True)), tuple(sorted(asks.items())))


def stamped(commands: Iterable[c.Command]) -> list[c.Command]:
    """A market of two people, and then these, the market's own times in order."""
    begin: list[c.Command] = [c.ListInstrument(instrument())]
    for name in ("a", "b"):
        begin += [c.OpenAccount(name, 0, 10), c.Deposit(name, "X", 1000 * ONE), c.Deposit(name, "Y", 100_000 * ONE)]
    told = [*begin, *commands]
    return [
        msgspec.structs.replace(one, ts=number * NANOS_PER_MILLI)
        if isinstance(one, c.ReplaceDepth | c.ChangeDepth | c.PrintTrade)
        else one
        for number, one in enumerate(told, 1)
    ]


@settings(max_examples=60)
@given(st.lists(st.one_of(taking, taking, books(), printing), max_size=30))
def test_without_resting_orders_all_worlds_agree(commands: list[c.Command]) -> None:
    followed = Followed()
    followed.all(stamped(commands))
    for shadow in followed.bracket.shadows:
        shadow.exchange.handle(shadow.state.now, c.ChooseModels("XY", "pessimistic"))
        assert digest(shadow.state) == digest(followed.exchange.state)
    told = result(followed.bracket)
    assert not told.depend and not told.listed and not told.differences
    for account in told.accounts:
        assert account.fills.min == account.fills.max
        assert all(one.min == one.max for one in account.profit.values())


@settings(max_examples=150)
@given(st.sampled_from(Side), sizes, prices, st.lists(st.one_of(books(), printing), min_size=1, max_size=30))
def test_of_an_order_that_is_alone_more_is_filled_the_more_hopeful_the_model(
    side: Side, qty: int, price: int, market: list[c.Command]
) -> None:
    followed = Followed()
    order = c.PlaceOrder("a", "XY", side, OrderType.LIMIT, qty, price, "mine", TimeInForce.GTC)
    followed.all(stamped([market[0], order, *market[1:]]))
    [told] = result(followed.bracket, every_order=True).listed
    pessimistic, neutral, optimistic = (int(told.filled[name] or -1) for name in MODELS)
    assert pessimistic <= neutral <= optimistic
    assert told.filled["main"] == told.filled["pessimistic"]
    assert told.depends == (pessimistic < optimistic)


def test_every_command_with_an_id_of_the_exchanges_is_translated() -> None:
    speaking = {
        kind
        for kind in get_args(c.Command)
        if any(
            one.name in ("order_id", "stop_id", "before") or (one.name.endswith("_id") and "client" not in one.name)
            for one in msgspec.structs.fields(kind)
        )
    }
    assert speaking | {c.ChooseModels} == set(TRANSLATE)
