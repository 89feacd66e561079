"""How long a command runs: on which event loop, and until what."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


def stop_signal() -> asyncio.Event:
    """Set by Ctrl-C and SIGTERM, from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_stopped(stop: asyncio.Event, playing: asyncio.Task[None], seconds: float | None) -> None:
    """Until a signal, the end of the time, or the end of what plays; a bug in it is raised."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting, playing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if playing.done():
        playing.result()


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop where it is installed (the ``fast`` extra), else on asyncio's loop."""
    factory = None
    if sys.platform != "win32":
        with suppress(ImportError):
            import uvloop  # noqa: PLC0415 - there only with the extra

            factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
