"""The benchmark measures engines that do the same work: the product and a slow reference agree on every stream."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.engines import BUYERS, SYMBOL, Mismatch, Product, compare, drive
from benchmarks.peers import PEERS, installed
from benchmarks.workloads import (
    Expected,
    Fill,
    Reference,
    Stream,
    adds,
    cancels,
    deep,
    expected,
    mixed,
    shallow,
    sweeps,
)

STREAMS: dict[str, Callable[[], Stream]] = {
    "deep": lambda: mixed("deep", levels=100, each=3, operations=2000),
    "shallow": lambda: shallow(2000),
    "add": lambda: adds(500, levels=50),
    "cancel": lambda: cancels(500, levels=50),
    "sweep": lambda: sweeps(1000, levels=50),
}


@pytest.fixture(scope="module", params=STREAMS)
def played(request: pytest.FixtureRequest) -> tuple[Stream, Expected]:
    stream = STREAMS[request.param]()
    return stream, expected(stream)


def test_the_product_reaches_the_fills_and_the_book_of_the_reference(played: tuple[Stream, Expected]) -> None:
    stream, wanted = played
    compare("ours", Product(), stream, wanted)


def test_every_installed_peer_does_the_same_work(played: tuple[Stream, Expected]) -> None:
    stream, wanted = played
    for name in installed().keys() & PEERS:
        compare(name, PEERS[name](), stream, wanted)


def test_the_reference_trades_best_price_first_and_oldest_first() -> None:
    book = Reference()
    for number, price, qty in ((1, 101, 5), (2, 100, 3), (3, 100, 4)):
        assert book.new(number, False, price, qty) == []
    assert book.new(4, True, 101, 9) == [(4, 2, 100, 3), (4, 3, 100, 4), (4, 1, 101, 2)]
    assert book.book() == {(False, 101): 3}
    assert book.new(5, True, 100, 1) == []
    assert book.new(6, False, 99, 2) == [(6, 5, 100, 1)]
    assert book.book() == {(False, 101): 3, (False, 99): 1}


@pytest.mark.parametrize("name", ["deep", "shallow", "sweep"])
def test_an_engine_that_fills_the_newest_first_is_caught(name: str) -> None:
    stream = STREAMS[name]()

    class NewestFirst(Product):
        def fills(self, id: int, answer: object) -> list[Fill]:
            return super().fills(id, answer)[::-1]

    with pytest.raises(Mismatch, match="first difference"):
        compare("newest first", NewestFirst(), stream, expected(stream))


def test_an_engine_that_loses_a_cancel_is_caught() -> None:
    class Forgetful(Product):
        def cancel(self, id: int, buy: bool, price: int) -> None:
            if id != 7:
                super().cancel(id, buy, price)

    stream = STREAMS["cancel"]()
    with pytest.raises(Mismatch, match="final book"):
        compare("forgetful", Forgetful(), stream, expected(stream))


def test_a_stream_is_the_same_each_time_it_is_made() -> None:
    assert deep(300) == deep(300)


def test_the_mix_is_the_stated_one() -> None:
    stream = deep(5000)
    assert len(stream.before) == 10_000
    assert sum(not new for new, *_ in stream.ops) == 2000
    assert len({price for new, _, buy, price, _ in stream.before if buy}) == 1000


def test_a_sweep_takes_about_ten_makers() -> None:
    stream = sweeps(2000, levels=50)
    assert 9 < len(expected(stream).fills) / len(stream.ops) < 12


def test_the_product_is_driven_with_money_and_fees() -> None:
    product, stream = Product(), STREAMS["shallow"]()
    drive(product, stream.before + stream.ops)
    product.book()
    state = product.exchange.state
    assert state.ledger.balance("#fees", "X").free > 0
    assert state.ledger.balance("#fees", "Y").free > 0
    assert all(state.customers[name].by_client_order_id for name in BUYERS)
    assert state.markets[SYMBOL].last is not None
