"""WebSocket connections: one handler for the three sockets; what is said on them is the venue's business."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from simulator.core.units import Nanos
from simulator.runtime.latency import Leg
from simulator.runtime.runner import Runner
from simulator.server.app import PATIENCE_S
from simulator.server.delivery import Delivery, Line
from simulator.server.faulty_frames import FaultyStreams, is_mute
from simulator.server.outbox import Outbox
from simulator.venues.hashkey.accounts import user_of
from simulator.venues.hashkey.channels import Publisher
from simulator.venues.hashkey.desk import Desk
from simulator.venues.hashkey.private import PrivateStreams
from simulator.venues.hashkey.public_v1 import PublicV1
from simulator.venues.hashkey.public_v2 import PublicV2
from simulator.venues.hashkey.request_log import RequestLog
from simulator.venues.hashkey.sockets import Ending, Session, StreamSwitches

log = logging.getLogger(__name__)

PRIVATE_PREFIX: Final = "/api/v1/ws/"
PUBLIC: Final = Line(Leg.MARKET)
_LONGEST_MESSAGE: Final = 64 * 1024
_SWEEP_S: Final = 0.25

MakeSession: TypeAlias = Callable[[Outbox], Session | None]


class Connection:
    """One client's socket, what is on its way to it, and its side of the conversation."""

    __slots__ = ("closing", "line", "outbox", "session", "socket")

    def __init__(self, socket: web.WebSocketResponse, outbox: Outbox, session: Session, line: Line) -> None:
        self.socket = socket
        self.outbox = outbox
        self.session = session
        self.line = line
        self.closing: asyncio.Task[None] | None = None

    def close(self, code: int, within_s: float = PATIENCE_S) -> asyncio.Task[None]:
        """With a close frame, after everything that was sent; cut if the client does not take it."""
        if self.closing is None:
            self.closing = asyncio.get_running_loop().create_task(self._close(code, within_s))
        return self.closing

    async def _close(self, code: int, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self.socket.close(code=code)
        except TimeoutError:
            self.outbox.abort("it did not take its close frame")


class Streams:
    """All connections of one exchange, and what feeds them: hears the runner's events and ticks."""

    def __init__(
        self,
        desk: Desk,
        runner: Runner,
        switches: StreamSwitches | None = None,
        delivery: Delivery | None = None,
        requests: RequestLog | None = None,
    ) -> None:
        self._runner = runner
        self._requests = requests
        self.delivery = delivery or Delivery(runner)
        self._switches = switches or StreamSwitches()
        self._publisher = Publisher(desk.state, desk.tapes, desk.perpetuals)
        self._private = PrivateStreams(desk.state, desk.ids, desk.listen_keys.account_of, self._switches)
        self._connections: dict[Connection, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._open = True
        self.faulty: FaultyStreams | None = None
        runner.subscribers += [self._private.on_events, self._publisher.on_events]
        runner.ticks += [self._publisher.tick, self._private.tick]

    async def public_v1(self, request: web.BaseRequest) -> web.StreamResponse:
        """``/quote/ws/v1``."""
        return await self._serve(
            request, PUBLIC, lambda outbox: PublicV1(self._publisher, outbox, self._switches, _wall())
        )

    async def public_v2(self, request: web.BaseRequest) -> web.StreamResponse:
        """``/quote/ws/v2``."""
        return await self._serve(
            request, PUBLIC, lambda outbox: PublicV2(self._publisher, outbox, self._switches, _wall())
        )

    async def private(self, request: web.BaseRequest) -> web.StreamResponse:
        """``/api/v1/ws/{listenKey}``; an unknown key is not let in (WebSocket 4.1)."""
        key = request.path.removeprefix(PRIVATE_PREFIX)
        account = self._private.account_of(key, self._runner.now())
        if account is None:
            self._told(request, 401)
            return web.Response(status=401)
        line = Line(Leg.PRIVATE, user_of(account))
        return await self._serve(
            request, line, lambda outbox: self._private.open(key, outbox, self._runner.now(), _wall())
        )

    async def _serve(self, request: web.BaseRequest, line: Line, make: MakeSession) -> web.StreamResponse:
        # Pings are answered here, because they count as signs of life.
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=_LONGEST_MESSAGE)
        if not self._open:
            return web.Response(status=503)
        if not socket.can_prepare(request):
            return web.Response(status=400)
        try:
            await socket.prepare(request)
        except ConnectionError:
            return socket  # it has gone before it was let in
        transport = request.transport
        if transport is None:
            return socket
        outbox = self.delivery.outbox(transport, line)
        session = make(outbox)
        if session is None:
            await socket.close()
            return socket
        connection = Connection(socket, outbox, session, line)
        self._connections[connection] = None
        self._sweep_later()
        if self.faulty is not None:
            self.faulty.connected(connection)
        self._told(request, 101, line.account or "")
        log.info("%s %s connected", request.remote, request.path.removesuffix(_secret(request.path)))
        try:
            await self._converse(connection)
        finally:
            del self._connections[connection]
            session.closed()
            log.info("%s is gone (%s)", request.remote, outbox.cut or socket.close_code)
        return socket

    def _told(self, request: web.BaseRequest, status: int, account: str = "") -> None:
        if self._requests is not None:
            secret = _secret(request.path)
            path = request.path.removesuffix(secret) + "{listenKey}" if secret else request.path
            self._requests.connected(path, account, status)

    async def _converse(self, connection: Connection) -> None:
        """Until the client or we end it; what cannot be read (too long, no UTF-8) ends it too."""
        socket, session = connection.socket, connection.session
        with suppress(ConnectionError):
            async for message in socket:
                session.last_heard = _wall()
                if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                    session.received(message.data, self._runner.catch_up())
                elif message.type is WSMsgType.PING:
                    if not is_mute(connection.outbox):
                        await socket.pong(message.data)
                elif message.type is WSMsgType.ERROR:
                    break

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._connections:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """What time brings: ends of connections, and another try for those that were full."""
        self._sweeping = None
        self._sweep_later()
        now, wall = self._runner.now(), _wall()
        self.delivery.turn.before()
        for connection in list(self._connections):
            ending = connection.session.check(now, wall)
            connection.outbox.flush()
            if ending is not None and connection.outbox.waiting:
                continue
            if ending is Ending.DROP:
                connection.outbox.abort("idle")
            elif ending is Ending.CLOSE:
                connection.close(WSCloseCode.OK)

    def connections(self) -> Iterable[Connection]:
        """All there are."""
        return self._connections

    def renew(self, now: Nanos) -> None:
        """The exchange is another: what listeners know of it is told anew."""
        self._publisher.renew(now)
        self._private.renew(now)

    async def close_all(self, within_s: float = PATIENCE_S) -> None:
        """Tell everybody that the server goes away; who does not listen is cut."""
        self._open = False
        if self._sweeping is not None:
            self._sweeping.cancel()
        await asyncio.gather(*(one.close(WSCloseCode.GOING_AWAY, within_s) for one in self._connections))


def _wall() -> float:
    """Seconds, for what is about connections and not about the market."""
    return asyncio.get_running_loop().time()


def _secret(path: str) -> str:
    """The part of a path that lets its reader in, and stays out of the log."""
    return path.removeprefix(PRIVATE_PREFIX) if path.startswith(PRIVATE_PREFIX) else ""
