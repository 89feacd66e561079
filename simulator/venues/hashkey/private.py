"""The private socket ``/api/v1/ws/{listenKey}`` (hashkey-websocket.md 4): who hears what, and its life.

A user's connections all hear everything about the user's accounts, spot and futures. Nothing is
rendered for users without a connection. Frames leave in the turn of their command, before anybody is
answered over REST: Hummingbot takes reports as they come, even backwards (Hummingbot 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from simulator.core.events import BalanceChanged, Event, PositionChanged
from simulator.core.state import State
from simulator.core.units import NANOS_PER_MILLI, Nanos
from simulator.venues.hashkey.accounts import AccountIds, user_of
from simulator.venues.hashkey.orders import millis
from simulator.venues.hashkey.reports import Reports
from simulator.venues.hashkey.sockets import Ending, Frame, Outlet, StreamSwitches, channel_id, read

AccountOf: TypeAlias = Callable[[str, Nanos], str | None]
"""Whose a listen key is; None: unknown or expired."""


class PrivateStreams:
    """A subscriber of events: tells users about their accounts."""

    def __init__(self, state: State, ids: AccountIds, account_of: AccountOf, switches: StreamSwitches) -> None:
        self._renders = Reports(state, ids, switches).renders
        self._listeners: dict[str, dict[Outlet, None]] = {}
        self._sessions_made = 0
        self.account_of = account_of
        self.switches = switches

    def open(self, listen_key: str, outlet: Outlet, now: Nanos, wall: float) -> PrivateSession | None:
        """A connection with a listen key; None: there is no such key."""
        account = self.account_of(listen_key, now)
        if account is None:
            return None
        user = user_of(account)
        self._listeners.setdefault(user, {})[outlet] = None
        self._sessions_made += 1
        channel = channel_id("private", self._sessions_made)
        return PrivateSession(self, user, listen_key, outlet, channel=channel, wall=wall)

    def leave(self, user: str, outlet: Outlet) -> None:
        """No longer."""
        listeners = self._listeners.get(user, {})
        listeners.pop(outlet, None)
        if not listeners:
            self._listeners.pop(user, None)

    def on_events(self, now: Nanos, events: Sequence[Event]) -> None:
        """Report what concerns somebody who listens."""
        if not self._listeners:
            return
        ms = millis(now)
        told: dict[str, list[bytes]] = {}
        listeners, renders = self._listeners, self._renders
        for event in positions_first(events):
            render = renders.get(type(event))
            if render is None:
                continue
            account = _account(event)
            user = account if account in listeners else user_of(account)
            if user in listeners:
                told.setdefault(user, []).extend(render(ms, event))
        for user, reports in told.items():
            self._tell(self._listeners[user], reports)

    def _tell(self, listeners: dict[Outlet, None], reports: list[bytes]) -> None:
        if not self.switches.one_event_per_frame:
            reports = [b"[%b]" % b",".join([report[1:-1] for report in reports])]
        for frame in [Frame(report) for report in reports]:
            for outlet in listeners:
                outlet.send(frame)


def positions_first(events: Sequence[Event]) -> Iterator[Event]:
    """WebSocket 4.11: of what a command changed, positions are told before balances; all else keeps its place."""
    balances: list[Event] = []
    for event in events:
        kind = type(event)
        if kind is BalanceChanged:
            balances.append(event)
            continue
        if balances and kind is not PositionChanged:
            yield from balances
            balances.clear()
        yield event
    yield from balances


def _account(event: Any) -> str:
    account: str = event.account
    return account


class PrivateSession:
    """One connection. ``last_heard``: see sockets.Session."""

    def __init__(
        self, streams: PrivateStreams, user: str, listen_key: str, outlet: Outlet, *, channel: str, wall: float
    ) -> None:
        self._streams = streams
        self._user = user
        self._listen_key = listen_key
        self._outlet = outlet
        self._channel = channel.encode()
        self._pinged = self._ponged = wall
        self.last_heard = wall

    def received(self, data: str | bytes, now: Nanos) -> None:
        """A ping is answered with its own value (WebSocket 4.3); everything else is ignored."""
        message = read(data)
        if message is None:
            return
        if message.pong is not msgspec.UNSET:
            self._ponged = self.last_heard
        elif isinstance(message.ping, msgspec.Raw):
            self._outlet.send(Frame(b'{"pong":%b,"channelId":"%b"}' % (bytes(message.ping), self._channel)))

    def check(self, now: Nanos, wall: float) -> Ending | None:
        """The key has run out or was deleted, or the client is silent where that is not allowed; pings go out here."""
        switches = self._streams.switches
        if self._streams.account_of(self._listen_key, now) is None:
            return Ending.CLOSE
        if switches.private_silence_s is not None and wall - self._ponged >= switches.private_silence_s:
            return Ending.CLOSE
        if switches.private_ping_s is not None and wall - self._pinged >= switches.private_ping_s:
            self._pinged = wall
            self._outlet.send(Frame(b'{"ping":%d,"channelId":"%b"}' % (now // NANOS_PER_MILLI, self._channel)))
        return None

    def closed(self) -> None:
        """Nobody listens here any more."""
        self._streams.leave(self._user, self._outlet)
