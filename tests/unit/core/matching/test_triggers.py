"""Which stop goes off next."""

from __future__ import annotations

from simulator.core.commands import PlaceOrder, PlaceStop
from simulator.core.matching.triggers import Waiting
from simulator.core.orders import BUY, MARKET, PositionEffect, TriggerBy
from simulator.core.stops import Stop

TICK = 10


def stop(id: int, trigger: int, *, rising: bool, by: TriggerBy = TriggerBy.MARK) -> Stop:
    order = PlaceOrder("alice", "XY", BUY, MARKET, 1, None, "", effect=PositionEffect.OPEN)
    return Stop(id, PlaceStop(order, trigger, by), str(id), rising, 0, 0)


def due(waiting: Waiting, mark: int | None, last: int | None = None) -> list[int]:
    """Everything that goes off, in order."""
    found = []
    while (one := waiting.due(mark, last)) is not None:
        waiting.remove(one)
        found.append(one.id)
    return found


def test_a_rising_price_reaches_the_lowest_first_and_at_one_price_the_oldest() -> None:
    waiting = Waiting(TICK)
    for number, trigger in enumerate((105, 103, 103, 110)):
        waiting.add(stop(number, trigger, rising=True))
    assert due(waiting, 1029) == []
    assert due(waiting, 1050) == [1, 2, 0]
    assert waiting.count == 1


def test_a_falling_price_reaches_the_highest_first() -> None:
    waiting = Waiting(TICK)
    for number, trigger in enumerate((95, 97, 97, 90)):
        waiting.add(stop(number, trigger, rising=False))
    assert due(waiting, 971) == []
    assert due(waiting, 950) == [1, 2, 0]


def test_each_watches_its_own_price_and_no_price_reaches_nobody() -> None:
    waiting = Waiting(TICK)
    waiting.add(stop(1, 100, rising=True, by=TriggerBy.LAST))
    waiting.add(stop(2, 100, rising=True))
    assert due(waiting, None, None) == []
    assert due(waiting, 1000, 999) == [2]
    assert due(waiting, 999, 1000) == [1]
