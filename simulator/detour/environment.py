"""The surroundings of a program that is led to the simulator: environment variables, and files in a private folder."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simulator.detour.front import Front
from simulator.venues.hashkey.hosts import NAMES, is_hashkeys

PREFIX: Final = "HASHKEY_DETOUR_"
HERE: Final = Path(__file__).parent
SITE, PRELOAD = HERE / "python", HERE / "node" / "detour.cjs"
# Where distributions keep the authorities that everybody trusts; OpenSSL's own default comes first.
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
)
_INSTEAD: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables whose file replaces the system's authorities: ours is appended to what they were."""
_BESIDES: Final = "NODE_EXTRA_CA_CERTS"
_NEAR: Final = ("localhost", "127.0.0.1")
"""Not proxied. No ``::1``: some clients cannot read it there."""


def surroundings(told: Mapping[str, str], front: Front, proxy: str, authority: Path, folder: Path) -> dict[str, str]:
    """The variables ``told`` to us as the program gets them; ``folder`` takes the files that they name."""
    return {
        **{name: value for name, value in told.items() if name.upper() != "ALL_PROXY"},
        **_detour(front, authority),
        **_trust(told, authority, folder),
        **_proxies(told, proxy),
        "PYTHONPATH": _joined(os.pathsep, str(SITE), told.get("PYTHONPATH", "")),
        "NODE_OPTIONS": _joined(" ", told.get("NODE_OPTIONS", ""), f'--require "{_quoted(PRELOAD)}"'),
    }


def _detour(front: Front, authority: Path) -> dict[str, str]:
    values = {
        "ADDRESS": front.address,
        "NAMES": ",".join(NAMES),
        "PORTS": ",".join(f"{known}:{ours}" for known, ours in front.ports.items()),
        "CA": str(authority.resolve()),
    }
    return {PREFIX + name: value for name, value in values.items()}


def _trust(told: Mapping[str, str], authority: Path, folder: Path) -> dict[str, str]:
    ours = authority.read_bytes()
    variables: dict[str, str] = {}
    for name in (*_INSTEAD, _BESIDES):
        others = _read(told.get(name, "")) or (b"" if name == _BESIDES else everybodys(told))
        bundle = folder / f"{name.lower()}.pem"
        bundle.write_bytes(others.rstrip() + b"\n" + ours)
        variables[name] = str(bundle)
    return variables


def everybodys(told: Mapping[str, str]) -> bytes:
    """The authorities that programs on this system trust, as PEM; empty if they cannot be found as a file."""
    for path in (told.get("SSL_CERT_FILE", ""), ssl.get_default_verify_paths().openssl_cafile, *_BUNDLES):
        if found := _read(path):
            return found
    loaded = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, loaded)).encode()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes() if path else b""
    except OSError:
        return b""


def _proxies(told: Mapping[str, str], proxy: str) -> dict[str, str]:
    """Both spellings of every variable; no HashKey name may be excepted, and ``*`` excepts all."""
    listed = (told.get("no_proxy") or told.get("NO_PROXY") or "").split(",")
    kept = [one.strip() for one in listed if one.strip() and not _excepts_hashkey(one.strip())]
    near = ",".join(dict.fromkeys((*_NEAR, *kept)))
    values = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": near}
    return {**values, **{name.lower(): value for name, value in values.items()}}


def _excepts_hashkey(pattern: str) -> bool:
    plain = pattern.removeprefix("*").removeprefix(".").partition(":")[0].lower()
    return not plain or is_hashkeys(plain) or any(name.endswith("." + plain) for name in NAMES)


def _joined(between: str, *parts: str) -> str:
    return between.join(part for part in parts if part)


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')
