"""What stands between the bridge and its networks: routes, signatures, layer 2, rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import aiohttp
from aiohttp import web

from bridge.beckn.challenge import decrypted, encryption_key, registry_key, signed
from bridge.beckn.context import named_bpp_uri
from bridge.beckn.layer2 import Layer2Files
from bridge.beckn.request import Request
from bridge.beckn.signing import KeyId, private_key, sign
from bridge.clients.beckn import Sign, post_callback
from bridge.clients.guard import Guard, guarded_session
from bridge.clients.registry import Registry
from bridge.dialects.dialect import Dialect
from bridge.flows.emsp.emsp import Emsp
from bridge.observability import Metrics
from bridge.observability.tracing import Tracing
from bridge.operator import Operator
from bridge.server.beckn_routes import BecknEdge, Webhook
from bridge.server.ocpi_routes import ocpi_routes
from bridge.server.rates import Limiter, Rate
from bridge.server.signatures import Verifier
from bridge.server.subscribe_routes import Answer
from bridge.settings import Settings
from bridge.settings.beckn import Beckn
from bridge.tls import client_context
from bridge.wiring import Stores, now
from bridge.workers.lane_runner import Bell
from bridge.workers.outbox import OutboxWorker

SEARCH_PATIENCE_S, PATIENCE_S = 15.0, 10.0
"""How long protocol-server waits, as its samples configure it: for an on_search, for another."""


def beckn_edge(
    settings: Settings,
    operator: Operator,
    stores: Stores,
    dialects: Sequence[Dialect],
    bell: Bell,
    metrics: Metrics,
    http: aiohttp.ClientSession,
    layer2: Layer2Files,
    tracing: Tracing,
) -> BecknEdge:
    """Return what the Beckn routes need."""
    return BecknEdge(
        dialects={dialect.domain: dialect for dialect in dialects},
        bpp_id=settings.beckn.subscriber_id,
        time_zone=settings.time_zone,
        max_body_bytes=settings.limits.max_body_bytes,
        max_clock_skew_s=settings.max_clock_skew_s,
        quiet=quiet_behind(settings),
        alone=settings.beckn.adapter == "none",
        webhook=webhook_of(settings),
        inbox=stores.inbox,
        orders=stores.orders,
        wake=bell.ring,
        metrics=metrics,
        verifier=verifier_of(settings, http),
        layer2=layer2,
        guard=guard_of(settings, operator),
        tracing=tracing,
        limiter=limiter_of(settings.limits.bap_rate, settings.limits.bap_burst),
    )


def guard_of(settings: Settings, operator: Operator) -> Guard | None:
    """Return which bap_uri a request may name; None = an adapter calls it, wherever that is."""
    return operator.bap_guard() if settings.beckn.callbacks_to is None else None


def patience_of(settings: Settings) -> Callable[[Request], float | None]:
    """Return what tells how long an adapter waits for an answer, in s, whatever ttl says.

    protocol-server drops what comes later than its own time-outs, and tells nobody.
    """
    if settings.beckn.adapter != "protocol-server":
        return lambda request: None
    return lambda request: SEARCH_PATIENCE_S if request.action == "search" else PATIENCE_S


def bpp_uri_of(settings: Settings) -> Callable[[Request], str]:
    """Return what tells the sender of a request where the network reaches us.

    Behind an adapter that is the adapter, and what the sender took for it is right.
    """
    said, own = settings.beckn.bpp_uri, f"{settings.public_url}/beckn"
    alone = settings.beckn.adapter == "none"

    def bpp_uri(request: Request) -> str:
        return said or (None if alone else named_bpp_uri(request)) or own

    return bpp_uri


def quiet_behind(settings: Settings) -> bool:
    """Tell whether every answer has to be a 200: any other ends protocol-server (decisions 6)."""
    return settings.beckn.adapter == "protocol-server"


def limiter_of(per_s: float | None, burst: int) -> Limiter:
    """Return what holds back who asks too often; without a rate nobody."""
    return Limiter(None if per_s is None else Rate(per_s, burst))


def ocpi_side(
    settings: Settings, emsp: Emsp, metrics: Metrics, tracing: Tracing
) -> list[web.RouteDef]:
    """Return the routes for CPOs."""
    limits = settings.limits
    limiter = limiter_of(limits.cpo_rate, limits.cpo_burst)
    return ocpi_routes(emsp, metrics, limits.max_cpo_body_bytes, limiter, tracing)


def outbox_of(
    settings: Settings,
    stores: Stores,
    metrics: Metrics,
    tracing: Tracing,
    http: aiohttp.ClientSession,
    guarded: aiohttp.ClientSession,
    layer2: Layer2Files,
) -> OutboxWorker:
    """Return what delivers callbacks."""
    # An adapter was named by the operator, who may have it anywhere; a BAP may not.
    session = guarded if settings.beckn.callbacks_to is None else http
    return OutboxWorker(
        database=stores.database,
        outbox=stores.lanes.outbox,
        dead=stores.dead,
        journal=stores.journal,
        post=partial(post_callback, session, sign=signer_of(settings)),
        metrics=metrics,
        layer2=layer2,
        withhold=settings.beckn.layer2_outbound == "withhold",
        tracing=tracing,
    )


def sessions_of(
    settings: Settings, guard: Guard
) -> tuple[aiohttp.ClientSession, aiohttp.ClientSession]:
    """Return the sessions of the Beckn side: for whom the operator named, for whom BAPs name."""
    return session_for_named(settings), session_for_baps(settings, guard)


def session_for_named(settings: Settings) -> aiohttp.ClientSession:
    """Return a session for hosts that the operator named: adapter, registry, hooks."""
    tls = settings.beckn.tls
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(ssl=client_context() if tls is None else tls.showing),
    )


def session_for_baps(settings: Settings, guard: Guard) -> aiohttp.ClientSession:
    """Return a session for hosts that BAPs name: they do not see our certificate."""
    tls = settings.beckn.tls
    return guarded_session(guard, tls=None if tls is None else tls.trusting)


def webhook_of(settings: Settings) -> Webhook | None:
    """Return how the webhook of protocol-server is checked; None = it signs nothing."""
    key = settings.beckn.webhook_hmac_key
    if key is None:
        return None
    enforced = settings.beckn.webhook_hmac_mode == "enforce"
    return Webhook(key.get_secret_value().encode(), enforced)


def signer_of(settings: Settings) -> Sign | None:
    """Return what signs our callbacks; None = an adapter does, or nobody."""
    beckn = settings.beckn
    if beckn.private_key is None or beckn.key_id is None:
        return None
    key = private_key(beckn.private_key.get_secret_value())
    key_id = KeyId(beckn.subscriber_id, beckn.key_id)
    life = timedelta(seconds=beckn.signature_life_s)
    return lambda body: sign(body, key, key_id, now=now(), life=life)


def challenge_answer_of(beckn: Beckn) -> Answer | None:
    """Return what answers a registry's challenge; None = on_subscribe is off."""
    own, registry, key = (
        beckn.encryption_private_key,
        beckn.registry_encryption_key,
        beckn.private_key,
    )
    if beckn.on_subscribe == "sign" and key is not None:
        return partial(signed, key=private_key(key.get_secret_value()))
    if beckn.on_subscribe == "decrypt" and own is not None and registry is not None:
        secret = encryption_key(own.get_secret_value())
        return partial(decrypted, own=secret, registry=registry_key(registry))
    return None


def verifier_of(settings: Settings, http: aiohttp.ClientSession) -> Verifier | None:
    """Return what checks who sent a Beckn message; None = whoever reaches us is believed."""
    beckn = settings.beckn
    if not beckn.verify_inbound or beckn.registry_url is None:
        return None
    return Verifier(
        Registry(http, beckn.registry_kind, beckn.registry_url, clock=now),
        realm=beckn.subscriber_id,
        skew=timedelta(seconds=beckn.signature_skew_s),
        clock=now,
    )
