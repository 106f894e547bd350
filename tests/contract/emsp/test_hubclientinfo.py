"""Hubs: whom they reach, and whose objects they bring (OCPI 2.2.1 mod_hub_client_info)."""

from __future__ import annotations

import asyncio

import pytest

from bridge.flows.jobs import SessionJob
from bridge.ocpi.headers import Party
from bridge.ocpi.types import Role
from bridge.orders.order import OrderState
from tests.contract.emsp.conftest import registered
from tests.contract.emsp.rig import ROOT, Rig
from tests.contract.emsp.samples import (
    NEW_CPO,
    TOKEN_A,
    at,
    cdr,
    client_info,
    location,
    order,
    session,
    tariff,
)

HUB_ID, HUB_TOKEN, HUB = "hub1", "token-of-hub1", Party("IN", "HUB")
ONE, TWO = Party("IN", "ONE"), Party("IN", "TWO")
INFO = "hubclientinfo/IN/ONE"


@pytest.fixture
async def hub(rig: Rig) -> Rig:
    """Give a rig with a hub registered besides the CPOs; it has told of nobody yet."""
    await registered(rig.backend, HUB_ID, HUB_TOKEN, HUB, Role.HUB)
    return rig


async def tell(rig: Rig, party_id: str, **fields: object) -> tuple[int, int]:
    """Tell of a party, as the hub; return the statuses."""
    body = client_info(party_id, **fields)
    answer = await rig.put(f"hubclientinfo/IN/{party_id}", body, token=HUB_TOKEN)
    assert answer.is_bare
    return answer.status


@pytest.mark.endpoint("serves GET {hubclientinfo}/{country_code}/{party_id}")
@pytest.mark.endpoint("serves PUT {hubclientinfo}/{country_code}/{party_id}")
@pytest.mark.requirement("O142")
async def test_put_makes_and_replaces_and_get_returns_it(hub: Rig) -> None:
    assert (await hub.get(INFO, token=HUB_TOKEN)).status == (404, 2000)
    assert await tell(hub, "ONE", status="PLANNED") == (201, 1000)
    assert await tell(hub, "ONE", last_updated=at(1)) == (200, 1000)

    told = (await hub.get("hubclientinfo/in/one", token=HUB_TOKEN)).data
    assert told == client_info("ONE", last_updated=at(1))
    assert (await hub.backend.connections.get(HUB_ID)).parties() == (ONE,)


@pytest.mark.requirement("O39")
async def test_an_older_word_is_acknowledged_and_ignored(hub: Rig) -> None:
    await tell(hub, "ONE", status="OFFLINE", last_updated=at(2))
    assert await tell(hub, "ONE", last_updated=at(1)) == (200, 1000)
    assert (await hub.get(INFO, token=HUB_TOKEN)).data["status"] == "OFFLINE"


@pytest.mark.requirement("O142")
async def test_a_party_that_is_back_is_pulled_and_no_other(hub: Rig) -> None:
    await tell(hub, "ONE")
    assert hub.pulls == [(HUB_ID, "IN*ONE")]
    assert hub.notices == ["hub.party_changed"]
    hub.pulls.clear()

    for minutes, status in enumerate(("CONNECTED", "OFFLINE", "SUSPENDED"), start=1):
        await tell(hub, "ONE", status=status, last_updated=at(minutes))
    assert hub.pulls == []
    await tell(hub, "TWO", status="PLANNED")
    await tell(hub, "EMS", role="EMSP")
    assert hub.pulls == []

    await tell(hub, "ONE", last_updated=at(4))
    assert hub.pulls == [(HUB_ID, "IN*ONE")]


async def test_words_that_come_at_the_same_time_are_all_kept(hub: Rig) -> None:
    parties = [f"P{number}" for number in range(8)]
    assert {*await asyncio.gather(*(tell(hub, each) for each in parties))} == {(201, 1000)}
    clients = (await hub.backend.connections.get(HUB_ID)).clients
    assert {each.party_id for each in clients} == set(parties)


@pytest.mark.requirement("O30")
@pytest.mark.parametrize(
    "fields",
    [
        {"party_id": "TWO"},
        {"country_code": "NL"},
        {"status": "AWAY"},
        {"role": "DRIVER"},
        {"last_updated": "yesterday"},
    ],
)
async def test_what_is_no_client_info_of_the_party_is_2001(
    hub: Rig, fields: dict[str, str]
) -> None:
    answer = await hub.put(INFO, client_info("ONE") | fields, token=HUB_TOKEN)
    assert answer.status == (200, 2001)
    assert (await hub.get(INFO, token=HUB_TOKEN)).http == 404


@pytest.mark.requirement("O142")
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["hubclientinfo", INFO])
async def test_who_is_no_hub_finds_nothing_there(hub: Rig, path: str, method: str) -> None:
    assert (await hub.call(method, path, client_info("ONE"))).status == (404, 2000)
    hub.hubs.add(NEW_CPO)
    assert (await hub.call(method, path, client_info("ONE"), token=TOKEN_A)).http == 401


@pytest.mark.requirement("O41")
async def test_only_a_hub_reads_of_it_in_the_version_details(hub: Rig) -> None:
    def url(details: dict[str, list[dict[str, str]]]) -> list[tuple[str, str]]:
        found = (each for each in details["endpoints"] if each["identifier"] == "hubclientinfo")
        return [(each["role"], each["url"]) for each in found]

    published = [("RECEIVER", f"{ROOT}/hubclientinfo")]
    assert url((await hub.get("", token=HUB_TOKEN)).data) == published
    assert url((await hub.get("")).data) == []
    # Before it has registered nobody knows its role, unless the operator does.
    assert url((await hub.get("", token=TOKEN_A)).data) == []
    hub.hubs.add(NEW_CPO)
    assert url((await hub.get("", token=TOKEN_A)).data) == published


