"""Signatures that BECKN-006, the protocol-server and ONIX made: verified, and made again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.beckn.signing import (
    Signature,
    check_bytes,
    check_time,
    digest,
    private_key,
    public_bytes,
    public_key,
    read_signature,
    sign,
)
from bridge.errors import SignatureInvalid

pytestmark = pytest.mark.shared

NO_SKEW = timedelta(0)


class Vector(NamedTuple):
    """One signed body."""

    private: str
    public: str
    body: bytes
    created: int
    expires: int
    header: str


def of_a_stack(entry: dict[str, Any]) -> Vector:
    """Return a vector of one of the two real adapters."""
    names = ("private_key", "public_key", "body", "created", "expires", "header")
    private, public, body, created, expires, header = (entry[name] for name in names)
    return Vector(private, public, body.encode(), int(created), int(expires), header)


@pytest.fixture
def vectors(shared: Path) -> list[Vector]:
    """Return all of them."""
    folder = shared / "data" / "signing"
    stacks = ("onix_vectors.json", "protocol_server_vectors.json")
    found = [
        of_a_stack(each) for name in stacks for each in json.loads((folder / name).read_text())
    ]
    standard = json.loads((folder / "beckn_006_vectors.json").read_text())
    body = standard["body"].encode()
    found += [
        Vector(
            each["signing_private_key_64"],
            each["signing_public_key"],
            body,
            int(each["created"]),
            int(each["expires"]),
            each["header_value"],
        )
        for each in standard["vectors"]
    ]
    assert len(found) >= 11
    return found


def at(epoch: int) -> datetime:
    """Return a Unix time as an instant."""
    return datetime.fromtimestamp(epoch, UTC)


def holds(read: Signature, body: bytes, key: Ed25519PublicKey, now: datetime) -> None:
    """Check a signature as a receiver does; raises SignatureInvalid."""
    check_time(read, now=now, skew=NO_SKEW)
    check_bytes(body, read, key)


def test_each_is_verified_and_made_again_to_the_letter(vectors: list[Vector]) -> None:
    for vector in vectors:
        read = read_signature(vector.header)
        holds(read, vector.body, public_key(vector.public), at(vector.created))
        key = private_key(vector.private)
        assert base64.b64encode(public_bytes(key)).decode() == vector.public
        life = timedelta(seconds=vector.expires - vector.created)
        made = sign(vector.body, key, read.key_id, now=at(vector.created), life=life)
        assert read_signature(made) == read


def test_each_is_refused_with_another_body_or_at_another_time(vectors: list[Vector]) -> None:
    for vector in vectors:
        read, key = read_signature(vector.header), public_key(vector.public)
        for body, now in (
            (vector.body + b" ", vector.created),
            (vector.body[:-1], vector.created),
            (vector.body, vector.created - 1),
            (vector.body, vector.expires + 1),
        ):
            with pytest.raises(SignatureInvalid):
                holds(read, body, key, at(now))


def test_the_digest_is_the_one_of_the_standard(shared: Path) -> None:
    standard = json.loads((shared / "data" / "signing" / "beckn_006_vectors.json").read_text())
    assert digest(standard["digest_vector"]["text"].encode()) == standard["digest_vector"]["base64"]
    assert digest(standard["body"].encode()) == standard["body_digest"]
