"""What is odd about the HTTP itself, byte by byte on a socket: no refusal, no traceback."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode

import pytest
from structlog.testing import capture_logs

from bridge.server.unreadable import tell_unreadable
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import TOKEN

SECRET = b64encode(TOKEN.encode())
AUTHORIZATION = b"Authorization: Token " + SECRET + b"\r\n"


async def sent(rig: Rig, request: bytes) -> bytes:
    """Send these bytes; return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection(rig.client.host, rig.client.port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def post(*headers: bytes) -> bytes:
    """Make a POST whose body is two bytes."""
    lines = (b"POST /ocpi/2.2.1/cdrs HTTP/1.1", b"Host: x", b"Connection: close", *headers)
    return b"\r\n".join(lines) + b"\r\n" + AUTHORIZATION + b"Content-Length: 2\r\n\r\n{}"


@pytest.mark.requirement("O6")
@pytest.mark.parametrize(
    ("expect", "interim"), [(b"100-continue", True), (b"100-Continue", True), (b"miracles", False)]
)
async def test_no_expectation_is_a_reason_to_refuse(
    memory_rig: Rig, expect: bytes, interim: bool
) -> None:
    answer = await sent(memory_rig, post(b"Expect: " + expect))
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n") is interim
    assert b"HTTP/1.1 200 OK" in answer
    assert b'"status_code":2001' in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"nothing\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION[:-2] + b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n",
        post(b"Transfer-Encoding: chunked"),
        post(b"Content-Encoding: gzip"),
    ],
    ids=["no HTTP", "a zero byte", "too long", "two lengths", "not gzip"],
)
async def test_what_cannot_be_read_is_one_line_of_the_log_and_shows_no_token(
    memory_rig: Rig, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    tell_unreadable()
    with capture_logs() as log, caplog.at_level(logging.DEBUG, "aiohttp.server"):
        answer = await sent(memory_rig, request_)
    assert answer.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert [each["event"] for each in log].count("http.unreadable") == 1
    assert caplog.text == ""
    for secret in (TOKEN, SECRET.decode()):
        assert secret not in str(log)
