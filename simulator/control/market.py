"""The outside market by hand: books, trades, marks and funding rates as a test wants them.

Where a recording is played it can be set while the clock stands; when time goes on, so does the recording, with a whole
book. What is set counts at once: when the call is answered, its fills have happened. A trade that is set comes after
every book so far, so that it always counts in full (the venue's own times decide in ``core/mirror/fills.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.doing import Number, digits, do, market_of, steps
from simulator.control.table import Ask, BadAsk, Done, NotThere, Row
from simulator.core.accounts.funding import Funding
from simulator.core.commands import (
    ComputeMarkPrice,
    Levels,
    PrintTrade,
    ReplaceDepth,
    SetFunding,
    SetMarkPrice,
    SetTrading,
)
from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.units import NotANumber, OffGrid, Price, funding_rate, price, price_text
from simulator.runtime.steering import CannotSteer


class Book(Ask, frozen=True):
    """A whole book: levels of price and quantity, best first or not; no levels: nobody is there."""

    symbol: str
    bids: tuple[tuple[Number, Number], ...] = ()
    asks: tuple[tuple[Number, Number], ...] = ()


def set_book(parts: Parts, ask: Book) -> Done:
    """The outside market's book in place of what it was."""
    market = _by_hand(parts, ask.symbol)
    bids, asks = _levels(market, ask.bids, reverse=True), _levels(market, ask.asks, reverse=False)
    do(parts, ReplaceDepth(ask.symbol, parts.runner.now(), bids, asks))
    return Done()


def _levels(market: Market, told: Sequence[tuple[Number, Number]], *, reverse: bool) -> Levels:
    grids = market.instrument
    levels = {steps(grids.price_grid, one, "price"): steps(grids.qty_grid, size, "quantity") for one, size in told}
    if len(levels) < len(told):
        raise BadAsk("a price stands twice in one side of the book")
    return tuple(sorted(levels.items(), reverse=reverse))


class Print(Ask, frozen=True):
    """A trade of the outside market; ``side`` is its taker's, so SELL fills resting bids."""

    symbol: str
    price: Number
    qty: Number
    side: Literal["BUY", "SELL"]


def print_trade(parts: Parts, ask: Print) -> Done:
    """The outside market trades."""
    market = _by_hand(parts, ask.symbol)
    grids = market.instrument
    ticks, lots = steps(grids.price_grid, ask.price, "price"), steps(grids.qty_grid, ask.qty, "quantity")
    ts = max(parts.runner.catch_up(), market.mirror.ts + 1)
    do(parts, PrintTrade(ask.symbol, ts, ticks, lots, Side[ask.side]))
    return Done()


class Mark(Ask, frozen=True):
    """A perpetual's mark and index; neither of them: both follow from the books again."""

    symbol: str
    mark: Number | None = None
    index: Number | None = None


class MarkTold(msgspec.Struct, frozen=True):
    """What they are now."""

    mark: str | None
    index: str | None


def set_mark(parts: Parts, ask: Mark) -> MarkTold:
    """Mark and index as told, until something else is."""
    listed = _perpetual(parts, ask.symbol)
    if ask.mark is None and ask.index is None:
        do(parts, ComputeMarkPrice(ask.symbol))
    else:
        mark, index = (None if one is None else _price(one) for one in (ask.mark, ask.index))
        do(parts, SetMarkPrice(ask.symbol, parts.runner.now(), mark, index))
    return MarkTold(
        *(None if one is None else price_text(one) for one in (listed.perpetual.mark, listed.perpetual.index))
    )


def _price(number: Number) -> Price:
    try:
        return price(digits(number))
    except (NotANumber, OffGrid):
        raise BadAsk(f"{number} is not a price") from None


class Rate(Ask, frozen=True):
    """The rate of a perpetual's next settlement, as a fraction: 0.0001 is 0.01 %; longs pay shorts."""

    symbol: str
    rate: Number


def set_funding(parts: Parts, ask: Rate) -> Done:
    """Another rate for the settlement that comes next."""
    listed = _perpetual(parts, ask.symbol)
    coming: Funding | None = listed.perpetual.funding
    if coming is None:
        raise BadAsk(f"{ask.symbol} has no settlement ahead")
    try:
        told = funding_rate(digits(ask.rate))
    except (NotANumber, OffGrid):
        raise BadAsk(f"{ask.rate} is not a rate") from None
    do(parts, SetFunding(ask.symbol, told, coming.settle_time))
    return Done()


class Trading(Ask, frozen=True):
    """Whether a symbol trades."""

    symbol: str
    trading: bool


def set_trading(parts: Parts, ask: Trading) -> Done:
    """Halt or resume a symbol: while halted there are no new orders, cancels work."""
    market_of(parts, ask.symbol)
    do(parts, SetTrading(ask.symbol, ask.trading))
    return Done()


def _by_hand(parts: Parts, symbol: str) -> Market:
    market = market_of(parts, symbol)
    try:
        parts.steering.by_hand(symbol)
    except CannotSteer as error:
        raise BadAsk(str(error)) from None
    return market


def _perpetual(parts: Parts, symbol: str) -> PerpetualMarket:
    market_of(parts, symbol)
    listed = parts.desk.state.perpetuals.get(symbol)
    if listed is None:
        raise NotThere(f"{symbol} is not a perpetual")
    return listed


ROWS = (
    Row("POST", "market/book", set_book, Book, Done, "set the outside market's book"),
    Row("POST", "market/trade", print_trade, Print, Done, "let the outside market trade"),
    Row("POST", "market/mark", set_mark, Mark, MarkTold, "set a perpetual's mark and index, or let them follow"),
    Row("POST", "market/funding", set_funding, Rate, Done, "set the rate of a perpetual's next settlement"),
    Row("POST", "market/trading", set_trading, Trading, Done, "halt or resume a symbol"),
)
