"""Public endpoints: the server itself, the instruments, and market data (hashkey-rest.md 2)."""

from __future__ import annotations

from typing import Any, Final

from simulator.core.candles import INTERVALS
from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, Millis, Price, plain, price_text
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.books import top
from simulator.venues.hashkey.desk import Call, Desk, encode
from simulator.venues.hashkey.errors import Refusal, VenueError

DEPTH_DEFAULT, DEPTH_MOST = 100, 200
TRADES_MOST = 100
KLINES_DEFAULT, KLINES_MOST = 500, 1000
SCALE_MOST = 30
INSTRUMENT_TYPES: Final = ("SPOT", "FUTURES", "ANY")
EXCHANGE: Final = 301
SECOND_MS: Final[Millis] = 1000


def ping(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/ping."""
    return b"{}"


def server_time(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/time: a number here (HashKey REST 2.2)."""
    return encode({"serverTime": call.now_ms + call.skew})


def exchange_info(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/exchangeInfo: with a symbol the bare row, otherwise the envelope (HashKey REST 2.3)."""
    symbol = call.params.get("symbol")
    if symbol:
        market = desk.market(symbol)
        return encode(_row(desk, symbol, market))
    rows = [_row(desk, name, market) for name, market in desk.state.markets.items()]
    return encode(desk.catalogue.envelope(call.now_ms, rows))


def _row(desk: Desk, symbol: str, market: Market) -> dict[str, Any]:
    row = desk.catalogue.row(symbol, trading=market.trading)
    if symbol in desk.breaks and not market.trading:
        row["status"] = "BREAK"  # HashKey REST 2.3, an older page's third status
    return row


def coin_info(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/coinInfo."""
    name = read.required(call.params, "coinId")
    coin = desk.catalogue.coin(name)
    if coin is None:
        raise VenueError(Refusal.COIN_UNKNOWN)
    return encode({"timezone": "UTC", "serverTime": str(call.now_ms), "coins": [coin]})


def quote_whole(call: Call, name: str) -> int | None:
    """An optional whole number in the words of the quote family (real shapes 10)."""
    text = call.params.get(name)
    if not text:
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= read.LONGEST_DIGITS):
        raise VenueError(Refusal.QUOTE_NOT_A_NUMBER, name)
    return int(text)


def quote_limit(call: Call, default: int, most: int) -> int:
    """``limit``: larger values are clamped (HashKey REST 2.4)."""
    value = quote_whole(call, "limit")
    if value is None:
        return default
    if value <= 0:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "limit")
    return min(value, most)


def sides(market: Market, limit: int) -> tuple[list[list[str]], list[list[str]]]:
    """The composite book as texts, bids and asks, best first."""
    price, size = market.instrument.price_grid.text, market.instrument.qty_grid.text
    bids, asks = (
        [[price(ticks), size(lots)] for ticks, lots in top(market, side, limit)] for side in (Side.BUY, Side.SELL)
    )
    return bids, asks


