"""Requests and replies under faults: refused before the gate, judged by a wrong clock, late, dripping, lost.

What a lost answer tells of has happened; what an error refuses has not. Replies wait on the timeline. Only the end of
a connection that is left without an answer follows the wall, because it is the client who decides about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
from simulator.runtime.faults.fault import Fault, Met
from simulator.runtime.faults.faults import Faults
from simulator.runtime.faults.kinds import Where
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.gate import Reply, Request, form_text
from simulator.venues.hashkey.params import split

_LOOK_S: Final = 0.1
_PIECES_A_SECOND: Final = 20
_REASONS: Final = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
TIME: Final = "/api/v1/time"
REFUSED: Final = 429
BANNED: Final = 418


@dataclass(frozen=True)
class Spoilt:
    """A reply that does not leave as others do: by the fault that spoils it, or as a gateway's page."""

    reply: Reply
    fault: Fault


def met(request: Request, account: str | None) -> Met:
    """A request as faults see it; a batch is about every symbol in it."""
    symbols = {split(text).get("symbol", "") for text in (request.query, form_text(request))}
    if request.body[:1] in (b"[", b"{"):
        with suppress(msgspec.DecodeError, RecursionError):
            told: Any = msgspec.json.decode(request.body)
            rows = told if isinstance(told, list) else [told]
            symbols |= {str(row.get("symbol", "")) for row in rows if isinstance(row, dict)}
    return Met(account or "", tuple(symbols - {""}), request.method, request.path)


class Visit:
    """One request from its arrival to its reply. ``late`` and ``fault``: what happens to the reply."""

    def __init__(self, faults: Faults, request: Request, account: str | None) -> None:
        self._faults = faults
        self._request = request
        self._met = met(request, account)
        self.late: Nanos = 0
        self.fault: Fault | None = None

    def handled(self, gate: Callable[[Request], Reply]) -> Reply:
        """What the gate says, or what is said instead of it."""
        refused = self._strike("error", "rate_limit")
        if refused is not None:
            reply = refusal(refused, self._request)
            if refused.told.kind == "error":
                self.fault = refused
        else:
            reply = gate(self._judged())
        if reply.status in (REFUSED, BANNED) and refused is None:
            self._strike("buckets")
        late = self._strike("late_answer")
        if late is not None:
            self.late = late.whole("ms") * NANOS_PER_MILLI
        self.fault = self._strike("lose_answer", "slow_bytes") or self.fault
        return reply

    def _judged(self) -> Request:
        """The request, with how wrong the clock is that judges it."""
        skewed = self._strike("skew_clock")
        if skewed is None or (self._request.path == TIME and skewed.value("tell") == "true"):
            return self._request
        return self._request._replace(skew=skewed.whole("ms"))

    def _strike(self, *acts: str) -> Fault | None:
        return self._faults.strike(Where.REQUEST, self._met, *acts)


def refusal(fault: Fault, request: Request) -> Reply:
    """An answer that the gate never gave: the venue's own words for its limits and for 500, else a gateway's page."""
    status = fault.whole("status")
    if fault.told.kind == "rate_limit":
        error = VenueError(Refusal.BANNED if status == BANNED else Refusal.RATE_LIMITED)
        return Reply(status, error.body(numeric=request.path.startswith("/quote/")))
    if status == 500:
        # Errors and limits 2, -1000.
        words = {"code": "-1000", "msg": "An unknown error occurred while processing the request"}
        return Reply(status, msgspec.json.encode(words))
    return gateway(status)


def gateway(status: int) -> Reply:
    """A page of the proxy before the venue; what HashKey's looks like is not known, this is nginx's own."""
    title = f"{status} {_REASONS[status]}"
    body = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return Reply(status, f"{body}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n".encode())


class Unanswered(web.StreamResponse):
    """Nothing is sent, and the connection ends."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """See aiohttp: the connection is closed on this."""
        raise ConnectionResetError("the answer is lost")


class Written(web.StreamResponse):
    """A reply that has been sent already."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to do."""
        if not request.keep_alive:
            self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """It was sent whole."""


class Spoiling:
    """How spoilt replies leave, or do not. ``before`` is called before anything leaves (see outbox.Turn)."""

    def __init__(self, runner: Runner, before: Callable[[], None]) -> None:
        self._runner = runner
        self._before = before
        self._over = asyncio.Event()

    def end(self) -> None:
        """The server stops: nobody is left to wait any longer."""
        self._over.set()

    async def send(
        self, spoilt: Spoilt, request: web.BaseRequest, wire: Callable[[Reply], bytes]
    ) -> web.StreamResponse:
        """As the fault will have it; ``wire`` makes a whole reply's bytes."""
        fault, reply = spoilt.fault, spoilt.reply
        if fault.told.kind == "slow_bytes":
            return await self._drip(wire(reply), fault.whole("bytes_per_second"), request)
        how = fault.value("how") if fault.told.kind == "lose_answer" else ""
        if how == "timeout":
            return await self.lose(request)
        if how == "close":
            return Unanswered()
        page = gateway(502) if how else reply
        self._before()
        kind = "application/json" if page.body.startswith(b"{") else "text/html"
        return web.Response(status=page.status, body=page.body, content_type=kind)

    async def lose(self, request: web.BaseRequest) -> web.StreamResponse:
        """Nothing is sent, however long the client waits."""
        await self._gone(request)
        return Unanswered()

    async def _gone(self, request: web.BaseRequest) -> None:
        """Until the client has given up."""
        while (transport := request.transport) is not None and not transport.is_closing():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._over.wait()
                return

    async def _drip(self, data: bytes, per_second: int, request: web.BaseRequest) -> web.StreamResponse:
        """Piece by piece on the timeline."""
        size = max(1, per_second // _PIECES_A_SECOND)
        pieces = [data[place : place + size] for place in range(0, len(data), size)]
        pieces.reverse()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        step = NANOS_PER_SECOND * size // per_second

        def write(now: Nanos) -> None:
            transport = request.transport
            if transport is None or transport.is_closing() or done.done():
                pieces.clear()
            else:
                self._before()
                transport.write(pieces.pop())
            if pieces:
                self._runner.later(now + step, write)
            elif not done.done():
                done.set_result(None)

        write(self._runner.catch_up())
        await done
        return Written()
