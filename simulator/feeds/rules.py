"""The venue's exchangeInfo for a live mirror: from the venue, else as it was last known, else as bundled.

What the venue answers is kept in a file for the next time, one per upstream, under the user's cache folder (XDG). An
answer that does not describe a single symbol is no answer. Which of the three it was is told: filters of another day
let orders through that the venue would refuse.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from simulator.feeds.rest import Rest, Unreachable
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.subscribing import EXCHANGE_INFO_PATH

log = logging.getLogger(__name__)

_FOLDER: Final = "hashkey-simulator"


class Rules(NamedTuple):
    """exchangeInfo, read, and where it is from in words for people."""

    catalogue: Catalogue
    origin: str


def cache_file(base: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where an upstream's exchangeInfo is kept.

    >>> str(cache_file("https://api-glb.hashkey.com/", {"XDG_CACHE_HOME": "/tmp/cache"}))
    '/tmp/cache/hashkey-simulator/exchangeInfo-api-glb.hashkey.com.json'
    """
    home = environment.get("XDG_CACHE_HOME", "")
    # XDG Base Directory Specification: a relative path is to be ignored.
    folder = Path(home) if home.startswith("/") else Path.home() / ".cache"
    host = re.sub(r"[^A-Za-z0-9.-]+", "_", base.partition("://")[2].strip("/"))
    return folder / _FOLDER / f"exchangeInfo-{host}.json"


async def rules(rest: Rest, cache: Path) -> Rules:
    """The best that is to be had; never fails."""
    try:
        body = (await rest.get(EXCHANGE_INFO_PATH)).data
        catalogue = read(body)
    except (Unreachable, ValueError) as error:
        return _without_the_venue(cache, str(error))
    _keep(cache, body)
    return Rules(catalogue, "the venue's own filters")


def read(body: bytes) -> Catalogue:
    """A catalogue of those rows that can be listed; ValueError when there are none."""
    try:
        info = msgspec.json.decode(body)
        info = info | {"symbols": _listable(info, "symbols"), "contracts": _listable(info, "contracts")}
        catalogue = Catalogue(info)
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{EXCHANGE_INFO_PATH} cannot be read: {str(error) or type(error).__name__}") from None
    if not catalogue.rows:
        raise ValueError(f"{EXCHANGE_INFO_PATH} names no symbol that can be listed")
    return catalogue


def _listable(info: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """The rows that make an instrument; the venue has options of its own now and then, which are left out."""
    rows = []
    for row in info.get(kind) or ():
        try:
            Catalogue({"symbols": (), "contracts": (), "coins": (), kind: (row,)}).instruments([row["symbol"]])
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            log.warning("%s: a row of %s cannot be listed and is left out: %r", EXCHANGE_INFO_PATH, kind, error)
        else:
            rows.append(row)
    return rows


def _without_the_venue(cache: Path, why: str) -> Rules:
    try:
        known = Rules(read(cache.read_bytes()), "filters as they were last known")
    except (OSError, ValueError):
        known = Rules(Catalogue.bundled(), "bundled filters")
    log.warning("no exchangeInfo from the venue (%s): using %s", why, known.origin)
    return known


def _keep(cache: Path, body: bytes) -> None:
    """For the next time; whoever reads it meanwhile sees the old one or the new one."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
        fresh.write_bytes(body)
        fresh.replace(cache)
    except OSError as error:
        log.warning("exchangeInfo could not be kept in %s: %s", cache, error.strerror)