@pytest.mark.requirement("O14")
async def test_it_carries_no_routing_headers(hub: Rig) -> None:
    routed = {
        "OCPI-to-country-code": "IN",
        "OCPI-to-party-id": "BRG",
        "OCPI-from-country-code": "IN",
        "OCPI-from-party-id": "HUB",
    }
    await tell(hub, "ONE")
    answer = await hub.get(INFO, token=HUB_TOKEN, headers=routed)
    assert not [name for name in answer.headers if name.lower().startswith("ocpi-")]


@pytest.mark.requirement("O14")
@pytest.mark.requirement("O143")
async def test_a_broadcast_is_answered_to_the_hub_and_kept_of_its_owner(hub: Rig) -> None:
    await tell(hub, "ONE")
    answer = await hub.put(
        "tariffs/IN/ONE/T1",
        tariff(party_id="ONE"),
        token=HUB_TOKEN,
        headers={
            "OCPI-to-country-code": "IN",
            "OCPI-to-party-id": "BRG",
            "OCPI-from-country-code": "IN",
            "OCPI-from-party-id": "HUB",
        },
    )
    assert answer.status == (201, 1000)
    routing = {name: value for name, value in answer.headers.items() if name.startswith("OCPI-")}
    assert routing == {
        "OCPI-to-country-code": "IN",
        "OCPI-to-party-id": "HUB",
        "OCPI-from-country-code": "IN",
        "OCPI-from-party-id": "BRG",
    }
    stored = (await hub.get("tariffs/IN/ONE/T1", token=HUB_TOKEN)).data
    assert (stored["country_code"], stored["party_id"]) == ("IN", "ONE")


@pytest.mark.requirement("O32")
async def test_a_hub_brings_objects_of_all_until_it_has_told_of_its_parties(hub: Rig) -> None:
    body = location(party_id="TWO")
    assert (await hub.put("locations/IN/TWO/LOC1", body, token=HUB_TOKEN)).http == 201
    assert (await hub.post("cdrs", cdr(party_id="TWO"), token=HUB_TOKEN)).http == 201

    await tell(hub, "ONE")

    assert (await hub.put("locations/IN/TWO/LOC1", body, token=HUB_TOKEN)).status == (404, 2001)
    refused = await hub.post("cdrs", cdr("CDR2", party_id="TWO"), token=HUB_TOKEN)
    assert refused.status == (200, 2001)
    body = location(party_id="ONE")
    assert (await hub.put("locations/IN/ONE/LOC1", body, token=HUB_TOKEN)).http == 201


async def test_what_is_pushed_of_a_party_that_is_away_is_kept(hub: Rig) -> None:
    """Its session may have ended before its connection did."""
    await tell(hub, "ONE", status="OFFLINE")
    body = session(party_id="ONE")
    assert (await hub.put("sessions/IN/ONE/S1", body, token=HUB_TOKEN)).status == (201, 1000)


async def test_equal_ids_of_two_parties_of_a_hub_are_two_objects(hub: Rig) -> None:
    await tell(hub, "ONE")
    await tell(hub, "TWO")
    for party_id, currency in (("ONE", "INR"), ("TWO", "EUR")):
        body = tariff(party_id=party_id, currency=currency)
        assert (await hub.put(f"tariffs/IN/{party_id}/T1", body, token=HUB_TOKEN)).http == 201
    for party_id, currency in (("ONE", "INR"), ("TWO", "EUR")):
        stored = (await hub.get(f"tariffs/IN/{party_id}/T1", token=HUB_TOKEN)).data
        assert stored["currency"] == currency


async def test_a_session_of_one_party_touches_no_order_of_another(hub: Rig) -> None:
    """Not even where it names it by reference and token, and every id is the same."""
    await tell(hub, "ONE")
    await tell(hub, "TWO")
    mine = order("1", party=ONE, cpo_id=HUB_ID)
    await hub.backend.put_order(mine)

    foreign = session(party_id="TWO")
    assert (await hub.put("sessions/IN/TWO/S1", foreign, token=HUB_TOKEN)).http == 201
    assert await hub.backend.jobs(mine.key) == []
    assert "session.foreign_order" in hub.notices

    await hub.put("sessions/IN/ONE/S1", session(party_id="ONE"), token=HUB_TOKEN)
    (job,) = await hub.backend.jobs(mine.key)
    assert isinstance(job, SessionJob)
    assert (job.session.party_id, job.session.id) == ("ONE", "S1")


@pytest.mark.requirement("O15")
async def test_a_token_is_good_at_its_own_party_whoever_has_the_same_ids(hub: Rig) -> None:
    await tell(hub, "ONE")
    await tell(hub, "TWO")
    await hub.backend.put_order(order("1", OrderState.CONFIRMED, party=ONE, cpo_id=HUB_ID))
    here = {"location_id": "LOC1", "evse_uids": ["E1"]}

    async def allowed(**sender: str) -> str:
        sent = {f"OCPI-from-{name.replace('_', '-')}": value for name, value in sender.items()}
        answer = await hub.post("tokens/TOK1/authorize", here, token=HUB_TOKEN, headers=sent)
        return str(answer.data["allowed"])

    assert await allowed(country_code="IN", party_id="TWO") == "NOT_ALLOWED"
    assert await allowed(country_code="IN", party_id="ONE") == "ALLOWED"
    # Nobody has to say who he is, and what makes no sense is not held against him.
    for sender in ({}, {"party_id": "TWO"}, {"country_code": "IN", "party_id": "HUB"}):
        assert await allowed(**sender) == "ALLOWED"
    assert await allowed(country_code="XX", party_id="YYY") == "ALLOWED"
