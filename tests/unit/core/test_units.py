"""Text becomes a number and a number becomes text, exactly."""

from __future__ import annotations

import doctest
import re
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core import units
from simulator.core.units import ONE, Grid, NotANumber, OffGrid, money, money_text, plain, rate, rate_text, scaled


def test_the_examples_in_the_docstrings_are_true() -> None:
    assert doctest.testmod(units).attempted >= 4
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    ("text", "decimals", "number"),
    [
        ("1.50", 2, 150),
        ("+1.5", 2, 150),
        ("-0.01", 2, -1),
        (".5", 1, 5),
        ("5.", 0, 5),
        ("000", 3, 0),
        ("-0", 3, 0),
        ("-.0", 0, 0),
        ("1.000", 0, 1),
    ],
)
def test_plain_decimals_become_whole_numbers(text: str, decimals: int, number: int) -> None:
    assert scaled(text, decimals) == number


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "1e3", "1E3", "0x1", "1_000", " 1", "1 ", "1\n", "--1", "+-1", "nan", "inf", "1,5", "١", "1" * 65],
)
def test_what_is_not_a_plain_decimal_is_not_a_number(text: str) -> None:
    with pytest.raises(NotANumber):
        scaled(text, 8)


def test_more_digits_than_the_step_has_are_off_the_grid() -> None:
    with pytest.raises(OffGrid):
        scaled("0.001", 2)
    with pytest.raises(OffGrid):
        Grid("0.05").parse("1.12")


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_what_is_written_is_read_again(value: int, decimals: int) -> None:
    text = plain(value, decimals)
    assert scaled(text, decimals) == value
    assert Decimal(text) == Decimal(value).scaleb(-decimals) or abs(value) > 10**27


@given(st.integers(-(10**40), 10**40), st.integers(1, 30))
def test_plain_text_has_no_trailing_zeros_and_no_exponent(value: int, decimals: int) -> None:
    text = plain(value, decimals)
    assert "e" not in text.lower() and not text.endswith(".")
    assert "." not in text or not text.endswith("0")
    assert text != "-0"


def slowly_scaled(text: str, decimals: int) -> int | type[Exception]:
    """The same by the book: a pattern, and Decimal."""
    if len(text) > 64 or not re.fullmatch(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)", text):
        return NotANumber
    with localcontext(prec=200):
        number = Decimal(text).scaleb(decimals)
        return int(number) if number == int(number) else OffGrid


def read_or_refused(text: str, decimals: int) -> int | type[Exception]:
    try:
        return scaled(text, decimals)
    except (NotANumber, OffGrid) as error:
        return type(error)


number_texts = (
    st.text("0123456789.", max_size=12) | st.text("019.+-eE_ \n\u0661\u00b2", max_size=8) | st.text(max_size=5)
)


@settings(max_examples=1000)
@given(number_texts | st.from_regex(r"[0-9]{1,40}[.][0-9]{1,40}", fullmatch=True), st.integers(0, 40))
def test_a_text_is_read_or_refused_as_a_pattern_and_decimal_arithmetic_say(text: str, decimals: int) -> None:
    assert read_or_refused(text, decimals) == slowly_scaled(text, decimals)


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_plain_text_is_what_decimal_arithmetic_writes(value: int, decimals: int) -> None:
    with localcontext(prec=100):
        written = f"{Decimal(value).scaleb(-decimals):f}"
    whole, point, fraction = written.partition(".")
    fraction = fraction.rstrip("0")
    assert plain(value, decimals) == (f"{whole}{point}{fraction}" if fraction else whole)


def test_money_and_rates_have_all_their_decimals() -> None:
    assert money("0.1") == ONE // 10
    assert money_text(money("0.000000000000000000000000000001")) == "0.000000000000000000000000000001"
    assert rate("0.0012") == 120_000
    assert rate_text(-25_000) == "-0.00025"
    with pytest.raises(OffGrid):
        money("0." + "0" * 30 + "1")


@pytest.mark.parametrize("step", ["0.01", "0.00001", "0.05", "0.5", "1", "10", "2.5", "0.10"])
@given(steps=st.integers(-(10**9), 10**9))
def test_a_grid_reads_what_it_writes(step: str, steps: int) -> None:
    grid = Grid(step)
    assert grid.parse(grid.text(steps)) == steps
    assert Decimal(grid.text(steps)) == Decimal(step) * steps
    assert grid.floor(steps * grid.atoms) == steps
    assert grid.floor(steps * grid.atoms + grid.atoms - 1) == steps
    assert grid.text(steps) == grid.text(steps)


@pytest.mark.parametrize("step", ["0", "-1", "nan", "Infinity"])
def test_a_step_is_a_positive_number(step: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        Grid(step)


def test_the_memory_of_a_grid_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_MEMO_LIMIT", 3)
    grid = Grid("0.1")
    assert [grid.parse(f"0.{n}") for n in range(8)] == list(range(8))
    assert [grid.text(n) for n in range(8)] == ["0", *(f"0.{n}" for n in range(1, 8))]
