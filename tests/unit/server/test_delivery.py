"""When what is sent leaves, counted on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

from simulator.core.exchange import Exchange
from simulator.runtime.clock import ManualClock
from simulator.runtime.latency import Latencies, Leg
from simulator.runtime.runner import Runner
from simulator.server.delivery import Delivery, Line
from simulator.venues.hashkey.gate import Reply, Request
from simulator.venues.hashkey.sockets import Frame
from tests.unit.server.test_outbox import Pipe, turns

MS = 1_000_000
REQUEST = Request("GET", "/", "", b"", "", None, "", "")


class Office:
    """A delivery, and its clock."""

    def __init__(self, *latency: str) -> None:
        self.clock = ManualClock(1000 * MS)
        self.runner = Runner(Exchange(), self.clock)
        self.runner.catch_up()
        self.delivery = Delivery(self.runner, Latencies(latency), {"key": "alice"}.get)

    async def wait(self, ms: int) -> None:
        self.clock.advance(ms * MS)
        self.runner.catch_up()
        await turns()


async def test_without_latency_frames_and_requests_go_straight() -> None:
    office, pipe = Office("alice/private=5"), Pipe()
    outbox = office.delivery.outbox(pipe, Line(Leg.MARKET))
    assert outbox.way is None
    outbox.send(Frame(b"a"))
    await turns()
    assert pipe.written == [b"\x81\x01a"]
    assert await office.delivery.answer(lambda request: Reply(200, b"x"), REQUEST) == Reply(200, b"x")


async def test_a_quick_frame_waits_for_a_slow_one_before_it(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("30\n5\n5\n")
    office, pipe = Office(f"private=file:{tmp_path / 'f'}"), Pipe()
    outbox = office.delivery.outbox(pipe, Line(Leg.PRIVATE, "alice"))
    outbox.send(Frame(b"a"))
    await office.wait(1)
    outbox.send(Frame(b"b"))
    await office.wait(28)
    assert pipe.written == []
    assert outbox.waiting
    await office.wait(1)
    assert pipe.written == [b"\x81\x01a\x81\x01b"]
    assert not outbox.waiting
    outbox.send(Frame(b"c"))
    await office.wait(5)
    assert pipe.written[1:] == [b"\x81\x01c"]


async def test_a_frame_that_takes_no_time_is_not_held_unless_one_before_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("0\n3\n0\n")
    office, pipe = Office(f"market=file:{tmp_path / 'f'}"), Pipe()
    outbox = office.delivery.outbox(pipe, Line(Leg.MARKET))
    for text in (b"a", b"b", b"c"):
        outbox.send(Frame(text))
    await turns()
    assert pipe.written == [b"\x81\x01a"]
    await office.wait(3)
    assert pipe.written[1:] == [b"\x81\x01b\x81\x01c"]


async def test_what_is_held_for_one_holds_up_nobody_else() -> None:
    office, slow, quick = Office("alice/private=50"), Pipe(), Pipe()
    for pipe, name in ((slow, "alice"), (quick, "bob")):
        office.delivery.outbox(pipe, Line(Leg.PRIVATE, name)).send(Frame(b"a"))
    await turns()
    assert (slow.written, quick.written) == ([], [b"\x81\x01a"])


async def test_a_request_is_handled_on_arrival_and_its_reply_leaves_after_that() -> None:
    office, seen = Office("request=10", "alice/request=3", "response=4"), []

    def gate(request: Request) -> Reply:
        seen.append((request.api_key, (office.runner.catch_up() - 1000 * MS) // MS))
        return Reply(200, b"")

    asked = [
        asyncio.create_task(office.delivery.answer(gate, REQUEST._replace(api_key=key)))
        for key in (None, "nobody's", "key")
    ]
    await turns()
    await office.wait(100)
    assert seen == [("key", 3), (None, 10), ("nobody's", 10)]
    assert all(one.done() for one in asked)
