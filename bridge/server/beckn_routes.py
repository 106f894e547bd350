"""The Beckn side: check, queue, ACK. What the request means is decided by a worker afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from msgspec import UNSET, Raw

from bridge.beckn.ack import ack, nack
from bridge.beckn.actions import REQUESTS
from bridge.beckn.context import read_envelope
from bridge.beckn.layer2 import Layer2Files
from bridge.beckn.shape import encode_json
from bridge.beckn.webhook import check_hmac, read_notice
from bridge.clients.guard import Guard
from bridge.dialects.dialect import Dialect
from bridge.errors import (
    BadInput,
    BecknInvalid,
    BridgeError,
    NotJson,
    RegistryUnavailable,
    SignatureInvalid,
    StoreUnavailable,
    TooOften,
)
from bridge.flows.jobs import BecknJob
from bridge.flows.ports import Orders
from bridge.observability import Metrics, episode, get_logger, learn
from bridge.observability.tracing import HEADER, OFF, Tracing, called
from bridge.orders.intents import Request, named_by
from bridge.orders.order import order_key
from bridge.server.rates import Limiter
from bridge.server.signatures import Verifier, require_own
from bridge.store.inbox import Inbox

log = get_logger()

ACK_TIMEOUT_S: Final = 2.0
"""How long a request may take to be queued; beckn-onix gives its sender up after 5 s."""


ECHOED: Final = frozenset({"select", "init", "confirm"})
"""Requests whose order may have to stand beside an error: protocol-server may have a layer-2 file
that wants one (decisions 9)."""


class Webhook(msgspec.Struct, frozen=True):
    """How a webhook of protocol-server is checked.

    Args:
        key: what it shares with us.
        enforced: drop what fails, not only count it.
    """

    key: bytes
    enforced: bool


LONGEST_ID: Final = 100
"""Letters of an id that the log repeats although its message was refused."""


class BecknEdge(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes need.

    Args:
        dialects: by domain.
        bpp_id: our subscriber id; a request for another BPP is refused.
        max_clock_skew_s: how far a timestamp may be off; None = it does not matter.
        quiet: answer 200 even to refusals (behind protocol-server, decisions 6).
        alone: nobody stands between us and the network, so a BAP posts to ``/{action}`` too.
        webhook: checks that a message came from our protocol-server; None = it makes no HMAC.
        verifier: checks who sent a message; None = that is the adapter's affair.
        layer2: what messages are checked with, by domain and version.
        guard: which bap_uri may be called; None = an adapter is called instead.
        tracing: makes a span of each request.
        limiter: counts the requests of each BAP.
    """

    dialects: Mapping[str, Dialect]
    bpp_id: str
    time_zone: ZoneInfo
    max_body_bytes: int
    max_clock_skew_s: float | None
    quiet: bool
    alone: bool
    webhook: Webhook | None
    inbox: Inbox
    orders: Orders
    wake: Callable[[], None]
    metrics: Metrics
    verifier: Verifier | None
    layer2: Layer2Files
    guard: Guard | None
    limiter: Limiter
    tracing: Tracing = OFF


def beckn_routes(edge: BecknEdge) -> list[web.RouteDef]:
    """Return ``POST /beckn`` and ``POST /beckn/{action}``, and without an adapter ``/{action}``."""

    async def receive(request: web.Request) -> web.Response:
        return await _receive(edge, request)

    routes = [web.post("/beckn", receive), web.post("/beckn/{action}", receive)]
    if edge.alone:
        routes.append(web.post(f"/{{action:{'|'.join(sorted(REQUESTS))}}}", receive))
    return routes


async def _receive(edge: BecknEdge, http: web.Request) -> web.Response:
    """Take one request: ACK when it is queued, NACK when it cannot be read."""
    action = http.match_info.get("action")
    # Labels are words of a closed set, whatever the path says.
    label = action if action in REQUESTS else "unknown"
    parent = http.headers.get(HEADER)
    with episode(), edge.tracing.span(f"Beckn {label}", "server", parent=parent) as span:
        answer = await _answer(edge, http, action, label)
        span.note(http=answer.status)
        return answer


