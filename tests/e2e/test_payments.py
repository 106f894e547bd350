"""Money beside the charging: a gateway tells by a signed webhook, refunds and collects leave."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bridge.clients.hooks import SIGNATURE, TIMESTAMP, signature
from bridge.sandbox.bap import Message
from bridge.sandbox.drive import UPI, Driver
from tests.e2e.rig import Rig, Site, rig
from tests.reference import load_tool, shared_path
from tests.waiting import until

SECRET = "secret-of-the-gateway"
LINK = {
    "methods": ["PAYMENT-LINK"],
    "url": "https://pay.example/pay?t=$transaction_id&a=$amount",
}


class Gateway:
    """The operator's payment software: it is asked, and tells."""

    def __init__(self) -> None:
        self.asked: list[Message] = []
        self.refuses = 0
        self.site = Site(self._app)

    def _app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/requests", self._request)])
        return app

    async def _request(self, http: web.Request) -> web.Response:
        body = await http.read()
        assert http.headers[SIGNATURE] == signature(SECRET, http.headers[TIMESTAMP], body)
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=503)
        self.asked.append(json.loads(body))
        return web.Response(status=202)

    async def tells(
        self,
        world: Rig,
        event: Message,
        *,
        age_s: int = 0,
        instead: Message | None = None,
    ) -> tuple[int, Message]:
        """Sign an event and post it, or another one instead of it; return status and answer."""
        timestamp = str(int(time.time()) - age_s)
        body = json.dumps(event).encode()
        headers = {TIMESTAMP: timestamp, SIGNATURE: signature(SECRET, timestamp, body)}
        sent = body if instead is None else json.dumps(instead).encode()
        url = f"{world.bridges[0].url}/payments/webhook"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=sent, headers=headers) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


def event(order: Message, kind: str, amount: str) -> Message:
    """Return what a gateway tells of the payment of an order."""
    return {
        "id": f"event-{kind}-{amount}",
        "payment_id": order["payments"][0]["id"],
        "kind": kind,
        "amount": amount,
        "currency": "INR",
        "transaction_id": "gateway-1",
    }


def payments(message: Message) -> list[tuple[str, str, str]]:
    """Return type, status and amount of what a callback says of payments."""
    return [
        (entry["type"], entry["status"], entry["params"]["amount"])
        for entry in message["message"]["order"]["payments"]
    ]


def told(world: Rig) -> list[Message]:
    """Return each on_status, in order."""
    return [m for m in world.bap.callbacks if m["context"]["action"] == "on_status"]


@asynccontextmanager
async def paying(
    tmp_path: Path, redis_url: str, payment: dict[str, Any]
) -> AsyncIterator[tuple[Rig, Gateway]]:
    """Give a bridge whose payments go by a gateway; what it sends is looked at in the end."""
    gateway = Gateway()
    await gateway.site.start()
    made = {"secret": SECRET, "requests_url": f"{gateway.site.url}/requests"} | payment
    terms = {"cdr_wait_s": 3, "session_wait_s": 10, "command_timeout_s": 4}
    try:
        async with rig(tmp_path, redis_url, payment=made, terms=terms) as world:
            yield world, gateway
            check_core(world)
    finally:
        await gateway.site.stop()


def check_core(world: Rig) -> None:
    """Check every message against core 1.1.0, where the reference material is there."""
    shared = shared_path(os.environ)
    if shared is None:
        return
    tool = load_tool(shared, "validate_layer2")
    for message in world.beckn_sent:
        faults = tool.validate(message, spec=tool.SPECS["core"], formats="strict")
        assert faults == [], message["context"]["action"]


