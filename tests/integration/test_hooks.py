"""The webhook that brings OTPs: what is posted, what proves it, what each answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web

from bridge.clients.hooks import SIGNATURE, TIMESTAMP, post_otp, post_payment, signature
from bridge.errors import ErrandFailed, ErrandRefused
from bridge.orders.customer import Customer
from bridge.orders.errands import CollectErrand, OtpErrand, RefundErrand
from tests.factories import NOW
from tests.valkey import free_port

SECRET = "a secret that two of us share"
PHONE, CODE = "+919887766554", "314159"
ERRAND = OtpErrand(
    id="otp-1",
    order_key="bap.example|t1",
    transaction_id="t1",
    code=CODE,
    to=Customer(phone=PHONE),
    until=NOW + timedelta(seconds=600),
)


class Receiver:
    """Whoever the operator has to send text messages."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer = web.Response(text="never read")
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep headers and body."""
        self.got.append((dict(request.headers), await request.read()))
        return self.answer


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/otp", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    receiver.url = f"http://127.0.0.1:{port}/otp"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_an_otp_is_posted_as_small_json(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await post_otp(http, receiver.url, SECRET, ERRAND)

    ((headers, body),) = receiver.got
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": "otp-1",
        "kind": "otp",
        "transaction_id": "t1",
        "phone": PHONE,
        "code": CODE,
        "expires_at": "2026-03-04T06:40:00Z",
    }


async def test_the_signature_covers_time_and_body(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    await post_otp(http, receiver.url, SECRET, ERRAND)

    ((headers, body),) = receiver.got
    signed = headers[TIMESTAMP].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={expected}"
    assert headers[TIMESTAMP].isdecimal()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, None),
        (301, ErrandRefused),
        (400, ErrandRefused),
        (401, ErrandRefused),
        (408, ErrandFailed),
        (429, ErrandFailed),
        (500, ErrandFailed),
        (503, ErrandFailed),
    ],
)
async def test_what_an_answer_means(
    receiver: Receiver, http: aiohttp.ClientSession, status: int, error: type[Exception] | None
) -> None:
    headers = {"Location": receiver.url} if status == 301 else None
    receiver.answer = web.Response(status=status, headers=headers)

    if error is None:
        await post_otp(http, receiver.url, SECRET, ERRAND)
    else:
        with pytest.raises(ErrandFailed, match=f"HTTP {status}") as caught:
            await post_otp(http, receiver.url, SECRET, ERRAND)
        assert type(caught.value) is error
    assert len(receiver.got) == 1


async def test_nobody_there(http: aiohttp.ClientSession) -> None:
    with pytest.raises(ErrandFailed) as caught:
        await post_otp(http, f"http://127.0.0.1:{free_port()}/otp", SECRET, ERRAND)

    assert caught.value.retryable
    assert CODE not in str(caught.value)
    assert PHONE not in str(caught.value)


async def test_a_collect_request_is_posted_as_small_json(
    receiver: Receiver, http: aiohttp.ClientSession
) -> None:
    errand = CollectErrand(
        id="payment-1-collect",
        order_key="bap|t1",
        transaction_id="t1",
        payment_id="payment-1",
        amount=Decimal(100),
        currency="INR",
        source_address="asha@upi",
    )
    await post_payment(http, receiver.url, SECRET, errand)

    ((headers, body),) = receiver.got
    assert headers[SIGNATURE] == signature(SECRET, headers[TIMESTAMP], body)
    assert json.loads(body) == {
        "id": "payment-1-collect",
        "kind": "collect",
        "transaction_id": "t1",
        "payment_id": "payment-1",
        "amount": "100.00",
        "currency": "INR",
        "source_virtual_payment_address": "asha@upi",
    }


@pytest.mark.parametrize("paid_with", [None, "gateway-1"])
async def test_a_refund_is_posted_as_small_json(
    receiver: Receiver, http: aiohttp.ClientSession, paid_with: str | None
) -> None:
    errand = RefundErrand(
        id="payment-1-refund-23.40",
        order_key="bap|t1",
        transaction_id="t1",
        payment_id="payment-1",
        amount=Decimal("23.40"),
        currency="INR",
        paid_with=paid_with,
    )
    await post_payment(http, receiver.url, SECRET, errand)

    ((_, body),) = receiver.got
    named = {} if paid_with is None else {"payment_transaction_id": paid_with}
    assert (
        json.loads(body)
        == {
            "id": "payment-1-refund-23.40",
            "kind": "refund",
            "transaction_id": "t1",
            "payment_id": "payment-1",
            "amount": "23.40",
            "currency": "INR",
        }
        | named
    )
