"""What stands between the bridge and its networks follows from the settings."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.network import guard_of
from bridge.operator import Operator
from bridge.settings import Settings


def settings(**beckn: Any) -> Settings:
    """Return settings with these of the Beckn side."""
    return Settings.model_validate(
        {
            "public_url": "http://bridge.example",
            "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Bridge"},
            "cpos": [
                {"id": "cpo1", "token_a": "a", "provider": {"id": "cpo1.example", "name": "One"}}
            ],
            "beckn": {"subscriber_id": "bridge.example", **beckn},
        }
    )


@pytest.mark.parametrize("adapter", ["protocol-server", "onix"])
def test_behind_an_adapter_any_bap_uri_is_right_wherever_the_adapter_is(adapter: str) -> None:
    given = settings(adapter=adapter)
    assert guard_of(given, Operator(given)) is None


def test_alone_a_bap_uri_inside_is_refused_unless_callbacks_go_elsewhere() -> None:
    alone = settings()
    guard = guard_of(alone, Operator(alone))
    assert guard is not None
    assert guard.refusal("http://10.0.0.5/beckn") is not None
    elsewhere = settings(reply_base_url="http://sandbox:3000")
    assert guard_of(elsewhere, Operator(elsewhere)) is None
