"""Frames of the three sockets: member names, their order and types (hashkey-websocket.md, real shapes 8 and 9).

And that the other end of this repository, which mirrors the venue, understands every public one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import CancelOpenOrders, ChangeDepth, ListInstrument, PrintTrade, Transfer
from simulator.core.exchange import Exchange
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, money
from simulator.feeds.sync import Sync
from simulator.venues.hashkey.feed import V1, V2, parse
from simulator.venues.hashkey.sockets import Frame
from tests.conformance.hashkey.shapes import shape
from tests.sockets import Hall, Talk

ENVELOPE = "symbol s, symbolName s, topic s, params {realtimeInterval s%s}, data [{%s}], f b, sendTime n%s, shared b"
NAMED = ", channelId s"
BOOK = "e n, s s, t n, v s, b [[s]], a [[s]], o n"
TRADE = "v s, t n, p s, q s, m b"
TICKER = "t n, s s, sn s, c s, h s, l s, o s, v s, qv s, m s, e n"
BAR = "t n, s s, sn s, c s, h s, l s, o s, v s"

REPORT = (
    "e s, E s, s s, c s, S s, o s, f s, q s, p s, reqAmt s, X s, d s, i s, l s, r s, z s, L s, V s, n s, N s, "
    "u b, w b, m b, O s, Z s"
)
TICKET = "e s, E s, s s, q s, t s, p s, T s, o s, c s, a s, m b, S s"
BALANCE = "e s, E s, T b, W b, D b, B [{a s, f s, l s, r s}]"


@pytest.fixture
def hall() -> Hall:
    """With one trade behind it."""
    made = Hall()
    made.site.trade("BTCUSDT", "60000.5", "0.25")
    return made


def stirred(hall: Hall) -> None:
    """Something happens that every public topic has to tell."""
    hall.site.depth("BTCUSDT", "59000.5x1.5", "60000x1")
    hall.site.trade("BTCUSDT", "60000", "0.5", Side.BUY)
    hall.wait(600)


@pytest.mark.parametrize(
    ("topic", "pushed", "params", "data", "named"),
    [
        ("depth", "depth", "", BOOK, NAMED),
        ("trade", "trade", "", TRADE, NAMED),
        ("realtimes", "realtimes", "", TICKER, ""),
        ("kline_15m", "kline", ", klineType s", BAR, ""),
        ("mergedDepth", "mergedDepth", ", dumpScale s", BOOK, ""),
    ],
)
def test_v1_frames(hall: Hall, topic: str, pushed: str, params: str, data: str, named: str) -> None:
    """WebSocket 1.3 to 1.8: the same shape first and later; "binary" and "id" come back when they were sent."""
    plain, full = hall.v1(), hall.v1()
    frames = plain.sub(topic)
    full_frames = full.sub(topic, params={"binary": False}, id=7)
    stirred(hall)
    frames += plain.heard()
    full_frames += full.heard()
    assert [one["f"] for one in frames] == [True] + [False] * (len(frames) - 1)
    assert len(frames) > 1
    for frame in frames:
        assert shape(frame) == ENVELOPE % (params, data, named)
        assert (frame["topic"], frame["symbol"], frame["symbolName"]) == (pushed, "BTCUSDT", "BTCUSDT")
        assert frame["shared"] is False
        assert frame["params"]["realtimeInterval"] == "24h"
    for frame in full_frames:
        assert shape(frame) == ENVELOPE % (", binary s" + params, data, named) + ", id n"
        assert (frame["params"]["binary"], frame["id"]) == ("false", 7)
    if named:
        assert re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{16}-[0-9a-f]{8}", frames[0]["channelId"])
        assert len({frame["channelId"] for frame in frames}) == 1


def test_v1_depth(hall: Hall) -> None:
    """WebSocket 1.4."""
    (frame,) = hall.v1().sub("depth")
    (book,) = frame["data"]
    assert (book["e"], book["s"], book["o"]) == (301, "BTCUSDT", 0)
    assert book["b"] == [["59999.99", "1"], ["59990", "2"], ["58000", "5"]]
    assert book["a"] == [["60000", "1"], ["60010", "2"], ["62000", "5"]]
    assert re.fullmatch(r"\d+_18", book["v"])
    assert book["t"] <= frame["sendTime"]


def test_v1_versions_grow(hall: Hall) -> None:
    """WebSocket 1.4: the prefix grows, with jumps."""
    client = hall.v1()
    frames = client.sub("depth")
    for price in range(1, 20):
        hall.site.depth("BTCUSDT", f"{price}x1", "100x1")
        hall.wait(100)
    frames += client.heard()
    versions = [int(frame["data"][0]["v"].removesuffix("_18")) for frame in frames]
    assert versions == sorted(set(versions))


def test_v1_ticker(hall: Hall) -> None:
    """WebSocket 1.7: m is (c - o) / o."""
    stirred(hall)
    (row,) = hall.v1().sub("realtimes")[0]["data"]
    assert {name: row[name] for name in ("c", "h", "l", "o", "v", "qv", "m")} == {
        "c": "60000", "h": "60000.5", "l": "60000", "o": "60000.5", "v": "0.75", "qv": "45000.125", "m": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("topic", "params", "data"),
    [
        ("depth", {}, "s s, t n, v s, b [[s]], a [[s]]"),
        ("bbo", {}, "s s, b s, bz s, a s, az s, t n, v s"),
        ("trade", {}, TRADE),
        ("realtimes", {}, "t n, s s, o s, h s, l s, c s, v s, qv s, m s"),
        ("kline", {"klineType": "1h"}, BAR),
    ],
)
def test_v2_frames(hall: Hall, topic: str, params: dict[str, str], data: str) -> None:
    """WebSocket 2: an acknowledgement, then nothing until something changes, then objects."""
    client = hall.v2()
    assert [list(one) for one in client.ask(topic, **params)] == [["topic", "event", "params", "code", "msg"]]
    stirred(hall)
    frames = client.heard()
    assert frames
    for frame in frames:
        assert list(frame) == ["topic", "params", "data"]
        assert (frame["topic"], frame["params"]) == (topic, {"symbol": "BTCUSDT"} | params)
        assert shape(frame["data"]) == data


def test_v2_versions_carry_the_decimals_of_the_price(hall: Hall) -> None:
    """WebSocket 2: suffixes 1 and 2 where the tick is 0.1 and 0.01."""
    client = hall.v2()
    for topic in ("depth", "bbo"):
        client.ask(topic)
    stirred(hall)
    assert all(re.fullmatch(r"\d+_2", frame["data"]["v"]) for frame in client.heard())


def test_execution_reports(hall: Hall) -> None:
    """WebSocket 4.7: x only where something was cancelled."""
    talk = hall.private()
    hall.site.alice.order("BUY", "1.1", "60000", timeInForce="IOC")
    reports = [one[0] for one in talk.heard() if one[0]["e"] == "executionReport"]
    assert [one["X"] for one in reports] == ["NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED"]
    assert [shape(one) for one in reports] == [REPORT, REPORT, REPORT + ", x s"]
    assert [(one["u"], one["w"]) for one in reports] == [(True, True)] * 3


def test_the_new_report_is_the_one_on_record(hall: Hall) -> None:
    """Real shapes 9, word for word but for ids and times."""
    talk = hall.private()
    order = hall.site.alice.order("BUY", "0.005", "2700", symbol="ETHUSDT", newClientOrderId="1790150461241471").json
    ms = str(hall.site.now_ms())
    assert talk.ear.frames[0].payload.decode() == (
        f'[{{"e":"executionReport","E":"{ms}","s":"ETHUSDT","c":"1790150461241471","S":"BUY","o":"LIMIT","f":"GTC",'
        f'"q":"0.005","p":"2700","reqAmt":"0","X":"NEW","d":"","i":"{order["orderId"]}","l":"0","r":"0.005","z":"0",'
        f'"L":"","V":"0","n":"0","N":"","u":true,"w":true,"m":false,"O":"{ms}","Z":"0"}}]'
    )


def test_the_filled_report_is_the_one_on_record(hall: Hall) -> None:
    """Real shapes 9: a resting order, filled as maker."""
    talk = hall.private()
    order = hall.site.alice.order("BUY", "0.005", "2700", symbol="ETHUSDT", newClientOrderId="1790150461241471").json
    created = hall.site.now_ms()
    hall.wait(9000)
    hall.site.trade("ETHUSDT", "2699", "1")
    report = next(one.payload.decode() for one in talk.ear.frames if b'"FILLED"' in one.payload)
    (trade,) = hall.site.alice.signed("GET", "/api/v1/account/trades").json
    assert report == (
        f'[{{"e":"executionReport","E":"{hall.site.now_ms()}","s":"ETHUSDT","c":"1790150461241471","S":"BUY",'
        f'"o":"LIMIT","f":"GTC","q":"0.005","p":"2700","reqAmt":"0","X":"FILLED","d":"{trade["ticketId"]}",'
        f'"i":"{order["orderId"]}","l":"0.005","r":"0","z":"0.005","L":"2700","V":"2700","n":"0.000006","N":"ETH",'
        f'"u":true,"w":true,"m":true,"O":"{created}","Z":"13.5"}}]'
    )


def test_tickets(hall: Hall) -> None:
    """WebSocket 4.9: quantity and price have two decimals at least."""
    talk = hall.private()
    hall.site.alice.order("BUY", "1", "60000")
    ticket = talk.heard()[1][0]
    assert shape(ticket) == TICKET
    assert (ticket["q"], ticket["p"], ticket["S"], ticket["m"]) == ("1.00", "60000.00", "BUY", False)


def test_balances(hall: Hall) -> None:
    """WebSocket 4.5 and 4.6: one asset each."""
    talk = hall.private()
    hall.site.alice.order("BUY", "1", "60000")
    hall.site.runner.do(Transfer("alice", "alice/futures", "USDT", money("1")))
    balances = [one[0] for one in talk.heard() if "B" in one[0]]
    assert {shape(one) for one in balances} == {BALANCE}
    assert [one["e"] for one in balances] == ["outboundAccountInfo"] * 3 + ["outboundContractAccountInfo"]


def test_all_times_of_the_private_socket_are_texts_of_milliseconds(hall: Hall) -> None:
    """WebSocket 4.1."""
    talk = hall.private()
    hall.site.alice.order("BUY", "1", "60000")
    for frame in talk.heard():
        for name in ("E", "O", "t"):
            assert frame[0].get(name, str(hall.site.now_ms())) == str(hall.site.now_ms())


def compact(frame: Frame) -> bool:
    """Whether there are no blanks after ":" and "," (real shapes 1.2)."""
    return frame.payload == json.dumps(json.loads(frame.payload), separators=(",", ":"), ensure_ascii=False).encode()


def test_frames_are_compact(hall: Hall) -> None:
    v1, v2, private = hall.v1(), hall.v2(), hall.private()
    for topic in ("depth", "trade", "realtimes", "kline_1m", "mergedDepth", "nonsense"):
        v1.session.received(json.dumps({"topic": topic, "event": "sub", "symbol": "BTCUSDT"}), hall.now)
    for topic in ("depth", "trade", "realtimes", "bbo", "nonsense"):
        v2.session.received(json.dumps({"topic": topic, "event": "sub", "params": {"symbol": "BTCUSDT"}}), hall.now)
    hall.site.alice.order("BUY", "1", "60000")
    stirred(hall)
    frames = v1.ear.frames + v2.ear.frames + private.ear.frames
    assert len(frames) > 20
    assert all(compact(one) for one in frames)


class Mirror:
    """Another exchange that mirrors ours from the frames of one socket."""

    def __init__(self, hall: Hall, talk: Talk, connection: str) -> None:
        self.market = hall.site.exchange.state.markets["BTCUSDT"]
        self.talk = talk
        self.connection = connection
        self.exchange = Exchange()
        self.exchange.handle(1, ListInstrument(self.market.instrument))
        self.sync = Sync(self.market.instrument)
        self.trades: list[PrintTrade] = []

    def hear(self) -> None:
        """Play every frame."""
        frames, self.talk.ear.frames = self.talk.ear.frames, []
        for frame in frames:
            for message in parse(self.connection, frame.payload):
                for command in self.sync.commands(message, lambda ms: ms * NANOS_PER_MILLI):
                    self.exchange.handle(1, command)
                    if isinstance(command, PrintTrade):
                        self.trades.append(command)

    def shows(self) -> list[list[tuple[int, int]]]:
        """The mirrored book."""
        return [list(self.exchange.state.markets["BTCUSDT"].levels(side)) for side in Side]


cents = st.integers(5_999_000, 6_001_000)
steps = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(Side), cents, st.integers(1, 50)),
    st.tuples(st.just("level"), st.sampled_from(Side), cents, st.integers(0, 50)),
    st.tuples(st.just("trade"), st.sampled_from(Side), cents, st.integers(1, 50)),
    st.tuples(st.just("cancel"), st.sampled_from(Side), cents, st.integers(1, 50)),
    st.tuples(st.just("wait"), st.sampled_from(Side), cents, st.integers(1, 9)),
)


def act(hall: Hall, what: str, side: Side, price: int, number: int) -> None:
    """One step of anybody."""
    runner, ts = hall.site.runner, hall.now
    lots = number * 1000
    if what == "order":
        hall.site.alice.order(side.name, f"0.0{number:02}", f"{price // 100}.{price % 100:02}")
    elif what == "level":
        levels = ((price, lots),)
        buys = side is Side.BUY
        runner.do(ChangeDepth("BTCUSDT", ts, levels if buys else (), () if buys else levels))
    elif what == "trade":
        runner.do(PrintTrade("BTCUSDT", ts, price, lots, side))
    elif what == "cancel":
        runner.do(CancelOpenOrders("alice", side=side, limit=2))
    else:
        hall.wait(100 * number)


@given(st.lists(steps, min_size=1, max_size=25))
def test_our_own_mirror_rebuilds_the_composite_book_and_the_trades_from_either_socket(
    script: list[tuple[str, Side, int, int]],
) -> None:
    hall = Hall()
    hall.site.trade("BTCUSDT", "60000", "1")  # history, so that what comes after it is not
    v1, v2 = Mirror(hall, hall.v1(), V1), Mirror(hall, hall.v2(), V2)
    heard = len(hall.site.desk.tapes.of("BTCUSDT").recent(1000))
    for topic in ("depth", "trade", "realtimes", "kline_1m"):
        v1.talk.session.received(json.dumps({"topic": topic, "event": "sub", "symbol": "BTCUSDT"}), hall.now)
    for topic in ("depth", "trade", "realtimes", "bbo"):
        v2.talk.session.received(
            json.dumps({"topic": topic, "event": "sub", "params": {"symbol": "BTCUSDT"}}), hall.now
        )
    for step in script:
        act(hall, *step)
    hall.site.depth("BTCUSDT", "59000x1", "61000x2")
    hall.wait(600)
    composite: list[Any] = [list(v1.market.levels(side)) for side in Side]
    trades = hall.site.desk.tapes.of("BTCUSDT").recent(1000)[heard:]
    said = [(one.ts // NANOS_PER_MILLI, one.price, one.qty, one.side) for one in trades]
    for mirror in (v1, v2):
        mirror.hear()
        assert mirror.shows() == composite
        assert [(one.ts // NANOS_PER_MILLI, one.price, one.qty, one.side) for one in mirror.trades] == said
