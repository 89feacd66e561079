"""The three sockets through a real server and a real client. The exchange's time is moved by hand."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from simulator.core.commands import CancelOpenOrders
from simulator.server.app import listening, route
from simulator.server.outbox import IN_FLIGHT_MOST
from simulator.server.rest import rest_handler
from simulator.server.ws import Streams
from simulator.venues.hashkey.request_log import RequestLog
from simulator.venues.hashkey.sockets import StreamSwitches
from tests.wire import Site, sign

V1, V2 = "/quote/ws/v1", "/quote/ws/v2"
DEEP = " ".join(f"{59999 - n}.12x1.23456" for n in range(200)), " ".join(f"{60001 + n}.12x1.23456" for n in range(200))


class Server:
    """A site behind a server on a free port."""

    def __init__(self, site: Site, streams: Streams, port: int) -> None:
        self.site = site
        self.streams = streams
        self.port = port
        self.opened = AsyncExitStack()

    async def client(self, path: str, **options: Any) -> ClientConnection:
        """A connection, closed with the server."""
        return await self.opened.enter_async_context(connect(f"ws://127.0.0.1:{self.port}{path}", **options))

    async def private(self, account: str = "alice", **options: Any) -> ClientConnection:
        """A private one, with a new key."""
        key = self.site.desk.listen_keys.create(account, self.site.runner.now())
        return await self.client(f"/api/v1/ws/{key}", **options)

    def wait(self, ms: int) -> None:
        """Let the exchange's time go by."""
        self.site.wait(ms)
        self.site.runner.catch_up()


@asynccontextmanager
async def serving(switches: StreamSwitches | None = None) -> AsyncIterator[Server]:
    site = Site()
    streams = Streams(site.desk, site.runner, switches)
    handler = route(
        {V1: streams.public_v1, V2: streams.public_v2},
        {"/api/v1/ws/": streams.private},
        rest_handler(site.gate, streams.delivery, RequestLog(site.desk.keys, site.runner.now, time.time_ns)),
    )
    async with listening(handler, "127.0.0.1", 0) as port:
        server = Server(site, streams, port)
        async with server.opened:
            yield server
        await streams.close_all()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it is the server that changes
            await asyncio.sleep(0.005)


async def say(client: ClientConnection, **message: Any) -> None:
    await client.send(json.dumps(message))


async def sub(client: ClientConnection, topic: str, symbol: str = "BTCUSDT", **more: Any) -> Any:
    """Subscribe on v1; the first frame."""
    await say(client, topic=topic, symbol=symbol, event="sub", **more)
    return await heard(client)


async def heard(client: ClientConnection) -> Any:
    """The next frame."""
    async with asyncio.timeout(10):
        return json.loads(await client.recv())


async def ending(client: ClientConnection) -> int:
    """The code with which the connection ends, after everything that still comes."""
    async with asyncio.timeout(10):
        with suppress(ConnectionClosedError):
            async for _ in client:
                pass
        await client.wait_closed()
    assert client.close_code is not None
    return client.close_code


async def test_a_client_sees_the_book_and_its_changes(server: Server) -> None:
    client = await server.client(V1)
    first = await sub(client, "depth", params={"binary": False})
    assert (first["f"], first["data"][0]["b"][0]) == (True, ["59999.99", "1"])
    server.site.alice.order("BUY", "0.5", "59999.99")
    server.wait(300)
    second = await heard(client)
    assert (second["f"], second["data"][0]["b"][0]) == (False, ["59999.99", "1.5"])


async def test_v2_acknowledges_and_streams(server: Server) -> None:
    client = await server.client(V2)
    await say(client, topic="bbo", event="sub", params={"symbol": "BTCUSDT"})
    assert (await heard(client))["msg"] == "Success"
    server.site.depth("BTCUSDT", "59998x1", "60000x1")
    assert (await heard(client))["data"]["b"] == "59998"


async def test_clients_that_asked_alike_get_the_same_bytes(server: Server) -> None:
    clients = [await server.client(V1) for _ in range(3)]
    for client in clients:
        await sub(client, "depth")
    server.site.depth("BTCUSDT", *DEEP)
    server.wait(300)
    frames = {await client.recv(decode=False) for client in clients}
    assert len(frames) == 1
    assert len(frames.pop()) > 9000


async def test_frames_of_all_sizes_arrive(server: Server) -> None:
    """The three lengths of RFC 6455: a pong, a ticker, and a book of two symbols' worth."""
    client = await server.client(V1)
    await say(client, ping=1)
    assert await heard(client) == {"pong": server.site.now_ms()}
    assert (await sub(client, "realtimes"))["data"][0]["s"] == "BTCUSDT"
    long_id = "x" * 60_000
    server.site.depth("BTCUSDT", *DEEP)
    assert (await sub(client, "depth", id=long_id))["id"] == long_id


