"""``/_sim/...``: the sockets of the control API, and the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final, TypeAlias

from aiohttp import web

from simulator.server.rest import Handler

PREFIX: Final = "/_sim/"

Answer: TypeAlias = Callable[[str, str, Mapping[str, str], bytes, Any], Awaitable[tuple[int, bytes, str]]]
"""Method, name, query, body, who asks → status, body and its content type."""
MakeCaller: TypeAlias = Callable[[str, str | None, str], Any]
"""The request's Host, Origin and Authorization, as the answering side wants them."""


def control_handler(answer: Answer, caller: MakeCaller) -> Handler:
    """A handler that lets ``answer`` say what there is to say."""
    page = files(__package__).joinpath("page/index.html").read_bytes()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.removeprefix(PREFIX)
        if name == "page":
            return web.Response(body=page, content_type="text/html", charset="utf-8")
        headers = request.headers
        who = caller(request.host, headers.get("Origin"), headers.get("Authorization", ""))
        status, body, kind = await answer(request.method, name, request.query, await request.read(), who)
        return web.Response(status=status, body=body, headers={"Content-Type": kind})

    return handle
