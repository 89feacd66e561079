"""The venue's REST side: one GET at a time in a thread, with an end in sight, as a raw frame like any other.

The standard library's client in a thread of its own: these are a few requests a minute, and a second HTTP
library in the event loop would be more to keep than it saves. The thread is a daemon, so a request that
hangs in a name lookup never keeps the program from stopping.
"""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from simulator.feeds.client import LOOPBACK, Received

_LONGEST_REPLY: Final = 16 * 1024 * 1024
_AGENT: Final = "hashkey-simulator"


class Unreachable(Exception):
    """No usable reply; in words for a log."""


class Rest:
    """GETs to one base URL."""

    def __init__(self, base: str, timeout_s: float = 3.0) -> None:
        self.base = base.rstrip("/")
        self._timeout_s = timeout_s
        # A proxy of the environment is for the way out, not for what listens on this machine.
        local = urlsplit(base).hostname in LOOPBACK
        handlers = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*handlers)

    async def get(self, path: str) -> Received:
        """The reply to a path with its query; Unreachable when there is none in time, or a refusal."""
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[bytes] = loop.create_future()

        def done(body: bytes | None, error: Exception | None) -> None:
            if reply.done():
                return
            if error is not None:
                reply.set_exception(error)
            else:
                reply.set_result(body or b"")

        def ask() -> None:
            try:
                outcome: tuple[bytes | None, Exception | None] = self._fetch(path), None
            except Exception as error:  # noqa: BLE001 - it is raised where the reply is waited for
                outcome = None, error
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, *outcome)

        Thread(target=ask, name=f"GET {path}", daemon=True).start()
        try:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the reply.
            async with asyncio.timeout(self._timeout_s):
                body = await reply
        except TimeoutError:
            raise Unreachable(f"{self.base}{path}: no reply within {self._timeout_s:g} s") from None
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"{self.base}{path}: {_reason(error)}") from None
        return Received(time.time_ns(), path, body)

    def _fetch(self, path: str) -> bytes:
        request = urllib.request.Request(self.base + path, headers={"User-Agent": _AGENT})  # noqa: S310 - checked by config
        try:
            with self._opener.open(request, timeout=self._timeout_s) as reply:
                body: bytes = reply.read(_LONGEST_REPLY + 1)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ValueError(f"status {refusal.code}") from None
        if len(body) > _LONGEST_REPLY:
            raise ValueError("the reply is too long")
        return body


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(error).__name__
