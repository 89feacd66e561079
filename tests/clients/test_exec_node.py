"""npm's ccxt trades on ``serve --tls``, and with no URL set under ``exec``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients import node_env
from tests.executing import KEY, SECRET, executed, surroundings
from tests.serving import CHECKOUT, serving

SCRIPT = str(CHECKOUT / "tests/clients/exec_ccxt.cjs")
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("exec-node")]


@pytest.fixture(scope="module")
def modules() -> Path:
    return node_env.modules()


def check(document: dict[str, Any]) -> None:
    assert (document["status"], document["filled"]) == ("closed", 0.001)
    assert document["levels"] >= 10


def test_under_exec_it_trades_as_installed_and_finds_nothing_else_of_hashkeys(modules: Path) -> None:
    done = executed("node", SCRIPT, flags=("--no-private-hosts",), NODE_PATH=str(modules))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    check(document)
    assert "lets nothing out" in document["elsewhere"]


def test_on_a_server_with_tls_it_trades_and_trusts_the_authority(modules: Path) -> None:
    with serving("--tls", "--api-key", KEY, "--api-secret", SECRET) as ready:
        assert ready.ca
        variables = {"NODE_PATH": str(modules), "NODE_EXTRA_CA_CERTS": ready.ca}
        keys = {"HASHKEY_SIM_API_KEY": KEY, "HASHKEY_SIM_API_SECRET": SECRET}
        done = subprocess.run(
            ["node", SCRIPT, ready.rest],
            env=surroundings(**variables) | keys,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))
