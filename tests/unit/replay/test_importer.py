"""Neutral files in, a recording out: as HashKey would have told it, or one line about what is wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.replay.format import BadRecording, Direction, Reader
from simulator.replay.importer import ImportSummary, import_files
from simulator.replay.inspect import summarize
from simulator.venues.hashkey.feed import FUNDING_PATH, DepthMessage, parse

SPOT_ROW = {
    "symbol": "BTCUSDT",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00001"},
    ],
}
PERP_ROW = {
    "symbol": "BTCUSDT-PERPETUAL",
    "baseAsset": "BTCUSDT-PERPETUAL",
    "quoteAsset": "USDT",
    "underlying": "BTC",
    "index": "USDT",
    "contractMultiplier": "0.001",
    "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.1"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}],
}
INFO = {
    "symbols": [SPOT_ROW, SPOT_ROW | {"symbol": "ETHUSDT", "baseAsset": "ETH"}],
    "contracts": [PERP_ROW],
    "coins": [{"coinId": "BTC"}, {"coinId": "ETH"}, {"coinId": "USDT"}, {"coinId": "DOGE"}],
}

Line = dict[str, Any]


def header(**changes: Any) -> Line:
    return {
        "t": 0,
        "type": "header",
        "format": "neutral-market-data",
        "version": 1,
        "venue": "elsewhere",
        "market": "spot",
        "symbol": "BTCUSDT",
        "qty_unit": "base",
        "source": "a test",
        "licence": "MIT",
    } | changes


def snapshot(t: int, bids: list[list[str]], asks: list[list[str]], u: int = 10) -> Line:
    return {"t": t, "te": t - 5, "type": "snapshot", "symbol": "BTCUSDT", "u": u, "bids": bids, "asks": asks}


def diff(t: int, bids: list[list[str]], asks: list[list[str]], u: int = 11, tt: int | None = None) -> Line:
    line = {"t": t, "te": t - 5, "type": "diff", "symbol": "BTCUSDT", "U": u, "u": u, "bids": bids, "asks": asks}
    return line if tt is None else line | {"tt": tt}


def trade(t: int, price: str = "100", qty: str = "1", side: str = "buy", id: int = 7) -> Line:
    return {
        "t": t,
        "te": t - 5,
        "tt": t - 6,
        "type": "trade",
        "symbol": "BTCUSDT",
        "id": id,
        "price": price,
        "qty": qty,
        "side": side,
    }


def mark(t: int, rate: str = "0.0001", settle: int = 28_800_000) -> Line:
    return {
        "t": t,
        "te": t // 1000 * 1000,
        "type": "mark",
        "symbol": "BTCUSDT",
        "mark": "100.123",
        "index": "100.456",
        "est_settle": "1",
        "funding_rate": rate,
        "next_funding_time": settle,
    }


def write(path: Path, *lines: Line) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


class Import:
    """What came of an import."""

    def __init__(self, out: Path, summary: ImportSummary) -> None:
        self.summary = summary
        self.reader = Reader(out)
        self.records = list(self.reader.records())
        self.frames = [(record.ts // 10**6, json.loads(record.data)) for record in self.records]

    def of(self, topic: str) -> list[tuple[int, Any]]:
        return [(ms, frame["data"]) for ms, frame in self.frames if isinstance(frame, dict) and frame["topic"] == topic]

    @property
    def told(self) -> list[str]:
        """Each frame in a few words."""
        words = []
        for ms, frame in self.frames:
            if isinstance(frame, list):
                words.append(f"{ms} funding {frame}")
            else:
                data = frame["data"]
                words.append(f"{ms} {frame['topic']} " + str(data["p"] if "p" in data else data["b"][0][0]))
        return words


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Import]:
    def run(*files: Path, **more: Any) -> Import:
        out = tmp_path / "out.hkrec"
        options = {"symbol_map": {}, "venue_info": INFO} | more
        return Import(out, import_files(files, out, **options))

    return run


BID, ASK = ["100", "1"], ["101", "2"]


def test_books_come_when_they_change_and_at_most_every_100_ms(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(
        write(
            tmp_path / "a.jsonl",
            header(),
            snapshot(1000, [BID], [ASK]),
            diff(1030, [["99", "1"]], [], u=11),
            diff(1060, [["99", "2"]], [], u=12),
            diff(1150, [["99", "3"]], [], u=13),
            diff(1500, [["99", "4"]], [], u=14),
        )
    )
    books = made.of("depth")
    assert [(ms, data["b"][1][1] if data["b"][1:] else "") for ms, data in books] == [
        (1000, ""),
        (1100, "2"),
        (1200, "3"),
        (1500, "4"),
    ]
    assert [data["t"] for _, data in books] == [995, 1055, 1145, 1495]
    assert [data["v"] for _, data in books] == ["10_2", "12_2", "13_2", "14_2"]


def test_a_book_that_looks_the_same_is_not_sent_again(tmp_path: Path, run: Callable[..., Import]) -> None:
    dust = diff(1300, [["99", "0.000001"]], [], u=11)
    made = run(write(tmp_path / "a.jsonl", header(), snapshot(1000, [BID], [ASK]), dust, trade(1400)))
    assert made.told == ["1000 depth 100", "1400 trade 100"]


def test_a_book_that_waits_is_sent_before_what_comes_later_and_at_the_end(
    tmp_path: Path, run: Callable[..., Import]
) -> None:
    made = run(
        write(
            tmp_path / "a.jsonl",
            header(),
            snapshot(1000, [BID], [ASK]),
            diff(1050, [["100.5", "1"]], [], u=11),
            trade(1090),
            trade(1100),
            diff(1150, [["100.6", "1"]], [], u=12),
        )
    )
    assert made.told == ["1000 depth 100", "1090 trade 100", "1100 depth 100.5", "1100 trade 100", "1200 depth 100.6"]


def test_every_trade_is_told_with_its_matching_time_and_its_maker(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(
        write(tmp_path / "a.jsonl", header(), trade(1000, id=1), trade(1000, side="sell", qty="0.123456789", id=2))
    )
    assert made.of("trade") == [
        (1000, {"v": "1", "t": 994, "p": "100", "q": "1", "m": False}),
        (1000, {"v": "2", "t": 994, "p": "100", "q": "0.12345", "m": True}),
    ]


def test_a_trade_smaller_than_a_lot_is_left_out_and_counted(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(write(tmp_path / "a.jsonl", header(), trade(1000), trade(1001, qty="0.000009")))
    assert len(made.records) == 1
    assert made.summary.symbols[0].trades_too_small == 1
    assert "1 trades smaller than a lot" in made.summary.to_text()


def test_a_contract_is_told_in_whole_contracts_under_its_own_name(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(
        write(
            tmp_path / "a.jsonl.gz",
            header(market="usdm"),
            snapshot(1000, [["100.1", "1.5"]], [["100.2", "0.0019"]]),
            trade(1001, price="100.2", qty="0.25"),
        )
    )
    assert made.reader.header.symbols == ("BTCUSDT-PERPETUAL",)
    ((_, book),) = made.of("depth")
    assert (book["s"], book["b"], book["a"]) == ("BTCUSDT-PERPETUAL", [["100.1", "1500"]], [["100.2", "1"]])
    assert book["v"] == "10_1"
    assert made.of("trade")[0][1]["q"] == "250"


def test_marks_become_mark_index_and_funding_when_it_changes(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(write(tmp_path / "a.jsonl", header(market="usdm"), mark(1010), mark(2010), mark(3010, rate="0.0002")))
    assert made.of("markPrice") == [
        (ms, {"s": "BTCUSDT-PERPETUAL", "p": "100.123", "t": ms - 10}) for ms in (1010, 2010, 3010)
    ]
    assert made.of("index")[1] == (2010, [{"symbol": "BTCUSDT", "index": "100.456", "time": 2000}])
    assert [(one.ts // 10**6, json.loads(one.data)) for one in made.records if one.connection == FUNDING_PATH] == [
        (1010, [{"symbol": "BTCUSDT-PERPETUAL", "rate": "0.0001", "nextSettleTime": "28800000"}]),
        (3010, [{"symbol": "BTCUSDT-PERPETUAL", "rate": "0.0002", "nextSettleTime": "28800000"}]),
    ]
    assert {one.connection for one in made.records} == {"/quote/ws/v1", "/quote/ws/v2", FUNDING_PATH}


def test_what_is_not_needed_is_counted(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(
        write(
            tmp_path / "a.jsonl",
            header(),
            trade(1000),
            {"t": 1000, "type": "bbo", "symbol": "BTCUSDT", "u": 1, "bid": BID, "ask": ASK},
            mark(1000),
            {"t": 1001, "type": "order_done", "symbol": "BTCUSDT", "seq": 1, "id": "x"},
            {"t": 1001, "type": "order_open", "symbol": "BTCUSDT", "seq": 1, "id": "x"},
            {"t": 1001, "type": "l3trade", "symbol": "BTCUSDT", "seq": 1},
            {"t": 1001, "type": "l3snapshot", "symbol": "BTCUSDT", "seq": 1},
        )
    )
    assert made.summary.symbols[0].ignored == {
        "bbo": 1,
        "mark": 1,
        "order_done": 1,
        "order_open": 1,
        "l3trade": 1,
        "l3snapshot": 1,
    }
    assert "1 order_open lines were not needed" in made.summary.to_text()
    assert json.loads(made.summary.to_json())["symbols"][0]["trades"] == 1


def test_a_crossed_or_empty_book_is_not_sent(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(
        write(
            tmp_path / "a.jsonl",
            header(),
            snapshot(1000, [], []),
            snapshot(1200, [BID], [ASK], u=20),
            diff(1400, [["101", "1"]], [], u=21),
            diff(1600, [["101", "0"]], [["101.5", "1"]], u=22),
        )
    )
    assert [ms for ms, _ in made.of("depth")] == [1200, 1600]
    assert made.summary.symbols[0].books_not_shown == 2
    assert "2 books that were empty or crossed" in made.summary.to_text()


def test_files_are_merged_by_time_and_at_one_time_in_their_order(tmp_path: Path, run: Callable[..., Import]) -> None:
    one = write(tmp_path / "a.jsonl", header(), trade(1000, "1"), trade(1002, "2"), trade(1002, "3"))
    other = write(tmp_path / "b.jsonl", header(symbol="ETHUSDT"), trade(1001, "4"), trade(1002, "5"))
    assert run(one, other).told == [
        f"{ms} trade {p}" for ms, p in ((1000, 1), (1001, 4), (1002, 2), (1002, 3), (1002, 5))
    ]
    assert run(other, one).told[-3:] == ["1002 trade 5", "1002 trade 2", "1002 trade 3"]


def test_a_window_begins_with_all_books_together_and_ends_at_its_end(
    tmp_path: Path, run: Callable[..., Import]
) -> None:
    one = write(
        tmp_path / "a.jsonl",
        header(),
        snapshot(1000, [BID], [ASK]),
        trade(1100),
        diff(1950, [["100.5", "1"]], [], u=11),
        trade(2050, "7"),
        trade(3000, "8"),
        trade(3001, "9"),
    )
    other = write(tmp_path / "b.jsonl", header(symbol="ETHUSDT"), snapshot(1000, [["50", "1"]], [["51", "1"]]))
    made = run(one, other, from_ms=2000, to_ms=3000)
    assert made.told == ["2000 depth 100.5", "2000 depth 50", "2050 trade 7", "3000 trade 8"]
    assert (made.summary.first_ms, made.summary.last_ms, made.summary.records) == (2000, 3000, 4)


def test_the_header_says_where_it_came_from_and_carries_the_rows(tmp_path: Path, run: Callable[..., Import]) -> None:
    one = write(tmp_path / "a.jsonl", header(), trade(1000))
    other = write(tmp_path / "b.jsonl", header(market="usdm", licence="CC0", source="nowhere"), trade(1000))
    made = run(one, other).reader.header
    assert made.venue == "hashkey"
    assert made.symbols == ("BTCUSDT", "BTCUSDT-PERPETUAL")
    assert made.origin == (
        "BTCUSDT: elsewhere spot BTCUSDT, a test; BTCUSDT-PERPETUAL: elsewhere usdm BTCUSDT, nowhere"
    )
    assert made.licence == "MIT, CC0"
    assert made.exchange_info == {
        "symbols": [SPOT_ROW],
        "contracts": [PERP_ROW],
        "coins": [{"coinId": "BTC"}, {"coinId": "USDT"}],
    }


def test_the_rows_of_the_package_are_used_by_default(tmp_path: Path, run: Callable[..., Import]) -> None:
    made = run(write(tmp_path / "a.jsonl", header(), trade(1000)), venue_info=None)
    (row,) = made.reader.header.exchange_info["symbols"]
    assert row["symbol"] == "BTCUSDT"
    assert {"status", "filters", "baseAssetPrecision"} <= set(row)


def test_the_same_files_give_the_same_bytes(tmp_path: Path, run: Callable[..., Import]) -> None:
    one = write(tmp_path / "a.jsonl", header(), snapshot(1000, [BID], [ASK]), trade(1001))
    first = run(one).reader.path.read_bytes()
    assert run(one).reader.path.read_bytes() == first


def test_symbols_can_be_renamed_also_of_one_market_only(tmp_path: Path, run: Callable[..., Import]) -> None:
    coin = write(tmp_path / "a.jsonl", header(symbol="XBT"), trade(1000))
    assert run(coin, symbol_map={"XBT": "ETHUSDT"}).reader.header.symbols == ("ETHUSDT",)
    spot, perp = (
        write(tmp_path / "b.jsonl", header(), trade(1)),
        write(tmp_path / "c.jsonl", header(market="usdm"), trade(1)),
    )
    made = run(spot, perp, symbol_map={"spot:BTCUSDT": "ETHUSDT", "BTCUSDT": "BTCUSDT"})
    assert made.reader.header.symbols == ("ETHUSDT", "BTCUSDT")


def test_progress_is_told_in_bytes_of_the_input(tmp_path: Path, run: Callable[..., Import]) -> None:
    one = write(tmp_path / "a.jsonl", header(), *(trade(1000 + n) for n in range(12_000)))
    told: list[tuple[int, int]] = []
    run(one, progress=lambda done, total: told.append((done, total)))
    size = one.stat().st_size
    assert len(told) > 2
    assert {total for _, total in told} == {size}
    assert told == sorted(told)
    assert [done for done, _ in told].count(size) == 1
    assert told[-1] == (size, size)


@pytest.mark.parametrize(
    ("lines", "number", "says"),
    [
        ([], 1, "no header of neutral market data"),
        ([trade(1)], 1, "no header of neutral market data"),
        ([header(version=2)], 1, "no header of neutral market data"),
        ([header(qty_unit="contracts"), trade(1)], 1, "quantities in contracts"),
        ([header(market="coinm"), trade(1)], 1, "has no twin at HashKey"),
        ([header(symbol="NOPE"), trade(1)], 1, "NOPE is not a symbol of HashKey known here"),
        ([header(), trade(5), trade(4)], 3, "t is 4 after 5"),
        ([header(), trade(-1)], 2, "t is -1 after 0"),
        ([header(), trade(10**13)], 2, f"t is {10**13} after 0"),
        ([header(), trade(5), trade(6, price="1e3")], 3, "1e3 is not a price or a quantity"),
        ([header(), trade(5, qty="-1")], 2, "-1 is not a price or a quantity"),
        ([header(), snapshot(5, [["x", "1"]], [])], 2, "x is not a price or a quantity"),
        ([header(), diff(5, [], [])], 2, "changes come before the whole book"),
        ([header(), snapshot(5, [], []), diff(6, [], [], u=13)], 3, "updates 13 to 13 come after 10"),
        ([header(), trade(5) | {"side": "hold"}], 2, "Invalid enum value 'hold'"),
        ([header(), {"t": 5, "type": "rumour"}], 2, "Invalid value 'rumour'"),
        ([header(), trade(5) | {"t": "5"}], 2, "Expected `int`, got `str`"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    tmp_path: Path, run: Callable[..., Import], lines: list[Line], number: int, says: str
) -> None:
    path = write(tmp_path / "bad.jsonl", *lines)
    with pytest.raises(BadRecording) as caught:
        run(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{number}: ")
    assert says in message
    assert "\n" not in message


def test_the_line_is_right_when_several_files_are_merged(tmp_path: Path, run: Callable[..., Import]) -> None:
    good = write(tmp_path / "a.jsonl", header(), *(trade(n) for n in range(9)))
    bad = write(tmp_path / "b.jsonl", header(symbol="ETHUSDT"), trade(3), trade(4, price="?"), trade(5))
    with pytest.raises(BadRecording, match=r"b\.jsonl:3: \? is not a price"):
        run(good, bad)


def test_two_files_of_one_symbol_are_refused(tmp_path: Path, run: Callable[..., Import]) -> None:
    one, other = write(tmp_path / "a.jsonl", header(), trade(1)), write(tmp_path / "b.jsonl", header(), trade(1))
    with pytest.raises(BadRecording, match=r"b\.jsonl:1: BTCUSDT comes from .*a\.jsonl already"):
        run(one, other)


@pytest.mark.parametrize(
    "content",
    [b"not gzip", gzip.compress(b"x" * 1000, mtime=0)[:-10], b"\x1f\x8b\x08" + b"\xff" * 50],
    ids=["not gzip", "cut off", "nonsense"],
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, run: Callable[..., Import], content: bytes) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(BadRecording, match=r"a\.jsonl\.gz:1: "):
        run(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, run: Callable[..., Import]) -> None:
    with pytest.raises(BadRecording, match=r"nowhere\.jsonl: No such file"):
        run(tmp_path / "nowhere.jsonl")


def test_a_file_of_which_nothing_can_be_used_is_refused(tmp_path: Path, run: Callable[..., Import]) -> None:
    path = write(tmp_path / "a.jsonl", header(), {"t": 1, "type": "order_done"}, {"t": 1, "type": "order_open"})
    with pytest.raises(BadRecording, match=r"no line of it can be imported \(others: 1 order_done, 1 order_open\)"):
        run(path)


def test_an_import_that_fails_leaves_what_was_there(tmp_path: Path, run: Callable[..., Import]) -> None:
    good = write(tmp_path / "good.jsonl", header(), trade(1))
    before = run(good).reader.path.read_bytes()
    with pytest.raises(BadRecording):
        run(write(tmp_path / "bad.jsonl", header(), trade(1), trade(0)))
    assert (tmp_path / "out.hkrec").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"good.jsonl", "bad.jsonl", "out.hkrec"}
    assert run(good).reader.path.read_bytes() == before


def test_what_a_killed_import_left_behind_is_no_obstacle(tmp_path: Path, run: Callable[..., Import]) -> None:
    (tmp_path / "out.hkrec.part").write_bytes(b"half of it")
    assert len(run(write(tmp_path / "good.jsonl", header(), trade(1))).records) == 1
    assert not (tmp_path / "out.hkrec.part").exists()


@given(text=st.binary(max_size=120), headed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_recording_or_one_line(tmp_path: Path, text: bytes, headed: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes((json.dumps(header()).encode() + b"\n" if headed else b"") + text)
    with suppress(BadRecording):
        import_files([path], tmp_path / "out.hkrec", symbol_map={}, venue_info=INFO)


TEXTS = st.decimals("0", "3", places=3).map(str)
LINES = st.one_of(
    st.tuples(st.just("diff"), st.integers(0, 60), st.lists(st.tuples(TEXTS, TEXTS), max_size=3)),
    st.tuples(st.just("trade"), st.integers(0, 60), TEXTS),
)


@given(steps=st.lists(LINES, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happened_each_frame_is_one_that_the_feed_reads(tmp_path: Path, steps: list[Any]) -> None:
    now, u = 1000, 10
    lines = [header(), snapshot(now, [["1.5", "1"]], [["1.6", "1"]]), trade(now)]
    for kind, wait, what in steps:
        now += wait
        if kind == "trade":
            lines.append(trade(now, price="1", qty=what))
        else:
            u += 1
            lines.append(diff(now, [list(pair) for pair in what], [], u=u))
    out = tmp_path / "out.hkrec"
    import_files([write(tmp_path / "a.jsonl", *lines)], out, symbol_map={}, venue_info=INFO)
    sent: list[int] = []
    for record in Reader(out).records():
        assert record.direction is Direction.IN
        (message,) = parse(record.connection, record.data)
        if isinstance(message, DepthMessage):
            sent.append(record.ts // 10**6)
            prices = [[float(price) for price, _ in levels] for levels in (message.bids, message.asks)]
            assert prices == [sorted(prices[0], reverse=True), sorted(prices[1])]
            assert not prices[0] or not prices[1] or prices[0][0] < prices[1][0]
    assert all(later - one >= 100 for one, later in pairwise(sent))
    assert summarize(out).records == Reader(out).count
