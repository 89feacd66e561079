"""Requests in, replies out: one handler for every REST row. What they mean is the venue's business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from simulator.venues.hashkey.gate import Gate, Request

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# HashKey REST 1.2: this content type on every reply, the 404 page included.
CONTENT_TYPE: Final = "application/json;charset=UTF-8"


def rest_handler(gate: Gate) -> Handler:
    """A handler that lets the gate answer."""
    answered = 0

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal answered
        # The target as it was sent: signatures cover the raw text.
        path, _, query = request.raw_path.partition("?")
        body = await request.read() if request.body_exists else b""
        headers = request.headers
        reply = gate.answer(
            Request(
                request.method,
                path,
                query,
                body,
                headers.get("Content-Type", ""),
                headers.get("X-HK-APIKEY") or headers.get("X-APIKEY"),
                headers.get("INPUT-SOURCE", ""),
                request.remote or "",
            )
        )
        answered += 1
        return web.Response(
            body=reply.body,
            status=reply.status,
            headers={"Content-Type": CONTENT_TYPE, "traceid": f"REST:{answered:020d}"},
        )

    return handle
