"""Hummingbot's spot connector, connected and idle. Runs in Hummingbot's Python 3.10; see ``pause.py``.

Standard input: the ready line. Standard output: one JSON document: problems logged, and what the books did.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from hummingbot.connector.exchange.hashkey import hashkey_constants
from hummingbot.connector.exchange.hashkey.hashkey_exchange import HashkeyExchange
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode

from tests.clients.hummingbot_session import BookWatch, Complaints, quiet_settings, until, write

PAIRS = ["BTC-USDT", "ETH-USDT"]
DOMAIN = "hashkey_global"


async def pause(ready: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Connect, wait, and tell what happened meanwhile."""
    account = ready["accounts"][0]
    complaints = Complaints()
    connector = HashkeyExchange(quiet_settings(), account["api_key"], account["api_secret"], PAIRS)
    clock = Clock(ClockMode.REALTIME)
    clock.add_iterator(connector)
    with clock:
        running = asyncio.ensure_future(clock.run())
        await until("the connector is ready", lambda: bool(connector.ready), 20)
        watch = BookWatch(connector, PAIRS)
        watching = asyncio.ensure_future(watch.run())
        await asyncio.sleep(seconds)
        for task in (watching, running):
            task.cancel()
        await asyncio.gather(watching, running, return_exceptions=True)
    return {"ready": bool(connector.ready), "complaints": complaints.lines, "books": watch.facts()}


def main() -> int:
    """Point the connector at the server and run."""
    ready = json.loads(sys.stdin.readline())
    hashkey_constants.REST_URLS[DOMAIN] = ready["rest"]
    hashkey_constants.WSS_PUBLIC_URL[DOMAIN] = ready["ws_public"]
    hashkey_constants.WSS_PRIVATE_URL[DOMAIN] = ready["ws_private"]
    write(asyncio.get_event_loop().run_until_complete(pause(ready, float(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
