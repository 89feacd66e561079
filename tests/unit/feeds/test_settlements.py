"""A settlement of funding is placed once."""

from __future__ import annotations

from simulator.core.commands import SetFunding
from simulator.core.units import funding_rate
from simulator.feeds.settlements import Settlements
from simulator.feeds.sync import Quotes
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.feed import FundingMessage

PERP = "BTCUSDT-PERPETUAL"
EIGHT_MS, SECOND = 28_800_000, 10**9


class Place:
    """Settlements with an offset of the clocks that is set by hand."""

    def __init__(self) -> None:
        self.offset = 0
        listed = Catalogue.bundled().instruments([PERP])
        self._settlements = Settlements(
            Quotes({one.symbol: one for one in listed}), lambda ms: ms * 10**6 + self.offset
        )

    def told(self, rate: str, settle_ms: int) -> list[tuple[int, int]]:
        commands = self._settlements.commands(FundingMessage(PERP, rate, settle_ms))
        assert all(isinstance(one, SetFunding) for one in commands)
        return [(one.rate, one.settle_time) for one in commands if isinstance(one, SetFunding)]


def test_the_way_of_a_message_does_not_move_a_settlement() -> None:
    place = Place()
    place.offset = 210_000_000
    assert place.told("0.0001", EIGHT_MS) == [(funding_rate("0.0001"), EIGHT_MS * 10**6)]


def test_what_is_told_again_is_nothing_new() -> None:
    place = Place()
    assert place.told("0.0001", EIGHT_MS)
    place.offset = 700_000_000
    assert place.told("0.0001", EIGHT_MS) == []


def test_another_rate_of_the_same_settlement_does_not_move_it() -> None:
    place = Place()
    place.offset = 400_000_000
    place.told("0.0001", EIGHT_MS)
    place.offset = 600_000_000
    assert place.told("0.0002", EIGHT_MS) == [(funding_rate("0.0002"), EIGHT_MS * 10**6)]


def test_the_next_settlement_is_placed_anew_and_so_is_any_when_the_clocks_have_parted() -> None:
    place = Place()
    place.told("0.0001", EIGHT_MS)
    place.offset = 3 * SECOND
    assert place.told("0.0001", 2 * EIGHT_MS) == [(funding_rate("0.0001"), 2 * EIGHT_MS * 10**6 + 3 * SECOND)]
    place.offset = -60 * SECOND
    assert place.told("0.0001", 2 * EIGHT_MS) == [(funding_rate("0.0001"), 2 * EIGHT_MS * 10**6 - 60 * SECOND)]
