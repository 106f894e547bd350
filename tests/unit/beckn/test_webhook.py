"""The HMAC of protocol-server's webhook, and the notices that come to it."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from bridge.beckn.webhook import Notice, check_hmac, read_notice
from bridge.errors import SignatureInvalid

KEY = b"shared"

CONTEXT = '{"action":"select","ttl":"PT10M"}'
MESSAGE = (
    r'{"order":{"n":[1e+21,0.1,100,5e-7,0,123456789012345680000],'
    '"name":"लाद € \u2028\\u0007",'
    r'"x":"\\\"/"}}'
)
"""Numbers and letters as JSON.stringify writes them: a writer of our own would write others."""

WIRE = f'{{"context":{CONTEXT},"message":{MESSAGE}}}'.encode()


def made(body: bytes, key: bytes = KEY) -> str:
    return "HMAC-SHA-256 " + hmac.new(key, body, hashlib.sha256).hexdigest()


def test_the_hmac_is_that_of_the_bytes() -> None:
    # From RFC 4231, test case 2.
    known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    check_hmac(f"HMAC-SHA-256 {known}", b"what do ya want for nothing?", b"Jefe")
    check_hmac(made(WIRE), WIRE, KEY)
    check_hmac(made(WIRE).upper(), WIRE, KEY)


def test_what_came_message_first_was_signed_so() -> None:
    # Made by Node's JSON.stringify and createHmac of a text with 0.10, 1.0e2, -0, \\u0932.
    mac = "55c46112c8dc8be0957aa11f3edbb24d8f0de1c989b28ff50c6a4586131eb90b"

    check_hmac(f"HMAC-SHA-256 {mac}", WIRE, KEY)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "HMAC-SHA-256",
        "HMAC-SHA-256 ",
        "HMAC-SHA-256 \ud800é",
        made(WIRE).replace("HMAC-SHA-256 ", "HMAC-SHA-1 "),
        made(WIRE).removeprefix("HMAC-SHA-256 "),
        made(WIRE)[:-1],
        made(WIRE) + "0",
        made(WIRE, b"another key"),
        made(WIRE + b" "),
        made(WIRE.replace(b"select", b"update")),
        made(f'{{"context":{CONTEXT},"message":{MESSAGE},"x":1}}'.encode()),
    ],
)
def test_anything_else_proves_nothing(header: str | None) -> None:
    with pytest.raises(SignatureInvalid):
        check_hmac(header, WIRE, KEY)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"context":1}', b"null"])
def test_no_body_is_a_fault_of_ours(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        check_hmac(made(WIRE), body, KEY)


IDS = {"transaction_id": "t", "message_id": "m"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"code": 651641, "type": "CORE-ERROR", "message": "Request timed out"}, "651641 Request"),
        ({"code": "30000", "message": "no"}, "30000 no"),
        ({"message": "Authentication failed"}, "Authentication failed"),
        ("broken", '"broken"'),
        (None, "null"),
        ({"code": None}, '{"code": null}'),
    ],
)
def test_a_notice_is_understood_whatever_its_error_looks_like(error: object, words: str) -> None:
    body = json.dumps({"context": {"action": "on_search", **IDS}, "error": error}).encode()

    told = read_notice(body)

    assert told is not None
    assert (told.action, told.transaction_id, told.message_id) == ("on_search", "t", "m")
    assert told.words.startswith(words)


def test_a_notice_may_lack_its_ids() -> None:
    assert read_notice(b'{"context":{"action":null},"error":{}}') == Notice("", "", "", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"context":{},"message":{}}',
        b'{"context":{},"message":{},"error":{}}',
        b'{"context":"x","error":{}}',
        b'{"error":{}}',
    ],
)
def test_what_is_no_notice(body: bytes) -> None:
    assert read_notice(body) is None
