"""Bytes to parsers: each target takes any bytes, and passes when what comes of them is documented.

Made for a fuzzer that follows coverage (``atheris_run``); the suite runs each on a few bytes, so that none rots.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from simulator.config import BadSetting, build, gather
from simulator.control.answering import TABLE as CONTROL
from simulator.control.answering import Control
from simulator.replay.format import BadRecording, Reader
from simulator.replay.importer import import_files
from simulator.venues.hashkey.gate import FORM, Request
from simulator.venues.hashkey.routes import TABLE
from tests.documents import judge
from tests.fuzz import test_control as control
from tests.fuzz.said import in_one_line
from tests.fuzz.test_gate import signed, used
from tests.fuzz.test_neutral import HEADER, LINES, lines
from tests.fuzz.test_sockets import known
from tests.sockets import Hall
from tests.wire import JSON, START_MS, Site

FRESH_AFTER: Final = 300
"""How often an exchange is used before another one takes its place."""
BATCHES: Final = [row for row in TABLE if row.json_body]
POSTS: Final = [row for row in CONTROL if row.method == "POST"]


class Used:
    """An exchange where something has happened, and never too much."""

    def __init__(self) -> None:
        self._site, self._left = used(), FRESH_AFTER

    def site(self) -> Site:
        if not self._left:
            self._site, self._left = used(), FRESH_AFTER
        self._left -= 1
        return self._site


@cache
def shared() -> Used:
    return Used()


@cache
def hall() -> Hall:
    return Hall()


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="hashkey-sim-fuzz-"))


def ask(request: Request) -> None:
    judge(request.method, request.path, *shared().site().gate.answer(request))


def rest(data: bytes) -> None:
    """The first byte chooses a route, the others are its query, rightly signed."""
    row = TABLE[(data or b"\0")[0] % len(TABLE)]
    text = data[1:].decode("utf-8", "replace")
    ask(signed(shared().site().alice, row, f"{text}&timestamp={START_MS}"))


def form(data: bytes) -> None:
    """A form body in its place."""
    row = TABLE[(data or b"\0")[0] % len(TABLE)]
    ask(signed(shared().site().alice, row, f"timestamp={START_MS}", data[1:], FORM))


def request(data: bytes) -> None:
    """Method, path, query, body, content type, key, broker and address, between zeros; nothing is signed."""
    parts = [*data.split(b"\0"), *[b""] * 8][:8]
    texts = [part.decode("utf-8", "surrogateescape") for part in parts]
    method, path, query, _, kind, key, broker, remote = texts
    ask(Request(method, path, query, parts[3], kind, key, broker, remote))


def batch(data: bytes) -> None:
    """A batch's body."""
    row = BATCHES[(data or b"\0")[0] % len(BATCHES)]
    ask(signed(shared().site().alice, row, f"timestamp={START_MS}", data[1:], JSON))


def sockets(data: bytes) -> None:
    """A frame on each of the three sockets."""
    for make in (hall().v1, hall().v2, hall().private):
        talk = make()
        for frame in data.split(b"\0"):
            assert all(known(answer) or "channelId" in answer for answer in talk.raw(frame))
        talk.session.closed()


def recording(data: bytes) -> None:
    """A recording's file."""
    path = folder() / "any.hkrec"
    path.write_bytes(data)
    try:
        list(Reader(path).records())
    except BadRecording as error:
        in_one_line(error)


def neutral(data: bytes) -> None:
    """Lines of a neutral file after good ones."""
    path = folder() / "any.jsonl"
    path.write_bytes(lines(HEADER, *LINES) + data)
    try:
        import_files([path], folder() / "out.hkrec", symbol_map={})
    except BadRecording as error:
        in_one_line(error)


def config(data: bytes) -> None:
    """A settings file."""
    path = folder() / "any.toml"
    path.write_bytes(data)
    try:
        build(gather(path, {}, {}))
    except BadSetting as error:
        in_one_line(error)


def controls(data: bytes) -> None:
    """The first byte chooses a call of the control API, the others are its body."""
    row = POSTS[(data or b"\0")[0] % len(POSTS)]
    asked = Control(control.PARTS).answer(row.method, row.name, {}, data[1:], control.ALLOWED)
    status, answer, _ = asyncio.run(asked)
    control.validator(row.method, row.name, status).validate(json.loads(answer))


Target = Callable[[bytes], None]
TARGETS: Final[dict[str, Target]] = {
    one.__name__: one for one in (rest, form, request, batch, sockets, recording, neutral, config, controls)
}
