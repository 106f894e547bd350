"""The limit of an answer to a CPO: a handler that asks Redis once, and does nothing else.

``python -m tests.bench.bare PORT REDIS_URL``. ``POST /{key}`` is one GET, ``PUT /{key}`` one SET
of the body.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import uvloop
from aiohttp import web

from bridge.store.connect import connect


def app(redis_url: str) -> web.Application:
    """Return the application."""
    bare = web.Application()
    redis = connect(redis_url)

    async def get(request: web.Request) -> web.Response:
        found = await redis.get(request.match_info["key"])
        assert isinstance(found, bytes), "the bench has put it there"
        return _answer(found)

    async def put(request: web.Request) -> web.Response:
        await redis.set(request.match_info["key"], await request.read())
        return _answer(b'{"status_code":1000,"timestamp":"2026-06-01T06:00:00Z"}')

    async def running(_: web.Application) -> AsyncIterator[None]:
        yield
        await redis.aclose()

    bare.add_routes([web.post("/{key}", get), web.put("/{key}", put)])
    bare.cleanup_ctx.append(running)
    return bare


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    web.run_app(
        app(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
