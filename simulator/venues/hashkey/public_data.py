"""The ``data`` of the public sockets' frames as JSON: member names, order and types of hashkey-websocket.md 1 and 2.

Made of texts where speed counts (books, trades), of structs elsewhere.
"""

from __future__ import annotations

import msgspec

from simulator.core.candles import Candle, Tape
from simulator.core.events import TradeHappened
from simulator.core.instruments import Instrument
from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos, plain, price_text
from simulator.venues.hashkey.books import DEPTH_LEVELS, BookTexts, top
from simulator.venues.hashkey.public import EXCHANGE, SECOND_MS, mark_row, merged


def has_levels(market: Market) -> bool:
    """Whether the book shows anything."""
    return market.best(Side.BUY) is not None or market.best(Side.SELL) is not None


def depth_v1(market: Market, texts: BookTexts) -> bytes:
    """WebSocket 1.4. ``t`` is the time of the last change, so it never goes back."""
    texts.refresh()
    return (
        f'[{{"e":{EXCHANGE},"s":"{market.instrument.symbol}","t":{market.ts // NANOS_PER_MILLI},'
        f'"v":"{market.version}_18","b":[{texts.bids}],"a":[{texts.asks}],"o":0}}]'
    ).encode()


def depth_v2(market: Market, texts: BookTexts) -> bytes:
    """WebSocket 2."""
    texts.refresh()
    return (
        f'{{"s":"{market.instrument.symbol}","t":{market.ts // NANOS_PER_MILLI},'
        f'"v":"{version_v2(market)}","b":[{texts.bids}],"a":[{texts.asks}]}}'
    ).encode()


def version_v2(market: Market) -> str:
    """WebSocket 2: on perpetuals the suffix was the number of decimals of the price."""
    return f"{market.version}_{market.instrument.price_grid.decimals}"


class MergedRow(msgspec.Struct):
    """WebSocket 1.5; a difference carries no ``s``."""

    e: int
    s: str | msgspec.UnsetType
    t: Millis
    v: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    o: int


def merged_sides(market: Market, scale: int) -> tuple[dict[str, str], dict[str, str]]:
    """Sizes by price, summed at ``scale`` decimals: bids and asks."""
    bids, asks = (merged(market, side, scale, DEPTH_LEVELS) for side in (Side.BUY, Side.SELL))
    return _by_price(bids), _by_price(asks)


def _by_price(rows: list[list[str]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}


def merged_depth(market: Market, scale: int) -> bytes:
    """WebSocket 1.5, ``mergedDepth``: as ``depth``, in coarser steps."""
    bids, asks = merged_sides(market, scale)
    return merged_row(market, scale, list(bids.items()), list(asks.items()), 0)


def merged_row(
    market: Market, scale: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]], number: int
) -> bytes:
    """Levels as the ``number``-th message of their series; 0 is a whole book."""
    symbol = msgspec.UNSET if number else market.instrument.symbol
    ms, version = market.ts // NANOS_PER_MILLI, f"{market.version}_{scale}"
    return msgspec.json.encode([MergedRow(EXCHANGE, symbol, ms, version, bids, asks, number)])


def difference(old: dict[str, str], new: dict[str, str]) -> list[tuple[str, str]]:
    """Levels that are others now; size 0 removes one."""
    gone = [(price, "0") for price in old if price not in new]
    return gone + [level for level in new.items() if old.get(level[0]) != level[1]]


def best_texts(market: Market) -> list[str]:
    """Bid, its size, ask, its size; "0" where there is none."""
    grids = market.instrument
    texts: list[str] = []
    for side in (Side.BUY, Side.SELL):
        level = top(market, side, 1)
        texts += [grids.price_grid.text(level[0][0]), grids.qty_grid.text(level[0][1])] if level else ["0", "0"]
    return texts


def best(market: Market, texts: list[str]) -> bytes:
    """WebSocket 2, ``bbo``."""
    bid, bid_size, ask, ask_size = texts
    return (
        f'{{"s":"{market.instrument.symbol}","b":"{bid}","bz":"{bid_size}","a":"{ask}","az":"{ask_size}",'
        f'"t":{market.ts // NANOS_PER_MILLI},"v":"{version_v2(market)}"}}'
    ).encode()


def trade_item(grids: Instrument, trade: TradeHappened) -> str:
    """WebSocket 1.6; ``m``: the buyer was the maker, so the taker sold."""
    return (
        f'{{"v":"{trade.trade_id}","t":{trade.ts // NANOS_PER_MILLI},"p":"{grids.price_grid.text(trade.price)}",'
        f'"q":"{grids.qty_grid.text(trade.qty)}","m":{"true" if trade.side is Side.SELL else "false"}}}'
    )


