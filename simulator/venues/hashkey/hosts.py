"""Where HashKey Global is found: every host name of it that a client's code may hold.

``HOSTS`` are the names that the simulator answers to. ``FAMILIES`` are the domains under which HashKey has
them: a name there that is not in the table belongs to HashKey as well, so it must not be mistaken for ours
and must not be reached by accident either.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Host(NamedTuple):
    """A host name, what it serves, and who uses or documents it."""

    name: str
    serves: str
    source: str


HOSTS: Final = (
    Host("api-glb.hashkey.com", "REST", "HashKey REST 1.1; ccxt; Hummingbot 2, main domain"),
    Host("stream-glb.hashkey.com", "WebSocket", "HashKey REST 1.1, WebSocket 0; ccxt; Hummingbot 2, main domain"),
    Host("api-glb.sim.hashkeydev.com", "REST", "HashKey REST 1.1, sandbox; ccxt; Hummingbot 2, perpetual test domain"),
    Host("stream-glb.sim.hashkeydev.com", "WebSocket", "HashKey REST 1.1, WebSocket 0, sandbox; ccxt"),
    Host("api.sim.bmuxdc.com", "REST", "Hummingbot 2, spot test domain"),
    Host("stream.sim.bmuxdc.com", "WebSocket", "Hummingbot 2, both test domains; WebSocket 0"),
)
NAMES: Final = tuple(one.name for one in HOSTS)
FAMILIES: Final = ("hashkey.com", "hashkeydev.com", "bmuxdc.com")


def is_hashkeys(name: str) -> bool:
    """Whether a host name is HashKey's, in the table or not.

    >>> is_hashkeys("API-glb.hashkey.com."), is_hashkeys("www.hashkey.com"), is_hashkeys("nothashkey.com")
    (True, True, False)
    """
    plain = name.rstrip(".").lower()
    return any(plain == family or plain.endswith("." + family) for family in FAMILIES)
