"""The live mirror put together from the settings: what is misuse, where the venue is, what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.config import BadSetting, Settings
from simulator.core.instruments import Instrument
from simulator.feeds.client import Line, Timing
from simulator.feeds.live import Live
from simulator.feeds.mirror import Mirror, Record
from simulator.feeds.rest import Rest
from simulator.feeds.rules import Rules, cache_file, rules
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.feed import V1, V2
from simulator.venues.hashkey.subscribing import GLOBAL_REST, GLOBAL_WS, subscriptions


def check_live(settings: Settings) -> None:
    """BadSetting for what cannot go together with a live market."""
    market = settings.market
    others = {"--replay": market.replay, "--empty": market.empty, "--speed": market.speed != "1"}
    for flag, given in others.items():
        if given:
            raise BadSetting(f"--live mirrors the venue as it is now: leave {flag} away")
    if market.clock != "wall":
        raise BadSetting("--live has the time of the venue, which is now: leave --clock away")
    check_upstream(settings)


def check_upstream(settings: Settings) -> None:
    """BadSetting when REST and sockets would be those of two venues."""
    upstream = settings.upstream
    if (upstream.upstream_rest == GLOBAL_REST) != (upstream.upstream_ws == GLOBAL_WS):
        raise BadSetting("--upstream-rest and --upstream-ws are two sides of one venue: name both or none")


async def rules_of(settings: Settings) -> Rules:
    """The filters of the venue that is mirrored, or the best that is known of them."""
    check_live(settings)
    base = settings.upstream.upstream_rest
    return await rules(rest_of(settings), cache_file(base))


def live_of(settings: Settings, instruments: Sequence[Instrument], runner: Runner) -> Live:
    """A market source that waits for frames."""
    named = {one.symbol: one for one in instruments}
    return Live(named, settings.upstream.stale_after, runner.now, runner.catch_up)


def mirror_of(
    settings: Settings, instruments: Sequence[Instrument], live: Live, record: Record | None = None
) -> Mirror:
    """What keeps the source supplied."""
    timing = Timing(connect_s=settings.upstream.stale_after, silence_s=settings.upstream.stale_after)
    seed = settings.market.seed
    extra: Mapping[str, Record] = {} if record is None else {"record": record}
    return Mirror(live, lines_of(settings, instruments), rest_of(settings), timing, seed, **extra)


def lines_of(settings: Settings, instruments: Sequence[Instrument]) -> list[Line]:
    """The sockets that are listened to, and what is said there."""
    base = socket_base(settings.upstream.upstream_ws)
    return [Line(path, base + path, says) for path, says in subscriptions(instruments).items()]


def socket_base(url: str) -> str:
    """Where the sockets' paths begin; who names one of the public sockets means both.

    >>> socket_base("ws://127.0.0.1:8765/quote/ws/v1")
    'ws://127.0.0.1:8765'
    """
    return url.rstrip("/").removesuffix(V1).removesuffix(V2)


def rest_of(settings: Settings) -> Rest:
    """The venue's REST side."""
    return Rest(settings.upstream.upstream_rest, min(3.0, settings.upstream.stale_after))
