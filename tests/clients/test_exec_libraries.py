"""The libraries that Python clients are made of are led by ``exec``, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.executing import executed
from tests.serving import CHECKOUT

# What the suite has anyway (aiohttp, websockets and, with ccxt, uvloop) is not here.
LIBRARIES = ("aiodns==4.0.4", "dnspython==2.9.2", "httpx==0.28.1")
CACHE = CHECKOUT / ".cache"
STEP_LIMIT_S = 120
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("exec-libraries")]

Run: TypeAlias = dict[str, dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def libraries() -> Path:
    """A folder with them, made once per checkout."""
    pytest.importorskip("uvloop")
    named = hashlib.sha256("\n".join((*LIBRARIES, sys.version)).encode()).hexdigest()[:12]
    home = CACHE / f"exec-libraries-{named}"
    if (home / "complete").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1", "--target", str(home))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *LIBRARIES],
        capture_output=True,
        text=True,
        check=False,
        timeout=STEP_LIMIT_S,
    )
    if done.returncode and "(from versions: none)" in done.stderr:
        pytest.skip("no package index to install libraries from")
    assert done.returncode == 0, done.stderr
    (CACHE / ".gitignore").write_text("*\n")
    (home / "complete").touch()
    return home


@pytest.fixture(scope="module")
def run(libraries: Path) -> Run:
    """What one run of the script reports, without the help of a hosts file."""
    flags = ("--empty", "--no-private-hosts")
    done = executed(sys.executable, "-m", "tests.clients.exec_libraries", str(libraries), flags=flags)
    assert done.returncode == 0, done.stderr
    document: Any = json.loads(done.stdout)
    assert list(document) == ["asyncio", "uvloop"]
    return document  # type: ignore[no-any-return]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_every_way_leads_to_the_simulator(run: Run, loop: str) -> None:
    assert set(run[loop]["led"].values()) == {"{}"}, run[loop]["led"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_what_is_not_served_or_resolves_by_itself_is_refused(run: Run, loop: str) -> None:
    for way, outcome in run[loop]["refused"].items():
        assert "lets nothing out" in outcome, way
