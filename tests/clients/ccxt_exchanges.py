"""Real ccxt exchanges told where ``serve`` is and who they are, and nothing else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro

from simulator.testing.clients import Addresses, configure_ccxt
from tests.serving import Ready

CLASSES = {"sync": ccxt.hashkey, "async": ccxt.async_support.hashkey, "pro": ccxt.pro.hashkey}
BTC, ETH, LTC = "BTC/USDT", "ETH/USDT", "LTC/USDT"
FEE = Decimal("0.0012")
"""The default rate, for makers and takers alike."""


def configured(ready: Ready, kind: str, name: str) -> Any:
    """An exchange of a kind for an account: its URLs and its key pair, no other change."""
    account = next(one for one in ready.accounts if one.name == name)
    exchange = CLASSES[kind]()
    configure_ccxt(
        exchange, Addresses(ready.rest, ready.ws_public, ready.ws_private), account.api_key, account.api_secret
    )
    return exchange


class Blocking:
    """An exchange whose methods give their results; those of an asyncio one are run to their end."""

    def __init__(self, exchange: Any, runner: asyncio.Runner) -> None:
        self.exchange = exchange
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.exchange, name)
        return self._blocking(member) if callable(member) else member

    def _blocking(self, method: Any) -> Any:
        def call(*args: Any, **params: Any) -> Any:
            answer = method(*args, **params)
            return self._runner.run(answer) if inspect.iscoroutine(answer) else answer

        return call


@contextmanager
def blocking(ready: Ready, kind: str, name: str, runner: asyncio.Runner) -> Iterator[Blocking]:
    """A blocking exchange, closed at the end."""
    exchange = Blocking(configured(ready, kind, name), runner)
    try:
        yield exchange
    finally:
        exchange.close()


def exact(number: float) -> Decimal:
    """The decimal text that ccxt made a float of; up to 15 digits it is still in there."""
    return Decimal(repr(number))


def totals(balance: Any, *assets: str) -> dict[str, Decimal]:
    """What a unified balance says of each asset."""
    return {asset: exact(balance[asset]["total"]) for asset in assets}


def moved(before: dict[str, Decimal], after: dict[str, Decimal]) -> dict[str, Decimal]:
    """By how much each asset changed."""
    return {asset: after[asset] - amount for asset, amount in before.items()}


def told(structure: Any, *members: str) -> tuple[Any, ...]:
    """Some members of a unified structure."""
    return tuple(structure[member] for member in members)
