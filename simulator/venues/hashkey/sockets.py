"""What the three sockets have in common: frames, sessions, switches. No socket in here.

A *session* is one connection's side of the conversation. The shell hands it what the client says and,
a few times a second, the time; it answers through its *outlet*. **Which clock:** what is about the
market, its times, the life of a listen key and the server's pings follow the exchange's clock, so a replay repeats
them. What is about the client's silence follows the wall: a client sends its pings by its own
clock, and in a recording played a hundred times as fast it would be dropped for nothing.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import Any, Final, Protocol

import msgspec

from simulator.core.units import NANOS_PER_MILLI, Nanos


class Frame(msgspec.Struct, eq=False, gc=False):
    """One message to clients, made once and shared by all who get it.

    A later frame of the same ``subject`` makes an unsent one worthless; None: every frame counts.
    ``wire`` belongs to the shell: the message as it goes into a socket.
    """

    payload: bytes
    subject: object = None
    binary: bool = False
    wire: bytes | None = None


class Outlet(Protocol):
    """A connection, as seen from here: takes frames, never blocks, never fails."""

    def send(self, frame: Frame) -> None:
        """Soon."""
        ...


class Ending(Enum):
    """How the server ends a connection."""

    DROP = "without a close frame; the client sees 1006"
    CLOSE = "with a close frame, code 1000"


class Session(Protocol):
    """One connection's side of the conversation. ``last_heard`` is when any frame came, in seconds of the wall."""

    last_heard: float

    def received(self, data: str | bytes, now: Nanos) -> None:
        """A message of the client."""
        ...

    def check(self, now: Nanos, wall: float) -> Ending | None:
        """Called a few times a second: whether the connection has to end."""
        ...

    def closed(self) -> None:
        """The connection is gone."""
        ...


@dataclass(frozen=True)
class StreamSwitches:
    """Where the sockets' behaviour is uncertain (WebSocket 5). Seconds are the wall's, but for pings; None: never."""

    one_event_per_frame: bool = True  # ccxt reads only the first one (WebSocket 4.2)
    execution_is_ticket: bool = True  # ``d`` equals the ticket id; live they differ, and Hummingbot counts twice
    private_silence_s: float | None = None  # without a JSON pong; documented as 3600, but both clients never pong
    private_ping_s: float | None = 30
    v1_idle_s: float | None = 60  # without a subscription and without a frame
    v2_silence_s: float | None = 31  # without a frame, even while streaming
    repeat_first_frame: bool = True  # when subscribed to again


class Message(msgspec.Struct, gc=False):
    """What a client may say, with whatever it put there."""

    ping: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    pong: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event: Any = None
    topic: Any = None
    symbol: Any = None
    params: Any = None

    @property
    def parameters(self) -> dict[str, Any]:
        """``params``, if it is an object."""
        return self.params if isinstance(self.params, dict) else {}


_messages = msgspec.json.Decoder(Message)


def read(data: str | bytes) -> Message | None:
    """A client's message; None: no JSON object."""
    try:
        return _messages.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def refusal(code: str, desc: str) -> Frame:
    """An error; the socket stays open (WebSocket 1.2: codes are strings, the text is ``desc``)."""
    return Frame(msgspec.json.encode({"code": code, "desc": desc}))


def bad_json() -> Frame:
    """WebSocket 1.2."""
    return refusal("-10001", "Invalid JSON!")


def bad_topic() -> Frame:
    """WebSocket 1.2."""
    return refusal("-10004", "Invalid topic!")


def bad_event(event: object) -> Frame:
    """Not recorded at HashKey; the words are those of the platform that it descends from (BHEX, Web Socket Streams)."""
    return refusal("-10003", "Event required!") if event is None else refusal("-10002", "Invalid event")


def public_pong(now: Nanos) -> Frame:
    """The server's own time as a number, whatever the client sent (WebSocket 3)."""
    return Frame(b'{"pong":%d}' % (now // NANOS_PER_MILLI))


_GROUPS: Final = (16, 8, 8, 16, 8)


def channel_id(*parts: object) -> str:
    """Five groups of hexadecimal digits (real shapes 8), always the same for the same parts.

    Live it names the connection; nobody reads it. Here it names the stream, so that all who listen
    to it can be sent the same bytes.

    >>> channel_id("depth", "BTCUSDT")
    '6017809fbce8f367-4ea198b4-3d7e322e-9c8519456e6b12e1-ce41e2e2'
    """
    digits = blake2b(repr(parts).encode(), digest_size=sum(_GROUPS) // 2).hexdigest()
    places = accumulate(_GROUPS, initial=0)
    return "-".join(digits[low:high] for low, high in pairwise(places))


def packed(text: bytes) -> bytes:
    """Gzip without a time of its own, so that equal texts stay equal (WebSocket 0: ``1f 8b 08 00`` first)."""
    return gzip.compress(text, compresslevel=1, mtime=0)