async def test_binary_frames_are_gzipped_json(server: Server) -> None:
    client = await server.client(V1)
    await say(client, topic="depth", symbol="BTCUSDT", event="sub", params={"binary": True})
    data = await client.recv()
    assert isinstance(data, bytes)
    assert json.loads(gzip.decompress(data))["f"] is True


async def test_no_compression_is_agreed_on(server: Server) -> None:
    client = await server.client(V1, compression="deflate")
    assert client.protocol.extensions == []


@pytest.mark.parametrize("path", [V1, V2])
async def test_protocol_pings_are_answered(server: Server, path: str) -> None:
    client = await server.client(path)
    async with asyncio.timeout(10):
        assert await (await client.ping(b"hello")) >= 0


async def test_what_cannot_be_read_costs_an_answer_and_nothing_else(server: Server) -> None:
    client = await server.client(V1)
    for nonsense in ("", "{", "[" * 60_000, b"\xff\x00", '{"topic":"depth","event":"sub","symbol":"\\ud800"}'):
        await client.send(nonsense)
        assert "desc" in await heard(client)
    assert (await sub(client, "depth"))["f"] is True


async def test_a_message_that_is_too_long_ends_the_connection(server: Server) -> None:
    client = await server.client(V1)
    await client.send("x" * 100_000)
    assert await ending(client) == 1009
    await until(lambda: not server.streams._connections)


@pytest.mark.parametrize("path", [V1, V2])
async def test_idle_clients_are_dropped_without_a_close_frame(path: str) -> None:
    async with serving(StreamSwitches(v1_idle_s=0.1, v2_silence_s=0.1)) as server:
        client = await server.client(path, ping_interval=None)
        assert await ending(client) == 1006
        assert not server.streams._connections


async def test_protocol_pings_count_as_signs_of_life() -> None:
    async with serving(StreamSwitches(v2_silence_s=1.0)) as server:
        client = await server.client(V2, ping_interval=None)
        loop = asyncio.get_running_loop()
        start = loop.time()
        while loop.time() - start < 1.7:
            await (await client.ping())
        assert await ending(client) == 1006, "and it is dropped when they stop"


async def test_private_events_come_in_the_order_of_the_venue(server: Server) -> None:
    client = await server.private()
    async with ClientSession() as http:
        alice = server.site.alice
        params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "1", "price": "60000"}
        query = "&".join(f"{name}={value}" for name, value in {**params, "timestamp": alice.now()}.items())
        url = f"http://127.0.0.1:{server.port}/api/v1/spot/order?{query}&signature={sign(alice.secret, query)}"
        async with http.post(url, headers={"X-HK-APIKEY": alice.key}) as reply:
            order = await reply.json()
    frames = [await heard(client) for _ in range(5)]
    assert [frame[0]["e"] for frame in frames] == [
        "executionReport",
        "ticketInfo",
        "executionReport",
        "outboundAccountInfo",
        "outboundAccountInfo",
    ]
    assert [frames[0][0]["X"], frames[2][0]["X"]] == ["NEW", "FILLED"]
    assert {frames[0][0]["i"], frames[1][0]["o"], frames[2][0]["i"]} == {order["orderId"]}


async def test_ten_events_of_one_command_leave_in_one_write(server: Server) -> None:
    for price in range(50_000, 50_010):
        server.site.alice.order("BUY", "0.01", str(price))
    client = await server.private()
    (connection,) = server.streams._connections
    writes: list[int] = []
    transport = connection.outbox._transport
    connection.outbox._transport = Counting(transport, writes)
    server.site.runner.do(CancelOpenOrders("alice"))
    frames = [await heard(client) for _ in range(11)]
    assert [frame[0].get("X") for frame in frames] == ["CANCELED"] * 10 + [None]
    assert len(writes) == 1
    connection.outbox._transport = transport


class Counting(asyncio.Transport):
    """A transport that counts what is written through it."""

    def __init__(self, inner: asyncio.Transport, writes: list[int]) -> None:
        super().__init__()
        self.inner = inner
        self.writes = writes

    def write(self, data: Any) -> None:
        self.writes.append(len(data))
        self.inner.write(data)

    def is_closing(self) -> bool:
        return self.inner.is_closing()

    def get_write_buffer_size(self) -> int:
        return self.inner.get_write_buffer_size()


async def test_the_server_pings_private_clients() -> None:
    async with serving(StreamSwitches(private_ping_s=0.1)) as server:
        client = await server.private()
        await until(lambda: bool(server.streams._private._listeners))
        server.wait(200)
        ping = await heard(client)
        assert ping["ping"] == server.site.now_ms() // 100 * 100


async def test_an_unknown_key_is_not_let_in(server: Server) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await server.client("/api/v1/ws/" + "x" * 64)
    assert caught.value.response.status_code == 401


async def test_the_stream_ends_normally_when_its_key_has_run_out(server: Server) -> None:
    client = await server.private()
    server.wait(2 * 3_600_000)
    assert await ending(client) == 1000
    await until(lambda: not server.streams._connections)


async def test_a_plain_request_is_told_that_this_is_a_socket(server: Server) -> None:
    async with ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{V1}") as reply:
        assert reply.status == 400


