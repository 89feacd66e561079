"""Who brought the orders: volume and fees per broker id, as HashKey shares fees with the software that did.

The id is what a client sends as ``INPUT-SOURCE`` (HashKey REST 1.4); Hummingbot and ccxt send their own.
"""

from __future__ import annotations

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.table import Nothing, Row
from simulator.core.units import Money, money_text


class Broker(msgspec.Struct, frozen=True):
    """What one broker's orders did so far; ``broker`` "" is nobody's. Money by asset; a rebate is a negative fee."""

    broker: str
    orders: int
    fills: int
    volume: dict[str, str]
    fees: dict[str, str]


class Sum:
    """What is counted on the way."""

    def __init__(self) -> None:
        self.orders = 0
        self.fills = 0
        self.volume: dict[str, Money] = {}
        self.fees: dict[str, Money] = {}


def brokers(parts: Parts, ask: Nothing) -> list[Broker]:
    """Every id that an order came with, in the order of its first."""
    state, history = parts.desk.state, parts.desk.history
    sums: dict[str, Sum] = {}
    for order in state.orders.values():
        sums.setdefault(order.broker, Sum()).orders += 1
    for account in state.customers:
        for fill in (one.event for one in history.of(account).fills):
            of = sums[state.orders[fill.order_id].broker]
            instrument = state.markets[fill.symbol].instrument
            of.fills += 1
            value = fill.price * fill.qty * instrument.quote_atoms
            of.volume[instrument.quote] = of.volume.get(instrument.quote, 0) + value
            of.fees[fill.fee_asset] = of.fees.get(fill.fee_asset, 0) + fill.fee
    return [Broker(name, of.orders, of.fills, _texts(of.volume), _texts(of.fees)) for name, of in sums.items()]


def _texts(amounts: dict[str, Money]) -> dict[str, str]:
    return {asset: money_text(amount) for asset, amount in amounts.items()}


ROWS = (Row("GET", "brokers", brokers, Nothing, list[Broker], "volume and fees per broker id (INPUT-SOURCE)"),)
