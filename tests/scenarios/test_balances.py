"""Money over whole stories: before, plus postings, is after."""

from __future__ import annotations

from collections.abc import Callable

from simulator.core.accounts.ledger import FEES, HOUSE
from simulator.core.commands import Deposit
from simulator.core.events import AccountOpened, BalanceChanged, Event, OrderFilled
from simulator.core.history import FlowKind, History
from simulator.core.orders import Side
from simulator.core.units import ONE
from tests.builders import BUY, EXPIRE_MAKER, PEOPLE, SELL, Play, book


def totals(market: Play) -> dict[tuple[str, str], int]:
    return {(one.account, one.asset): one.total for one in market.exchange.state.ledger if one.account not in HOUSE}


def busy(market: Play, history: History | None = None) -> list[OrderFilled]:
    """A day with every way to trade; returns all fills."""
    steps: tuple[Callable[[], list[Event]], ...] = (
        lambda: market.buy(3, 99, by="alice"),
        lambda: market.sell(2, 99, by="bob"),
        lambda: market.buy(5, 102, by="carol"),
        lambda: market.sell(4, 104, by="alice"),
        lambda: market.trade(BUY, 9, 105),
        lambda: market.trade(SELL, 9, 98),
        lambda: market.sell(amount=300, by="bob"),
        lambda: market.buy(2, 101, by="alice"),
        lambda: market.depth(bids="95x3", asks="100x7"),
        lambda: market.sell(2, 99, by="alice", stp=EXPIRE_MAKER),
        lambda: market.cancel_open("alice"),
    )
    fills: list[OrderFilled] = []
    for step in steps:
        events = step()
        if history is not None:
            history.on_events(market.now, events)
        fills += [event for event in events if isinstance(event, OrderFilled)]
    return fills


def test_balances_after_equal_balances_before_plus_postings() -> None:
    market = book(bids="98x4", asks="101x2 102x9", fees=120_000, funds=5_000)
    expected = totals(market)
    done = busy(market)
    assert len({fill.cause for fill in done}) >= 5
    for fill in done:
        side = market.exchange.state.orders[fill.order_id].side
        expected[fill.account, "X"] += side.sign * fill.qty * ONE
        expected[fill.account, "Y"] -= side.sign * fill.qty * fill.price * ONE
        expected[fill.account, fill.fee_asset] -= fill.fee
    assert totals(market) == expected
    for asset in "XY":
        paid = sum(fill.fee for fill in done if fill.fee_asset == asset)
        assert market.exchange.state.ledger.balance(FEES, asset).total == paid


def test_the_last_balance_that_was_told_is_the_balance() -> None:
    market = book(bids="98x4", asks="101x2 102x9", fees=120_000, funds=5_000)
    told: dict[tuple[str, str], tuple[int, int]] = {}
    for events in (market.buy(3, 101), market.trade(SELL, 9, 98), market.cancel_open(), market.sell(2)):
        changed = [event for event in events if isinstance(event, BalanceChanged)]
        assert len({(event.account, event.asset) for event in changed}) == len(changed), "each is told once"
        told.update({(event.account, event.asset): (event.free, event.held) for event in changed})
    assert all(market.money(*who) == balance for who, balance in told.items())


def test_a_better_price_than_the_limit_leaves_nothing_held() -> None:
    market = book(asks="90x2", funds=1000)
    market.buy(3, 100)
    assert market.money("alice", "Y") == ((1000 - 180 - 100) * ONE, 100 * ONE)
    market.cancel_open()
    assert market.money("alice", "Y") == (820 * ONE, 0)


def test_history_adds_up_to_the_balances() -> None:
    market = book(bids="98x4", asks="101x2 102x9", fees=120_000, funds=0)
    history = History(market.exchange.state)
    for name in PEOPLE:
        history.on_events(market.now, [AccountOpened(name)])
        for asset in "XY":
            history.on_events(market.now, market.do(Deposit(name, asset, 5_000 * ONE)))
    busy(market, history)
    for name in PEOPLE:
        records = history.of(name)
        for asset in "XY":
            free, held = market.money(name, asset)
            assert records.totals[asset] == free + held
            assert sum(flow.change for flow in records.flows if flow.asset == asset) == free + held
        fees = sum(flow.change for flow in records.flows if flow.kind is FlowKind.FEE)
        assert fees == -sum(fill.event.fee for fill in records.fills)
        assert all(isinstance(fill.side, Side) for fill in records.fills)
