"""Where a session has holes: what counts as one, and what does not."""

from __future__ import annotations

import pytest

from simulator.core.units import NANOS_PER_MILLI
from simulator.replay.format import Direction, Record
from simulator.replay.gaps import MOST_STREAMS, Gap, Gaps
from simulator.venues.hashkey.skim import about
from tests.unit.replay.recordings import V2, at

V1 = "/quote/ws/v1"


def found(records: list[Record], limit_ms: int = 5000) -> list[tuple[str, str, int, int]]:
    gaps = Gaps(limit_ms * NANOS_PER_MILLI)
    for record in records:
        gaps.add(record, about(record.connection, record.data))
    assert gaps.total == sum(gaps.count.values())
    return [(one.kind, one.where, one.from_ns // NANOS_PER_MILLI, one.to_ns // NANOS_PER_MILLI) for one in gaps.listed]


def book(ms: int, number: int, symbol: str = "BTCUSDT") -> Record:
    return at(ms, b'{"topic":"depth","params":{"symbol":"%b"},"data":{"v":"%d_1"}}' % (symbol.encode(), number))


def trade(ms: int, number: int) -> Record:
    return at(ms, b'{"topic":"trade","params":{"symbol":"BTCUSDT"},"data":{"v":"%d","t":%d}}' % (number, ms))


def subscribe(ms: int, symbol: str = "BTCUSDT", connection: str = V2) -> Record:
    text = b'{"topic":"depth","event":"sub","params":{"symbol":"%b"}}' % symbol.encode()
    return at(ms, text, connection, Direction.OUT)


def test_a_silence_is_longer_than_the_limit_and_our_own_pings_do_not_end_it() -> None:
    assert found([book(0, 1), book(5000, 2)]) == []
    assert found([book(0, 1), book(5001, 2)]) == [("silence", "", 0, 5001)]
    ping = at(4000, b'{"ping":4000}', direction=Direction.OUT)
    assert found([book(0, 1), ping, book(8000, 2)]) == [("silence", "", 0, 8000)]
    assert found([ping, book(10_000, 1)]) == []


def test_books_skip_numbers_but_never_go_back() -> None:
    assert found([book(0, 7), book(100, 90), book(200, 90), book(300, 4000)]) == []
    assert found([book(0, 7), book(100, 90), book(200, 89)]) == [("sequence", f"BTCUSDT depth {V2}", 100, 200)]
    assert found([book(0, 90), book(100, 7, "ETHUSDT")]) == [], "each symbol has numbers of its own"


def test_a_number_left_out_is_a_gap_only_where_they_were_counted() -> None:
    counted = [trade(n, n) for n in range(1, 30)]
    assert found([*counted, trade(30, 30), trade(40, 31)]) == []
    assert found([*counted, trade(40, 31)]) == [("sequence", f"BTCUSDT trade {V2}", 29, 40)]
    assert found([*counted[:10], trade(40, 31)]) == [], "not seen long enough"
    ids = [trade(n, n * n) for n in range(1, 60)]
    assert found(ids) == [], "the venue's own ids do not count"


def test_old_trades_on_subscribing_are_no_gap() -> None:
    first = b'{"symbol":"BTCUSDT","topic":"trade","data":[{"v":"%d"}],"f":true}'
    assert found([at(0, first % 9, V1), at(100, first % 3, V1)]) == []


def test_a_second_subscription_tells_of_a_reconnect() -> None:
    both = [subscribe(0), subscribe(0, "ETHUSDT")]
    again = [subscribe(900), subscribe(900, "ETHUSDT")]
    assert found([*both, book(100, 50)]) == []
    assert found([*both, book(100, 50), *again]) == [("reconnect", V2, 100, 900)]
    thrice = [*both, book(100, 50), *again, subscribe(950), subscribe(950, "ETHUSDT")]
    assert found(thrice) == [("reconnect", V2, 100, 900), ("reconnect", V2, 100, 950)]
    assert found([subscribe(0), subscribe(1, connection=V1)]) == [], "two sockets are told the same"


def test_after_a_reconnect_numbers_may_begin_anew() -> None:
    records = [subscribe(0), book(100, 50), book(150, 7, "ETHUSDT"), subscribe(900), book(1000, 3)]
    assert [one[0] for one in found(records)] == ["reconnect"]
    assert [one[0] for one in found([*records, book(1100, 2)])] == ["reconnect", "sequence"]


@pytest.mark.parametrize("data", [b"", b"\xff", b'{"topic":"depth"}', b'{"topic":"depth","data":{"v":""}}', b"[" * 500])
def test_what_cannot_be_read_has_no_number(data: bytes) -> None:
    assert found([at(0, data), at(1, data), at(2, data, direction=Direction.OUT)]) == []


def test_the_first_hundred_are_listed_and_all_are_counted() -> None:
    gaps = Gaps(NANOS_PER_MILLI)
    for n in range(300):
        gaps.add(at(10 * n), about(V2, b"{}"))
    assert (len(gaps.listed), gaps.count) == (100, {"silence": 299, "reconnect": 0, "sequence": 0})
    assert gaps.listed[0] == Gap("silence", "", 0, 10 * NANOS_PER_MILLI)


def test_streams_without_end_are_not_followed_without_end() -> None:
    gaps = Gaps()
    for n in range(2 * MOST_STREAMS):
        connection = f"/quote/ws/{n}"
        for one in (
            at(n, b'{"topic":"depth","symbol":"S%d","data":{"v":"1_1"}}' % n, connection),
            subscribe(n, connection=connection),
            subscribe(n, f"S{n}"),
        ):
            gaps.add(one, about(one.connection, one.data))
    sizes = [len(gaps._came), len(gaps._told), len(gaps._streams), len(gaps._told[V2])]
    assert max(sizes) <= MOST_STREAMS
