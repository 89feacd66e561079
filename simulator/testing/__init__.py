"""For other people's test suites: the exchange as fixtures of pytest, and clients led to it.

Enters: a test's wishes (the marker ``sim``). Leaves: a real server on a free port, fresh for each test, with words to
set its market, money, time and faults by hand and to ask what clients did. Nothing heavy is imported before that: the
types of the fixtures, for annotations, come when they are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.testing.by_hand import SimClock
    from simulator.testing.exchange import SimExchange
    from simulator.testing.server import SimServer

__all__ = ["SimClock", "SimExchange", "SimServer"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    homes = {"SimClock": "by_hand", "SimExchange": "exchange", "SimServer": "server"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{homes[name]}"), name)
