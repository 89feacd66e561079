"""HashKey's names lead to the simulator: read by every Python that ``hashkey-sim exec`` starts, before its first line.

A file of its own: it runs in other people's interpreters (Python 3.8 and newer), needs nothing but the standard
library, and knows of the simulator only what the variables ``HASHKEY_DETOUR_...`` say. It changes, inside that
interpreter, what names resolve to, where connecting goes, and whom TLS clients trust. A name under HashKey's
domains that cannot be led to the simulator is refused, be it that the variables are gone, that the name or the
port is not served, or that a library resolves by itself; and where this file itself fails, the interpreter stops.
Whatever is not HashKey's goes on as if this were not there, another ``sitecustomize`` included.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing costs every start of Python some milliseconds
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

PREFIX = "HASHKEY_DETOUR_"
FAMILIES = ("hashkey.com", "hashkeydev.com", "bmuxdc.com")
CANNOT = 70  # sysexits' EX_SOFTWARE
SERVICES = {"https": 443, "http": 80}


def refusal(name: str) -> gaierror:
    """What a name that is not led anywhere gets."""
    return gaierror(EAI_NONAME, f"{name} is HashKey's, and hashkey-sim exec lets nothing out")


class Detour:
    """Where HashKey's names lead."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read the variables; without them every name is refused."""
        self.address = variables.get(PREFIX + "ADDRESS", "")
        self.names = frozenset(variables.get(PREFIX + "NAMES", "").split(",")) if self.address else frozenset()
        pairs = [pair.split(":") for pair in variables.get(PREFIX + "PORTS", "").split(",") if pair]
        self.ports = {int(known): int(ours) for known, ours in pairs}
        self.authority = variables.get(PREFIX + "CA", "")

    def hashkeys(self, host: object) -> str | None:
        """The plain spelling of a host name if it is HashKey's, else None."""
        if isinstance(host, (bytes, bytearray)):
            host = bytes(host).decode("ascii", "replace")
        if not isinstance(host, str):
            return None
        if not host.isascii():
            try:
                host = host.encode("idna").decode("ascii")
            except UnicodeError:
                return None
        plain = host.rstrip(".").lower()
        ours = any(plain == family or plain.endswith("." + family) for family in FAMILIES)
        return plain if ours else None

    def resolve(self, name: str) -> str:
        """The address of one of HashKey's names; gaierror if the simulator does not serve it."""
        if name not in self.names:
            raise refusal(name)
        return self.address

    def port(self, port: Any) -> Any:
        """Where a port of HashKey's is; gaierror for a port that the simulator does not serve."""
        if isinstance(port, (bytes, bytearray)):
            port = bytes(port).decode("ascii", "replace")
        number = SERVICES.get(port, port)
        if number in (None, "", 0, "0"):
            return port  # only the name is asked for; connecting will find the port
        if str(number).isdigit() and int(number) in self.ports:
            return self.ports[int(number)]
        if str(number).isdigit() and int(number) in self.ports.values():
            return int(number)
        raise gaierror(EAI_SERVICE, f"the simulator serves no port {port} of HashKey")

    def reroute(self, address: Any) -> Any:
        """A socket address as it must be connected to: a name is resolved, a port of the door's address found."""
        if not isinstance(address, tuple) or len(address) < 2:
            return address
        host, port = address[:2]
        name = self.hashkeys(host)
        if name is not None:
            return (self.resolve(name), self.port(port), *address[2:])
        if host == self.address and port in self.ports and not shared(host):
            return (host, self.ports[port], *address[2:])
        return address


def shared(address: str) -> bool:
    """Whether other programs may serve on that address, so that its ports are not all ours."""
    return address == "127.0.0.1"


def put(owner: object, **functions: Callable[..., Any]) -> None:
    """Functions in place of a module's or a class's own."""
    for name, function in functions.items():
        setattr(owner, name, function)


def change_sockets(detour: Detour) -> None:
    """Names and addresses as ``socket`` and everything above it sees them."""
    resolve, by_name = _socket.getaddrinfo, _socket.gethostbyname
    by_name_ex, by_address = _socket.gethostbyname_ex, _socket.gethostbyaddr
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        name = detour.hashkeys(host)
        if name is None:
            return resolve(host, port, family, type, proto, flags)
        return resolve(detour.resolve(name), detour.port(port), family, type, proto, flags)

    def gethostbyname(host: Any) -> Any:
        name = detour.hashkeys(host)
        return by_name(host) if name is None else detour.resolve(name)

    def gethostbyname_ex(host: Any) -> Any:
        name = detour.hashkeys(host)
        return by_name_ex(host) if name is None else (name, [], [detour.resolve(name)])

    def gethostbyaddr(host: Any) -> Any:
        name = detour.hashkeys(host)
        return by_address(host) if name is None else (name, [], [detour.resolve(name)])

    def detoured_connect(self: Any, address: Any) -> Any:
        return connect(self, detour.reroute(address))

    def detoured_connect_ex(self: Any, address: Any) -> Any:
        return connect_ex(self, detour.reroute(address))

    # socket.getaddrinfo is Python and asks _socket; the others are the same functions in both modules.
    put(_socket, getaddrinfo=getaddrinfo)
    for module in (_socket, socket):
        put(module, gethostbyname=gethostbyname, gethostbyname_ex=gethostbyname_ex, gethostbyaddr=gethostbyaddr)
    put(socket.socket, connect=detoured_connect, connect_ex=detoured_connect_ex)


