"""Real clients led to a simulator: their addresses and keys are changed, and nothing else of them.

Plain standard library, so that it also runs in an environment in which only the client is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple, Protocol


class Place(Protocol):
    """Where an exchange is: ``sim_server`` is one, and so is whatever else has these addresses."""

    @property
    def rest_url(self) -> str:
        """Such as http://127.0.0.1:8765."""
        ...

    @property
    def ws_public_url(self) -> str:
        """Of the public socket, version 1."""
        ...

    @property
    def ws_private_url(self) -> str:
        """Of the private socket, with {listenKey} in it."""
        ...


class Addresses(NamedTuple):
    """Those of an exchange that was started by itself."""

    rest_url: str
    ws_public_url: str
    ws_private_url: str

    @classmethod
    def of(cls, ready: Mapping[str, Any]) -> Addresses:
        """Of the ready line that ``serve --json`` prints."""
        return cls(ready["rest"], ready["ws_public"], ready["ws_private"])


def configure_ccxt(exchange: Any, place: Place, api_key: str, api_secret: str) -> None:
    """Lead a ``hashkey`` of ccxt, ccxt.async_support or ccxt.pro to ``place``, its sandbox too."""
    sockets = {"public": place.ws_public_url, "private": place.ws_private_url.removesuffix("/{listenKey}")}
    for name in ("api", "test"):
        exchange.urls[name] = {"public": place.rest_url, "private": place.rest_url, "ws": dict(sockets)}
    exchange.apiKey = api_key
    exchange.secret = api_secret


SPOT = "hummingbot.connector.exchange.hashkey.hashkey_constants"
PERPETUAL = "hummingbot.connector.derivative.hashkey_perpetual.hashkey_perpetual_constants"


def patch_hummingbot(place: Place) -> None:
    """Lead Hummingbot's ``hashkey`` and ``hashkey_perpetual`` to ``place``, whatever their domain.

    Their constants are read at each use, so it may be done at any time (Hummingbot 20250220; connectors 1).
    """
    for constants in (import_module(SPOT), import_module(PERPETUAL)):
        for name, url in _addresses(constants, place):
            _set(constants, name, url)


@contextmanager
def hummingbot_led_to(place: Place) -> Iterator[None]:
    """The same for as long as a block lasts."""
    modules = [import_module(SPOT), import_module(PERPETUAL)]
    before = [(one, name, _get(one, name)) for one in modules for name, _ in _addresses(one, place)]
    patch_hummingbot(place)
    try:
        yield
    finally:
        for constants, name, value in before:
            _set(constants, name, value)


def _addresses(constants: Any, place: Place) -> Iterator[tuple[str, Any]]:
    """Its constants by name, and what they are to be."""
    for name in ("PERPETUAL_BASE_URL", "TESTNET_BASE_URL"):
        if hasattr(constants, name):
            yield name, place.rest_url
    urls = {"REST_URLS": place.rest_url, "WSS_PUBLIC_URL": place.ws_public_url, "WSS_PRIVATE_URL": place.ws_private_url}
    for name, url in urls.items():
        if hasattr(constants, name):
            yield name, dict.fromkeys(getattr(constants, name), url)


def _get(constants: Any, name: str) -> Any:
    value = getattr(constants, name)
    return dict(value) if isinstance(value, dict) else value


def _set(constants: Any, name: str, value: Any) -> None:
    """In place where it is a dictionary, for others may hold it."""
    if isinstance(value, dict):
        getattr(constants, name).update(value)
    else:
        setattr(constants, name, value)
