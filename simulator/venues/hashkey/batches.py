"""Batches: a JSON array of orders in a request's body (hashkey-rest.md 3.4, 4.2)."""

from __future__ import annotations

from typing import Final

import msgspec

from simulator.venues.hashkey.errors import Refusal, VenueError

BATCH_MOST: Final = 20
IDS_MOST: Final = 100
"""Of a cancel by ids (HashKey REST 3.8, 4.4)."""


def batch_items(body: bytes) -> list[dict[str, str]]:
    """The orders of a batch, their values as the texts they would be in a query."""
    try:
        items = [
            {name: _text(value) for name, value in item.items()}
            for item in msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
        ]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VenueError(Refusal.BODY_MALFORMED) from None
    if not items:
        raise VenueError(Refusal.BODY_MALFORMED)
    if len(items) > BATCH_MOST:
        raise VenueError(Refusal.BATCH_TOO_LARGE)
    if len({symbol for item in items if (symbol := item.get("symbol"))}) > 1:
        # One symbol per batch; with which code a mixture is refused is not known.
        raise VenueError(Refusal.PARAMETER_ILLEGAL, "symbol")
    return items


def _text(value: msgspec.Raw) -> str:
    """A string's content; a number exactly as it was written, so that no float comes between."""
    raw = bytes(value)
    if raw == b"null":
        return ""
    return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode()
