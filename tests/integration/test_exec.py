"""``hashkey-sim exec``: HashKey's names lead to the simulator or nowhere; all else is as if exec were not there."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from simulator.app import running
from simulator.cli import main
from simulator.config import build, gather
from simulator.detour.front import ADDRESSES
from simulator.detour.running import _until_over
from tests.executing import command, executed, surroundings
from tests.serving import CHECKOUT, serving

PROBE = str(CHECKOUT / "tests/integration/exec_probe.py")
URL = "https://api-glb.hashkey.com/api/v1/ping"
OURS = "hashkey-sim exec lets nothing out"

Seen: TypeAlias = dict[str, Any]
pytestmark = pytest.mark.xdist_group("exec")


class Somebody(BaseHTTPRequestHandler):
    """A server that is not HashKey's."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"somebody else")

    def log_message(self, *_: Any) -> None:
        """Not on standard error."""


@contextmanager
def somebody_else() -> Iterator[int]:
    with HTTPServer(("", 0), Somebody) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def no_port_of_hashkeys() -> Iterator[None]:
    """The system as ordinary users have it, for whom ports below 1024 are not to be had."""
    with ExitStack() as stack:
        for address in ADDRESSES:
            with suppress(OSError):
                stack.enter_context(socket.create_server((address, 443)))
        yield


def old_python() -> str:
    """The oldest that the site file is for, if it is here."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(pyenv.glob("versions/3.8*/bin/python"))
    if not found and shutil.which("python3.8") is None:
        pytest.skip("there is no Python 3.8 here")
    return str(found[0]) if found else "python3.8"


@pytest.fixture(scope="module", params=["this_python", "python_3_8"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the probe sees with the help of no hosts file; this Python gets other ports than HashKey's own."""
    python = sys.executable if request.param == "this_python" else old_python()
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text("import sys\nsys.chained = __name__\n")
    ports = no_port_of_hashkeys() if request.param == "this_python" else ExitStack()
    with ports, somebody_else() as port:
        flags = ("--empty", "--no-private-hosts")
        done = executed(python, PROBE, str(port), flags=flags, PYTHONPATH=str(site), NO_PROXY="*,.hashkey.com")
    assert done.returncode == 0, done.stderr
    document: Seen = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("way", ["direct", "by_proxy", "without_tls", "child"])
def test_hashkeys_rest_is_the_simulators(seen: Seen, way: str) -> None:
    assert seen[way] in ("{}", "b'{}'")


def test_every_name_leads_to_one_address_of_this_machine(seen: Seen) -> None:
    assert seen["every_name"] == [seen["address"]] == [seen["written_otherwise"]]
    assert seen["address"].startswith("127.")


def test_who_asks_for_an_address_first_gets_there_too(seen: Seen) -> None:
    if sys.platform != "linux":
        pytest.skip("without an address of its own this cannot be told from somebody else's")
    assert seen["by_address"] == "hashkey-simulator"


@pytest.mark.parametrize("way", ["other_name", "below_python", "child_without_the_way"])
def test_what_cannot_be_led_is_refused(seen: Seen, way: str) -> None:
    # Below Python the name is looked up before anybody is asked; where there is no network it is not found.
    assert OURS in seen[way] or (way == "below_python" and "Name or service not known" in seen[way])


def test_a_port_that_is_not_served_is_refused(seen: Seen) -> None:
    assert "serves no port 9443" in seen["other_port"]


def test_the_proxy_refuses_what_it_cannot_lead(seen: Seen) -> None:
    assert "403" in seen["other_name_by_proxy"]


def test_there_is_no_ipv6_way_round(seen: Seen) -> None:
    assert seen["ipv6"].startswith("gaierror")


def test_others_are_reached_as_ever(seen: Seen) -> None:
    assert seen["elsewhere"] == seen["elsewhere_by_proxy"] == "somebody else"


def test_another_sitecustomize_still_runs(seen: Seen) -> None:
    assert seen["chained"] == "sitecustomize"


def test_the_hosts_file_leads_who_takes_nothing_from_the_surroundings() -> None:
    """An isolated Python minds neither the site file nor, here, a proxy; it is the C library that resolves."""
    done = executed(sys.executable, PROBE, "1")
    document: Seen = json.loads(done.stdout)
    if not document["hosts"]:
        pytest.skip("this system gives no program a hosts file of its own")
    # Led there, it either trusts (SSL_CERT_FILE) and is served on 443, or finds 443 closed: never HashKey.
    assert document["isolated_child"] == "b'{}'" or "refused" in document["isolated_child"]
    assert OURS in document["below_python"]


def test_curl_is_led_by_the_proxy_and_trusts() -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    script = f"curl -sS {URL}; echo; curl -sS https://docs.hashkey.com/ || echo status $?"
    done = executed("sh", "-c", script, flags=("--empty", "--no-private-hosts"))
    assert done.stdout.split("\n")[:2] == ["{}", "status 56"], done.stderr
    assert "403" in done.stderr


