"""Requests in, replies out: one handler for every REST row. What they mean is the venue's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from time import perf_counter_ns
from typing import Final, TypeAlias

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from simulator.server.delivery import Delivery
from simulator.server.faulty_replies import Spoilt
from simulator.server.outbox import Turn
from simulator.venues.hashkey.gate import Gate, Lost, Reply, Request
from simulator.venues.hashkey.request_log import RequestLog

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# HashKey REST 1.2: this content type on every reply, the 404 page included.
CONTENT_TYPE: Final = "application/json;charset=UTF-8"
_LONGEST_UNREAD: Final = 4 * 2**20


class OneWrite(web.StreamResponse):
    """A reply whose head and body leave in one write, made of bytes.

    aiohttp's own response costs as much as everything that the venue does to check an order and answer it
    (measured: 56 of 250 us of a signed order); this one a sixth of that. For plain keep-alive requests
    only; a client that asks and never reads is cut off.
    """

    def __init__(self, status: int, wire: bytes, turn: Turn) -> None:
        super().__init__(status=status)
        self._wire = wire
        self._turn = turn

    @property
    def keep_alive(self) -> bool:
        """Only used where the request is."""
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it, at the end of this turn of the event loop."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client is gone")
        if transport.get_write_buffer_size() > _LONGEST_UNREAD:
            transport.abort()
            raise ConnectionResetError("the client does not read its replies")
        self._turn.reply(transport, self._wire)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """It was sent whole."""


def rest_handler(gate: Gate, delivery: Delivery, log: RequestLog) -> Handler:
    """A handler that lets the gate answer, and writes down what was asked."""
    answered, turn = 0, delivery.turn

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal answered
        # The target as it was sent: signatures cover the raw text.
        path, _, query = request.raw_path.partition("?")
        body = await request.read() if request.body_exists else b""
        headers = request.headers
        asked = Request(
            request.method,
            path,
            query,
            body,
            headers.get("Content-Type", ""),
            headers.get("X-HK-APIKEY") or headers.get("X-APIKEY"),
            headers.get("INPUT-SOURCE", ""),
            request.remote or "",
        )
        begun, entry = perf_counter_ns(), log.arrived(asked)
        reply = await delivery.answer(gate.answer, asked)
        entry.answered(reply.reply if isinstance(reply, Spoilt) else reply, perf_counter_ns() - begun)
        answered += 1
        trace = f"REST:{answered:020d}"
        if isinstance(reply, Lost):
            return await delivery.spoiling.lose(request)
        if isinstance(reply, Spoilt):
            return await delivery.spoiling.send(reply, request, partial(wire, trace=trace))
        if request.keep_alive and request.version == HttpVersion11 and request.method != "HEAD":
            return OneWrite(reply.status, wire(reply, trace), turn)
        turn.before()
        return web.Response(
            body=reply.body, status=reply.status, headers={"Content-Type": CONTENT_TYPE, "traceid": trace}
        )

    return handle


_HEADS: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {CONTENT_TYPE}\r\n".encode()
    for status in HTTPStatus
}


def wire(reply: Reply, trace: str) -> bytes:
    """A reply as it goes over HTTP/1.1."""
    return b"%btraceid: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        _HEADS[reply.status],
        trace.encode(),
        len(reply.body),
        reply.body,
    )