async def test_nothing_stays_of_a_client_that_vanished(server: Server) -> None:
    clients = [await server.client(V1), await server.client(V2), await server.private()]
    await sub(clients[0], "depth")
    await say(clients[1], topic="depth", event="sub", params={"symbol": "BTCUSDT"})
    await heard(clients[1])
    for client in clients:
        client.transport.abort()
    await until(lambda: not server.streams._connections)
    assert server.streams._publisher._channels == {}
    assert server.streams._private._listeners == {}


async def test_a_reader_that_pauses_gets_the_newest_book_and_holds_up_nobody(server: Server) -> None:
    """Hundreds of books are pushed while one of two clients does not read."""
    slow = await server.client(V1, max_queue=1)
    quick = await server.client(V1)
    for client in (slow, quick):
        await sub(client, "depth")
    count = 1500
    for n in range(count):
        bids, asks = DEEP
        server.site.depth("BTCUSDT", f"59999.99x{n + 1} {bids}", asks)
        server.wait(300)
        frame = await heard(quick)
        assert frame["data"][0]["b"][0] == ["59999.99", str(n + 1)]
    sizes: list[int] = []
    while not sizes or sizes[-1] != count:
        sizes.append(int((await heard(slow))["data"][0]["b"][0][1]))
    assert sizes == sorted(set(sizes))
    assert len(sizes) < count // 2


async def test_a_private_reader_that_does_not_read_is_cut_and_holds_up_nobody(server: Server) -> None:
    client = await server.private(max_queue=1)
    (connection,) = server.streams._connections
    for n in range(20_000):
        server.site.alice.order("BUY", "0.01", "1000", newClientOrderId=f"order-{n}")
        server.site.runner.do(CancelOpenOrders("alice"))
        if connection.outbox.cut:
            break
        if n % 100 == 0:
            await asyncio.sleep(0)
    assert connection.outbox.cut is not None
    assert "too slowly" in connection.outbox.cut
    await until(lambda: not server.streams._connections)
    assert await ending(client) == 1006


async def test_what_was_sent_before_the_end_arrives_before_it(server: Server) -> None:
    client = await server.client(V1)
    await sub(client, "depth")
    server.site.depth("BTCUSDT", "1x1", "2x1")
    server.wait(300)
    await server.streams.close_all()
    assert (await heard(client))["data"][0]["b"] == [["1", "1"]]
    assert await ending(client) == 1001


async def test_the_system_holds_no_megabytes_for_a_client(server: Server) -> None:
    await server.client(V1)
    (connection,) = server.streams._connections
    tcp = connection.outbox._transport.get_extra_info("socket")
    # Linux doubles what it is asked for, for its own bookkeeping.
    assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * IN_FLIGHT_MOST


async def test_when_the_server_stops_everybody_is_told(server: Server) -> None:
    clients: Sequence[ClientConnection] = [await server.client(V1), await server.client(V2), await server.private()]
    await server.streams.close_all()
    assert [await ending(client) for client in clients] == [1001] * 3
    with pytest.raises(InvalidStatus) as caught:
        await server.client(V1)
    assert caught.value.response.status_code == 503


async def test_a_client_that_does_not_take_its_close_frame_does_not_hold_up_the_stop(server: Server) -> None:
    client = await server.client(V1)
    await sub(client, "depth")
    client.transport.pause_reading()
    bids, asks = DEEP
    for n in range(100):
        server.site.depth("BTCUSDT", f"59999.99x{n + 1} {bids}", asks)
        server.wait(300)
        await asyncio.sleep(0)
    async with asyncio.timeout(3):
        await server.streams.close_all()
    await until(lambda: not server.streams._connections)
    client.transport.abort()


async def test_an_order_that_the_socket_tells_of_is_found_over_http_before_its_own_reply_is_read(
    server: Server,
) -> None:
    """NEW is always seen by the query endpoint: listener, asker and trader have a connection each."""
    private, alice = await server.private(), server.site.alice

    async def ask(session: ClientSession, method: str, **params: str) -> Any:
        query = urlencode(params | {"timestamp": str(server.site.now_ms())})
        url = f"http://127.0.0.1:{server.port}/api/v1/spot/order?{query}&signature={sign(alice.secret, query)}"
        async with session.request(method, url, headers={"X-HK-APIKEY": alice.key}) as reply:
            return await reply.json()

    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01"}
    async with ClientSession() as trading, ClientSession() as asking:
        for number in range(20):
            placing = asyncio.create_task(ask(trading, "POST", **order, price=str(50000 + number)))
            (report,) = await heard(private)
            assert (report["e"], report["X"]) == ("executionReport", "NEW")
            found = await ask(asking, "GET", orderId=report["i"])
            assert (found["status"], found["price"]) == ("NEW", str(50000 + number))
            assert (await placing)["orderId"] == found["orderId"]
            assert (await heard(private))[0]["e"] == "outboundAccountInfo"
