"""Endless things that end together."""

from __future__ import annotations

import asyncio
from typing import NoReturn

import pytest

from simulator.feeds.together import together


async def forever(ended: list[str]) -> NoReturn:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")
    raise AssertionError


async def fails(words: str) -> NoReturn:
    raise RuntimeError(words)


async def test_the_error_of_one_is_raised_as_it_is_when_the_others_have_ended() -> None:
    ended: list[str] = []
    with pytest.raises(RuntimeError, match="a bug"):
        await together(forever(ended), fails("a bug"), forever(ended))
    assert ended == ["ended"] * 2


async def test_who_is_cancelled_ends_them_all() -> None:
    ended: list[str] = []
    task = asyncio.create_task(together(forever(ended), forever(ended)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["ended"] * 2