def watch(detour: Detour) -> None:
    """The net below: whoever found a way round the functions above is refused by the interpreter itself."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not event.startswith("socket."):
            return
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = args[1] if len(args) > 1 else None
            host = address[0] if isinstance(address, tuple) and address else None
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            host = args[0] if args else None
        else:
            return
        name = detour.hashkeys(host)
        if name is not None:
            raise refusal(name)

    sys.addaudithook(hook)


def trusting(detour: Detour) -> Callable[[Any], None]:
    """What changes ``ssl`` once it is there: clients that trust any authority trust the simulator's too."""

    def change(ssl: Any) -> None:
        context = ssl.SSLContext

        def wrapped(method: Callable[..., Any]) -> Callable[..., None]:
            def load(self: Any, *args: Any, **named: Any) -> None:
                method(self, *args, **named)
                if self.protocol != ssl.PROTOCOL_TLS_SERVER and os.path.exists(detour.authority):
                    locations(self, cafile=detour.authority)

            return load

        locations = context.load_verify_locations
        for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
            put(context, **{name: wrapped(getattr(context, name))})

    return change


def resolving_in_aiohttp(detour: Detour) -> Callable[[Any], None]:
    """What changes aiohttp's resolver for aiodns, which asks no function of Python's."""

    def change(resolver: Any) -> None:
        original = resolver.AsyncResolver.resolve

        async def resolve(self: Any, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
            name = detour.hashkeys(host)
            if name is None:
                return await original(self, host, port, family)
            return [
                {
                    "hostname": host,
                    "host": detour.resolve(name),
                    "port": detour.port(port),
                    "family": socket.AF_INET,
                    "proto": 0,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        put(resolver.AsyncResolver, resolve=resolve)

    return change


def connecting_in_uvloop(detour: Detour) -> Callable[[Any], None]:
    """What changes uvloop's loops, which resolve and connect in C."""

    def change(uvloop: Any) -> None:
        loop = uvloop.Loop
        resolve, connect, datagrams = loop.getaddrinfo, loop.create_connection, loop.create_datagram_endpoint

        async def getaddrinfo(self: Any, host: Any, port: Any, **named: Any) -> Any:
            if detour.hashkeys(host) is None:
                return await resolve(self, host, port, **named)
            return socket.getaddrinfo(host, port, **named)

        async def create_connection(self: Any, factory: Any, host: Any = None, port: Any = None, **named: Any) -> Any:
            there = detour.reroute((host, port))
            if there[0] != host and named.get("ssl") and named.get("server_hostname") is None:
                named["server_hostname"] = host
            return await connect(self, factory, *there, **named)

        async def create_datagram_endpoint(
            self: Any, factory: Any, local_addr: Any = None, remote_addr: Any = None, **named: Any
        ) -> Any:
            return await datagrams(self, factory, local_addr, detour.reroute(remote_addr), **named)

        put(loop, getaddrinfo=getaddrinfo, create_connection=create_connection)
        put(loop, create_datagram_endpoint=create_datagram_endpoint)

    return change


def refusing(detour: Detour, owner: str, *methods: str) -> Callable[[Any], None]:
    """What changes a library that asks name servers itself: it is not told HashKey's names."""

    def refused(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(self: Any, host: Any, *args: Any, **named: Any) -> Any:
            name = detour.hashkeys(str(host) if host.__class__.__name__ == "Name" else host)
            if name is not None:
                raise refusal(name)
            return method(self, host, *args, **named)

        return ask

    def change(module: Any) -> None:
        kind = getattr(module, owner)
        for name in methods:
            if hasattr(kind, name):
                put(kind, **{name: refused(getattr(kind, name))})

    return change


def followed(execute: Callable[[ModuleType], None], change: Callable[[Any], None]) -> Callable[[ModuleType], None]:
    """A module's execution with a change after it."""

    def exec_module(module: ModuleType) -> None:
        execute(module)
        change(module)

    return exec_module


class AfterImport:
    """Lets others find a module, and changes it as soon as it has been executed."""

    def __init__(self, changes: Mapping[str, Callable[[Any], None]]) -> None:
        """``changes``: functions of a module by its name."""
        self.changes = changes

    def install(self) -> None:
        """For modules that come, and for those that are there."""
        sys.meta_path.insert(0, self)
        for name, change in self.changes.items():
            if name in sys.modules:
                change(sys.modules[name])

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Part of the import system's protocol."""
        change = self.changes.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = None if finder is self or find is None else find(name, path, target)
            if spec is not None and spec.loader is not None:
                put(spec.loader, exec_module=followed(spec.loader.exec_module, change))
                return spec
        return None


def install(detour: Detour) -> None:
    """Everything above."""
    change_sockets(detour)
    watch(detour)
    AfterImport(
        {
            "ssl": trusting(detour),
            "aiohttp.resolver": resolving_in_aiohttp(detour),
            "uvloop": connecting_in_uvloop(detour),
            "pycares": refusing(detour, "Channel", "getaddrinfo", "gethostbyname", "query", "search"),
            "dns.resolver": refusing(detour, "Resolver", "resolve", "query"),
            "dns.asyncresolver": refusing(detour, "Resolver", "resolve"),
        }
    ).install()


def run_the_next() -> None:
    """The ``sitecustomize`` that would have run if this one were not in front of it."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.realpath(os.path.dirname(__file__))
    spec = PathFinder.find_spec("sitecustomize", [one for one in sys.path if os.path.realpath(one or ".") != here])
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    import _socket
    import socket
    from socket import EAI_NONAME, EAI_SERVICE, gaierror

    install(Detour(os.environ))
except BaseException as error:
    # site would go on without us, and HashKey would be HashKey again.
    os.write(2, f"hashkey-sim exec: Python cannot be led to the simulator and is stopped: {error!r}\n".encode())
    os._exit(CANNOT)
run_the_next()