def depth(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/depth: ``t`` is the time of the last change (real shapes 3.2)."""
    market = desk.quoted_market(call.params)
    limit = quote_limit(call, DEPTH_DEFAULT, DEPTH_MOST)
    return book_reply(desk, market, limit)


def book_reply(desk: Desk, market: Market, limit: int) -> bytes:
    """The book's body, encoded once per change of the book however often it is asked for."""
    place = market.instrument.symbol, limit
    version, body = desk.depth_replies.get(place, (-1, b""))
    if version != market.version:
        bids, asks = sides(market, limit)
        body = encode({"t": market.ts // NANOS_PER_MILLI, "b": bids, "a": asks})
        desk.depth_replies[place] = market.version, body
    return body


def merged_depth(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/depth/merged: levels summed at ``scale`` decimals, away from the spread."""
    market = desk.quoted_market(call.params)
    limit = quote_limit(call, DEPTH_DEFAULT, DEPTH_MOST)
    scale = quote_whole(call, "scale")
    if scale is None:
        return book_reply(desk, market, limit)
    if abs(scale) > SCALE_MOST:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "scale")
    bids, asks = (merged(market, side, scale, limit) for side in (Side.BUY, Side.SELL))
    return encode({"t": market.ts // NANOS_PER_MILLI, "b": bids, "a": asks})


def merged(market: Market, side: Side, scale: int, limit: int) -> list[list[str]]:
    """Levels summed in steps of 10^-scale: bids rounded down, asks up, so nobody looks better than he is."""
    grid = market.instrument.price_grid
    decimals = max(grid.decimals, scale, 0)
    unit, step = 10 ** (decimals - grid.decimals), 10 ** (decimals - scale)
    sums: dict[int, int] = {}
    for ticks, lots in market.levels(side):
        price = ticks * grid.step * unit
        key = price // step if side is Side.BUY else -(-price // step)
        if key not in sums and len(sums) == limit:
            break
        sums[key] = sums.get(key, 0) + lots
    size = market.instrument.qty_grid.text
    return [[plain(key * step, decimals), size(lots)] for key, lots in sums.items() if key]


def trades(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/trades: oldest first, no id (HashKey REST 2.6)."""
    market = desk.quoted_market(call.params)
    price, size = market.instrument.price_grid.text, market.instrument.qty_grid.text
    recent = desk.tapes.of(market.instrument.symbol).recent(quote_limit(call, TRADES_MOST, TRADES_MOST))
    return encode(
        [
            {
                "t": one.ts // NANOS_PER_MILLI,
                "p": price(one.price),
                "q": size(one.qty),
                "ibm": one.side is Side.SELL,
            }
            for one in recent
        ]
    )


def klines(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/klines: rows of eleven, close time always 0 (HashKey REST 2.7)."""
    market = desk.quoted_market(call.params)
    interval = call.params.get("interval")
    if not interval:
        raise VenueError(Refusal.QUOTE_PARAMETER_MISSING, "interval")
    if interval not in INTERVALS:
        raise VenueError(Refusal.QUOTE_INTERVAL_UNKNOWN)
    rows = desk.tapes.of(market.instrument.symbol).candles(
        interval,
        call.now_ms,
        start_ms=quote_whole(call, "startTime"),
        end_ms=quote_whole(call, "endTime"),
        limit=quote_limit(call, KLINES_DEFAULT, KLINES_MOST),
    )
    price, size, cash = _texts(market)
    return encode(
        [
            [
                one.start_ms,
                price(one.open),
                price(one.high),
                price(one.low),
                price(one.close),
                size(one.volume),
                0,
                cash(one.notional),
                one.trades,
                size(one.taker_buy_volume),
                cash(one.taker_buy_notional),
            ]
            for one in rows
        ]
    )


def _texts(market: Market) -> tuple[Any, Any, Any]:
    grids = market.instrument
    return grids.price_grid.text, grids.qty_grid.text, grids.notional_grid.text


def ticker_24hr(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/ticker/24hr: always an array (HashKey REST 2.8)."""
    kind = call.params.get("instType", "SPOT")
    if kind not in INSTRUMENT_TYPES:
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "instType")
    if call.params.get("symbol"):
        return encode([_day_row(desk, desk.quoted_market(call.params), call.now_ms)])
    markets = (one for one in desk.state.markets.values() if kind in ("ANY", instrument_type(one)))
    return encode([_day_row(desk, market, call.now_ms) for market in markets])


def instrument_type(market: Market) -> str:
    """``it``: SPOT or FUTURES."""
    return "SPOT" if market.perpetual is None else "FUTURES"


def _day_row(desk: Desk, market: Market, now_ms: int) -> dict[str, object]:
    price, size, cash = _texts(market)
    day = desk.tapes.of(market.instrument.symbol).day(now_ms)
    bid, ask = market.best(Side.BUY), market.best(Side.SELL)
    return {
        "t": now_ms,
        "s": market.instrument.symbol,
        "c": price(day.last) if day else "0",
        "h": price(day.high) if day else "0",
        "l": price(day.low) if day else "0",
        "o": price(day.open) if day else "0",
        "b": "0" if bid is None else price(bid),
        "a": "0" if ask is None else price(ask),
        "v": size(day.volume) if day else "0",
        "qv": cash(day.notional) if day else "0",
        "it": instrument_type(market),
    }


def ticker_price(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/ticker/price: an array; never traded is "0" (HashKey REST 2.9)."""
    markets = [desk.quoted_market(call.params)] if call.params.get("symbol") else desk.state.markets.values()
    return encode(
        [
            {
                "s": market.instrument.symbol,
                "p": "0" if market.last is None else market.instrument.price_grid.text(market.last),
            }
            for market in markets
        ]
    )


def book_ticker(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/ticker/bookTicker: symbol required (HashKey REST 2.10)."""
    market = desk.quoted_market(call.params)
    bids, asks = sides(market, 1)
    bid, ask = (bids or [["0", "0"]])[0], (asks or [["0", "0"]])[0]
    row = {
        "s": market.instrument.symbol,
        "b": bid[0],
        "bq": bid[1],
        "a": ask[0],
        "aq": ask[1],
        "t": market.ts // NANOS_PER_MILLI,
    }
    return encode([row])


def mark_price(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/markPrice: a spot or unknown id, as a mark not known, is an empty body (HashKey REST 2.11)."""
    symbol = call.params.get("symbol")
    if not symbol:
        raise VenueError(Refusal.QUOTE_PARAMETER_MISSING, "symbol")
    listed = desk.state.perpetuals.get(symbol)
    mark = None if listed is None else listed.perpetual.mark
    return b"" if mark is None else encode(mark_row(symbol, mark, call.now_ms))


def mark_row(symbol: str, mark: Price, now_ms: Millis) -> dict[str, object]:
    """``time`` is a whole second (real shapes 3.7)."""
    return {
        "exchangeId": EXCHANGE,
        "symbolId": symbol,
        "price": price_text(mark),
        "time": now_ms // SECOND_MS * SECOND_MS,
    }


def index(desk: Desk, call: Call) -> bytes:
    """GET /quote/v1/index: by index name; of an unknown one nothing (HashKey REST 2.12)."""
    wanted = call.params.get("symbol")
    now, means = {}, {}
    for listed in desk.state.perpetuals.values():
        name, value = listed.contract.index, listed.perpetual.index
        if value is not None and wanted in (None, "", name):
            now[name] = price_text(value)
            means[name] = price_text(desk.perpetuals.index_mean(listed.symbol, call.now) or value)
    return encode({"index": now, "edp": means})
