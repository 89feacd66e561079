"""The core and the slow, obvious exchange hear the same commands and must say the same.

The default run is short; ``HASHKEY_SIM_TEST_PROFILE=thorough`` looks for minutes.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from simulator.core import commands as c
from simulator.core.digest import digest
from simulator.core.events import OrderAccepted, Rejected
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.orders import OrderType, SelfTradePrevention, Side, TimeInForce
from simulator.core.units import NANOS_PER_MILLI, ONE
from tests.property.invariants import Watch
from tests.property.reference import RESIDUALS, Names, Reference, RefOrder, reaches, same_events

THOROUGH = os.environ.get("HASHKEY_SIM_TEST_PROFILE") == "thorough"
EXAMPLES, STEPS = (6000, 80) if THOROUGH else (250, 40)

ACCOUNTS = ("a", "b", "c")
SYMBOL, OTHER = "XY", "ZY"
OPEN = Instrument(SYMBOL, "X", "Y", "0.1", "0.01", "0.01", "1", market_max_qty="0.5")
BANDED = Instrument(
    SYMBOL,
    "X",
    "Y",
    "0.1",
    "0.01",
    "0.02",
    "0.15",
    min_notional="0.2",
    max_notional="1.4",
    market_min_notional="0.3",
    market_max_notional="1.3",
    price_band_up="0.025",
    price_band_down="0.033",
    market_band_up="0.012",
    market_band_down="0.02",
    max_open_orders=4,
)
SECOND = Instrument(OTHER, "Z", "Y", "0.5", "0.1", "0.1", "10", max_open_orders=3)

accounts = st.sampled_from(ACCOUNTS)
anybody = st.sampled_from((*ACCOUNTS, *ACCOUNTS, "nobody"))
symbols = st.sampled_from((SYMBOL, SYMBOL, SYMBOL, SYMBOL, OTHER))
sides = st.sampled_from(Side)
prices = st.integers(95, 105)
lots = st.integers(1, 12)
stps = st.sampled_from(SelfTradePrevention)
assets = st.sampled_from(("X", "Y", "Z"))
client_ids = st.sampled_from(("", "", "", "one", "two"))
queues = st.sampled_from(("pessimistic", "proportional", "power:2", "power2:3", "power3:2", "log", "log2", "front"))
"""Of every family one."""
residuals = st.sampled_from(tuple(RESIDUALS))
moments = st.integers(0, 6)
"""How many milliseconds ago the outside market says that something happened; 0 = now."""


def book_side(side: Side) -> st.SearchStrategy[dict[int, int]]:
    """Bids up to 101, asks from 98: half of what is drawn would cross and is cut (see ``uncrossed``)."""
    where = st.integers(95, 101) if side is Side.BUY else st.integers(98, 105)
    return st.dictionaries(where, st.integers(1, 10), max_size=5)


class TwoExchanges(RuleBasedStateMachine):
    """One core, one reference."""

    def __init__(self) -> None:
        super().__init__()
        self.real, self.reference, self.names = Exchange(), Reference(), Names()
        self.watch = Watch(self.real)
        self.now = 1_000 * NANOS_PER_MILLI
        self.order_ids: list[int] = []

    def send(self, command: c.Command, twin: c.Command | None = None) -> None:
        """The same to both; ``twin`` is how the reference spells it."""
        before = digest(self.real.state)
        foreseen = self.real.check(command)
        events = self.real.handle(self.now, command)
        expected = self.reference.handle(self.now, twin or command)
        assert same_events(self.names, events, expected), f"\n{command}\nreal: {events}\nreference: {expected}"
        if isinstance(events[0], Rejected) if events else False:
            assert digest(self.real.state) == before
            assert isinstance(events[0], Rejected) and events[0].reason is foreseen
        else:
            assert foreseen is None
        self.order_ids += [event.order_id for event in events if isinstance(event, OrderAccepted)]
        self.watch.of_events(command, events)
        self.watch.of_state()
        self.watch.of_queues()
        self.same_places()

    def same_places(self) -> None:
        """Resting orders stand where the reference says."""
        for symbol, market in self.real.state.markets.items():
            twin = self.reference.markets[symbol]
            for side in Side:
                real = [(o.price, o.leaves, o.ahead) for level in market.book.side(side) for o in level]
                assert real == [(o.price, o.leaves, o.ahead) for o in twin.own(side)]

    @initialize(
        instrument=st.sampled_from((OPEN, BANDED)),
        money=st.sampled_from((3, 50)),
        queue=queues,
        residual=residuals,
    )
    def begin(self, instrument: Instrument, money: int, queue: str, residual: str) -> None:
        self.send(c.ListInstrument(instrument))
        self.send(c.ListInstrument(SECOND))
        self.send(c.ChooseModels(SYMBOL, queue, residual))
        for account, maker, taker in zip(ACCOUNTS, (120_000, -10_000, 0), (120_000, 100_000, 0), strict=True):
            self.send(c.OpenAccount(account, maker, taker))
            self.send(c.Deposit(account, "Y", money * ONE))
            self.send(c.Deposit(account, "X", money * ONE // 10))
            self.send(c.Deposit(account, "Z", money * ONE))

    # -- our own orders, most of what happens --------------------------------------------------

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        qty=lots,
        price=prices,
        tif=st.sampled_from((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)),
        stp=stps,
        client_id=client_ids,
    )
    def limit(
        self,
        account: str,
        symbol: str,
        side: Side,
        qty: int,
        price: int,
        tif: TimeInForce,
        stp: SelfTradePrevention,
        client_id: str,
    ) -> None:
        self.send(c.PlaceOrder(account, symbol, side, OrderType.LIMIT, qty, price, client_id, tif, None, stp))

    @rule(account=accounts, side=sides, qty=lots, price=prices)
    def passive(self, account: str, side: Side, qty: int, price: int) -> None:
        """A post-only order, for a well-filled book."""
        self.send(c.PlaceOrder(account, SYMBOL, side, OrderType.LIMIT_MAKER, qty, price, ""))

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        qty=lots,
        tif=st.sampled_from((TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK)),
        stp=stps,
    )
    def market(
        self, account: str, symbol: str, side: Side, qty: int, tif: TimeInForce, stp: SelfTradePrevention
    ) -> None:
        self.send(c.PlaceOrder(account, symbol, side, OrderType.MARKET, qty, None, "", tif, None, stp))

    @rule(
        account=accounts,
        side=sides,
        amount=st.integers(1, 1400),
        tif=st.sampled_from((TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK)),
        stp=stps,
    )
    def market_by_amount(
        self, account: str, side: Side, amount: int, tif: TimeInForce, stp: SelfTradePrevention
    ) -> None:
        money = amount * ONE // 1000
        self.send(c.PlaceOrder(account, SYMBOL, side, OrderType.MARKET, None, None, "", tif, money, stp))

    @rule(
        account=anybody,
        symbol=st.sampled_from((SYMBOL, "?")),
        type=st.sampled_from(OrderType),
        tif=st.sampled_from(TimeInForce),
        side=sides,
        qty=st.none() | st.integers(-1, 120),
        price=st.none() | st.integers(-1, 300),
        amount=st.none() | st.integers(-1, 3000),
        digits=st.sampled_from((1000, 1000, 3000)),
    )
    def nonsense(
        self,
        account: str,
        symbol: str,
        type: OrderType,
        tif: TimeInForce,
        side: Side,
        qty: int | None,
        price: int | None,
        amount: int | None,
        digits: int,
    ) -> None:
        """Any fields together; mostly declined."""
        money = None if amount is None else amount * ONE // digits
        self.send(c.PlaceOrder(account, symbol, side, type, qty, price, "", tif, money))

    @rule(account=anybody, which=st.integers(0, 30), owner=st.booleans())
    def cancel(self, account: str, which: int, owner: bool) -> None:
        """One of the latest orders, mostly by its owner."""
        if not self.order_ids:
            self.send(c.CancelOrder(account, 12345))
            return
        real = self.order_ids[-1 - which % len(self.order_ids)]
        account = self.real.state.orders[real].account if owner else account
        self.send(c.CancelOrder(account, real), c.CancelOrder(account, self.names.there["order_id", real]))

    @rule(account=anybody, client_id=st.sampled_from(("one", "two", "", "nothing")))
    def cancel_by_client_id(self, account: str, client_id: str) -> None:
        self.send(c.CancelOrder(account, None, client_id))

    @rule(
        account=anybody,
        symbol=st.none() | st.sampled_from((SYMBOL, OTHER, "?")),
        side=st.none() | sides,
        which=st.none() | st.integers(0, 5),
        limit=st.none() | st.integers(0, 3),
    )
    def cancel_open(
        self, account: str, symbol: str | None, side: Side | None, which: int | None, limit: int | None
    ) -> None:
        before = twin = None
        if which is not None and self.order_ids:
            before = self.order_ids[-1 - which % len(self.order_ids)]
            twin = self.names.there["order_id", before]
        self.send(
            c.CancelOpenOrders(account, symbol, side, before, limit),
            c.CancelOpenOrders(account, symbol, side, twin, limit),
        )

    # -- the outside market ------------------------------------------------------------------

    @rule(symbol=symbols, bids=book_side(Side.BUY), asks=book_side(Side.SELL), ago=moments)
    def replace_depth(self, symbol: str, bids: dict[int, int], asks: dict[int, int], ago: int) -> None:
        best_bid = max(bids, default=0)
        asks = {price: size for price, size in asks.items() if price > best_bid}
        self.send(c.ReplaceDepth(symbol, self.ago(ago), _levels(Side.BUY, bids), _levels(Side.SELL, asks)))

    @rule(symbol=symbols, bids=book_side(Side.BUY), asks=book_side(Side.SELL))
    def maybe_crossed_depth(self, symbol: str, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.send(c.ReplaceDepth(symbol, self.now, _levels(Side.BUY, bids), _levels(Side.SELL, asks)))

    @rule(
        symbol=symbols,
        bids=st.dictionaries(st.integers(95, 101), st.integers(0, 10), max_size=3),
        asks=st.dictionaries(st.integers(98, 105), st.integers(0, 10), max_size=3),
        ago=moments,
    )
    def change_depth(self, symbol: str, bids: dict[int, int], asks: dict[int, int], ago: int) -> None:
        """Changes after which the outside book is not crossed (what else may come: test_observing.py)."""
        shown = self.reference.markets[symbol].shown
        new_bids = {**shown[Side.BUY], **bids}
        best_bid = max((price for price, size in new_bids.items() if size), default=0)
        asks = {price: size for price, size in asks.items() if price > best_bid or not size}
        new_asks = {**shown[Side.SELL], **asks}
        if any(size and price <= best_bid for price, size in new_asks.items()):
            return
        self.send(c.ChangeDepth(symbol, self.ago(ago), tuple(bids.items()), tuple(asks.items())))

    @rule(symbol=symbols, side=sides, price=prices, qty=st.integers(1, 15), ago=moments)
    def trade(self, symbol: str, side: Side, price: int, qty: int, ago: int) -> None:
        self.send(c.PrintTrade(symbol, self.ago(ago), price, qty, side))

    # -- where we rest: chance alone would hardly ever meet a queue -----------------------------

    def resting(self, which: int) -> RefOrder | None:
        """One of our resting orders."""
        orders = self.reference.markets[SYMBOL].resting
        return orders[which % len(orders)] if orders else None

    @rule(account=accounts, side=sides, qty=lots, which=st.integers(0, 5))
    def join_the_queue(self, account: str, side: Side, qty: int, which: int) -> None:
        """Post-only, at a price that the outside market shows."""
        shown = sorted(self.reference.markets[SYMBOL].shown[side])
        if shown:
            price = shown[which % len(shown)]
            self.send(c.PlaceOrder(account, SYMBOL, side, OrderType.LIMIT_MAKER, qty, price, ""))

    @rule(which=st.integers(0, 20), qty=st.integers(1, 15), ago=st.sampled_from((0, 0, 0, 1, 3)))
    def trade_where_we_rest(self, which: int, qty: int, ago: int) -> None:
        """Later than our order, now and then earlier."""
        order = self.resting(which)
        if order is not None:
            self.send(c.PrintTrade(SYMBOL, self.ago(ago), order.price, qty, order.side.opposite))

    @rule(which=st.integers(0, 20), size=st.integers(0, 12), ago=st.sampled_from((0, 0, 1, 3)))
    def level_where_we_rest(self, which: int, size: int, ago: int) -> None:
        """It shrinks, grows, or is gone."""
        order = self.resting(which)
        if order is None:
            return
        other = self.reference.markets[SYMBOL].shown[order.side.opposite]
        if size and any(reaches(order.side, order.price, price) for price in other):
            return
        level = ((order.price, size),)
        bids, asks = (level, ()) if order.side is Side.BUY else ((), level)
        self.send(c.ChangeDepth(SYMBOL, self.ago(ago), bids, asks))

    @rule(symbol=st.sampled_from((SYMBOL, OTHER, "?")), wrong=st.sampled_from((0, 1, 2, 3)))
    def bad_market_data(self, symbol: str, wrong: int) -> None:
        price, qty = ((0, 1), (-1, 1), (99, 0), (99, -1))[wrong]
        self.send(c.PrintTrade(symbol, self.now, price, qty, Side.BUY))
        self.send(c.ReplaceDepth(symbol, self.now, ((price, qty),), ()))
        if (price, qty) != (99, 0):
            self.send(c.ChangeDepth(symbol, self.now, (), ((price, qty),)))

    @rule(symbol=st.sampled_from((SYMBOL, SYMBOL, OTHER, "?")))
    def invalidate(self, symbol: str) -> None:
        self.send(c.InvalidateDepth(symbol))

    @rule(
        queue=queues | st.sampled_from(("", "power")),
        residual=residuals | st.sampled_from(("", "?")),
        symbol=st.sampled_from((OTHER, OTHER, SYMBOL, "?")),
    )
    def choose(self, queue: str, residual: str, symbol: str) -> None:
        """Other models while orders rest and things are taken."""
        self.send(c.ChooseModels(symbol, queue, residual))

    # -- the house ---------------------------------------------------------------------------

    @rule(symbol=st.sampled_from((SYMBOL, OTHER, "?")), trading=st.sampled_from((True, True, False)))
    def halt(self, symbol: str, trading: bool) -> None:
        self.send(c.SetTrading(symbol, trading))

    @rule(account=anybody, maker=st.integers(-50_000, 200_000), taker=st.integers(0, 200_000))
    def fees(self, account: str, maker: int, taker: int) -> None:
        self.send(c.SetFees(account, maker, taker))

    @rule(account=anybody, asset=assets, amount=st.integers(-1, 1000), kind=st.sampled_from((c.Deposit, c.Withdraw)))
    def money(self, account: str, asset: str, amount: int, kind: type[c.Deposit | c.Withdraw]) -> None:
        self.send(kind(account, asset, amount * ONE // 100, "why"))

    @rule(source=anybody, receiver=anybody, asset=assets, amount=st.integers(-1, 1000))
    def transfer(self, source: str, receiver: str, asset: str, amount: int) -> None:
        self.send(c.Transfer(source, receiver, asset, amount * ONE // 100))

    @rule(name=st.sampled_from(("a", "", "#fees", "d")))
    def open_account(self, name: str) -> None:
        self.send(c.OpenAccount(name, 0, 0))

    @rule()
    def list_again(self) -> None:
        self.send(c.ListInstrument(OPEN))

    @rule(ms=st.integers(1, 4))
    def wait(self, ms: int) -> None:
        self.now += ms * NANOS_PER_MILLI
        self.send(c.AdvanceTime())

    def ago(self, ms: int) -> int:
        return self.now - ms * NANOS_PER_MILLI

    def teardown(self) -> None:
        filled = {i: s.filled for i, s in self.watch.stories.items()}
        assert all(self.real.state.orders[i].filled == qty for i, qty in filled.items())


def _levels(side: Side, sizes: dict[int, int]) -> c.Levels:
    return tuple(sorted(sizes.items(), reverse=side is Side.BUY))


TwoExchanges.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not THOROUGH,
    print_blob=True,
    report_multiple_bugs=False,
)
TestTwoExchanges = TwoExchanges.TestCase
