"""Identifiers and time."""

from __future__ import annotations

import pytest

from simulator.core.state import ID_EPOCH_MS, State
from simulator.core.units import NANOS_PER_MILLI

NOON = 1_732_449_600_000


def at(ms: int) -> State:
    state = State()
    state.advance(ms * NANOS_PER_MILLI)
    return state


def test_an_identifier_tells_its_millisecond() -> None:
    state = at(NOON)
    assert state.next_id() >> 23 == NOON - ID_EPOCH_MS
    state.advance((NOON + 1) * NANOS_PER_MILLI)
    assert state.next_id() >> 23 == NOON + 1 - ID_EPOCH_MS


def test_identifiers_of_times_before_the_epoch_are_small_numbers() -> None:
    state = at(5)
    assert [state.next_id(), state.next_id()] == [1, 2]
    assert state.last_id == 2


def test_later_identifiers_are_larger_also_when_a_millisecond_has_too_many() -> None:
    state = at(NOON)
    state.last_id = ((NOON - ID_EPOCH_MS + 1) << 23) - 3
    made = [state.next_id() for _ in range(6)]
    state.advance((NOON + 1) * NANOS_PER_MILLI)
    made += [state.next_id() for _ in range(2)]
    assert made == sorted(set(made))


def test_identifiers_before_the_epoch_never_repeat() -> None:
    state = at(5)
    first = state.next_id()
    state.advance(6 * NANOS_PER_MILLI)
    assert state.next_id() > first
    assert state.next_id() > first


def test_time_never_runs_backwards() -> None:
    state = at(5)
    with pytest.raises(AssertionError):
        state.advance(4)
