"""What a frame on its way to a client is about, read off its bytes; asked only where faults are active.

An event is a frame that tells what happened: a topic's data on a public socket (hashkey-websocket.md 1.3, 2), a report
on the private one (4.2). Answers, pongs and pings are none.
"""

from __future__ import annotations

import gzip
import re
from typing import Final

from simulator.venues.hashkey.skim import About, about
from simulator.venues.hashkey.sockets import Frame

BOOKS: Final = frozenset({"depth", "diffMergedDepth", "mergedDepth", "bbo"})
_REPORT = re.compile(rb'\[\{"e":"([A-Za-z]+)"')
_SYMBOL = re.compile(rb'"s":"([A-Z0-9-]+)"')


def event_of(frame: Frame, *, private: bool) -> About | None:
    """An event's name and symbol ("": it has none); None: no event."""
    text = gzip.decompress(frame.payload) if frame.binary else frame.payload
    if not private:
        return about("/quote/ws/", text) if b'"data":' in text else None
    report = _REPORT.match(text)
    if report is None:
        return None
    symbol = _SYMBOL.search(text)
    return About(report[1].decode(), symbol[1].decode() if symbol else "")
