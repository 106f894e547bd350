"""Signatures of our own: what is made is read and verified, and what is wrong is named."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.beckn.signing import (
    LONGEST_HEADER,
    KeyId,
    check_bytes,
    check_time,
    private_key,
    public_bytes,
    public_key,
    read_signature,
    sign,
)
from bridge.errors import SignatureInvalid

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WHO = KeyId("bap.example", "key-1")
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=5)
BODY = '{"context":{"action":"search"},"message":{"name":"Zürich ⚡"}}'.encode()
HEADER = sign(BODY, KEY, WHO, now=NOW, life=LIFE)


def test_what_is_signed_is_verified() -> None:
    read = read_signature(HEADER)
    assert read.key_id == WHO
    assert read.expires - read.created == 300
    check_bytes(BODY, read, KEY.public_key())


@pytest.mark.parametrize(
    ("ahead_s", "reason"),
    [
        (-6, "created lies in the future"),
        (-5, None),
        (300, None),
        (301, "the signature has expired"),
    ],
)
def test_a_signature_holds_from_a_little_before_it_was_made_until_it_expires(
    ahead_s: int, reason: str | None
) -> None:
    now = NOW + timedelta(seconds=ahead_s)
    if reason is None:
        check_time(read_signature(HEADER), now=now, skew=SKEW)
        return
    with pytest.raises(SignatureInvalid, match=reason):
        check_time(read_signature(HEADER), now=now, skew=SKEW)


def test_another_body_and_another_key_are_refused() -> None:
    read = read_signature(HEADER)
    with pytest.raises(SignatureInvalid, match="not of this body"):
        check_bytes(BODY + b"\n", read, KEY.public_key())
    with pytest.raises(SignatureInvalid, match="not of this body"):
        check_bytes(BODY, read, OTHER.public_key())


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "scheme"),
        ("Bearer abc", "scheme"),
        ("Signature", "scheme"),
        ("Signature nonsense", "list of name"),
        (HEADER.replace('keyId="bap.example|key-1|ed25519",', ""), "keyId is missing"),
        (HEADER.replace("|key-1", ""), "keyId is not"),
        (HEADER.replace("bap.example|", "|"), "keyId is not"),
        (HEADER.replace('algorithm="ed25519"', 'algorithm="rsa"'), "algorithm"),
        (HEADER.replace("(created) (expires) digest", "digest"), "headers is not"),
        (HEADER.replace('created="1', 'created="x'), "created is not"),
        (HEADER.replace('signature="', 'signature="%'), "signature is not Base64"),
        (HEADER.replace('signature="', 'signature="AAAA'), "signature has 67 bytes"),
        (f'{HEADER},created="1"', "created is given twice"),
        (f"Signature {'x' * LONGEST_HEADER}", "longer than"),
    ],
)
def test_what_is_wrong_with_a_header_is_named(header: str, reason: str) -> None:
    with pytest.raises(SignatureInvalid, match=reason):
        read_signature(header)


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("Signature ", "signature "),
        HEADER.replace(",", ", "),
        HEADER.replace("ed25519", "Ed25519"),
        f'{HEADER},realm="x"',
    ],
)
def test_spelling_and_order_do_not_matter(header: str) -> None:
    check_bytes(BODY, read_signature(header), KEY.public_key())


def test_a_private_key_comes_with_or_without_its_public_half() -> None:
    seed, public = bytes(range(32)), public_bytes(KEY)
    for raw in (seed, seed + public):
        assert public_bytes(private_key(base64.b64encode(raw).decode())) == public
    for raw in (seed + bytes(32), seed[:-1], b""):
        with pytest.raises(SignatureInvalid):
            private_key(base64.b64encode(raw).decode())
    with pytest.raises(SignatureInvalid):
        public_key("not base64!")


def test_ten_thousand_headers_of_any_kind_never_raise_anything_else() -> None:
    dice = random.Random(6)
    alphabet = 'Signature keyId="|,=()0123456789\\é\x00ed25519'
    for _ in range(10_000):
        letters = list(HEADER)
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(letters))
            letters[place : place + dice.randint(0, 9)] = dice.choices(
                alphabet, k=dice.randint(0, 4)
            )
        try:
            read = read_signature("".join(letters))
            check_time(read, now=NOW, skew=SKEW)
            check_bytes(BODY, read, KEY.public_key())
        except SignatureInvalid:
            continue
        assert read.signature == read_signature(HEADER).signature
