"""When margin is gone: warning, cancelling, take-over, getting rid of it.

**What we chose.** A wallet is looked at after every command that moved its positions, its money or a mark. Isolated
positions are looked at one by one, then all cross positions together. *Warning* once when the maintenance
margin is 80 % of equity (again only after it was less in between). When equity is not more than the maintenance margin,
its open orders are cancelled (all of the wallet; for an isolated position those of its symbol and side), and it is
looked at again. If that did not help, the insurance fund takes the positions over, all of the wallet at once, at
their bankruptcy prices (``accounts/liquidation.py``), and sells them. Nobody is left below his maintenance margin when
the command is over.

Partial steps, tier by tier, are what some venues do; HashKey's steps are not published, and a wallet that is taken over
whole never owes anything. Recorded liquidations of the venue would change our mind.

A wallet without cross positions that owes money (a position was closed at a price beyond its bankruptcy price)
is paid out by the fund: DeficitCovered.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.core.accounts.ledger import INSURANCE
from simulator.core.accounts.liquidation import takeover_values
from simulator.core.accounts.margin import CROSS, ISOLATED, Wallet, near_the_end
from simulator.core.accounts.positions import Position
from simulator.core.commands import PlaceOrder
from simulator.core.events import (
    DeficitCovered,
    Event,
    InsuranceChanged,
    InsuranceTraded,
    MarginWarning,
    PositionLiquidated,
    TradeHappened,
)
from simulator.core.filling import Touched, release, report
from simulator.core.matching.match import NO_LIMIT, match
from simulator.core.orders import IOC, CancelReason, Order, OrderType, PositionEffect
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.placing import settle_maker
from simulator.core.state import State


def look_at(state: State, wallet: Wallet, events: list[Event]) -> None:
    """Warn, cancel, take over, as far as it must be."""
    for position in list(wallet.in_mode(ISOLATED)):
        _look_at_isolated(state, wallet, position, events)
    _look_at_cross(state, wallet, events)


def _look_at_isolated(state: State, wallet: Wallet, position: Position, events: list[Event]) -> None:
    symbol, rate = position.perpetual.symbol, wallet.customer.taker_rate
    equity, maintenance = position.equity, position.maintenance(rate)
    near = near_the_end(equity, maintenance)
    if near and not position.warned:
        events.append(MarginWarning(wallet.account, wallet.asset, symbol, position.side, equity, maintenance))
    position.warned = near
    if equity > maintenance:
        return
    _cancel(state, (order for order in _orders(state, wallet) if _concerns(order, position)), events)
    if position.equity <= position.maintenance(rate):
        _take_over(state, wallet, [position], position.equity, events)


def _look_at_cross(state: State, wallet: Wallet, events: list[Event]) -> None:
    equity, maintenance = wallet.cross_equity, wallet.cross_maintenance
    near = bool(maintenance) and near_the_end(equity, maintenance)
    if near and not wallet.warned:
        events.append(MarginWarning(wallet.account, wallet.asset, None, None, equity, maintenance))
    wallet.warned = near
    positions = list(wallet.in_mode(CROSS))
    if equity > maintenance or (not positions and equity >= 0):
        return
    _cancel(state, _orders(state, wallet), events)
    if positions and wallet.cross_equity <= wallet.cross_maintenance:
        _take_over(state, wallet, positions, wallet.cross_equity, events)
    if wallet.cross_equity < 0:
        _cover(state, wallet, events)


def _orders(state: State, wallet: Wallet) -> list[Order]:
    """Open orders that this wallet's money or positions stand behind, newest first."""
    return [
        order
        for order in reversed(wallet.customer.open_orders.values())
        if (listed := state.perpetuals.get(order.symbol)) and listed.contract.margin_asset == wallet.asset
    ]


def _concerns(order: Order, position: Position) -> bool:
    if order.symbol != position.perpetual.symbol:
        return False
    opens = order.effect is PositionEffect.OPEN
    return order.side is (position.side.opens if opens else position.side.closes)


def _cancel(state: State, orders: Iterable[Order], events: list[Event]) -> None:
    touched: Touched = {}
    for order in list(orders):
        market = state.markets[order.symbol]
        release(state, market, order, CancelReason.LIQUIDATION, events, touched)
        market.changed(state.now)
    report(touched, events)


def _take_over(state: State, wallet: Wallet, positions: list[Position], equity: int, events: list[Event]) -> None:
    touched: Touched = {}
    values = takeover_values(positions, equity, wallet.customer.taker_rate)
    for position, value in zip(positions, values, strict=True):
        listed = state.perpetuals[position.perpetual.symbol]
        lots, mark = position.lots, listed.perpetual.mark
        assert mark is not None
        listed.fund.take(position.side, lots, value)
        pnl = listed.seat(wallet.account).close(position, lots, value)
        price = value // (lots * listed.perpetual.mark_atoms)
        events.append(
            PositionLiquidated(
                wallet.account,
                listed.symbol,
                position.side,
                lots,
                value,
                price,
                pnl,
                mark,
                state.next_id(),
                state.next_id(),
            )
        )
        touched[wallet.balance] = touched[position] = None
        listed.wake()
    report(touched, events)


def _cover(state: State, wallet: Wallet, events: list[Event]) -> None:
    """The fund pays what a wallet owes."""
    amount = -wallet.cross_equity
    fund, balance = state.ledger.transfer(INSURANCE, wallet.account, wallet.asset, amount)
    events.append(DeficitCovered(wallet.account, wallet.asset, amount))
    events.append(InsuranceChanged(wallet.asset, fund.free))
    events.append(balance.changed())


def get_rid(state: State, listed: PerpetualMarket, events: list[Event]) -> None:
    """The fund sells what it has taken over, as far as the book goes within the band of market orders."""
    fund = listed.fund
    for position in fund.positions:
        if position.lots:
            before = fund.balance.free
            _sell(state, listed, position, events)
            if fund.balance.free != before:
                events.append(InsuranceChanged(fund.balance.asset, fund.balance.free))


def _sell(state: State, listed: PerpetualMarket, position: Position, events: list[Event]) -> None:
    market, side = listed.market, position.side.closes
    limit = market.pricing.protective_price(side)
    if limit is None:
        return
    command = PlaceOrder(
        INSURANCE, listed.symbol, side, OrderType.LIMIT, position.lots, limit, "", IOC, effect=PositionEffect.CLOSE
    )
    order = Order.of(command, 0, "", state.now)
    makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
    touched: Touched = {}
    for found in match(order, makers, outside, limit * side.sign, NO_LIMIT).matches:
        _, price, qty = found
        trade_id = state.next_id()
        settle_maker(state, market, found, side, trade_id, events, touched)
        pnl = listed.fund.close(position, qty, price * qty * market.instrument.quote_atoms)
        events.append(InsuranceTraded(listed.symbol, side, trade_id, price, qty, pnl, position.lots))
        events.append(TradeHappened(listed.symbol, trade_id, state.now, price, qty, side))
        market.last = price
    if touched or order.leaves < (command.qty or 0):
        market.changed(state.now)
    report(touched, events)
