"""``serve --tls``, the authority behind it, and ``hosts``."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from websockets.sync.client import connect

from simulator.cli import main
from simulator.server.tls import CERTIFICATE, KEY, NoAuthority, authority
from simulator.venues.hashkey.hosts import NAMES
from tests.serving import CHECKOUT, serving


def test_the_ready_line_speaks_tls_and_says_whom_to_trust() -> None:
    with serving("--empty", "--tls") as ready:
        context = ssl.create_default_context(cafile=ready.ca)
        with urllib.request.urlopen(ready.rest + "/api/v1/ping", context=context) as reply:
            assert reply.read() == b"{}"
        with urllib.request.urlopen(ready.control + "/health", context=context) as reply:
            assert json.load(reply)["ok"]
        for url in (ready.ws_public, ready.ws_public_v2):
            with connect(url, ssl=context, proxy=None) as socket:
                socket.send('{"ping":1}')
                assert "pong" in str(socket.recv(5))
        port = urlsplit(ready.rest).port
        for name in (*NAMES, "localhost", "127.0.0.1"):
            assert name in ssl_names(("127.0.0.1", port or 0), context, name)
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl_names(("127.0.0.1", port or 0), context, "www.hashkey.com")
        assert Path(ready.ca).stat().st_mode & stat.S_IWOTH == 0
        folder = Path(ready.ca).parent
        assert [one.name for one in folder.iterdir()] == [CERTIFICATE]
    assert not folder.exists()


def ssl_names(address: tuple[str, int], context: ssl.SSLContext, name: str) -> list[str]:
    import socket

    with socket.create_connection(address, 5) as plain, context.wrap_socket(plain, server_hostname=name) as wrapped:
        shown: Any = wrapped.getpeercert()
    return [value for _, value in shown["subjectAltName"]]


def test_the_authority_is_worth_nothing_for_other_names(tmp_path: Path) -> None:
    """Whoever gets hold of it can sign for anybody, and nobody believes it."""
    with authority(tmp_path) as signer:
        context = signer.context("example.org")
        good = signer.context()
    client = ssl.create_default_context(cafile=str(tmp_path / CERTIFICATE))
    handshake(good, client, "api-glb.hashkey.com")
    for name in ("example.org", "api-glb.hashkey.com"):
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            handshake(context, client, name)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(back, there, server_hostname=name)
    other = server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert one.version()


def test_a_kept_authority_is_made_once_and_its_key_is_its_owners(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "tls"
    with authority(folder) as first:
        told = first.certificate.read_bytes()
    with authority(folder) as second:
        assert second.certificate.read_bytes() == told
        second.context()
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_authority_that_could_sign_for_anybody_is_not_used(tmp_path: Path) -> None:
    import trustme

    foreign = trustme.CA()
    foreign.private_key_pem.write_to_path(tmp_path / KEY)
    foreign.cert_pem.write_to_path(tmp_path / KEY, append=True)
    with pytest.raises(NoAuthority, match="any name"), authority(tmp_path):
        pass


def test_an_authority_for_this_machine_is_not_one_for_another_address(tmp_path: Path) -> None:
    with authority(tmp_path, "127.0.0.1", "localhost"):
        pass
    with pytest.raises(NoAuthority, match=r"cannot sign for 192\.0\.2\.7"), authority(tmp_path, "192.0.2.7"):
        pass


def test_a_damaged_authority_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / KEY).write_text("nothing")
    with pytest.raises(NoAuthority, match="holds no authority that can be read"), authority(tmp_path):
        pass


def test_what_is_shown_of_it_is_always_of_the_key_that_signs(tmp_path: Path) -> None:
    with authority(tmp_path) as first:
        told = first.certificate.read_bytes()
    (tmp_path / CERTIFICATE).write_text("another")
    with authority(tmp_path) as second:
        assert second.certificate.read_bytes() == told


def test_two_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(lambda _: kept(tmp_path), range(8)))
    assert len(told) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == [KEY, CERTIFICATE]


def kept(folder: Path) -> bytes:
    with authority(folder) as signer:
        return signer.certificate.read_bytes()


def test_a_root_that_other_tools_read(tmp_path: Path) -> None:
    with authority(None) as signer:
        root = x509.load_pem_x509_certificate(signer.certificate.read_bytes())
    assert root.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)


def test_without_the_extra_tls_says_what_to_install() -> None:
    code = "import sys; sys.modules['trustme'] = sys.modules['cryptography'] = None\nfrom simulator.cli import main\n"
    code += "sys.exit(main(['serve', '--empty', '--tls', '--port', '0']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "hashkey-sim: TLS needs the extra: pip install 'hashkey-simulator[tls]'\n"


def test_hosts_prints_every_name_and_makes_the_authority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hosts", "--json", "--tls-dir", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "hosts": [f"127.0.0.1 {name}" for name in NAMES],
        "names": list(NAMES),
        "ca": str(tmp_path / CERTIFICATE),
    }
    assert (tmp_path / CERTIFICATE).exists()
    assert main(["hosts"]) == 0
    words = capsys.readouterr().out
    lines = [line for line in words.splitlines() if line and not line.startswith("#")]
    assert lines == told["hosts"]
    assert "--tls-dir DIR" in words
