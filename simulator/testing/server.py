"""``sim_server``: a real exchange on a free port, and words for what a test does to it and asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from simulator.app import Running, running
from simulator.config import Settings
from simulator.ready import Access, Ready
from simulator.testing import clients
from simulator.testing.by_hand import ByHand, Number
from simulator.testing.last_events import LastEvents
from simulator.testing.link import Link
from simulator.testing.requests import Requests
from simulator.testing.thread import LoopThread

Words: TypeAlias = str | Sequence[str]

PATIENCE_S: Final = 0.02
"""With what still goes on when its test is over: a request that is not answered, a client that takes no close frame."""
SHOWN: Final = 30
"""How many of its last events and requests a failed test tells."""


class SimFault:
    """Something that goes wrong at the moment."""

    def __init__(self, id: int, ask: Callable[..., Any]) -> None:
        self.id = id
        self._ask = ask

    @property
    def struck(self) -> int:
        """How often it did so far."""
        (known,) = (one for one in self._ask("GET", "faults")["faults"] if one["id"] == self.id)
        return int(known["struck"])


class SimServer(ByHand):
    """An exchange that listens. Its methods block; it runs in a thread of its own, so any client can be tested with it.

    ``api_key`` and ``api_secret`` are those of its first account; ``account`` gives those of another.
    """

    def __init__(self, ready: Ready, events: Callable[[int], list[str]] | None = None) -> None:
        self.ready = ready
        self.rest_url = ready.rest
        self.ws_public_url = ready.ws_public
        self.ws_public_v2_url = ready.ws_public_v2
        self.ws_private_url = ready.ws_private
        self.control_url = ready.control
        self.symbols = ready.symbols
        self._accounts = {one.name: one for one in ready.accounts}
        first = ready.accounts[0]
        self.account_name, self.api_key, self.api_secret = first.name, first.api_key, first.api_secret
        self._events = events
        self._link = Link(ready.control, ready.control_token)
        self.requests = Requests(self.ask)

    def ask(self, method: str, name: str, /, **asked: Any) -> Any:
        """See ByHand."""
        return self._link.ask(method, name, **asked)

    def account(
        self,
        name: str,
        balances: Mapping[str, Number] | None = None,
        futures_balances: Mapping[str, Number] | None = None,
    ) -> Access:
        """An account and its key pair: one that there is, or a new one with this money."""
        if name not in self._accounts:
            funds = [{asset: str(qty) for asset, qty in (told or {}).items()} for told in (balances, futures_balances)]
            made = self.ask("POST", "accounts", name=name, balances=funds[0], futures_balances=funds[1])
            self._accounts[name] = Access(made["name"], made["api_key"], made["api_secret"])
        return self._accounts[name]

    def configure_ccxt(self, exchange: Any, account: str = "") -> None:
        """Lead a ``hashkey`` of ccxt, ccxt.async_support or ccxt.pro here: URLs and keys, nothing else."""
        access = self.account(account or self.account_name)
        clients.configure_ccxt(exchange, self, access.api_key, access.api_secret)

    @contextmanager
    def fault(self, kind: str, **scope: Any) -> Iterator[SimFault]:
        """Let something go wrong for as long as a block lasts: ``fault("lose_answer", path=..., times=1)``.

        Kinds, scopes and parameters are those of ``POST /_sim/faults``. It changes what is sent, not what happened.
        """
        begun = SimFault(self.ask("POST", "faults", kind=kind, **scope)["id"], self.ask)
        try:
            yield begun
        finally:
            self.ask("DELETE", "faults", id=begun.id)

    @contextmanager
    def fork(self, snapshot: str | None = None, *, queue: Words = (), residual: Words = ()) -> Iterator[SimServer]:
        """The same exchange again, running on beside this one until the block ends, by other models.

        From a ``snapshot``, or from now. ``queue`` and ``residual`` are as in the settings: a name, or SYMBOL=NAME, ...
        """
        told = self.ask("POST", "fork", name=snapshot, queue=queue, residual=residual)
        other = SimServer(msgspec.convert(told, Ready))
        try:
            yield other
        finally:
            other.close()
            self.ask("DELETE", "forks", port=urlsplit(other.rest_url).port)

    def last_events(self, most: int = SHOWN) -> list[str]:
        """What happened last, one line each; an exchange that was forked tells nothing."""
        return [] if self._events is None else self._events(most)

    def story(self, most: int = SHOWN) -> list[tuple[str, str]]:
        """What a failed test tells of it: titles and texts."""
        told = {"events": self.last_events(most), "requests": self.requests.lines(most)}
        return [
            (f"hashkey-simulator: last {what}", "\n".join(lines) or f"there were no {what}")
            for what, lines in told.items()
        ]

    def close(self) -> None:
        """Ask nothing more of it."""
        self._link.close()


@contextmanager
def serving(thread: LoopThread, settings: Settings) -> Iterator[SimServer]:
    """A server for as long as a block lasts."""
    context = running(settings, PATIENCE_S)
    sim: Running = thread.call(context.__aenter__())
    events = LastEvents(sim.parts.desk.state)
    sim.parts.runner.subscribers.append(events.on_events)
    server = SimServer(sim.ready, events.lines)
    try:
        yield server
    finally:
        server.close()
        thread.call(context.__aexit__(None, None, None))
