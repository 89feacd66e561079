"""Entries of the journal ↔ bytes, with a version.

A command is a tagged struct of plain numbers and texts, so msgspec's JSON is its codec; what is written here is
only how entries lie together. A pack is a JSON list of entries, deflated when it is large. Measured on the
bundled session (65,000 commands of four symbols in 344 s): JSON 14.5 MB and 1.2 us to write a command, msgpack
9.7 MB and 1.1 us, both 3.1 to 3.5 MB deflated. So the text, which people and other programs can read, costs nothing.

The outcome of a command is a sum over its events. It says at which entry a replay first differs, for 1.3 us each.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from simulator.core.commands import Command
from simulator.core.events import Event
from simulator.core.units import Nanos

VERSION: Final = 1
"""Of the bytes of a pack, of the commands in it, and of the tables around it (``journal.py``)."""
_DEFLATE_FROM: Final = 512
_LEVEL: Final = 1


class Unreadable(Exception):
    """Bytes that are no pack of this version."""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """A command, when it happened, and a sum of what it did (None: the exchange broke while it was handled)."""

    now: Nanos
    command: Command
    outcome: int | None = None


_encode_entries = msgspec.json.Encoder().encode
_decode_entries = msgspec.json.Decoder(list[Entry]).decode
_encode_events = msgspec.json.Encoder().encode


def outcome(events: Sequence[Event]) -> int:
    """A sum over events and their order; the same on every machine."""
    return zlib.crc32(_encode_events([(type(event).__name__, event) for event in events]))


def pack(entries: Sequence[Entry]) -> bytes:
    """Entries as bytes."""
    text = _encode_entries(entries)
    return zlib.compress(text, _LEVEL) if len(text) > _DEFLATE_FROM else text


def unpack(data: bytes) -> list[Entry]:
    """The entries again; Unreadable when they cannot be."""
    try:
        return _decode_entries(data if data[:1] == b"[" else zlib.decompress(data))
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None
