"""``sim_exchange``: the core in this process, without sockets, in words that a person reads."""

from __future__ import annotations

import inspect
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Final

import msgspec

from simulator.assembly.parts import exchange_of
from simulator.config import Settings
from simulator.control.answering import TABLE, read
from simulator.control.table import BadAsk, NotThere
from simulator.core.commands import CancelOrder, Command, PlaceOrder
from simulator.core.events import Event, OrderAccepted, OrderFilled, Rejected
from simulator.core.instruments import Instrument
from simulator.core.orders import Order, OrderType, PositionEffect, Side, TimeInForce
from simulator.remote import Refused
from simulator.testing.by_hand import ByHand, Number
from simulator.testing.last_events import LastEvents
from simulator.venues.hashkey.accounts import futures_of

SHOWN: Final = 30
_ROWS: Final = {(row.method, row.name): row for row in TABLE}


class SimOrder:
    """An order as it is now. Numbers are Decimals, a perpetual's quantities are contracts."""

    def __init__(self, exchange: SimExchange, order: Order, instrument: Instrument) -> None:
        self._exchange = exchange
        self._order = order
        self._instrument = instrument

    @property
    def id(self) -> int:
        """The exchange's."""
        return self._order.id

    @property
    def client_order_id(self) -> str:
        """The customer's, or the one that was made up."""
        return self._order.client_order_id

    @property
    def status(self) -> str:
        """NEW, PARTIALLY_FILLED, FILLED, CANCELED or PARTIALLY_CANCELED."""
        return self._order.status.value

    @property
    def price(self) -> Decimal | None:
        """Its limit; None: it has none."""
        return None if self._order.price is None else Decimal(self._instrument.price_grid.text(self._order.price))

    @property
    def filled(self) -> Decimal:
        """So much has traded."""
        return Decimal(self._instrument.qty_grid.text(self._order.filled))

    @property
    def leaves(self) -> Decimal:
        """So much is still open."""
        return Decimal(self._instrument.qty_grid.text(self._order.leaves))

    @property
    def fills(self) -> list[tuple[Decimal, Decimal]]:
        """Price and quantity of each of its fills."""
        price, qty = self._instrument.price_grid, self._instrument.qty_grid
        return [
            (Decimal(price.text(event.price)), Decimal(qty.text(event.qty)))
            for event in self._exchange.events
            if type(event) is OrderFilled and event.order_id == self.id
        ]

    def cancel(self) -> None:
        """By its owner; Refused when it is open no more."""
        self._exchange.do(CancelOrder(self._order.account, self.id))

    def __repr__(self) -> str:
        """As a failed assertion shows it."""
        side, kind = self._order.side.name, self._order.type.value
        return f"<{self.status} {side} {kind} {self._order.symbol}: {self.filled} filled, {self.leaves} open>"


class SimExchange(ByHand):
    """One exchange. Orders happen at once; time stands until ``clock`` moves it. Refused says why something was not.

    ``events`` are all that has happened since it was made; ``do`` takes any command of ``simulator.core.commands``.
    """

    def __init__(self, settings: Settings) -> None:
        self._parts = exchange_of(settings)
        self._last = LastEvents(self._parts.desk.state)
        self.account_name = self._parts.access[0].name
        self.symbols = list(self._parts.desk.state.markets)
        self.events: list[Event] = []
        self._parts.runner.subscribers += [self._last.on_events, lambda _, events: self.events.extend(events)]

    def ask(self, method: str, name: str, /, **asked: Any) -> Any:
        """What the control API would answer at ``/_sim/NAME``."""
        row = _ROWS[method, name]
        try:
            answer = row.call(self._parts, read(row, asked, msgspec.json.encode(asked)))
            if inspect.iscoroutine(answer):
                answer = _finished(answer)
        except (BadAsk, NotThere, msgspec.ValidationError) as error:
            raise Refused(str(error)) from None
        return msgspec.to_builtins(answer)

    def do(self, command: Command) -> list[Event]:
        """Let a command happen; Refused when the exchange says no."""
        events = self._parts.runner.do(command)
        if events and isinstance(events[0], Rejected):
            raise Refused(events[0].reason.name)
        return events

    def buy(self, symbol: str, qty: Number, price: Number | None = None, **more: Any) -> SimOrder:
        """A limit order, or without a price a market order. ``more``: see ``place``."""
        return self.place(Side.BUY, symbol, qty, price, **more)

    def sell(self, symbol: str, qty: Number, price: Number | None = None, **more: Any) -> SimOrder:
        """See ``buy``."""
        return self.place(Side.SELL, symbol, qty, price, **more)

    def place(
        self,
        side: Side,
        symbol: str,
        qty: Number,
        price: Number | None = None,
        *,
        account: str = "",
        client_order_id: str = "",
        time_in_force: str = "",
        post_only: bool = False,
        close: bool = False,
    ) -> SimOrder:
        """An order; ``close``: on a perpetual, one that reduces a position."""
        market = self._parts.desk.state.markets[symbol]
        grids, user = market.instrument, account or self.account_name
        kind = OrderType.MARKET if price is None else OrderType.LIMIT_MAKER if post_only else OrderType.LIMIT
        effect = PositionEffect.CLOSE if close else PositionEffect.OPEN
        accepted = self.do(
            PlaceOrder(
                user if grids.contract is None else futures_of(user),
                symbol,
                side,
                kind,
                grids.qty_grid.parse(str(qty)),
                None if price is None else grids.price_grid.parse(str(price)),
                client_order_id,
                TimeInForce(time_in_force or ("IOC" if price is None else "GTC")),
                effect=None if grids.contract is None else effect,
            )
        )
        order_id = next(event.order_id for event in accepted if type(event) is OrderAccepted)
        return SimOrder(self, self._parts.desk.state.orders[order_id], grids)

    def book(self, symbol: str) -> dict[str, list[tuple[Decimal, Decimal]]]:
        """Bids and asks as clients see them, best first: the outside market's less what was taken, and own orders."""
        market = self._parts.desk.state.markets[symbol]
        price, qty = market.instrument.price_grid, market.instrument.qty_grid
        return {
            name: [(Decimal(price.text(at)), Decimal(qty.text(size))) for at, size in market.levels(side)]
            for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
        }

    def last_events(self, most: int = SHOWN) -> list[str]:
        """What happened last, one line each."""
        return self._last.lines(most)

    def story(self, most: int = SHOWN) -> list[tuple[str, str]]:
        """What a failed test tells of it: titles and texts."""
        return [("hashkey-simulator: last events", "\n".join(self.last_events(most)) or "there were no events")]


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing but its turn: here it is always its turn."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
