"""Credentials, with the bridge as the side that is called (OCPI 2.2.1 credentials)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bridge.flows.register import REQUIRED
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency
from bridge.ocpi.types import InterfaceRole, ModuleID, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails
from bridge.store.connections import GRACE_S
from tests.contract.emsp.rig import PUBLIC_URL, Rig
from tests.contract.emsp.samples import (
    CPO,
    NEW_CPO,
    NOW,
    OTHER_CPO,
    OTHER_PARTY,
    PARTY,
    TOKEN,
    TOKEN_A,
    Json,
    client_info,
    credentials,
    tariff,
)

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


def newcomer(token: str = "token-b", party_id: str = "NEW", role: str = "CPO") -> Json:
    """Make the Credentials of the third CPO."""
    body = credentials(token)
    body["roles"][0] |= {"party_id": party_id, "role": role}
    return body


@pytest.fixture
async def invited(rig: Rig) -> Rig:
    """Give a rig with a TOKEN_A for a third CPO, whose platform answers as it should."""
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
    assert await rig.backend.connections.get(NEW_CPO) == Connection(cpo_id=NEW_CPO)
    assert (await rig.get("", token=TOKEN_A)).http == 200
    assert (await rig.get("tokens", token=TOKEN_A)).http == 401


@pytest.mark.requirement("O54")
@pytest.mark.requirement("O55")
@pytest.mark.endpoint("serves GET {credentials}")
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
@pytest.mark.endpoint("serves POST {credentials}")
async def test_post_reads_the_caller_and_registers_it(invited: Rig) -> None:
    answer = await invited.post("credentials", newcomer("token-b"), token=TOKEN_A)
    assert answer.status == (200, 1000)
    assert invited.peers.asked == [(VERSIONS_URL, "token-b"), (DETAILS_URL, "token-b")]
    token_c = answer.data["token"]
    assert re.fullmatch(r"[!-~]{32,64}", token_c)

    connection = await invited.backend.connections.get(NEW_CPO)
    assert connection.token == "token-b"
    assert connection.versions_url == VERSIONS_URL
    assert connection.parties() == (Party("IN", "NEW"),)
    assert connection.endpoints == NEEDED
    assert connection.registered_at == NOW
    assert (await invited.get("tokens", token=token_c)).http == 200
    assert (await invited.get("", token=TOKEN_A)).status == (401, 2001)
    assert invited.notices == ["connection.registered"]


async def test_a_registered_cpo_may_push_at_once(invited: Rig) -> None:
    token_c = (await invited.post("credentials", newcomer(), token=TOKEN_A)).data["token"]
    pushed = tariff(party_id="NEW")
    assert (await invited.put("tariffs/IN/NEW/T1", pushed, token=token_c)).http == 201


@pytest.mark.requirement("O47")
@pytest.mark.parametrize("silent", ["versions", "details"])
async def test_a_caller_whose_api_does_not_answer_is_3001(invited: Rig, silent: str) -> None:
    if silent == "versions":
        invited.peers.offered = None
    else:
        invited.peers.offered_details = None
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
    assert answer.status == (200, 3001)
    assert answer.is_bare
    await nothing_happened(invited)


@pytest.mark.requirement("O47")
async def test_a_caller_without_221_is_3002(invited: Rig) -> None:
    invited.peers.offered = (Version(version=VersionNumber.V2_2, url=DETAILS_URL),)
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
    assert answer.status == (200, 3002)
    await nothing_happened(invited)


@pytest.mark.requirement("O47")
@pytest.mark.parametrize("missing", [module for module, _ in REQUIRED])
async def test_a_caller_without_what_we_need_is_3003(invited: Rig, missing: ModuleID) -> None:
    offer(invited, tuple(each for each in NEEDED if each.identifier != missing))
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
    assert answer.status == (200, 3003)
    assert missing in answer.envelope["status_message"]
    await nothing_happened(invited)


async def test_the_wrong_role_of_a_module_does_not_help(invited: Rig) -> None:
    offer(invited, (*NEEDED[:3], endpoint(ModuleID.COMMANDS, InterfaceRole.SENDER)))
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
    assert answer.status == (200, 3003)


async def test_what_the_operator_configured_counts_as_there(invited: Rig) -> None:
    offer(invited, NEEDED[:3])
    invited.overrides[NEW_CPO] = {
        (ModuleID.COMMANDS, InterfaceRole.RECEIVER): "http://cpo.example/commands"
    }
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
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
    answer = await invited.post("credentials", {**newcomer(), **change}, token=TOKEN_A)
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


async def test_an_aggregator_or_a_hub_registers_as_well(invited: Rig) -> None:
    body = newcomer()
    body["roles"] += [
        {**body["roles"][0], "party_id": "TWO"},
        {**body["roles"][0], "role": "EMSP"},
        {**body["roles"][0], "role": "HUB", "party_id": "HUB"},
    ]
    assert (await invited.post("credentials", body, token=TOKEN_A)).status == (200, 1000)
    connection = await invited.backend.connections.get(NEW_CPO)
    assert connection.parties() == (Party("IN", "NEW"), Party("IN", "TWO"))


@pytest.mark.requirement("O142")
async def test_the_same_role_of_a_party_twice_is_one(invited: Rig) -> None:
    body = newcomer()
    body["roles"] += [{**body["roles"][0], "party_id": "new", "business_details": {"name": "?"}}]
    assert (await invited.post("credentials", body, token=TOKEN_A)).status == (200, 1000)
    connection = await invited.backend.connections.get(NEW_CPO)
    assert [role.business_details.name for role in connection.roles] == ["Abc Charging"]
    assert Leniency.REPEATED_ROLE in invited.forgiven


async def test_credentials_are_read_forgivingly(invited: Rig) -> None:
    body = newcomer()
    body["roles"].append({**body["roles"][0], "role": "PTP"})
    answer = await invited.post("credentials", [body | {"hub_party_id": None}], token=TOKEN_A)
    assert answer.status == (200, 1000)
    assert {Leniency.OBJECT_IN_LIST, Leniency.UNKNOWN_VALUE} <= set(invited.forgiven)


async def test_a_hub_alone_is_let_in_and_keeps_its_parties_when_it_renews(invited: Rig) -> None:
    body = newcomer(role="HUB")
    answer = await invited.post("credentials", body, token=TOKEN_A)
    assert answer.status == (200, 1000)
    token_c, info = answer.data["token"], client_info("ONE")
    assert (await invited.put("hubclientinfo/IN/ONE", info, token=token_c)).http == 201

    assert (await invited.put("credentials", body, token=token_c)).http == 200

    connection = await invited.backend.connections.get(NEW_CPO)
    assert (connection.hub, connection.parties()) == (Party("IN", "NEW"), (Party("IN", "ONE"),))


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_party_of_another_connection_is_refused_by_name(
    invited: Rig, method: str
) -> None:
    body = newcomer()
    body["roles"].append({**body["roles"][0], "party_id": OTHER_PARTY.party_id.lower()})
    cpo_id, token = (NEW_CPO, TOKEN_A) if method == "POST" else (CPO, TOKEN)
    before = await invited.backend.connections.get(cpo_id)

    answer = await invited.call(method, "credentials", body, token=token)

    assert answer.status == (200, 2001)
    assert str(OTHER_PARTY) in answer.envelope["status_message"]
    assert OTHER_CPO not in answer.envelope["status_message"]
    assert await invited.backend.connections.get(cpo_id) == before
    assert (await invited.get("", token=token)).http == 200
    assert invited.notices == []


async def test_a_party_is_free_again_when_its_connection_ended(invited: Rig) -> None:
    assert (await invited.delete("credentials")).status == (200, 1000)
    body = newcomer(party_id=PARTY.party_id)
    assert (await invited.post("credentials", body, token=TOKEN_A)).status == (200, 1000)


@pytest.mark.requirement("O50")
@pytest.mark.endpoint("serves PUT {credentials}")
async def test_put_reads_anew_and_gives_a_new_token(invited: Rig) -> None:
    answer = await invited.put("credentials", credentials("token-b2"))
    assert answer.status == (200, 1000)
    assert invited.peers.asked == [(VERSIONS_URL, "token-b2"), (DETAILS_URL, "token-b2")]
    connection = await invited.backend.connections.get(CPO)
    assert (connection.token, connection.endpoints) == ("token-b2", NEEDED)
    assert connection.renewed_at == NOW
    assert answer.data["token"] not in (TOKEN, "token-b2")
    assert answer.data["roles"][0]["role"] == "EMSP"
    assert invited.notices == ["connection.renewed"]


@pytest.mark.requirement("O51")
async def test_the_old_token_ends_with_the_first_use_of_the_new_one(invited: Rig) -> None:
    renewed = (await invited.put("credentials", credentials("token-b2"))).data["token"]
    for _ in range(2):
        assert (await invited.get("tokens", token=TOKEN)).http == 200

    assert (await invited.get("tokens", token=renewed)).http == 200

    assert (await invited.get("tokens", token=TOKEN)).status == (401, 2001)
    assert (await invited.get("tokens", token=renewed)).http == 200


@pytest.mark.requirement("O51")
async def test_the_old_token_ends_after_the_grace_time(invited: Rig) -> None:
    renewed = (await invited.put("credentials", credentials("token-b2"))).data["token"]

    invited.backend.clock.forward(GRACE_S - 1)
    assert (await invited.get("tokens", token=TOKEN)).http == 200
    invited.backend.clock.forward(1)
    assert (await invited.get("tokens", token=TOKEN)).status == (401, 2001)

    assert (await invited.get("tokens", token=renewed)).http == 200


async def test_a_caller_that_missed_the_answer_puts_again(invited: Rig) -> None:
    lost = (await invited.put("credentials", credentials("token-b2"))).data["token"]
    invited.backend.clock.forward(GRACE_S - 1)

    again = await invited.put("credentials", credentials("token-b3"))

    assert again.status == (200, 1000)
    assert (await invited.backend.connections.get(CPO)).token == "token-b3"
    invited.backend.clock.forward(GRACE_S - 1)
    assert (await invited.get("tokens", token=TOKEN)).http == 200
    assert (await invited.get("tokens", token=again.data["token"])).http == 200
    assert (await invited.get("tokens", token=TOKEN)).http == 401
    assert (await invited.get("tokens", token=lost)).http == 401


async def test_a_chain_of_puts_leaves_one_token(invited: Rig) -> None:
    tokens = [TOKEN]
    for number in range(3):
        body = credentials(f"token-b{number}")
        tokens.append((await invited.put("credentials", body, token=tokens[-1])).data["token"])
    assert (await invited.get("", token=tokens[-1])).http == 200
    for old in tokens[:-1]:
        assert (await invited.get("", token=old)).http == 401


async def test_pulls_go_on_after_a_put_unless_there_is_something_else_to_pull(
    invited: Rig,
) -> None:
    await invited.put("credentials", credentials("token-b2"))
    first = await invited.backend.connections.get(CPO)
    later = NOW + timedelta(days=30)
    rig = await invited.on(now=lambda: later)

    await rig.put("credentials", credentials("token-b3"))
    same = await rig.backend.connections.get(CPO)
    assert (same.registered_at, same.renewed_at) == (first.registered_at, later)

    body = credentials("token-b4")
    body["roles"].append({**body["roles"][0], "party_id": "TWO"})
    await rig.put("credentials", body)
    assert (await rig.backend.connections.get(CPO)).registered_at == later


@pytest.mark.requirement("O47")
@pytest.mark.parametrize(
    ("offered", "endpoints", "code"),
    [
        (None, NEEDED, 3001),
        ((Version(version=VersionNumber.V2_2, url=DETAILS_URL),), NEEDED, 3002),
        ((Version(version=VersionNumber.V2_2_1, url=DETAILS_URL),), NEEDED[:2], 3003),
    ],
)
async def test_a_put_that_fails_changes_nothing(
    invited: Rig,
    offered: tuple[Version, ...] | None,
    endpoints: tuple[Endpoint, ...],
    code: int,
) -> None:
    before = await invited.backend.connections.get(CPO)
    invited.peers.offered = offered
    offer(invited, endpoints)
    answer = await invited.put("credentials", credentials("token-b2"))
    assert answer.status == (200, code)
    assert answer.is_bare
    assert await invited.backend.connections.get(CPO) == before
    assert (await invited.get("tokens")).http == 200
    assert invited.notices == []


@pytest.mark.requirement("O52")
@pytest.mark.endpoint("serves DELETE {credentials}")
async def test_delete_ends_the_connection_in_both_directions(rig: Rig) -> None:
    answer = await rig.delete("credentials")
    assert answer.status == (200, 1000)
    assert answer.is_bare
    connection = await rig.backend.connections.get(CPO)
    assert not connection.registered
    assert connection.endpoints == ()
    for path in ("", "credentials", "tokens"):
        assert (await rig.get(path)).status == (401, 2001)


async def test_an_ended_connection_does_not_come_back_by_its_token_a(invited: Rig) -> None:
    token_c = (await invited.post("credentials", newcomer(), token=TOKEN_A)).data["token"]
    assert (await invited.delete("credentials", token=token_c)).status == (200, 1000)
    answer = await invited.post("credentials", newcomer(), token=TOKEN_A)
    assert answer.status == (401, 2001)
