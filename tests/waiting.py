"""Waiting for something to become true, instead of for time to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_EVERY_S = 0.005


async def until(true: Callable[[], object], within_s: float = 10.0, what: str = "it") -> None:
    """Return as soon as it is true; TimeoutError when it does not become so."""
    try:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110 - what is waited for may be in another process
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise TimeoutError(f"{what} did not become true within {within_s} s") from None
