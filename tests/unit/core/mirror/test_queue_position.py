"""Each model answers three questions; what it says is held against slow mathematics."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.mirror.queue_position import MODELS, NAMES, Pessimistic, UnknownModel, queue_model


class Shrinking(NamedTuple):
    """An order with so much ahead in a level that goes from one size to a smaller one."""

    ahead: int
    before: int
    after: int


@st.composite
def shrinkings(draw: st.DrawFn, most: int = 10**6) -> Shrinking:
    before = draw(st.integers(0, most))
    return Shrinking(draw(st.integers(0, before)), before, draw(st.integers(0, before)))


# -- what all of them keep


@given(one=shrinkings())
def test_nobody_moves_back_or_below_nobody_or_beyond_the_level(one: Shrinking) -> None:
    for model in MODELS.values():
        assert 0 <= model.shrunk(*one) <= min(one.ahead, one.after)


@given(level=st.integers(0, 10**12))
def test_nobody_joins_beyond_the_level(level: int) -> None:
    for model in MODELS.values():
        assert 0 <= model.joined(level) <= level


@given(ahead=st.integers(0, 10**9), qty=st.integers(0, 10**9))
def test_a_trade_moves_by_what_was_traded(ahead: int, qty: int) -> None:
    for model in MODELS.values():
        assert model.traded(ahead, qty) == ahead - qty


@given(one=shrinkings())
def test_every_answer_lies_between_pessimistic_and_front(one: Shrinking) -> None:
    for model in MODELS.values():
        assert queue_model("front").shrunk(*one) <= model.shrunk(*one) <= queue_model("pessimistic").shrunk(*one)


@given(ahead=st.integers(0, 10**9))
def test_a_level_that_does_not_shrink_moves_nobody(ahead: int) -> None:
    for model in MODELS.values():
        assert model.shrunk(ahead, 2 * ahead, 2 * ahead) == (0 if model.name == "front" else ahead)


def test_an_order_first_in_its_queue_stays_first() -> None:
    for model in MODELS.values():
        assert model.shrunk(0, 10, 4) == 0
        assert model.shrunk(0, 0, 0) == 0


def test_where_nobody_is_behind_every_cancel_was_ahead() -> None:
    for model in MODELS.values():
        assert model.shrunk(10, 10, 4) == (0 if model.name == "front" else 4)


# -- the slow mathematics: what each model's source says, and then cut to the pessimistic side


def power(n: int) -> Callable[[int, int], Fraction]:
    return lambda a, b: Fraction(a**n, a**n + b**n)


SHARES: dict[str, Callable[[int, int], Fraction]] = {
    "proportional": lambda a, b: Fraction(a, a + b),
    **{f"power:{n}": power(n) for n in range(1, 10)},
    **{f"power2:{n}": (lambda a, b, n=n: 1 - Fraction(b, a + b) ** n) for n in range(1, 10)},  # type: ignore[misc]
    **{f"power3:{n}": (lambda a, b, n=n: Fraction(a, a + b) ** n) for n in range(1, 10)},  # type: ignore[misc]
}


def reference(share: Fraction, one: Shrinking) -> int:
    """Of the cancelled lots this share was ahead, and no more than there was on either side."""
    cancelled, behind = one.before - one.after, one.before - one.ahead
    was_ahead = min(max(share * cancelled, Fraction(cancelled - behind)), Fraction(one.ahead))
    return math.ceil(one.ahead - was_ahead)


@given(one=shrinkings())
def test_exact_models_are_the_formula_of_their_source(one: Shrinking) -> None:
    if one.before:
        for name, share in SHARES.items():
            assert queue_model(name).shrunk(*one) == reference(share(one.ahead, one.before - one.ahead), one), name


def ln(lots: int) -> Decimal:
    return Decimal(1 + lots).ln()


@given(one=shrinkings())
def test_log_models_are_the_formulas_of_their_source(one: Shrinking) -> None:
    if not one.before:
        return
    behind = one.before - one.ahead
    with localcontext() as context:
        context.prec = 100
        odds = ln(one.ahead) / (ln(one.ahead) + ln(behind))
        plain = 1 - ln(behind) / ln(one.before)
        _close("log", Fraction(odds), one)
        _close("log2", Fraction(plain), one)


def _close(name: str, share: Fraction, one: Shrinking) -> None:
    """As the formula says; where that is a whole number to fifteen digits, up to one lot more pessimistic."""
    nearly = Fraction(1, 10**15)
    found = queue_model(name).shrunk(*one)
    assert reference(share + nearly, one) <= found <= reference(share - nearly, one)


def test_logarithms_are_the_same_on_every_machine() -> None:
    log, log2 = queue_model("log"), queue_model("log2")
    assert [log.shrunk(*one) for one in ((5, 10, 6), (99_999, 10**9, 5 * 10**8), (8, 10, 7))] == [3, 0, 6]
    assert [log2.shrunk(*one) for one in ((5, 10, 6), (10**6, 10**9, 5 * 10**8), (900, 1000, 500))] == [4, 975_861, 500]


# -- how they stand to each other


@given(one=shrinkings())
def test_from_pessimistic_to_front_there_is_an_order(one: Shrinking) -> None:
    ladder = ["pessimistic", *(f"power3:{n}" for n in range(9, 1, -1)), "proportional"]
    ladder += [*(f"power2:{n}" for n in range(2, 10)), "front"]
    answers = [queue_model(name).shrunk(*one) for name in ladder]
    assert answers == sorted(answers, reverse=True)


@given(one=shrinkings())
def test_the_first_powers_are_all_proportional(one: Shrinking) -> None:
    answers = {queue_model(name).shrunk(*one) for name in ("proportional", "power:1", "power2:1", "power3:1")}
    assert len(answers) == 1


@given(one=shrinkings())
def test_log2_is_never_more_hopeful_than_proportional(one: Shrinking) -> None:
    assert queue_model("log2").shrunk(*one) >= queue_model("proportional").shrunk(*one)


@given(one=shrinkings())
def test_powers_favour_the_larger_part(one: Shrinking) -> None:
    even, third = queue_model("proportional").shrunk(*one), queue_model("power:3").shrunk(*one)
    if 2 * one.ahead <= one.before:
        assert third >= even
    else:
        assert third <= even


# -- stories


def test_pessimistic_trades_bring_it_forward_and_then_reach_it() -> None:
    assert [Pessimistic().traded(5, qty) for qty in (0, 3, 5, 8)] == [5, 2, 0, -3]


def test_pessimistic_cancels_happen_behind_unless_there_is_no_room() -> None:
    assert Pessimistic().shrunk(5, 20, 10) == 5
    assert Pessimistic().shrunk(5, 20, 4) == 4


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("pessimistic", 60),
        ("proportional", 40),
        ("power:2", 36),
        ("power2:2", 34),
        ("power3:2", 47),
        ("log", 44),
        ("log2", 53),
        ("front", 0),
    ],
)
def test_a_third_of_a_level_is_cancelled_and_sixty_of_ninety_were_ahead(name: str, left: int) -> None:
    assert queue_model(name).shrunk(60, 90, 60) == left


def test_less_than_a_lot_is_not_promised() -> None:
    assert queue_model("proportional").shrunk(50, 100, 99) == 50
    assert queue_model("proportional").shrunk(50, 100, 97) == 49


# -- the table


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_found_by_its_name_and_says_what_it_assumes(name: str) -> None:
    model = queue_model(name)
    assert model.name == name
    assert model.source
    assert model.assumption and not model.assumption.endswith(".") and "\n" not in model.assumption


@pytest.mark.parametrize("name", ["", "Pessimistic", "power", "power:0", "power:10", "power:2.5", "power: 2", "log3"])
def test_an_unknown_model_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(UnknownModel) as refused:
        queue_model(name)
    assert repr(name) in str(refused.value) and NAMES in str(refused.value)


def test_the_list_of_names_names_every_model() -> None:
    listed = NAMES.replace(" (N from 1 to 9)", "").split(", ")
    assert set(listed) == {name[:-1] + "N" if ":" in name else name for name in MODELS}
