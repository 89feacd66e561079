"""Orders that never came to be are remembered, the latest of them."""

from __future__ import annotations

from simulator.core.commands import CancelOrder, PlaceOrder
from simulator.core.events import Rejected
from simulator.core.explaining import explain_refusal
from simulator.core.orders import PositionEffect
from simulator.core.refusals import KEPT, Refusals
from simulator.core.rejections import RejectReason
from tests.builders import BUY, GTC, LIMIT, SYMBOL, book, futures


def order(id: str, account: str = "alice") -> PlaceOrder:
    return PlaceOrder(account, SYMBOL, BUY, LIMIT, 1, 100, id, GTC)


def test_a_refused_order_says_why() -> None:
    market, refusals = book(funds=10), Refusals()
    refusals.on_events(5, market.buy(1, 100, id="mine"))
    (refused,) = refusals.of("mine", lambda account: account == "alice")
    told = explain_refusal(refused)
    assert (told.status, told.reason, told.time) == ("REFUSED", "INSUFFICIENT_BALANCE", 5)
    assert told.rest == "it was refused: insufficient balance"


def test_a_refused_stop_is_an_order_too() -> None:
    play, refusals = futures("99x50", "101x50", mark=None), Refusals()
    refusals.on_events(5, play.stop(BUY, PositionEffect.OPEN, 0, 104, id="stop"))
    assert [one.order.client_order_id for one in refusals.of("stop", lambda account: True)] == ["stop"]


def test_they_are_found_by_account_and_newest_first() -> None:
    refusals = Refusals()
    for ts, account, reason in (
        (1, "alice", RejectReason.WOULD_TAKE),
        (2, "bob", RejectReason.WOULD_TAKE),
        (3, "alice", RejectReason.QTY_TOO_SMALL),
    ):
        refusals.on_events(ts, [Rejected(order("x", account), reason)])
    assert [one.ts for one in refusals.of("x", lambda account: account == "alice")] == [3, 1]
    assert [one.ts for one in refusals.of("x", lambda account: True)] == [3, 2, 1]
    assert list(refusals.of("y", lambda account: True)) == []


def test_what_else_is_refused_is_no_order() -> None:
    refusals = Refusals()
    refusals.on_events(1, [Rejected(CancelOrder("alice", 1, "x"), RejectReason.UNKNOWN_ORDER)])
    assert list(refusals.of("x", lambda account: True)) == []


def test_only_the_latest_are_kept() -> None:
    refusals = Refusals()
    for number in range(KEPT + 1):
        refusals.on_events(number, [Rejected(order(str(number)), RejectReason.WOULD_TAKE)])
    assert list(refusals.of("0", lambda account: True)) == []
    assert len(list(refusals.of("1", lambda account: True))) == 1
