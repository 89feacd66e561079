"""Tapes against a slow obvious reference: all trades in a list, looked through anew for each question."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.candles import DAY, HOUR, INTERVALS, MINUTE, RECENT_TRADES, Candle, Day, Series, Tape, Tapes
from simulator.core.events import MirrorChanged, TradeHappened
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI

NOON = int(datetime(2024, 8, 8, 12, 0, tzinfo=UTC).timestamp() * 1000)


def trade(ms: int, price: int = 100, qty: int = 1, side: Side = Side.BUY, id: int = 0) -> TradeHappened:
    return TradeHappened("XY", id, ms * NANOS_PER_MILLI, price, qty, side)


def tape(*trades: TradeHappened) -> Tape:
    made = Tape()
    for one in trades:
        made.add(one)
    return made


def rows(
    tape: Tape, interval: str, now: int, start: int | None = None, end: int | None = None, limit: int = 500
) -> str:
    """Candles as ``minutes-after-noon:open-high-low-close*volume``."""
    candles = tape.candles(interval, now, start_ms=start, end_ms=end, limit=limit)
    return " ".join(
        f"{(one.start_ms - NOON) // MINUTE}:{one.open}-{one.high}-{one.low}-{one.close}*{one.volume}" for one in candles
    )


def test_a_candle_holds_the_trades_of_its_minute() -> None:
    made = tape(trade(NOON, 100, 2), trade(NOON + 30_000, 90, 1, Side.SELL), trade(NOON + 59_999, 95, 3))
    (only,) = made.candles("1m", NOON + 59_999, start_ms=None, end_ms=None, limit=10)
    assert (only.start_ms, only.open, only.high, only.low, only.close) == (NOON, 100, 100, 90, 95)
    assert (only.volume, only.notional, only.trades) == (6, 575, 3)
    assert (only.taker_buy_volume, only.taker_buy_notional) == (5, 485)


def test_minutes_without_trades_are_flat() -> None:
    made = tape(trade(NOON, 100), trade(NOON + 3 * MINUTE, 110))
    assert rows(made, "1m", NOON + 4 * MINUTE) == (
        "0:100-100-100-100*1 1:100-100-100-100*0 2:100-100-100-100*0 3:110-110-110-110*1 4:110-110-110-110*0"
    )


def test_nothing_comes_before_the_first_trade_or_after_now() -> None:
    made = tape(trade(NOON), trade(NOON + 5 * MINUTE))
    assert rows(made, "1m", NOON - 1) == ""
    assert rows(made, "1m", NOON + 1, start=NOON - DAY) == "0:100-100-100-100*1"
    assert rows(Tape(), "1m", NOON) == ""


def test_the_limit_counts_from_the_start_time_or_else_from_the_newest_end() -> None:
    made = tape(*(trade(NOON + n * MINUTE, 100 + n) for n in range(5)))
    assert rows(made, "1m", NOON + 4 * MINUTE, limit=2) == "3:103-103-103-103*1 4:104-104-104-104*1"
    assert (
        rows(made, "1m", NOON + 4 * MINUTE, start=NOON + MINUTE, limit=2) == "1:101-101-101-101*1 2:102-102-102-102*1"
    )
    assert rows(made, "1m", NOON + 4 * MINUTE, end=NOON + 2 * MINUTE, limit=1) == "2:102-102-102-102*1"


def test_a_candle_may_start_before_its_first_trade_and_be_asked_for_by_that_start() -> None:
    made = tape(trade(NOON + 3 * MINUTE, 100))
    assert rows(made, "5m", NOON + 3 * MINUTE, start=NOON, end=NOON) == "0:100-100-100-100*1"
    assert rows(made, "5m", NOON + 3 * MINUTE, end=NOON - 1) == ""


def test_a_start_time_within_a_candle_leaves_that_candle_out() -> None:
    made = tape(trade(NOON), trade(NOON + MINUTE))
    assert rows(made, "1m", NOON + MINUTE, start=NOON + 1) == "1:100-100-100-100*1"
    assert rows(made, "1m", NOON + MINUTE, start=NOON + MINUTE + 1) == ""


@pytest.mark.parametrize(
    ("interval", "moment", "start"),
    [
        ("1w", "2024-08-08T12:00", "2024-08-05T00:00"),  # a Thursday
        ("1w", "2024-08-04T23:59", "2024-07-29T00:00"),  # the Sunday before
        ("1M", "2024-02-29T23:59", "2024-02-01T00:00"),
        ("1M", "2024-12-31T23:59", "2024-12-01T00:00"),
        ("1d", "2024-08-08T12:00", "2024-08-08T00:00"),
        ("8h", "2024-08-08T17:00", "2024-08-08T16:00"),
        ("3m", "2024-08-08T12:05", "2024-08-08T12:03"),
    ],
)
def test_intervals_start_where_the_calendar_says(interval: str, moment: str, start: str) -> None:
    at, expected = (int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000) for text in (moment, start))
    assert INTERVALS[interval].start(at) == expected


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_follow_each_other_without_gap_or_overlap(interval: str) -> None:
    span = INTERVALS[interval]
    start = span.start(NOON)
    for _ in range(30):
        after = span.after(start)
        assert span.start(after) == after
        assert span.start(after - 1) == start
        start = after


def test_a_late_trade_belongs_to_its_own_minute() -> None:
    made = tape(trade(NOON + 10, 100), trade(NOON + MINUTE, 120), trade(NOON + 5, 90), trade(NOON + 20, 95))
    assert rows(made, "1m", NOON + MINUTE) == "0:90-100-90-95*3 1:120-120-120-120*1"


def test_a_late_trade_may_open_a_minute_that_had_none() -> None:
    made = tape(trade(NOON, 100), trade(NOON + 2 * MINUTE, 120), trade(NOON + MINUTE, 110))
    assert rows(made, "1m", NOON + 2 * MINUTE) == "0:100-100-100-100*1 1:110-110-110-110*1 2:120-120-120-120*1"


def test_a_trade_older_than_everything_kept_is_left_out() -> None:
    series = Series(MINUTE, kept=8)
    for n in range(100):
        series.add(trade(NOON + n * MINUTE))
    assert len(series.starts) <= 9
    before = list(series.starts)
    series.add(trade(NOON - DAY))
    assert series.starts == before


def test_the_newest_candles_are_kept() -> None:
    series = Series(MINUTE, kept=8)
    for n in range(1000):
        series.add(trade(NOON + n * MINUTE))
    assert series.starts == [candle.start_ms for candle in series.candles]
    assert series.starts[-8:] == [NOON + n * MINUTE for n in range(992, 1000)]


def test_a_pause_of_years_costs_nothing() -> None:
    made = tape(trade(NOON), trade(NOON + 3000 * DAY))
    assert len(made.candles("1m", NOON + 3000 * DAY, start_ms=NOON, end_ms=None, limit=3)) == 3
    assert len(made.candles("1m", NOON + 3000 * DAY, start_ms=None, end_ms=None, limit=3)) == 3


def test_recent_trades_are_oldest_first_and_bounded() -> None:
    made = tape(*(trade(NOON + n, id=n) for n in range(RECENT_TRADES + 50)))
    assert [one.trade_id for one in made.recent(3)] == [1047, 1048, 1049]
    assert len(made.recent(10 * RECENT_TRADES)) == RECENT_TRADES
    assert made.recent(0) == []


def test_the_day_forgets_what_is_older_than_24_hours() -> None:
    made = tape(trade(NOON, 50, 7), trade(NOON + HOUR, 100, 2), trade(NOON + 2 * HOUR, 90, 1))
    assert made.day(NOON + DAY - 1) == Day(last=90, high=100, low=50, open=50, volume=10, notional=640)
    assert made.day(NOON + DAY) == Day(last=90, high=100, low=90, open=100, volume=3, notional=290)
    assert made.day(NOON + 3 * DAY) == Day(last=90, high=90, low=90, open=90, volume=0, notional=0)
    assert Tape().day(NOON) is None


def test_the_day_hears_of_trades_that_come_after_it_was_asked() -> None:
    made = tape(trade(NOON, 100))
    made.day(NOON + MINUTE)
    made.add(trade(NOON + 59_999, 130))  # late: its minute is over, but it is still the newest one
    made.day(NOON + MINUTE)
    made.add(trade(NOON + MINUTE, 110))
    assert made.day(NOON + MINUTE) == Day(last=110, high=130, low=100, open=100, volume=3, notional=340)
    made.add(trade(NOON + 1, 90))  # late: behind the newest one
    assert made.day(NOON + MINUTE) == Day(last=110, high=130, low=90, open=100, volume=4, notional=430)


def test_tapes_hear_trades_only() -> None:
    tapes = Tapes()
    tapes.on_events(0, [MirrorChanged("XY", 0), trade(NOON, 100, id=1)])
    assert [one.trade_id for one in tapes.of("XY").recent(10)] == [1]
    assert tapes.of("other").recent(10) == []


class Question(NamedTuple):
    interval: str
    now: int
    start: int | None
    end: int | None
    limit: int


SPAN = 45 * DAY
moments = st.one_of(
    st.integers(0, 3 * MINUTE), st.integers(0, SPAN), st.integers(0, SPAN // MINUTE).map(lambda minute: minute * MINUTE)
).map(lambda ms: NOON + ms)
trades = st.builds(trade, moments, st.integers(1, 9), st.integers(1, 9), st.sampled_from(Side))
questions = st.builds(
    Question, st.sampled_from(list(INTERVALS)), moments, st.none() | moments, st.none() | moments, st.integers(1, 40)
)


def expected(asked: Question, made: list[TradeHappened]) -> list[Candle]:
    """Candle after candle from the first trade on, each from all trades; then cut to what was asked."""
    span = INTERVALS[asked.interval]
    in_order = sorted(made, key=lambda one: one.ts)  # stable: as they came, where the time is the same
    if not in_order:
        return []
    found: list[Candle] = []
    start, close = span.start(in_order[0].ts // NANOS_PER_MILLI), 0
    until = min(asked.now, asked.now if asked.end is None else asked.end)
    while start <= until:
        after = span.after(start)
        own = [one for one in in_order if start <= one.ts // NANOS_PER_MILLI < after]
        prices = [one.price for one in own] or [close]
        close = prices[-1]
        bought = [one for one in own if one.side is Side.BUY]
        found.append(
            Candle(
                start,
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
                sum(one.qty for one in own),
                sum(one.qty * one.price for one in own),
                len(own),
                sum(one.qty for one in bought),
                sum(one.qty * one.price for one in bought),
                own[0].ts if own else 0,
                own[-1].ts if own else 0,
            )
        )
        start = after
    if asked.start is not None:
        lower = asked.start
        return [one for one in found if one.start_ms >= lower][: asked.limit]
    return found[-asked.limit :]


few_trades = st.lists(trades, max_size=12)
coarse = st.sampled_from(["4h", "12h", "1d", "1w", "1M"])


@given(few_trades, questions.flatmap(lambda one: coarse.map(lambda interval: one._replace(interval=interval))))
def test_long_candles_are_those_of_the_reference(made: list[TradeHappened], asked: Question) -> None:
    answer = tape(*made).candles(asked.interval, asked.now, start_ms=asked.start, end_ms=asked.end, limit=asked.limit)
    assert answer == expected(asked, made)


near = st.one_of(st.integers(0, 10).map(lambda minutes: minutes * MINUTE), st.integers(0, 3 * HOUR)).map(
    lambda ms: NOON + ms
)
near_trades = st.lists(st.builds(trade, near, st.integers(1, 9), st.integers(1, 9), st.sampled_from(Side)), max_size=12)
near_questions = st.builds(
    Question, st.sampled_from(list(INTERVALS)), near, st.none() | near, st.none() | near, st.integers(1, 40)
)


@given(near_trades, near_questions)
def test_candles_are_those_of_the_reference(made: list[TradeHappened], asked: Question) -> None:
    answer = tape(*made).candles(asked.interval, asked.now, start_ms=asked.start, end_ms=asked.end, limit=asked.limit)
    assert answer == expected(asked, made)


hours = st.integers(0, 60 * 12).map(lambda step: NOON + step * 5 * MINUTE)
spread_trades = st.builds(trade, hours, st.integers(1, 9), st.integers(1, 9), st.sampled_from(Side))


@given(st.lists(st.one_of(spread_trades, hours), max_size=30))
def test_the_day_is_that_of_the_reference(steps: list[TradeHappened | int]) -> None:
    """Trades in any order of time, with questions in between (what was asked before must not matter)."""
    made, so_far = Tape(), []
    for step in steps:
        if isinstance(step, TradeHappened):
            made.add(step)
            so_far.append(step)
            continue
        minute = step - step % MINUTE
        known = sorted((one for one in so_far if one.ts // NANOS_PER_MILLI < minute + MINUTE), key=lambda one: one.ts)
        window = [one for one in known if one.ts // NANOS_PER_MILLI >= minute + MINUTE - DAY]
        prices = [one.price for one in window] or [one.price for one in known[-1:]]
        answer = (
            Day(
                prices[-1],
                max(prices),
                min(prices),
                prices[0],
                sum(one.qty for one in window),
                sum(one.qty * one.price for one in window),
            )
            if prices
            else None
        )
        assert made.day(step) == answer
