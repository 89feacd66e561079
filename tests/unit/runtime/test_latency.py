"""How long things take: what the texts mean, and that what is drawn is drawn again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.core.units import NANOS_PER_MILLI
from simulator.runtime.latency import LONGEST, BadLatency, Latencies, Latency, Leg, read

MS = NANOS_PER_MILLI


def drawn(latency: Latency | None, count: int) -> list[int]:
    assert latency is not None
    return [latency.next() for _ in range(count)]


def test_what_nobody_set_takes_no_time() -> None:
    latencies = Latencies()
    assert not latencies.any(*Leg)
    assert all(latencies.on(leg, "alice") is None for leg in Leg)


@pytest.mark.parametrize(("text", "nanos"), [("5", 5 * MS), ("0.25", MS // 4), ("0", 0), ("1e3", 1000 * MS)])
def test_a_number_is_always_so_many_milliseconds(text: str, nanos: int) -> None:
    assert drawn(Latencies([f"request={text}"]).on(Leg.REQUEST), 3) == [nanos] * 3


def test_an_account_may_have_its_own_and_the_last_word_counts() -> None:
    latencies = Latencies(["slow/request=200", "request=5", "request=7", "private=1"])
    assert drawn(latencies.on(Leg.REQUEST, "slow"), 1) == [200 * MS]
    assert drawn(latencies.on(Leg.REQUEST, "anybody"), 1) == [7 * MS]
    assert latencies.on(Leg.RESPONSE, "slow") is None
    assert latencies.any(Leg.REQUEST) and latencies.any(Leg.RESPONSE, Leg.PRIVATE)
    assert not latencies.any(Leg.RESPONSE, Leg.MARKET)


@pytest.mark.parametrize(
    ("model", "mean", "low", "high"),
    [("uniform:2:6", 4, 2, 6), ("exponential:8", 8, 0, 200), ("lognormal:8:0.5", 8 * 1.1331, 0.3, 200)],
)
def test_what_is_drawn_has_the_distribution_that_was_asked_for(model: str, mean: float, low: int, high: int) -> None:
    sample = drawn(Latencies([f"request={model}"], seed=3).on(Leg.REQUEST), 20_000)
    assert sum(sample) / len(sample) / MS == pytest.approx(mean, rel=0.03)
    assert low * MS <= min(sample) < max(sample) <= high * MS
    assert len(set(sample)) > 1000


def test_half_of_a_lognormal_is_below_its_median() -> None:
    sample = sorted(drawn(Latencies(["request=lognormal:8:0.5"]).on(Leg.REQUEST), 20_001))
    assert sample[10_000] / MS == pytest.approx(8, rel=0.02)


def test_seeds_accounts_and_legs_draw_different_numbers_and_the_same_ones_again() -> None:
    def some(seed: int, account: str, leg: Leg) -> list[int]:
        return drawn(Latencies(["request=exponential:5", "private=exponential:5"], seed).on(leg, account), 20)

    first = some(1, "alice", Leg.REQUEST)
    assert some(1, "alice", Leg.REQUEST) == first
    others = some(2, "alice", Leg.REQUEST), some(1, "bob", Leg.REQUEST), some(1, "alice", Leg.PRIVATE)
    assert not any(one == another for other in others for one, another in zip(first, other, strict=True))


def test_what_one_account_draws_changes_nothing_for_another() -> None:
    alone, together = (Latencies(["request=exponential:5"]) for _ in range(2))
    drawn(together.on(Leg.REQUEST, "bob"), 7)
    assert drawn(alone.on(Leg.REQUEST, "alice"), 9) == drawn(together.on(Leg.REQUEST, "alice"), 9)


def test_another_process_draws_the_same() -> None:
    code = (
        "from simulator.runtime.latency import *\n"
        "one = Latencies(['request=lognormal:8:0.5'], 7).on(Leg.REQUEST, 'alice')\n"
        "print([one.next() for _ in range(50)])"
    )
    here = drawn(Latencies(["request=lognormal:8:0.5"], 7).on(Leg.REQUEST, "alice"), 50)
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": salt}
        )
        assert done.stdout.strip() == str(here)


def test_measured_ones_come_in_their_order_over_and_over(tmp_path: Path) -> None:
    file = tmp_path / "measured.txt"
    file.write_text("1.5\n2\n\n 0.000001 \n")
    latency = Latencies([f"response=file:{file}"]).on(Leg.RESPONSE)
    assert drawn(latency, 5) == [1_500_000, 2_000_000, 1, 1_500_000, 2_000_000]


def test_what_is_drawn_is_never_longer_than_an_hour() -> None:
    sample = drawn(Latencies(["request=lognormal:1000:1000"]).on(Leg.REQUEST), 100)
    assert max(sample) == LONGEST and min(sample) >= 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "request",
        "request=",
        "request=-1",
        "request=nan",
        "request=inf",
        "request=fast",
        "request=3600001",
        "requests=5",
        "/request=5",
        "alice/market=5",
        "request=uniform:5",
        "request=uniform:6:5",
        "request=uniform:1:x",
        "request=exponential",
        "request=exponential:1:2",
        "request=lognormal:8",
        "request=weibull:1:2",
        "request=5:6",
        "request=file:",
        "request=file:/nowhere/at/all",
    ],
)
def test_nonsense_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadLatency) as caught:
        read(text)
    assert "\n" not in str(caught.value) and str(caught.value)


@pytest.mark.parametrize("content", ["", "\n\n", "5\nx\n", "-1\n", "5 6\n", "\u0665\n"])
def test_a_file_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "measured.txt"
    file.write_text(content, "utf-8")
    with pytest.raises(BadLatency):
        read(f"request=file:{file}")
