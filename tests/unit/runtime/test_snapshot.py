"""What is in an exchange's roots, taken out and put back."""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

import simulator.core
from simulator.core import explaining, units
from simulator.core.commands import Deposit, ListInstrument, OpenAccount, PlaceOrder, PrintTrade, ReplaceDepth
from simulator.core.digest import digest
from simulator.core.exchange import Exchange
from simulator.core.history import History
from simulator.core.units import ONE
from simulator.runtime.snapshot import restore, take
from tests.builders import BUY, GTC, LIMIT, SELL, SYMBOL, instrument


def exchange(*prices: int) -> Exchange:
    """One symbol, alice's money, and a bid of hers at each price."""
    made = Exchange()
    made.handle(1, ListInstrument(instrument()))
    made.handle(1, OpenAccount("alice", 0, 0))
    made.handle(1, Deposit("alice", "Y", 10**9 * ONE))
    for place, price in enumerate(prices):
        made.handle(2, bid(price, f"own-{place}"))
    return made


def bid(price: int, name: str) -> PlaceOrder:
    return PlaceOrder("alice", SYMBOL, BUY, LIMIT, 3, price, name, GTC)


def roots(one: Exchange) -> dict[str, object]:
    return {"state": one.state}


def test_a_root_stays_the_same_object_and_what_is_in_it_does_not() -> None:
    one = exchange(99, 99)
    state, market, before = one.state, one.state.markets[SYMBOL], digest(one.state)
    photo = take(2, roots(one))
    one.handle(3, bid(98, "later"))
    restore(photo, roots(one))
    assert one.state is state and digest(state) == before
    assert state.markets[SYMBOL] is not market


def test_a_snapshot_is_not_touched_by_what_happens_after_it_was_taken_or_restored() -> None:
    one = exchange(99, 99)
    one.handle(2, ReplaceDepth(SYMBOL, 2, (), ((101, 9),)))
    one.handle(2, PrintTrade(SYMBOL, 2, 99, 1, SELL))
    before, waited, photo = digest(one.state), told(one), take(2, roots(one))
    for now in (3, 4, 5):
        one.handle(now, bid(98, f"later-{now}"))
        one.handle(now, PrintTrade(SYMBOL, now, 99, 2, SELL))
        assert digest(one.state) != before and told(one) != waited
        restore(photo, roots(one))
        assert digest(one.state) == before and told(one) == waited


def told(one: Exchange) -> list[tuple[int, int]]:
    """What is left of each order, and what was noted of the market meanwhile."""
    return [(order.leaves, order.noted().at) for order in one.state.orders.values()]


def test_two_exchanges_of_one_snapshot_do_not_see_each_other() -> None:
    one, two = exchange(99, 99), Exchange()
    before = digest(one.state)
    restore(take(2, roots(one)), roots(two))
    two.handle(3, bid(98, "later"))
    assert digest(one.state) == before != digest(two.state)
    one.state.markets[SYMBOL].check()
    two.state.markets[SYMBOL].check()


def test_what_never_changes_is_shared() -> None:
    one = exchange(99)
    command = next(iter(one.state.orders.values())).command
    restore(take(2, roots(one)), roots(one))
    (order,) = one.state.orders.values()
    assert order.command is command


def test_roots_that_know_each_other_still_do() -> None:
    one, two = exchange(99), Exchange()
    history = History(one.state)
    photo = take(2, {"state": one.state, "history": history})
    other = History(two.state)
    restore(photo, {"state": two.state, "history": other})
    assert other._state is two.state


def test_a_queue_may_be_longer_than_any_stack_is_deep() -> None:
    one = exchange(*[99] * 20_000)
    before = digest(one.state)
    restore(take(2, roots(one)), roots(one))
    assert digest(one.state) == before
    one.state.markets[SYMBOL].check()


def test_a_book_that_is_let_go_holds_no_order_by_another() -> None:
    """Orders are not looked into by the garbage collector: linked, they would stay for ever."""
    one = exchange(99, 99, 98)
    orders = list(one.state.orders.values())
    one.state.markets[SYMBOL].book.let_go()
    assert [(order.level, order.prev, order.next) for order in orders] == [(None, None, None)] * 3


def frozen_structs() -> Iterator[type[msgspec.Struct]]:
    """But for answers, which nobody keeps."""
    for found in pkgutil.walk_packages(simulator.core.__path__, "simulator.core."):
        for one in vars(importlib.import_module(found.name)).values():
            record = isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__struct_config__.frozen
            if record and one.__module__ != explaining.__name__:
                yield one


def immutable(kind: Any) -> bool:
    """Whether nothing in a value of this type can change."""
    if get_origin(kind) in (Union, types.UnionType, tuple):
        return all(one is Ellipsis or immutable(one) for one in get_args(kind))
    if not isinstance(kind, type):
        return False
    if issubclass(kind, msgspec.Struct):
        return bool(kind.__struct_config__.frozen)
    if issubclass(kind, tuple):
        return all(immutable(one) for one in get_type_hints(kind).values())
    return issubclass(kind, str | int | bytes | Enum | type(None))


@pytest.mark.parametrize("struct", sorted(set(frozen_structs()), key=str), ids=lambda one: one.__name__)
def test_a_frozen_record_of_the_core_is_immutable_to_the_ground(struct: type[msgspec.Struct]) -> None:
    """Snapshots share them: a list in one would be changed in all."""
    module = importlib.import_module(struct.__module__)
    hints = get_type_hints(struct, vars(module) | vars(units))
    assert [name for name, kind in hints.items() if not immutable(kind) and name in struct.__struct_fields__] == []