def test_a_proxy_of_the_users_own_gets_the_others_and_never_hashkey() -> None:
    asked: list[str] = []

    class Further(Somebody):
        """Remembers what it is asked for."""

        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        do_CONNECT = do_GET  # noqa: N815

    with HTTPServer(("127.0.0.1", 0), Further) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        code = (
            "import urllib.request as u\n"
            f"for url in ({URL!r}, {URL.replace('https', 'http')!r}, 'http://example.org/x?y=1'):\n"
            "    print(u.urlopen(url, timeout=10).read().decode())\n"
        )
        done = executed(
            sys.executable, "-c", code, HTTP_PROXY=url, HTTPS_PROXY=url, http_proxy=url, https_proxy=url, NO_PROXY=""
        )
        server.shutdown()
        thread.join()
    assert done.stdout.splitlines() == ["{}", "{}", "somebody else"], done.stderr
    assert asked == ["http://example.org/x?y=1"]


@pytest.mark.parametrize(
    ("argv", "status", "line"),
    [
        (["--empty", "--", "sh", "-c", "exit 7"], 7, "HashKey's names lead to http://127.0.0.1:"),
        (["--empty", "--", "sh", "-c", "kill -9 $$"], 137, ""),
        (["--empty", "--for", "0.2", "--", "sleep", "60"], 143, ""),
        (["--empty", "--", "no-such-program"], 127, "there is no command no-such-program"),
        (["--empty"], 2, "exec needs a command"),
        (["--empty", "--"], 2, "exec needs a command"),
        (["--server", "https://api-glb.hashkey.com", "--", "true"], 2, "api-glb.hashkey.com is HashKey's own"),
        (["--server", "localhost:1", "--", "true"], 2, "--server needs an URL"),
        (["--server", "http://127.0.0.1:1", "--", "true"], 1, "no simulator answers at http://127.0.0.1:1"),
        (["--empty", "--tls-dir", "/dev/null", "--", "true"], 2, "/dev/null"),
    ],
)
def test_it_ends_as_the_program_does_or_says_why_not(
    capfd: pytest.CaptureFixture[str], argv: list[str], status: int, line: str
) -> None:
    assert main(["exec", *argv]) == status
    captured = capfd.readouterr()
    assert line in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_once_and_the_program_decides(number: signal.Signals) -> None:
    code = (
        "import signal, sys\n"
        f"signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}])\n"
        "print('ready', flush=True)\n"
        f"once = signal.sigtimedwait([{int(number)}], 20)\n"
        f"twice = signal.sigtimedwait([{int(number)}], 0.2)\n"
        "sys.exit(41 if once and not twice else 1)\n"
    )
    with subprocess.Popen(
        command(("--empty",), sys.executable, "-c", code),
        cwd=CHECKOUT,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # no terminal, whose own signal would reach the program as well
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 41


def test_a_simulator_that_runs_already_is_used_and_its_end_leads_nowhere() -> None:
    code = (
        "import urllib.request as u\n"
        f"print(u.urlopen({URL!r}, timeout=10).read().decode(), flush=True)\n"
        "input()\n"
        f"try:\n    u.urlopen({URL!r}, timeout=10)\n"
        "except OSError as error:\n    print('no more')\n"
    )
    with serving("--empty") as ready:
        process = subprocess.Popen(
            command(("--server", ready.rest), sys.executable, "-c", code),
            cwd=CHECKOUT,
            env=surroundings(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "{}\n"
    said, _ = process.communicate("\n", timeout=20)
    assert (said, process.returncode) == ("no more\n", 0)


def test_a_simulator_with_tls_is_used_if_its_authority_is_told(tmp_path: Path) -> None:
    folder = ("--tls-dir", str(tmp_path / "tls"))
    code = f"import urllib.request as u; print(u.urlopen({URL!r}, timeout=10).read().decode())"
    with serving("--empty", "--tls", *folder) as ready:
        told = executed(sys.executable, "-c", code, flags=("--server", ready.rest, *folder))
        untold = executed(sys.executable, "-c", code, flags=("--server", ready.rest))
    assert told.stdout == "{}\n", told.stderr
    assert (untold.returncode, untold.stdout) == (1, "")
    assert "CERTIFICATE_VERIFY_FAILED" in untold.stderr


def test_nothing_is_left_behind_and_no_key_was_ever_on_disk(tmp_path: Path) -> None:
    script = f"find {tmp_path} -type f | xargs grep -l PRIVATE; stat -c %a $(dirname $SSL_CERT_FILE)"
    done = executed("sh", "-c", script, TMPDIR=str(tmp_path))
    assert done.stdout == "700\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_cannot_be_led_does_not_run(tmp_path: Path) -> None:
    """Better no program than one that trades on HashKey."""
    (tmp_path / "socket.py").write_text("raise RuntimeError('broken')\n")
    script = f"PYTHONPATH=$PYTHONPATH:{tmp_path} {sys.executable} -c 'print(1)'"
    done = executed("sh", "-c", script)
    assert (done.returncode, done.stdout) == (70, "")
    assert "cannot be led to the simulator" in done.stderr


async def test_a_bug_in_the_market_ends_the_program_and_is_told() -> None:
    class BrokenMarket:
        """A source with a bug."""

        def due(self) -> int:
            raise RuntimeError("a bug in the market")

        def take(self) -> list[Any]:
            raise NotImplementedError

    async def execute() -> None:
        async with running(build(gather(None, {}, {"empty": True, "port": 0}))) as sim:
            sim.parts.runner.source = BrokenMarket()
            await _until_over(["sleep", "60"], os.environ, sim, None)

    with pytest.raises(RuntimeError, match="a bug in the market"):
        await asyncio.wait_for(execute(), 20)
