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
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos
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
        self._listeners: dict[str, dict[Outlet, PrivateSession]] = {}
        self._sessions_made = 0
        self.account_of = account_of
        self.switches = switches

    def open(self, listen_key: str, outlet: Outlet, now: Nanos, wall: float) -> PrivateSession | None:
        """A connection with a listen key; None: there is no such key."""
        account = self.account_of(listen_key, now)
        if account is None:
            return None
        user = user_of(account)
        self._sessions_made += 1
        channel = channel_id("private", self._sessions_made)
        session = PrivateSession(self, user, listen_key, outlet, channel=channel, now=now, wall=wall)
        self._listeners.setdefault(user, {})[outlet] = session
        return session

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
            # Not to whom the key has left: when that is noticed on his connection depends on the wall's clock.
            living = [outlet for outlet, one in self._listeners[user].items() if one.may_listen(now)]
            self._tell(living, reports)

    def tick(self, now: Nanos) -> None:
        """Ping whom it is time to ping."""
        for listeners in self._listeners.values():
            for session in listeners.values():
                session.tick(now)

    def renew(self, now: Nanos) -> None:
        """Time may be another: pings are counted from now. Whose key is gone is noticed as ever."""
        for listeners in self._listeners.values():
            for session in listeners.values():
                session.renew(now)

    def _tell(self, listeners: Sequence[Outlet], reports: list[bytes]) -> None:
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
        self,
        streams: PrivateStreams,
        user: str,
        listen_key: str,
        outlet: Outlet,
        *,
        channel: str,
        now: Nanos,
        wall: float,
    ) -> None:
        self._streams = streams
        self._user = user
        self._listen_key = listen_key
        self._outlet = outlet
        self._channel = channel.encode()
        self._pinged = now
        self.last_heard = self._ponged = wall

    def may_listen(self, now: Nanos) -> bool:
        """Whether the key lives."""
        return self._streams.account_of(self._listen_key, now) is not None

    def tick(self, now: Nanos) -> None:
        """Pings go out by the exchange's clock, so a replay repeats them."""
        ping_s = self._streams.switches.private_ping_s
        if ping_s is not None and now - self._pinged >= ping_s * NANOS_PER_SECOND and self.may_listen(now):
            self._pinged = now
            self._outlet.send(Frame(b'{"ping":%d,"channelId":"%b"}' % (now // NANOS_PER_MILLI, self._channel)))

    def renew(self, now: Nanos) -> None:
        """See PrivateStreams."""
        self._pinged = now

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
        """The key has run out or was deleted, or the client is silent where that is not allowed."""
        silence_s = self._streams.switches.private_silence_s
        silent = silence_s is not None and wall - self._ponged >= silence_s
        return Ending.CLOSE if silent or not self.may_listen(now) else None

    def closed(self) -> None:
        """Nobody listens here any more."""
        self._streams.leave(self._user, self._outlet)
