"""The way round in small: names, proxies, hosts files, variables."""

from __future__ import annotations

import doctest
import inspect
import json
import os
import re
import ssl
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import ccxt
import ccxt.pro
import pytest

from simulator.config import BadSetting
from simulator.detour import etc, proxy
from simulator.detour.environment import PRELOAD, SITE, everybodys, surroundings
from simulator.detour.etc import files_first, hosts_with
from simulator.detour.front import Front, Upstream
from simulator.detour.proxy import Refused, parse
from simulator.venues.hashkey import hosts
from simulator.venues.hashkey.hosts import FAMILIES, NAMES, is_hashkeys

FRONT = Front("127.72.75.1", {443: 40001, 80: 40002})
CA = b"-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"


def test_the_table_has_the_names_that_ccxt_holds() -> None:
    """Of its addresses those of programs; the others are pages for people."""
    source = inspect.getsource(ccxt.hashkey) + inspect.getsource(ccxt.pro.hashkey)
    found = set(re.findall(r"(?:https|wss)://((?:api|stream)[\w.-]*)", source))
    assert {"api-glb.hashkey.com", "stream-glb.hashkey.com"} <= found <= set(NAMES)


def test_every_name_is_of_a_family_and_every_family_has_one() -> None:
    assert all(map(is_hashkeys, NAMES))
    assert all(any(name.endswith("." + family) for name in NAMES) for family in FAMILIES)


@pytest.mark.parametrize("name", ["hashkey.com.evil.org", "myhashkey.com", "hashkey", "", "com", "localhost"])
def test_others_are_not_hashkeys(name: str) -> None:
    assert not is_hashkeys(name)


def test_the_interpreters_own_files_know_the_same_families() -> None:
    """They run without this package, so they repeat what is in it."""
    listed = json.dumps(list(FAMILIES)).strip("[]")
    assert f"FAMILIES = ({listed})" in (SITE / "sitecustomize.py").read_text("utf-8")
    assert f"FAMILIES = [{listed}]" in PRELOAD.read_text("utf-8")


@pytest.mark.parametrize("module", [etc, hosts, proxy], ids=lambda one: one.__name__)
def test_the_examples_are_true(module: ModuleType) -> None:
    done = doctest.testmod(module)
    assert done.attempted and not done.failed


def test_a_hosts_file_keeps_the_others_lines_and_has_hashkeys_once() -> None:
    text = "127.0.0.1 localhost\n# a word about hashkey.com\n8.8.8.8 api-glb.hashkey.com other\n10.0.0.1 box  # mine\n"
    lines = hosts_with(text, "127.72.75.1").splitlines()
    assert lines[:3] == ["127.0.0.1 localhost", "# a word about hashkey.com", "10.0.0.1 box  # mine"]
    assert lines[3:] == [f"{one} {name}" for one in ("127.72.75.1", "::ffff:127.72.75.1") for name in NAMES]
    assert hosts_with("\n".join(lines), "127.72.75.1").splitlines() == lines


def test_the_order_of_asking_is_otherwise_kept() -> None:
    text = "passwd: files systemd\nhosts:\tmymachines dns\n"
    assert files_first(text) == "passwd: files systemd\nhosts: files mymachines dns\n"


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        (b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", ("example.org", 443, b"")),
        (b"CONNECT [::1]:8443 HTTP/1.1\r\n\r\n", ("::1", 8443, b"")),
        (
            b"GET http://example.org/a?b=c HTTP/1.1\r\nHost: example.org\r\nProxy-Authorization: x\r\n\r\n",
            ("example.org", 80, b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"),
        ),
        (
            b"POST http://example.org:81 HTTP/1.1\r\nConnection: keep-alive\r\n\r\n",
            ("example.org", 81, b"POST / HTTP/1.1\r\nConnection: close\r\n\r\n"),
        ),
    ],
)
def test_the_proxy_reads_requests(head: bytes, asked: tuple[str, int, bytes]) -> None:
    assert parse(head)[:3] == asked


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"GET ftp://x/ HTTP/1.1",
        b"CONNECT x HTTP/1.1",
        b"CONNECT x:a HTTP/1.1",
        b"",
        b"\xff \xff \xff",
    ],
)
def test_the_proxy_refuses_what_it_cannot_read(line: bytes) -> None:
    with pytest.raises(Refused):
        parse(line + b"\r\n\r\n")


@pytest.mark.parametrize("url", ["https://API-GLB.hashkey.com.:443", "http://www.hashkey.com"])
def test_no_server_is_hashkey_itself(url: str) -> None:
    with pytest.raises(BadSetting, match="HashKey's own"):
        Upstream.of(url, None)


def variables(tmp_path: Path, **told: str) -> dict[str, str]:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(CA)
    return surroundings(told, FRONT, "http://127.0.0.1:9", authority, tmp_path)


def test_others_variables_are_kept(tmp_path: Path) -> None:
    got = variables(
        tmp_path, HOME="/home/x", PYTHONPATH="/mine", NODE_OPTIONS="--trace-warnings", ALL_PROXY="socks5://x"
    )
    assert got["HOME"] == "/home/x"
    assert got["PYTHONPATH"].split(os.pathsep) == [str(SITE), "/mine"]
    assert got["NODE_OPTIONS"] == f'--trace-warnings --require "{PRELOAD}"'
    assert "ALL_PROXY" not in got


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("", ""),
        ("*", ""),
        ("hashkey.com, .hashkey.com,*.hashkey.com,api-glb.hashkey.com:443,com,.com", ""),
        ("example.org,10.0.0.0/8,localhost", ",example.org,10.0.0.0/8"),
    ],
)
def test_hashkey_is_never_excepted_from_the_proxy(tmp_path: Path, told: str, kept: str) -> None:
    got = variables(tmp_path, NO_PROXY=told)
    assert got["NO_PROXY"] == got["no_proxy"] == "localhost,127.0.0.1" + kept
    assert {got[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")} == {"http://127.0.0.1:9"}


def test_the_authority_is_appended_to_those_that_were_trusted(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_bytes(b"mine")
    got = variables(tmp_path, REQUESTS_CA_BUNDLE=str(mine))
    assert Path(got["REQUESTS_CA_BUNDLE"]).read_bytes() == b"mine\n" + CA
    assert Path(got["NODE_EXTRA_CA_CERTS"]).read_bytes().strip() == CA.strip()
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        assert Path(got[name]).read_bytes() == everybodys({}).rstrip() + b"\n" + CA


def test_everybodys_authorities_are_those_of_this_python(tmp_path: Path) -> None:
    bundle = tmp_path / "all.pem"
    bundle.write_bytes(everybodys(os.environ))
    found = ssl.create_default_context(cafile=str(bundle)) if bundle.read_bytes() else ssl.create_default_context()
    assert len(found.get_ca_certs()) >= len(ssl.create_default_context().get_ca_certs())


def test_the_site_file_costs_python_little() -> None:
    code = "import sys; print(*{'ssl', 'typing', 'asyncio', 'json', 're'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(SITE)!r}); import sitecustomize; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""
