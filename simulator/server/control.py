"""``/_sim/...``: the simulator's own doors and its page, apart from the venue's paths. Read-only in this release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec
from aiohttp import web

from simulator.server.rest import Handler

PREFIX: Final = "/_sim/"


def control_handler(views: Mapping[str, Callable[[dict[str, str]], Any]]) -> Handler:
    """A handler for views by name. Each is given the query and gives what is sent as JSON, or LookupError."""
    page = files(__package__).joinpath("page/index.html").read_bytes()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.removeprefix(PREFIX)
        if name == "page":
            return web.Response(body=page, content_type="text/html", charset="utf-8")
        view = views.get(name)
        if view is None:
            return _reply(404, {"error": f"there is no {PREFIX}{name}", "there is": [PREFIX + one for one in views]})
        if request.method != "GET":
            return _reply(405, {"error": f"{PREFIX}{name} answers GET only"})
        try:
            return _reply(200, view(dict(request.query)))
        except LookupError as error:
            return _reply(404, {"error": str(error.args[0])})

    return handle


def _reply(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
