"""Thousands of random operations of several accounts on perpetuals whose marks move, from one seed.

Every command's events and everything the core says of wallets and positions afterwards are held against the
slow bookkeeper; liquidation prices, books and digests every now and then, because they cost more.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator

import msgspec

from simulator.core import commands as c
from simulator.core.digest import digest
from simulator.core.events import Event, MarkChanged, OrderAccepted, OrderFilled, Rejected, StopPlaced
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
from simulator.core.units import FUNDING_ONE, NANOS_PER_MILLI, NANOS_PER_SECOND, ONE, PRICE_ONE, Nanos
from tests.property.reference_perpetual import Bookkeeper, check_margin_of

OPERATIONS = 6_000
PRICES_EVERY, STATE_EVERY, DIGEST_EVERY = 25, 50, 40
ACCOUNTS = ("a", "b", "c", "d")
OPEN, CLOSE = PositionEffect.OPEN, PositionEffect.CLOSE
BTC, ETH, SPOT = "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL", "ETHUSDT"
INSTRUMENTS = (
    Instrument(
        BTC,
        BTC,
        "USDT",
        "0.1",
        "1",
        "1",
        "3000",
        price_band_up="0.05",
        price_band_down="0.05",
        market_band_up="0.04",
        market_band_down="0.04",
        max_open_orders=8,
        contract=Contract(
            "0.01",
            "USDT",
            "BTCUSDT",
            (
                Tier("10", "0.1", "0.005"),
                Tier("30", "0.1", "0.02"),
                Tier("60", "0.2", "0.05"),
                Tier("90", "0.5", "0.2"),
            ),
            4,
        ),
    ),
    Instrument(
        ETH,
        ETH,
        "USDT",
        "0.05",
        "1",
        "1",
        "4000",
        market_band_up="0.05",
        market_band_down="0.05",
        contract=Contract("0.02", "USDT", SPOT, (Tier("20", "0.02", "0.0049"), Tier("80", "0.04", "0.02")), 4),
    ),
    Instrument(SPOT, "ETH", "USDT", "0.05", "0.001", "0.001", "9"),
)


class Chance:
    """Commands from a seed; the outside market wanders, sometimes in leaps."""

    def __init__(self, seed: int, exchange: Exchange) -> None:
        self.random = random.Random(seed)
        self.exchange = exchange
        self.middle = {one.symbol: 1000 for one in INSTRUMENTS}
        self.orders: list[int] = []
        self.stops: list[int] = []
        self.now = 1_000 * NANOS_PER_MILLI
        self.kinds = (
            (0.24, self.open),
            (0.31, self.close),
            (0.37, self.rest),
            (0.42, self.cancel),
            (0.43, self.cancel_open),
            (0.46, self.stop),
            (0.47, self.cancel_stop),
            (0.49, self.exits),
            (0.52, self.leverage),
            (0.54, self.mode),
            (0.57, self.adjust),
            (0.66, self.mark),
            (0.80, self.depth),
            (0.87, self.trade),
            (0.877, self.halt),
            (0.88, self.invalidate),
            (0.91, self.funding),
            (0.95, self.money),
            (0.955, self.fees),
            (1.0, self.wait),
        )

    def command(self) -> c.Command:
        dice = self.random.random()
        self.now += self.random.randrange(3) * NANOS_PER_MILLI
        return next(make for limit, make in self.kinds if dice < limit)(self.random.choice((BTC, BTC, ETH)))

    def account(self) -> str:
        return self.random.choice(ACCOUNTS)

    def order(self, symbol: str, effect: PositionEffect, side: Side, qty: int, account: str) -> c.PlaceOrder:
        pick = self.random.choice
        stp = pick(tuple(SelfTradePrevention))
        if self.random.random() < 0.5:
            return c.PlaceOrder(
                account, symbol, side, OrderType.MARKET, qty, None, "", TimeInForce.IOC, None, stp, effect=effect
            )
        tif = pick((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK))
        price = self.middle[symbol] + self.random.randint(-8, 8)
        return c.PlaceOrder(account, symbol, side, OrderType.LIMIT, qty, price, "", tif, None, stp, effect=effect)

    def open(self, symbol: str) -> c.Command:
        """Two accounts like long positions, two short ones."""
        account, against = self.account(), self.random.random() < 0.15
        side = Side.BUY if (account in "ab") is not against else Side.SELL
        return self.order(symbol, OPEN, side, self.random.choice((2, 5, 9, 14, 20, 40)), account)

    def close(self, symbol: str) -> c.Command:
        seat = self.exchange.state.perpetuals[symbol].seat(self.account())
        position = max(seat.positions, key=lambda one: one.lots)
        qty = self.random.choice((position.available, position.available, 1, 3, position.lots))
        return self.order(symbol, CLOSE, position.side.closes, max(1, qty), seat.wallet.account)

    def rest(self, symbol: str) -> c.Command:
        side = self.random.choice(tuple(Side))
        price = self.middle[symbol] - side.sign * self.random.randint(1, 6)
        kind = self.random.choice((OrderType.LIMIT, OrderType.LIMIT_MAKER))
        return c.PlaceOrder(self.account(), symbol, side, kind, self.random.randint(1, 12), price, "", effect=OPEN)

    def cancel(self, symbol: str) -> c.Command:
        order = self.orders[-min(len(self.orders), self.random.randint(1, 12))] if self.orders else 0
        known = self.exchange.state.orders.get(order)
        return c.CancelOrder(known.account if known else "a", order)

    def cancel_open(self, symbol: str) -> c.Command:
        return c.CancelOpenOrders(self.account(), symbol)

    def stop(self, symbol: str) -> c.Command:
        effect = self.random.choice((OPEN, CLOSE))
        order = self.order(symbol, effect, self.random.choice(tuple(Side)), self.random.randint(1, 9), self.account())
        trigger = self.middle[symbol] + self.random.randint(-30, 30)
        return c.PlaceStop(order, trigger, self.random.choice(tuple(TriggerBy)))

    def cancel_stop(self, symbol: str) -> c.Command:
        stop = self.stops[-min(len(self.stops), self.random.randint(1, 6))] if self.stops else 0
        known = self.exchange.state.stops.get(stop)
        return c.CancelStop(known.account if known else "a", stop)

    def exits(self, symbol: str) -> c.Command:
        seat = self.exchange.state.perpetuals[symbol].seat(self.account())
        position = max(seat.positions, key=lambda one: one.lots)
        reach = position.sign * self.random.randint(1, 25)
        by = self.random.choice(tuple(TriggerBy))
        profit = c.Exit(self.middle[symbol] + reach, by, self.random.choice((None, 1)))
        loss = c.Exit(self.middle[symbol] - reach, by)
        return c.SetPositionStops(seat.wallet.account, symbol, position.side, profit, loss)

    def leverage(self, symbol: str) -> c.Command:
        return c.SetLeverage(self.account(), symbol, self.random.choice((1, 3, 5, 10, 10, 20, 50)))

    def mode(self, symbol: str) -> c.Command:
        return c.SetMarginMode(self.account(), symbol, self.random.choice(tuple(MarginMode)))

    def adjust(self, symbol: str) -> c.Command:
        side = self.random.choice(tuple(PositionSide))
        return c.AdjustMargin(self.account(), symbol, side, self.random.randint(-400, 600) * ONE // 1000)

    def mark(self, symbol: str) -> c.Command:
        """BTC's mark is told, near its book; ETH's is reckoned."""
        leap = self.random.choice((1, 1, 1, 8))
        price = (self.middle[BTC] * 10 + leap * self.random.randint(-120, 120)) * PRICE_ONE // 100
        return c.SetMarkPrice(BTC, self.now, price + 1_234_567, price)

    def depth(self, symbol: str) -> c.Command:
        name = self.random.choice((symbol, symbol, SPOT))
        leap = self.random.choice((1, 1, 1, 1, 12))
        middle = max(900, min(1100, self.middle[name] + leap * self.random.randint(-5, 5)))
        self.middle[name] = middle
        step = self.random.choice((1, 1, 3))
        bids = tuple((middle - step * n, self.random.randint(1, 40)) for n in range(1, 5))
        asks = tuple((middle + step * n, self.random.randint(1, 40)) for n in range(1, 5))
        return c.ReplaceDepth(name, self.now, bids[: self.random.randint(1, 4)], asks[: self.random.randint(1, 4)])

    def trade(self, symbol: str) -> c.Command:
        side = self.random.choice(tuple(Side))
        price = self.middle[symbol] + side.sign * self.random.randint(-1, 4)
        return c.PrintTrade(symbol, self.now, price, self.random.randint(1, 40), side)

    def halt(self, symbol: str) -> c.Command:
        return c.SetTrading(symbol, self.random.random() < 0.85)

    def invalidate(self, symbol: str) -> c.Command:
        return c.InvalidateDepth(symbol)

    def funding(self, symbol: str) -> c.Command:
        rate = self.random.randint(-6_000_000, 6_000_000) * FUNDING_ONE // 10**9 + 7
        return c.SetFunding(symbol, rate, self.now + self.random.randint(1, 60) * NANOS_PER_MILLI)

    def money(self, symbol: str) -> c.Command:
        """Whoever has lost everything gets something to go on with."""
        account = self.account()
        rich = self.exchange.state.ledger.balance(account, "USDT").total > 3 * ONE
        amount = self.random.randint(1, 1500) * ONE // 1000
        if rich and self.random.random() < 0.5:
            return c.Transfer(account, self.account(), "USDT", amount)
        return (c.Withdraw if rich else c.Deposit)(account, "USDT", amount)

    def fees(self, symbol: str) -> c.Command:
        return c.SetFees(self.account(), self.random.randint(-10_000, 25_000), self.random.randint(0, 90_000))

    def wait(self, symbol: str) -> c.Command:
        self.now += self.random.choice((10 * NANOS_PER_MILLI, NANOS_PER_SECOND, 6 * NANOS_PER_SECOND))
        return c.AdvanceTime()

    def hear(self, events: list[Event]) -> None:
        self.orders += [event.order_id for event in events if isinstance(event, OrderAccepted)]
        self.stops += [event.stop_id for event in events if isinstance(event, StopPlaced)]


def beginning(now: Nanos) -> Iterator[c.Command]:
    """Markets, accounts, their money, and the first books."""
    yield from map(c.ListInstrument, INSTRUMENTS)
    rates = ((25_000, 60_000), (-10_000, 60_000), (0, 0), (20_000, 50_000))
    for account, (maker, taker) in zip(ACCOUNTS, rates, strict=True):
        yield c.OpenAccount(account, maker, taker)
        yield c.Deposit(account, "USDT", 2 * ONE)
    for symbol in (BTC, ETH, SPOT):
        yield c.ReplaceDepth(symbol, now, ((999, 40), (997, 40)), ((1001, 40), (1003, 40)))


class Run:
    """One exchange, one bookkeeper, one chance."""

    def __init__(self, seed: int) -> None:
        self.exchange = Exchange()
        self.keeper = Bookkeeper(self.exchange, "USDT")
        self.chance = Chance(seed, self.exchange)
        self.seen: Counter[str] = Counter()
        for command in beginning(self.chance.now):
            self.send(command)

    def send(self, command: c.Command) -> list[Event]:
        exchange, keeper, seen = self.exchange, self.keeper, self.seen
        due = exchange.next_timer()
        late = due is not None and due <= self.chance.now
        affordable = keeper.affords(command) if isinstance(command, c.PlaceOrder) and not late else None
        refused = not late and exchange.check(command) is not None
        before = digest(exchange.state) if refused and seen["refused"] % DIGEST_EVERY == 0 else None
        seen["refused"] += refused
        events = exchange.handle(self.chance.now, command)
        assert refused <= (bool(events) and isinstance(events[0], Rejected))
        if before is not None:
            assert digest(exchange.state) == before, "a rejected command left a trace"
        keeper.hear(command, events)
        if not refused:
            keeper.compare(concerned(events))
        check_margin_of(keeper, command, affordable, events)
        self.count(events)
        return events

    def count(self, events: list[Event]) -> None:
        for event in events:
            self.seen[type(event).__name__] += 1
            if isinstance(event, Rejected):
                self.seen[event.reason.name] += 1
            elif isinstance(event, OrderFilled):
                self.seen[event.cause.name] += 1
                self.seen["realised"] += event.pnl != 0

    def look(self) -> None:
        self.keeper.compare()
        state = self.exchange.state
        for market in state.markets.values():
            market.check()
        for listed in state.perpetuals.values():
            listed.check()
        for wallet in state.wallets.values():
            wallet.check()


def concerned(events: list[Event]) -> list[str] | None:
    """The accounts that events name; None: everybody, because a mark moved."""
    if any(isinstance(event, MarkChanged) for event in events):
        return None
    return [*dict.fromkeys(account for event in events if (account := getattr(event, "account", None)))]


def test_thousands_of_random_operations_on_moving_marks() -> None:
    run = Run(20240808)
    for number in range(OPERATIONS):
        run.chance.hear(run.send(run.chance.command()))
        if number % PRICES_EVERY == 0:
            run.keeper.liquidation_prices()
        if number % STATE_EVERY == 0:
            run.look()
    often = (
        "FundingPaid FundingSettled StopTriggered StopFailed PositionStopsSet LeverageSet HIT_BY_ORDER TOOK_MIRROR "
        "TRADED_THROUGH CROSSED realised INSUFFICIENT_MARGIN POSITION_NOT_ENOUGH LEVERAGE_TOO_HIGH "
        "RISK_LIMIT_EXCEEDED PositionLiquidated InsuranceTraded"
    )
    assert all(run.seen[name] >= 20 for name in often.split()), run.seen
    assert run.seen["MarginWarning"] >= 10 and run.seen["MarginAdjusted"] >= 5, run.seen


def play(seed: int, operations: int) -> tuple[str, str]:
    """Digest of the state, and of every event on the way."""
    run, told = Run(seed), hashlib.sha256()
    for _ in range(operations):
        command = run.chance.command()
        copy = msgspec.json.decode(msgspec.json.encode(command), type=type(command))
        assert copy == command, "a command does not survive its own codec"
        events = run.exchange.handle(run.chance.now, copy)
        run.chance.hear(events)
        told.update(repr(events).encode())
    return digest(run.exchange.state), told.hexdigest()


def test_same_commands_give_the_same_events_and_digest() -> None:
    assert play(7, 1500) == play(7, 1500)
    assert play(7, 1500) != play(8, 1500)
