"""What a Beckn registry is asked about a subscriber's key, and what its answer means. Without I/O.

Three forms: ``legacy`` (protocol-server and most registries), ``onix`` (the registry plugin of
beckn-onix) and ``dedi`` (a DeDi name service).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.beckn.signing import KeyId, public_key
from bridge.errors import SignatureInvalid

ENDED: Final = frozenset({"EXPIRED", "UNSUBSCRIBED", "INVALID_SSL"})
"""States of an entry whose key counts no longer."""

COUNTS: Final = frozenset({"", "SUBSCRIBED"})
"""States of an entry whose key counts: none given is as good as SUBSCRIBED."""

_KEY_NAMES: Final = ("ukId", "unique_key_id", "key_id")


class RegistryKind(enum.StrEnum):
    """In which form a registry is asked."""

    LEGACY = "legacy"
    ONIX = "onix"
    DEDI = "dedi"


class Question(NamedTuple):
    """The request to the registry; ``body`` None = a GET."""

    method: str
    url: str
    body: bytes | None


class Subscriber(NamedTuple):
    """A network participant and one key of it.

    Args:
        url: where it takes messages; None where the registry does not tell.
        valid_until: the entry counts until then; None = nothing said.
    """

    id: str
    url: str | None
    key: Ed25519PublicKey
    valid_until: datetime | None


def question(kind: RegistryKind, base_url: str, key_id: KeyId) -> Question:
    """Return how a registry at ``base_url`` is asked for a key."""
    base = base_url.rstrip("/")
    if kind is RegistryKind.DEDI:
        subscriber, key = quote(key_id.subscriber_id, safe=""), quote(key_id.unique_key_id, safe="")
        url = f"{base}/lookup/{subscriber}/subscribers.beckn.one/{key}"
        return Question("GET", url, None)
    key_name = "key_id" if kind is RegistryKind.ONIX else "ukId"
    asked = {"subscriber_id": key_id.subscriber_id, key_name: key_id.unique_key_id}
    return Question("POST", f"{base}/lookup", json.dumps(asked).encode())


class Entry(NamedTuple):
    """An entry as it stands in the registry; None = the registry does not tell."""

    subscriber_id: str | None
    key_id: str | None
    url: str | None
    signing_public_key: str | None
    encr_public_key: str | None
    type: str | None
    domain: str | None
    status: str | None
    valid_from: str | None
    valid_until: str | None


def subscriber(answer: bytes, key_id: KeyId, now: datetime) -> Subscriber | None:
    """Return whom a registry's answer names, whatever its form; None = nobody whose key counts.

    An entry of another subscriber or key, one that is not subscribed or not valid now and one
    without a usable key are passed over.

    Raises:
        SignatureInvalid: the answer is no JSON that could name anybody.
    """
    found = (_read(entry, key_id, now) for entry in entries(answer))
    return next((each for each in found if each is not None), None)


def entries(answer: bytes) -> list[Entry]:
    """Return all entries of a registry's answer, whether they count or not.

    Raises:
        SignatureInvalid: the answer is no JSON that could name anybody.
    """
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid("the registry's answer is no JSON") from error
    return [_entry(each) for each in _objects(found)]


def instant(value: str | None) -> datetime | None:
    """Read a time of the registry; one without a zone is UTC. Raises ValueError."""
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _objects(found: object) -> Iterator[dict[str, Any]]:
    """Yield what may be entries: a list of them, one alone, or the details of a DeDi record."""
    if isinstance(found, list):
        yield from (entry for entry in found if isinstance(entry, dict))
    elif isinstance(found, dict):
        data = found.get("data")
        details = data.get("details") if isinstance(data, dict) else None
        yield details if isinstance(details, dict) else found


def _entry(given: dict[str, Any]) -> Entry:
    """Return what an object says, by any of the names that are in use."""

    def first(*names: str) -> str | None:
        return next((str(given[name]) for name in names if given.get(name)), None)

    return Entry(
        subscriber_id=first("subscriber_id"),
        key_id=first(*_KEY_NAMES),
        url=first("subscriber_url", "url"),
        signing_public_key=first("signing_public_key"),
        encr_public_key=first("encr_public_key"),
        type=first("type"),
        domain=first("domain"),
        status=first("status"),
        valid_from=first("valid_from"),
        valid_until=first("valid_until"),
    )


def _read(entry: Entry, key_id: KeyId, now: datetime) -> Subscriber | None:
    named = entry.key_id or key_id.unique_key_id
    if (entry.subscriber_id, named) != tuple(key_id):
        return None
    if (entry.status or "").upper() not in COUNTS:
        return None
    try:
        key = public_key(entry.signing_public_key or "")
        valid_from, valid_until = instant(entry.valid_from), instant(entry.valid_until)
    except (ValueError, SignatureInvalid):
        return None
    if (valid_from is not None and valid_from > now) or (
        valid_until is not None and valid_until <= now
    ):
        return None
    return Subscriber(key_id.subscriber_id, entry.url, key, valid_until)
