"""Random trading of perpetuals by several accounts on moving marks, against the slow bookkeeper.

The default run is short; ``HASHKEY_SIM_TEST_PROFILE=thorough`` looks for minutes.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from simulator.core import commands as c
from simulator.core.digest import digest
from simulator.core.events import OrderAccepted, Rejected, StopPlaced
from simulator.core.exchange import Exchange
from simulator.core.instruments import Contract, Instrument, Tier
from simulator.core.orders import (
    MarginMode,
    OrderType,
    PositionEffect,
    PositionSide,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from simulator.core.units import FUNDING_ONE, NANOS_PER_MILLI, NANOS_PER_SECOND, ONE, PRICE_ONE
from tests.property.reference_perpetual import Bookkeeper, check_margin_of

THOROUGH = os.environ.get("HASHKEY_SIM_TEST_PROFILE") == "thorough"
EXAMPLES, STEPS = (3000, 80) if THOROUGH else (60, 40)

ACCOUNTS = ("a", "b", "c")
ONE_SYMBOL, OTHER = "XY-PERPETUAL", "ZY-PERPETUAL"
TOLD = Instrument(
    ONE_SYMBOL,
    ONE_SYMBOL,
    "Y",
    "0.1",
    "1",
    "1",
    "100",
    price_band_up="0.05",
    price_band_down="0.05",
    market_band_up="0.04",
    market_band_down="0.04",
    max_open_orders=6,
    contract=Contract(
        "0.01",
        "Y",
        "XY",
        (Tier("4", "0.1", "0.005"), Tier("8", "0.1", "0.02"), Tier("20", "0.2", "0.05"), Tier("60", "0.5", "0.2")),
        3,
    ),
)
RECKONED = Instrument(
    OTHER,
    OTHER,
    "Y",
    "0.5",
    "1",
    "1",
    "100",
    market_band_up="0.1",
    market_band_down="0.1",
    contract=Contract("0.001", "Y", "ZY", (Tier("3", "0.02", "0.0049"), Tier("9", "0.05", "0.03")), 3),
)
SYMBOLS = (ONE_SYMBOL, ONE_SYMBOL, ONE_SYMBOL, OTHER)

accounts = st.sampled_from(ACCOUNTS)
symbols = st.sampled_from(SYMBOLS)
sides = st.sampled_from(Side)
effects = st.sampled_from((PositionEffect.OPEN, PositionEffect.OPEN, PositionEffect.CLOSE))
prices = st.integers(965, 1035)
lots = st.integers(1, 6)
exits = st.none() | st.builds(c.Exit, st.integers(940, 1060), st.sampled_from(TriggerBy), st.none() | st.integers(1, 4))


class PerpetualDay(RuleBasedStateMachine):
    """One core, one bookkeeper."""

    def __init__(self) -> None:
        super().__init__()
        self.real = Exchange()
        self.keeper = Bookkeeper(self.real, "Y")
        self.now = 1_000 * NANOS_PER_MILLI
        self.orders: list[int] = []
        self.stops: list[int] = []
        self.sent = 0

    def send(self, command: c.Command) -> None:
        before = digest(self.real.state)
        due = self.real.next_timer()
        foreseen = self.real.check(command)
        affordable = self.keeper.affords(command) if isinstance(command, c.PlaceOrder) else None
        events = self.real.handle(self.now, command)
        on_time = due is not None and due <= self.now
        if events and isinstance(events[-1], Rejected) and not on_time:
            assert len(events) == 1 and events[0].reason is foreseen  # type: ignore[union-attr]
            assert digest(self.real.state) == before, "a rejected command left a trace"
        self.keeper.hear(command, events)
        self.keeper.compare()
        self.sent += 1
        if self.sent % 3 == 0:
            self.keeper.liquidation_prices()
        if not on_time:
            check_margin_of(self.keeper, command, affordable, events)
        self.orders += [event.order_id for event in events if isinstance(event, OrderAccepted)]
        self.stops += [event.stop_id for event in events if isinstance(event, StopPlaced)]
        for listed in self.real.state.perpetuals.values():
            listed.check()
            listed.market.check()
        for wallet in self.real.state.wallets.values():
            wallet.check()
        assert not self.real.state.moved and not self.real.state.risky

    @initialize(
        money=st.sampled_from((600, 1000, 20_000)),
        mark=st.booleans(),
        opened=st.lists(st.tuples(accounts, symbols, sides, st.integers(2, 9)), min_size=3, max_size=8),
        isolated=st.lists(st.tuples(accounts, symbols), max_size=3),
    )
    def begin(
        self,
        money: int,
        mark: bool,
        opened: list[tuple[str, str, Side, int]],
        isolated: list[tuple[str, str]],
    ) -> None:
        """Everybody has a position or two."""
        self.send(c.ListInstrument(TOLD))
        self.send(c.ListInstrument(RECKONED))
        for account, maker, taker in zip(ACCOUNTS, (25_000, -10_000, 0), (60_000, 60_000, 0), strict=True):
            self.send(c.OpenAccount(account, maker, taker))
            self.send(c.Deposit(account, "Y", money * ONE // 1000))
        for symbol in (ONE_SYMBOL, OTHER):
            self.send(c.ReplaceDepth(symbol, self.now, ((999, 9), (995, 9)), ((1001, 9), (1005, 9))))
        if mark:
            self.send(c.SetMarkPrice(ONE_SYMBOL, self.now, 100 * PRICE_ONE, 100 * PRICE_ONE))
        for account, symbol in isolated:
            self.send(c.SetMarginMode(account, symbol, MarginMode.ISOLATED))
        for account, symbol, side, qty in opened:
            self.send(
                c.PlaceOrder(
                    account,
                    symbol,
                    side,
                    OrderType.MARKET,
                    qty,
                    None,
                    "",
                    TimeInForce.IOC,
                    effect=PositionEffect.OPEN,
                )
            )

    def one_held(self, which: int) -> tuple[str, str, PositionSide] | None:
        """One of the open positions."""
        held = [one for name in ACCOUNTS for one in self.keeper.held(name)]
        if not held:
            return None
        one = held[which % len(held)]
        return one.account, one.contract.instrument.symbol, one.side

    # -- orders ------------------------------------------------------------------------------------

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        effect=effects,
        qty=lots,
        price=prices,
        tif=st.sampled_from((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)),
        stp=st.sampled_from(SelfTradePrevention),
    )
    def limit(
        self,
        account: str,
        symbol: str,
        side: Side,
        effect: PositionEffect,
        qty: int,
        price: int,
        tif: TimeInForce,
        stp: SelfTradePrevention,
    ) -> None:
        self.send(c.PlaceOrder(account, symbol, side, OrderType.LIMIT, qty, price, "", tif, None, stp, effect=effect))

    @rule(account=accounts, symbol=symbols, side=sides, effect=effects, qty=st.integers(1, 25))
    def market(self, account: str, symbol: str, side: Side, effect: PositionEffect, qty: int) -> None:
        self.send(c.PlaceOrder(account, symbol, side, OrderType.MARKET, qty, None, "", TimeInForce.IOC, effect=effect))

    @rule(account=accounts, symbol=symbols, side=sides, qty=lots, price=prices)
    def passive(self, account: str, symbol: str, side: Side, qty: int, price: int) -> None:
        self.send(
            c.PlaceOrder(account, symbol, side, OrderType.LIMIT_MAKER, qty, price, "", effect=PositionEffect.OPEN)
        )

    @rule(which=st.integers(0, 9), qty=st.none() | lots, price=st.none() | prices)
    def close(self, which: int, qty: int | None, price: int | None) -> None:
        """Some or all of an open position."""
        one = self.one_held(which)
        if one is None:
            return
        account, symbol, side = one
        available = self.real.state.perpetuals[symbol].seat(account).position(side).available
        kind, tif = (OrderType.MARKET, TimeInForce.IOC) if price is None else (OrderType.LIMIT, TimeInForce.GTC)
        wanted = max(1, available) if qty is None else qty
        self.send(c.PlaceOrder(account, symbol, side.closes, kind, wanted, price, "", tif, effect=PositionEffect.CLOSE))

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        if self.orders:
            order = self.orders[-1 - which % len(self.orders)]
            self.send(c.CancelOrder(self.real.state.orders[order].account, order))

    @rule(account=accounts, symbol=st.none() | symbols)
    def cancel_open(self, account: str, symbol: str | None) -> None:
        self.send(c.CancelOpenOrders(account, symbol))

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        effect=effects,
        qty=lots,
        trigger=st.integers(950, 1050),
        price=st.none() | prices,
        by=st.sampled_from(TriggerBy),
    )
    def stop(
        self,
        account: str,
        symbol: str,
        side: Side,
        effect: PositionEffect,
        qty: int,
        trigger: int,
        price: int | None,
        by: TriggerBy,
    ) -> None:
        kind, tif = (OrderType.MARKET, TimeInForce.IOC) if price is None else (OrderType.LIMIT, TimeInForce.GTC)
        order = c.PlaceOrder(account, symbol, side, kind, qty, price, "", tif, effect=effect)
        self.send(c.PlaceStop(order, trigger, by))

    @rule(which=st.integers(0, 9))
    def cancel_stop(self, which: int) -> None:
        if self.stops:
            stop = self.real.state.stops[self.stops[-1 - which % len(self.stops)]]
            self.send(c.CancelStop(stop.account, stop.id))

    @rule(which=st.integers(0, 9), take_profit=exits, stop_loss=exits)
    def set_exits(self, which: int, take_profit: c.Exit | None, stop_loss: c.Exit | None) -> None:
        one = self.one_held(which)
        if one is not None:
            self.send(c.SetPositionStops(*one, take_profit, stop_loss))

    # -- choices -----------------------------------------------------------------------------------

    @rule(account=accounts, symbol=symbols, leverage=st.sampled_from((0, 1, 2, 3, 5, 7, 10, 20, 50)))
    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        self.send(c.SetLeverage(account, symbol, leverage))

    @rule(account=accounts, symbol=symbols, mode=st.sampled_from(MarginMode))
    def set_mode(self, account: str, symbol: str, mode: MarginMode) -> None:
        self.send(c.SetMarginMode(account, symbol, mode))

    @rule(which=st.integers(0, 9), amount=st.integers(-300, 300))
    def adjust(self, which: int, amount: int) -> None:
        one = self.one_held(which)
        if one is not None:
            self.send(c.AdjustMargin(*one, amount * ONE // 1000))

    # -- the outside market ------------------------------------------------------------------------

    @rule(price=st.integers(900, 1100))
    def mark(self, price: int) -> None:
        self.send(c.SetMarkPrice(ONE_SYMBOL, self.now, price * PRICE_ONE // 10 + 1234567, 100 * PRICE_ONE))

    @rule(price=st.integers(975, 1025))
    def small_mark(self, price: int) -> None:
        self.mark(price)

    @rule(really=st.integers(0, 3))
    def reckon(self, really: int) -> None:
        if not really:
            self.send(c.ComputeMarkPrice(ONE_SYMBOL))

    @rule(
        symbol=symbols,
        middle=st.integers(960, 1040),
        sizes=st.lists(st.integers(0, 9), min_size=6, max_size=6),
        wide=st.integers(1, 8),
    )
    def depth(self, symbol: str, middle: int, sizes: list[int], wide: int) -> None:
        bids = tuple((middle - wide * n, size) for n, size in enumerate(sizes[:3], 1) if size)
        asks = tuple((middle + wide * n, size) for n, size in enumerate(sizes[3:], 1) if size)
        self.send(c.ReplaceDepth(symbol, self.now, bids, asks))

    @rule(symbol=symbols, side=sides, price=prices, qty=st.integers(1, 12))
    def trade(self, symbol: str, side: Side, price: int, qty: int) -> None:
        self.send(c.PrintTrade(symbol, self.now, price, qty, side))

    @rule(symbol=symbols, really=st.integers(0, 3))
    def invalidate(self, symbol: str, really: int) -> None:
        if not really:
            self.send(c.InvalidateDepth(symbol))

    @rule(symbol=symbols, rate=st.integers(-8_000_000, 8_000_000), ms=st.integers(-1, 40))
    def funding(self, symbol: str, rate: int, ms: int) -> None:
        self.send(c.SetFunding(symbol, rate * FUNDING_ONE // 10**9 + 7, self.now + ms * NANOS_PER_MILLI))

    @rule(symbol=symbols, trading=st.sampled_from((True, True, True, False)))
    def halt(self, symbol: str, trading: bool) -> None:
        self.send(c.SetTrading(symbol, trading))

    # -- money and time ----------------------------------------------------------------------------

    @rule(account=accounts, amount=st.integers(1, 900), kind=st.sampled_from((c.Deposit, c.Withdraw, c.Withdraw)))
    def money(self, account: str, amount: int, kind: type[c.Deposit | c.Withdraw]) -> None:
        self.send(kind(account, "Y", amount * ONE // 1000))

    @rule(source=accounts, receiver=accounts, amount=st.integers(1, 2000))
    def transfer(self, source: str, receiver: str, amount: int) -> None:
        self.send(c.Transfer(source, receiver, "Y", amount * ONE // 1000))

    @rule(account=accounts, maker=st.integers(-20_000, 60_000), taker=st.integers(-1, 200_000))
    def fees(self, account: str, maker: int, taker: int) -> None:
        self.send(c.SetFees(account, maker, taker))

    @rule(ms=st.sampled_from((1, 5, 20, 1000)))
    def wait(self, ms: int) -> None:
        """Time passes, and whatever is due happens on time."""
        until = self.now + ms * NANOS_PER_MILLI
        while (due := self.real.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.send(c.AdvanceTime())
        self.now = until
        self.send(c.AdvanceTime())

    @rule(ms=st.integers(1, 30))
    def oversleep(self, ms: int) -> None:
        """Time passes, and the next command is late."""
        self.now += ms * NANOS_PER_MILLI

    @rule()
    def next_second(self) -> None:
        self.now += NANOS_PER_SECOND
        self.send(c.AdvanceTime())


PerpetualDay.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not THOROUGH,
    print_blob=True,
    report_multiple_bugs=False,
)
TestPerpetualDay = PerpetualDay.TestCase
