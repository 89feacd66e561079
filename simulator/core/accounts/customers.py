"""One account as a trader: its fee rates and its orders."""

from __future__ import annotations

from simulator.core.orders import Order
from simulator.core.stops import Stop


class Customer:
    """Fee rates (10^-8), orders and stop orders."""

    __slots__ = (
        "by_client_order_id",
        "maker_rate",
        "name",
        "open_orders",
        "stops",
        "stops_by_client_order_id",
        "taker_rate",
    )

    def __init__(self, name: str, maker_rate: int, taker_rate: int) -> None:
        self.name = name
        self.maker_rate = maker_rate
        self.taker_rate = taker_rate
        self.open_orders: dict[int, Order] = {}
        self.by_client_order_id: dict[str, Order] = {}
        self.stops: dict[int, Stop] = {}
        self.stops_by_client_order_id: dict[str, Stop] = {}
