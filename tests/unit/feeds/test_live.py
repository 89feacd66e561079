"""The live source without sockets: what frames, losses and silence make of each symbol. Time is moved by hand."""

from __future__ import annotations

import pytest

from simulator.core.commands import ChangeDepth, Command, InvalidateDepth, PrintTrade, ReplaceDepth, SetMarkPrice
from simulator.feeds.client import Direction, Received
from simulator.feeds.live import Live
from simulator.venues.hashkey import feed_frames
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.feed import V1, V2
from simulator.venues.hashkey.subscribing import depth_path

BTC, ETH, PERP = "BTCUSDT", "ETHUSDT", "BTCUSDT-PERPETUAL"
START_S = 1_000_000


class Feed:
    """A live source with two clocks that stand, and the commands that it gave."""

    def __init__(self, *symbols: str) -> None:
        self.seconds = float(START_S)
        self.commands: list[Command] = []
        self.version = 100
        listed = Catalogue.bundled().instruments(symbols or (BTC, ETH))
        self.live = Live({one.symbol: one for one in listed}, 5.0, self.now, self.play, lambda: self.seconds)
        self.play()

    def now(self) -> int:
        return int(self.seconds * 1000) * 10**6

    def play(self) -> None:
        while (due := self.live.due()) is not None:
            assert due <= self.now()
            self.commands += self.live.take()

    def wait(self, seconds: float) -> None:
        self.seconds += seconds
        self.live.watch()

    def hear(self, data: bytes, connection: str = V2) -> list[Command]:
        return self.gave(lambda: self.live.hear(Received(0, connection, data)))

    def gave(self, act: object) -> list[Command]:
        before = len(self.commands)
        act()  # type: ignore[operator]
        return self.commands[before:]

    def book(
        self, symbol: str = BTC, bid: str = "100", ask: str = "101", version: int = 0, **more: int
    ) -> list[Command]:
        self.version += 1
        return self.hear(
            feed_frames.depth(
                symbol,
                ts_ms=more.get("ts_ms", int(self.seconds * 1000) - 30),
                version=f"{version or self.version}_2",
                bids=[(bid, "1")],
                asks=[(ask, "1")],
            )
        )

    def kinds(self, commands: list[Command]) -> list[str]:
        return [type(one).__name__ for one in commands]

    def stale(self) -> dict[str, str]:
        return {one.symbol: one.why for one in self.live.freshness() if not one.fresh}


@pytest.fixture
def feed() -> Feed:
    one = Feed()
    one.live.opened(V2)
    one.book(BTC)
    one.book(ETH)
    assert one.stale() == {}
    return one


def test_before_anything_is_known_everything_is_stale() -> None:
    feed = Feed()
    assert feed.commands == [InvalidateDepth(BTC), InvalidateDepth(ETH)]
    assert feed.stale() == {BTC: "not connected yet", ETH: "not connected yet"}
    feed.live.lost(V2, "cannot connect")
    feed.live.opened(V2)
    assert feed.stale() == dict.fromkeys((BTC, ETH), "connected, but no book yet")
    assert feed.kinds(feed.book(BTC)) == ["ReplaceDepth"]
    assert feed.stale() == {ETH: "connected, but no book yet"}
    assert len(feed.commands) == 3


def test_times_are_those_of_the_venue_in_ours() -> None:
    feed = Feed()
    feed.live.opened(V2)
    (first,) = feed.book(ts_ms=5_000)
    assert isinstance(first, ReplaceDepth) and first.ts == feed.now()
    feed.wait(1)
    (later,) = feed.book(ts_ms=5_800)
    assert isinstance(later, ChangeDepth) and later.ts == feed.now() - 200_000_000


def test_a_lost_connection_makes_all_stale_at_once_and_the_next_book_is_whole(feed: Feed) -> None:
    assert feed.gave(lambda: feed.live.lost(V2, "cut")) == [InvalidateDepth(BTC), InvalidateDepth(ETH)]
    assert feed.gave(lambda: feed.live.lost(V2, "cannot connect")) == []
    assert feed.stale() == {BTC: "cannot connect", ETH: "cannot connect"}
    feed.live.opened(V2)
    assert feed.kinds(feed.book(BTC, version=3)) == ["ReplaceDepth"]


def test_losing_the_socket_of_the_indexes_leaves_the_books_alone(feed: Feed) -> None:
    assert feed.gave(lambda: feed.live.lost(V1, "cut")) == []
    assert feed.live.connections == {V2: "", V1: "cut"}


