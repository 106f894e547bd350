"""The payment webhook: who may tell, what is taken once, and what is answered to the rest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.clients.hooks import SIGNATURE, TIMESTAMP, signature
from bridge.flows.jobs import Job, PaymentJob
from bridge.observability import Metrics
from bridge.orders.order import Order
from bridge.server.payment_routes import WINDOW_S, PaymentEdge, payment_routes
from bridge.store.database import Database
from bridge.store.inbox import Inbox
from bridge.store.lanes import Lanes
from bridge.store.orders import OrderStore
from tests import factories
from tests.unit.flows.play import confirmed
from tests.unit.flows.test_passes import Shop

SECRET = "SECRET-of-the-gateway"
NOW = 1_800_000_000


class Desk:
    """The route on a clock of the test's own, and the order it is about."""

    def __init__(self, redis: Redis, order: Order, *, secret: str | None = SECRET) -> None:
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "inbox")
        self.metrics = Metrics()
        self.order = order
        self.woken = 0
        orders = OrderStore(self.db, emsp=factories.EMSP, issuer="Bridge", retention_s=3600)
        self.orders = orders
        self.edge = PaymentEdge(
            secret=secret,
            inbox=Inbox(self.db, self.lanes),
            orders=orders,
            metrics=self.metrics,
            wake=self._wake,
            clock=lambda: NOW,
        )
        app = web.Application()
        app.add_routes(payment_routes(self.edge))
        self.client = TestClient(TestServer(app))

    def _wake(self) -> None:
        self.woken += 1

    def body(self, **changes: Any) -> bytes:
        """Return an event that fits the order."""
        assert self.order.payment is not None
        event = {
            "id": "e1",
            "payment_id": self.order.payment.id,
            "kind": "PAID",
            "amount": "100.00",
            "currency": "INR",
            "transaction_id": "gateway-1",
        } | changes
        return json.dumps({k: v for k, v in event.items() if v is not None}).encode()

    async def post(
        self, body: bytes, *, timestamp: str = str(NOW), secret: str = SECRET, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Sign and post; return status and JSON."""
        signed = {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)} | headers
        async with self.client.post("/payments/webhook", data=body, headers=signed) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else {}

    async def jobs(self) -> list[Job]:
        """Return what is queued for the order."""
        entries = await self.lanes.entries(self.order.key)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]

    def counted(self) -> dict[str, float]:
        """Return how often the webhook answered what."""
        value = self.metrics.registry.get_sample_value
        return {
            outcome: count
            for outcome in ("taken", "repeated", "refused", "unsigned", "unavailable")
            if (count := value("bridge_payment_events_total", {"outcome": outcome}))
        }


@pytest.fixture
async def desk(redis: Redis) -> AsyncIterator[Desk]:
    """Give the route, and an order of 100 INR that is placed."""
    made = Desk(redis, (await confirmed()).placed)
    made.order = replace(made.order, key="bap.example|t0")
    await made.db.commit(made.orders.saved(made.order, None))
    async with made.client:
        yield made


async def test_an_event_is_queued_once_for_its_order(desk: Desk) -> None:
    body = desk.body()
    assert await desk.post(body) == (200, {"status": "taken"})
    assert await desk.post(body, timestamp=str(NOW + 1)) == (200, {"status": "repeated"})
    assert await desk.post(desk.body(amount="1")) == (200, {"status": "repeated"})

    (job,) = await desk.jobs()
    assert isinstance(job, PaymentJob)
    assert (job.event.id, job.event.kind, job.event.transaction_id) == ("e1", "PAID", "gateway-1")
    assert job.event.amount == Decimal(100)
    assert desk.woken == 1
    assert desk.counted() == {"taken": 1, "repeated": 2}


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"secret": "another-secret-of-somebody"}, SIGNATURE),
        ({SIGNATURE: ""}, SIGNATURE),
        ({SIGNATURE: "sha256=ü"}, SIGNATURE),
        ({TIMESTAMP: str(NOW + 1)}, SIGNATURE),
        ({"timestamp": str(NOW - WINDOW_S - 1)}, TIMESTAMP),
        ({"timestamp": str(NOW + WINDOW_S + 1)}, TIMESTAMP),
        ({"timestamp": "2027-01-15T08:00:00Z"}, TIMESTAMP),
        ({"timestamp": ""}, TIMESTAMP),
    ],
)
async def test_what_nobody_signed_just_now_is_401(
    desk: Desk, headers: dict[str, str], field: str
) -> None:
    status, answer = await desk.post(desk.body(), **headers)
    assert (status, answer["error"]["field"]) == (401, field)
    assert await desk.jobs() == []
    assert desk.counted() == {"unsigned": 1}


async def test_a_body_that_was_tampered_with_is_401(desk: Desk) -> None:
    signed = signature(SECRET, str(NOW), desk.body(amount="1"))
    status, _ = await desk.post(desk.body(), **{SIGNATURE: signed})
    assert status == 401


@pytest.mark.parametrize("age", [-WINDOW_S, WINDOW_S])
async def test_the_window_is_taken_to_its_edges(desk: Desk, age: int) -> None:
    assert (await desk.post(desk.body(), timestamp=str(NOW + age)))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"id": None}, 400, "id"),
        ({"id": ""}, 400, "id"),
        ({"id": "x" * 201}, 400, "id"),
        ({"kind": "STOLEN"}, 400, "kind"),
        ({"amount": "ten"}, 400, "amount"),
        ({"amount": "NaN"}, 400, "amount"),
        ({"amount": "-100"}, 400, "amount"),
        ({"currency": 7}, 400, "currency"),
        ({"payment_id": "payment-of-another"}, 422, "payment_id"),
        ({"amount": "99.99"}, 422, "amount"),
        ({"currency": "EUR"}, 422, "currency"),
        ({"transaction_id": None}, 422, "transaction_id"),
        ({"kind": "REFUNDED", "amount": "1"}, 422, "amount"),
    ],
)
async def test_what_does_not_fit_is_4xx_and_names_its_field(
    desk: Desk, changes: dict[str, Any], status: int, field: str
) -> None:
    got, answer = await desk.post(desk.body(**changes))
    assert (got, answer["error"]["field"]) == (status, field), answer
    assert answer["error"]["message"]
    assert await desk.jobs() == []
    assert desk.counted() == {"refused": 1}
    assert await desk.post(desk.body()) == (200, {"status": "taken"}), "its id is not used up"


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{"])
async def test_what_is_no_event_is_400(desk: Desk, body: bytes) -> None:
    assert (await desk.post(body))[0] == 400


async def test_without_a_secret_there_is_no_webhook(redis: Redis) -> None:
    order = (await confirmed()).placed
    desk = Desk(redis, order, secret=None)
    async with desk.client:
        assert (await desk.post(desk.body()))[0] == 404
    assert desk.counted() == {}


async def test_the_payment_of_a_pass_is_found_as_well(desk: Desk) -> None:
    shop = Shop()
    await shop.termed()
    await desk.db.commit(desk.orders.pass_saved(shop.bought))
    payment = shop.bought.payment
    assert payment is not None
    body = desk.body(payment_id=payment.id, amount=str(payment.amount))
    assert await desk.post(body) == (200, {"status": "taken"})


async def test_the_secret_does_not_show(desk: Desk) -> None:
    assert "SECRET" not in repr(desk.edge)
