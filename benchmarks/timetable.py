"""A trader with a timetable: what he does depends on the exchange's time and its books alone, so a replay repeats it.

Every half second of the recording he does one thing in each market: he joins the queue, goes between bid and ask,
crosses the spread, sends a market order, or cancels what he placed a while ago and still rests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from simulator.assembly.parts import Parts
from simulator.core.commands import CancelOrder, Command, PlaceOrder
from simulator.core.events import Event, OrderAccepted
from simulator.core.market import Market
from simulator.core.orders import GTC, IOC, LIMIT, MARKET, PositionEffect, PositionSide, Side
from simulator.core.units import NANOS_PER_MILLI, ONE, Lots, Nanos
from simulator.venues.hashkey.accounts import futures_of

EVERY: Final[Nanos] = 500 * NANOS_PER_MILLI
WORTH: Final = 60
"""Of one order, in quote money, or one lot where that is more."""
KEPT: Final = 6
"""Turns that a resting order is left alone."""
KINDS: Final = 4


class Trader:
    """One account in every market of an exchange that plays a recording at full speed."""

    def __init__(self, parts: Parts, account: str = "default") -> None:
        self._runner = parts.runner
        self._state = parts.desk.state
        self._account = account
        self._placed: dict[str, deque[int | None]] = {name: deque() for name in self._state.markets}
        self.commands = 0

    def play(self) -> int:
        """Trade from where the clock stands to the end of the recording; returns how many frames were played."""
        runner, source = self._runner, self._runner.source
        assert source is not None
        start, turn, frames = runner.now(), 0, 0
        while source.due() is not None:
            frames += runner.play(start + turn * EVERY)
            for number, market in enumerate(self._state.markets.values()):
                self._turn(turn + number, market)
            turn += 1
        return frames

    def _turn(self, turn: int, market: Market) -> None:
        placed = self._placed[market.instrument.symbol]
        old = placed.popleft() if len(placed) == KEPT else None
        if old is not None and self._state.orders[old].is_open:
            self._do(CancelOrder(self._owner(market), old))
        order = self._order(turn, market)
        events = self._do(order) if order is not None else []
        placed.append(next((one.order_id for one in events if isinstance(one, OrderAccepted)), None))

    def _order(self, turn: int, market: Market) -> PlaceOrder | None:
        side = Side.BUY if turn // KINDS % 2 else Side.SELL
        near, far = market.best(side), market.best(side.opposite)
        if near is None or far is None:
            return None
        kind = turn % KINDS
        traded = market.instrument
        price = (near, (near + far) // 2, far, None)[kind]
        qty = -(-WORTH * ONE // (near * traded.quote_atoms))
        return PlaceOrder(
            self._owner(market),
            traded.symbol,
            side,
            MARKET if price is None else LIMIT,
            qty,
            price,
            f"{traded.symbol}-{turn}",
            IOC if price is None else GTC,
            effect=self._effect(market, side, qty),
        )

    def _effect(self, market: Market, side: Side, qty: Lots) -> PositionEffect | None:
        """Close what can be closed, else open."""
        if market.perpetual is None:
            return None
        seat = self._state.perpetuals[market.instrument.symbol].seat(self._owner(market))
        other = seat.position(PositionSide.SHORT if side is Side.BUY else PositionSide.LONG)
        return PositionEffect.CLOSE if other.lots - other.closing >= qty else PositionEffect.OPEN

    def _owner(self, market: Market) -> str:
        return self._account if market.perpetual is None else futures_of(self._account)

    def _do(self, command: Command) -> Sequence[Event]:
        self.commands += 1
        return self._runner.do(command)
