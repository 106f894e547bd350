"""What is known of a connection, and what of it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bridge.flows.emsp.emsp import Call
from bridge.ocpi.connection import Connection, Presented, TokenUse
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "s3cret-token"
ROLE = CredentialsRole(
    role=Role.CPO,
    business_details=BusinessDetails(name="A CPO"),
    party_id="ABC",
    country_code="IN",
)
TARIFFS = Endpoint(
    identifier=ModuleID.TARIFFS, role=InterfaceRole.SENDER, url="https://cpo.test/tariffs"
)
CONNECTION = Connection(cpo_id="cpo1", token=SECRET, roles=(ROLE,), registered_at=NOW)
PRESENTED = Presented("cpo1", TokenUse.REGISTERED, SECRET)


@pytest.mark.parametrize(
    "holder",
    [
        CONNECTION,
        PRESENTED,
        Credentials(token=SECRET, url="https://cpo.test/versions", roles=(ROLE,)),
        Call(caller=PRESENTED, body={"token": SECRET}),
        [CONNECTION],
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_token_shows_in_no_repr(holder: object) -> None:
    assert SECRET not in repr(holder)
    assert SECRET not in str(holder)
    assert SECRET not in f"{holder}"


def test_the_rest_is_shown() -> None:
    assert repr(PRESENTED) == (
        "Presented(cpo_id='cpo1', use=<TokenUse.REGISTERED: 'REGISTERED'>, token=***)"
    )
    assert repr(Connection(cpo_id="cpo1")).startswith("Connection(cpo_id='cpo1', token=None, ")


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"token": "other", "versions_url": "https://cpo.test/new"}, False),
        ({"roles": (replace(ROLE, party_id="abc"),)}, False),
        ({"roles": (ROLE, replace(ROLE, party_id="TWO"))}, True),
        ({"endpoints": (TARIFFS,)}, True),
    ],
)
def test_a_renewed_connection_begins_anew_only_with_other_things_to_pull(
    change: dict[str, object], anew: bool
) -> None:
    later = NOW + timedelta(days=30)

    renewed = CONNECTION.renewed(replace(CONNECTION, registered_at=later, **change))

    assert renewed.registered_at == (later if anew else NOW)
    assert renewed.renewed_at == renewed.tokens_since == later
    assert CONNECTION.tokens_since == NOW
