"""One hash of the whole state, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from simulator.core.orders import Order, Side
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.state import State


def digest(state: State) -> str:
    """SHA-256 over accounts, orders, books and mirrors in a fixed order.

    Time is left out: a rejected command may move the clock, and nothing else.
    """
    summer = hashlib.sha256()
    for line in _lines(state):
        summer.update(line.encode())
        summer.update(b"\n")
    return summer.hexdigest()


def _lines(state: State) -> Iterator[str]:
    yield f"ids {state.last_id}"
    for name, customer in sorted(state.customers.items()):
        yield f"account {name} {customer.maker_rate} {customer.taker_rate}"
    for balance in sorted(state.ledger, key=lambda one: (one.account, one.asset)):
        if balance.free or balance.held:
            yield f"balance {balance.account} {balance.asset} {balance.free} {balance.held}"
    for order in state.orders.values():
        yield _order_line(order)
    for symbol, market in sorted(state.markets.items()):
        yield f"market {symbol} {market.trading} {market.last} {market.mirror.stale} {market.mirror.ts}"
        if market.mirror.stale:
            yield f"stale since {market.mirror.stale_since}"
        yield f"models {market.model.name} {market.mirror.residual.name}"
        if not market.matching:
            yield f"paused {symbol} " + " ".join(str(order.id) for order in market.waiting if order.is_open)
        for side in Side:
            mirror = market.mirror.side(side)
            for key, size in mirror.size_at.items():
                yield f"mirror {key} {size} {mirror.taken_at.get(key, 0)}"
            for level in market.book.side(side):
                yield f"level {level.price} " + " ".join(str(order.id) for order in level)
    yield from _lines_of_perpetuals(state)


def _lines_of_perpetuals(state: State) -> Iterator[str]:
    for (account, asset), wallet in sorted(state.wallets.items()):
        if wallet.warned:
            yield f"warned {account} {asset}"
    for _, listed in sorted(state.perpetuals.items()):
        yield from _perpetual_lines(listed)
    for stop in state.stops.values():
        yield (
            f"stop {stop.id} {stop.account} {stop.symbol} {stop.trigger} {stop.by.name} {stop.rising} "
            f"{stop.status.name} {stop.order_id} {stop.refusal} {stop.client_order_id} {stop.order}"
        )


def _perpetual_lines(listed: PerpetualMarket) -> Iterator[str]:
    perpetual, funding = listed.perpetual, listed.perpetual.funding
    yield (
        f"perpetual {listed.symbol} {perpetual.mark} {perpetual.told_mark} {perpetual.index} {perpetual.told_index} "
        f"{listed.basis} {listed.mark_due} {listed.outside.lots} {listed.outside.cost}"
    )
    if funding is not None:
        yield f"funding {funding.rate} {funding.settle_time}"
    for seat in sorted(listed.seats, key=lambda one: one.wallet.account):
        if seat.used:
            yield f"seat {seat.wallet.account} {seat.leverage} {seat.mode.name}"
    for position in sorted(listed.positions(), key=lambda one: (one.account, one.side.name)):
        if position.lots:
            yield (
                f"position {position.account} {position.side.name} {position.lots} {position.cost} {position.margin} "
                f"{position.realised} {position.closing} {position.warned} {position.take_profit} {position.stop_loss}"
            )


def _order_line(order: Order) -> str:
    return (
        f"order {order.id} {order.account} {order.symbol} {order.side.name} {order.type.name} {order.tif.name} "
        f"{order.price} {order.qty} {order.amount} {order.client_order_id} {order.leaves} {order.filled} "
        f"{order.notional} {order.status.name} {order.ahead} {order.credits}"
        + (f" {order.effect.name}" if order.effect is not None else "")
    )
