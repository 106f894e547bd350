"""Where the operator's payment software tells what became of money (decisions 28)."""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from bridge.clients.hooks import SIGNATURE, TIMESTAMP, signature
from bridge.errors import StoreUnavailable
from bridge.flows.jobs import PaymentJob
from bridge.observability import Metrics, episode, get_logger, learn
from bridge.orders.order import transaction_of
from bridge.orders.payments import PaymentEvent, objection_to
from bridge.store.inbox import Inbox
from bridge.store.orders import OrderStore

log = get_logger()

WINDOW_S: Final = 300
"""How far a timestamp may be from our clock: what is older may have been recorded by somebody."""

_NAMED: Final = re.compile(r"field `(\w+)`|at `\$\.(\w+)`")


class PaymentEdge(msgspec.Struct, frozen=True, kw_only=True):
    """What the route needs.

    Args:
        secret: that the sender shares; None = there is no such route.
        clock: Unix seconds.
    """

    secret: str | None
    inbox: Inbox
    orders: OrderStore
    metrics: Metrics
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    def __repr__(self) -> str:
        """Return nothing of the secret."""
        return "PaymentEdge()"


class Refusal(Exception):
    """The answer to an event that is not taken: HTTP status, the field, and why."""

    def __init__(self, status: int, field: str, why: str) -> None:
        self.status, self.field, self.why = status, field, why
        super().__init__(f"{field}: {why}")


def payment_routes(edge: PaymentEdge) -> list[web.RouteDef]:
    """Return ``POST /payments/webhook``.

    200 when the event is queued in its order's lane, or was before; 401 without a signature that
    holds; 400 when it cannot be read; 422 when it does not fit what is to be paid; 404 when no
    secret is configured; 503 without Redis.
    """

    async def webhook(http: web.Request) -> web.Response:
        return await _receive(edge, http)

    return [web.post("/payments/webhook", webhook)]


async def _receive(edge: PaymentEdge, http: web.Request) -> web.Response:
    if edge.secret is None:
        raise web.HTTPNotFound(text="not found")
    try:
        body = await http.read()
        _verify(edge, edge.secret, http, body)
        event = _read(body)
        with episode(event_id=event.id, payment_id=event.payment_id):
            new = await _queue(edge, event)
    except Refusal as error:
        outcome = "unsigned" if error.status == web.HTTPUnauthorized.status_code else "refused"
        edge.metrics.payment_events.labels(outcome).inc()
        log.warning("payment.refused", http=error.status, field=error.field, reason=error.why)
        fault = {"field": error.field, "message": error.why}
        return web.json_response({"error": fault}, status=error.status)
    except StoreUnavailable as error:
        edge.metrics.payment_events.labels("unavailable").inc()
        log.warning("payment.unavailable", error=str(error))
        fault = {"field": "", "message": "try again later"}
        return web.json_response({"error": fault}, status=503)
    edge.metrics.payment_events.labels("taken" if new else "repeated").inc()
    return web.json_response({"status": "taken" if new else "repeated"})


def _verify(edge: PaymentEdge, secret: str, http: web.Request, body: bytes) -> None:
    """Raise Refusal unless the sender has the secret and signed these bytes just now."""
    timestamp = http.headers.get(TIMESTAMP, "")
    expected = signature(secret, timestamp, body)
    given = http.headers.get(SIGNATURE, "")
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape")):
        raise Refusal(401, SIGNATURE, "is not the HMAC of timestamp and body")
    if not re.fullmatch(r"\d{1,12}", timestamp) or abs(edge.clock() - int(timestamp)) > WINDOW_S:
        raise Refusal(401, TIMESTAMP, f"is not within {WINDOW_S} s of now, in Unix seconds")


def _read(body: bytes) -> PaymentEvent:
    """Return what stands in a body.

    Raises:
        Refusal: naming the field.
    """
    try:
        event = msgspec.json.decode(body, type=PaymentEvent)
    except (ValueError, RecursionError) as error:
        named = _NAMED.search(str(error))
        field = next(filter(None, named.groups()), "") if named else ""
        raise Refusal(400, field, str(error)) from error
    if not event.id or len(event.id) > 200:
        raise Refusal(400, "id", "must have 1 to 200 characters")
    if not event.amount.is_finite() or event.amount <= 0:
        raise Refusal(400, "amount", "must be more than 0")
    return event


async def _queue(edge: PaymentEdge, event: PaymentEvent) -> bool:
    """Queue an event; return whether it is new.

    Raises:
        Refusal: it does not fit the order.
    """
    repeat_key = f"payment-event\x1f{event.id}"
    if await edge.inbox.was_queued(repeat_key):
        log.info("payment.repeated", kind=event.kind)
        return False
    order_key = await edge.orders.key_of_payment(event.payment_id)
    order = None if order_key is None else await edge.orders.record(order_key)
    if order_key is None or order is None:
        raise Refusal(422, "payment_id", "is unknown")
    learn(transaction_id=transaction_of(order_key))
    objection = objection_to(order, event)
    if objection is not None:
        raise Refusal(422, objection.field, objection.why)
    job = PaymentJob(event=event, at=datetime.now(UTC))
    new = await edge.inbox.queue_once(order_key, job, repeat_key)
    if new:
        log.info("payment.told", kind=event.kind, amount=event.amount, currency=event.currency)
        edge.wake()
    return new
