"""The bracket: the same commands under other assumptions about queues, side by side.

Nobody can know from public data where an order stood in its queue. So beside the exchange that clients see (``main``)
run shadow exchanges that fill by other models: whatever happens to the main one happens to them, at the same times.
What all worlds agree on is sure; where they differ, the assumption decides, and the result is an interval.

**Names.** Once fills differ, so do the numbers that each world gives its orders. An order is therefore known by the
number of the command that placed it, the order of a stop by that of the stop, and what a take-profit or stop-loss
sends by its count for the account and symbol. Ids in commands are translated by these names; ``before`` becomes the
id of the first order of that world that the main one has at or after it. Client order ids mean what they mean in the
main world.

**What a client did, not what he would have done.** The commands are those of a client that saw the main world. In
another world he might have acted otherwise; commands that one world refuses and another carries out are counted
and told, because from there on the worlds tell of different plans.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from simulator.core.cancelling import find
from simulator.core.commands import (
    AdvanceTime,
    CancelOpenOrders,
    CancelOrder,
    CancelStop,
    ChooseModels,
    Command,
    ListInstrument,
    PlaceOrder,
)
from simulator.core.events import (
    Deposited,
    Event,
    OrderAccepted,
    OrderFilled,
    Rejected,
    StopPlaced,
    StopTriggered,
    Transferred,
    Withdrawn,
)
from simulator.core.exchange import Exchange
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.stopping import find as find_stop
from simulator.core.units import Nanos
from simulator.runtime.runner import Runner

MODELS: Final = {"pessimistic": "pessimistic", "neutral": "proportional", "optimistic": "front"}
"""The shadow worlds and their queue models."""
MAIN: Final = "main"

Name: TypeAlias = int | tuple[str, str, int]
"""The number of the command that placed an order; negative: of the stop that sent it; else account, symbol, count."""

_NOBODY: Final = 0
"""An id that no order has."""
_ABOVE_ALL: Final = 2**63 - 1
_DIFFERENCES_KEPT: Final = 100


class World:
    """One exchange as the bracket follows it: its orders by name, what was paid in, how often it filled."""

    def __init__(self, name: str, state: State) -> None:
        self.name = name
        self.state = state
        self.orders: dict[Name, int] = {}
        self.stops: dict[int, int] = {}
        self.names: dict[int, Name] = {}
        self.paid_in: Counter[tuple[str, str]] = Counter()
        self.fills: Counter[str] = Counter()
        self.stop_names: dict[int, int] = {}
        self._exits: Counter[tuple[str, str]] = Counter()

    def hear(self, number: int, command: Command, events: Sequence[Event]) -> None:
        """What the command of this number did here."""
        placed_by = number if isinstance(command, PlaceOrder) else None
        sent: dict[int, int] = {}
        for event in events:
            if isinstance(event, OrderFilled):
                self.fills[event.account] += 1
            elif isinstance(event, StopPlaced):
                self.stops[number] = event.stop_id
                self.stop_names[event.stop_id] = number
            elif isinstance(event, StopTriggered):
                sent[event.order_id] = -self.stop_names[event.stop_id]
            elif isinstance(event, OrderAccepted):
                name: Name | None = sent.get(event.order_id)
                if name is None:
                    name, placed_by = placed_by or self._exit(event), None
                self.orders[name] = event.order_id
                self.names[event.order_id] = name
            else:
                self._paid(event)

    def _exit(self, event: OrderAccepted) -> Name:
        self._exits[event.account, event.symbol] += 1
        return event.account, event.symbol, self._exits[event.account, event.symbol]

    def _paid(self, event: Event) -> None:
        if isinstance(event, Deposited):
            self.paid_in[event.account, event.asset] += event.amount
        elif isinstance(event, Withdrawn):
            self.paid_in[event.account, event.asset] -= event.amount
        elif isinstance(event, Transferred):
            self.paid_in[event.source, event.asset] -= event.amount
            self.paid_in[event.target, event.asset] += event.amount


class Shadow(World):
    """A world of our own. ``refused`` counts commands whose fate here was not that in the main world."""

    def __init__(self, name: str, queue: str) -> None:
        self.exchange = Exchange()
        super().__init__(name, self.exchange.state)
        self.queue = queue
        self.refused: Counter[str] = Counter()

    def do(self, now: Nanos, number: int, command: Command) -> list[Event]:
        """Let a command happen here too, after what time brings by itself (see ``Runner``)."""
        exchange = self.exchange
        while (timer := exchange.next_timer()) is not None and timer <= now:
            at = max(timer, exchange.state.now)
            self.hear(number, AdvanceTime(), exchange.handle(at, AdvanceTime()))
        events = exchange.handle(now, command)
        self.hear(number, command, events)
        if isinstance(command, ListInstrument):
            exchange.handle(now, ChooseModels(command.instrument.symbol, self.queue))
        return events


class Difference(NamedTuple):
    """A command that the main world carried out and another refused, or the other way round."""

    now: Nanos
    command: Command
    world: str
    here: RejectReason | None
    in_main: RejectReason | None


class Bracket:
    """The worlds. ``attach`` it to a runner, or let it ``hear`` what happened before."""

    def __init__(self, main: State, models: Mapping[str, str] = MODELS) -> None:
        self.main = World(MAIN, main)
        self.shadows = [Shadow(name, queue) for name, queue in models.items()]
        self.differences: deque[Difference] = deque(maxlen=_DIFFERENCES_KEPT)
        self._number = 0
        self._ids: list[int] = []
        self._noted: Command = AdvanceTime()

    @property
    def worlds(self) -> list[World]:
        """All of them, the main one first."""
        return [self.main, *self.shadows]

    def attach(self, runner: Runner) -> None:
        """Hear every command from now on, after it was written down."""
        write_down = runner.journal

        def note(now: Nanos, command: Command) -> None:
            write_down(now, command)
            self._noted = command

        runner.journal = note
        runner.subscribers.append(lambda now, events: self.hear(now, self._noted, events))

    def hear(self, now: Nanos, command: Command, events: Sequence[Event]) -> None:
        """What a command did in the main world; now it happens in all others."""
        self._number += 1
        for shadow in self.shadows:
            # Translated before the main world's new names are learnt: a command speaks of what was there before it.
            translate = TRANSLATE.get(type(command))
            told = command if translate is None else translate(self, shadow, command)
            here = _refusal(shadow.do(now, self._number, told))
            in_main = _refusal(events)
            if (here is None) != (in_main is None):
                shadow.refused[type(command).__name__] += 1
                self.differences.append(Difference(now, command, shadow.name, here, in_main))
        self.main.hear(self._number, command, events)
        self._ids += [event.order_id for event in events if type(event) is OrderAccepted]

    def bound_of(self, shadow: Shadow, before: int | None) -> int | None:
        """The id that has the same orders below it."""
        if before is None:
            return None
        for place in range(bisect_left(self._ids, before), len(self._ids)):
            known = shadow.orders.get(self.main.names[self._ids[place]])
            if known is not None:
                return known
        return _ABOVE_ALL


def _refusal(events: Sequence[Event]) -> RejectReason | None:
    first = events[0] if events else None
    return first.reason if isinstance(first, Rejected) else None


def _cancel(bracket: Bracket, shadow: Shadow, command: CancelOrder) -> Command:
    order = find(bracket.main.state, command)
    if order is None and command.order_id is None:
        return command
    name = None if order is None else bracket.main.names.get(order.id)
    return CancelOrder(command.account, _NOBODY if name is None else shadow.orders.get(name, _NOBODY))


def _cancel_open(bracket: Bracket, shadow: Shadow, command: CancelOpenOrders) -> Command:
    return msgspec.structs.replace(command, before=bracket.bound_of(shadow, command.before))


def _cancel_stop(bracket: Bracket, shadow: Shadow, command: CancelStop) -> Command:
    stop = find_stop(bracket.main.state, command)
    if stop is None and command.stop_id is None:
        return command
    name = None if stop is None else bracket.main.stop_names.get(stop.id)
    return CancelStop(command.account, _NOBODY if name is None else shadow.stops.get(name, _NOBODY))


def _choose(bracket: Bracket, shadow: Shadow, command: ChooseModels) -> Command:
    return msgspec.structs.replace(command, queue=shadow.queue)


TRANSLATE: Final[dict[type, Callable[[Bracket, Shadow, Any], Command]]] = {
    CancelOrder: _cancel,
    CancelOpenOrders: _cancel_open,
    CancelStop: _cancel_stop,
    ChooseModels: _choose,
}
"""Commands that mean something else in another world; all others are the same."""
