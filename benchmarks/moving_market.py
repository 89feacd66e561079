"""An outside market as it moves: books of 200 levels a side, about fifteen of them changed by each message.

Synthetic, in the shape of the venue's ``depth`` topic. Sizes near the touch change most, and now and then
a level disappears and another one appears, so that both sides always show as many levels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from simulator.core.instruments import Instrument
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.replay.format import Header, Record, Writer
from simulator.venues.hashkey import feed_frames
from simulator.venues.hashkey.feed import V2, Pair

LEVELS: Final = 200
CHANGES: Final = 15
START_MS: Final[Millis] = 1_790_000_000_000
INTERVAL_MS: Final[Millis] = 100
MIDDLE: Final = 6_000_000
INSTRUMENT: Final = Instrument(
    symbol="BTCUSDT", base="BTC", quote="USDT", tick="0.01", lot="0.00001", min_qty="0.00001", max_qty="100"
)

Pairs: TypeAlias = list[Pair]


@dataclass(frozen=True)
class Moment:
    """One message as a whole book, and as only what changed since the one before; as bytes."""

    ts_ms: Millis
    snapshot: bytes
    diff: bytes


class _Side:
    def __init__(self, chance: random.Random, sign: int) -> None:
        self._chance = chance
        self._sign = sign
        self.sizes: dict[int, int] = {}
        while len(self.sizes) < LEVELS:
            self._appear()

    def _appear(self) -> int:
        """A new level, somewhere in twice the space that the levels need."""
        while True:
            distance = self._chance.randrange(1, 2 * LEVELS)
            price = MIDDLE + self._sign * distance * 10
            if price not in self.sizes:
                self.sizes[price] = self._size()
                return price

    def _size(self) -> int:
        return self._chance.randrange(1, 500_000)

    def ordered(self) -> list[int]:
        """Best price first."""
        return sorted(self.sizes, key=lambda price: self._sign * price)

    def move(self, changes: int) -> dict[int, int]:
        """Change some levels; what they are now."""
        changed: dict[int, int] = {}
        prices = self.ordered()
        for _ in range(changes):
            price = prices[min(int(self._chance.expovariate(1 / 30)), LEVELS - 1)]
            if price not in self.sizes:
                continue
            if self._chance.random() < 0.1:
                del self.sizes[price]
                changed[price] = 0
                fresh = self._appear()
                changed[fresh] = self.sizes[fresh]
            else:
                changed[price] = self.sizes[price] = self._size()
        return changed

    def texts(self, sizes: dict[int, int]) -> Pairs:
        """As the venue writes them, best first."""
        price, qty = INSTRUMENT.price_grid.text, INSTRUMENT.qty_grid.text
        return [(price(at), qty(sizes[at])) for at in sorted(sizes, key=lambda at: self._sign * at)]


def moments(count: int, seed: int = 6) -> list[Moment]:
    """So many messages; the first diff is a whole book."""
    chance = random.Random(seed)
    bids, asks = _Side(chance, -1), _Side(chance, 1)
    changed = dict(bids.sizes), dict(asks.sizes)
    told = []
    for number in range(count):
        ts_ms = START_MS + number * INTERVAL_MS
        told.append(
            Moment(
                ts_ms,
                _frame(ts_ms, number, bids.texts(bids.sizes), asks.texts(asks.sizes)),
                _frame(ts_ms, number, bids.texts(changed[0]), asks.texts(changed[1])),
            )
        )
        many = chance.randrange(CHANGES)
        changed = bids.move(many), asks.move(CHANGES - many)
    return told


def _frame(ts_ms: Millis, number: int, bids: Pairs, asks: Pairs) -> bytes:
    return feed_frames.depth(INSTRUMENT.symbol, ts_ms=ts_ms, version=f"{number}_18", bids=bids, asks=asks)


def record(folder: Path, told: Sequence[Moment]) -> Path:
    """The snapshots as a recording."""
    header = Header(venue="made", symbols=(INSTRUMENT.symbol,), origin="benchmarks", licence="none", created_by="us")
    path = folder / f"{len(told)}.hkrec"
    with Writer(path, header) as writer:
        for one in told:
            writer.write(Record(one.ts_ms * NANOS_PER_MILLI, V2, one.snapshot))
    return path
