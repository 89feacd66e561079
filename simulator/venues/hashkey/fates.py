"""Forced outcomes: a client order id that begins with ``sim-`` asks for its order's own fate, like a test card.

Off unless switched on. Ids are any printable text at HashKey (REST 3.2, 4.1), so these are ordinary ones there. What
happens is commands: the order stands apart from the book (``PlaceOrder.apart``), holds its money, and gets what its
fate is by ``ForceFill``; a refused one never comes to be. An order that is not one with a price, and one whose id asks
for nothing known, goes its usual way, but for ``refuse`` and ``lose``, which are everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from simulator.core.commands import CancelOrder, Command, ForceFill, PlaceOrder
from simulator.core.events import Event, Rejected
from simulator.core.orders import GTC, MARKET
from simulator.core.units import NANOS_PER_MILLI, Lots, Nanos
from simulator.venues.hashkey.desk import Ask
from simulator.venues.hashkey.errors import ERRORS, Refusal, VenueError

PAUSE: Final[Nanos] = 100 * NANOS_PER_MILLI
"""Between the parts of a fate, on the exchange's clock."""

FATES: Final[Mapping[str, str]] = {
    "refuse": "refused with a code, its minus left out: `sim-refuse-0401-1`, `sim-refuse-1140-1`",
    "fill": "filled whole at its price, in whatever book",
    "fill30": "30 % of it are filled, rounded down to lots but at least one; the rest rests",
    "parts": "filled in three parts: at once, 100 ms and 200 ms later",
    "rest": "rests for ever: open, held, to be found and cancelled, but never filled",
    "cancel": "accepted, and cancelled 100 ms later",
    "lose": "what happens is as usual, and the answer is never sent",
}
_ASKED: Final = re.compile(rf"sim-({'|'.join(FATES)})(?:-(.*))?", re.DOTALL)

Act: TypeAlias = Callable[[Nanos, Command], list[Event]]
Later: TypeAlias = Callable[[Nanos, Callable[[Nanos], None]], None]


class AnswerLost(Exception):
    """What was asked has happened, and its answer is not to be sent."""

    def __init__(self, body: bytes) -> None:
        super().__init__("the answer is lost")
        self.body = body


class Fate(NamedTuple):
    """What an id asks for; ``code`` is the rest of it up to the next hyphen."""

    name: str
    code: str


def fate_of(client_order_id: str) -> Fate | None:
    """What an id asks for; None: nothing.

    >>> fate_of("sim-refuse-0401-7")
    Fate(name='refuse', code='0401')
    """
    asked = _ASKED.fullmatch(client_order_id)
    return None if asked is None else Fate(asked[1], (asked[2] or "").partition("-")[0])


def refusal(code: str) -> VenueError:
    """A refusal by its code, without the minus; -1123 where the venue has no such code."""
    for reason, row in ERRORS.items():
        if row.code.removeprefix("-") == code:
            return VenueError(reason, "clientOrderId")
    return VenueError(Refusal.CLIENT_ORDER_ID_INVALID)


class Fates:
    """Carries out what requests ask for, fates included. ``later`` puts a call on the exchange's timeline."""

    def __init__(self, act: Act, later: Later) -> None:
        self._act = act
        self._later = later

    def carry_out(self, now: Nanos, ask: Ask) -> bytes:
        """The reply's body; VenueError and AnswerLost where that is the fate of the only order."""
        fates = [fate_of(one.client_order_id) if isinstance(one, PlaceOrder) else None for one in ask.commands]
        outcomes = [self._one(now, one, fate) for one, fate in zip(ask.commands, fates, strict=True)]
        if len(outcomes) == 1 and isinstance(outcomes[0], VenueError):
            raise outcomes[0]
        body = ask.render(outcomes)
        if any(fate is not None and fate.name == "lose" for fate in fates):
            raise AnswerLost(body)
        return body

    def _one(self, now: Nanos, command: Command, fate: Fate | None) -> Any:
        """The events of a command; a batch takes a VenueError for those of an order (see spot.py, futures.py)."""
        if fate is None or not isinstance(command, PlaceOrder) or fate.name == "lose":
            return self._act(now, command)
        if fate.name == "refuse":
            return refusal(fate.code)
        if command.type is MARKET or command.qty is None:
            return self._act(now, command)
        events = self._act(now, msgspec.structs.replace(command, apart=True))
        if not isinstance(events[0], Rejected):
            self._fulfil(now, command, fate.name, command.qty)
        return events

    def _fulfil(self, now: Nanos, command: PlaceOrder, name: str, qty: Lots) -> None:
        for number, part in enumerate(parts_of(name, qty)):
            self._at(now, number, ForceFill(command.account, command.client_order_id, part))
        if name == "cancel" or (name == "fill30" and command.tif is not GTC):
            self._at(now, int(name == "cancel"), CancelOrder(command.account, None, command.client_order_id))

    def _at(self, now: Nanos, pauses: int, command: Command) -> None:
        """Whoever has cancelled the order meanwhile is right: then the exchange says no, and that is all."""
        if pauses:
            self._later(now + pauses * PAUSE, partial(self._act_then, command))
        else:
            self._act(now, command)

    def _act_then(self, command: Command, now: Nanos) -> None:
        self._act(now, command)


def parts_of(name: str, qty: Lots) -> Sequence[Lots]:
    """The fills of a fate, in lots."""
    if name == "fill":
        return (qty,)
    if name == "fill30":
        return (max(1, qty * 3 // 10),)
    return tuple(_thirds(qty)) if name == "parts" else ()


def _thirds(qty: Lots) -> Iterator[Lots]:
    third = max(1, qty // 3)
    while qty:
        part = qty if qty < 2 * third else third
        yield part
        qty -= part
