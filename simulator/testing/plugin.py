"""The pytest plugin: ``sim_server``, ``sim_exchange``, ``sim_clock``, ``sim_recording``, and the marker ``sim``.

Loading it costs nothing, since everybody's pytest does who has the simulator installed: what is needed is imported when
a test asks for a fixture. One thread with an event loop serves a whole session, and each test gets an exchange and a
port of its own in it, so a fresh server takes milliseconds and no test sees another's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simulator.testing.by_hand import SimClock
    from simulator.testing.exchange import SimExchange
    from simulator.testing.server import SimServer
    from simulator.testing.thread import LoopThread

MARKER = "sim"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(accounts=..., **settings): what sim_server and sim_exchange (hashkey-simulator) are to be like; any "
        "setting of `hashkey-sim config` by its name, such as symbols=['BTCUSDT'], replay=True, latency='request=5'.",
    )


@pytest.fixture(scope="session")
def _sim_thread() -> Iterator[LoopThread]:
    """Where all servers of a session run, one after the other."""
    from simulator.testing.thread import LoopThread

    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture
def sim_server(request: pytest.FixtureRequest, _sim_thread: LoopThread) -> Iterator[SimServer]:
    """A real exchange on a free port, fresh for this test; ``--empty`` unless the marker says otherwise."""
    from simulator.testing.server import serving
    from simulator.testing.wishes import settings_of

    with serving(_sim_thread, settings_of(_wishes(request), by_hand="sim_clock" in request.fixturenames)) as server:
        yield server


@pytest.fixture
def sim_exchange(request: pytest.FixtureRequest) -> SimExchange:
    """The same exchange without a server: its core in this process, its time standing until it is moved."""
    from simulator.testing.exchange import SimExchange
    from simulator.testing.wishes import settings_of

    return SimExchange(settings_of(_wishes(request), by_hand=True))


@pytest.fixture
def sim_clock(sim_server: SimServer) -> SimClock:
    """The time of ``sim_server``, which stands from its start and goes where it is moved.

    Stamps of requests are then not looked at, unless the marker says timestamps=True: no client can know this time.
    """
    return sim_server.clock


@pytest.fixture(scope="session")
def sim_recording() -> Path:
    """A small recording of a real market: thirty seconds of four symbols."""
    from simulator.testing.wishes import SMALL

    return SMALL


def _wishes(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers say, the closest one last."""
    wishes: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        if mark.args:
            raise pytest.UsageError(
                f"the marker {MARKER} takes settings by name, such as {MARKER}(symbols=['BTCUSDT'])"
            )
        wishes |= mark.kwargs
    return wishes


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test tells what its exchange saw last."""
    report = yield
    if report.when == "call" and report.failed:
        for name in ("sim_server", "sim_exchange"):
            exchange = getattr(item, "funcargs", {}).get(name)
            if exchange is not None:
                report.sections += exchange.story()
    return report
