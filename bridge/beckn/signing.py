"""Signatures of Beckn messages: Ed25519 over times and a BLAKE2b-512 digest (BECKN-006).

Pure: who a key belongs to, and whether the time of a signature is right, is said by the caller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.errors import SignatureInvalid

ALGORITHM: Final = "ed25519"
SIGNED: Final = "(created) (expires) digest"
"""What a signature covers, in this order; no other list is taken."""

LONGEST_HEADER: Final = 4096
"""Characters of a header that is read at all."""

_SCHEME: Final = "signature "
_PAIR: Final = re.compile(r'\s*([A-Za-z]+)\s*=\s*"([^"]*)"\s*(?:,|$)', re.ASCII)
_EPOCH: Final = re.compile(r"\d{1,12}", re.ASCII)
_NEEDED: Final = ("keyId", "algorithm", "created", "expires", "headers", "signature")


class KeyId(NamedTuple):
    """Whose key signed: ``{subscriber_id}|{unique_key_id}|ed25519``."""

    subscriber_id: str
    unique_key_id: str

    def __str__(self) -> str:
        """Return the keyId as it stands in a header."""
        return f"{self.subscriber_id}|{self.unique_key_id}|{ALGORITHM}"


class Signature(NamedTuple):
    """A header that was read and not yet verified; times are Unix seconds."""

    key_id: KeyId
    created: int
    expires: int
    signature: bytes


def sign(
    body: bytes, key: Ed25519PrivateKey, key_id: KeyId, *, now: datetime, life: timedelta
) -> str:
    """Return the value of ``Authorization`` for exactly these bytes."""
    created = int(now.timestamp())
    expires = created + int(life.total_seconds())
    signature = base64.b64encode(key.sign(_signed(body, created, expires))).decode()
    return (
        f'Signature keyId="{key_id}",algorithm="{ALGORITHM}",created="{created}",'
        f'expires="{expires}",headers="{SIGNED}",signature="{signature}"'
    )


def read_signature(header: str) -> Signature:
    """Read ``Authorization``, ``Proxy-Authorization`` or ``X-Gateway-Authorization``.

    Raises:
        SignatureInvalid: naming what is missing or wrong; nothing of the header is repeated.
    """
    if len(header) > LONGEST_HEADER:
        raise SignatureInvalid(f"the header is longer than {LONGEST_HEADER} characters")
    if not header[: len(_SCHEME)].casefold() == _SCHEME:
        raise SignatureInvalid("the header does not begin with the scheme Signature")
    given = _pairs(header[len(_SCHEME) :])
    for name in _NEEDED:
        if name not in given:
            raise SignatureInvalid(f"{name} is missing")
    if given["algorithm"].casefold() != ALGORITHM:
        raise SignatureInvalid(f"the algorithm is not {ALGORITHM}")
    if given["headers"].split() != SIGNED.split():
        raise SignatureInvalid(f"headers is not {SIGNED}")
    return Signature(
        key_id=_key_id(given["keyId"]),
        created=_epoch("created", given["created"]),
        expires=_epoch("expires", given["expires"]),
        signature=_decoded("signature", given["signature"], 64),
    )


def check_time(signature: Signature, *, now: datetime, skew: timedelta) -> None:
    """Check that a signature holds now.

    Args:
        skew: how far ahead of ours the signer's clock may be; an expired one has no such grace.

    Raises:
        SignatureInvalid: made in the future, or expired.
    """
    if signature.created > (now + skew).timestamp():
        raise SignatureInvalid("created lies in the future")
    if signature.expires < now.timestamp():
        raise SignatureInvalid("the signature has expired")


def check_bytes(body: bytes, signature: Signature, key: Ed25519PublicKey) -> None:
    """Check that a signature is of these bytes and of this key.

    Raises:
        SignatureInvalid: it is not.
    """
    try:
        key.verify(signature.signature, _signed(body, signature.created, signature.expires))
    except InvalidSignature as error:
        raise SignatureInvalid("the signature is not of this body and this key") from error


def digest(body: bytes) -> str:
    """Return the digest of a body as it is signed: BLAKE2b with 512 bits, in Base64."""
    return base64.b64encode(hashlib.blake2b(body, digest_size=64).digest()).decode()


def private_key(text: str) -> Ed25519PrivateKey:
    """Read a private key in Base64: 32 bytes (ONIX), or 64 with the public half (protocol-server).

    Raises:
        SignatureInvalid: it is neither, or its halves do not belong together; it is not repeated.
    """
    raw = _decoded("the private key", text, 32, 64)
    key = Ed25519PrivateKey.from_private_bytes(raw[:32])
    if len(raw) == 64 and raw[32:] != public_bytes(key):
        raise SignatureInvalid("the private key's second half is not its public key")
    return key


def public_key(text: str) -> Ed25519PublicKey:
    """Read a public key as a registry has it: 32 bytes in Base64.

    Raises:
        SignatureInvalid: it is none.
    """
    return Ed25519PublicKey.from_public_bytes(_decoded("the public key", text, 32))


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of a private key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _signed(body: bytes, created: int, expires: int) -> bytes:
    """Return the signing string."""
    lines = (f"(created): {created}", f"(expires): {expires}", f"digest: BLAKE-512={digest(body)}")
    return "\n".join(lines).encode()


def _pairs(text: str) -> dict[str, str]:
    """Return the parameters of a header; one that is given twice could mean either."""
    given: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise SignatureInvalid('the header is not a list of name="value"')
        name, value = pair.groups()
        if name in given:
            raise SignatureInvalid(f"{name[:20]} is given twice")
        given[name] = value
        at = pair.end()
    return given


def _key_id(text: str) -> KeyId:
    parts = text.split("|")
    if len(parts) != 3 or not parts[0] or not parts[1] or parts[2].casefold() != ALGORITHM:
        raise SignatureInvalid(f"keyId is not subscriber_id|unique_key_id|{ALGORITHM}")
    return KeyId(parts[0], parts[1])


def _epoch(name: str, text: str) -> int:
    if not _EPOCH.fullmatch(text):
        raise SignatureInvalid(f"{name} is not a Unix time in seconds")
    return int(text)


def _decoded(name: str, text: str, *lengths: int) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise SignatureInvalid(f"{name} is not Base64") from error
    if len(raw) not in lengths:
        raise SignatureInvalid(f"{name} has {len(raw)} bytes, not {' or '.join(map(str, lengths))}")
    return raw
