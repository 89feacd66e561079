"""A folder with npm's ``ccxt``, made once per checkout under ``.cache/``; no script of it runs at installation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serving import CHECKOUT

RELEASE = "4.5.84"
CACHE = CHECKOUT / ".cache"
STEP_LIMIT_S = 120
# npm's words when no registry answers, or the one that does has no such release.
NOT_TO_BE_HAD = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ETARGET", "E404", "ENETUNREACH")


def modules() -> Path:
    """The folder for ``NODE_PATH``; skips the test where it cannot be made."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no Node.js with npm here")
    import fcntl

    home = CACHE / f"node-ccxt-{RELEASE}"
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of pytest-xdist start at once
        if not (home / "complete").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            _install(npm, home)
            (home / "complete").touch()
    return home / "node_modules"


def _install(npm: str, home: Path) -> None:
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries", "1", "--prefix", str(home))
    done = subprocess.run(
        [npm, "install", *options, f"ccxt@{RELEASE}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=STEP_LIMIT_S,
        cwd=home,
    )
    if done.returncode and any(word in done.stderr for word in NOT_TO_BE_HAD):
        pytest.skip(f"no registry to install npm's ccxt {RELEASE} from")
    assert done.returncode == 0, done.stderr
