"""For operators: health and metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from bridge.errors import StoreUnavailable
from bridge.observability import Metrics
from bridge.store.database import Database


class Ops(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes need.

    Args:
        measure: brings up to date what is measured only when it is asked for.
        loaded: whether the catalogue is in memory.
        leaving: whether the process was told to stop.
    """

    database: Database
    metrics: Metrics
    measure: Callable[[], Awaitable[None]]
    loaded: Callable[[], bool]
    leaving: Callable[[], bool]


def ops_routes(ops: Ops) -> list[web.RouteDef]:
    """Return ``/health/live``, ``/health/ready`` and ``/metrics``."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        faults = await _not_ready(ops)
        if faults:
            return web.json_response({"status": "not ready", "faults": faults}, status=503)
        return web.json_response({"status": "ready"})

    async def metrics(_: web.Request) -> web.Response:
        await ops.measure()
        return web.Response(
            body=ops.metrics.exposition(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    return [
        web.get("/health/live", live),
        web.get("/health/ready", ready),
        web.get("/metrics", metrics),
    ]


async def _not_ready(ops: Ops) -> list[str]:
    """Return what keeps the bridge from working (decisions 28)."""
    faults = []
    try:
        await ops.database.do("PING")
    except StoreUnavailable as error:
        faults.append(str(error))
    if not ops.loaded():
        faults.append("the catalogue is not loaded")
    if ops.leaving():
        faults.append("the bridge is stopping")
    return faults
