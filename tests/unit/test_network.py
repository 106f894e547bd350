"""What stands between the bridge and its networks follows from the settings."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from bridge.beckn.request import Request
from bridge.network import bpp_uri_of, guard_of, patience_of
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


THERE, OWN = "http://bpp-network:5001", "http://bridge.example/beckn"


def request(**context: object) -> Request:
    """Return a request with this in its context."""
    return Request(
        action="search",
        dialect="uei",
        domain="ev-charging:uei",
        version="1.1.0",
        bap_id="bap.example",
        bap_uri="https://bap.example",
        transaction_id="t",
        message_id="m",
        context=Raw(json.dumps(context).encode()),
        received_at=datetime(2026, 3, 4, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("beckn", "named", "told"),
    [
        ({"adapter": "protocol-server"}, THERE, THERE),
        ({"adapter": "onix"}, THERE, THERE),
        ({"adapter": "onix"}, None, OWN),
        ({"adapter": "onix"}, "bpp-network", OWN),
        ({"adapter": "onix"}, ["http://there"], OWN),
        ({"adapter": "onix", "bpp_uri": "https://bpp.example"}, THERE, "https://bpp.example"),
        ({}, THERE, OWN),
        ({"bpp_uri": "https://bpp.example"}, THERE, "https://bpp.example"),
    ],
)
def test_the_network_is_told_of_the_adapter_not_of_what_stands_behind(
    beckn: dict[str, str], named: object, told: str
) -> None:
    assert bpp_uri_of(settings(**beckn))(request(bpp_uri=named)) == told


def test_protocol_server_waits_no_longer_than_it_does() -> None:
    waits = patience_of(settings(adapter="protocol-server"))
    search = request()
    assert (waits(search), waits(replace(search, action="confirm"))) == (15, 10)
    for adapter in ("none", "onix"):
        assert patience_of(settings(adapter=adapter))(search) is None
