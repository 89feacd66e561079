"""Real clients of the venue, each in the environment that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import hummingbot_env

# For Hummingbot's own Python, or for exec; pytest would import them in search of doctests.
collect_ignore = [
    "exec_ccxt.py",
    "exec_libraries.py",
    "hummingbot_faults.py",
    "hummingbot_pause.py",
    "hummingbot_perpetual.py",
    "hummingbot_session.py",
    "hummingbot_spot.py",
]


@pytest.fixture(scope="session")
def hummingbot_python() -> Path:
    """The interpreter that can import Hummingbot."""
    return hummingbot_env.interpreter()
