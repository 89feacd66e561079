"""An engine as the benchmark sees it, the product as such an engine, and the comparison with the reference.

Ours is the product: every operation is a command through ``Exchange.handle``, with several accounts,
money, fees, filters and order ids of its own. Making the command counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from benchmarks.workloads import Book, Expected, Fill, Op, Stream
from simulator.core.commands import CancelOrder, Deposit, ListInstrument, OpenAccount, PlaceOrder
from simulator.core.events import OrderAccepted, OrderFilled
from simulator.core.exchange import Exchange
from simulator.core.instruments import Instrument
from simulator.core.orders import OrderType, Side
from simulator.core.units import ONE, Nanos

SYMBOL: Final = "XY"
INSTRUMENT: Final = Instrument(
    symbol=SYMBOL,
    base="X",
    quote="Y",
    tick="0.01",
    lot="0.001",
    min_qty="0.001",
    max_qty="1000",
    min_notional="0.5",
    max_notional="1000000",
    price_band_up="0.1",
    price_band_down="0.1",
    max_open_orders=1_000_000,
)
"""A filter of each kind, as HashKey's symbols have them; the number of open orders is not the question here."""

BUYERS: Final = ("buyer 0", "buyer 1", "buyer 2", "buyer 3")
SELLERS: Final = ("seller 0", "seller 1", "seller 2", "seller 3")
"""Nobody is on both sides, because self-trade prevention would make another stream of it."""
MAKER_RATE, TAKER_RATE = 80_000, 120_000
# Plain names: until Python 3.12 ``Side.BUY`` costs a tenth of a microsecond each time.
BUY, SELL, LIMIT = Side.BUY, Side.SELL, OrderType.LIMIT
START: Final[Nanos] = 1_790_000_000_000_000_000
STEP: Final[Nanos] = 1_000


class Engine(Protocol):
    """What is timed, and what is compared with the reference afterwards."""

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """A limit order; whatever the engine answers."""
        ...

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """A resting order out of the book."""
        ...

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """What the answer to a new order says about its fills."""
        ...

    def logged(self) -> list[Fill]:
        """All fills, of an engine that keeps them instead of answering them."""
        ...

    def book(self) -> Book | None:
        """Resting quantity per level; None where the engine cannot tell."""
        ...


class Product:
    """This simulator: validation, accounts, fees, order states, trades and events, all of it."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.now = START
        self._ids = [0]
        handle = self._handle = self.exchange.handle
        handle(START, ListInstrument(INSTRUMENT))
        for name in (*BUYERS, *SELLERS):
            handle(START, OpenAccount(name, MAKER_RATE, TAKER_RATE))
            handle(START, Deposit(name, "X", 10**9 * ONE))
            handle(START, Deposit(name, "Y", 10**12 * ONE))

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """PlaceOrder; the workload's ids are the list positions of ours."""
        self.now = now = self.now + STEP
        account, side = (BUYERS[id & 3], BUY) if buy else (SELLERS[id & 3], SELL)
        events = self._handle(now, PlaceOrder(account, SYMBOL, side, LIMIT, qty, price, str(id)))
        accepted = events[0]
        assert type(accepted) is OrderAccepted, accepted
        self._ids.append(accepted.order_id)
        return events

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """CancelOrder by our id."""
        self.now = now = self.now + STEP
        return self._handle(now, CancelOrder((BUYERS if buy else SELLERS)[id & 3], self._ids[id]))

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """The makers' parts."""
        parts = [event for event in answer if isinstance(event, OrderFilled) and event.maker]
        return [(id, int(self.exchange.state.orders[e.order_id].client_order_id), e.price, e.qty) for e in parts]

    def logged(self) -> list[Fill]:
        """None."""
        return []

    def book(self) -> Book:
        """Levels, after the exchange's own checks of its book and its money."""
        market = self.exchange.state.markets[SYMBOL]
        market.check()
        self.exchange.state.ledger.check()
        return {(side is BUY, level.price): level.qty for side in Side for level in market.book.side(side)}


def drive(engine: Engine, ops: Iterable[Op]) -> None:
    """The loop that is timed."""
    new, cancel = engine.new, engine.cancel
    for is_new, number, buy, price, qty in ops:
        if is_new:
            new(number, buy, price, qty)
        else:
            cancel(number, buy, price)


class Mismatch(Exception):
    """An engine did something else than the reference; how fast it did that is of no interest."""


def compare(name: str, engine: Engine, stream: Stream, wanted: Expected) -> None:
    """Play a whole stream untimed; Mismatch when fills or final book differ from the reference's."""
    fills: list[Fill] = []
    for ops in (stream.before, stream.ops):
        for is_new, number, buy, price, qty in ops:
            if is_new:
                fills += engine.fills(number, engine.new(number, buy, price, qty))
            else:
                engine.cancel(number, buy, price)
    fills += engine.logged()
    if fills != wanted.fills:
        at = next(
            (n for n, pair in enumerate(zip(fills, wanted.fills, strict=False)) if pair[0] != pair[1]), len(fills)
        )
        raise Mismatch(f"{name}, {stream.name}: {len(fills)} fills for {len(wanted.fills)}, first difference at {at}")
    if engine.book() not in (None, wanted.book):
        raise Mismatch(f"{name}, {stream.name}: the final book differs")
