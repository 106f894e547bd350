"""Credentials, with the bridge as the side that is called (OCPI 2.2.1 credentials)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bridge.ocpi.connection import TokenUse
from bridge.ocpi.types import InterfaceRole, ModuleID, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails
from tests.contract.emsp.rig import PUBLIC_URL, Rig
from tests.contract.emsp.samples import CPO, NOW, PARTY, TOKEN, credentials, tariff

NEW_CPO = "cpo3"
TOKEN_A = "token-a"
VERSIONS_URL = "http://cpo.example/ocpi/versions"
DETAILS_URL = "http://cpo.example/ocpi/2.2.1"


def endpoint(identifier: ModuleID, role: InterfaceRole) -> Endpoint:
    """Return an endpoint of the CPO."""
    return Endpoint(identifier=identifier, role=role, url=f"{DETAILS_URL}/{identifier}")


NEEDED = (
    endpoint(ModuleID.CREDENTIALS, InterfaceRole.RECEIVER),
    endpoint(ModuleID.LOCATIONS, InterfaceRole.SENDER),
    endpoint(ModuleID.TARIFFS, InterfaceRole.SENDER),
    endpoint(ModuleID.COMMANDS, InterfaceRole.RECEIVER),
)


@pytest.fixture
async def invited(rig: Rig) -> Rig:
    """Give a rig with a TOKEN_A for a third CPO, whose platform answers as it should."""
    await rig.backend.connections.replace_tokens(NEW_CPO, {TOKEN_A: TokenUse.REGISTER})
    rig.peers.offered = (
        Version(version=VersionNumber.V2_1_1, url="http://cpo.example/ocpi/2.1.1"),
        Version(version=VersionNumber.V2_2_1, url=DETAILS_URL),
    )
    offer(rig, NEEDED)
    return rig


def offer(rig: Rig, endpoints: tuple[Endpoint, ...]) -> None:
    """Let the CPO's version details list these."""
    rig.peers.offered_details = VersionDetails(version=VersionNumber.V2_2_1, endpoints=endpoints)


async def nothing_happened(rig: Rig) -> None:
    """Check that TOKEN_A still registers, and nothing is stored."""
    assert not (await rig.backend.connections.get(NEW_CPO)).registered
    assert (await rig.get("", token=TOKEN_A)).http == 200
    assert (await rig.get("tokens", token=TOKEN_A)).http == 401


@pytest.mark.requirement("O54")
@pytest.mark.requirement("O55")
async def test_get_repeats_the_token_and_names_our_only_role(rig: Rig) -> None:
    answer = await rig.get("credentials")
    assert answer.data == {
        "token": TOKEN,
        "url": f"{PUBLIC_URL}/ocpi/versions",
        "roles": [
            {
                "role": "EMSP",
                "business_details": {"name": "Example Bridge"},
                "party_id": "BRG",
                "country_code": "IN",
            }
        ],
    }


async def test_get_repeats_a_token_a_as_well(invited: Rig) -> None:
    assert (await invited.get("credentials", token=TOKEN_A)).data["token"] == TOKEN_A


@pytest.mark.requirement("O46")
@pytest.mark.requirement("O54")
async def test_post_reads_the_caller_and_registers_it(invited: Rig) -> None:
    answer = await invited.post("credentials", credentials("token-b"), token=TOKEN_A)
    assert answer.status == (200, 1000)
    assert invited.peers.asked == [(VERSIONS_URL, "token-b"), (DETAILS_URL, "token-b")]
    token_c = answer.data["token"]
    assert re.fullmatch(r"[!-~]{32,64}", token_c)

    connection = await invited.backend.connections.get(NEW_CPO)
    assert connection.token == "token-b"
    assert connection.versions_url == VERSIONS_URL
    assert connection.parties() == (PARTY,)
    assert connection.endpoints == NEEDED
    assert connection.registered_at == NOW
    assert (await invited.get("tokens", token=token_c)).http == 200
    assert (await invited.get("", token=TOKEN_A)).status == (401, 2001)
    assert invited.notices == ["connection.registered"]


async def test_a_registered_cpo_may_push_at_once(invited: Rig) -> None:
    body = credentials()
    body["roles"][0]["party_id"] = "NEW"
    token_c = (await invited.post("credentials", body, token=TOKEN_A)).data["token"]
    pushed = tariff(party_id="NEW")
    assert (await invited.put("tariffs/IN/NEW/T1", pushed, token=token_c)).http == 201


@pytest.mark.requirement("O47")
@pytest.mark.parametrize("silent", ["versions", "details"])
async def test_a_caller_whose_api_does_not_answer_is_3001(invited: Rig, silent: str) -> None:
    if silent == "versions":
        invited.peers.offered = None
    else:
        invited.peers.offered_details = None
    answer = await invited.post("credentials", credentials(), token=TOKEN_A)
    assert answer.status == (200, 3001)
    assert answer.is_bare
    await nothing_happened(invited)


