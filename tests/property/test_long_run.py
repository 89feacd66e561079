"""A hundred thousand random operations from one seed.

What each command's events must agree on is looked at every time. The whole state (book, mirror, ledger,
holds, queue places) is looked at every 250 operations, and the digest before and after a rejected command
at every 400th rejection, because both cost time in proportion to everything that exists.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from simulator.core import commands as c
from simulator.core.digest import digest
from simulator.core.events import Event, OrderAccepted, OrderFilled, Rejected
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.mirror.queue_position import MODELS as QUEUES
from simulator.core.mirror.residual import MODELS as RESIDUALS
from simulator.core.orders import OrderType, SelfTradePrevention, Side, TimeInForce
from simulator.core.units import NANOS_PER_MILLI, ONE
from tests.property.invariants import Watch

OPERATIONS = 100_000
THOROUGH = os.environ.get("HASHKEY_SIM_TEST_PROFILE") == "thorough"
UNDER_EACH_MODEL = 20_000 if THOROUGH else 1000
ONE_OF_EACH_FAMILY = ("pessimistic", "proportional", "power:3", "power2:3", "power3:3", "log", "log2", "front")
STATE_EVERY, DIGEST_EVERY = 250, 400
ACCOUNTS = ("a", "b", "c", "d")
INSTRUMENTS = (
    Instrument("BTCUSDT", "BTC", "USDT", "0.01", "0.001", "0.001", "8", min_notional="0.05", max_open_orders=40),
    Instrument(
        "ETHUSDT",
        "ETH",
        "USDT",
        "0.05",
        "0.001",
        "0.002",
        "5",
        market_max_qty="0.05",
        min_notional="0.1",
        price_band_up="0.004",
        price_band_down="0.004",
        market_band_up="0.003",
        market_band_down="0.003",
    ),
)


class Chance:
    """Commands from a seed; the outside market wanders around a middle price."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.middle = {one.symbol: 1000 for one in INSTRUMENTS}
        self.shown: dict[str, tuple[dict[int, int], dict[int, int]]] = {one.symbol: ({}, {}) for one in INSTRUMENTS}
        self.orders: list[tuple[int, str]] = []
        self.now = 1_000 * NANOS_PER_MILLI

    def command(self) -> c.Command:
        roll = self.random.random
        self.now += self.random.randrange(2) * NANOS_PER_MILLI
        symbol = "BTCUSDT" if roll() < 0.6 else "ETHUSDT"
        kinds = (
            (0.45, self.limit),
            (0.52, self.market),
            (0.72, self.cancel),
            (0.725, self.cancel_open),
            (0.80, self.replace),
            (0.88, self.change),
            (0.97, self.trade),
            (0.972, self.invalidate),
        )
        dice = roll()
        for limit, make in kinds:
            if dice < limit:
                return make(symbol)
        return self.money(symbol)

    def limit(self, symbol: str) -> c.Command:
        pick = self.random.choice
        tif = pick((*[TimeInForce.GTC] * 8, TimeInForce.IOC, TimeInForce.FOK))
        kind = OrderType.LIMIT_MAKER if self.random.random() < 0.15 else OrderType.LIMIT
        price = self.middle[symbol] + self.random.randint(-6, 6)
        stp = pick(tuple(SelfTradePrevention))
        return c.PlaceOrder(
            pick(ACCOUNTS), symbol, pick((Side.BUY, Side.SELL)), kind, self.size(), price, "", tif, None, stp
        )

    def market(self, symbol: str) -> c.Command:
        pick = self.random.choice
        account, side, tif = pick(ACCOUNTS), pick((Side.BUY, Side.SELL)), pick((TimeInForce.IOC, TimeInForce.FOK))
        stp = pick(tuple(SelfTradePrevention))
        if self.random.random() < 0.5:
            return c.PlaceOrder(account, symbol, side, OrderType.MARKET, self.size(), None, "", tif, None, stp)
        unit = next(one.quote_atoms for one in INSTRUMENTS if one.symbol == symbol)
        amount = self.random.randint(1, 30_000) * unit
        return c.PlaceOrder(account, symbol, side, OrderType.MARKET, None, None, "", tif, amount, stp)

    def size(self) -> int:
        return self.random.randint(1, 20)

    def cancel(self, symbol: str) -> c.Command:
        if not self.orders:
            return c.CancelOrder("a", 1)
        order_id, owner = self.orders[-min(len(self.orders), self.random.randint(1, 60))]
        return c.CancelOrder(owner if self.random.random() < 0.9 else self.random.choice(ACCOUNTS), order_id)

    def cancel_open(self, symbol: str) -> c.Command:
        return c.CancelOpenOrders(self.random.choice(ACCOUNTS), symbol, None, None, self.random.choice((None, 3)))

    def replace(self, symbol: str) -> c.Command:
        self.middle[symbol] = max(900, min(1100, self.middle[symbol] + self.random.randint(-2, 2)))
        middle = self.middle[symbol]
        bids = {middle - n: self.size() for n in range(1, 7) if self.random.random() < 0.8}
        asks = {middle + n: self.size() for n in range(1, 7) if self.random.random() < 0.8}
        self.shown[symbol] = bids, asks
        return c.ReplaceDepth(symbol, self.ago(), tuple(bids.items()), tuple(asks.items()))

    def change(self, symbol: str) -> c.Command:
        bids, asks = self.shown[symbol]
        middle = self.middle[symbol]
        new_bids = {middle - self.random.randint(1, 8): self.random.randint(0, 20)}
        new_asks = {middle + self.random.randint(1, 8): self.random.randint(0, 20)}
        for shown, news in ((bids, new_bids), (asks, new_asks)):
            shown.update(news)
            for price in [price for price, size in shown.items() if not size]:
                del shown[price]
        return c.ChangeDepth(symbol, self.ago(), tuple(new_bids.items()), tuple(new_asks.items()))

    def trade(self, symbol: str) -> c.Command:
        side = self.random.choice((Side.BUY, Side.SELL))
        price = self.middle[symbol] + side.sign * self.random.randint(-2, 4)
        return c.PrintTrade(symbol, self.ago(), price, self.random.randint(1, 40), side)

    def invalidate(self, symbol: str) -> c.Command:
        return c.InvalidateDepth(symbol)

    def money(self, symbol: str) -> c.Command:
        pick = self.random.choice
        asset, amount = pick(("BTC", "ETH", "USDT")), self.random.randint(1, 200) * ONE // 1000
        if self.random.random() < 0.5:
            return c.Transfer(pick(ACCOUNTS), pick(ACCOUNTS), asset, amount)
        return pick((c.Deposit, c.Withdraw))(pick(ACCOUNTS), asset, amount)

    def hear(self, events: list[Event]) -> None:
        """Remember orders, so that they can be cancelled."""
        self.orders += [(event.order_id, event.account) for event in events if isinstance(event, OrderAccepted)]

    def ago(self) -> int:
        """The outside market's clock: up to 20 ms behind ours, so that trades and books overtake each other."""
        return self.now - self.random.randrange(20) * NANOS_PER_MILLI


