"""A fault changes what is sent, never what happened: the same requests under any faults leave the same exchange."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.units import NANOS_PER_MILLI
from simulator.runtime.faults.fault import Told
from simulator.runtime.faults.faults import Faults
from simulator.runtime.faults.kinds import KINDS, Where
from simulator.runtime.latency import Leg
from simulator.server.delivery import Delivery, Line
from simulator.server.faulty_frames import FaultyStreams
from simulator.server.outbox import Outbox
from simulator.venues.hashkey.channels import Publisher
from simulator.venues.hashkey.gate import FORM, Request
from simulator.venues.hashkey.private import PrivateStreams
from simulator.venues.hashkey.public_v2 import PublicV2
from simulator.venues.hashkey.sockets import StreamSwitches
from tests.wire import Site, sign

REFUSING = {"error", "rate_limit", "skew_clock"}
SENDING = [name for name, kind in KINDS.items() if kind.where in (Where.REQUEST, Where.FRAME) and name not in REFUSING]
ORDERS = st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(59_900, 60_100), st.sampled_from(["0.01", "0.02"]))


class Wire(asyncio.Transport):
    """Takes everything and remembers its hash."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = hashlib.sha256()

    def write(self, data: Any) -> None:
        self.heard.update(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        raise AssertionError("nobody is cut here")


@dataclass(eq=False)
class Listening:
    outbox: Outbox
    line: Line

    def close(self, code: int) -> object:
        raise AssertionError(code)


@st.composite
def faults(draw: st.DrawFn) -> Told:
    return Told(
        kind=draw(st.sampled_from(SENDING)),
        times=draw(st.none() | st.integers(1, 5)),
        nth=draw(st.sampled_from([None, None, 1, 3])),
        probability=draw(st.sampled_from([0.3, 0.7, 1.0])),
        seed=draw(st.integers(0, 9)),
        start_ms=draw(st.sampled_from([0, 0, 120])),
        duration_ms=draw(st.sampled_from([None, None, 200])),
    )


class Story:
    """One site with its ways out; what was heard of it."""

    def __init__(self) -> None:
        self.site = Site()
        runner, desk = self.site.runner, self.site.desk
        self.faults = Faults(runner)
        self.delivery = Delivery(runner, account_of=lambda _: "alice")
        switches = StreamSwitches()
        private = PrivateStreams(desk.state, desk.ids, desk.listen_keys.account_of, switches)
        publisher = Publisher(desk.state, desk.tapes, desk.perpetuals)
        runner.subscribers += [private.on_events, publisher.on_events]
        runner.ticks += [publisher.tick, private.tick]
        self.wires = [Wire(), Wire()]
        lines = [Line(Leg.PRIVATE, "alice"), Line(Leg.MARKET)]
        listening = [
            Listening(self.delivery.outbox(wire, line), line) for wire, line in zip(self.wires, lines, strict=True)
        ]
        now = runner.catch_up()
        private.open(desk.listen_keys.create("alice", now), listening[0].outbox, now, 0.0)
        public = PublicV2(publisher, listening[1].outbox, switches, 0.0)
        public.received('{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"}}', now)
        self.streams = FaultyStreams(self.faults, runner, lambda: listening)
        self.faults.changed += [self._requests, self.streams.changed]

    def _requests(self, _: object) -> None:
        self.delivery.faults = self.faults if self.faults.active(Where.REQUEST) else None

    async def tell(self, orders: list[tuple[str, int, str]]) -> None:
        """Each order 50 ms after the one before, answered or not; then time goes on until nothing waits."""
        asked = []
        for side, price, qty in orders:
            text = f"symbol=BTCUSDT&side={side}&type=LIMIT&quantity={qty}&price={price}&timestamp={self.site.now_ms()}"
            query = f"{text}&signature={sign('secret-of-alice', text)}"
            request = Request("POST", "/api/v1/spot/order", query, b"", FORM, "key-of-alice", "", "127.0.0.1")
            asked.append(asyncio.ensure_future(self.delivery.answer(self.site.gate.answer, request)))
            await asyncio.sleep(0)
            self.site.clock.advance(50 * NANOS_PER_MILLI)
            self.site.runner.catch_up()
        self.site.wait(1000)
        self.site.runner.catch_up()
        await asyncio.gather(*asked)


def told(orders: list[tuple[str, int, str]], wrong: list[Told]) -> tuple[str, list[str]]:
    """The exchange afterwards, and what was sent."""

    async def story() -> tuple[str, list[str]]:
        one = Story()
        one.faults.begin(wrong)
        await one.tell(orders)
        await asyncio.sleep(0)
        return one.site.digest(), [wire.heard.hexdigest() for wire in one.wires]

    return asyncio.run(story())


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(orders=st.lists(ORDERS, min_size=6, max_size=12), wrong=st.lists(faults(), min_size=1, max_size=4))
def test_the_same_requests_leave_the_same_exchange(orders: list[tuple[str, int, str]], wrong: list[Told]) -> None:
    assert told(orders, wrong)[0] == told(orders, [])[0]


def test_what_is_sent_does_change() -> None:
    orders = [("BUY", 60_050, "1"), ("SELL", 59_950, "1")]
    _, usual = told(orders, [])
    for kind in ("drop_events", "duplicate_events", "silence"):
        private, public = told(orders, [Told(kind=kind)])[1]
        assert private != usual[0] and public != usual[1]


def test_a_fault_that_meets_nothing_changes_no_byte() -> None:
    orders = [("BUY", 60_050, "1"), ("SELL", 59_950, "1")]
    nothing = [Told(kind=kind, account="bob") for kind in ("drop_events", "duplicate_events", "silence", "lose_answer")]
    assert told(orders, nothing) == told(orders, [])
