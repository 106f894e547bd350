"""Alone on the network: everything signed, both ways, by the keys of a registry (BECKN-006)."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.signing import KeyId, check_bytes, check_time, read_signature, sign
from bridge.sandbox.bap import Sign
from bridge.sandbox.drive import walk_in
from tests.e2e.rig import Rig, Site, rig
from tests.redis_source import empty
from tests.registry import TestRegistry

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAP_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
GATEWAY_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
BRIDGE_SEED = bytes(range(3, 35))

BAP = KeyId("sandbox-bap.example", "key-1")
OTHER = KeyId("other-bap.example", "key-1")
GATEWAY = KeyId("gateway.example", "key-1")
LIFE = timedelta(minutes=5)


def signer(key: Ed25519PrivateKey, key_id: KeyId, *, ago_s: float = 0) -> Sign:
    """Return what signs as somebody, at some time."""
    return lambda body: sign(
        body, key, key_id, now=datetime.now(UTC) - timedelta(seconds=ago_s), life=LIFE
    )


@pytest.fixture(scope="module")
def registry() -> TestRegistry:
    """Give the network's registry."""
    return TestRegistry()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, redis_server: str, registry: TestRegistry
) -> AsyncIterator[Rig]:
    """Give a bridge that signs and verifies."""
    site = Site(registry.app)
    await site.start()
    registry.put(BAP, BAP_KEY, "http://127.0.0.1:1/beckn")
    registry.put(OTHER, OTHER_KEY, "http://127.0.0.1:2/beckn")
    registry.put(GATEWAY, GATEWAY_KEY, "http://127.0.0.1:3/beckn")
    beckn = {
        "adapter": "none",
        "subscriber_id": "bridge.example",
        "verify_inbound": True,
        "registry_url": site.url,
        "key_id": "key-1",
        "private_key": base64.b64encode(BRIDGE_SEED).decode(),
    }
    folder = tmp_path_factory.mktemp("bridge")
    async with rig(folder, redis_server, sign=signer(BAP_KEY, BAP), beckn=beckn) as running:
        yield running
    await site.stop()
    await empty(redis_server)


async def test_a_walk_in_is_signed_from_search_to_the_bill(world: Rig) -> None:
    world.bap.received.clear()
    final = await walk_in(world.bap)
    assert final["message"]["order"]["quote"]["price"]["value"] == "76.60"
    public = Ed25519PrivateKey.from_private_bytes(BRIDGE_SEED).public_key()
    assert world.bap.received
    for header, body in world.bap.received:
        assert header is not None
        read = read_signature(header)
        assert read.key_id == KeyId("bridge.example", "key-1")
        check_time(read, now=datetime.now(UTC), skew=timedelta(seconds=1))
        check_bytes(body, read, public)


CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")
"""Headers that say whose signature is wanted: the sender's, the gateway's (BECKN-006)."""


async def posted(world: Rig, body: bytes, **headers: str) -> tuple[int, dict[str, str], str]:
    """Post a search; return HTTP status, challenges by their header, and ACK or NACK."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "application/json", **named}) as http,
        http.post(f"{world.bap.bridge_url}/beckn/search", data=body) as answer,
    ):
        said = await answer.json()
        status = said["message"]["ack"]["status"]
        challenges = {name: each for name, each in answer.headers.items() if name in CHALLENGES}
        return answer.status, challenges, status


def search(world: Rig, **changes: object) -> bytes:
    """Return a search as bytes."""
    context = world.bap.context("search", str(uuid.uuid4()), **changes)
    return json.dumps({"context": context, "message": {"intent": {}}}).encode()


@pytest.mark.parametrize(
    "why",
    ["unsigned", "tampered", "expired", "future", "unknown", "foreign", "elsewhere", "gateway"],
)
async def test_what_proves_nothing_is_refused(world: Rig, why: str) -> None:
    body = search(world)
    own = signer(BAP_KEY, BAP)
    headers = {
        "unsigned": {},
        "tampered": {"Authorization": own(body + b" ")},
        "expired": {"Authorization": signer(BAP_KEY, BAP, ago_s=600)(body)},
        "future": {"Authorization": signer(BAP_KEY, BAP, ago_s=-60)(body)},
        "unknown": {"Authorization": signer(BAP_KEY, KeyId("nobody.example", "k"))(body)},
        "foreign": {"Authorization": signer(OTHER_KEY, OTHER)(body)},
        "elsewhere": {},
        "gateway": {
            "Authorization": own(body),
            "X_Gateway_Authorization": signer(OTHER_KEY, GATEWAY)(body),
        },
    }[why]
    if why == "elsewhere":
        body = search(world, bap_uri="http://198.51.100.7/beckn")
        headers = {"Authorization": own(body)}
    status, challenges, said = await posted(world, body, **headers)
    assert (status, said) == (401, "NACK")
    asks = CHALLENGES[why == "gateway"]
    realm = 'Signature realm="bridge.example",headers="(created) (expires) digest"'
    assert challenges == {asks: realm}


@pytest.mark.parametrize("header", ["X_Gateway_Authorization", "Proxy_Authorization"])
async def test_a_gateway_signs_besides(world: Rig, header: str) -> None:
    body = search(world)
    signed = {"Authorization": signer(BAP_KEY, BAP)(body)}
    signed[header] = signer(GATEWAY_KEY, GATEWAY)(body)
    assert await posted(world, body, **signed) == (200, {}, "ACK")


async def test_a_registry_that_is_away_refuses_nobody_for_good(
    world: Rig, registry: TestRegistry
) -> None:
    body = search(world)
    stranger = KeyId("late-bap.example", "key-1")
    registry.status = 500
    headers = {"Authorization": signer(OTHER_KEY, stranger)(body)}
    assert (await posted(world, body, **headers))[0] == 503
    known = {"Authorization": signer(BAP_KEY, BAP)(body)}
    assert (await posted(world, body, **known))[0] == 200
    registry.status = 200
    assert (await posted(world, body, **headers))[0] == 401
