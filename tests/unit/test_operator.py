"""What the operator configured of parties, as the Beckn network sees them."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.types import BusinessDetails, Role
from bridge.operator import Operator
from bridge.orders.item import Provider
from bridge.settings import Settings

ONE, TWO = Party("IN", "ONE"), Party("IN", "TWO")


def operator(public_url: str = "http://bridge.example", **cpo: Any) -> Operator:
    """Make what is configured for one CPO."""
    return Operator(
        Settings.model_validate(
            {
                "public_url": public_url,
                "ocpi": {"country_code": "IN", "party_id": "BRG", "business_name": "Bridge"},
                "cpos": [
                    {
                        "id": "cpo1",
                        "token_a": "token-a",
                        "provider": {"id": "cpo1.example", "name": "CPO One"},
                        **cpo,
                    }
                ],
                "beckn": {"subscriber_id": "bridge.example"},
            }
        )
    )


def connection(*roles: tuple[Role, Party]) -> Connection:
    """Make a connection."""
    return Connection(
        cpo_id="cpo1",
        roles=tuple(
            CredentialsRole(
                role=role,
                business_details=BusinessDetails(name=f"Power of {party.party_id}"),
                party_id=party.party_id,
                country_code=party.country_code,
            )
            for role, party in roles
        ),
    )


def test_the_only_party_of_a_connection_is_the_cpo_itself() -> None:
    given = operator().provider_of(connection((Role.CPO, ONE), (Role.EMSP, TWO)), ONE)
    assert given == Provider(id="cpo1.example", name="CPO One")


def test_of_several_parties_each_is_a_provider_of_its_own() -> None:
    two = {"country_code": "IN", "party_id": "TWO", "provider": {"id": "two.example", "name": "2"}}
    both = connection((Role.CPO, ONE), (Role.CPO, TWO))
    assert operator().provider_of(both, ONE) == Provider(id="IN*ONE", name="Power of ONE")
    named = operator(parties=[two])
    assert named.provider_of(both, TWO) == Provider(id="two.example", name="2")
    assert named.provider_of(both, ONE) == Provider(id="cpo1.example", name="CPO One")


def test_a_party_behind_a_hub_is_never_the_hub() -> None:
    one = {"country_code": "IN", "party_id": "ONE", "provider": {"id": "one.example", "name": "1"}}
    hub = connection((Role.HUB, Party("IN", "HUB")))
    assert operator().provider_of(hub, ONE) == Provider(id="IN*ONE", name="IN*ONE")
    assert operator(parties=[one]).provider_of(hub, ONE) == Provider(id="one.example", name="1")


@pytest.mark.parametrize(
    ("public_url", "allowed"),
    [
        ("http://bridge.example", False),
        ("http://10.0.0.5:8080", False),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080/base", True),
        ("http://[::1]:8080", True),
    ],
)
def test_only_a_bridge_on_loopback_calls_loopback(public_url: str, allowed: bool) -> None:
    made = operator(public_url)
    for guard in (made.bap_guard(), made.cpo_guard()):
        assert (guard.refusal("http://127.0.0.1:5000/") is None) is allowed
        assert guard.refusal("http://10.0.0.5/") is not None
        assert guard.refusal("http://169.254.169.254/") is not None
    assert made.callback_allowed("https://127.0.0.1:5000/") is not None


def test_a_cpo_is_called_where_it_is_configured_whatever_it_names() -> None:
    made = operator(
        versions_url="http://10.0.0.7/versions",
        endpoints={"locations": {"sender": "https://10.0.0.8:8443/l"}},
    )
    guard = made.cpo_guard()
    for url in ("http://10.0.0.7/2.2.1", "https://10.0.0.8:1/", "http://cpo.example/"):
        assert guard.refusal(url) is None
    assert guard.refusal("http://10.0.0.9/") is not None
    assert made.bap_guard().refusal("http://10.0.0.7/") is not None
