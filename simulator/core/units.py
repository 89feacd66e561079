"""Ticks, lots and money: the only place where text becomes a number and a number becomes text.

Prices are whole *ticks*, quantities whole *lots*. Money is a whole number of *atoms*, 10^-30 of one
unit of an asset, in one scale for all assets. Thirty decimals hold, without rounding, every product
the venue can make: quantity (up to 8 decimals) x price (up to 4) x rate (up to 18, HashKey's funding
rates), and contracts x multiplier (up to 4) x mark price (up to 8) x funding rate. So nothing in the core
ever rounds money that moves by a trade or a rate, and postings can be compared with ``==``. What is a
*share* of something (the margin of a part of a position) is cut to whole atoms, and what remains is got
by subtraction. Measured: an addition of 120-bit integers costs the same as one of 60 bits in CPython.

Mark and index prices are finer than ticks (HashKey REST 2.11: ``86651.838`` at a tick of 0.1): they are whole
numbers of 10^-8, under the name ``Price``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final, TypeAlias

Ticks: TypeAlias = int
Lots: TypeAlias = int
Price: TypeAlias = int
Money: TypeAlias = int
Nanos: TypeAlias = int
Millis: TypeAlias = int

MONEY_DECIMALS: Final = 30
ONE: Final = 10**MONEY_DECIMALS
RATE_DECIMALS: Final = 8
RATE_ONE: Final = 10**RATE_DECIMALS
PRICE_DECIMALS: Final = 8
PRICE_ONE: Final = 10**PRICE_DECIMALS
FUNDING_DECIMALS: Final = 18
FUNDING_ONE: Final = 10**FUNDING_DECIMALS
NANOS_PER_MILLI: Final = 1_000_000
NANOS_PER_SECOND: Final = 1_000_000_000

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_LONGEST_NUMBER: Final = 64
_MEMO_LIMIT: Final = 100_000


class NotANumber(ValueError):
    """The text is not a plain decimal number (no exponent, no sign but one, at most 64 characters)."""


class OffGrid(ValueError):
    """The number has more digits than its step allows."""


def scaled(text: str, decimals: int) -> int:
    """The whole number ``text`` x 10^decimals.

    >>> scaled("1.50", 2)
    150
    """
    whole, _, fraction = text.partition(".")
    digits, missing = whole + fraction, decimals - len(fraction)
    if missing >= 0 and digits.isdigit() and digits.isascii() and len(text) <= _LONGEST_NUMBER:
        # Nearly every number looks like this, and without the pattern it takes half the time.
        return int(digits + "0" * missing)
    if len(text) > _LONGEST_NUMBER or not _PLAIN.fullmatch(text):
        raise NotANumber(text)
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        raise OffGrid(text)
    digits = whole + fraction.ljust(decimals, "0")
    return int(digits) if digits.strip("+-") else 0


def plain(value: int, decimals: int) -> str:
    """``value`` / 10^decimals in plain notation, trailing zeros trimmed (HashKey real shapes, 1.2).

    >>> plain(-1500, 3), plain(0, 8)
    ('-1.5', '0')
    """
    sign = "-" if value < 0 else ""
    digits = str(abs(value)).zfill(decimals + 1)
    point = len(digits) - decimals
    fraction = digits[point:].rstrip("0")
    return f"{sign}{digits[:point]}.{fraction}" if fraction else f"{sign}{digits[:point]}"


def money(text: str) -> Money:
    """Atoms of a decimal text such as ``"0.1"``; NotANumber or OffGrid when it cannot be exact."""
    return scaled(text, MONEY_DECIMALS)


def money_text(amount: Money) -> str:
    """All decimals of an amount of money."""
    return plain(amount, MONEY_DECIMALS)


def rate(text: str) -> int:
    """A fee or band rate as a whole number of 10^-8."""
    return scaled(text, RATE_DECIMALS)


def rate_text(value: int) -> str:
    """A rate of 10^-8 as decimal text.

    >>> rate_text(120_000)
    '0.0012'
    """
    return plain(value, RATE_DECIMALS)


def price(text: str) -> Price:
    """A mark or index price as a whole number of 10^-8."""
    return scaled(text, PRICE_DECIMALS)


def price_text(value: Price) -> str:
    """A mark or index price as decimal text.

    >>> price_text(8_665_183_800_000)
    '86651.838'
    """
    return plain(value, PRICE_DECIMALS)


def funding_rate(text: str) -> int:
    """A funding rate as a whole number of 10^-18 (HashKey real shapes 1.2: up to 18 decimals)."""
    return scaled(text, FUNDING_DECIMALS)


def funding_rate_text(value: int) -> str:
    """A funding rate as decimal text.

    >>> funding_rate_text(83127745610022)
    '0.000083127745610022'
    """
    return plain(value, FUNDING_DECIMALS)


class Grid:
    """One step size, and the way between decimal text and whole numbers of steps.

    Texts are memoised per grid, because a book repeats the same few thousand prices and sizes.
    """

    __slots__ = ("_read", "_written", "decimals", "step")

    def __init__(self, step: str) -> None:
        value = Decimal(step)
        if not value.is_finite() or value <= 0:
            raise ValueError(f"a step must be a positive number, not {step}")
        exponent = value.normalize().as_tuple().exponent
        self.decimals = max(0, -int(exponent))
        self.step = int(value.scaleb(self.decimals))
        self._read: dict[str, int] = {}
        self._written: dict[int, str] = {}

    def parse(self, text: str) -> int:
        """Whole steps of a decimal text; raises NotANumber or OffGrid.

        >>> Grid("0.05").parse("1.10")
        22
        """
        steps = self._read.get(text)
        if steps is None:
            steps = scaled(text, self.decimals)
            if self.step != 1:
                steps, rest = divmod(steps, self.step)
                if rest:
                    raise OffGrid(text)
            if len(self._read) >= _MEMO_LIMIT:
                self._read.clear()
            self._read[text] = steps
        return steps

    def text(self, steps: int) -> str:
        """Decimal text of a whole number of steps."""
        text = self._written.get(steps)
        if text is None:
            text = plain(steps * self.step, self.decimals)
            if len(self._written) >= _MEMO_LIMIT:
                self._written.clear()
            self._written[steps] = text
        return text

    def floor(self, amount: Money) -> int:
        """The largest number of steps that is not more than ``amount``."""
        return amount // self.atoms

    @property
    def atoms(self) -> Money:
        """What one step is in atoms."""
        return self.step * (ONE // int(10**self.decimals))
