"""What a frame is about, by its first bytes; and frames that we write are frames that we read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.venues.hashkey import feed_frames
from simulator.venues.hashkey.feed import (
    FUNDING_PATH,
    V1,
    V2,
    BadFrame,
    DepthMessage,
    FundingMessage,
    IndexMessage,
    MarkMessage,
    TradeMessage,
    parse,
)
from simulator.venues.hashkey.feed_frames import Funding
from simulator.venues.hashkey.skim import about, only

PERP = "BTCUSDT-PERPETUAL"
DEPTH = feed_frames.depth(PERP, ts_ms=5, version="7_1", bids=[("99.9", "3")], asks=[("100", "4")])
TRADE = feed_frames.trade(PERP, ts_ms=5, id="12", price="99.9", qty="3", buyer_made=True)
MARK = feed_frames.mark_price(PERP, ts_ms=5000, price="99.95")
INDEX = feed_frames.index("BTCUSDT", ts_ms=4990, price="99.97", sent_ms=5000)
FUNDING = feed_frames.funding_rates([(PERP, Funding("0.0001", 28_800_000))])

# hashkey-websocket.md 1.3, 1.9, 1.10, 2: frames as they were seen on the wire, books cut short.
SEEN_V1_DEPTH = (
    b'{"symbol":"BTCUSDT-PERPETUAL","symbolName":"BTCUSDT-PERPETUAL","topic":"depth","params":{"realtimeInterval":'
    b'"24h","binary":"false"},"data":[{"e":301,"s":"BTCUSDT-PERPETUAL","t":1790134581222,"v":"14088479_18","b":'
    b'[["86637.3","6"]],"a":[["86640.4","12"]],"o":0}],"f":true,"sendTime":1790134581503,"shared":false,"id":1}'
)
SEEN_V1_MARK = (
    b'{"topic":"markPrice","params":{"realtimeInterval":"24h","binary":"false"},"data":{"exchangeId":301,'
    b'"symbolId":"BTCUSDT-PERPETUAL","price":"86651.838","time":1790133812000},"f":false,"shared":false}'
)
SEEN_V2_DEPTH = (
    b'{"topic":"depth","params":{"symbol":"BTCUSDT-PERPETUAL"},"data":{"s":"BTCUSDT-PERPETUAL","t":1790134581603,'
    b'"v":"14088520_1","b":[["86645.7","155"]],"a":[["86645.8","12"]]}}'
)


@pytest.mark.parametrize(
    ("connection", "data", "topic", "symbol"),
    [
        (V2, DEPTH, "depth", PERP),
        (V2, TRADE, "trade", PERP),
        (V2, MARK, "markPrice", PERP),
        (V1, INDEX, "index", "BTCUSDT"),
        (FUNDING_PATH, FUNDING, FUNDING_PATH, ""),
        (V1, SEEN_V1_DEPTH, "depth", PERP),
        (V1, SEEN_V1_MARK, "markPrice", PERP),
        (V2, SEEN_V2_DEPTH, "depth", PERP),
        ("/quote/v1/depth?symbol=ETHUSDT&limit=200", b"{}", "/quote/v1/depth", "ETHUSDT"),
        (V2, b'{"pong":1790134591507}', "", ""),
        (V2, b"\x1f\x8b\x08\x00", "", ""),
    ],
)
def test_topic_and_symbol_are_read_off_the_beginning(connection: str, data: bytes, topic: str, symbol: str) -> None:
    assert about(connection, data) == (topic, symbol)


@given(connection=st.text(max_size=40), data=st.binary(max_size=100))
def test_anything_is_about_something(connection: str, data: bytes) -> None:
    topic, symbol = about(connection, data)
    assert isinstance(topic, str)
    assert isinstance(symbol, str)


def test_books_and_trades_of_other_symbols_do_not_matter_and_all_else_does() -> None:
    matters = only(["ETHUSDT"])
    assert not matters(V2, DEPTH)
    assert not matters(V2, TRADE)
    assert not matters(V1, SEEN_V1_DEPTH)
    for connection, data in ((V2, MARK), (V1, INDEX), (FUNDING_PATH, FUNDING), (V2, b'{"pong":1}'), (V2, b"")):
        assert matters(connection, data)
    assert only([PERP])(V2, DEPTH)


def test_what_is_written_is_what_is_read() -> None:
    assert parse(V2, DEPTH) == [DepthMessage(PERP, 5, [("99.9", "3")], [("100", "4")], "7_1")]
    assert parse(V2, TRADE) == [TradeMessage(PERP, 5, "99.9", "3", buyer_made=True, history=False, id="12")]
    assert parse(V2, MARK) == [MarkMessage(PERP, 5000, "99.95")]
    assert parse(V1, INDEX) == [IndexMessage("BTCUSDT", 4990, "99.97")]
    assert parse(FUNDING_PATH, FUNDING) == [FundingMessage(PERP, "0.0001", 28_800_000)]


def test_a_book_is_written_as_the_venue_writes_it() -> None:
    written = feed_frames.depth(
        PERP, ts_ms=1790134581603, version="14088520_1", bids=[("86645.7", "155")], asks=[("86645.8", "12")]
    )
    assert written == SEEN_V2_DEPTH


@pytest.mark.parametrize(
    ("connection", "data", "books"),
    [
        (
            V1,
            SEEN_V1_DEPTH,
            [DepthMessage(PERP, 1790134581222, [("86637.3", "6")], [("86640.4", "12")], "14088479_18")],
        ),
        (
            V2,
            SEEN_V2_DEPTH,
            [DepthMessage(PERP, 1790134581603, [("86645.7", "155")], [("86645.8", "12")], "14088520_1")],
        ),
        (V2, b'{"topic":"depth","event":"sub","params":{"symbol":"X"},"code":"0","msg":"Success"}', []),
        (
            V2,
            b'{ "topic" : "depth", "symbol": "X", "data": {"t": 1, "b": [], "a": []}}',
            [DepthMessage("X", 1, [], [])],
        ),
        (V1, b'{"symbol":"X","note":{"topic":"depth"},"topic":"other","data":[]}', []),
        (V2, b'{"data":{"t":1,"b":[],"a":[]},"params":{"symbol":"X"},"topic":"depth"}', [DepthMessage("X", 1, [], [])]),
    ],
)
def test_books_are_read_however_they_are_written(connection: str, data: bytes, books: list[DepthMessage]) -> None:
    assert parse(connection, data) == books


@pytest.mark.parametrize("levels", [b"[[1,2]]", b'[["1"]]', b'[["1","2","3"]]', b"{}", b"[", b'[["1","2"]'])
def test_a_book_whose_levels_are_no_pairs_of_texts_is_a_bad_frame(levels: bytes) -> None:
    with pytest.raises(BadFrame):
        parse(V2, b'{"topic":"depth","params":{"symbol":"X"},"data":{"t":1,"b":%b,"a":[]}}' % levels)
