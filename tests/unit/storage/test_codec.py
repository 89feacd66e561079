"""Commands ↔ bytes: all of them, whatever they hold."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.commands import CancelOrder, Command, PlaceOrder
from simulator.core.events import AccountOpened, BalanceChanged, Deposited, Event, Rejected, Withdrawn
from simulator.core.exchange import HANDLERS
from simulator.core.instruments import Contract, Instrument, Tier
from simulator.core.rejections import RejectReason
from simulator.storage.codec import Entry, Unreadable, outcome, pack, unpack

COMMANDS = get_args(Command)
MONEY = 10**45

texts = st.text(st.characters(codec="utf-8"), max_size=20)
st.register_type_strategy(int, st.integers(-MONEY, MONEY))
st.register_type_strategy(str, texts)
for struct in (Tier, Contract, Instrument, PlaceOrder):
    st.register_type_strategy(struct, st.builds(struct))


def test_the_codec_knows_every_command_that_the_exchange_understands() -> None:
    assert set(COMMANDS) == set(HANDLERS)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_every_command_comes_back_as_it_was(kind: type, data: st.DataObject) -> None:
    command = data.draw(st.builds(kind))
    now, sum_ = data.draw(st.integers(0, 2**63)), data.draw(st.none() | st.integers(0, 2**32 - 1))
    [entry] = unpack(pack([Entry(now, command, sum_)]))
    assert (entry.now, entry.command, entry.outcome) == (now, command, sum_)
    assert type(entry.command) is kind


@given(st.lists(st.builds(CancelOrder, texts, st.integers(), texts), max_size=40))
def test_a_pack_keeps_the_order_large_or_small(commands: list[CancelOrder]) -> None:
    entries = [Entry(now, command) for now, command in enumerate(commands)]
    assert [entry.command for entry in unpack(pack(entries))] == commands


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"[", b"{}", b"x\x9c", b'[[1,{"command":"FlyAway"}]]', b'[["now",{}]]', b"[\xff]"]
)
def test_what_is_no_pack_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(data)


def test_an_outcome_tells_kinds_values_and_order_of_events_apart() -> None:
    opened, again = AccountOpened("a"), AccountOpened("b")
    balance = BalanceChanged("a", "X", 1, 0)
    many: list[list[Event]] = [
        [],
        [opened],
        [again],
        [opened, balance],
        [balance, opened],
        [BalanceChanged("a", "X", 0, 1)],
        [Rejected(CancelOrder("a", 1), RejectReason.UNKNOWN_ORDER)],
        [Deposited("a", "X", 1)],
        [Withdrawn("a", "X", 1)],
    ]
    assert len({outcome(events) for events in many}) == len(many)
    assert outcome([AccountOpened("a")]) == outcome([opened])
