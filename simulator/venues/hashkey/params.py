"""Reading request parameters: each reader gives a value or raises the venue's refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import unquote_plus

from simulator.core.orders import PositionSide, Side
from simulator.core.rejections import RejectReason
from simulator.core.units import Grid, Lots, Millis, Money, NotANumber, OffGrid, money, scaled
from simulator.venues.hashkey.errors import Refusal, VenueError

Params = Mapping[str, str]
T = TypeVar("T")
DAY_MS = 86_400_000
LONGEST_DIGITS = 19
_ANY_DECIMALS = 64
_END_OF_TIME = 2**63
LONGEST_TEXT = 255
"""Client order ids (HashKey REST 3.2); kept for every other text that we store."""


def split(text: str) -> dict[str, str]:
    """Parameters of a query or form text; of a repeated name the first counts."""
    if not text:
        return {}
    # Backwards, so that the first of a repeated name is the one that stays.
    parts = [part.partition("=") for part in reversed(text.split("&"))]
    if "%" in text or "+" in text:
        return {unquote_plus(name): unquote_plus(value) for name, _, value in parts}
    return {name: value for name, _, value in parts}


def required(params: Params, name: str) -> str:
    """A text that must be there."""
    text = params.get(name)
    if not text:
        raise VenueError(Refusal.FIELD_MISSING, name)
    return text


def whole(params: Params, name: str) -> int | None:
    """An optional whole number, not negative."""
    text = params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_DIGITS):
        raise VenueError(Refusal.PARAMETER_ILLEGAL, name)
    return int(text)


def required_whole(params: Params, name: str) -> int:
    """A whole number that must be there."""
    required(params, name)
    value = whole(params, name)
    assert value is not None
    return value


def limit(params: Params, default: int, most: int) -> int:
    """How many rows: larger values are clamped, not refused (HashKey REST 2.4)."""
    value = whole(params, "limit")
    if value is None:
        return default
    if not value:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "limit")
    return min(value, most)


def choice(params: Params, name: str, choices: Mapping[str, T], refusal: Refusal, default: T | None = None) -> T:
    """One of the texts that a parameter may have, and what it stands for."""
    text = params.get(name)
    if not text:
        if default is None:
            raise VenueError(Refusal.FIELD_MISSING, name)
        return default
    chosen = choices.get(text)
    if chosen is None:
        raise VenueError(refusal)
    return chosen


SIDES: Final = {side.value: side for side in Side}
POSITION_SIDES: Final = {side.value: side for side in PositionSide}


def optional_side(params: Params) -> Side | None:
    """BUY, SELL or both."""
    return choice(params, "side", SIDES, Refusal.SIDE_UNKNOWN) if params.get("side") else None


def steps(params: Params, name: str, grid: Grid, off_grid: Refusal) -> int:
    """A required decimal in whole steps."""
    text = required(params, name)
    try:
        return grid.parse(text)
    except NotANumber:
        raise VenueError(Refusal.FIELD_MISSING, name) from None
    except OffGrid:
        raise VenueError(off_grid) from None


def contracts(params: Params, name: str) -> Lots:
    """A required number of contracts: what a fraction exceeds a whole one by is dropped (HashKey REST 4.1)."""
    try:
        return scaled(required(params, name), _ANY_DECIMALS) // int(10**_ANY_DECIMALS)
    except NotANumber:
        raise VenueError(Refusal.FIELD_MISSING, name) from None


def position_side(params: Params, name: str = "side") -> PositionSide:
    """LONG or SHORT."""
    return choice(params, name, POSITION_SIDES, Refusal.POSITION_SIDE_UNKNOWN)


def amount(params: Params, name: str) -> Money:
    """A required decimal amount of money."""
    text = required(params, name)
    try:
        return money(text)
    except NotANumber:
        raise VenueError(Refusal.FIELD_MISSING, name) from None
    except OffGrid:
        raise VenueError(RejectReason.AMOUNT_TOO_PRECISE) from None


def printable(params: Params, name: str) -> str:
    """An optional text that is kept and repeated, so it must be text; "" when there is none."""
    text = params.get(name, "")
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise VenueError(Refusal.PARAMETER_ILLEGAL, name)
    return text


def client_order_id(params: Params, *names: str, longest: int = LONGEST_TEXT) -> str:
    """The customer's own id under the first of its names; "" when there is none."""
    for name in names:
        text = params.get(name)
        if text:
            if len(text) > longest or not text.isprintable():
                raise VenueError(Refusal.CLIENT_ORDER_ID_INVALID)
            return text
    return ""


def window(
    params: Params, now: Millis, days: int, too_old: Refusal, *, longest_days: int | None = None
) -> tuple[Millis, Millis]:
    """StartTime and endTime, both inclusive (errors and limits 6.1).

    A start further back than ``days`` is refused; without one the window reaches back just so far.
    """
    earliest = now - days * DAY_MS
    start, end = whole(params, "startTime"), whole(params, "endTime")
    if start is not None and start < earliest:
        raise VenueError(too_old)
    if start is not None and end is not None and longest_days is not None and end - start > longest_days * DAY_MS:
        raise VenueError(Refusal.RANGE_TOO_LONG)
    return earliest if start is None else start, _END_OF_TIME if end is None else end
