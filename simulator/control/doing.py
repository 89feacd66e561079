"""How a control call changes the exchange: as a command through the runner's door, like everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.table import BadAsk, NotThere
from simulator.core.commands import Command
from simulator.core.events import Event, Rejected
from simulator.core.market import Market
from simulator.core.units import Grid, NotANumber, OffGrid

Number: TypeAlias = Annotated[Decimal, msgspec.Meta(description="a decimal number, as text or as JSON's own")]

_MOST_DIGITS: Final = 60


def do(parts: Parts, command: Command) -> Sequence[Event]:
    """Let a command happen now; BadAsk when the exchange says no."""
    return said(parts.runner.do(command))


def said(events: Sequence[Event]) -> Sequence[Event]:
    """The events of a command, or BadAsk when the exchange said no."""
    if events and isinstance(events[0], Rejected):
        raise BadAsk(f"the exchange says no: {events[0].reason.name.lower().replace('_', ' ')}")
    return events


def digits(number: Decimal) -> str:
    """Plain digits, as the core's readers take them; what has none, or far too many of them, is no number there."""
    sane = number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS
    return f"{number:f}" if sane else str(number)


def market_of(parts: Parts, symbol: str) -> Market:
    """A market by its name."""
    market = parts.desk.state.markets.get(symbol)
    if market is None:
        raise NotThere(f"there is no symbol {symbol}; there are {', '.join(parts.desk.state.markets)}")
    return market


def steps(grid: Grid, number: Decimal, what: str) -> int:
    """A number on a symbol's grid."""
    try:
        return grid.parse(digits(number))
    except (NotANumber, OffGrid):
        raise BadAsk(f"{what} {number} does not lie on the symbol's steps of {grid.text(1)}") from None
