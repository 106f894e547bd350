"""on_subscribe: a registry's challenge, decrypted or signed, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError
from pytest_aiohttp.plugin import AiohttpClient

from bridge.network import challenge_answer_of
from bridge.server.subscribe_routes import subscribe_routes
from bridge.settings.beckn import Beckn

OURS = X25519PrivateKey.from_private_bytes(bytes(range(32)))
REGISTRY = X25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STRANGER = X25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(3, 35)))


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


OURS_RAW = text(OURS.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
OURS_DER = text(OURS.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
REGISTRY_RAW = text(REGISTRY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
REGISTRY_DER = text(
    REGISTRY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
SEED = text(SIGNING.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

DECRYPT = {
    "on_subscribe": "decrypt",
    "encryption_private_key": OURS_RAW,
    "registry_encryption_key": REGISTRY_RAW,
}
SIGN = {"on_subscribe": "sign", "key_id": "key-1", "private_key": SEED}


def sealed(said: str, by: X25519PrivateKey = REGISTRY) -> str:
    """Encrypt as a registry does."""
    padder = PKCS7(128).padder()
    padded = padder.update(said.encode()) + padder.finalize()
    closing = Cipher(algorithms.AES(by.exchange(OURS.public_key())), modes.ECB()).encryptor()
    return text(closing.update(padded) + closing.finalize())


async def nobody(_: web.Request) -> web.Response:
    return web.Response(status=404)


async def answered(
    client: AiohttpClient, settings: dict[str, Any], body: object, path: str = "/on_subscribe"
) -> tuple[int, Any]:
    beckn = Beckn.model_validate({"subscriber_id": "bridge.example", **settings})
    app = web.Application()
    # As in the bridge: a wider route stands beside.
    app.add_routes([web.post("/beckn/{action}", nobody)])
    app.add_routes(subscribe_routes(challenge_answer_of(beckn), beckn.subscriber_id))
    there = await client(app)
    sent = {"data": body} if isinstance(body, bytes) else {"json": body}
    response = await there.post(path, **sent)
    return response.status, await response.json(content_type=None) if response.status != 404 else ""


@pytest.mark.parametrize("said", ["a", "sixteen letters!", "ein längerer Text über zwei Blöcke"])
@pytest.mark.parametrize("path", ["/on_subscribe", "/beckn/on_subscribe"])
async def test_a_challenge_is_decrypted(
    aiohttp_client: AiohttpClient, said: str, path: str
) -> None:
    body = {"subscriber_id": "bridge.example", "challenge": sealed(said)}
    assert await answered(aiohttp_client, DECRYPT, body, path) == (200, {"answer": said})


async def test_keys_may_be_der(aiohttp_client: AiohttpClient) -> None:
    keys = {"encryption_private_key": OURS_DER, "registry_encryption_key": REGISTRY_DER}
    body = {"challenge": sealed("as DER")}
    assert await answered(aiohttp_client, DECRYPT | keys, body) == (200, {"answer": "as DER"})


async def test_a_challenge_is_signed_as_protocol_server_does(aiohttp_client: AiohttpClient) -> None:
    status, said = await answered(aiohttp_client, SIGN, {"challenge": "who are you?"})
    raw = base64.b64decode(said["answer"])
    assert (status, raw[64:]) == (200, b"who are you?")
    SIGNING.public_key().verify(raw[:64], raw[64:])


SIGNING_STRING = "(created): 1\n(expires): 2\ndigest: BLAKE-512=AAAA"
"""Who gets this signed can send messages in our name."""


@pytest.mark.parametrize(
    ("settings", "body", "field"),
    [
        (SIGN, {"challenge": SIGNING_STRING}, "challenge"),
        (SIGN, {"challenge": ""}, "challenge"),
        (SIGN, {"challenge": "x" * 4097}, "challenge"),
        (SIGN, {"challenge": 7}, "challenge"),
        (SIGN, {}, "challenge"),
        (SIGN, b"{", "challenge"),
        (SIGN, {"challenge": "x", "subscriber_id": "other.example"}, "subscriber_id"),
        (SIGN, {"challenge": "x", "subscriber_id": 7}, "subscriber_id"),
        (DECRYPT, {"challenge": "no Base64!"}, "challenge"),
        (DECRYPT, {"challenge": text(b"short")}, "challenge"),
        (DECRYPT, {"challenge": sealed("by a stranger", STRANGER)}, "challenge"),
    ],
)
async def test_a_bad_challenge_is_400_with_its_field(
    aiohttp_client: AiohttpClient, settings: dict[str, Any], body: object, field: str
) -> None:
    status, said = await answered(aiohttp_client, settings, body)
    assert (status, said["error"]["paths"]) == (400, field)


async def test_it_is_off_by_default(aiohttp_client: AiohttpClient) -> None:
    assert await answered(aiohttp_client, {}, {"challenge": "x"}) == (404, "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"on_subscribe": "sign"}, "needs key_id and private_key"),
        ({"on_subscribe": "decrypt"}, "needs encryption_private_key"),
        (SIGN | {"adapter": "protocol-server"}, "answers on_subscribe itself"),
        (DECRYPT | {"encryption_private_key": text(b"short")}, "neither 32 bytes nor PKCS8"),
        (DECRYPT | {"registry_encryption_key": "%"}, "not Base64"),
    ],
)
def test_settings_that_cannot_answer_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Beckn.model_validate({"subscriber_id": "bridge.example", **settings})
