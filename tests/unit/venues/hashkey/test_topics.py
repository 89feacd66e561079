"""When a topic speaks, to whom, and how often anything is made: through Hall, with time in the hand."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.commands import PrintTrade
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI
from simulator.venues.hashkey.public_data import change_ratio
from tests.sockets import Hall, Talk

MINUTE = 60_000


@pytest.fixture
def hall() -> Hall:
    return Hall()


def firsts(frames: list[Any]) -> list[bool]:
    return [frame["f"] for frame in frames]


def levels(frame: Any) -> tuple[list[Any], list[Any]]:
    return frame["data"][0]["b"], frame["data"][0]["a"]


def on_the_beat(hall: Hall) -> Talk:
    """A v1 client that has heard nothing yet, just after a moment at which everything was told."""
    hall.until(1500)
    return hall.v1()


def test_the_first_frame_comes_at_once_and_the_next_with_a_change(hall: Hall) -> None:
    client = on_the_beat(hall)
    assert firsts(client.sub("depth")) == [True]
    hall.wait(3000)
    assert client.heard() == []
    hall.site.depth("BTCUSDT", "100x1", "101x1")
    hall.wait(300)
    assert firsts(client.heard()) == [False]


def test_depth_is_told_at_multiples_of_300_ms_however_often_it_changes(hall: Hall) -> None:
    client = on_the_beat(hall)
    client.sub("depth")
    for price in range(100, 190):
        hall.site.depth("BTCUSDT", f"{price}x1", "200x1")
        hall.wait(10)
    frames = client.heard()
    assert [frame["sendTime"] % 300 for frame in frames] == [0, 0, 0]
    assert [levels(frame)[0] for frame in frames] == [[["129", "1"]], [["159", "1"]], [["189", "1"]]]


def test_a_book_that_became_empty_is_told_but_no_client_begins_with_one(hall: Hall) -> None:
    client = on_the_beat(hall)
    client.sub("depth")
    hall.site.depth("BTCUSDT", "", "")
    hall.wait(300)
    assert levels(client.heard()[0]) == ([], [])
    late = hall.v1()
    assert late.sub("depth") == []
    hall.wait(3000)
    assert late.heard() == []
    hall.site.depth("BTCUSDT", "99x1", "")
    hall.wait(300)
    assert firsts(late.heard()) == [True]
    assert firsts(client.heard()) == [False]


def test_the_time_of_a_book_never_goes_back(hall: Hall) -> None:
    client = on_the_beat(hall)
    times = [frame["data"][0]["t"] for frame in client.sub("depth")]
    for pause in (1, 700, 3, 299, 5000, 1):
        hall.site.depth("BTCUSDT", "100x1", f"{200 + pause}x1")
        hall.site.alice.order()
        hall.wait(pause)
        times += [frame["data"][0]["t"] for frame in client.heard()]
        times += [frame["data"][0]["t"] for frame in client.sub("depth")]
    assert times == sorted(times)
    assert len(times) > 6


def test_trades_come_in_batches_after_the_latest_sixty(hall: Hall) -> None:
    for n in range(70):
        hall.site.trade("BTCUSDT", f"{1000 + n}", "1")
    client = on_the_beat(hall)
    (first,) = client.sub("trade")
    assert [item["p"] for item in first["data"]] == [str(price) for price in range(1010, 1070)]
    hall.site.trade("BTCUSDT", "2000", "1", Side.BUY)
    hall.site.trade("BTCUSDT", "2001", "1")
    hall.wait(300)
    (batch,) = client.heard()
    assert [(item["p"], item["m"]) for item in batch["data"]] == [("2000", False), ("2001", True)]
    assert [first["f"], batch["f"]] == [True, False]


def test_nothing_is_told_of_trades_before_the_first_one(hall: Hall) -> None:
    client = on_the_beat(hall)
    assert client.sub("trade") == []
    hall.wait(3000)
    assert client.heard() == []
    hall.site.trade("BTCUSDT", "2000", "1")
    hall.wait(300)
    (first,) = client.heard()
    assert first["f"] is True
    assert [item["p"] for item in first["data"]] == ["2000"]


def test_no_listener_hears_a_trade_twice(hall: Hall) -> None:
    """Whoever joins between two batches: history up to the last batch, then what the others hear too."""
    early = on_the_beat(hall)
    early.sub("trade")
    heard: dict[str, list[str]] = {}
    clients = {"early": early}
    for n in range(40):
        hall.site.trade("BTCUSDT", f"{1000 + n}", "1")
        if n % 9 == 4:
            clients[f"from {n}"] = late = hall.v1()
            heard[f"from {n}"] = [item["v"] for frame in late.sub("trade") for item in frame["data"]]
        hall.wait(70)
    for name, client in clients.items():
        heard.setdefault(name, []).extend(item["v"] for frame in client.heard() for item in frame["data"])
    assert len(heard["early"]) > 35
    for name, ids in heard.items():
        assert ids == sorted(set(ids)), name
        assert ids == heard["early"], name


def test_a_batch_does_not_grow_without_end_while_time_stands_still(hall: Hall) -> None:
    hall.site.trade("BTCUSDT", "999", "1")
    client = on_the_beat(hall)
    client.sub("trade")
    for n in range(700):
        hall.site.trade("BTCUSDT", f"{1000 + n}", "1")
    hall.wait(300)
    (batch,) = client.heard()
    assert [item["p"] for item in batch["data"]] == [str(price) for price in range(1200, 1700)]


def test_the_ticker_is_told_every_500_ms_in_which_something_traded(hall: Hall) -> None:
    client = on_the_beat(hall)
    (first,) = client.sub("realtimes")
    assert first["f"] is True
    assert {first["data"][0][name] for name in ("c", "h", "l", "o", "v", "qv", "m")} == {"0"}
    for n in range(20):
        hall.site.trade("BTCUSDT", f"{1000 + n}", "2")
        hall.wait(50)
    frames = client.heard()
    assert [frame["sendTime"] % 500 for frame in frames] == [0, 0]
    last = frames[-1]["data"][0]
    assert (last["o"], last["c"], last["h"], last["l"], last["v"], last["m"]) == (
        "1000", "1019", "1019", "1000", "40", "0.019",
    )  # fmt: skip
    hall.wait(3000)
    assert client.heard() == []


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [(4, 5, "0.25"), (3, 2, "-0.3333"), (3, 5, "0.6667"), (7, 7, "0"), (20000, 20001, "0.0001")],
)
def test_the_change_is_rounded_to_four_decimals(before: int, after: int, ratio: str) -> None:
    assert change_ratio(before, after) == ratio


def test_a_bar_is_told_with_its_last_state_when_it_is_over(hall: Hall) -> None:
    hall.until(MINUTE)
    client = hall.v1()
    assert client.sub("kline_1m") == []
    hall.site.trade("BTCUSDT", "1000", "1")
    hall.wait(MINUTE - 50)
    assert [(frame["f"], frame["data"][0]["c"]) for frame in client.heard()] == [(True, "1000")]
    hall.site.trade("BTCUSDT", "1001", "1")
    hall.wait(60)
    hall.site.trade("BTCUSDT", "1002", "1")
    hall.wait(300)
    bars = [frame["data"][0] for frame in client.heard()]
    start = hall.site.now_ms() // MINUTE * MINUTE
    assert [(bar["t"] - start, bar["o"], bar["c"]) for bar in bars] == [(-MINUTE, "1000", "1001"), (0, "1002", "1002")]


def test_a_bar_that_is_over_is_not_brought_back_by_a_late_trade(hall: Hall) -> None:
    hall.until(MINUTE)
    client = hall.v1()
    client.sub("kline_1m")
    hall.site.trade("BTCUSDT", "1000", "1")
    hall.wait(300)
    client.heard()
    hall.site.runner.do(PrintTrade("BTCUSDT", hall.now - MINUTE * NANOS_PER_MILLI, 99, 1, Side.BUY))
    hall.wait(300)
    assert client.heard() == []


def test_a_quiet_minute_is_shown_flat_to_who_subscribes_in_it(hall: Hall) -> None:
    hall.site.trade("BTCUSDT", "1000", "1")
    hall.wait(10 * MINUTE)
    (first,) = hall.v1().sub("kline_1m")
    assert first["params"] == {"realtimeInterval": "24h", "klineType": "1m"}
    bar = first["data"][0]
    assert (bar["t"], bar["o"], bar["h"], bar["l"], bar["c"], bar["v"]) == (
        hall.site.now_ms() // MINUTE * MINUTE, "1000", "1000", "1000", "1000", "0",
    )  # fmt: skip


def test_merged_levels_are_summed(hall: Hall) -> None:
    client = on_the_beat(hall)
    (first,) = client.sub("mergedDepth", params={"dumpScale": -1})
    assert levels(first) == ([["59990", "3"], ["58000", "5"]], [["60000", "1"], ["60010", "2"], ["62000", "5"]])
    assert first["params"] == {"realtimeInterval": "24h", "dumpScale": "-1"}
    (fine,) = client.sub("mergedDepth")
    assert levels(fine)[0][0] == ["59999.99", "1"]
    assert fine["params"]["dumpScale"] == "2"


def test_differences_count_from_the_whole_book_of_each_subscription(hall: Hall) -> None:
    early = on_the_beat(hall)
    hall.site.depth("BTCUSDT", "100x1 90x1", "200x1")
    (whole,) = early.sub("diffMergedDepth", params={"dumpScale": 0})
    assert (whole["f"], whole["data"][0]["o"], whole["data"][0]["s"]) == (True, 0, "BTCUSDT")
    for step in range(1, 4):
        hall.site.depth("BTCUSDT", f"100x{step + 1} 90x1", f"{200 + step}x1")
        hall.wait(300)
    frames = early.heard()
    assert [frame["data"][0]["o"] for frame in frames] == [1, 2, 3]
    assert levels(frames[0]) == ([["100", "2"]], [["200", "0"], ["201", "1"]])
    assert all("s" not in frame["data"][0] for frame in frames)
    late = hall.v1()
    (whole,) = late.sub("diffMergedDepth", params={"dumpScale": 0})
    assert levels(whole) == ([["100", "4"], ["90", "1"]], [["203", "1"]])
    hall.site.depth("BTCUSDT", "90x1", "203x1")
    hall.wait(300)
    told = [client.heard()[0]["data"][0] for client in (early, late)]
    assert [one["o"] for one in told] == [4, 1]
    assert [(one["b"], one["a"]) for one in told] == [([["100", "0"]], [])] * 2
    (again,) = early.sub("diffMergedDepth", params={"dumpScale": 0})
    assert (again["f"], again["data"][0]["o"]) == (True, 0)
    hall.site.depth("BTCUSDT", "90x2", "203x1")
    hall.wait(300)
    assert [client.heard()[0]["data"][0]["o"] for client in (early, late)] == [1, 2]


def test_a_change_below_the_scale_is_no_difference(hall: Hall) -> None:
    hall.site.depth("BTCUSDT", "100.1x1 100.2x2", "200x1")
    client = on_the_beat(hall)
    client.sub("diffMergedDepth", params={"dumpScale": 0})
    hall.site.depth("BTCUSDT", "100.1x2 100.2x1", "200x1")
    hall.wait(300)
    assert client.heard() == []


def test_who_asked_in_the_same_words_is_sent_the_same_frame(hall: Hall) -> None:
    first, second, other = (on_the_beat(hall) for _ in range(3))
    for client in (first, second):
        client.sub("depth", params={"binary": False})
    other.sub("depth")
    hall.site.depth("BTCUSDT", "100x1", "101x1")
    hall.wait(300)
    assert first.ear.frames[0] is second.ear.frames[0]
    assert other.ear.frames[0] is not first.ear.frames[0]
    assert first.heard()[0]["data"] == other.heard()[0]["data"]


def test_nothing_is_kept_of_those_who_left(hall: Hall) -> None:
    clients = [on_the_beat(hall), hall.v2()]
    for client in clients:
        for topic in ("depth", "trade", "realtimes"):
            client.sub(topic)
            client.ask(topic)
    for client in clients:
        client.session.closed()
        client.heard()
    hall.site.depth("BTCUSDT", "100x1", "101x1")
    hall.site.trade("BTCUSDT", "100", "1")
    hall.wait(3000)
    assert [client.heard() for client in clients] == [[], []]
    assert hall.publisher._channels == {}
    assert hall.publisher._of_symbol == {"BTCUSDT": []}


def test_v2_depth_is_told_every_100_ms_without_a_snapshot(hall: Hall) -> None:
    hall.until(1500)
    client = hall.v2()
    assert [frame["msg"] for frame in client.ask("depth")] == ["Success"]
    hall.wait(3000)
    assert client.heard() == []
    for price in range(100, 130):
        hall.site.depth("BTCUSDT", f"{price}x1", "200x1")
        hall.wait(10)
    assert [frame["data"]["b"] for frame in client.heard()] == [[["109", "1"]], [["119", "1"]], [["129", "1"]]]


def test_v2_trades_and_best_levels_are_told_at_once(hall: Hall) -> None:
    client = hall.v2()
    for topic in ("trade", "bbo"):
        client.ask(topic)
    hall.site.trade("BTCUSDT", "60000", "1", Side.BUY)
    hall.site.trade("BTCUSDT", "60001", "1")
    assert [frame["data"]["p"] for frame in client.heard()] == ["60000", "60001"]
    hall.site.depth("BTCUSDT", "59999.99x1 59990x3", "60000x1")
    assert client.heard() == [], "deeper levels are not the best ones"
    hall.site.alice.order("BUY", "0.5", "59999.99")
    (best,) = client.heard()
    assert [best["data"][name] for name in ("b", "bz", "a", "az")] == ["59999.99", "1.5", "60000", "1"]
    hall.site.depth("BTCUSDT", "", "60000x1")
    hall.site.depth("ETHUSDT", "1x1", "2x1")
    assert [frame["data"]["bz"] for frame in client.heard()] == ["0.5"]


def test_v2_bars_and_tickers_are_objects(hall: Hall) -> None:
    hall.until(1500)
    client = hall.v2()
    client.ask("realtimes")
    client.ask("kline", klineType="5m")
    hall.site.trade("BTCUSDT", "60000", "1")
    hall.wait(600)
    frames = {frame["topic"]: frame for frame in client.heard()}
    assert frames["kline"]["params"] == {"symbol": "BTCUSDT", "klineType": "5m"}
    assert frames["kline"]["data"]["c"] == frames["realtimes"]["data"]["c"] == "60000"
