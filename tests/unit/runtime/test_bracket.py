"""The bracket told as stories: what differs between worlds, and what commands mean in each of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simulator.core import commands as c
from simulator.core.events import Event, OrderAccepted, StopPlaced
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderType, PositionEffect, PositionSide, Side, StopStatus, TimeInForce
from simulator.core.units import NANOS_PER_MILLI, ONE, PRICE_ONE, Nanos
from simulator.runtime.bracket import Bracket, Shadow
from simulator.runtime.bracket_report import BracketResult, result
from simulator.runtime.clock import ManualClock
from simulator.runtime.runner import Runner
from tests.builders import PERPETUAL, SYMBOL, instrument, levels, perpetual

BUY, SELL, LIMIT, MARKET = Side.BUY, Side.SELL, OrderType.LIMIT, OrderType.MARKET
OPEN, CLOSE, GTC, IOC = PositionEffect.OPEN, PositionEffect.CLOSE, TimeInForce.GTC, TimeInForce.IOC


class Story:
    """A spot market and its perpetual, two people, a runner and its bracket."""

    def __init__(self) -> None:
        self.clock = ManualClock(NANOS_PER_MILLI)
        self.runner = Runner(Exchange(), self.clock)
        self.written: list[c.Command] = []
        self.runner.journal = lambda now, command: self.written.append(command)
        self.state = self.runner.exchange.state
        self.bracket = Bracket(self.state)
        self.bracket.attach(self.runner)
        for one in (instrument(), perpetual()):
            self.do(c.ListInstrument(one))
        for name in ("alice", "bob"):
            self.do(c.OpenAccount(name, 0, 0))
            for asset in ("X", "Y"):
                self.do(c.Deposit(name, asset, 1000 * ONE))
        for symbol in (SYMBOL, PERPETUAL):
            self.do(c.ReplaceDepth(symbol, self.ts, levels("98x5 97x9"), levels("102x5")))
        self.do(c.SetMarkPrice(PERPETUAL, self.ts, 100 * PRICE_ONE, 100 * PRICE_ONE))

    @property
    def ts(self) -> Nanos:
        return self.clock.now()

    def do(self, command: c.Command) -> Sequence[Event]:
        self.clock.advance(NANOS_PER_MILLI)
        return self.runner.do(command)

    def order(
        self, side: Side, qty: int, at: int | None, *, id: str = "", by: str = "alice", symbol: str = SYMBOL
    ) -> int:
        effect = None if symbol == SYMBOL else OPEN
        kind, tif = (MARKET, IOC) if at is None else (LIMIT, GTC)
        events = self.do(c.PlaceOrder(by, symbol, side, kind, qty, at, id, tif, effect=effect))
        return next(event.order_id for event in events if isinstance(event, OrderAccepted))

    def trade(self, side: Side, qty: int, at: int, symbol: str = SYMBOL) -> None:
        self.do(c.PrintTrade(symbol, self.ts + 2 * NANOS_PER_MILLI, at, qty, side))

    def told(self) -> BracketResult:
        return result(self.bracket, every_order=True)

    def world(self, name: str) -> Shadow:
        return next(one for one in self.bracket.shadows if one.name == name)

    def open_orders(self, by: str = "alice") -> dict[str, list[tuple[int | None, int]]]:
        """Prices and what is left, in each world."""
        return {
            one.name: [(order.price, order.leaves) for order in one.state.customers[by].open_orders.values()]
            for one in self.bracket.worlds
        }


@pytest.fixture
def story() -> Story:
    return Story()


def test_an_order_behind_a_queue_fills_only_where_the_queue_is_hoped_away(story: Story) -> None:
    story.order(BUY, 2, 98, id="mine")
    story.trade(SELL, 3, 98)
    [mine] = story.told().listed
    assert mine.filled == {"main": "0", "pessimistic": "0", "neutral": "0", "optimistic": "2"}
    assert mine.depends and mine.client_order_id == "mine" and mine.side == "BUY"


def test_profit_and_fills_are_intervals_at_the_present_middle(story: Story) -> None:
    story.order(BUY, 2, 98)
    story.trade(SELL, 3, 98)
    story.do(c.ReplaceDepth(SYMBOL, story.ts, levels("109x5"), levels("112x5")))
    [alice] = story.told().accounts
    # Two X bought for 98 are worth 110.5 each; the main one bought none... and a book above it fills nobody.
    assert alice.profit["Y"].of == {"main": "0", "pessimistic": "0", "neutral": "0", "optimistic": "25"}
    assert (alice.profit["Y"].min, alice.profit["Y"].max) == ("0", "25")
    assert (alice.fills.min, alice.fills.max, alice.unpriced) == ("0", "1", [])
    assert set(alice.profit) == {"Y"}


def test_a_position_is_worth_its_mark_and_paid_in_money_is_no_profit(story: Story) -> None:
    story.order(BUY, 2, 98, symbol=PERPETUAL)
    story.trade(SELL, 3, 98, symbol=PERPETUAL)
    story.do(c.SetMarkPrice(PERPETUAL, story.ts, 105 * PRICE_ONE))
    story.do(c.Deposit("alice", "Y", 7 * ONE))
    story.do(c.Transfer("alice", "bob", "Y", 5 * ONE))
    story.do(c.Withdraw("alice", "Y", ONE))
    [alice] = story.told().accounts
    assert alice.profit["Y"].of == {"main": "0", "pessimistic": "0", "neutral": "0", "optimistic": "14"}


def diverged() -> Story:
    """From here on the worlds number their orders differently."""
    story = Story()
    story.order(BUY, 1, 98, id="first")
    story.trade(SELL, 1, 98)
    return story


def test_a_cancel_by_id_or_client_id_means_the_same_order_everywhere() -> None:
    story = diverged()
    one, other = story.order(BUY, 1, 90, id="by id"), story.order(BUY, 1, 91)
    assert story.world("optimistic").orders != story.bracket.main.orders
    story.do(c.CancelOrder("alice", one))
    made_up = story.state.orders[other].client_order_id
    story.do(c.CancelOrder("alice", None, made_up))
    left = story.open_orders()
    assert left.pop("optimistic") == []
    assert set(map(str, left.values())) == {"[(98, 1)]"}
    assert not story.told().differences


def test_what_one_world_refuses_and_another_does_is_counted_and_told() -> None:
    story = diverged()
    story.do(c.CancelOrder("alice", None, "first"))
    told = story.told()
    assert told.refused == {"optimistic": {"CancelOrder": 1}}
    [difference] = told.differences
    assert (difference.here, difference.in_main, difference.account) == ("ORDER_ALREADY_FILLED", None, "alice")
    assert "refused in one of main and optimistic, not in the other: CancelOrder 1" in told.to_text()


def test_a_cancel_of_nobodys_order_cancels_nobodys_in_any_world() -> None:
    """An id that the main exchange never gave may be somebody's in another world."""
    story = diverged()
    story.order(BUY, 1, 90)
    [stranger] = set(story.world("optimistic").names) - set(story.bracket.main.names)
    before = story.open_orders()
    story.do(c.CancelOrder("alice", stranger))
    assert story.open_orders() == before


