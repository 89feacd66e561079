"""The table of refusals against the venue's own list."""

import re

import msgspec
import pytest

from simulator.core.rejections import RejectReason
from simulator.venues.hashkey.errors import ERRORS, Refusal, VenueError
from tests.conformance.hashkey.documented_errors import DOCUMENTED

ELSEWHERE = {
    "-100011": "Not supported symbols",
    "-100012": "Parameter %s [String] missing!",
    "-100002": "Param %s should be int.",
    "-10009": "Invalid interval!",
    "-1218": "HSK fee deduction not supported",
}
"""Outside the list: errors and limits 1 and 2.1, real shapes 10 (no text is recorded for -10009)."""

STATUSES: dict[RejectReason | Refusal, int] = {
    Refusal.PERMISSION_MISSING: 403,
    Refusal.RATE_LIMITED: 429,
    Refusal.BANNED: 418,
}

OBSERVED = {
    "0001": "Required field %s missing or invalid",
    "-1130": "Illegal parameter %s",
    "-1173": "Invalid to account id",
}
"""Where the wire differs from the list: without full stop and quotes (P), and one text that was cut."""

TEXTS: dict[RejectReason | Refusal, str] = {
    Refusal.CONTRACT_BUY_PRICE_TOO_HIGH: "Create limit order buy price too high",
    Refusal.CONTRACT_SELL_PRICE_TOO_LOW: "Create limit order sell price too low",
}
"""Of code 0207 one of two texts was recorded in a batch, the other is its twin (errors and limits 2.2)."""


def test_every_reason_has_its_row() -> None:
    assert set(ERRORS) == {*RejectReason, *Refusal}


@pytest.mark.parametrize("reason", ERRORS, ids=str)
def test_every_code_and_text_is_the_venues(reason: RejectReason | Refusal) -> None:
    row = ERRORS[reason]
    expected = TEXTS.get(reason) or OBSERVED.get(row.code) or ELSEWHERE.get(row.code) or DOCUMENTED[row.code][0]
    assert re.fullmatch(re.escape(expected).replace("%s", r"(%s|\w+)"), row.msg)


@pytest.mark.parametrize("reason", ERRORS, ids=str)
def test_statuses_are_the_documented_ones(reason: RejectReason | Refusal) -> None:
    assert ERRORS[reason].status == STATUSES.get(reason, 400)


def test_codes_are_texts_in_one_family_and_numbers_in_the_other() -> None:
    error = VenueError(Refusal.PARAMETER_ILLEGAL, "symbol")
    assert error.body() == b'{"code":"-1130","msg":"Illegal parameter symbol"}'
    assert error.body(numeric=True) == b'{"code":-1130,"msg":"Illegal parameter symbol"}'


def test_a_code_with_leading_zeros_is_a_text_everywhere() -> None:
    body = VenueError(Refusal.RATE_LIMITED).body(numeric=True)
    assert msgspec.json.decode(body) == {"code": "0003", "msg": "Rate limit exceeded"}


@pytest.mark.parametrize("reason", ERRORS, ids=str)
def test_the_field_fills_the_text(reason: RejectReason | Refusal) -> None:
    assert "%" not in VenueError(reason, "price").msg


def test_ccxt_understands_what_refuses_an_order() -> None:
    classes = {reason: DOCUMENTED[ERRORS[reason].code][1] for reason in RejectReason}
    assert classes[RejectReason.INSUFFICIENT_BALANCE] == "InsufficientFunds"
    assert classes[RejectReason.UNKNOWN_ORDER] == "OrderNotFound"
    assert classes[RejectReason.DUPLICATE_CLIENT_ORDER_ID] == "DuplicateOrderId"
    assert DOCUMENTED[ERRORS[Refusal.SIGNATURE_WRONG].code][1] == "AuthenticationError"
    assert DOCUMENTED[ERRORS[Refusal.TIMESTAMP_OUTSIDE_WINDOW].code][1] == "InvalidNonce"
