"""The control API of an exchange over one connection that stays open, for a test that cannot wait."""

from __future__ import annotations

import http.client
import threading
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from simulator.remote import Refused

WAIT_SECONDS: Final = 30.0


class Link:
    """Asks one thing at a time, from any thread."""

    def __init__(self, control_url: str, token: str = "") -> None:
        parts = urlsplit(control_url)
        assert parts.hostname is not None
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WAIT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._one = threading.Lock()

    def ask(self, method: str, name: str, /, **asked: Any) -> Any:
        """What ``/_sim/NAME`` answers; Refused with its words when it says no."""
        target, body = f"{self._path}/{name}", None
        if method == "POST":
            body = msgspec.json.encode(asked)
        elif asked:
            target += "?" + urlencode(asked)
        with self._one:
            try:
                status, reply = self._send(method, target, body)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                raise Refused(f"the exchange does not answer any more: {error!r}") from error
        answer = msgspec.json.decode(reply)
        if status != 200:
            raise Refused(answer["error"])
        return answer

    def _send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, target, body, self._headers)
        reply = self._connection.getresponse()
        return reply.status, reply.read()

    def close(self) -> None:
        """No more questions."""
        self._connection.close()
