"""A stop order: an order that waits outside the book for a price."""

from __future__ import annotations

import msgspec

from simulator.core.commands import PlaceOrder, PlaceStop
from simulator.core.orders import StopStatus, TriggerBy
from simulator.core.rejections import RejectReason
from simulator.core.units import Nanos, Ticks


class Stop(msgspec.Struct, eq=False, gc=False):
    """One stop order from acceptance to its end.

    ``rising``: it waits for a price above the one there was when it came. ``order_id`` is the order that
    went out, ``refusal`` why none could.
    """

    id: int
    command: PlaceStop
    client_order_id: str
    rising: bool
    created: Nanos
    updated: Nanos
    status: StopStatus = StopStatus.WAITING
    order_id: int | None = None
    refusal: RejectReason | None = None

    @property
    def order(self) -> PlaceOrder:
        """What goes out when the price is reached."""
        return self.command.order

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.command.order.account

    @property
    def symbol(self) -> str:
        """Of which perpetual."""
        return self.command.order.symbol

    @property
    def trigger(self) -> Ticks:
        """The price it waits for."""
        return self.command.trigger

    @property
    def by(self) -> TriggerBy:
        """Which price it watches."""
        return self.command.by
