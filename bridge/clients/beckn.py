"""Posts callbacks to a BAP or adapter, and live data to a track callback_url."""

from __future__ import annotations

import aiohttp
import msgspec

from bridge.errors import CallbackFailed, CallbackRefused

POST_TIMEOUT = aiohttp.ClientTimeout(total=8, connect=3)
"""Time-out of one try; shorter than the lease of the lane that holds the callback."""

PATCH_TIMEOUT = aiohttp.ClientTimeout(total=5, connect=3)

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer that are read; an ACK has a few dozen."""


class _Ack(msgspec.Struct, frozen=True):
    status: str = ""


class _AckMessage(msgspec.Struct, frozen=True):
    ack: _Ack = _Ack()


class _AckError(msgspec.Struct, frozen=True):
    code: str | int = ""
    message: str = ""


class _AckBody(msgspec.Struct, frozen=True):
    message: _AckMessage = _AckMessage()
    error: _AckError | None = None


async def post_callback(http: aiohttp.ClientSession, url: str, body: bytes) -> None:
    """Deliver one on_* message.

    A 2xx answer that is no NACK counts as delivered, even when it is no proper ACK.

    Raises:
        CallbackRefused: the answer is NACK; the same message would get the same answer again.
        CallbackFailed: no connection, no answer in time, or an HTTP error.
    """
    try:
        async with http.post(
            url,
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=POST_TIMEOUT,
            allow_redirects=False,
        ) as response:
            status = response.status
            answer = await response.content.read(ANSWER_LIMIT)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise CallbackFailed(f"{type(error).__name__}: {error}") from error
    refusal = _refusal(answer)
    if refusal is not None:
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
    return "no reason given" if body.error is None else f"{body.error.code} {body.error.message}"


async def patch_live(http: aiohttp.ClientSession, url: str, body: bytes) -> None:
    """Send live data to a track callback_url; no redirects (use case 1, 3.11).

    Raises:
        CallbackFailed: it was not taken.
    """
    try:
        async with http.patch(
            url,
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=PATCH_TIMEOUT,
            allow_redirects=False,
        ) as response:
            status = response.status
            await response.content.read(ANSWER_LIMIT)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise CallbackFailed(f"{type(error).__name__}: {error}") from error
    if not 200 <= status < 300:
        raise CallbackFailed(f"HTTP {status}")
