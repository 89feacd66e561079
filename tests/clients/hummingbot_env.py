"""An environment with the Hummingbot release that still has the HashKey connectors, made once per checkout.

The wheels are for CPython 3.10 on Linux x86-64 only, and of the sixty-odd declared dependencies the
connectors need thirteen (Hummingbot 1). So the environment is a folder of its own under ``.cache/``,
named after what is in it; a half-made one has no ``complete`` file and is made anew.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RELEASE = "20250220"
HUMMINGBOT = (f"hummingbot=={RELEASE}",)
LIBRARIES = (
    "numpy==1.26.4",
    "pandas==2.2.3",
    "aiohttp==3.14.5",
    "bidict==0.23.1",
    "pydantic==1.10.27",
    "ujson==6.1.0",
    "cachetools==7.3.3",
    "async-timeout==5.0.1",
    "aioprocessing==2.0.1",
    "ruamel.yaml==0.17.40",
    "pyyaml==6.0.4",
    "tabulate==0.10.0",
)
CONNECTORS = (
    "from hummingbot.core.clock import Clock; "
    "from hummingbot.connector.exchange.hashkey import hashkey_exchange; "
    "from hummingbot.connector.derivative.hashkey_perpetual import hashkey_perpetual_derivative"
)

CHECKOUT = Path(__file__).parents[2]
CACHE = CHECKOUT / ".cache"
STEP_LIMIT_S = 300
"""For one pip command; the two together take half a minute with a near index."""


def interpreter() -> Path:
    """Python of the environment, which is made if need be; skips the test where it cannot be made."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("Hummingbot's wheels are for Linux x86-64 only")
    import fcntl

    listed = hashlib.sha256("\n".join(HUMMINGBOT + LIBRARIES).encode()).hexdigest()[:12]
    home = CACHE / f"hummingbot-{RELEASE}-{listed}"
    python, complete = home / "bin" / "python", home / "complete"
    CACHE.mkdir(exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of pytest-xdist start at once
        if not (complete.exists() and python.exists()):
            shutil.rmtree(home, ignore_errors=True)
            _make(home, python)
            complete.touch()
    return python


def _make(home: Path, python: Path) -> None:
    base = next(filter(_is_python_3_10, _candidates()), None)
    if base is None:
        pytest.skip("no CPython 3.10 found for Hummingbot; name one in HASHKEY_SIM_PYTHON310")
    _run(base, "-m", "venv", str(home))
    _install(python, "--no-deps", *HUMMINGBOT)
    _install(python, *LIBRARIES)
    _run(str(python), "-c", CONNECTORS)


def _candidates() -> Iterator[str]:
    if named := os.environ.get("HASHKEY_SIM_PYTHON310"):
        yield named
    yield "python3.10"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/3.10*/bin/python")))
    if uv := shutil.which("uv"):
        found = subprocess.run([uv, "python", "find", "3.10"], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            yield found.stdout.strip()
    yield "/usr/bin/python3.10"
    yield from map(str, sorted(Path("/opt").glob("*/bin/python3.10")))


def _is_python_3_10(candidate: str) -> bool:
    """Asked of the program itself: a pyenv shim of that name may only print an error, Debian's lacks ensurepip."""
    question = "import ensurepip, sys, venv; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [candidate, "-c", question], capture_output=True, text=True, check=False, timeout=STEP_LIMIT_S
        )
    except OSError:
        return False
    return answer.stdout.split() == ["cpython", "3", "10"]


def _install(python: Path, *what: str) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1")
    try:
        _run(str(python), "-m", "pip", "install", *options, *what)
    except subprocess.CalledProcessError as failed:
        # pip's words when no index answered, or the one that answered has nothing of that name.
        if "(from versions: none)" in failed.stderr:
            pytest.skip(f"no package index to install Hummingbot {RELEASE} from")
        raise


def _run(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=STEP_LIMIT_S)
    except subprocess.CalledProcessError as failed:
        failed.add_note(failed.stderr)
        raise
