"""Whether our entry in the registry says what is true of us. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.registry import COUNTS, ENDED, Entry, instant
from bridge.beckn.signing import KeyId, public_bytes, public_key
from bridge.doctor.finding import Finding, failed, ok, warned
from bridge.errors import SignatureInvalid

SOON: Final = timedelta(days=14)
"""An entry that ends within this time should be renewed now."""

_CHECKS: Final = "BAPs and adapters look it up before they believe a signature"


@dataclass(frozen=True, kw_only=True)
class Participant:
    """Who we are in the network, as it is configured.

    Args:
        urls: where messages reach us; the entry has to name one of them.
        domains: those of our dialects.
    """

    key_id: KeyId
    key: Ed25519PrivateKey = field(repr=False)
    urls: Sequence[str]
    domains: Sequence[str]

    @property
    def public_key(self) -> str:
        """The public half of our key, as a registry has it."""
        return base64.b64encode(public_bytes(self.key)).decode()


def entry_findings(us: Participant, entries: Sequence[Entry], now: datetime) -> Iterator[Finding]:
    """Yield what is right and wrong about the registry's answer to our own keyId."""
    if not entries:
        yield failed(
            "registry entry",
            f"none for {us.key_id}",
            advice="have subscriber id and key registered with the network, or correct "
            "beckn.subscriber_id, beckn.key_id or beckn.registry_kind",
        )
        return
    ours = [entry for entry in entries if _named(us, entry) == us.key_id]
    if not ours:
        yield from _misnamed(us, entries[0])
        return
    entry = ours[0]
    yield ok("subscriber id", us.key_id.subscriber_id)
    yield ok("key id", us.key_id.unique_key_id)
    yield _key(us, entry)
    yield _url(us, entry)
    yield _status(entry)
    yield _type(entry)
    yield _domain(us, ours)
    yield from _validity(entry, now)


def _named(us: Participant, entry: Entry) -> KeyId:
    """Return whose entry it is; a registry that was asked for a key need not repeat its id."""
    return KeyId(entry.subscriber_id or "", entry.key_id or us.key_id.unique_key_id)


def _misnamed(us: Participant, entry: Entry) -> Iterator[Finding]:
    named = _named(us, entry)
    rows = (
        ("subscriber id", "beckn.subscriber_id", us.key_id.subscriber_id, named.subscriber_id),
        ("key id", "beckn.key_id", us.key_id.unique_key_id, named.unique_key_id),
    )
    for check, setting, own, found in rows:
        if own == found:
            yield ok(check, own)
        else:
            evidence = f"the registry has {found or 'none'}, {setting} is {own}"
            advice = f"set {setting} as it is registered, or have the entry changed"
            yield failed(check, evidence, advice=advice)


def _key(us: Participant, entry: Entry) -> Finding:
    check, given = "key", entry.signing_public_key or ""
    advice = (
        f"have {us.public_key} registered as signing_public_key, or configure the private key "
        "that belongs to the registered one"
    )
    try:
        public_key(given)
    except SignatureInvalid as error:
        return failed(check, f"signing_public_key: {error.reason}", advice=advice)
    if given != us.public_key:
        evidence = f"the registry has {given}, our private key's public half is {us.public_key}"
        return failed(check, evidence, advice=advice)
    return ok(check, f"{given} on both sides")


def _url(us: Participant, entry: Entry) -> Finding:
    check = "url"
    if entry.url is None:
        evidence = "the entry has neither subscriber_url nor url"
        return warned(check, evidence, advice=f"have {us.urls[0]} entered: BAPs send there")
    if entry.url.rstrip("/") not in us.urls:
        evidence = f"the registry has {entry.url}, but we are at {' or '.join(us.urls)}"
        return failed(check, evidence, advice=f"have {us.urls[0]} entered, or correct public_url")
    return ok(check, entry.url)


def _status(entry: Entry) -> Finding:
    check, status = "status", (entry.status or "").upper()
    if status in COUNTS:
        return ok(check, status or "none given, which counts as SUBSCRIBED")
    if status in ENDED:
        return failed(check, status, advice="subscribe anew: the network takes no key of it")
    return failed(
        check, status, advice="finish the subscription (on_subscribe): it does not count yet"
    )


def _type(entry: Entry) -> Finding:
    check, given = "type", entry.type or ""
    if not given:
        return warned(check, "none given", advice="have it entered as BPP: gateways ask for BPPs")
    if given.upper() != "BPP":
        return failed(check, given, advice="have it entered as BPP: the bridge is no other")
    return ok(check, given)


def _domain(us: Participant, ours: Sequence[Entry]) -> Finding:
    """Judge the domains of all entries of our key: a registry may have one for each."""
    check = "domain"
    given = {entry.domain for entry in ours if entry.domain is not None}
    shown = ", ".join(sorted(given))
    missing = [domain for domain in us.domains if domain not in given]
    if not given:
        advice = f"have {', '.join(us.domains)} entered, unless this registry has no domains"
        return warned(check, "none given", advice=advice)
    advice = f"have {', '.join(missing)} entered, or set beckn.dialects to what is registered"
    if len(missing) == len(us.domains):
        return failed(check, f"the registry has {shown}", advice=advice)
    if missing:
        return warned(check, f"{shown}; no entry for {', '.join(missing)}", advice=advice)
    return ok(check, shown)


def _validity(entry: Entry, now: datetime) -> Iterator[Finding]:
    try:
        begins = instant(entry.valid_from)
    except ValueError:
        yield _no_time("valid_from", entry.valid_from)
    else:
        if begins is not None and begins > now:
            advice = "wait until then, or have it corrected: before it the key counts nowhere"
            yield failed("valid_from", f"{entry.valid_from} is still to come", advice=advice)
        else:
            yield ok("valid_from", entry.valid_from or "none given")
    try:
        ends = instant(entry.valid_until)
    except ValueError:
        yield _no_time("valid_until", entry.valid_until)
        return
    if ends is None:
        advice = "have one entered: protocol-server drops an entry without it"
        yield warned("valid_until", "none given", advice=advice)
    elif ends <= now:
        advice = f"have the entry renewed: {_CHECKS}"
        yield failed("valid_until", f"{entry.valid_until} is over", advice=advice)
    elif ends <= now + SOON:
        advice = "have the entry renewed before it ends"
        yield warned("valid_until", f"{entry.valid_until} is near", advice=advice)
    else:
        yield ok("valid_until", entry.valid_until or "")


def _no_time(check: str, given: str | None) -> Finding:
    return failed(check, f"{given} is no RFC 3339 time", advice="have it corrected")