async def _answer(
    edge: BecknEdge, http: web.Request, action: str | None, label: str
) -> web.Response:
    started = time.perf_counter()
    body = b""
    try:
        body = await _body(edge, http)
        async with asyncio.timeout(ACK_TIMEOUT_S):
            request = await _take(edge, http, body, action)
    except BadInput as error:
        learn(**_ids(body))
        unsigned = isinstance(error, SignatureInvalid)
        # protocol-server signs requests, not what it tells of itself.
        if (edge.verifier is None or not unsigned) and _is_notice(edge, body):
            return web.Response(body=ack(), content_type="application/json")
        return _refused(edge, http, error, label, action)
    except TooOften as error:
        edge.metrics.limited.labels("beckn").inc()
        edge.metrics.beckn_requests.labels(label, "limited").inc()
        return _nack(edge, error, 429, {"Retry-After": str(error.retry_after_s)})
    except (StoreUnavailable, RegistryUnavailable, TimeoutError) as error:
        learn(**_ids(body))
        edge.metrics.beckn_requests.labels(label, "unavailable").inc()
        log.warning("beckn.unavailable", action=action, error=str(error) or "no answer in time")
        known = error if isinstance(error, BridgeError) else StoreUnavailable("no answer in time")
        return _nack(edge, known, 503)
    edge.metrics.beckn_requests.labels(request.action, "ack").inc()
    edge.metrics.beckn_seconds.labels(request.action).observe(time.perf_counter() - started)
    return web.Response(body=ack(), content_type="application/json")


async def _take(edge: BecknEdge, http: web.Request, body: bytes, action: str | None) -> Request:
    """Check who sent a request and what it says, and queue it; return it."""
    _check_webhook(edge, http, body)
    sender = await edge.verifier.sender_of(http.headers, body) if edge.verifier else None
    job, digest = _read(edge, body, action)
    request = job.request
    if sender is not None:
        require_own(sender, request)
    # Whom it counts for is proven by now, where somebody proves it.
    edge.limiter.take(request.bap_id)
    _check_bap_uri(edge, request)
    called(f"Beckn {request.action}")
    learn(
        action=request.action,
        transaction_id=request.transaction_id,
        message_id=request.message_id,
    )
    await _queue(edge, job, digest)
    return request


def _check_webhook(edge: BecknEdge, http: web.Request, body: bytes) -> None:
    """Raise SignatureInvalid for what does not come from our protocol-server."""
    if edge.webhook is None:
        return
    try:
        check_hmac(http.headers.get("Authorization"), body, edge.webhook.key)
    except SignatureInvalid as error:
        if edge.webhook.enforced:
            raise
        edge.metrics.beckn_requests.labels("unknown", "unsigned").inc()
        log.warning("beckn.unsigned", reason=error.reason, peer=http.remote)


def _is_notice(edge: BecknEdge, body: bytes) -> bool:
    """Whether an adapter only tells what went wrong; that is counted and logged, and all."""
    notice = read_notice(body)
    if notice is None:
        return False
    label = notice.action.removeprefix("on_")
    edge.metrics.beckn_requests.labels(label if label in REQUESTS else "unknown", "notice").inc()
    log.warning(
        "beckn.notice",
        action=notice.action,
        transaction_id=notice.transaction_id,
        message_id=notice.message_id,
        error=notice.words,
    )
    return True


def _refused(
    edge: BecknEdge, http: web.Request, error: BadInput, label: str, action: str | None
) -> web.Response:
    if not isinstance(error, SignatureInvalid):
        edge.metrics.beckn_requests.labels(label, "nack").inc()
        log.info("beckn.refused", action=action, path=error.path, reason=error.reason)
        return _nack(edge, error, 400)
    edge.metrics.beckn_requests.labels(label, "unsigned").inc()
    log.warning("beckn.unsigned", action=action, reason=error.reason, peer=http.remote)
    return _nack(edge, error, 401, edge.verifier.challenge(error) if edge.verifier else {})


