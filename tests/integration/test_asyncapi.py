"""The AsyncAPI document against a running server: every frame is one of its messages, and every message is met."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema_rs
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from simulator.app import Running, running
from simulator.config import Market, Server, Settings
from simulator.core.candles import INTERVALS
from simulator.venues.hashkey import public_v1 as v1
from simulator.venues.hashkey import public_v2 as v2
from simulator.venues.hashkey.documents.asyncapi import PRIVATE, PUBLIC_V1, PUBLIC_V2
from tests.documents import frame_validators, judge_frame, sockets
from tests.sockets import Hall
from tests.wire import sign

SYMBOL, PERPETUAL = "BTCUSDT", "BTCUSDT-PERPETUAL"
WITHIN_S = 10.0
SILENT = {"serverPing"}
"""Comes after half a minute; see the last test."""


def test_the_document_refers_to_nothing_that_is_not_there_and_its_schemas_are_schemas() -> None:
    document = sockets()
    for ref in references(document):
        target: Any = document
        for part in ref.removeprefix("#/").split("/"):
            target = target[part]
    payloads = [one["payload"] for channel in document["channels"].values() for one in channel["messages"].values()]
    for schema in (*payloads, *document["components"]["schemas"].values()):
        jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#"} | schema)


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for one in node.values() for ref in references(one)]
    return [ref for one in node for ref in references(one)] if isinstance(node, list) else []


class Listener:
    """A client's socket that holds every frame against the document."""

    def __init__(self, channel: str, socket: ClientWebSocketResponse) -> None:
        self.channel = channel
        self.socket = socket
        self.met: set[str] = set()

    async def say(self, **message: Any) -> None:
        """Say something, which must be one of the document's messages too."""
        known = frame_validators(self.channel, "receive")
        assert any(one.is_valid(message) for one in known.values()), message
        await self.socket.send_json(message)

    async def until(self, *names: str) -> None:
        """Listen until all of these were met."""
        async with asyncio.timeout(WITHIN_S):
            while not set(names) <= self.met:
                message = await self.socket.receive()
                assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
                text = gzip.decompress(message.data) if message.type is WSMsgType.BINARY else message.data
                self.met.add(judge_frame(self.channel, json.loads(text)))


def declared(channel: str) -> list[str]:
    return [name for name in frame_validators(channel, "send") if name not in SILENT]


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Running, ClientSession]]:
    settings = Settings(market=Market(empty=True), server=Server(port=0))
    async with running(settings) as sim, ClientSession() as session:
        await move(sim, session, "50000")
        yield sim, session


async def control(sim: Running, session: ClientSession, name: str, **body: Any) -> None:
    async with session.post(f"{sim.ready.control}/{name}", json=body) as reply:
        assert reply.status == 200, await reply.text()


async def move(sim: Running, session: ClientSession, best: str) -> None:
    """Another book of both markets, another mark, and a trade."""
    for symbol in (SYMBOL, PERPETUAL):
        bids, asks = [[best, 1], ["49000", 2]], [["50100", 1], ["50200", 2]]
        await control(sim, session, "market/book", symbol=symbol, bids=bids, asks=asks)
        await control(sim, session, "market/trade", symbol=symbol, price="50100", qty="1", side="BUY")
    await control(sim, session, "market/mark", symbol=PERPETUAL, mark=best, index=best)


async def moving(sim: Running, session: ClientSession, listener: Listener, names: list[str]) -> None:
    """Move the market until a listener met all it waits for."""

    async def keep_moving() -> None:
        for step in range(10_000):
            await move(sim, session, str(50_000 + step % 50))
            await asyncio.sleep(0.05)

    mover = asyncio.create_task(keep_moving())
    try:
        await listener.until(*names)
    finally:
        mover.cancel()


async def test_every_message_of_the_first_public_socket_is_met_and_no_other() -> None:
    async with served() as (sim, session), session.ws_connect(sim.ready.ws_public) as socket:
        one = Listener(PUBLIC_V1, socket)
        for topic in (v1.DEPTH, v1.TRADE, v1.REALTIMES, v1.MERGED, v1.KLINES + "1m"):
            await one.say(symbol=SYMBOL, topic=topic, event="sub", id=topic, params={"binary": topic == v1.DEPTH})
        await one.say(symbol=SYMBOL, topic=v1.DIFFERENCES, event="sub", params={"dumpScale": 0})
        await one.say(symbol=PERPETUAL, topic=v1.MARK_PRICE, event="sub")
        await one.say(symbol="BTCUSDT", topic=v1.INDEX, event="sub")
        await one.say(ping=1)
        await socket.send_str("nonsense")
        await moving(sim, session, one, declared(PUBLIC_V1))


async def test_every_message_of_the_second_public_socket_is_met_and_no_other() -> None:
    async with served() as (sim, session), session.ws_connect(sim.ready.ws_public_v2) as socket:
        one = Listener(PUBLIC_V2, socket)
        for topic in v2.TOPICS:
            symbol = PERPETUAL if topic == v2.MARK_PRICE else SYMBOL
            params = {"symbol": symbol} | ({"klineType": "1m"} if topic == v2.KLINE else {})
            await one.say(topic=topic, event="sub", params=params)
        await one.say(ping=1)
        await socket.send_str("nonsense")
        await moving(sim, session, one, declared(PUBLIC_V2))


async def signed(sim: Running, session: ClientSession, method: str, path: str, query: str = "") -> Any:
    access = sim.ready.accounts[0]
    query += f"&timestamp={sim.parts.runner.now() // 1_000_000}"
    url = f"{sim.ready.rest}{path}?{query}&signature={sign(access.api_secret, query)}"
    async with session.request(method, url, headers={"X-HK-APIKEY": access.api_key}) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json(content_type=None)


async def test_every_message_of_the_private_socket_is_met_and_no_other() -> None:
    async with served() as (sim, session):
        key = (await signed(sim, session, "POST", "/api/v1/userDataStream"))["listenKey"]
        async with session.ws_connect(sim.ready.ws_private.replace("{listenKey}", key)) as socket:
            one = Listener(PRIVATE, socket)
            await one.say(ping=1)
            spot = f"symbol={SYMBOL}&side=BUY&type=LIMIT&quantity=0.1&price=50100"
            await signed(sim, session, "POST", "/api/v1/spot/order", spot)
            contract = f"symbol={PERPETUAL}&side=BUY_OPEN&type=LIMIT&quantity=1&price=50100&clientOrderId=a"
            await signed(sim, session, "POST", "/api/v1/futures/order", contract)
            await one.until(*declared(PRIVATE))


def test_topics_and_intervals_that_are_declared_are_understood_and_others_are_not() -> None:
    hall = Hall()
    first, second = hall.v1(), hall.v2()
    for topic in (*v1.PLAIN, *v1.SCALED, *(v1.KLINES + interval for interval in INTERVALS)):
        answers = first.sub(topic, symbol="NOPE", params={"dumpScale": 0})
        assert [one["desc"] for one in answers] == ["Invalid Symbols!"], topic
    assert first.sub("tickers") == [{"code": "-10004", "desc": "Invalid topic!"}]
    for topic in v2.TOPICS:
        assert second.ask(topic, symbol="NOPE")[0]["msg"] == "Parameter error!"
    assert second.ask("tickers") == [{"code": "-10004", "desc": "Invalid topic!"}]


def test_the_pings_of_the_private_socket_are_declared() -> None:
    hall = Hall()
    talk = hall.private()
    hall.wait(30_100)
    (ping,) = talk.heard()
    assert judge_frame(PRIVATE, ping) in SILENT
