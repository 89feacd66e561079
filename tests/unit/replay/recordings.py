"""Small recordings for tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.replay.format import Direction, Header, Record, Writer

V2 = "/quote/ws/v2"
HEADER = Header(
    venue="hashkey", symbols=("BTCUSDT",), origin="made up", licence="none", created_by="a test", clock_offset_ns=0
)


def at(ms: int, data: bytes = b"{}", connection: str = V2, direction: Direction = Direction.IN) -> Record:
    """A record at so many milliseconds."""
    return Record(ms * NANOS_PER_MILLI, connection, data, direction)


def book(ms: int, symbol: str = "BTCUSDT", *, bid: str = "99", ask: str = "101", t: int | None = None) -> Record:
    """A book of one level a side; ``t`` is its venue time."""
    text = (
        f'{{"topic":"depth","params":{{"symbol":"{symbol}"}},"data":{{"s":"{symbol}","t":{ms if t is None else t},'
        f'"v":"1_0","b":[["{bid}","1"]],"a":[["{ask}","1"]]}}}}'
    )
    return at(ms, text.encode())


def trade(ms: int, symbol: str = "BTCUSDT", *, price: str = "100") -> Record:
    """A trade of one lot by a buyer."""
    text = (
        f'{{"topic":"trade","params":{{"symbol":"{symbol}"}},'
        f'"data":{{"v":"1","t":{ms},"p":"{price}","q":"1","m":false}}}}'
    )
    return at(ms, text.encode())


def record(
    path: Path, records: Iterable[Record], *, header: Header = HEADER, chunk_ns: Nanos = 1000 * NANOS_PER_MILLI
) -> Path:
    """A file of these records, a chunk a second unless told otherwise."""
    with Writer(path, header, chunk_ns=chunk_ns) as writer:
        for one in records:
            writer.write(one)
    return path
