"""Which handler a path goes to, and how the server starts and stops."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from simulator.server.rest import Handler

# Longer than aiohttp's default: a hundred order ids and a signature fit into one request line.
_LONGEST_LINE = 32_768
PATIENCE_S: Final = 1.0
"""At the end, for requests that are being answered and for clients that have to take their close frame."""


def route(exact: Mapping[str, Handler], prefixes: Mapping[str, Handler], rest: Handler) -> Handler:
    """A handler that passes on by path: the sockets' and the control's own, everything else to ``rest``."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        # Not request.path: it would unquote every URL, and none of these has anything quoted.
        path = request.raw_path.partition("?")[0]
        special = exact.get(path)
        if special is not None:
            return await special(request)
        for prefix, handler in prefixes.items():
            if path.startswith(prefix):
                return await handler(request)
        return await rest(request)

    return handle


@asynccontextmanager
async def listening(
    handler: Handler, host: str, port: int, tls: ssl.SSLContext | None = None, patience_s: float = PATIENCE_S
) -> AsyncIterator[int]:
    """Serve on an address for as long as the block lasts; gives the port. OSError when it cannot be had."""
    server = web.Server(handler, access_log=None, max_line_size=_LONGEST_LINE, max_field_size=_LONGEST_LINE)
    runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=patience_s)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