async def test_a_link_is_paid_before_confirm_and_the_rest_comes_back(
    tmp_path: Path, redis_url: str
) -> None:
    async with paying(tmp_path, redis_url, LINK) as (world, gateway):
        driver = Driver(world.bap)
        await driver.selects()
        offered = (await driver.inits())["message"]["order"]
        entry = offered["payments"][0]
        assert entry["url"] == f"https://pay.example/pay?t={driver.transaction_id}&a=100.00"
        assert payments(await driver.inits()) == [("PRE-FULFILLMENT", "NOT-PAID", "100.00")]
        paid = event(offered, "PAID", "100.00")

        assert (await gateway.tells(world, paid, instead=paid | {"amount": "1.00"}))[0] == 401
        assert (await gateway.tells(world, paid, age_s=301))[0] == 401
        for changes, field in (
            ({"amount": "99.00"}, "amount"),
            ({"currency": "EUR"}, "currency"),
            ({"payment_id": "payment-of-nobody"}, "payment_id"),
        ):
            status, answer = await gateway.tells(world, paid | changes)
            assert (status, answer["error"]["field"]) == (422, field)
        assert told(world) == []

        assert await gateway.tells(world, paid) == (200, {"status": "taken"})
        on_status = await driver.hears(lambda m: m["context"]["action"] == "on_status")
        order = on_status["message"]["order"]
        assert payments(on_status) == [("PRE-FULFILLMENT", "PAID", "100.00")]
        assert order["payments"][0]["params"]["transaction_id"] == "gateway-1"
        assert "id" not in order
        assert await gateway.tells(world, paid) == (200, {"status": "repeated"})

        confirmed = await driver.confirms(paid=False)
        assert payments(confirmed) == [("PRE-FULFILLMENT", "PAID", "100.00")]
        gateway.refuses = 1
        final = await driver.charges()
        assert payments(final)[1] == ("POST-FULFILLMENT", "NOT-PAID", "23.40")
        await until(lambda: len(gateway.asked) == 1)
        asked = gateway.asked[0]
        assert (asked["kind"], asked["amount"], asked["currency"]) == ("refund", "23.40", "INR")
        assert asked["payment_transaction_id"] == "gateway-1"

        refunded = event(offered, "REFUNDED", "23.40")
        assert (await gateway.tells(world, refunded))[0] == 200
        assert (await gateway.tells(world, refunded))[1] == {"status": "repeated"}
        last = await driver.hears(
            lambda m: m["context"]["action"] == "on_status" and len(payments(m)) == 2
        )
        assert payments(last)[1] == ("POST-FULFILLMENT", "PAID", "23.40")
        metrics = await world.bridges[0].metrics()
        assert metrics['bridge_payment_events_total{outcome="taken"}'] == 2
        assert metrics['bridge_errands_total{kind="refund",outcome="done"}'] == 1
        assert [len(payments(m)) for m in told(world)] == [1, 2], "each is told once"
        assert len(gateway.asked) == 1


async def test_upi_is_collected_after_confirm_and_counts_in_the_bill(
    tmp_path: Path, redis_url: str
) -> None:
    async with paying(tmp_path, redis_url, {"upi_address": "bridge@upi"}) as (world, gateway):
        driver = Driver(world.bap)
        await driver.selects()
        await driver.inits()
        confirmed = await driver.confirms(paid=False)
        assert payments(confirmed) == [("PRE-FULFILLMENT", "NOT-PAID", "100.00")]
        await until(lambda: len(gateway.asked) == 1)
        asked = gateway.asked[0]
        assert (asked["kind"], asked["amount"]) == ("collect", "100.00")
        assert asked["source_virtual_payment_address"] == UPI

        paid = event(driver.order, "PAID", "100.00")
        assert (await gateway.tells(world, paid))[0] == 200
        on_status = await driver.hears(lambda m: m["context"]["action"] == "on_status")
        assert payments(on_status) == [("PRE-FULFILLMENT", "PAID", "100.00")]
        assert on_status["message"]["order"]["id"] == driver.order["id"]

        final = await driver.charges()
        assert payments(final) == [
            ("PRE-FULFILLMENT", "PAID", "100.00"),
            ("POST-FULFILLMENT", "NOT-PAID", "23.40"),
        ]
        await until(lambda: len(gateway.asked) == 2)
        assert gateway.asked[1]["kind"] == "refund"
        log = world.bridges[0].log.read_text()
        assert UPI not in log
        assert SECRET not in log


async def test_where_the_bap_collects_nobody_is_asked_for_money(
    tmp_path: Path, redis_url: str
) -> None:
    async with paying(tmp_path, redis_url, {"collected_by": "BAP"}) as (world, gateway):
        driver = Driver(world.bap)
        await driver.books()
        assert driver.order["payments"][0]["collected_by"] == "BAP"
        assert "tags" not in driver.order["payments"][0]
        final = await driver.charges()
        assert payments(final)[1] == ("POST-FULFILLMENT", "NOT-PAID", "23.40")
        status, answer = await gateway.tells(world, event(driver.order, "PAID", "100.00"))
        assert (status, answer["error"]["field"]) == (422, "payment_id")
        assert gateway.asked == []


async def test_without_a_secret_and_a_gateway_the_log_says_what_is_to_be_done(
    tmp_path: Path, redis_url: str
) -> None:
    off = {"secret": None, "requests_url": None}
    async with paying(tmp_path, redis_url, off) as (world, gateway):
        driver = Driver(world.bap)
        await driver.selects()
        await driver.inits()
        await driver.confirms(paid=False)
        bridge = world.bridges[0]
        await until(lambda: "payment.requested" in bridge.log.read_text())
        await driver.ask("cancel", {"order_id": driver.order["id"], "cancellation_reason_id": "5"})

        await Driver(world.bap).books()
        other = Driver(world.bap)
        await other.books()
        await other.ask("cancel", {"order_id": other.order["id"], "cancellation_reason_id": "5"})
        await until(lambda: '"refund.requested"' in bridge.log.read_text())
        url = f"{bridge.url}/payments/webhook"
        async with aiohttp.ClientSession() as http, http.post(url, data=b"{}") as answer:
            assert answer.status == 404
        assert gateway.asked == []
