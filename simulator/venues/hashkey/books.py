"""A market's composite book as JSON rows, brought up to date by what changed.

Four hundred rows are most of what a depth message costs, and from one book to the next only a few
differ. So the text of every level is kept in its place and only those of touched levels are made anew:
a fifth of the time of putting the whole book together.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import Final

from simulator.core.market import Market
from simulator.core.orders import Side
from simulator.core.units import Lots, Ticks

DEPTH_LEVELS: Final = 200
"""WebSocket 1.4: up to 200 levels a side."""


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
    """One side's levels as texts such as ``["2318.5","0.0864"]``, best first.

    Mirrored levels are known by the mirror's touches. Own orders are few and change in many ways, so the
    best of their levels are compared with the last ones.
    """

    __slots__ = ("_keys", "_mirror", "_orders", "_own", "_price", "_size", "_texts", "_touches")

    def __init__(self, market: Market, side: Side) -> None:
        self._mirror = market.mirror.side(side)
        self._orders = market.book.side(side)
        self._price = market.instrument.price_grid.text
        self._size = market.instrument.qty_grid.text
        self._keys: list[int] = []
        self._texts: list[str] = []
        self._own: dict[int, Lots] = {}
        self._touches = 0

    def text(self) -> str:
        """The best ``DEPTH_LEVELS`` as they are now, with commas between them."""
        keys, texts, price, size = self._keys, self._texts, self._price, self._size
        touched, own, mirror = self._touched(), self._own, self._mirror
        sign, sizes, taken = mirror.sign, mirror.size_at, mirror.taken_at
        for key in touched:
            place = bisect_left(keys, key)
            shown = place < len(keys) and keys[place] == key
            lots = own.get(key, 0) + (mirror.available(key) if key in taken else sizes.get(key, 0))
            if lots:
                row = f'["{price(key * sign)}","{size(lots)}"]'
                if shown:
                    texts[place] = row
                else:
                    keys.insert(place, key)
                    texts.insert(place, row)
            elif shown:
                del keys[place], texts[place]
        return ",".join(texts[:DEPTH_LEVELS])

    def _touched(self) -> set[int]:
        """The keys of all levels that may be others than the last time."""
        mirror = self._mirror
        touched = mirror.touched_since(self._touches)
        self._touches = mirror.touches
        if touched is None:
            touched = {*self._keys, *mirror.size_at}
        levels = self._orders.levels
        own = {key: levels[key].qty for key in islice(levels, DEPTH_LEVELS)}
        if own != self._own:
            touched.update([key for key, _ in own.items() ^ self._own.items()])
            self._own = own
        return touched


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
            self.bids, self.asks = self._bid_rows.text(), self._ask_rows.text()
