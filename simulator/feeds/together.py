"""Several endless things at once: when one ends, all do, and its reason is everybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn


async def together(*endless: Coroutine[Any, Any, NoReturn]) -> NoReturn:
    """Run them side by side until one raises; the others are ended first, then its error is raised as it is.

    A TaskGroup would wrap what every caller wants to see by its own name. If several fail at once, the first named
    here counts.
    """
    tasks = [asyncio.create_task(one) for one in endless]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        failed = next(task for task in tasks if task.done())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    error = failed.exception()
    assert error is not None, "an endless thing ended"
    raise error
