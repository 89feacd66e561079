"""The way out: every reply and every frame passes here, and leaves now or at its time.

What takes time on its way lies on the runner's timeline, in the exchange's time, and nobody sleeps: a request's handler
waits for a future. Where nothing takes time (the default) nothing is put anywhere: a frame goes straight to its
connection's outbox and a request straight to the gate.

- A **request** is handled by the gate at the time of its arrival, so everything sees that time: the rate limits,
  the signature's window, the book. Whose it is says the API key in its header, before anybody has checked it; a key
  that nobody has takes as long as everybody else's. What was sent arrives, also when its sender has gone meanwhile.
- A **reply** leaves so much after that. On one connection replies keep their order because HTTP has one request at a
  time there.
- **Frames** leave so much after the event that they tell of; those of one connection keep their order, so a quick
  one waits for a slow one before it.

**Faults** lie here too: while one strikes requests ``faults`` is there and ``answer`` asks it (see faulty_replies.py);
frames take another ``Way`` (see faulty_frames.py). Without any this is one look whether there are some.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from simulator.core.units import Nanos
from simulator.runtime.faults.faults import Faults
from simulator.runtime.latency import Latencies, Latency, Leg
from simulator.runtime.runner import Runner
from simulator.server.faulty_replies import Spoiling, Spoilt, Visit
from simulator.server.outbox import Outbox, Turn
from simulator.venues.hashkey.gate import Reply, Request
from simulator.venues.hashkey.sockets import Frame

MOST_UNDER_WAY: Final = 100_000
"""Frames on their way to one client, before it is cut: time may stand still while it asks and asks."""

Gate: TypeAlias = Callable[[Request], Reply]


@dataclass(frozen=True)
class Line:
    """A connection that frames go to: market data (of nobody), or the private events of an account."""

    leg: Leg
    account: str | None = None


class Delivery:
    """All ways out of one exchange. ``account_of`` says whose an API key is."""

    def __init__(
        self, runner: Runner, latencies: Latencies | None = None, account_of: Callable[[str], str | None] | None = None
    ) -> None:
        self.turn = Turn()
        self._runner = runner
        self._latencies = latencies or Latencies()
        self._account_of = account_of or (lambda _: None)
        self.faults: Faults | None = None
        self.spoiling = Spoiling(runner, self._before)
        self._requests_take_time = self._latencies.any(Leg.REQUEST, Leg.RESPONSE)

    def _before(self) -> None:
        self.turn.before()

    def outbox(self, transport: asyncio.Transport, line: Line) -> Outbox:
        """Where a new connection's frames are sent to."""
        outbox = Outbox(transport, self.turn)
        latency = self._latencies.on(line.leg, line.account)
        if latency is not None:
            outbox.way = UnderWay(self._runner, outbox, latency)
        return outbox

    async def answer(self, gate: Gate, request: Request) -> Reply | Spoilt:
        """What the gate says to a request, when both have had their time."""
        if self.faults is not None:
            return await self._visited(self.faults, gate, request)
        if not self._requests_take_time:
            return gate(request)
        account = self._account_of(request.api_key) if request.api_key else None
        there, back = (self._latencies.on(leg, account) for leg in (Leg.REQUEST, Leg.RESPONSE))
        if there is None and back is None:
            return gate(request)
        trip = Trip(self._runner, lambda: gate(request), back)
        trip.leave(there.next() if there is not None else 0)
        return await trip.reply

    async def _visited(self, faults: Faults, gate: Gate, request: Request) -> Reply | Spoilt:
        """The same under faults."""
        account = self._account_of(request.api_key) if request.api_key else None
        there, back = (self._latencies.on(leg, account) for leg in (Leg.REQUEST, Leg.RESPONSE))
        visit = Visit(faults, request, account)

        def handled() -> Reply:
            self._runner.catch_up()
            return visit.handled(gate)

        trip = Trip(self._runner, handled, Later(visit, back))
        trip.leave(there.next() if there is not None else 0)
        reply = await trip.reply
        return reply if visit.fault is None else Spoilt(reply, visit.fault)


class Later:
    """A reply's way back, and what a fault adds to it."""

    def __init__(self, visit: Visit, back: Latency | None) -> None:
        self._visit = visit
        self._back = back

    def next(self) -> Nanos:
        """See WayBack."""
        return self._visit.late + (0 if self._back is None else self._back.next())


class WayBack(Protocol):
    """How long a reply takes."""

    def next(self) -> Nanos:
        """In nanoseconds."""
        ...


class Trip:
    """A request's way to the gate and its reply's way back."""

    def __init__(self, runner: Runner, gate: Callable[[], Reply], back: WayBack | None) -> None:
        self._runner = runner
        self._gate = gate
        self._back = back
        self.reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def leave(self, takes: Nanos) -> None:
        """The request was sent."""
        if takes:
            self._runner.later(self._runner.catch_up() + takes, self._arrive)
        else:
            self._arrive(self._runner.now())

    def _arrive(self, now: Nanos) -> None:
        """It is handled; what goes wrong in that is its sender's to hear of, as without any latency."""
        try:
            reply = self._gate()
        except Exception as error:  # noqa: BLE001
            if not self.reply.done():
                self.reply.set_exception(error)
            return
        takes = 0 if self._back is None else self._back.next()
        if takes:
            self._runner.later(self._runner.moment + takes, lambda _: self._end(reply))
        else:
            self._end(reply)

    def _end(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)


class UnderWay:
    """One connection's frames under way: a Way (see outbox.py)."""

    def __init__(self, runner: Runner, outbox: Outbox, latency: Latency) -> None:
        self._runner = runner
        self._outbox = outbox
        self._latency = latency
        self._frames: deque[Frame] = deque()
        self._last: Nanos = 0

    def send(self, frame: Frame) -> None:
        """It arrives so much after the moment that is being told, and not before the one sent before it."""
        sent = self._runner.moment
        due = sent + self._latency.next()
        if self._frames:
            due = max(self._last, due)
        self._last = due
        if due <= sent and not self._frames:
            self._outbox.put(frame)
        elif len(self._frames) >= MOST_UNDER_WAY:
            self._outbox.abort(f"{MOST_UNDER_WAY} frames are on their way to it")
        else:
            self._frames.append(frame)
            self._runner.later(due, self._arrive)

    def _arrive(self, now: Nanos) -> None:
        # Dues never fall and the timeline keeps the order of equal ones, so it is the first that arrives.
        self._outbox.put(self._frames.popleft())

    def __len__(self) -> int:
        return len(self._frames)
