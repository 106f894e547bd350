"""Posts callbacks to a BAP or adapter, and live data to a track callback_url."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import msgspec
from msgspec import Raw

from bridge.clients.wire import read_up_to
from bridge.errors import CallbackFailed, CallbackRefused

POST_TIMEOUT = aiohttp.ClientTimeout(total=8, connect=3)
"""Time-out of one try; shorter than the lease of the lane that holds the callback."""

PATCH_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=3)

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read; an ACK has a few dozen."""

SAID: Final = 500
"""Letters of a NACK's error that are kept."""

BUSY: Final = frozenset({429, 502, 503, 504})
"""A NACK under these is overload or a receiver behind the adapter that is away, no verdict."""


NO_HEADERS: Final[Mapping[str, str]] = {}

Sign = Callable[[bytes], str]
"""Gives the Authorization header of exactly these bytes."""


class _Ack(msgspec.Struct, frozen=True):
    status: str = ""


class _AckMessage(msgspec.Struct, frozen=True):
    ack: _Ack = _Ack()
    error: Raw = Raw()


class _AckBody(msgspec.Struct, frozen=True):
    """An ACK or NACK; beckn-onix puts the error inside ``message``."""

    message: _AckMessage = _AckMessage()
    error: Raw = Raw()


class _AckError(msgspec.Struct, frozen=True):
    code: str | int = ""
    message: str = ""


async def post_callback(
    http: aiohttp.ClientSession, url: str, body: bytes, *, sign: Sign | None = None
) -> None:
    """Deliver one on_* message.

    Args:
        sign: gives the Authorization of a body; each try has one of its own, it expires.

    A 2xx answer that is no NACK counts as delivered, even when it is no proper ACK.

    Raises:
        CallbackRefused: the answer is NACK; the same message would get the same answer again.
        CallbackFailed: no connection, no answer in time, or an HTTP error; one of BUSY whatever
            the body says.
    """
    headers = {} if sign is None else {"Authorization": sign(body)}
    status, answer = await _sent(http, "POST", url, body, POST_TIMEOUT, headers)
    refusal = _refusal(answer)
    if refusal is not None and status not in BUSY:
        raise CallbackRefused(f"NACK: {refusal}")
    if not 200 <= status < 300:
        raise CallbackFailed(f"HTTP {status}")


def _refusal(answer: bytes) -> str | None:
    """Return what a NACK says; None when the answer is not one."""
    try:
        body = msgspec.json.decode(answer, type=_AckBody)
    except msgspec.DecodeError:
        return None
    if body.message.ack.status.upper() != "NACK":
        return None
    return _words(body.error) or _words(body.message.error) or "no reason given"


def _words(error: Raw) -> str:
    """Return what the error of a NACK says, whatever shape the peer gave it."""
    try:
        fault = msgspec.json.decode(error, type=_AckError)
    except msgspec.DecodeError:
        return bytes(error).decode(errors="replace")[:SAID]
    return f"{fault.code} {fault.message}".strip()[:SAID]


async def patch_live(http: aiohttp.ClientSession, url: str, body: bytes) -> None:
    """Send live data to a track callback_url; no redirects (use case 1, 3.11).

    Raises:
        CallbackFailed: it was not taken.
    """
    status, _ = await _sent(http, "PATCH", url, body, PATCH_TIMEOUT)
    if not 200 <= status < 300:
        raise CallbackFailed(f"HTTP {status}")


async def _sent(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    body: bytes,
    limits: aiohttp.ClientTimeout,
    headers: Mapping[str, str] = NO_HEADERS,
) -> tuple[int, bytes]:
    """Send JSON without following redirects; return HTTP status and answer.

    Raises:
        CallbackFailed: no connection, or no answer in time.
    """
    sent = {"Content-Type": "application/json", **headers}
    try:
        async with http.request(
            method, url, data=body, headers=sent, timeout=limits, allow_redirects=False
        ) as response:
            return response.status, await read_up_to(response, ANSWER_LIMIT)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise CallbackFailed(f"{type(error).__name__}: {error}") from error
