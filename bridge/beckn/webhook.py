"""What protocol-server puts on a webhook's requests: an HMAC, and notices of what went wrong."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bridge.beckn.refusal import words_of
from bridge.errors import SignatureInvalid

SCHEME: Final = "HMAC-SHA-256"


class _Parts(msgspec.Struct, frozen=True):
    """A request whose parts stay the bytes they are."""

    context: Raw
    message: Raw


def check_hmac(header: str | None, body: bytes, key: bytes) -> None:
    """Raise SignatureInvalid unless the ``Authorization`` was made with ``key`` for this body.

    protocol-server signs the text it got and sends that text anew, context before message: where
    the message came first, it is put first again. Its bytes are those that JSON.stringify made,
    so nothing is written anew here. With a further key in the text it got, no check can succeed.
    """
    if header is None:
        raise SignatureInvalid("Authorization is missing")
    scheme, _, given = header.partition(" ")
    if scheme.upper() != SCHEME:
        raise SignatureInvalid(f"Authorization is no {SCHEME}")
    claimed = given.strip().lower().encode(errors="replace")
    if _is_of(claimed, body, key):
        return
    turned = _message_first(body)
    if turned is None or not _is_of(claimed, turned, key):
        raise SignatureInvalid("the HMAC is not that of this body")


def _is_of(claimed: bytes, body: bytes, key: bytes) -> bool:
    made = hmac.new(key, body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(claimed, made)


def _message_first(body: bytes) -> bytes | None:
    try:
        parts = msgspec.json.decode(body, type=_Parts)
    except (ValueError, RecursionError):
        return None
    return b'{"message":' + bytes(parts.message) + b',"context":' + bytes(parts.context) + b"}"


class Notice(msgspec.Struct, frozen=True):
    """What an adapter could not do with a message, told to us as ``{context, error}``.

    Args:
        action: ``on_search`` ... for a callback of ours.
        words: code and text of the error.
    """

    action: str
    transaction_id: str
    message_id: str
    words: str


class _NoticeContext(msgspec.Struct, frozen=True):
    action: str | None = None
    transaction_id: str | None = None
    message_id: str | None = None


class _NoticeBody(msgspec.Struct, frozen=True):
    context: _NoticeContext
    error: Raw
    message: Raw | UnsetType = UNSET


def read_notice(body: bytes) -> Notice | None:
    """Return what an adapter tells; None for anything else, above all for a request."""
    try:
        told = msgspec.json.decode(body, type=_NoticeBody)
    except (ValueError, RecursionError):
        return None
    if told.message is not UNSET:
        return None
    context = told.context
    return Notice(
        action=context.action or "",
        transaction_id=context.transaction_id or "",
        message_id=context.message_id or "",
        words=words_of(told.error),
    )