@pytest.mark.parametrize(("which", "left"), [(0, [90, 91, 92]), (1, [91, 92]), (2, [92]), (3, [])])
def test_a_bound_below_which_to_cancel_means_the_same_orders_everywhere(which: int, left: list[int]) -> None:
    story = diverged()
    story.do(c.CancelOpenOrders("alice"))
    ids = [story.order(BUY, 1, price) for price in (90, 91, 92)]
    bound = [*ids, ids[-1] + 1][which]
    story.do(c.CancelOpenOrders("alice", before=bound))
    for orders in story.open_orders().values():
        assert [price for price, _ in orders] == left


def test_stops_are_the_same_everywhere_and_so_are_the_orders_that_they_send() -> None:
    story = diverged()
    story.order(BUY, 2, 102, symbol=PERPETUAL)

    def stop(trigger: int, id: str = "") -> int:
        order = c.PlaceOrder("alice", PERPETUAL, SELL, LIMIT, 1, 103, id, GTC, effect=CLOSE)
        [placed] = story.do(c.PlaceStop(order, trigger))
        assert isinstance(placed, StopPlaced)
        return placed.stop_id

    gone, _, goes_off = stop(80), stop(81, "named"), stop(110)
    assert story.world("optimistic").stops != story.bracket.main.stops
    story.do(c.CancelStop("alice", gone))
    story.do(c.CancelStop("alice", None, "named"))
    story.do(c.SetMarkPrice(PERPETUAL, story.ts, 110 * PRICE_ONE))
    for world in story.bracket.worlds:
        assert [one.status for one in world.state.stops.values()] == [
            StopStatus.CANCELED,
            StopStatus.CANCELED,
            StopStatus.TRIGGERED,
        ]
    sent = story.state.stops[goes_off].order_id
    assert sent is not None
    assert all((103, 1) in orders for orders in story.open_orders().values())
    story.do(c.CancelOrder("alice", sent))
    assert not any((103, 1) in orders for orders in story.open_orders().values())
    assert not story.told().differences


