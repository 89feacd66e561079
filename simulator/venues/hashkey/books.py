"""A market's composite book as JSON rows, made once per change however many ask.

Four hundred rows are most of what a depth message costs, and from one book to the next only a few
differ, so the text of each row is remembered: three times as fast as making them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final, cast

from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.core.units import Lots, Ticks

DEPTH_LEVELS: Final = 200
"""WebSocket 1.4: up to 200 levels a side."""
_MEMO_LIMIT: Final = 5000


def keyed(market: Market, side: Side, most: int) -> list[tuple[int, Lots]]:
    """The best levels of a side by the keys that the books sort by (``MirrorSide``)."""
    mirror, own = market.mirror.side(side), market.book.side(side)
    sizes, taken = mirror.size_at, mirror.taken_at
    keys = list(islice(sizes, most + len(taken)))
    if not taken and own.best is None:
        return list(zip(keys, map(sizes.__getitem__, keys), strict=True))
    lots_at = dict(zip(keys, map(sizes.__getitem__, keys), strict=True))
    for key in taken:
        if key in lots_at:
            lots_at[key] = mirror.available(key)
    for level in islice(own, most):
        lots_at[level.key] = lots_at.get(level.key, 0) + level.qty
    return list(islice(((key, lots_at[key]) for key in sorted(lots_at) if lots_at[key]), most))


def top(market: Market, side: Side, most: int) -> list[tuple[Ticks, Lots]]:
    """The best levels of ``market.levels``, quicker than one by one."""
    sign = market.mirror.side(side).sign
    return [(key * sign, lots) for key, lots in keyed(market, side, most)]


class Rows:
    """A side's levels as texts such as ``["2318.5","0.0864"]``."""

    __slots__ = ("_price", "_sign", "_size", "_texts")

    def __init__(self, market: Market, side: Side) -> None:
        self._sign = market.mirror.side(side).sign
        self._price = market.instrument.price_grid.text
        self._size = market.instrument.qty_grid.text
        self._texts: dict[tuple[int, Lots], str] = {}

    def of(self, levels: Sequence[tuple[int, Lots]]) -> str:
        """The rows of some keyed levels, with commas between them."""
        found = list(map(self._texts.get, levels))
        if not all(found):
            self._make_up(found, levels)
        return ",".join(cast("list[str]", found))

    def _make_up(self, found: list[str | None], levels: Sequence[tuple[int, Lots]]) -> None:
        """Put the texts that are missing into their places."""
        texts = self._texts
        if len(texts) > _MEMO_LIMIT:
            texts.clear()
        for place, text in enumerate(found):
            if text is None:
                key, size = level = levels[place]
                found[place] = texts[level] = f'["{self._price(key * self._sign)}","{self._size(size)}"]'


class BookTexts:
    """Both sides of one market's book, up to ``DEPTH_LEVELS``, as JSON rows of its present version."""

    __slots__ = ("_ask_rows", "_bid_rows", "_market", "_version", "asks", "bids")

    def __init__(self, market: Market) -> None:
        self._market = market
        self._bid_rows, self._ask_rows = Rows(market, Side.BUY), Rows(market, Side.SELL)
        self._version = -1
        self.bids = self.asks = ""

    def refresh(self) -> None:
        """Bring ``bids`` and ``asks`` up to the market's version."""
        market = self._market
        if market.version != self._version:
            self._version = market.version
            self.bids = self._bid_rows.of(keyed(market, Side.BUY, DEPTH_LEVELS))
            self.asks = self._ask_rows.of(keyed(market, Side.SELL, DEPTH_LEVELS))
