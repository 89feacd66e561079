"""Every captured frame of the real venue is understood, and what we say is what its clients say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.feeds.sync import Sync
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.feed import (
    DEPTH_PATH,
    V1,
    V2,
    BadFrame,
    DepthMessage,
    IndexMessage,
    MarkMessage,
    TimeMessage,
    TradeMessage,
    parse,
    refusal,
)
from simulator.venues.hashkey.subscribing import depth_path, funding_path, subscriptions

FRAMES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "data" / "hashkey_wire" / "frames.jsonl").read_text("utf-8").splitlines()
]
SOCKET = {"ws-v1": V1, "ws-v2": V2, "ws": V2}
FROM_SOCKETS = [one for one in FRAMES if one["api"] in SOCKET and one["dir"] == "server"]
MEANS = {
    "depth": DepthMessage,
    "depth first": DepthMessage,
    "depth next": DepthMessage,
    "depth first, empty book": DepthMessage,
    "trade first": TradeMessage,
    "markPrice": MarkMessage,
    "markPrice next": MarkMessage,
    "index first": IndexMessage,
}


@pytest.mark.parametrize("seen", FROM_SOCKETS, ids=lambda one: f"{one['site']}-{one['api']}-{one['kind']}")
def test_every_captured_frame_of_the_sockets_is_read(seen: dict[str, Any]) -> None:
    data = seen["frame"].encode()
    messages = parse(SOCKET[seen["api"]], data)
    expected = MEANS.get(seen["kind"])
    assert [type(one) for one in messages] == ([] if expected is None else [expected])
    assert bool(refusal(data)) == seen["kind"].startswith("error")


@pytest.mark.parametrize("seen", [one for one in FROM_SOCKETS if MEANS.get(one["kind"]) is DepthMessage])
def test_books_have_their_numbers(seen: dict[str, Any]) -> None:
    (book,) = parse(V1, seen["frame"].encode())
    assert isinstance(book, DepthMessage)
    assert book.version and f'"v":"{book.version}"' in seen["frame"]


def test_captured_books_and_trades_are_on_the_grids_of_the_bundled_rows() -> None:
    instruments = {one.symbol: one for one in Catalogue.bundled().instruments(["ETHUSDT", "BTCUSDT-PERPETUAL"])}
    told = 0
    for seen in FROM_SOCKETS:
        for message in parse(SOCKET[seen["api"]], seen["frame"].encode()):
            if isinstance(message, DepthMessage) and message.symbol in instruments:
                assert Sync(instruments[message.symbol]).commands(message, lambda ms: ms)
                told += 1
    assert told >= 3


def test_the_venues_time_is_read() -> None:
    assert parse("/api/v1/time", b'{"serverTime":1790132884238}') == [TimeMessage(1790132884238)]


def test_a_book_asked_for_is_of_the_symbol_that_was_asked_for() -> None:
    # hashkey-rest.md 2.4
    data = b'{"t": 1721681436393, "b": [["67902.49","0.00112"]], "a": [["67905.99","0.87134"]]}'
    book = DepthMessage("BTCUSDT", 1721681436393, [("67902.49", "0.00112")], [("67905.99", "0.87134")])
    assert parse(depth_path("BTCUSDT"), data) == [book]
    assert parse(f"{DEPTH_PATH}/merged?symbol=BTCUSDT", data) == []


def test_a_book_that_names_two_symbols_is_no_book() -> None:
    frame = b'{"topic":"depth","params":{"symbol":"X"},"data":{"s":"Y","t":1,"v":"1_1","b":[],"a":[]}}'
    with pytest.raises(BadFrame, match="a book of Y among those of X"):
        parse(V2, frame)


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b'{"topic":"depth","data":7}', b"null", b"[]"])
def test_garbage_is_no_frame(data: bytes) -> None:
    with pytest.raises(BadFrame):
        parse(V2, data)


def test_what_is_said_is_what_was_seen_to_work() -> None:
    instruments = Catalogue.bundled().instruments(["BTCUSDT", "BTCUSDT-PERPETUAL"])
    said = subscriptions(instruments)
    seen = next(one for one in FRAMES if one["api"] == "ws-v2" and one["kind"] == "depth sub")
    assert json.loads(seen["frame"]) in [json.loads(one) for one in said[V2]]
    asked = [(words["topic"], words["params"]["symbol"]) for words in map(json.loads, said[V2])]
    assert asked == [
        ("depth", "BTCUSDT"),
        ("trade", "BTCUSDT"),
        ("depth", "BTCUSDT-PERPETUAL"),
        ("trade", "BTCUSDT-PERPETUAL"),
        ("markPrice", "BTCUSDT-PERPETUAL"),
    ]
    (index,) = map(json.loads, said[V1])
    assert (index["symbol"], index["topic"], index["event"]) == ("BTCUSDT", "index", "sub")
    assert V1 not in subscriptions(Catalogue.bundled().instruments(["BTCUSDT"]))
    assert funding_path(7) == "/api/v1/futures/fundingRate?timestamp=7"
