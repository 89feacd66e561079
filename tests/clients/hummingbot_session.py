"""What a script that drives a real Hummingbot connector needs besides it. Runs in Hummingbot's own Python 3.10."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
from hummingbot.client.config.client_config_map import AnonymizedMetricsDisabledMode, ClientConfigMap
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent
from hummingbot.logger import NETWORK
from yarl import URL

LOOK_EVERY_S = 0.01


class Late(Exception):
    """Something that had to happen did not, within its bound."""


async def until(what: str, happened: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition of the connector's own state, which no event announces."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise Late(f"{what}: not within {seconds} s")
        await asyncio.sleep(LOOK_EVERY_S)


async def came_about(happened: Callable[[], bool], seconds: float) -> bool:
    """Like ``until`` for what need not happen."""
    try:
        await until("", happened, seconds)
    except Late:
        return False
    return True


def quiet_settings() -> Any:
    """Hummingbot's settings without its usage metrics, and its logger without its user interface (Hummingbot 1)."""
    sys.argv.append("pytest")
    return ClientConfigMap(anonymized_metrics_mode=AnonymizedMetricsDisabledMode())


def plain(number: Decimal) -> str:
    """A number so that equal ones have equal texts."""
    return f"{number.normalize():f}"


def write(document: Mapping[str, Any]) -> None:
    """The document, whose numbers are exact texts."""
    json.dump(document, sys.stdout, default=plain, indent=1)


class Complaints(logging.Handler):
    """Everything the client logs as a problem: warnings, errors and Hummingbot's NETWORK level."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        logging.basicConfig(level=NETWORK, handlers=[self, logging.StreamHandler(sys.stderr)])

    def emit(self, record: logging.LogRecord) -> None:
        """Keep its message and what was raised."""
        if record.levelno >= logging.WARNING or record.levelno == NETWORK:
            raised = f" | {record.exc_info[1]}" if record.exc_info and record.exc_info[1] else ""
            self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}{raised}")

    def sorted_by(self, reasons: Mapping[str, str]) -> dict[str, list[str]]:
        """The lines under the reason of the first pattern found in them, the rest under ``unexpected``."""
        found: dict[str, list[str]] = {"unexpected": []}
        for line in self.lines:
            reason = next((reasons[pattern] for pattern in reasons if re.search(pattern, line)), "unexpected")
            found.setdefault(reason, []).append(line)
        return found


class MarketEvents:
    """The connector's events, as a strategy would receive them."""

    def __init__(self, connector: Any) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._forwarder = SourceInfoEventForwarder(self._keep)
        for event in MarketEvent:
            connector.add_listener(event, self._forwarder)

    def _keep(self, tag: int, _source: object, event: Any) -> None:
        self.seen.append((MarketEvent(tag).name, event))

    def names(self, order_id: str) -> list[str]:
        """The events of an order."""
        return [name for name, event in self.seen if event.order_id == order_id]

    def of(self, name: str) -> list[Any]:
        """The events of a kind."""
        return [event for kind, event in self.seen if kind == name]


class BookWatch:
    """Counts what the connector's books do, for as long as it runs."""

    def __init__(self, connector: Any, pairs: Iterable[str]) -> None:
        self._connector = connector
        self._tops: dict[str, object] = {}
        self.seen = {pair: {"snapshots": 0, "moves": 0, "crossed": 0} for pair in pairs}

    async def run(self) -> None:
        """Look at every pair as often as the loop allows."""
        uids: dict[str, int] = {}
        while True:
            for pair, counts in self.seen.items():
                book = self._connector.order_books[pair]
                top = self._top(book)
                counts["snapshots"] += uids.get(pair) != book.snapshot_uid
                counts["moves"] += self._tops.get(pair) != top
                counts["crossed"] += top is not None and top[0][0] >= top[1][0]
                uids[pair], self._tops[pair] = book.snapshot_uid, top
            await asyncio.sleep(0.02)

    @staticmethod
    def _top(book: Any) -> Any:
        bid, ask = next(book.bid_entries(), None), next(book.ask_entries(), None)
        return None if bid is None or ask is None else ((bid.price, bid.amount), (ask.price, ask.amount))

    def facts(self) -> dict[str, dict[str, int | bool]]:
        """What was counted, and how deep the books are now."""
        return {
            pair: counts
            | {"bids": len([*book.bid_entries()]), "asks": len([*book.ask_entries()])}
            | {"traded": book.last_applied_trade > 0}  # by the trade topic only; below zero until then
            for pair, counts in self.seen.items()
            for book in [self._connector.order_books[pair]]
        }


class Rest:
    """Signed and unsigned GET requests that share nothing with the connector."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str, secret: str) -> None:
        self._session = session
        self._url = url
        self._key = key
        self._secret = secret

    async def get(self, path: str, **params: str) -> Any:
        """Without a signature."""
        return await self._get(f"{path}?{urlencode(params)}", {})

    async def signed(self, path: str, **params: str) -> Any:
        """With one, by the server's clock."""
        now = (await self.get("/api/v1/time"))["serverTime"]
        query = urlencode({**params, "timestamp": now})
        signature = hmac.new(self._secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return await self._get(f"{path}?{query}&signature={signature}", {"X-HK-APIKEY": self._key})

    async def _get(self, target: str, headers: Mapping[str, str]) -> Any:
        async with self._session.get(URL(self._url + target, encoded=True), headers=headers) as reply:
            return await reply.json()


def say(words: Iterable[object]) -> None:
    """Progress, for a person who watches."""
    sys.stderr.write(" ".join(map(str, words)) + "\n")
