"""``hashkey-sim exec`` as people start it, for programs that are led to the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.serving import CHECKOUT

KEY, SECRET = "exec-key", "exec-secret"


def line(host: str) -> str:
    """What the scripts that trade read, for a program to which the exchange is HashKey."""
    account = {"name": "default", "api_key": KEY, "api_secret": SECRET}
    return json.dumps({"rest": f"https://{host}", "accounts": [account]})


def command(flags: tuple[str, ...], *program: str) -> list[str]:
    """The command line."""
    own = [sys.executable, "-m", "simulator", "exec", "--api-key", KEY, "--api-secret", SECRET]
    return [*own, *flags, "--", *program]


def surroundings(**more: str) -> dict[str, str]:
    """Of whoever runs the tests, without settings of theirs, and more."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HASHKEY_")}
    return own | more


def executed(
    *program: str, flags: tuple[str, ...] = ("--empty",), stdin: str = "", limit: float = 60, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program under exec to its end; ``more`` are variables."""
    variables: Mapping[str, str] = surroundings(**more)
    return subprocess.run(
        command(flags, *program),
        cwd=CHECKOUT,
        env=variables,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )
