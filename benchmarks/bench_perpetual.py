"""The perpetual order path in terms of the spot one: the same streams of orders through the same exchange.

On the perpetual buyers open long and sellers open short positions, on margin, at a mark that follows the book; each
order is checked against its wallet, each fill opens a position and has its wallet looked at.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from benchmarks.engines import BUYERS, MAKER_RATE, SELLERS, START, STEP, TAKER_RATE, Product, compare, drive
from benchmarks.report import Goal, Options, Report, Table
from benchmarks.timing import in_turns, timed
from benchmarks.workloads import Book, Stream, deep, expected, shallow
from simulator.core.commands import CancelOrder, Deposit, ListInstrument, OpenAccount, PlaceOrder
from simulator.core.events import OrderAccepted
from simulator.core.exchange import Exchange
from simulator.core.instruments import Contract, Instrument, Tier
from simulator.core.orders import BUY, LIMIT, SELL, PositionEffect, Side
from simulator.core.units import ONE

GOAL: Final = "cost of an operation on a perpetual, of that on spot, {} book"

SYMBOL: Final = "XY-PERPETUAL"
CONTRACT: Final = Contract("0.001", "Y", "XY", (Tier("1000000000", "0.02", "0.005"),))
INSTRUMENT: Final = Instrument(
    symbol=SYMBOL,
    base=SYMBOL,
    quote="Y",
    tick="0.1",
    lot="1",
    min_qty="1",
    max_qty="1000000",
    price_band_up="0.1",
    price_band_down="0.1",
    market_band_up="0.1",
    market_band_down="0.1",
    max_open_orders=1_000_000,
    contract=CONTRACT,
)
OPEN: Final = PositionEffect.OPEN


class PerpetualProduct(Product):
    """This simulator, trading contracts."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.now = START
        self._ids = [0]
        handle = self._handle = self.exchange.handle
        handle(START, ListInstrument(INSTRUMENT))
        for name in (*BUYERS, *SELLERS):
            handle(START, OpenAccount(name, MAKER_RATE, TAKER_RATE))
            handle(START, Deposit(name, "Y", 10**12 * ONE))

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """PlaceOrder that opens a position."""
        self.now = now = self.now + STEP
        account, side = (BUYERS[id & 3], BUY) if buy else (SELLERS[id & 3], SELL)
        events = self._handle(now, PlaceOrder(account, SYMBOL, side, LIMIT, qty, price, str(id), effect=OPEN))
        accepted = events[0]
        assert type(accepted) is OrderAccepted, accepted
        self._ids.append(accepted.order_id)
        return events

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """CancelOrder by our id."""
        self.now = now = self.now + STEP
        return self._handle(now, CancelOrder((BUYERS if buy else SELLERS)[id & 3], self._ids[id]))

    def book(self) -> Book:
        """Levels, after the exchange's own checks of its book, its money and its positions."""
        state = self.exchange.state
        for wallet in state.wallets.values():
            wallet.check()
        listed = state.perpetuals[SYMBOL]
        listed.check()
        market = listed.market
        market.check()
        state.ledger.check()
        return {(side is BUY, level.price): level.qty for side in Side for level in market.book.side(side)}


def run(options: Options) -> Report:
    """Both, on a deep and on a shallow book."""
    report = Report()
    for stream in (deep(options.some(60_000, 4_000)), shallow(options.some(60_000, 4_000))):
        wanted = expected(stream)
        for name, product in (("spot", Product()), ("perpetual", PerpetualProduct())):
            compare(name, product, stream, wanted)
        contestants = {"spot": partial(_cost, Product, stream), "perpetual": partial(_cost, PerpetualProduct, stream)}
        rounds = in_turns(contestants, options.rounds, options.say)
        rows = [[name, f"{rounds.cost(name) * 1e6:.2f}"] for name in rounds.costs]
        title = f"Orders on the {stream.name} book, CPU microseconds per operation"
        report.tables.append(Table(title, ["market", "us"], rows))
        report.judge(Goal("P1", GOAL.format(stream.name), at_most=1.5), rounds.slowness("perpetual", "spot"))
    return report


def _cost(make: type[Product], stream: Stream) -> float:
    product = make()
    drive(product, stream.before)
    return timed(partial(drive, product, stream.ops)) / len(stream.ops)
