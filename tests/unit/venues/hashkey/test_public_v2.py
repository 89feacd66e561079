"""What clients may say on ``/quote/ws/v2`` and what they hear (hashkey-websocket.md 2, 3)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.candles import INTERVALS
from simulator.venues.hashkey.sockets import Ending, StreamSwitches
from tests.sockets import Hall, Talk


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def client(hall: Hall) -> Talk:
    return hall.v2()


@pytest.mark.parametrize("topic", ["depth", "bbo", "trade", "realtimes"])
@pytest.mark.parametrize("event", ["sub", "cancel"])
def test_success_repeats_what_was_asked(client: Talk, topic: str, event: str) -> None:
    success = {"topic": topic, "event": event, "params": {"symbol": "BTCUSDT", "x": 1}, "code": "0", "msg": "Success"}
    assert client.ask(topic, event, x=1) == [success]
    assert client.ask(topic, event, x=1) == [success], "also the second time"


@pytest.mark.parametrize("interval", INTERVALS)
def test_bars_of_every_interval_can_be_had(client: Talk, interval: str) -> None:
    assert client.ask("kline", klineType=interval)[0]["code"] == "0"


@pytest.mark.parametrize(
    ("topic", "params"),
    [
        ("depth", {"symbol": "NOPE"}),
        ("depth", {"symbol": "BTCUSDT,ETHUSDT"}),
        ("depth", {"symbol": 5}),
        ("depth", {}),
        ("kline", {"symbol": "BTCUSDT"}),
        ("kline", {"symbol": "BTCUSDT", "klineType": "7m"}),
        ("kline", {"symbol": "BTCUSDT", "klineType": ["1m"]}),
        ("markPrice", {"symbol": "BTCUSDT"}),
    ],
)
def test_a_wrong_parameter_is_refused_in_the_same_shape(client: Talk, topic: str, params: dict[str, Any]) -> None:
    refused = {"topic": topic, "event": "sub", "params": params, "code": "-100011", "msg": "Parameter error!"}
    assert client.say(topic=topic, event="sub", params=params) == [refused]


def test_parameters_that_are_no_object_are_wrong(client: Talk) -> None:
    assert client.say(topic="depth", event="sub", params="BTCUSDT")[0]["code"] == "-100011"
    assert client.say(topic="depth", event="sub", symbol="BTCUSDT")[0]["code"] == "-100011"


@pytest.mark.parametrize("topic", ["index", "fundingRate", "kline_1m", "mergedDepth", None, 5, ["depth"], {}])
def test_an_unknown_topic_is_refused_as_on_v1(client: Talk, topic: Any) -> None:
    assert client.ask(topic) == [{"code": "-10004", "desc": "Invalid topic!"}]


@pytest.mark.parametrize("text", ["", "hello", "[]", "[" * 30_000, b"\xff"])
def test_what_is_not_a_json_object_is_refused_as_on_v1(client: Talk, text: str | bytes) -> None:
    assert client.raw(text) == [{"code": "-10001", "desc": "Invalid JSON!"}]


@pytest.mark.parametrize(("event", "answer"), [(None, "Event required!"), ("cancel_all", "Invalid event")])
def test_an_unknown_event_is_refused(client: Talk, event: Any, answer: str) -> None:
    assert [one["desc"] for one in client.ask("depth", event)] == [answer]


def test_cancel_ends_the_stream(hall: Hall, client: Talk) -> None:
    client.ask("depth")
    client.ask("depth", "cancel")
    hall.site.depth("BTCUSDT", "1x1", "2x1")
    hall.wait(300)
    assert client.heard() == []


def test_a_second_subscription_does_not_double_the_stream(hall: Hall, client: Talk) -> None:
    for _ in range(2):
        client.ask("depth")
    hall.site.depth("BTCUSDT", "1x1", "2x1")
    hall.wait(300)
    assert len(client.heard()) == 1


def test_pings_are_answered_and_pongs_are_not(hall: Hall, client: Talk) -> None:
    assert client.say(ping="x") == [{"pong": hall.site.now_ms()}]
    assert client.say(pong="x") == []


def test_silence_ends_it_even_while_it_streams(hall: Hall, client: Talk) -> None:
    client.ask("depth")
    assert client.session.check(hall.now, 30.9) is None
    assert client.session.check(hall.now, 31) is Ending.DROP
    client.session.last_heard = 31
    assert client.session.check(hall.now, 61.9) is None


def test_silent_clients_stay_when_it_is_switched_so() -> None:
    hall = Hall(StreamSwitches(v2_silence_s=None))
    assert hall.v2().session.check(hall.now, 10_000) is None
