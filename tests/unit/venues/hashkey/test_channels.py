"""What is pushed depends on commands and the exchange's time, not on when anybody looked."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.orders import Side
from simulator.venues.hashkey.sockets import Frame
from tests.sockets import Hall

steps = st.tuples(st.sampled_from(["depth", "trade", "order"]), st.integers(0, 3000), st.integers(1, 9))


def pushed(script: list[tuple[str, int, int]], looks: int) -> tuple[list[bytes], list[bytes]]:
    """Everything that two clients are sent; somebody looks every so many milliseconds (0: never)."""
    hall = Hall()
    hall.site.trade("BTCUSDT", "60000", "1")
    hall.until(1500)
    v1, v2 = hall.v1(), hall.v2()
    for topic in ("depth", "trade", "realtimes", "kline_1m", "kline_1h", "mergedDepth"):
        v1.session.received(f'{{"topic":"{topic}","event":"sub","symbol":"BTCUSDT"}}', hall.now)
    for topic in ("depth", "trade", "realtimes", "bbo"):
        v2.session.received(f'{{"topic":"{topic}","event":"sub","params":{{"symbol":"BTCUSDT"}}}}', hall.now)
    for what, pause, number in [*script, ("depth", 3000, 1)]:
        left = pause
        while looks and left > looks:
            hall.wait(looks)
            left -= looks
        hall.site.wait(left)
        if what == "depth":
            hall.site.depth("BTCUSDT", f"5999{number}x1", f"6001{number}x1")
        elif what == "trade":
            hall.site.trade("BTCUSDT", f"6000{number}", "1", Side.BUY)
        else:
            hall.site.alice.order("BUY", f"0.0{number}", "60005")
    hall.wait(1000)
    return [one.payload for one in v1.ear.frames], [one.payload for one in v2.ear.frames]


@given(st.lists(steps, max_size=12), st.sampled_from([7, 100, 450]))
def test_whether_a_pause_is_lived_through_or_skipped_makes_no_difference(
    script: list[tuple[str, int, int]], looks: int
) -> None:
    assert pushed(script, looks) == pushed(script, 0)


def test_one_frame_is_made_however_many_listen() -> None:
    hall = Hall()
    clients = [hall.v1() for _ in range(50)]
    for client in clients:
        client.sub("depth")
    hall.site.depth("BTCUSDT", "1x1", "2x1")
    hall.wait(300)
    frames: set[Frame] = {frame for client in clients for frame in client.ear.frames}
    assert len(frames) == 1


def test_only_what_a_later_frame_makes_worthless_has_a_subject() -> None:
    hall = Hall()
    hall.site.trade("BTCUSDT", "60000", "1")
    client = hall.v1()
    for topic in ("depth", "trade", "realtimes", "kline_1m", "mergedDepth"):
        client.sub(topic)
    client.sub("diffMergedDepth", params={"dumpScale": 0})
    for n in range(2):
        hall.site.trade("BTCUSDT", "60000", "1")
        hall.site.depth("BTCUSDT", f"1x{n + 1}", "2x1")
        hall.wait(1500)
    subjects: dict[str, list[object]] = {}
    for frame in client.ear.frames:
        subjects.setdefault(json.loads(frame.payload)["topic"], []).append(frame.subject)
    for topic, ones in subjects.items():
        latest_only = topic in ("depth", "realtimes", "mergedDepth")
        assert len(ones) == 2
        assert len(set(ones)) == 1
        assert (ones[0] is not None) == latest_only, topic
    assert len({ones[0] for ones in subjects.values()}) == 4