@pytest.mark.parametrize(
    ("frame", "kind", "doubted"),
    [
        (b"\x00garbage", "unreadable", {BTC, ETH}),
        (b'{"topic":"depth","params":{"symbol":"BTCUSDT"},"data":{"s":"BTCUSDT"', "unreadable", {BTC}),
        (b'{"topic":"trade","params":{"symbol":"BTCUSDT"},"data":{"t":', "unreadable", set()),
        (feed_frames.depth("DOGEUSDT", ts_ms=1, version="1_1", bids=[], asks=[]), "wrong symbol", {BTC, ETH}),
        (feed_frames.depth(BTC, ts_ms=1, version="999_1", bids=[("5", "1")], asks=[("5", "1")]), "impossible", {BTC}),
        (feed_frames.depth(BTC, ts_ms=1, version="999_1", bids=[("5.001", "1")], asks=[]), "impossible", {BTC}),
        (feed_frames.depth(BTC, ts_ms=1, version="999_1", bids=[("5", "0")], asks=[]), "impossible", {BTC}),
    ],
    ids=["garbage", "half a book", "half a trade", "wrong symbol", "crossed", "off the grid", "no size"],
)
def test_what_cannot_be_used_is_counted_left_out_and_raises_a_doubt(
    feed: Feed, frame: bytes, kind: str, doubted: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert feed.hear(frame) == []
    assert dict(feed.live.left_out.counts) == {kind: 1}
    assert f"left out of the market data ({kind}, number 1)" in caplog.text
    feed.wait(4.9)
    assert feed.stale() == {}
    feed.wait(0.1)
    assert set(feed.stale()) == doubted


def test_a_good_book_ends_the_doubt(feed: Feed) -> None:
    feed.hear(b"garbage")
    feed.wait(4)
    assert feed.kinds(feed.book(BTC)) == ["ChangeDepth"]
    feed.wait(4)
    assert feed.stale().keys() == {ETH}


def test_a_book_that_is_stale_from_doubt_is_told_whole_again(feed: Feed) -> None:
    feed.hear(b"garbage")
    feed.wait(5)
    assert feed.commands[-2:] == [InvalidateDepth(BTC), InvalidateDepth(ETH)]
    (back,) = feed.book(BTC)
    assert isinstance(back, ReplaceDepth)


def test_endless_garbage_is_said_now_and_then(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(100):
        feed.hear(b"garbage")
    assert feed.live.left_out.counts["unreadable"] == 100
    assert caplog.text.count("left out of the market data") == 7


def test_books_out_of_order_make_the_symbol_stale_until_the_next(feed: Feed) -> None:
    assert feed.kinds(feed.book(BTC, version=50)) == ["InvalidateDepth"]
    assert feed.stale() == {BTC: "its books came out of order"}
    assert feed.kinds(feed.book(BTC)) == ["ReplaceDepth"]
    assert feed.live.left_out.counts["out of order"] == 1


def test_a_quiet_book_is_asked_for_and_stays_fresh_while_the_connection_answers(feed: Feed) -> None:
    assert feed.live.asks() is None
    feed.wait(5)
    assert {feed.live.asks(), feed.live.asks()} == {BTC, ETH}
    assert feed.live.asks() is None
    feed.wait(100)
    assert feed.stale() == {}
    asked = b'{"t":1000004000,"b":[["99","1"]],"a":[["101","1"]]}'
    assert feed.kinds(feed.hear(asked, depth_path(BTC))) == ["ChangeDepth"]


def test_nothing_is_asked_for_without_a_connection_and_late_answers_do_not_count(feed: Feed) -> None:
    feed.wait(5)
    feed.live.lost(V2, "cut")
    assert feed.live.asks() is None
    assert feed.hear(b'{"t":1000004000,"b":[["99","1"]],"a":[["101","1"]]}', depth_path(BTC)) == []
    assert BTC in feed.stale()


def test_a_trade_is_told_with_its_time_and_one_of_another_day_is_not(feed: Feed) -> None:
    def trade(id: str, ts_ms: int) -> bytes:
        return feed_frames.trade(BTC, ts_ms=ts_ms, id=id, price="100", qty="1", buyer_made=True)

    (told,) = feed.hear(trade("7", START_S * 1000 - 30))
    assert isinstance(told, PrintTrade) and told.ts == feed.now()
    assert feed.hear(trade("8", 1)) == []
    assert dict(feed.live.left_out.counts) == {"impossible": 1}


def test_a_refused_subscription_is_said(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    feed.hear(b'{"topic":"depth","event":"sub","params":{},"code":"-100011","msg":"Parameter error!"}')
    feed.hear(b'{"topic":"depth","event":"sub","params":{"symbol":"BTCUSDT"},"code":"0","msg":"Success"}')
    feed.hear(b'{"pong":1}')
    assert "the venue says -100011 Parameter error!" in caplog.text
    assert dict(feed.live.left_out.counts) == {"refused": 1}


def test_what_we_said_ourselves_is_no_market(feed: Feed) -> None:
    frame = Received(0, V2, b"whatever", Direction.OUT)
    assert feed.gave(lambda: feed.live.hear(frame)) == []


def test_marks_and_indexes_are_told() -> None:
    feed = Feed(BTC, PERP)
    feed.live.opened(V2)
    (mark,) = feed.hear(feed_frames.mark_price(PERP, ts_ms=1000, price="99.95"))
    (index,) = feed.hear(feed_frames.index("BTCUSDT", ts_ms=1000, price="99.97", sent_ms=1000), V1)
    assert isinstance(mark, SetMarkPrice) and isinstance(index, SetMarkPrice)
    assert (mark.index, index.mark) == (None, None)