async def _body(edge: BecknEdge, http: web.Request) -> bytes:
    """Return the body, unless it is larger than any Beckn message.

    Raises:
        BecknInvalid: it is.
        NotJson: it is not what its Content-Encoding says.
    """
    try:
        return await http.read()
    except web.RequestPayloadError as error:
        raise NotJson("the body cannot be read") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise BecknInvalid("", f"larger than {edge.max_body_bytes} bytes") from error


class _Named(msgspec.Struct):
    transaction_id: str = ""
    message_id: str = ""


class _Message(msgspec.Struct):
    context: _Named


def _ids(body: bytes) -> dict[str, str]:
    """Return the ids of a message that was not taken, for the log, as far as it has usable ones."""
    try:
        context = msgspec.json.decode(body, type=_Message).context
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    ids = {"transaction_id": context.transaction_id, "message_id": context.message_id}
    return {name: each for name, each in ids.items() if 0 < len(each) <= LONGEST_ID}


def _read(edge: BecknEdge, body: bytes, action: str | None) -> tuple[BecknJob, str]:
    """Return the request with what it wants, and the digest of its message."""

    def quirk(name: str) -> None:
        edge.metrics.beckn_quirks.labels(name).inc()

    request, message = read_envelope(
        body,
        path_action=action,
        dialects={domain: dialect.name for domain, dialect in edge.dialects.items()},
        versions={domain: dialect.versions for domain, dialect in edge.dialects.items()},
        bpp_id=edge.bpp_id,
        now=datetime.now(UTC),
        time_zone=edge.time_zone,
        max_clock_skew_s=edge.max_clock_skew_s,
        quirk=quirk,
    )
    _check_layer2(edge, request, body)
    intent = edge.dialects[request.domain].parse(request.action, message, quirk)
    canonical = json.dumps(message, sort_keys=True, separators=(",", ":"), default=str)
    order = message.get("order") if edge.quiet and request.action in ECHOED else None
    job = BecknJob(
        request=request, intent=intent, order=Raw(encode_json(order)) if order else UNSET
    )
    return job, hashlib.sha256(canonical.encode()).hexdigest()


def _check_bap_uri(edge: BecknEdge, request: Request) -> None:
    """Raise BecknInvalid for an address that no callback may go to, whoever signed it."""
    why = None if edge.guard is None else edge.guard.refusal(request.bap_uri)
    if why is not None:
        raise BecknInvalid("context.bap_uri", why)


def _check_layer2(edge: BecknEdge, request: Request, body: bytes) -> None:
    """Raise BecknInvalid for a message that the network's own file refuses."""
    layer2 = edge.layer2.get((request.domain, request.version))
    if layer2 is None:
        return
    violation = layer2.violation(request.action, msgspec.json.decode(body))
    if violation is not None:
        edge.metrics.layer2.labels("in", request.action).inc()
        raise BecknInvalid(*violation)


async def _queue(edge: BecknEdge, job: BecknJob, digest: str) -> None:
    """Queue the request in the lane of its order, once (decisions 4)."""
    request, intent = job.request, job.intent
    lane = order_key(request.bap_id, request.transaction_id)
    named = named_by(intent)
    if named is not None:
        # An order is found by its id, whatever transaction asks; but only by its own BAP.
        found = await edge.orders.key_of_order_id(named)
        if found is not None and found.startswith(order_key(request.bap_id, "")):
            lane = found
    repeat_key = "|".join((lane, request.action, request.message_id, digest))
    if await edge.inbox.queue_once(lane, job, repeat_key):
        log.info("beckn.queued")
        edge.wake()
    else:
        log.info("beckn.repeated")


def _nack(
    edge: BecknEdge, error: BridgeError, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=nack(error),
        content_type="application/json",
        status=200 if edge.quiet else status,
        headers=headers,
    )