def beginning() -> Iterator[c.Command]:
    """Markets, accounts and their money."""
    yield from map(c.ListInstrument, INSTRUMENTS)
    for account, maker, taker in zip(ACCOUNTS, (120_000, -25_000, 0, 80_000), (120_000, 60_000, 0, 1), strict=True):
        yield c.OpenAccount(account, maker, taker)
        for asset, amount in (("BTC", ONE // 10), ("ETH", ONE // 10), ("USDT", 5 * ONE)):
            yield c.Deposit(account, asset, amount)


def begin(now: int) -> Exchange:
    exchange = Exchange()
    for command in beginning():
        exchange.handle(now, command)
    return exchange


@pytest.mark.parametrize("residual", RESIDUALS)
@pytest.mark.parametrize("queue", QUEUES if THOROUGH else ONE_OF_EACH_FAMILY)
def test_what_always_holds_holds_under_every_model(queue: str, residual: str) -> None:
    chance = Chance(sum(map(ord, queue + residual)))
    exchange = begin(chance.now)
    for instrument in INSTRUMENTS:
        exchange.handle(chance.now, c.ChooseModels(instrument.symbol, queue, residual))
    watch = Watch(exchange)
    causes: Counter[str] = Counter()
    for _ in range(UNDER_EACH_MODEL):
        command = chance.command()
        events = exchange.handle(chance.now, command)
        watch.of_events(command, events)
        watch.of_queues()
        chance.hear(events)
        causes.update(event.cause.name for event in events if isinstance(event, OrderFilled))
    watch.of_state()
    assert {"TOOK_MIRROR", "TRADED_AT", "TRADED_THROUGH", "CROSSED"} <= set(causes), causes


def test_a_hundred_thousand_random_operations() -> None:
    chance = Chance(20240808)
    exchange = begin(chance.now)
    watch = Watch(exchange)
    seen: Counter[str] = Counter()
    rejections = 0
    for number in range(OPERATIONS):
        command = chance.command()
        sampled = exchange.check(command) is not None and rejections % DIGEST_EVERY == 0
        before = digest(exchange.state) if sampled else None
        events = exchange.handle(chance.now, command)
        if events and isinstance(events[0], Rejected):
            rejections += 1
            seen[events[0].reason.name] += 1
            if before is not None:
                assert digest(exchange.state) == before
                seen["digests"] += 1
        watch.of_events(command, events)
        chance.hear(events)
        seen.update(event.cause.name for event in events if isinstance(event, OrderFilled))
        if number % STATE_EVERY == 0:
            watch.of_state()
            watch.of_queues()
    watch.of_state()
    causes = ("TOOK_MIRROR", "TOOK_ORDER", "HIT_BY_ORDER", "TRADED_AT", "TRADED_THROUGH", "CROSSED")
    assert all(seen[cause] > 100 for cause in causes), seen
    assert seen["digests"] > 20 and seen["INSUFFICIENT_BALANCE"] > 1000, seen
