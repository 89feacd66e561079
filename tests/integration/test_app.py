"""What holds the parts together: started and stopped as one, and never silent about a bug."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from simulator.app import running
from simulator.config import Settings, build, gather
from simulator.core.commands import Command


class BrokenMarket:
    """A source with a bug."""

    def due(self) -> int:
        raise RuntimeError("a bug in the market")

    def take(self) -> Sequence[Command]:
        raise NotImplementedError


def empty() -> Settings:
    return build(gather(None, {}, {"empty": True, "port": 0}))


async def test_a_bug_in_the_market_ends_the_run_with_its_name() -> None:
    async def play() -> None:
        async with running(empty()) as sim:
            sim.parts.runner.source = BrokenMarket()
            await asyncio.wait([sim.playing])

    with pytest.raises(RuntimeError, match="a bug in the market"):
        await play()


async def test_a_run_without_one_ends_in_silence() -> None:
    async with running(empty()) as sim:
        assert not sim.playing.done()
    assert sim.playing.cancelled()
