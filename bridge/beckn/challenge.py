"""What a registry asks at ``on_subscribe`` before it takes a subscriber's keys, and the answers.

The registry encrypts a text to our encryption key and wants it back (Beckn registry 1.1.1: X25519,
AES in ECB with PKCS7); protocol-server signs the text instead.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from bridge.errors import BecknInvalid, SignatureInvalid

LONGEST: Final = 4096
"""Characters of a challenge that is looked at."""

_AT: Final = "challenge"


def decrypted(challenge: str, own: X25519PrivateKey, registry: X25519PublicKey) -> str:
    """Return the text that a registry encrypted to us.

    Raises:
        BecknInvalid: it is none, or not encrypted to this key by that registry.
    """
    _check_length(challenge)
    try:
        sealed = base64.b64decode(challenge.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BecknInvalid(_AT, "is not Base64") from error
    if not sealed or len(sealed) % 16:
        raise BecknInvalid(_AT, "is not made of whole AES blocks")
    # ECB is what the standard says; the key is used for texts of the registry alone.
    opening = Cipher(algorithms.AES(own.exchange(registry)), modes.ECB()).decryptor()
    padded = opening.update(sealed) + opening.finalize()
    unpadder = PKCS7(128).unpadder()
    try:
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError as error:
        raise BecknInvalid(_AT, "is not encrypted to our key by the registry's") from error


def signed(challenge: str, key: Ed25519PrivateKey) -> str:
    """Return signature and text in one, in Base64, as protocol-server answers.

    A text of several lines is refused: it could be the signing string of a message (BECKN-006), and
    whoever asks would have our signature under it.

    Raises:
        BecknInvalid: it is empty, too long, or not one line of printable ASCII.
    """
    _check_length(challenge)
    if not (challenge.isascii() and challenge.isprintable()):
        raise BecknInvalid(_AT, "is not one line of printable ASCII: that is not signed")
    text = challenge.encode()
    return base64.b64encode(key.sign(text) + text).decode()


def encryption_key(text: str) -> X25519PrivateKey:
    """Read a private key in Base64: 32 bytes, or PKCS8.

    Raises:
        SignatureInvalid: it is neither; nothing of it is repeated.
    """
    raw = _bytes("the encryption key", text)
    if len(raw) == 32:
        return X25519PrivateKey.from_private_bytes(raw)
    try:
        key = load_der_private_key(raw, None)
    except (ValueError, TypeError) as error:
        raise SignatureInvalid("the encryption key is neither 32 bytes nor PKCS8") from error
    if not isinstance(key, X25519PrivateKey):
        raise SignatureInvalid("the encryption key is not of X25519")
    return key


def registry_key(text: str) -> X25519PublicKey:
    """Read a public key in Base64: 32 bytes, or SubjectPublicKeyInfo.

    Raises:
        SignatureInvalid: it is neither.
    """
    raw = _bytes("the registry's key", text)
    if len(raw) == 32:
        return X25519PublicKey.from_public_bytes(raw)
    try:
        key = load_der_public_key(raw)
    except ValueError as error:
        raise SignatureInvalid("the registry's key is neither 32 bytes nor DER") from error
    if not isinstance(key, X25519PublicKey):
        raise SignatureInvalid("the registry's key is not of X25519")
    return key


def _check_length(challenge: str) -> None:
    if not 0 < len(challenge) <= LONGEST:
        raise BecknInvalid(_AT, f"must have 1 to {LONGEST} characters")


def _bytes(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise SignatureInvalid(f"{name} is not Base64") from error
