"""POSTs to the operator's own webhooks: small JSON, signed with a shared secret."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import datetime
from typing import Final

import aiohttp
import msgspec

from bridge.errors import ErrandFailed, ErrandRefused
from bridge.mapping.formats import money
from bridge.observability.tracing import carried
from bridge.orders.errands import CollectErrand, OtpErrand, RefundErrand

HOOK_TIMEOUT: Final = aiohttp.ClientTimeout(total=8, connect=3)
"""Time-out of one try; shorter than what the errand lane gives it."""

TIMESTAMP: Final = "X-Bridge-Timestamp"
SIGNATURE: Final = "X-Bridge-Signature"

PASSING: Final = frozenset({408, 425, 429})
"""Answers below 500 after which the same request may be taken later."""


class OtpMessage(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="otp"
):
    """The body of an OTP's POST. The same ``id`` twice is the same OTP: deliver it once.

    Args:
        phone, email: the one of them that it goes to.
        code: digits, as the driver has to say them.
        expires_at: RFC 3339; it is of no use afterwards.
    """

    id: str
    transaction_id: str
    phone: str | None = None
    email: str | None = None
    code: str
    expires_at: datetime


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what goes with a body: an HMAC-SHA256 over ``{timestamp}.{body}``, in hexadecimal.

    Args:
        timestamp: Unix seconds; whoever takes the body refuses an old one.
    """
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


async def post_otp(http: aiohttp.ClientSession, url: str, secret: str, errand: OtpErrand) -> None:
    """Hand an OTP to whoever brings it to its driver.

    Raises:
        ErrandRefused: the answer is final.
        ErrandFailed: no connection, no answer in time, or one that may be another next time.
    """
    message = OtpMessage(
        id=errand.id,
        transaction_id=errand.transaction_id,
        phone=errand.to.phone,
        email=errand.to.email,
        code=errand.code,
        expires_at=errand.until,
    )
    await post_hook(http, url, secret, msgspec.json.encode(message))


class CollectMessage(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="collect"
):
    """The body of a request to collect a payment. The same ``id`` twice is one request.

    Args:
        amount: a decimal number, as text.
        source_virtual_payment_address: whom to ask, as the driver gave it (UPI).
    """

    id: str
    transaction_id: str
    payment_id: str
    amount: str
    currency: str
    source_virtual_payment_address: str


class RefundMessage(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="refund"
):
    """The body of a request to pay money back. The same ``id`` twice is one refund.

    Args:
        payment_transaction_id: the gateway's own word for the payment, where it is known.
    """

    id: str
    transaction_id: str
    payment_id: str
    amount: str
    currency: str
    payment_transaction_id: str | None = None


def payment_message(errand: CollectErrand | RefundErrand) -> CollectMessage | RefundMessage:
    """Return the body of the POST that asks for money to be moved."""
    if isinstance(errand, RefundErrand):
        return RefundMessage(
            id=errand.id,
            transaction_id=errand.transaction_id,
            payment_id=errand.payment_id,
            amount=money(errand.amount),
            currency=errand.currency,
            payment_transaction_id=errand.paid_with,
        )
    return CollectMessage(
        id=errand.id,
        transaction_id=errand.transaction_id,
        payment_id=errand.payment_id,
        amount=money(errand.amount),
        currency=errand.currency,
        source_virtual_payment_address=errand.source_address,
    )


async def post_payment(
    http: aiohttp.ClientSession, url: str, secret: str, errand: CollectErrand | RefundErrand
) -> None:
    """Ask the operator's software to move money; that it did so is told by the payment webhook.

    Raises:
        ErrandRefused, ErrandFailed: see post_otp.
    """
    await post_hook(http, url, secret, msgspec.json.encode(payment_message(errand)))


async def post_hook(http: aiohttp.ClientSession, url: str, secret: str, body: bytes) -> None:
    """Post JSON, signed; follow no redirect. What is answered does not matter, its status does.

    Raises:
        ErrandRefused, ErrandFailed: see post_otp; neither says what was posted.
    """
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(secret, timestamp, body),
        **carried(),
    }
    try:
        async with http.post(
            url, data=body, headers=headers, timeout=HOOK_TIMEOUT, allow_redirects=False
        ) as response:
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise ErrandFailed(f"{type(error).__name__}: {error}") from error
    if status in PASSING or status >= 500:
        raise ErrandFailed(f"HTTP {status}")
    if not 200 <= status < 300:
        raise ErrandRefused(f"HTTP {status}")
