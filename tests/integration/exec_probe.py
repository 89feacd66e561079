"""What a Python program sees of the world under ``exec``. For any Python from 3.8 on, with nothing installed.

Standard output: one JSON document. An argument is a port of this machine on which somebody else's server answers.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from typing import Any, Callable, Dict, Optional, Tuple

Address = Tuple[str, int]
URL = "https://api-glb.hashkey.com/api/v1/ping"
NAMES = os.environ.get("HASHKEY_DETOUR_NAMES", "").split(",")


def outcome(what: Callable[..., Any], *args: Any) -> Any:
    """What a call gives, or what it raises."""
    try:
        return what(*args)
    except Exception as error:  # noqa: BLE001 - that is what is asked for
        return f"{type(error).__name__}: {error}"


def read(url: str, proxies: Optional[Dict[str, str]] = None) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    with opener.open(url, timeout=10) as reply:
        return str(reply.read().decode())


def tls_to(address: Address, name: str) -> Any:
    """By an address that was asked for without a port, as some libraries do it."""
    context = ssl.create_default_context()
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain, server_hostname=name) as wrapped:
        shown: Any = wrapped.getpeercert()
        return shown["issuer"][0][0][1]


def peer(address: Address) -> Any:
    with socket.create_connection(address, 10) as connection:
        return connection.getpeername()[0]


def raw_connect(address: Address) -> None:
    """Below everything that is Python."""
    import _socket

    _socket.socket().connect(address)


def child(*options: str, **variables: str) -> str:
    """A program of this program, which was given other variables or none."""
    code = f"import urllib.request as u; print(u.build_opener(u.ProxyHandler({{}})).open({URL!r}, timeout=10).read())"
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, check=False, env=variables or None)
    return done.stdout.decode().strip() or done.stderr.decode().strip().splitlines()[-1]


def without(prefix: str) -> Dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(prefix)}


def main(elsewhere: str) -> None:
    name = "api-glb.hashkey.com"
    address = outcome(socket.gethostbyname, name)
    other = f"http://localhost:{elsewhere}/"
    json.dump(
        {
            "direct": outcome(read, URL, {}),
            "by_proxy": outcome(read, URL),
            "without_tls": outcome(read, URL.replace("https", "http"), {}),
            "every_name": sorted({outcome(peer, (one, 443)) for one in NAMES}),
            "written_otherwise": outcome(peer, ("API-GLB.HashKey.com.", 443)),
            "address": address,
            "by_address": outcome(tls_to, (address, 443), name),
            "other_port": outcome(peer, (name, 9443)),
            "other_name": outcome(peer, ("www.hashkey.com", 443)),
            "other_name_by_proxy": outcome(read, "https://www.hashkey.com/"),
            "ipv6": outcome(socket.getaddrinfo, name, 443, socket.AF_INET6),
            "below_python": outcome(raw_connect, (name, 443)),
            "elsewhere": outcome(read, other, {}),
            "elsewhere_by_proxy": outcome(read, other.replace("localhost", "127.0.0.2"), None),
            "child": child(),
            "child_without_the_way": child(**without("HASHKEY_DETOUR_")),
            "isolated_child": child("-I"),
            "hosts": os.path.exists("/etc/hosts") and name in outcome(lambda: open("/etc/hosts").read()),
            "chained": getattr(sys, "chained", None),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
