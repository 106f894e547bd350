"""Posts callbacks to a BAP or adapter, and live data to a track callback_url."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import aiohttp

from bridge.beckn.refusal import read_refusal
from bridge.clients.wire import read_up_to
from bridge.errors import CallbackFailed, CallbackRefused, CallbackTooLarge
from bridge.observability.tracing import carried

POST_TIMEOUT = aiohttp.ClientTimeout(total=8, connect=3)
"""Time-out of one try; shorter than the lease of the lane that holds the callback."""

PATCH_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=3)

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read; an ACK has a few dozen."""

BUSY: Final = frozenset({429, 502, 503, 504})
"""A NACK under these is overload or a receiver behind the adapter that is away, no verdict."""


TOO_LARGE: Final = b"entity too large"
"""What protocol-server says under 500 to more than 204,800 bytes."""

NO_HEADERS: Final[Mapping[str, str]] = {}

Sign = Callable[[bytes], str]
"""Gives the Authorization header of exactly these bytes."""


async def post_callback(
    http: aiohttp.ClientSession, url: str, body: bytes, *, sign: Sign | None = None
) -> None:
    """Deliver one on_* message.

    Args:
        sign: gives the Authorization of a body; each try has one of its own, it expires.

    A 2xx answer that is no NACK counts as delivered, even when it is no proper ACK.

    Raises:
        CallbackTooLarge: it is larger than the receiver takes.
        CallbackRefused: the answer is NACK, or 400; the same message would get the same again.
        CallbackFailed: no connection, no answer in time, or an HTTP error; one of BUSY whatever
            the body says.
    """
    headers = {} if sign is None else {"Authorization": sign(body)}
    status, answer = await _sent(http, "POST", url, body, POST_TIMEOUT, headers)
    if status == 413 or (status == 500 and TOO_LARGE in answer.lower()):
        raise CallbackTooLarge(f"HTTP {status}: {len(body)} bytes are too many")
    refusal = read_refusal(answer)
    if refusal is not None and status not in BUSY:
        raise CallbackRefused(f"NACK: {refusal.words}", status=status, places=refusal.places)
    if status == 400:
        raise CallbackRefused("HTTP 400", status=status)
    if not 200 <= status < 300:
        raise CallbackFailed(f"HTTP {status}")


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
    sent = {"Content-Type": "application/json", **headers, **carried()}
    try:
        async with http.request(
            method, url, data=body, headers=sent, timeout=limits, allow_redirects=False
        ) as response:
            return response.status, await read_up_to(response, ANSWER_LIMIT)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise CallbackFailed(f"{type(error).__name__}: {error}") from error
