"""Who hears what on the private socket, in which order, and how long (hashkey-websocket.md 4)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.commands import CancelOpenOrders, Deposit, Transfer
from simulator.core.events import (
    BalanceChanged,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    PositionChanged,
    PositionLiquidated,
)
from simulator.core.units import money
from simulator.venues.hashkey.reports import Reports
from simulator.venues.hashkey.sockets import Ending, StreamSwitches
from tests.sockets import Ear, Hall, Talk

HOUR = 3_600_000


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def alice(hall: Hall) -> Talk:
    return hall.private("alice")


def events(talk: Talk) -> list[Any]:
    """The events heard, each from its own array."""
    frames = talk.heard()
    assert all(isinstance(frame, list) and len(frame) == 1 for frame in frames), frames
    return [frame[0] for frame in frames]


def names(heard: list[Any]) -> list[str]:
    """Event names; of reports the status, of balances the asset."""
    shown = {"executionReport": "X", "outboundAccountInfo": "B", "outboundContractAccountInfo": "B"}
    found = []
    for one in heard:
        detail = one.get(shown.get(one["e"], ""), "")
        found.append(f"{one['e']} {detail[0]['a'] if isinstance(detail, list) else detail}".strip())
    return found


def test_a_resting_order_is_reported_and_its_hold(hall: Hall, alice: Talk) -> None:
    order = hall.site.alice.order("BUY", "0.01", "50000", newClientOrderId="mine").json
    heard = events(alice)
    assert names(heard) == ["executionReport NEW", "outboundAccountInfo USDT"]
    report, balance = heard
    assert (report["c"], report["i"]) == ("mine", order["orderId"])
    assert (report["q"], report["r"], report["z"], report["l"]) == ("0.01", "0.01", "0", "0")
    assert (report["d"], report["L"], report["N"], report["n"], report["Z"]) == ("", "", "", "0", "0")
    assert balance["B"] == [{"a": "USDT", "f": "99500", "l": "500", "r": ""}]


def test_an_order_that_fills_at_once_is_first_reported_new_and_whole(hall: Hall, alice: Talk) -> None:
    """WebSocket 4.11, and the figures of each report are those of its moment."""
    hall.site.alice.order("BUY", "1.5", "60020", newClientOrderId="mine")
    heard = events(alice)
    assert names(heard[:5]) == [
        "executionReport NEW",
        "ticketInfo",
        "executionReport PARTIALLY_FILLED",
        "ticketInfo",
        "executionReport FILLED",
    ]
    assert sorted(names(heard[5:])) == ["outboundAccountInfo BTC", "outboundAccountInfo USDT"]
    new, _, first, _, last = heard[:5]
    assert [(one["l"], one["z"], one["r"]) for one in (new, first, last)] == [
        ("0", "0", "1.5"),
        ("1", "1", "0.5"),
        ("0.5", "1.5", "0"),
    ]
    assert [(one["L"], one["V"], one["Z"]) for one in (new, first, last)] == [
        ("", "0", "0"),
        ("60000", "60000", "60000"),
        ("60010", "60003.3333", "90005"),
    ]
    assert [(one["n"], one["N"]) for one in (new, first, last)] == [("0", ""), ("0.0012", "BTC"), ("0.0006", "BTC")]


def test_the_ids_of_report_ticket_and_rest_agree(hall: Hall, alice: Talk) -> None:
    hall.site.alice.order("BUY", "1", "60000")
    heard = events(alice)
    (trade,) = hall.site.alice.signed("GET", "/api/v1/account/trades").json
    assert heard[1]["T"] == heard[2]["d"] == trade["ticketId"]
    assert heard[1]["o"] == heard[2]["i"] == trade["orderId"]
    assert heard[1]["a"] == hall.site.desk.ids.account_id("alice")


def test_the_ids_of_a_fill_differ_when_it_is_switched_so() -> None:
    hall = Hall(StreamSwitches(execution_is_ticket=False))
    talk = hall.private("alice")
    hall.site.alice.order("BUY", "1", "60000")
    _, ticket, report = events(talk)[:3]
    assert report["d"] not in ("", ticket["T"])


def test_the_maker_is_told_too(hall: Hall, alice: Talk) -> None:
    bob = hall.private("bob")
    hall.site.alice.order("BUY", "0.5", "59999.99")
    hall.site.trade("BTCUSDT", "59000", "5")
    heard = [one for one in events(alice) if one["e"] in ("executionReport", "ticketInfo")]
    assert names(heard) == ["executionReport NEW", "ticketInfo", "executionReport FILLED"]
    assert [one["m"] for one in heard] == [False, True, True]
    assert bob.heard() == []


def test_the_rest_of_an_ioc_order_is_reported_cancelled_with_its_reason(hall: Hall, alice: Talk) -> None:
    hall.site.alice.order("BUY", "1.5", "60000", timeInForce="IOC")
    hall.site.alice.order("BUY", "0.1", "50000", timeInForce="IOC")
    reports = [one for one in events(alice) if one["e"] == "executionReport"]
    assert [one["X"] for one in reports] == ["NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED", "NEW", "CANCELED"]
    assert [one.get("x") for one in reports] == [None, None, "RISKLIMIT_CANCEL", None, "RISKLIMIT_CANCEL"]
    partly, gone = reports[2], reports[4]
    assert [(one["z"], one["r"], one["l"], one["d"]) for one in (partly, gone)] == [
        ("1", "0.5", "0", ""),
        ("0", "0.1", "0", ""),
    ]
    assert (partly["V"], partly["Z"], gone["V"], gone["Z"]) == ("60000", "60000", "0", "0")


def test_self_trade_prevention_is_a_reason(hall: Hall, alice: Talk) -> None:
    hall.site.alice.order("BUY", "1", "59999.99")
    hall.site.depth("BTCUSDT", "", "70000x1")
    events(alice)
    hall.site.alice.order("SELL", "1", "59000", stpMode="EXPIRE_TAKER")
    reports = [one for one in events(alice) if one["e"] == "executionReport"]
    assert [(one["X"], one.get("x")) for one in reports] == [("NEW", None), ("CANCELED", "SELF_TRADE_CANCEL")]


def test_a_cancel_is_reported_and_the_hold_comes_back(hall: Hall, alice: Talk) -> None:
    order = hall.site.alice.order("BUY", "0.01", "50000").json
    alice.heard()
    hall.site.alice.signed("DELETE", "/api/v1/spot/order", orderId=order["orderId"])
    heard = events(alice)
    assert names(heard) == ["executionReport CANCELED", "outboundAccountInfo USDT"]
    assert heard[0]["x"] == "USER_CANCEL"
    assert heard[1]["B"][0] == {"a": "USDT", "f": "100000", "l": "0", "r": ""}


def test_many_cancels_are_reported_one_by_one(hall: Hall, alice: Talk) -> None:
    for price in ("50000", "50001", "50002"):
        hall.site.alice.order("BUY", "0.01", price)
    alice.heard()
    hall.site.runner.do(CancelOpenOrders("alice"))
    assert names(events(alice)) == ["executionReport CANCELED"] * 3 + ["outboundAccountInfo USDT"]


@pytest.mark.parametrize(
    ("params", "kind", "q", "requested"),
    [
        ({"side": "SELL", "quantity": "0.1"}, "MARKET_OF_BASE", "0.1", "0"),
        ({"side": "BUY", "quantity": "6000"}, "MARKET_OF_QUOTE", "0", "6000"),
    ],
)
def test_market_orders_say_what_they_are_of(
    hall: Hall, alice: Talk, params: dict[str, str], kind: str, q: str, requested: str
) -> None:
    hall.site.alice.signed("POST", "/api/v1/spot/order", symbol="BTCUSDT", type="MARKET", **params)
    reports = [one for one in events(alice) if one["e"] == "executionReport"]
    assert {one["o"] for one in reports} == {kind}
    assert {(one["q"], one["reqAmt"], one["p"]) for one in reports} == {(q, requested, "0")}
    assert [one["X"] for one in reports] == ["NEW", "FILLED"]
    assert [one["z"] for one in reports] == ["0", "0.1"]
    assert [one["r"] for one in reports] == [q, "0"]


def test_a_rejected_order_is_no_event(hall: Hall, alice: Talk) -> None:
    assert hall.site.alice.order("BUY", "100", "60000").status == 400
    assert alice.heard() == []


def test_no_report_says_pending_new(hall: Hall, alice: Talk) -> None:
    """Hummingbot raises at it (WebSocket 4.7)."""
    for side, price in (("BUY", "60000"), ("SELL", "59999.99"), ("BUY", "1000"), ("SELL", "61000")):
        hall.site.alice.order(side, "0.1", price)
    states = {one["X"] for one in events(alice) if one["e"] == "executionReport"}
    assert states <= {"NEW", "PARTIALLY_FILLED", "FILLED"}


def test_every_connection_of_a_user_hears_it_and_the_same_frames(hall: Hall, alice: Talk) -> None:
    second = hall.private("alice/futures")
    hall.site.alice.order("BUY", "0.01", "50000")
    assert [one is two for one, two in zip(alice.ear.frames, second.ear.frames, strict=True)] == [True, True]


def test_nobody_else_hears_it(hall: Hall, alice: Talk) -> None:
    bob = hall.private("bob")
    hall.site.bob.order("BUY", "1", "60000")
    assert alice.heard() == []
    assert len(bob.heard()) == 5


def test_the_futures_wallet_is_told_in_its_own_words(hall: Hall, alice: Talk) -> None:
    hall.site.runner.do(Transfer("alice", "alice/futures", "USDT", money("400")))
    heard = events(alice)
    assert names(heard) == ["outboundAccountInfo USDT", "outboundContractAccountInfo USDT"]
    assert [one["B"][0]["f"] for one in heard] == ["99600", "100400"]


def test_money_is_told_with_all_its_decimals(hall: Hall, alice: Talk) -> None:
    hall.site.runner.do(Deposit("alice", "BTC", money("0.000000000000000001")))
    assert events(alice)[0]["B"][0]["f"] == "2.000000000000000001"


def test_the_frames_of_a_command_are_sent_when_it_is_done(hall: Hall, alice: Talk) -> None:
    """So that they are on the wire before the reply over REST is (Hummingbot 8; server/outbox.py: Turn)."""
    hall.site.alice.order("BUY", "1", "60000")
    assert len(alice.ear.frames) == 5


def test_several_events_share_a_frame_when_it_is_switched_so() -> None:
    hall = Hall(StreamSwitches(one_event_per_frame=False))
    talk = hall.private("alice")
    hall.site.alice.order("BUY", "1", "60000")
    (frame,) = talk.ear.heard()
    assert names(frame)[:3] == ["executionReport NEW", "ticketInfo", "executionReport FILLED"]


def test_nothing_is_rendered_for_those_who_do_not_listen(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = hall.private("bob")
    rendered: list[object] = []
    renders = hall.streams._renders
    monkeypatch.setattr(hall.streams, "_renders", dict.fromkeys(renders, rendered.append))
    hall.site.alice.order("BUY", "1", "60000")
    talk.session.closed()
    hall.site.bob.order("BUY", "0.5", "60010")
    assert rendered == []
    assert hall.streams._listeners == {}


def test_every_event_about_an_account_has_its_report() -> None:
    hall = Hall()
    renders = Reports(hall.site.exchange.state, hall.site.desk.ids, hall.switches).renders
    assert set(renders) == {
        OrderAccepted,
        OrderFilled,
        OrderCanceled,
        BalanceChanged,
        PositionChanged,
        PositionLiquidated,
    }


def test_a_ping_of_the_client_comes_back_with_its_own_value(alice: Talk) -> None:
    (pong,) = alice.say(ping=1748504490208)
    assert list(pong) == ["pong", "channelId"]
    assert pong["pong"] == 1748504490208
    assert alice.say(ping="x")[0] == {"pong": "x", "channelId": pong["channelId"]}


@pytest.mark.parametrize("text", ["", "hello", "[" * 30_000, '{"pong":1}', '{"topic":"depth","event":"sub"}', b"\xff"])
def test_anything_else_that_the_client_says_is_ignored(alice: Talk, text: str | bytes) -> None:
    assert alice.raw(text) == []


def test_the_server_pings_every_thirty_seconds_of_the_exchange(hall: Hall, alice: Talk) -> None:
    hall.until(100)
    opened = hall.private()
    hall.wait(29_900)
    assert opened.heard() == []
    hall.wait(100)
    (ping,) = opened.heard()
    assert list(ping) == ["ping", "channelId"]
    assert ping["ping"] == hall.site.now_ms()
    hall.wait(29_900)
    assert opened.heard() == []
    hall.wait(100)
    assert len(opened.heard()) == 1


def test_pings_can_be_switched_off() -> None:
    hall = Hall(StreamSwitches(private_ping_s=None))
    talk = hall.private()
    hall.wait(100_000)
    assert talk.heard() == []


def test_silence_does_not_end_it_unless_switched_so(hall: Hall, alice: Talk) -> None:
    assert alice.session.check(hall.now, 100_000) is None
    strict = Hall(StreamSwitches(private_silence_s=3600)).private()
    assert strict.session.check(hall.now, 3599) is None
    assert strict.session.check(hall.now, 3600) is Ending.CLOSE
    strict.session.last_heard = 3500
    strict.say(pong=1)
    assert strict.session.check(hall.now, 7000) is None


def test_the_stream_ends_with_its_key(hall: Hall) -> None:
    talk = hall.private("alice")
    hall.wait(HOUR)
    assert talk.session.check(hall.now, 1) is None, "ccxt renews exactly after an hour"
    hall.wait(HOUR // 30)
    assert talk.session.check(hall.now, 1) is Ending.CLOSE


def test_the_stream_ends_when_its_key_is_deleted(hall: Hall) -> None:
    key = hall.site.alice.signed("POST", "/api/v1/userDataStream").json["listenKey"]
    talk = hall.private("alice")
    session = hall.streams.open(key, talk.ear, hall.now, 0.0)
    assert session is not None
    hall.site.alice.signed("DELETE", "/api/v1/userDataStream", listenKey=key)
    assert session.check(hall.now, 1) is Ending.CLOSE
    assert talk.session.check(hall.now, 1) is None


def test_nothing_is_told_to_whom_the_key_has_left_though_he_is_still_connected(hall: Hall) -> None:
    alice = hall.site.alice
    key = alice.signed("POST", "/api/v1/userDataStream").json["listenKey"]
    ear, other = Ear(), hall.private("alice")
    assert hall.streams.open(key, ear, hall.now, 0.0) is not None
    alice.signed("DELETE", "/api/v1/userDataStream", listenKey=key)
    alice.order()
    assert ear.heard() == []
    assert other.heard() != []


def test_nobody_gets_in_with_an_unknown_key(hall: Hall, alice: Talk) -> None:
    assert hall.streams.open("x" * 64, alice.ear, hall.now, 0.0) is None
