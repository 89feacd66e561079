"""Other people's engines behind the same two questions: a new limit order, a cancel.

They are used as their authors show, with whole numbers where they take any number; making the objects
that they want to be given counts. A peer that is not installed is left out. Those on PyPI come with the
``bench`` extra; PyLOB is on GitHub only:
``pip install "PyLOB @ git+https://github.com/DrAshBooth/PyLOB.git@v1.0.0"``.
"""

from __future__ import annotations

import importlib
import io
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, Final

from benchmarks.engines import SYMBOL, Engine, Product
from benchmarks.workloads import Book, Fill


class LightMatchingEngine:
    """PyPI lightmatchingengine, pure Python."""

    def __init__(self) -> None:
        self._engine: Any = importlib.import_module("lightmatchingengine.lightmatchingengine").LightMatchingEngine()

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """Side 1 buys, 2 sells; it numbers orders from 1."""
        return self._engine.add_order(SYMBOL, price, qty, 1 if buy else 2)

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """By its number."""
        return self._engine.cancel_order(id, SYMBOL)

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """Its trades are the taker's, summed per level, and then the makers'."""
        return [(id, one.order_id, one.trade_price, one.trade_qty) for one in answer[1] if one.order_id != id]

    def logged(self) -> list[Fill]:
        """None."""
        return []

    def book(self) -> Book:
        """Levels."""
        book = self._engine.order_books[SYMBOL]
        return {
            (buy, price): sum(order.leaves_qty for order in orders)
            for buy, side in ((True, book.bids), (False, book.asks))
            for price, orders in side.items()
        }


class CythonOrderbook:
    """PyPI cython-orderbook: its orders carry ids from a counter of the module; fills are printed only."""

    def __init__(self) -> None:
        module: Any = importlib.import_module("cython_orderbook")
        self._order, self._buy, self._sell = module.Order, module.OrderSide.BID, module.OrderSide.ASK
        self._book = module.OrderBook()
        self._ids = [""]

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """An Order object first."""
        order = self._order(self._buy if buy else self._sell, qty, price)
        self._ids.append(order.order_id)
        self._book.add_limit_order(order)

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """By its id."""
        return self._book.cancel_order(self._ids[id])

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """None."""
        return []

    def logged(self) -> list[Fill]:
        """Read from what it prints."""
        ours = {theirs: number for number, theirs in enumerate(self._ids)}
        printed = io.StringIO()
        with redirect_stdout(printed):
            self._book.print_trade_log()
        pattern = re.compile(r"Price: (\d+) \| Qty: (\d+) \| aggressor_id: (\d+) \| filler_id: (\d+)")
        return [
            (ours[taker], ours[maker], int(price), int(qty))
            for price, qty, taker, maker in pattern.findall(printed.getvalue())
        ]

    def book(self) -> Book | None:
        """None: it does not lower a level's quantity when a maker is filled, so what it shows is not there."""
        return None


class Bourse:
    """PyPI bourse, Rust. Orders of equal time displace each other, so it is told the time before each."""

    def __init__(self) -> None:
        self._book: Any = importlib.import_module("bourse").core.OrderBook(0, 1)
        self._now = 0

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """It numbers orders from 0 and answers the number."""
        self._now = now = self._now + 1
        self._book.set_time(now)
        return self._book.place_order(buy, qty, 0, price=price)

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """By its number."""
        self._now = now = self._now + 1
        self._book.set_time(now)
        return self._book.cancel_order(id - 1)

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """None."""
        return []

    def logged(self) -> list[Fill]:
        """Trades of time, side, price, volume, taker, maker."""
        trades = self._book.get_trades()
        return [(taker + 1, maker + 1, price, qty) for _, _, price, qty, taker, maker in trades]

    def book(self) -> Book:
        """Of its active orders."""
        levels: Book = {}
        for order in self._book.get_orders():
            buy, status, _, _, left, _, price = order[:7]
            if status == 1:
                levels[buy, price] = levels.get((buy, price), 0) + left
        return levels


class OrderBookC:
    """PyPI order-book, C: a container of levels, with the least loop around it that matches orders."""

    def __init__(self) -> None:
        container: Any = importlib.import_module("order_book").SortedDict
        self._sides: dict[bool, Any] = {True: container(ordering="DESC"), False: container(ordering="ASC")}

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """Trade against the best level until it does not cross."""
        fills: list[Fill] = []
        opposite = self._sides[not buy]
        while qty and len(opposite):
            best, waiting = opposite.index(0)
            if best > price if buy else best < price:
                break
            while qty and waiting:
                maker, there = next(iter(waiting.items()))
                if there > qty:
                    waiting[maker] = there - qty
                    fills.append((id, maker, best, qty))
                    qty = 0
                else:
                    del waiting[maker]
                    fills.append((id, maker, best, there))
                    qty -= there
            if not waiting:
                del opposite[best]
        if qty:
            side = self._sides[buy]
            if price in side:
                side[price][id] = qty
            else:
                side[price] = OrderedDict({id: qty})
        return fills

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """From its level."""
        side = self._sides[buy]
        waiting = side[price]
        del waiting[id]
        if not waiting:
            del side[price]

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """As they are."""
        return list(answer)

    def logged(self) -> list[Fill]:
        """None."""
        return []

    def book(self) -> Book:
        """Levels."""
        return {
            (buy, price): sum(waiting.values())
            for buy, side in self._sides.items()
            for price, waiting in side.to_list()
        }


class PyLOB:
    """GitHub DrAshBooth/PyLOB, pure Python, with ledger and commission: the one closest to what we do."""

    def __init__(self) -> None:
        module: Any = importlib.import_module("PyLOB")
        self._buy, self._sell, self._limit = module.Side.BID, module.Side.ASK, module.OrderType.LIMIT
        self._book = module.OrderBook(tick_size=1)
        self._book.configure_instrument(SYMBOL, "Y")
        for trader in range(8):
            self._book.configure_trader(trader, commission_max_percnt=0.12, commission_per_unit=1.0)

    def new(self, id: int, buy: bool, price: int, qty: int) -> Any:
        """Traders 0 to 3 buy, 4 to 7 sell; it numbers orders from 1."""
        if buy:
            return self._book.submit(id & 3, SYMBOL, self._buy, self._limit, qty, price)
        return self._book.submit(4 + (id & 3), SYMBOL, self._sell, self._limit, qty, price)

    def cancel(self, id: int, buy: bool, price: int) -> Any:
        """By its number."""
        return self._book.cancel(id)

    def fills(self, id: int, answer: Any) -> list[Fill]:
        """Its trades."""
        return [(one.taker_idNum, one.maker_idNum, int(one.price), one.qty) for one in answer[1]]

    def logged(self) -> list[Fill]:
        """None."""
        return []

    def book(self) -> Book:
        """Levels."""
        return {
            (buy, int(price)): qty
            for buy, side in ((True, self._buy), (False, self._sell))
            for price, qty in self._book.depth(SYMBOL, side)
        }


OURS: Final = "this simulator"
PEERS: Final[dict[str, Callable[[], Engine]]] = {
    "lightmatchingengine": LightMatchingEngine,
    "cython-orderbook": CythonOrderbook,
    "PyLOB": PyLOB,
    "order-book (C)": OrderBookC,
    "bourse (Rust)": Bourse,
}


def installed() -> dict[str, Callable[[], Engine]]:
    """Us and every peer that can be imported."""
    engines: dict[str, Callable[[], Engine]] = {OURS: Product}
    for name, make in PEERS.items():
        try:
            make()
        except ImportError:
            continue
        engines[name] = make
    return engines
