"""The one way in: a request's bytes → the reply's bytes. Pure and synchronous; the server adds sockets.

In order (errors and limits 2.2): the row of the table, the rate limit, the parameters, who asks, what he
may do, the endpoint, its commands. Whatever is sent, the answer is the venue's: what cannot be read is
refused in its words, what it does not know is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

from simulator.core.commands import Command
from simulator.core.events import Event
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.venues.hashkey.desk import Call, Desk
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.fates import AnswerLost, Fates
from simulator.venues.hashkey.params import split
from simulator.venues.hashkey.routes import ROUTES, Route, Security
from simulator.venues.hashkey.signing import ApiKey, authenticate

NONE, SIGNED = Security.NONE, Security.SIGNED
FORM: Final = "application/x-www-form-urlencoded"


class Request(NamedTuple):
    """What arrived. ``query`` is raw, as it was signed; ``remote`` is the client's address.

    ``skew``: how far the clock is ahead that judges its stamp and tells the time.
    """

    method: str
    path: str
    query: str
    body: bytes
    content_type: str
    api_key: str | None
    broker: str
    remote: str
    skew: Millis = 0


class Reply(NamedTuple):
    """What goes back, always as ``application/json;charset=UTF-8`` (HashKey REST 1.2)."""

    status: int
    body: bytes


class Lost(Reply):
    """A reply that is never sent."""


class Limits(Protocol):
    """What the gate needs of rate limits."""

    def allow(self, kind: str, who: str, weight: int, now: Nanos) -> bool:
        """Count a call of a key or, without one, an address; False: one too many."""
        ...

    def strike(self, address: str, now: Nanos) -> None:
        """A call from there was refused."""
        ...

    def banned(self, address: str, now: Nanos) -> bool:
        """Whether too many calls from there were refused for the next one to be heard."""
        ...


NOT_FOUND: Final = Reply(404, b"<html><body><h2>404 Not found</h2></body></html>")
"""Unknown paths, and known ones with another method (errors and limits 1)."""


class Gate:
    """The venue's REST side. ``now`` brings the exchange up to date and says its time; ``act`` is its door."""

    def __init__(
        self, desk: Desk, limits: Limits | None, now: Callable[[], Nanos], act: Callable[[Nanos, Command], list[Event]]
    ) -> None:
        self._desk = desk
        self.limits = limits
        self._now = now
        self._act = act
        self.fates: Fates | None = None

    def answer(self, request: Request) -> Reply:
        """What the venue says to a request."""
        route = ROUTES.get((request.method, request.path))
        if route is None:
            return NOT_FOUND
        try:
            return Reply(200, self._serve(route, request))
        except AnswerLost as lost:
            return Lost(200, lost.body)
        except VenueError as error:
            return Reply(error.status, error.body(numeric=request.path.startswith("/quote/")))

    def _serve(self, route: Route, request: Request) -> bytes:
        now = self._now()
        if self.limits is not None:
            self._count(self.limits, route, request, now)
        params = split(request.query)
        form = "" if route.json_body or not request.body else form_text(request)
        if form:
            # Each name counts where the query has it (HashKey REST 1.2).
            params = split(form) | params
        key = None
        if route.security is SIGNED or (request.api_key and route.security is not NONE):
            key = self._authenticate(route, request, form, params, now)
        answer = route.endpoint(self._desk, Call(now, params, request.body, key, request.broker, request.skew))
        if isinstance(answer, bytes):
            return answer
        if self.fates is not None:
            return self.fates.carry_out(now, answer)
        act = self._act
        return answer.render([act(now, command) for command in answer.commands])

    def _authenticate(self, route: Route, request: Request, form: str, params: Mapping[str, str], now: Nanos) -> ApiKey:
        key = authenticate(
            self._desk.keys,
            key_text=request.api_key,
            remote=request.remote,
            query=request.query,
            form=form,
            params=params,
            now=now // NANOS_PER_MILLI + request.skew,
            any_time=not self._desk.switches.timestamps,
        )
        if route.writes and not key.may_trade:
            raise VenueError(Refusal.PERMISSION_MISSING)
        return key

    def _count(self, limits: Limits, route: Route, request: Request, now: Nanos) -> None:
        """429 for a call too many, 418 for an address that goes on (errors and limits 1.1)."""
        if limits.banned(request.remote, now):
            raise VenueError(Refusal.BANNED)
        # A key that nobody has counts as its address, or every made-up one would have a limit of its own.
        key = self._desk.keys.get(request.api_key) if request.api_key else None
        who = request.remote if key is None else key.key
        if not limits.allow(route.kind.value, who, route.weight, now):
            limits.strike(request.remote, now)
            raise VenueError(Refusal.RATE_LIMITED)


def form_text(request: Request) -> str:
    """A form body's text; "" for a body of another type or of a GET (HashKey REST 1.2)."""
    kind = request.content_type.partition(";")[0].strip().lower()
    if request.method == "GET" or kind not in ("", FORM):
        return ""
    return request.body.decode("utf-8", "surrogateescape")
