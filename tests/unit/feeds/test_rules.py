"""exchangeInfo of a live venue: asked for over a real socket, kept, and replaced by what was known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from simulator.feeds.rest import Rest, Unreachable
from simulator.feeds.rules import cache_file, read, rules

BUNDLED = files("simulator.venues.hashkey").joinpath("exchange_info.json").read_bytes()


@asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[str]:
    """A server with one answer for everything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        if reply:
            writer.close()

    open_ones: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        for writer in open_ones:
            writer.transport.abort()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def info(**changes: object) -> bytes:
    told = msgspec.json.decode(BUNDLED)
    told["symbols"] = [row | changes for row in told["symbols"] if row["symbol"] == "BTCUSDT"]
    return msgspec.json.encode(told)


async def test_the_venues_answer_is_used_and_kept_for_the_next_time(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "info.json"
    async with answering(ok(info())) as url:
        told = await rules(Rest(url), cache)
    assert told.origin == "the venue's own filters" and "BTCUSDT" in told.catalogue.rows
    assert "ETHUSDT" not in told.catalogue.rows
    later = await rules(Rest(url), cache)
    assert later.origin == "filters as they were last known"
    assert later.catalogue.rows == told.catalogue.rows


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 500 no\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ok(b"<html>"),
        ok(b"[]"),
        ok(b"{}"),
        ok(b'{"symbols":[{"symbol":"X"}],"contracts":[],"coins":[]}'),
        b"",
    ],
)
async def test_an_answer_that_is_none_leaves_what_was_known(
    tmp_path: Path, reply: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "info.json"
    async with answering(reply) as url:
        assert (await rules(Rest(url, 0.3), cache)).origin == "bundled filters"
        cache.write_bytes(info())
        assert (await rules(Rest(url, 0.3), cache)).origin == "filters as they were last known"
        cache.write_bytes(b"broken")
        assert (await rules(Rest(url, 0.3), cache)).origin == "bundled filters"
    assert cache.read_bytes() == b"broken"
    assert "no exchangeInfo from the venue" in caplog.text and "using bundled filters" in caplog.text


def test_a_row_that_cannot_be_listed_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    told = msgspec.json.decode(BUNDLED)
    told["symbols"] += [{"symbol": "ODD"}, 7, {}, told["symbols"][0] | {"symbol": "NEW", "filters": "none"}]
    assert set(read(msgspec.json.encode(told)).rows) == set(read(BUNDLED).rows)
    assert "cannot be listed" in caplog.text


def test_every_upstream_has_a_file_of_its_own() -> None:
    files_of = {cache_file(url, {}) for url in ("https://a.example", "https://b.example", "http://127.0.0.1:8765")}
    assert len(files_of) == 3
    assert cache_file("https://a.example", {"XDG_CACHE_HOME": "relative"}) == cache_file("https://a.example", {})


async def test_a_reply_that_does_not_come_is_not_waited_for() -> None:
    async with answering(b"") as url:
        with pytest.raises(Unreachable, match=r"no reply within 0\.2 s|timed out"):
            await asyncio.wait_for(Rest(url, 0.2).get("/api/v1/time"), 2)
