"""What happens to taken liquidity: each model by its story, and all of them against the slow reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import ChooseModels
from simulator.core.events import ModelsChosen
from simulator.core.mirror.depth import MirrorSide
from simulator.core.mirror.residual import MODELS, UnknownResidual, residual_model
from simulator.core.orders import Side
from simulator.core.rejections import RejectReason
from tests.builders import IOC, SYMBOL, Play, book, fills, rejection
from tests.property.reference import RESIDUALS


def taken_from(residual: str) -> Play:
    """A level of 5 of which alice took 4."""
    market = book(asks="100x5 105x9")
    market.do(ChooseModels(SYMBOL, "", residual))
    market.buy(4, 100)
    return market


def offered_after(residual: str, *sizes: int) -> str:
    market = taken_from(residual)
    for size in sizes:
        market.change(asks=f"100x{size}")
    return market.asks


@pytest.mark.parametrize(
    ("residual", "repeated", "grown", "shrunk_and_back", "gone_and_back"),
    [
        ("difference", "100x1 105x9", "100x3 105x9", "100x3 105x9", "100x5 105x9"),
        ("none", "100x5 105x9", "100x7 105x9", "100x5 105x9", "100x5 105x9"),
        ("sticky", "100x1 105x9", "100x3 105x9", "100x1 105x9", "100x5 105x9"),
        ("reset", "100x1 105x9", "100x7 105x9", "100x5 105x9", "100x5 105x9"),
    ],
)
def test_what_is_offered_again(
    residual: str, repeated: str, grown: str, shrunk_and_back: str, gone_and_back: str
) -> None:
    assert offered_after(residual, 5) == repeated
    assert offered_after(residual, 7) == grown
    assert offered_after(residual, 2, 5) == shrunk_and_back
    assert offered_after(residual, 0, 5) == gone_and_back


def test_under_sticky_a_level_smaller_than_what_was_taken_offers_nothing() -> None:
    assert offered_after("sticky", 2) == "105x9"
    assert offered_after("sticky", 2, 4) == "105x9"


def test_under_none_a_level_is_whole_with_every_book_also_where_it_is_not_named() -> None:
    market = taken_from("none")
    market.change(asks="105x8")
    assert market.asks == "100x5 105x8"
    market.buy(5, 100)
    market.depth(asks="100x5 105x8")
    assert market.asks == "100x5 105x8"


def test_under_none_whoever_shows_the_book_hears_that_a_level_is_whole_again() -> None:
    mirror = MirrorSide(Side.SELL)
    mirror.residual = residual_model("none")
    mirror.show([(100, 5), (105, 9)])
    mirror.take(100, 5)
    before = mirror.touches
    mirror.told()
    assert mirror.touched_since(before) == {100}


def test_under_none_a_resting_order_that_the_book_crosses_fills_once_per_book() -> None:
    market = book(asks="100x5")
    market.do(ChooseModels(SYMBOL, "", "none"))
    market.buy(12, 100)
    assert fills(market.depth(asks="100x5")) == "100x5"
    assert fills(market.depth(asks="100x5")) == "100x2"


@pytest.mark.parametrize("residual", MODELS)
def test_within_one_book_no_displayed_lot_trades_twice(residual: str) -> None:
    market = taken_from(residual)
    assert fills(market.buy(5, 100, tif=IOC)) == "100x1"
    assert fills(market.buy(5, 100, tif=IOC)) == ""


def test_another_model_takes_over_what_was_taken() -> None:
    market = taken_from("sticky")
    market.change(asks="100x2")
    (chosen,) = market.do(ChooseModels(SYMBOL, "", "difference"))
    assert chosen == ModelsChosen(SYMBOL, "pessimistic", "difference")
    market.change(asks="100x3")
    assert market.asks == "105x9", "of four taken three are still shown"
    market.change(asks="100x5")
    assert market.asks == "100x2 105x9"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ChooseModels("?", "", "none"), RejectReason.UNKNOWN_SYMBOL),
        (ChooseModels(SYMBOL, "", "non"), RejectReason.UNKNOWN_MODEL),
        (ChooseModels(SYMBOL, "Pessimistic"), RejectReason.UNKNOWN_MODEL),
    ],
)
def test_what_is_unknown_is_declined(command: ChooseModels, reason: RejectReason) -> None:
    assert rejection(book().do(command)) is reason


def test_a_choice_of_nothing_tells_what_there_is() -> None:
    assert book().do(ChooseModels(SYMBOL)) == [ModelsChosen(SYMBOL, "pessimistic", "difference")]


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownResidual, match="'non'; there are difference, none, sticky, reset"):
        residual_model("non")


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_what_it_assumes_and_why(name: str) -> None:
    model = residual_model(name)
    assert model.name == name
    assert model.assumption and not model.assumption.endswith(".") and ". " not in model.assumption
    assert model.source


steps = st.one_of(
    st.tuples(st.just("tell"), st.dictionaries(st.integers(98, 102), st.integers(0, 6), max_size=3)),
    st.tuples(st.just("take"), st.integers(1, 9)),
)


@pytest.mark.parametrize("residual", MODELS)
@pytest.mark.parametrize("side", Side)
@given(said=st.lists(steps, max_size=25))
def test_a_side_is_what_the_reference_says(residual: str, side: Side, said: list[tuple[str, object]]) -> None:
    mirror = MirrorSide(side)
    mirror.residual = residual_model(residual)
    shown: dict[int, int] = {}
    missing: dict[int, int] = {}
    for kind, what in said:
        if kind == "tell":
            assert isinstance(what, dict)
            if residual == "none":
                missing.clear()
            for price, size in what.items():
                before = shown.get(price, 0)
                missing[price] = RESIDUALS[residual](missing.get(price, 0), before, size) if size else 0
                shown[price] = size
            mirror.told()
            mirror.show(list(what.items()))
        elif mirror.best_key is not None:
            assert isinstance(what, int)
            qty = min(what, mirror.available(mirror.best_key))
            price = mirror.best_key * mirror.sign
            missing[price] = missing.get(price, 0) + qty
            mirror.take(mirror.best_key, qty)
        mirror.check()
        left = {price: size - missing.get(price, 0) for price, size in shown.items() if size > missing.get(price, 0)}
        assert {key * mirror.sign: size for key, size in mirror.levels()} == left
        assert all(mirror.available(mirror.sign * price) == left.get(price, 0) for price in range(97, 104))


def test_the_reference_knows_every_model() -> None:
    assert set(RESIDUALS) == set(MODELS)
