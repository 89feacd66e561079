"""What happened last on an exchange, in lines that a person reads when a test has failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from simulator.core.events import Event, MirrorChanged
from simulator.core.instruments import Instrument
from simulator.core.state import State
from simulator.core.units import (
    NANOS_PER_MILLI,
    Nanos,
    funding_rate_text,
    money_text,
    price_text,
    rate_text,
)

MOST: Final = 200
_RATES: Final = {"rate": funding_rate_text, "maker_rate": rate_text, "taker_rate": rate_text}
_UNTOLD: Final = ("ts", "trade_id", "fill_id", "notional", "ahead_then", "message", "reference")


class LastEvents:
    """A subscriber that keeps the newest events. Each costs an append; what they say is worked out when asked."""

    def __init__(self, state: State, most: int = MOST) -> None:
        self._state = state
        self._heard: deque[tuple[Nanos, Event]] = deque(maxlen=most)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Keep them; that the outside book moved is not worth a line."""
        self._heard.extend([(now, event) for event in events if type(event) is not MirrorChanged])

    def lines(self, most: int) -> list[str]:
        """The newest, oldest first."""
        # A copy is taken in one step of the interpreter, whatever the exchange's thread does meanwhile.
        return [f"{clock_text(now)} {self.said(event)}" for now, event in list(self._heard.copy())[-most:]]

    def said(self, event: Event) -> str:
        """One line: prices, quantities and money as people write them."""
        return f"{type(event).__name__} {' '.join(self._parts(event))}"

    def _parts(self, struct: Any) -> Iterator[str]:
        market = self._state.markets.get(getattr(struct, "symbol", ""))
        for name, kind in type(struct).__annotations__.items():
            value = getattr(struct, name)
            if name in _UNTOLD or value is None or value == "":
                continue
            text = _RATES[name](value) if name in _RATES else ""
            yield f"{name}={text or self._text(value, kind, None if market is None else market.instrument)}"

    def _text(self, value: Any, kind: str, instrument: Instrument | None) -> str:
        if hasattr(type(value), "__struct_fields__"):
            return value.symbol if isinstance(value, Instrument) else f"({self.said(value)})"
        if isinstance(value, Enum):
            return value.name
        unit = kind.removesuffix(" | None")
        if unit == "Ticks" and instrument is not None:
            return instrument.price_grid.text(value)
        if unit == "Lots" and instrument is not None:
            return instrument.qty_grid.text(value)
        if unit == "Nanos":
            return clock_text(value)
        texts = {"Money": money_text, "Price": price_text}
        return texts[unit](value) if unit in texts else str(value)


def clock_text(now: Nanos) -> str:
    """A time of day, UTC, to the millisecond."""
    return datetime.fromtimestamp(now // NANOS_PER_MILLI / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
