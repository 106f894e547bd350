"""The Beckn routes on a real socket, with what they queue in memory."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Middleware
from msgspec.structs import replace

from bridge.flows.jobs import BecknJob
from bridge.mapping import load
from bridge.observability import Metrics
from bridge.ocpi.headers import Party
from bridge.server.beckn_routes import BecknEdge, beckn_routes
from bridge.server.middlewares import beckn_faults
from bridge.server.rates import Limiter
from bridge.settings import data_path
from bridge.wiring import dialects_of
from tests.contract.requirements.scene import settings
from tests.fakes import MemoryObjects, MemoryOrders

BPP_ID = "bridge.example"
MAX_BODY_BYTES = 100_000
DIALECTS = dialects_of(settings("http://bridge.example"), load(data_path("mappings"), ()))


class MemoryInbox:
    """What was queued: the lane and the job; a repeat is none."""

    def __init__(self) -> None:
        self.queued: list[tuple[str, BecknJob]] = []
        self._seen: set[str] = set()

    async def queue_once(self, order_key: str, job: BecknJob, repeat_key: str) -> bool:
        """Queue a job unless it was before."""
        if repeat_key in self._seen:
            return False
        self._seen.add(repeat_key)
        self.queued.append((order_key, job))
        return True


@dataclass
class Edge:
    """The routes, and a BAP that posts to them."""

    orders: MemoryOrders = field(
        default_factory=lambda: MemoryOrders(MemoryObjects(), Party("IN", "BRG"), "Bridge")
    )
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    metrics: Metrics = field(default_factory=Metrics)

    def client(self, **changes: Any) -> TestClient[web.Request, web.Application]:
        """Return a client of the routes; ``changes`` are fields of BecknEdge."""
        return TestClient(TestServer(self.app(**changes)))

    def app(self, *outer: Middleware, **changes: Any) -> web.Application:
        """Return the routes, behind more middlewares."""
        edge = BecknEdge(
            dialects={dialect.domain: dialect for dialect in DIALECTS},
            bpp_id=BPP_ID,
            time_zone=ZoneInfo("Asia/Kolkata"),
            max_body_bytes=MAX_BODY_BYTES,
            max_clock_skew_s=None,
            quiet=False,
            alone=False,
            webhook=None,
            inbox=self.inbox,  # type: ignore[arg-type]
            orders=self.orders,
            wake=lambda: None,
            metrics=self.metrics,
            verifier=None,
            layer2={},
            guard=None,
            limiter=Limiter(None),
        )
        edge = replace(edge, **changes)
        app = web.Application(
            client_max_size=MAX_BODY_BYTES,
            middlewares=[*outer, beckn_faults(quiet=edge.quiet, metrics=self.metrics)],
        )
        app.add_routes(beckn_routes(edge))
        return app


def message(action: str, part: Mapping[str, object], **context: object) -> dict[str, object]:
    """Return a request; ``context`` are changes of its context."""
    return {
        "context": {
            "domain": "deg:ev-charging",
            "action": action,
            "version": "1.1.0",
            "bap_id": "bap.example",
            "bap_uri": "https://bap.example/beckn",
            "bpp_id": BPP_ID,
            "transaction_id": str(uuid.uuid4()),
            "message_id": str(uuid.uuid4()),
            **context,
        },
        "message": dict(part),
    }


async def post(
    client: TestClient[web.Request, web.Application],
    body: object,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Post a request; return HTTP status and answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    async with client.post("/beckn", data=data, headers=sent) as answer:
        return answer.status, await answer.json()
