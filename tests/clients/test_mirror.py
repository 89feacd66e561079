"""The short piece of ``tests.clients.mirror`` that runs every time; the hour is run by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.mirror import Verdict, prove
from tests.serving import serving

SMALL = Path(__file__).parents[2] / "replay_data" / "small.hkrec"


async def test_a_mirror_shows_its_upstream_book_by_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processes: the upstream, a mirror of it, and this one with a mirror of its own that is looked into."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with serving("--replay", str(SMALL), "--speed", "2") as above:
        live = ("--live", "--upstream-rest", above.rest, "--upstream-ws", above.ws_public_v2, "--stale-after", "20")
        with serving(*live) as below:
            verdict: Verdict = await prove(above, below, 5)
    assert not verdict.problems, verdict.text()
    assert len(verdict.upstream) == 4
    for symbol in verdict.upstream:
        assert verdict.inside[symbol] >= 10, verdict.text()
        assert verdict.outside[symbol] >= 10, verdict.text()
    assert not verdict.left_out
