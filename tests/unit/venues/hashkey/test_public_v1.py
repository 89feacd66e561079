"""What clients may say on ``/quote/ws/v1`` and what they hear (hashkey-websocket.md 1.1, 1.2, 3)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.venues.hashkey.sockets import Ending, StreamSwitches
from tests.sockets import Hall, Talk

INVALID_SYMBOLS = {"code": "-100010", "desc": "Invalid Symbols!"}
INVALID_TOPIC = {"code": "-10004", "desc": "Invalid topic!"}
INVALID_JSON = {"code": "-10001", "desc": "Invalid JSON!"}


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def client(hall: Hall) -> Talk:
    return hall.v1()


def changed(hall: Hall) -> None:
    """The book moves, and the next frame is due."""
    hall.site.depth("BTCUSDT", f"{hall.site.now_ms() % 1000 + 1}x1", "2000x1")
    hall.wait(300)


@pytest.mark.parametrize("symbol", ["NOPE", "", "btcusdt", "BTCUSDT-PERP", 5, None, ["BTCUSDT"], {}])
def test_an_unknown_symbol_is_refused(client: Talk, symbol: Any) -> None:
    assert client.say(topic="depth", event="sub", symbol=symbol) == [INVALID_SYMBOLS]


def test_a_missing_symbol_is_refused(client: Talk) -> None:
    assert client.say(topic="depth", event="sub") == [INVALID_SYMBOLS]


@pytest.mark.parametrize(
    "topic", ["bbo", "fundingRate", "kline", "kline_7m", "kline_", "diffDepth", "", 5, None, ["depth"]]
)
def test_an_unknown_topic_is_refused(client: Talk, topic: Any) -> None:
    assert client.say(topic=topic, event="sub", symbol="BTCUSDT") == [INVALID_TOPIC]


@pytest.mark.parametrize(
    ("topic", "symbol"), [("markPrice", "BTCUSDT"), ("index", "BTCUSDT-PERPETUAL"), ("markPrice", ""), ("index", "x")]
)
def test_marks_are_of_perpetuals_and_indexes_have_names_of_their_own(client: Talk, topic: str, symbol: str) -> None:
    assert client.sub(topic, symbol) == [INVALID_SYMBOLS]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        '{"topic":}',
        "[]",
        '"depth"',
        "7",
        "null",
        "[" * 30_000,
        '{"id":' * 30_000,
        b"\xff\xfe",
        '{"ping":01}',
    ],
)
def test_what_is_not_a_json_object_is_refused(client: Talk, text: str | bytes) -> None:
    assert client.raw(text) == [INVALID_JSON]


def test_a_message_may_come_in_a_binary_frame(client: Talk) -> None:
    assert client.raw(b'{"topic":"depth","event":"sub","symbol":"BTCUSDT"}')[0]["f"] is True


@pytest.mark.parametrize("scale", [None, "", "x", 1.5, True, 100, "1e3", "--1", "٣", [1]])
def test_differences_need_a_scale(client: Talk, scale: Any) -> None:
    refused = {"code": "-100013", "desc": "DumpScale required!"}
    assert client.sub("diffMergedDepth", params={"dumpScale": scale}) == [refused]
    assert client.sub("diffMergedDepth") == [refused]


@pytest.mark.parametrize(
    ("event", "answer"), [(None, "Event required!"), ("subscribe", "Invalid event"), (1, "Invalid event")]
)
def test_an_unknown_event_is_refused_in_the_words_of_the_platform(client: Talk, event: Any, answer: str) -> None:
    assert [one["desc"] for one in client.say(topic="depth", event=event, symbol="BTCUSDT")] == [answer]


def test_an_error_leaves_everything_else_as_it_was(hall: Hall, client: Talk) -> None:
    client.sub("depth")
    client.sub("depth", "NOPE")
    changed(hall)
    assert [frame["topic"] for frame in client.heard()] == ["depth"]


def test_of_a_list_the_good_symbols_are_served(hall: Hall, client: Talk) -> None:
    answer = client.sub("depth", "ETHUSDT, NOPE ,BTCUSDT")
    assert [frame.get("symbol") for frame in answer] == ["ETHUSDT", "BTCUSDT", None]
    assert answer[-1] == INVALID_SYMBOLS


def test_a_symbol_named_twice_counts_once(client: Talk) -> None:
    assert len(client.sub("depth", "BTCUSDT,BTCUSDT")) == 1


def test_subscribing_twice_repeats_the_first_frame_and_does_not_double_the_stream(hall: Hall, client: Talk) -> None:
    assert [client.sub("depth")[0]["f"] for _ in range(3)] == [True] * 3
    changed(hall)
    assert [frame["f"] for frame in client.heard()] == [False]


def test_subscribing_twice_is_silent_when_it_is_switched_so(hall: Hall) -> None:
    client = Hall(StreamSwitches(repeat_first_frame=False)).v1()
    assert len(client.sub("depth")) == 1
    assert client.sub("depth") == []


def test_a_new_subscription_may_change_the_parameters(hall: Hall, client: Talk) -> None:
    client.sub("depth", id=1)
    client.sub("depth", id="two", params={"binary": "false"})
    changed(hall)
    (frame,) = client.heard()
    assert (frame["id"], frame["params"]["binary"]) == ("two", "false")


def test_cancel_is_silent(hall: Hall, client: Talk) -> None:
    client.sub("depth", "BTCUSDT,ETHUSDT")
    client.sub("realtimes")
    assert client.say(symbol="BTCUSDT", topic="depth", event="cancel") == []
    assert client.say(symbol="BTCUSDT", topic="trade", event="cancel") == []
    changed(hall)
    assert client.heard() == []
    hall.site.depth("ETHUSDT", "1x1", "2x1")
    hall.wait(300)
    assert [frame["symbol"] for frame in client.heard()] == ["ETHUSDT"]


def test_cancel_all_drops_everything(hall: Hall, client: Talk) -> None:
    client.sub("depth", "BTCUSDT,ETHUSDT")
    client.sub("trade")
    assert client.say(event="cancel_all") == []
    changed(hall)
    hall.site.trade("BTCUSDT", "5", "1")
    hall.wait(300)
    assert client.heard() == []


@pytest.mark.parametrize("id", [1, "1", 0, None, False, {"a": [1, 2]}, "ü", 1.5, 12345678901234567890])
def test_the_id_comes_back_as_it_was(hall: Hall, client: Talk, id: Any) -> None:
    frames = client.sub("depth", id=id)
    changed(hall)
    assert [frame["id"] for frame in frames + client.heard()] == [id, id]


def test_without_an_id_there_is_none(client: Talk) -> None:
    assert "id" not in client.sub("depth")[0]


@pytest.mark.parametrize(
    ("sent", "echoed"), [(False, "false"), ("false", "false"), (True, "true"), ("true", "true"), (5, "false")]
)
def test_binary_is_echoed_as_text(client: Talk, sent: Any, echoed: str) -> None:
    (frame,) = client.sub("depth", params={"binary": sent})
    assert frame["params"] == {"realtimeInterval": "24h", "binary": echoed}


@pytest.mark.parametrize("params", [{}, None, [], "x", {"limit": 5}, {"binary": None}])
def test_other_parameters_are_ignored(client: Talk, params: Any) -> None:
    (frame,) = client.sub("depth", params=params)
    assert frame["params"] == {"realtimeInterval": "24h"}
    assert len(frame["data"][0]["b"]) == 3


def test_binary_frames_are_gzip(hall: Hall, client: Talk) -> None:
    client.session.received('{"symbol":"BTCUSDT","topic":"depth","event":"sub","params":{"binary":true}}', hall.now)
    (frame,) = client.ear.frames
    assert frame.binary
    assert frame.payload[:4] == b"\x1f\x8b\x08\x00"
    assert client.heard()[0]["data"][0]["b"][0] == ["59999.99", "1"]


@pytest.mark.parametrize("value", [1748504490208, "now", None, {"a": 1}])
def test_a_ping_is_answered_with_the_servers_own_time(hall: Hall, client: Talk, value: Any) -> None:
    assert client.say(ping=value) == [{"pong": hall.site.now_ms()}]


def test_a_pong_is_not_answered(client: Talk) -> None:
    assert client.say(pong=1) == []


def test_a_client_that_neither_listens_nor_speaks_is_dropped_after_a_minute(hall: Hall, client: Talk) -> None:
    assert client.session.check(hall.now, 59.9) is None
    assert client.session.check(hall.now, 60) is Ending.DROP
    client.session.last_heard = 30
    assert client.session.check(hall.now, 89.9) is None
    assert client.session.check(hall.now, 90) is Ending.DROP


def test_a_client_that_listens_may_be_silent(hall: Hall, client: Talk) -> None:
    client.sub("depth")
    assert client.session.check(hall.now, 10_000) is None
    client.say(symbol="BTCUSDT", topic="depth", event="cancel")
    assert client.session.check(hall.now, 10_000) is Ending.DROP


def test_idle_clients_stay_when_it_is_switched_so() -> None:
    hall = Hall(StreamSwitches(v1_idle_s=None))
    assert hall.v1().session.check(hall.now, 10_000) is None
