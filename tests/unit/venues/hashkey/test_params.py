"""Reading parameters: a value or the venue's refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.orders import Side
from simulator.core.units import ONE, Grid
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.errors import Refusal, VenueError


def refusal(reader: Callable[..., Any], *args: Any, **more: Any) -> str:
    with pytest.raises(VenueError) as caught:
        reader(*args, **more)
    return f"{caught.value.code} {caught.value.msg}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "1"}),
        ("a", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("&&a=1&", {"": "", "a": "1"}),
        ("a=x%3Ay+z", {"a": "x:y z"}),
        ("a=%zz&b=%", {"a": "%zz", "b": "%"}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a=1%26b=2", {"a": "1&b=2"}),
    ],
)
def test_a_query_is_split_as_clients_mean_it(text: str, expected: dict[str, str]) -> None:
    assert read.split(text) == expected


@given(st.text())
def test_any_text_can_be_split(text: str) -> None:
    assert all(isinstance(value, str) for value in read.split(text).values())


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "1e3", "٣", "²", "9" * 20, " 1"])
def test_what_is_no_whole_number_is_illegal(text: str) -> None:
    assert refusal(read.whole, {"fromId": text}, "fromId") == "-1130 Illegal parameter fromId"


def test_a_whole_number_may_be_absent_or_empty() -> None:
    assert read.whole({}, "fromId") is None
    assert read.whole({"fromId": ""}, "fromId") is None
    assert read.whole({"fromId": "17"}, "fromId") == 17
    assert read.required_whole({"fromId": "0"}, "fromId") == 0
    assert refusal(read.required_whole, {}, "fromId") == "0001 Required field fromId missing or invalid"


@pytest.mark.parametrize(("text", "expected"), [(None, 500), ("", 500), ("1", 1), ("1000", 1000), ("99999", 1000)])
def test_a_limit_is_clamped(text: str | None, expected: int) -> None:
    assert read.limit({} if text is None else {"limit": text}, 500, 1000) == expected


@pytest.mark.parametrize("text", ["0", "-5", "ten", "1.0"])
def test_a_limit_below_one_or_of_letters_is_illegal(text: str) -> None:
    assert refusal(read.limit, {"limit": text}, 500, 1000) == "-1130 Illegal parameter limit"


def test_a_choice_is_one_of_its_values_exactly() -> None:
    assert read.choice({"side": "BUY"}, "side", read.SIDES, Refusal.SIDE_UNKNOWN) is Side.BUY
    assert read.choice({}, "side", read.SIDES, Refusal.SIDE_UNKNOWN, Side.SELL) is Side.SELL
    assert refusal(read.choice, {"side": "buy"}, "side", read.SIDES, Refusal.SIDE_UNKNOWN) == "-1117 Invalid order side"
    assert refusal(read.choice, {}, "side", read.SIDES, Refusal.SIDE_UNKNOWN).startswith("0001 Required field side")


def test_no_side_is_both() -> None:
    assert read.optional_side({}) is None
    assert read.optional_side({"side": "SELL"}) is Side.SELL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "0001 Required field price missing or invalid"),
        ("x", "0001 Required field price missing or invalid"),
        ("1e2", "0001 Required field price missing or invalid"),
        ("NaN", "0001 Required field price missing or invalid"),
        ("9" * 65, "0001 Required field price missing or invalid"),
        ("1.001", "0209 Invalid price precision"),
    ],
)
def test_steps_refuse_what_is_no_number_or_off_the_grid(text: str, expected: str) -> None:
    assert refusal(read.steps, {"price": text}, "price", Grid("0.01"), Refusal.PRICE_OFF_TICK) == expected


def test_steps_understand_padded_decimals() -> None:
    assert read.steps({"price": "59699.500"}, "price", Grid("0.01"), Refusal.PRICE_OFF_TICK) == 5_969_950


def test_an_amount_is_exact_or_refused() -> None:
    assert read.amount({"amount": "20.5"}, "amount") == 20 * ONE + ONE // 2
    assert refusal(read.amount, {"amount": "0." + "1" * 31}, "amount") == "-1148 Order amount precision too large"
    assert refusal(read.amount, {"amount": "x"}, "amount") == "0001 Required field amount missing or invalid"


def test_a_client_order_id_has_several_names_and_may_be_absent() -> None:
    assert read.client_order_id({"b": "2", "a": "1"}, "a", "b") == "1"
    assert read.client_order_id({"b": "2", "a": ""}, "a", "b") == "2"
    assert read.client_order_id({}, "a", "b") == ""


@pytest.mark.parametrize("text", ["x" * 256, "a\x00b", "a\nb", "\ud800", "\x7f"])
def test_a_client_order_id_is_text_of_at_most_255(text: str) -> None:
    assert read.client_order_id({"a": "x" * 255}, "a") == "x" * 255
    assert refusal(read.client_order_id, {"a": text}, "a") == "-1123 Invalid client order id"


DAY = read.DAY_MS
NOW = 1_790_150_461_250


def window(**params: int) -> tuple[int, int]:
    texts = {name: str(value) for name, value in params.items()}
    return read.window(texts, NOW, 30, Refusal.TRADES_TOO_OLD, longest_days=30)


def test_a_window_reaches_back_as_far_as_it_may_when_nobody_says() -> None:
    start, end = window()
    assert start == NOW - 30 * DAY
    assert end > NOW
    assert window(startTime=NOW - 5, endTime=NOW) == (NOW - 5, NOW)


def test_a_window_that_begins_too_early_or_is_too_long_is_refused() -> None:
    assert window(startTime=NOW - 30 * DAY)[0] == NOW - 30 * DAY
    with pytest.raises(VenueError, match="-2028"):
        window(startTime=NOW - 30 * DAY - 1)
    assert window(startTime=NOW, endTime=NOW + 30 * DAY)
    with pytest.raises(VenueError, match="-2027"):
        window(startTime=NOW, endTime=NOW + 30 * DAY + 1)


def test_a_stored_text_is_printable() -> None:
    assert read.printable({}, "remark") == ""
    assert read.printable({"remark": "für dich"}, "remark") == "für dich"
    assert refusal(read.printable, {"remark": "\x00"}, "remark") == "-1130 Illegal parameter remark"
