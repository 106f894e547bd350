"""NACKs in the forms of core, protocol-server and beckn-onix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.beckn.refusal import PLACES, SAID, Refusal, read_refusal

NACK = {"ack": {"status": "NACK"}}


def schema(*places: str) -> dict[str, Any]:
    """Return the error of protocol-server for a message that breaks its file."""
    data = [{"keywordLocation": "#/x", "instanceLocation": place} for place in places]
    return {
        "code": 400,
        "message": "Schema validation failed",
        "data": data,
        "type": "DOMAIN-ERROR",
    }


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"message": NACK, "error": {"code": "30001", "message": "no"}}, Refusal("30001 no")),
        (
            {"context": {}, "message": NACK, "error": {"code": 4001, "message": "not configured"}},
            Refusal("4001 not configured"),
        ),
        ({"message": NACK, "error": {"message": "Who are you"}}, Refusal("Who are you")),
        (
            {"message": NACK, "error": schema("#/context/ttl", "#/message", "#/context/ttl")},
            Refusal("400 Schema validation failed", ("#/context/ttl", "#/message")),
        ),
        (
            {"message": {**NACK, "error": {"code": "SCH_FIELD_NOT_ALLOWED", "message": "x"}}},
            Refusal("SCH_FIELD_NOT_ALLOWED x"),
        ),
        ({"message": {"status": "NACK", "messageId": "m"}}, Refusal("no reason given")),
        ({"message": {"ack": {"status": "nack"}}}, Refusal("no reason given")),
        ({"message": NACK, "error": {"data": "x", "message": "y"}}, Refusal("y")),
    ],
)
def test_a_nack_says_why_and_where(body: object, refusal: Refusal) -> None:
    assert read_refusal(json.dumps(body).encode()) == refusal


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"OK",
        b"[]",
        b'{"message":{"ack":{"status":"ACK"}},"error":{"code":"1"}}',
        b'{"message":{"status":"ACK","messageId":"m"}}',
        b'{"error":{"code":"1"}}',
    ],
)
def test_what_is_no_nack(answer: bytes) -> None:
    assert read_refusal(answer) is None


def test_of_a_long_nack_the_beginning_is_kept() -> None:
    long = {**schema(*(f"#/{each}" for each in range(1000))), "message": "x" * 10_000}

    refusal = read_refusal(json.dumps({"message": NACK, "error": long}).encode())

    assert refusal is not None
    assert (len(refusal.words), len(refusal.places)) == (SAID, PLACES)
