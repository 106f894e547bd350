"""Secrets are compared in a time that tells nothing of how much of a guess is right."""

from __future__ import annotations

import hmac

import pytest
from redis.asyncio import Redis

from bridge.beckn.webhook import check_hmac
from bridge.errors import SignatureInvalid
from bridge.server.ocpi_routes import is_same_token
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database

TOKEN_A = "token-a-of-the-first-contact"
GUESS = "token-a-of-the-first-contacT"


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, object]]:
    """Give what was compared in constant time: the standard library's function, listened to."""
    pairs: list[tuple[object, object]] = []
    whole = hmac.compare_digest

    def listening(a: bytes, b: bytes) -> bool:
        pairs.append((a, b))
        return whole(a, b)

    monkeypatch.setattr(hmac, "compare_digest", listening)
    return pairs


async def test_a_token_a(redis: Redis, compared: list[tuple[object, object]]) -> None:
    store = ConnectionStore(Database(redis), {"cpo1": TOKEN_A})
    assert await store.present([GUESS]) is None
    assert await store.present([TOKEN_A]) is not None
    assert len(compared) == 2
    # Hashes, so that not even their beginnings say anything.
    assert all(TOKEN_A not in (a, b) for a, b in compared)


def test_the_token_that_a_cpo_gave_us(compared: list[tuple[object, object]]) -> None:
    assert not is_same_token(TOKEN_A, GUESS)
    assert is_same_token(TOKEN_A, TOKEN_A)
    assert len(compared) == 2


def test_the_hmac_of_protocol_server(compared: list[tuple[object, object]]) -> None:
    with pytest.raises(SignatureInvalid):
        check_hmac("HMAC-SHA-256 " + "0" * 64, b'{"context":{},"message":{}}', b"key")
    assert compared
