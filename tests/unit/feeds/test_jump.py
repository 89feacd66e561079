"""What the market had told by a moment, read backwards."""

from __future__ import annotations

from pathlib import Path

from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_MILLI
from simulator.feeds.jump import TRADES, Known
from simulator.replay.format import Reader
from simulator.venues.hashkey.feed import DepthMessage, Message, TradeMessage
from tests.builders import perpetual
from tests.unit.replay.recordings import at, book, record, trade

BTC = Instrument(symbol="BTCUSDT", base="BTC", quote="USDT", tick="1", lot="1", min_qty="1", max_qty="100")


def known(tmp_path: Path, moment: int, *symbols: str) -> list[Message]:
    records = [book(n * 10, bid=str(n)) for n in range(1, 90)]
    records += [trade(n * 10 + 1, price=str(100 + n)) for n in range(1, 300)]
    records += [book(55, "ETHUSDT"), at(57, b"garbage"), at(58, b'{"pong":1}')]
    path = record(tmp_path / f"{moment}.hkrec", sorted(records, key=lambda one: one.ts), chunk_ns=100 * NANOS_PER_MILLI)
    found = Known(dict.fromkeys(symbols or ("BTCUSDT",), BTC))
    found.gather((one.connection, one.data) for one in Reader(path).before(moment * NANOS_PER_MILLI))
    return found.messages()


def test_the_last_book_up_to_the_moment_is_the_book(tmp_path: Path) -> None:
    books = [one for one in known(tmp_path, 60) if isinstance(one, DepthMessage)]
    assert [(one.symbol, one.bids[0][0]) for one in books] == [("BTCUSDT", "6")]


def test_of_trades_the_last_hundred_are_told_oldest_first_and_before_the_book(tmp_path: Path) -> None:
    messages = known(tmp_path, 2500)
    trades = [one.price for one in messages if isinstance(one, TradeMessage)]
    assert trades == [str(100 + n) for n in range(150, 250)]
    assert len(trades) == TRADES
    assert isinstance(messages[-1], DepthMessage)


def test_what_was_not_told_is_not_made_up(tmp_path: Path) -> None:
    assert known(tmp_path, 9) == []
    assert [type(one) for one in known(tmp_path, 60, "ETHUSDT")] == [DepthMessage]


def test_a_perpetuals_mark_index_and_funding_are_the_last_ones(tmp_path: Path) -> None:
    one = perpetual()
    assert one.contract is not None
    mark = b'{"topic":"markPrice","params":{"symbol":"%b"},"data":{"s":"%b","p":"%d","t":%d}}'
    index = b'{"symbol":"%b","topic":"index","data":[{"symbol":"%b","index":"%d","time":%d}]}'
    rate = b'[{"symbol":"%b","rate":"0.000%d","nextSettleTime":"5"}]'
    symbol, name = one.symbol.encode(), one.contract.index.encode()
    records = []
    for n in (1, 2, 3):
        records.append(at(n * 10, mark % (symbol, symbol, n, n)))
        records.append(at(n * 10 + 1, index % (name, name, n, n), "/quote/ws/v1"))
        records.append(at(n * 10 + 2, rate % (symbol, n), "/api/v1/futures/fundingRate"))
    path = record(tmp_path / "b.hkrec", records)
    found = Known({one.symbol: one})
    found.gather((each.connection, each.data) for each in Reader(path).before(25 * NANOS_PER_MILLI))
    assert [getattr(each, "price", getattr(each, "rate", None)) for each in found.messages()] == ["2", "2", "0.0002"]


def test_reading_backwards_gives_what_reading_forwards_gives(tmp_path: Path) -> None:
    path = record(tmp_path / "c.hkrec", [at(n * 7, b"%d" % n) for n in range(50)], chunk_ns=30 * NANOS_PER_MILLI)
    reader = Reader(path)
    for moment in (-1, 0, 6, 7, 100, 343, 1000):
        forwards = [one for one in reader.records() if one.ts <= moment * NANOS_PER_MILLI]
        assert list(reader.before(moment * NANOS_PER_MILLI)) == forwards[::-1]
