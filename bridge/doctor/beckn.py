"""Looks at the bridge as its Beckn network does: keys, entry, adapter, layer 2, clocks.

Every step asks and changes nothing: a look-up at the registry, a GET at the adapter, TIME of Redis.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import aiohttp

from bridge.beckn.registry import entries
from bridge.beckn.signing import KeyId, private_key
from bridge.clients.registry import ask
from bridge.doctor.clock import Span, clock_finding, date_finding
from bridge.doctor.entry import Participant, entry_findings
from bridge.doctor.finding import Finding, failed, not_tried, ok, warned
from bridge.doctor.layer2 import layer2_findings
from bridge.errors import RegistryUnavailable, SignatureInvalid, StoreUnavailable
from bridge.settings.beckn import Beckn

ADAPTER_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)

GATEWAY_FAULTS: Final = frozenset({502, 503, 504})
"""Answers of a proxy behind which nobody is."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is looked at.

    Args:
        spoken: the domains of our dialects, and the versions of each.
        redis_time: what Redis' clock says; None = the embedded store, which has ours. Raises
            StoreUnavailable.
    """

    beckn: Beckn
    public_url: str
    spoken: Mapping[str, frozenset[str]]
    http: aiohttp.ClientSession
    redis_time: Callable[[], Awaitable[datetime]] | None
    clock: Callable[[], datetime]


async def examine_network(around: Surroundings) -> AsyncIterator[Finding]:
    """Yield findings as they are made."""
    yield _dialects(around)
    yield _signing(around.beckn)
    yield _inbound(around.beckn)
    async for finding in _registry(around):
        yield finding
    async for finding in _adapter(around):
        yield finding
    for finding in layer2_findings(around.beckn, around.spoken):
        yield finding
    async for finding in _redis(around):
        yield finding


def _dialects(around: Surroundings) -> Finding:
    spoken = (
        f"{domain} ({', '.join(sorted(versions))})" for domain, versions in around.spoken.items()
    )
    return ok("dialects", "; ".join(spoken))


def _participant(around: Surroundings) -> Participant | None:
    """Return who we are; None when we have no key of our own."""
    beckn = around.beckn
    if beckn.private_key is None or beckn.key_id is None:
        return None
    url = beckn.bpp_uri or f"{around.public_url}/beckn"
    return Participant(
        key_id=KeyId(beckn.subscriber_id, beckn.key_id),
        key=private_key(beckn.private_key.get_secret_value()),
        urls=(url, around.public_url) if beckn.adapter == "none" else (url,),
        domains=tuple(around.spoken),
    )


def _signing(beckn: Beckn) -> Finding:
    check = "signing"
    if beckn.private_key is not None:
        return ok(check, f"with {beckn.subscriber_id}|{beckn.key_id}|ed25519")
    if beckn.adapter != "none":
        return ok(check, f"{beckn.adapter} signs")
    advice = "set beckn.key_id and beckn.private_key, or put an adapter in front"
    return warned(check, "callbacks are not signed: a network refuses them", advice=advice)


def _inbound(beckn: Beckn) -> Finding:
    """Say by what it is known who sent a message."""
    check = "inbound"
    match beckn.adapter:
        case "protocol-server" if beckn.webhook_hmac_key is None:
            return warned(
                check,
                "no webhook_hmac_key: whoever reaches the webhook is believed",
                advice="switch useHMACForWebhook on in protocol-server, and set "
                "beckn.webhook_hmac_key to its sharedKeyForWebhookHMAC",
            )
        case "protocol-server" if beckn.webhook_hmac_mode == "report":
            evidence = "a wrong HMAC is only counted (webhook_hmac_mode: report)"
            return warned(check, evidence, advice="set beckn.webhook_hmac_mode to enforce")
        case "protocol-server":
            return ok(check, "protocol-server verifies signatures, its HMAC is checked here")
        case "onix" if not beckn.verify_inbound:
            return ok(check, "onix verifies signatures; keep our port private to it")
        case "none" if not beckn.verify_inbound:
            advice = "set beckn.registry_url and beckn.verify_inbound, or put an adapter in front"
            return warned(check, "signatures are not verified: anybody is believed", advice=advice)
    return ok(check, "signatures are verified here")


async def _registry(around: Surroundings) -> AsyncIterator[Finding]:
    beckn, us = around.beckn, _participant(around)
    if beckn.registry_url is None:
        if us is None:
            yield not_tried("registry", "neither registry_url nor a key: nothing to compare")
        else:
            advice = "set beckn.registry_url: then key and entry can be compared"
            yield warned("registry", "no registry_url", advice=advice)
        return
    # Without a key of ours any question shows whether somebody answers, and its clock.
    key_id = us.key_id if us is not None else KeyId(beckn.subscriber_id, "none")
    asked = around.clock()
    try:
        answer = await ask(around.http, beckn.registry_kind, beckn.registry_url, key_id)
        found = entries(answer.body)
    except (RegistryUnavailable, SignatureInvalid) as error:
        advice = "is beckn.registry_url right (without /lookup), and beckn.registry_kind?"
        reason = error.reason if isinstance(error, SignatureInvalid) else str(error)
        yield failed("registry", f"{beckn.registry_url}: {reason}", advice=advice)
        return
    span = Span(asked, around.clock())
    yield ok("registry", f"{beckn.registry_url} answers")
    yield date_finding("the registry", span, answer.date)
    if us is None:
        yield not_tried("registry entry", "no key_id and private_key: which entry is ours?")
        return
    for finding in entry_findings(us, found, span.answered):
        yield finding


async def _adapter(around: Surroundings) -> AsyncIterator[Finding]:
    url = around.beckn.callbacks_to
    if url is None:
        yield not_tried("adapter", "none: callbacks go to the bap_uri of each request")
        return
    asked = around.clock()
    try:
        async with around.http.get(url, timeout=ADAPTER_TIMEOUT, allow_redirects=False) as response:
            status, date = response.status, response.headers.get("Date")
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        advice = "is it up, and is beckn.reply_base_url where it listens, seen from here?"
        yield failed("adapter", f"{url} does not answer: {error!r}", advice=advice)
        return
    span = Span(asked, around.clock())
    if status in GATEWAY_FAULTS:
        advice = "a proxy answers, and nobody behind it: is the adapter up?"
        yield failed("adapter", f"{url} answers HTTP {status}", advice=advice)
    else:
        yield ok("adapter", f"{url} answers (HTTP {status} to a GET)")
    yield date_finding("the adapter", span, date)


async def _redis(around: Surroundings) -> AsyncIterator[Finding]:
    if around.redis_time is None:
        yield ok("clock of Redis", "embedded: it is ours")
        return
    asked = around.clock()
    try:
        at = await around.redis_time()
    except StoreUnavailable as error:
        advice = "is Redis up where redis_url says?"
        yield failed("clock of Redis", str(error) or "no answer", advice=advice)
        return
    yield clock_finding("Redis", Span(asked, around.clock()), at, at)