@pytest.mark.requirement("O47")
async def test_a_caller_without_221_is_3002(invited: Rig) -> None:
    invited.peers.offered = (Version(version=VersionNumber.V2_2, url=DETAILS_URL),)
    answer = await invited.post("credentials", credentials(), token=TOKEN_A)
    assert answer.status == (200, 3002)
    await nothing_happened(invited)


@pytest.mark.requirement("O47")
@pytest.mark.parametrize("missing", [ModuleID.LOCATIONS, ModuleID.COMMANDS])
async def test_a_caller_without_what_we_need_is_3003(invited: Rig, missing: ModuleID) -> None:
    offer(invited, tuple(each for each in NEEDED if each.identifier != missing))
    answer = await invited.post("credentials", credentials(), token=TOKEN_A)
    assert answer.status == (200, 3003)
    assert missing in answer.envelope["status_message"]
    await nothing_happened(invited)


async def test_the_wrong_role_of_a_module_does_not_help(invited: Rig) -> None:
    offer(invited, (*NEEDED[:3], endpoint(ModuleID.COMMANDS, InterfaceRole.SENDER)))
    answer = await invited.post("credentials", credentials(), token=TOKEN_A)
    assert answer.status == (200, 3003)


async def test_what_the_operator_configured_counts_as_there(invited: Rig) -> None:
    offer(invited, NEEDED[:3])
    invited.overrides[NEW_CPO] = {
        (ModuleID.COMMANDS, InterfaceRole.RECEIVER): "http://cpo.example/commands"
    }
    answer = await invited.post("credentials", credentials(), token=TOKEN_A)
    assert answer.status == (200, 1000)


@pytest.mark.parametrize(
    "change",
    [
        {"token": None},
        {"token": "with space"},
        {"token": "x" * 65},
        {"url": None},
        {"roles": []},
        {"roles": [{**credentials()["roles"][0], "role": "EMSP"}]},
    ],
)
async def test_credentials_that_cannot_be_used_are_2001(
    invited: Rig, change: dict[str, Any]
) -> None:
    answer = await invited.post("credentials", {**credentials(), **change}, token=TOKEN_A)
    assert answer.status == (200, 2001)
    assert invited.peers.asked == []
    await nothing_happened(invited)


@pytest.mark.requirement("O48")
async def test_post_of_a_registered_cpo_is_405(invited: Rig) -> None:
    answer = await invited.post("credentials", credentials())
    assert answer.status == (405, 2000)
    assert (await invited.backend.connections.get(CPO)).token == "out-cpo1"


@pytest.mark.requirement("O49")
async def test_put_and_delete_of_an_unregistered_cpo_are_405(invited: Rig) -> None:
    assert (await invited.put("credentials", credentials(), token=TOKEN_A)).status == (405, 2000)
    assert (await invited.delete("credentials", token=TOKEN_A)).status == (405, 2000)
    await nothing_happened(invited)


@pytest.mark.requirement("O50")
@pytest.mark.requirement("O51")
async def test_put_reads_anew_and_gives_a_new_token_beside_the_old(invited: Rig) -> None:
    answer = await invited.put("credentials", credentials("token-b2"))
    assert answer.status == (200, 1000)
    assert invited.peers.asked == [(VERSIONS_URL, "token-b2"), (DETAILS_URL, "token-b2")]
    connection = await invited.backend.connections.get(CPO)
    assert (connection.token, connection.endpoints) == ("token-b2", NEEDED)
    renewed = answer.data["token"]
    assert renewed != TOKEN
    assert (await invited.get("tokens", token=TOKEN)).http == 200
    assert (await invited.get("tokens", token=renewed)).http == 200

    again = (await invited.put("credentials", credentials("token-b3"), token=renewed)).data
    assert (await invited.get("tokens", token=TOKEN)).http == 401
    assert (await invited.get("tokens", token=again["token"])).http == 200


async def test_a_put_that_fails_changes_nothing(invited: Rig) -> None:
    invited.peers.offered = None
    answer = await invited.put("credentials", credentials("token-b2"))
    assert answer.status == (200, 3001)
    assert (await invited.backend.connections.get(CPO)).token == "out-cpo1"
    assert (await invited.get("tokens")).http == 200


@pytest.mark.requirement("O52")
async def test_delete_ends_the_connection_in_both_directions(rig: Rig) -> None:
    answer = await rig.delete("credentials")
    assert answer.status == (200, 1000)
    assert answer.is_bare
    connection = await rig.backend.connections.get(CPO)
    assert not connection.registered
    assert connection.endpoints == ()
    for path in ("", "credentials", "tokens"):
        assert (await rig.get(path)).status == (401, 2001)
