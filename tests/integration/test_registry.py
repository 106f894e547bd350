"""Looking keys up: the three forms of a registry, what is remembered, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.registry import RegistryKind
from bridge.beckn.signing import KeyId, sign
from bridge.clients.registry import (
    ASKED_ANEW_EVERY,
    KNOWN_FOR,
    QUESTIONS_AT_ONCE,
    UNKNOWN_FOR,
    Registry,
)
from bridge.errors import RegistryUnavailable, SignatureInvalid
from bridge.server.signatures import Verifier
from tests.registry import TestRegistry

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
WHO = KeyId("bap.example", "key-1")
OLD = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NEW = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
URL = "https://bap.example/beckn"


class Network:
    """A registry, a client of it, and a clock that the test moves."""

    def __init__(self, url: str, http: aiohttp.ClientSession, there: TestRegistry) -> None:
        self.now = NOW
        self.url = url
        self.http = http
        self.there = there

    def registry(self, kind: RegistryKind = RegistryKind.LEGACY) -> Registry:
        return Registry(self.http, kind, self.url, clock=lambda: self.now)

    def verifier(self, registry: Registry) -> Verifier:
        return Verifier(
            registry, realm="bridge.example", skew=timedelta(seconds=5), clock=lambda: self.now
        )

    def signed(self, key: Ed25519PrivateKey, body: bytes = b"{}") -> dict[str, str]:
        made = sign(body, key, WHO, now=self.now, life=timedelta(hours=1))
        return {"Authorization": made}


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    there = TestRegistry()
    async with TestServer(there.app()) as server, aiohttp.ClientSession() as http:
        yield Network(str(server.make_url("")).rstrip("/"), http, there)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (RegistryKind.LEGACY, ("/lookup", {"subscriber_id": "bap.example", "ukId": "key-1"})),
        (RegistryKind.ONIX, ("/lookup", {"subscriber_id": "bap.example", "key_id": "key-1"})),
        (RegistryKind.DEDI, ("/lookup/bap.example/subscribers.beckn.one/key-1", None)),
    ],
)
async def test_each_form_of_registry_is_asked_in_its_own_words(
    network: Network, kind: RegistryKind, asked: tuple[str, object]
) -> None:
    network.there.put(WHO, OLD, URL)
    found = await network.registry(kind).key_of(WHO)
    assert found is not None
    assert (found.id, found.url) == ("bap.example", URL)
    assert network.there.asked == [asked]
    assert await network.registry(kind).key_of(KeyId("bap.example", "other")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "UNSUBSCRIBED"},
        {"status": "EXPIRED"},
        {"status": "INITIATED"},
        {"status": "UNDER_SUBSCRIPTION"},
        {"valid_from": "2026-11-25T08:00:01Z"},
        {"valid_until": "2026-11-25T07:59:59Z"},
        {"valid_until": "soon"},
        {"signing_public_key": "short"},
        {"signing_public_key": None},
        {"subscriber_id": "somebody.example"},
        {"ukId": "another"},
    ],
)
async def test_an_entry_that_does_not_count_is_nobody(
    network: Network, changes: dict[str, str | None]
) -> None:
    network.there.put(WHO, OLD, URL, **changes)
    assert await network.registry().key_of(WHO) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"ukId": None, "unique_key_id": "key-1"},
        {"ukId": None, "key_id": "key-1"},
        {"ukId": None},
        {"subscriber_url": None, "url": URL},
        {"status": None, "valid_until": None},
        {"valid_until": "2026-11-25T08:00:01"},
        {"valid_from": "2026-11-25T08:00:00Z", "status": "subscribed"},
    ],
)
async def test_an_entry_may_word_it_otherwise(
    network: Network, changes: dict[str, str | None]
) -> None:
    network.there.put(WHO, OLD, URL, **changes)
    found = await network.registry().key_of(WHO)
    assert found is not None
    assert found.url == URL


async def test_a_key_is_asked_for_once_in_its_time(network: Network) -> None:
    network.there.put(WHO, OLD, URL)
    registry = network.registry()
    await asyncio.gather(*(registry.key_of(WHO) for _ in range(20)))
    network.now += KNOWN_FOR - timedelta(seconds=1)
    await registry.key_of(WHO)
    assert len(network.there.asked) == 1
    network.now += timedelta(seconds=1)
    await registry.key_of(WHO)
    assert len(network.there.asked) == 2


async def test_an_entry_that_ends_sooner_is_asked_for_sooner(network: Network) -> None:
    network.there.put(WHO, OLD, URL, valid_until="2026-11-25T08:01:00Z")
    registry = network.registry()
    await registry.key_of(WHO)
    network.now += timedelta(minutes=1)
    assert await registry.key_of(WHO) is None


async def test_nobody_is_remembered_for_a_moment_only(network: Network) -> None:
    registry = network.registry()
    assert await registry.key_of(WHO) is None
    network.there.put(WHO, OLD, URL)
    assert await registry.key_of(WHO) is None
    network.now += UNKNOWN_FOR
    assert await registry.key_of(WHO) is not None


async def test_a_renewed_key_is_found_and_bad_signatures_ask_no_more_than_that(
    network: Network,
) -> None:
    network.there.put(WHO, OLD, URL)
    registry = network.registry()
    verifier = network.verifier(registry)
    assert (await verifier.sender_of(network.signed(OLD), b"{}")).id == "bap.example"
    network.there.put(WHO, NEW, URL)
    with pytest.raises(SignatureInvalid):
        await verifier.sender_of(network.signed(NEW), b"{}")
    assert len(network.there.asked) == 1, "it was asked a moment ago"
    network.now += ASKED_ANEW_EVERY
    assert (await verifier.sender_of(network.signed(NEW), b"{}")).id == "bap.example"
    for _ in range(5):
        with pytest.raises(SignatureInvalid):
            await verifier.sender_of(network.signed(OLD), b"{}")
    assert len(network.there.asked) == 2


async def test_invented_keys_do_not_flood_the_registry(network: Network) -> None:
    network.there.put(WHO, OLD, URL)
    registry = network.registry()
    assert await registry.key_of(WHO) is not None
    invented = [KeyId("nobody.example", f"key-{number}") for number in range(50)]
    told = await asyncio.gather(*map(registry.key_of, invented), return_exceptions=True)
    refused = [each for each in told if isinstance(each, RegistryUnavailable)]
    assert len(refused) == 50 - QUESTIONS_AT_ONCE
    assert len(network.there.asked) == 1 + QUESTIONS_AT_ONCE
    # Whoever is known goes on, and later on there is room for questions.
    assert await registry.key_of(WHO) is not None
    assert await registry.key_of(invented[-1]) is None


@pytest.mark.parametrize("status", [500, 302, 401])
async def test_a_registry_without_a_usable_answer_is_unavailable(
    network: Network, status: int
) -> None:
    network.there.put(WHO, OLD, URL)
    network.there.status = status
    with pytest.raises(RegistryUnavailable, match=f"HTTP {status}"):
        await network.registry().key_of(WHO)


async def test_a_registry_that_is_not_there_is_unavailable(network: Network) -> None:
    network.url = "http://127.0.0.1:1"
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        await network.registry().key_of(WHO)
