"""Who is told what when a signature fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.registry import Subscriber
from bridge.beckn.signing import KeyId, sign
from bridge.errors import SignatureInvalid
from bridge.server.signatures import GATEWAYS, Verifier

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WANTED = 'Signature realm="bridge.example",headers="(created) (expires) digest"'


class OneKey:
    """A registry where everybody has the same key."""

    async def key_of(self, key_id: KeyId) -> Subscriber | None:
        """Return it."""
        return Subscriber(key_id.subscriber_id, None, KEY.public_key(), None)

    async def asked_anew(self, key_id: KeyId) -> Subscriber | None:
        """Know no newer one."""
        return None


def signed(body: bytes) -> str:
    """Return a header for a body."""
    return sign(body, KEY, KeyId("a.example", "k"), now=NOW, life=timedelta(minutes=5))


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "WWW-Authenticate"),
        ({"Authorization": signed(b"other")}, "WWW-Authenticate"),
        *(
            ({"Authorization": signed(b"{}"), gateway: signed(b"other")}, "Proxy-Authenticate")
            for gateway in GATEWAYS
        ),
    ],
)
async def test_the_challenge_says_whose_signature_fails(headers: dict[str, str], name: str) -> None:
    verifier = Verifier(
        OneKey(), realm="bridge.example", skew=timedelta(seconds=5), clock=lambda: NOW
    )
    with pytest.raises(SignatureInvalid) as refused:
        await verifier.sender_of(headers, b"{}")
    assert verifier.challenge(refused.value) == {name: WANTED}
