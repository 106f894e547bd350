"""ACK and NACK bodies."""

from __future__ import annotations

import json

import pytest

from bridge.beckn.ack import ack, nack
from bridge.errors import BecknInvalid, BridgeError, NotJson, StoreUnavailable


def test_ack() -> None:
    assert json.loads(ack()) == {"message": {"ack": {"status": "ACK"}}}


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (
            BecknInvalid("context.bap_id", "is missing"),
            {
                "code": "30000",
                "message": "context.bap_id: is missing",
                "paths": "context.bap_id",
            },
        ),
        (NotJson("the body is not JSON"), {"code": "30000", "message": "the body is not JSON"}),
        (
            StoreUnavailable("redis://10.0.0.7:6379 refused"),
            {"code": "40000", "message": "not possible at the moment, try again later"},
        ),
    ],
)
def test_nack_has_a_string_code_and_names_the_field(
    error: BridgeError, part: dict[str, str]
) -> None:
    assert json.loads(nack(error)) == {"message": {"ack": {"status": "NACK"}}, "error": part}
