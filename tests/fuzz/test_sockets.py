"""Whatever a client says on a socket, the answer is one of the known ones and the connection goes on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sockets import Hall, Talk

WORDS = [
    "sub",
    "cancel",
    "cancel_all",
    "depth",
    "trade",
    "realtimes",
    "kline",
    "kline_1m",
    "kline_1M",
    "mergedDepth",
    "diffMergedDepth",
    "bbo",
    "markPrice",
    "index",
    "BTCUSDT",
    "ETHUSDT",
    "BTCUSDT-PERPETUAL",
    "BTCUSDT,ETHUSDT,NOPE",
    "ETHUSDT-PERPETUAL,BTCUSDT-PERPETUAL",
    "true",
    "1m",
    "-1",
]
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
values = st.recursive(
    st.sampled_from(WORDS) | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
params = st.dictionaries(st.sampled_from(["symbol", "binary", "klineType", "dumpScale", "limit"]), values) | values
messages = st.fixed_dictionaries(
    {},
    optional={
        "topic": st.sampled_from(WORDS) | values,
        "event": st.sampled_from(WORDS[:3]) | values,
        "symbol": st.sampled_from(WORDS) | values,
        "params": params,
        "id": values,
        "ping": values,
        "pong": values,
    },
)
HALL = Hall()
HALL.site.trade("BTCUSDT", "60000", "1")


SHAPES = [{"code", "desc"}, {"pong"}, {"topic", "event", "params", "code", "msg"}]


def known(answer: Any) -> bool:
    """An error, a pong, an acknowledgement or data."""
    return set(answer) in SHAPES or "data" in answer


def survives(talk: Talk, data: str | bytes) -> None:
    try:
        assert all(known(answer) for answer in talk.raw(data))
        assert talk.say(ping=1) == [{"pong": HALL.site.now_ms()}]
    finally:
        talk.session.closed()
    assert HALL.publisher._channels == {}


@settings(deadline=None)
@given(st.lists(messages, max_size=5))
def test_any_object_is_answered(said: list[dict[str, Any]]) -> None:
    for make in (HALL.v1, HALL.v2):
        talk = make()
        for message in said:
            assert all(known(answer) for answer in talk.say(**message))
        survives(talk, json.dumps(said))


@given(st.text() | st.binary())
def test_any_text_is_answered(data: str | bytes) -> None:
    survives(HALL.v1(), data)
    survives(HALL.v2(), data)


@given(st.text() | st.binary() | messages.map(json.dumps))
def test_any_text_on_the_private_socket_is_answered_with_a_pong_or_not_at_all(data: str | bytes) -> None:
    talk = HALL.private()
    assert all(list(answer) == ["pong", "channelId"] for answer in talk.raw(data))
    talk.session.closed()