class Ticker(msgspec.Struct):
    """WebSocket 1.7."""

    t: Millis
    s: str
    sn: str
    c: str = "0"
    h: str = "0"
    l: str = "0"  # noqa: E741 - the wire's name, here and below
    o: str = "0"
    v: str = "0"
    qv: str = "0"
    m: str = "0"
    e: int = EXCHANGE


class TickerV2(msgspec.Struct):
    """WebSocket 2."""

    t: Millis
    s: str
    o: str
    h: str
    l: str  # noqa: E741
    c: str
    v: str
    qv: str
    m: str


def ticker(grids: Instrument, tape: Tape, now_ms: Millis) -> Ticker:
    """The last 24 hours; all "0" while nothing has traded, as over REST (HashKey REST 2.9)."""
    row = Ticker(now_ms, grids.symbol, grids.symbol)
    day = tape.day(now_ms)
    if day is not None:
        price = grids.price_grid.text
        row.c, row.h, row.l, row.o = price(day.last), price(day.high), price(day.low), price(day.open)
        row.v, row.qv = grids.qty_grid.text(day.volume), grids.notional_grid.text(day.notional)
        row.m = change_ratio(day.open, day.last)
    return row


def ticker_v1(grids: Instrument, tape: Tape, now_ms: Millis) -> bytes:
    """WebSocket 1.7."""
    return msgspec.json.encode([ticker(grids, tape, now_ms)])


def ticker_v2(grids: Instrument, tape: Tape, now_ms: Millis) -> bytes:
    """WebSocket 2."""
    row = ticker(grids, tape, now_ms)
    return msgspec.json.encode(TickerV2(row.t, row.s, row.o, row.h, row.l, row.c, row.v, row.qv, row.m))


def change_ratio(before: int, after: int) -> str:
    """(after - before) / before, rounded to four decimals (WebSocket 1.7).

    >>> change_ratio(291578, 219500), change_ratio(4, 5)
    ('-0.2472', '0.25')
    """
    change = after - before
    rounded = (abs(change) * 20_000 + before) // (2 * before)
    return plain(rounded if change >= 0 else -rounded, 4)


class Bar(msgspec.Struct):
    """WebSocket 1.8 and 2."""

    t: Millis
    s: str
    sn: str
    c: str
    h: str
    l: str  # noqa: E741
    o: str
    v: str


def bar(grids: Instrument, candle: Candle) -> Bar:
    """A candle in the venue's words."""
    price, symbol = grids.price_grid.text, grids.symbol
    prices = price(candle.close), price(candle.high), price(candle.low), price(candle.open)
    return Bar(candle.start_ms, symbol, symbol, *prices, grids.qty_grid.text(candle.volume))


def bar_v1(grids: Instrument, candle: Candle) -> bytes:
    """WebSocket 1.8."""
    return msgspec.json.encode([bar(grids, candle)])


def bar_v2(grids: Instrument, candle: Candle) -> bytes:
    """WebSocket 2."""
    return msgspec.json.encode(bar(grids, candle))


class MarkV2(msgspec.Struct):
    """WebSocket 2, ``markPrice``."""

    s: str
    p: str
    t: Millis


class IndexRow(msgspec.Struct):
    """WebSocket 1.10. ``formula`` says of which venues the index is made; here that is not known."""

    symbol: str
    index: str
    edp: str
    formula: str
    time: Millis


def mark_v1(listed: PerpetualMarket, now: Nanos) -> bytes | None:
    """WebSocket 1.9; None while there is no mark."""
    mark = listed.perpetual.mark
    return None if mark is None else msgspec.json.encode(mark_row(listed.symbol, mark, now // NANOS_PER_MILLI))


def mark_v2(listed: PerpetualMarket, now: Nanos) -> bytes | None:
    """WebSocket 2; None while there is no mark."""
    mark = listed.perpetual.mark
    if mark is None:
        return None
    ms = now // NANOS_PER_MILLI
    return msgspec.json.encode(MarkV2(listed.symbol, price_text(mark), ms - ms % SECOND_MS))


def index_v1(listed: PerpetualMarket, history: PerpetualHistory, now: Nanos) -> bytes | None:
    """WebSocket 1.10; None while there is no index."""
    index = listed.perpetual.index
    if index is None:
        return None
    mean = history.index_mean(listed.symbol, now) or index
    ms = now // NANOS_PER_MILLI
    row = IndexRow(listed.contract.index, price_text(index), price_text(mean), "", ms - ms % SECOND_MS)
    return msgspec.json.encode([row])