def test_what_a_take_profit_sends_is_one_order_in_all_worlds() -> None:
    story = diverged()
    story.order(BUY, 2, 102, symbol=PERPETUAL)
    story.do(c.SetPositionStops("alice", PERPETUAL, PositionSide.LONG, c.Exit(105)))
    story.do(c.SetMarkPrice(PERPETUAL, story.ts, 106 * PRICE_ONE))
    sold = [one for one in story.told().listed if one.side == "SELL"]
    assert [one.filled for one in sold] == [dict.fromkeys(("main", "pessimistic", "neutral", "optimistic"), "2")]


def test_a_model_chosen_for_the_main_world_leaves_the_others_theirs(story: Story) -> None:
    story.do(c.ChooseModels(SYMBOL, "front", "none"))
    markets = {one.name: one.state.markets[SYMBOL] for one in story.bracket.worlds}
    assert {name: market.model.name for name, market in markets.items()} == {
        "main": "front",
        "pessimistic": "pessimistic",
        "neutral": "proportional",
        "optimistic": "front",
    }
    assert {market.mirror.residual.name for market in markets.values()} == {"none"}
    assert story.told().main_models == {SYMBOL: "front", PERPETUAL: "pessimistic"}


def test_what_time_brings_comes_on_its_time_in_a_shadow_world_too() -> None:
    """Its timers need not be those of the main world."""
    handled: list[tuple[Nanos, type]] = []

    class Watched(Exchange):
        def handle(self, now: Nanos, command: c.Command) -> list[Event]:
            handled.append((now, type(command)))
            return super().handle(now, command)

    shadow = Shadow("watched", "front")
    shadow.exchange = Watched()
    shadow.do(1, 1, c.ListInstrument(perpetual()))
    shadow.do(2, 2, c.SetFunding(PERPETUAL, 0, 7))
    handled.clear()
    shadow.do(9, 3, c.Deposit("nobody", "Y", 1))
    assert list(dict.fromkeys(handled)) == [(7, c.AdvanceTime), (9, c.Deposit)]


def test_every_command_is_written_down_as_before(story: Story) -> None:
    before = len(story.written)
    story.order(BUY, 1, 90)
    assert len(story.written) == before + 1


def test_the_summary_reads_in_a_few_lines(story: Story) -> None:
    story.order(BUY, 2, 98, id="mine")
    story.trade(SELL, 3, 98)
    text = result(story.bracket).to_text().splitlines()
    assert text[0] == (
        "The same commands by other queue models: pessimistic pessimistic, neutral proportional, optimistic front"
    )
    assert "  alice: profit 0.00000000 to 4.00000000 Y" in text
    assert "  alice: 0 to 1 fills (main 0, pessimistic 0, neutral 0, optimistic 1)" in text
    assert "  1 of 1 orders depend on the assumption" in text
    assert "    BUY XY mine: filled main 0, pessimistic 0, neutral 0, optimistic 2" in text


def test_what_no_market_prices_is_told_and_not_guessed(story: Story) -> None:
    story.order(BUY, 1, None)
    story.do(c.ReplaceDepth(SYMBOL, story.ts, (), ()))
    assert story.told().accounts[0].unpriced == []  # the last trade is a price
    for world in story.bracket.worlds:
        world.state.markets[SYMBOL].last = None
    assert story.told().accounts[0].unpriced == ["X"]
