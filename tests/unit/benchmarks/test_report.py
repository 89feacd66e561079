from __future__ import annotations

import importlib
import json

import pytest

from benchmarks.__main__ import GROUPS, main
from benchmarks.load import Request
from benchmarks.report import Goal, Report, Result, in_columns
from benchmarks.sockets import RawSocket
from benchmarks.timing import Ratio, Rounds, in_turns

FASTER = Goal("E1", "speed, of a peer's", at_least=5)
CHEAPER = Goal("M2", "time, of a peer's", at_most=4)


def test_contestants_take_turns() -> None:
    order: list[str] = []

    def run(name: str) -> float:
        order.append(name)
        return 1.0

    in_turns({"a": lambda: run("a"), "b": lambda: run("b")}, 3)
    assert order == ["a", "b"] * 3


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The machine was three times slower in the last round, for both.
    rounds = Rounds({"ours": [1.0, 1.0, 3.0], "theirs": [2.0, 4.0, 6.0]})
    assert rounds.speed("ours", "theirs") == Ratio(2.0, 2.0)
    assert rounds.slowness("ours", "theirs") == Ratio(0.5, 2.0)


@pytest.mark.parametrize(
    ("goal", "ratio", "verdict"),
    [(FASTER, 5.0, "met"), (FASTER, 4.99, "MISSED"), (CHEAPER, 4.0, "met"), (CHEAPER, 4.01, "MISSED")],
)
def test_a_verdict_holds_a_ratio_against_its_bound(goal: Goal, ratio: float, verdict: str) -> None:
    result = Result(goal, Ratio(ratio, 1.0))
    assert (result.verdict, result.missed) == (verdict, verdict == "MISSED")


def test_a_peer_that_is_not_installed_is_said_and_not_missed() -> None:
    report = Report()
    report.judge(FASTER, None, "not installed")
    assert "not installed" in str(report)
    assert not report.results[0].missed
    assert json.loads(json.dumps(report.plain()))["goals"][0]["reached"] is None


def test_columns_are_aligned() -> None:
    assert in_columns(["a", "long"], [["value", "x"]]) == "a      long\n-----  ----\nvalue  x"


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_can_be_run(group: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.bench_{group}").run)


def test_an_unknown_group_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_request_without_a_body_says_so() -> None:
    text = Request("POST", "/x?a=1", {"X-KEY": "k"}).raw("host:1")
    assert text == b"POST /x?a=1 HTTP/1.1\r\nHost: host:1\r\nX-KEY: k\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_frames_are_split_wherever_the_stream_is_cut(piece: int) -> None:
    payloads = [b"", b"short", b"x" * 200, b"y" * 70_000]
    heads = [b"\x81\x00", b"\x81\x05", b"\x81\x7e" + (200).to_bytes(2), b"\x82\x7f" + (70_000).to_bytes(8)]
    stream = b"".join(head + payload for head, payload in zip(heads, payloads, strict=True))
    reader = RawSocket.__new__(RawSocket)
    reader._rest = b""
    found = [one for at in range(0, len(stream), piece) for one in reader.split(stream[at : at + piece])]
    assert found == payloads
