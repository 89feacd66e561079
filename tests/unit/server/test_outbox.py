"""What one connection is sent, when it reads and when it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from simulator.server.outbox import FULL_AT_MOST_S, IN_FLIGHT_MOST, WAITING_MOST, Outbox, Turn, newest, wire
from simulator.venues.hashkey.sockets import Frame


class Pipe(asyncio.Transport):
    """A transport whose reader can be told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.buffered = 0
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("size", "head"), [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (70_000, 10)])
def test_the_wire_form_is_that_of_rfc_6455(size: int, head: int) -> None:
    frame = Frame(b"x" * size)
    data = wire(frame)
    assert len(data) == head + size
    assert data[0] == 0x81
    assert int.from_bytes(data[2:head]) == size or data[1] == size
    assert wire(frame) is data, "made once"
    assert wire(Frame(b"", binary=True))[0] == 0x82


def test_the_last_of_each_subject_stays_and_everything_that_counts() -> None:
    frames = [
        Frame(name.encode(), name[0] if name[0].isupper() else None) for name in ("A1", "x", "B1", "A2", "y", "A3")
    ]
    assert [frame.payload for frame in newest(frames)] == [b"x", b"B1", b"y", b"A3"]


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_is_sent_in_one_turn_is_written_at_once() -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    for text in (b"a", b"b", b"c"):
        outbox.send(Frame(text))
    assert pipe.written == []
    await turns()
    assert pipe.written == [b"\x81\x01a\x81\x01b\x81\x01c"]
    outbox.send(Frame(b"d"))
    await turns()
    assert pipe.written[1:] == [b"\x81\x01d"]


async def test_a_reply_leaves_after_every_frame_of_its_turn() -> None:
    pipe, turn = Pipe(), Turn()
    outbox = Outbox(pipe, turn)
    turn.reply(pipe, b"first reply")
    outbox.send(Frame(b"a"))
    turn.reply(pipe, b"second reply")
    assert pipe.written == []
    await turns()
    assert pipe.written == [b"\x81\x01a", b"first reply", b"second reply"]
    turn.reply(pipe, b"alone")
    await turns()
    assert pipe.written[3:] == [b"alone"]


async def test_what_is_told_is_kept_before_any_of_it_leaves() -> None:
    pipe, turn = Pipe(), Turn()
    outbox = Outbox(pipe, turn)
    kept: list[int] = []
    turn.before = lambda: kept.append(len(pipe.written))
    outbox.send(Frame(b"a"))
    turn.reply(pipe, b"reply")
    await turns()
    assert (kept, len(pipe.written)) == ([0], 2)


async def test_a_full_connection_keeps_the_newest_until_there_is_room() -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    pipe.buffered = IN_FLIGHT_MOST + 1
    for n in range(10):
        outbox.send(Frame(b"%d" % n, "depth"))
        outbox.send(Frame(b"t%d" % n))
        await turns()
    assert pipe.written == []
    pipe.buffered = 0
    outbox.flush()
    assert pipe.written[0].endswith(b"\x81\x019\x81\x02t9")
    assert pipe.written[0].count(b"t") == 10


async def test_too_much_that_waits_ends_the_connection() -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    pipe.buffered = IN_FLIGHT_MOST + 1
    for _ in range(WAITING_MOST // 1000):
        outbox.send(Frame(b"x" * 1000))
    await turns()
    assert outbox.cut is None
    for _ in range(100):
        outbox.send(Frame(b"x" * 1000))
    await turns()
    assert pipe.closed
    assert outbox.cut is not None
    outbox.send(Frame(b"more"))
    await turns()
    assert pipe.written == []


async def test_books_alone_are_never_too_much() -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    pipe.buffered = IN_FLIGHT_MOST + 1
    for _ in range(1000):
        outbox.send(Frame(b"x" * 10_000, "depth"))
        await turns()
    assert outbox.cut is None


async def test_a_connection_that_stays_full_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    pipe.buffered = IN_FLIGHT_MOST + 1
    loop = asyncio.get_running_loop()
    start = loop.time()
    for seconds in (0.0, FULL_AT_MOST_S, FULL_AT_MOST_S + 0.1):
        monkeypatch.setattr(loop, "time", lambda at=start + seconds: at)
        assert outbox.cut is None
        outbox.send(Frame(b"x", "depth"))
        outbox.flush()
    assert outbox.cut is not None


async def test_a_connection_that_was_full_for_a_moment_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    loop = asyncio.get_running_loop()
    start = loop.time()
    for seconds, buffered in ((0.0, IN_FLIGHT_MOST + 1), (1.0, 0), (FULL_AT_MOST_S + 1, IN_FLIGHT_MOST + 1)):
        monkeypatch.setattr(loop, "time", lambda at=start + seconds: at)
        pipe.buffered = buffered
        outbox.send(Frame(b"x", "depth"))
        outbox.flush()
    assert outbox.cut is None


async def test_nothing_is_written_to_a_connection_that_closes() -> None:
    pipe = Pipe()
    outbox = Outbox(pipe, Turn())
    pipe.closed = True
    outbox.send(Frame(b"a"))
    outbox.flush()
    assert pipe.written == []
