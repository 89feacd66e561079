"""A running exchange from outside: its control API as one function, for commands that change what is running."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

WAIT_SECONDS: Final = 10.0


class Refused(Exception):
    """The exchange cannot be reached, or says no: one line."""


def call(server: str, method: str, name: str, token: str = "", **asked: Any) -> Any:
    """What ``/_sim/NAME`` of the exchange at ``server`` answers."""
    target = f"{server.rstrip('/')}/_sim/{name}"
    body = None
    if method == "POST":
        body = json.dumps(asked).encode()
    elif asked:
        target += "?" + urllib.parse.urlencode(asked)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        request = urllib.request.Request(target, body, headers, method=method)  # noqa: S310 - the user names it
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as reply:  # noqa: S310
            return json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(_words(error.read()) or f"{target} answered {error.code}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Refused(
            f"no exchange answers at {server} ({reason}); start one with serve, or name it by --server"
        ) from None


def _words(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
