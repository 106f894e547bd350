"""A hub: whom it reaches is pulled, its list is one for all, and who is back is asked by itself."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.flows.ports import Kind
from bridge.ocpi import headers
from bridge.ocpi.codec import decode
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.locations import Location
from bridge.ocpi.types import InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint
from bridge.workers.puller import ASKED_GAP_S, SYNC_AGAIN_S
from tests.contract.ocpi_client.fake import FakeCpo, always
from tests.contract.ocpi_client.objects import location, tariff
from tests.integration.pulling.rig import (
    LOCATIONS,
    NOW,
    Bridge,
    Lists,
    look,
    outcome,
    pulled,
    queries,
    registered,
    running,
)
from tests.waiting import until

HUB, ONE, TWO = Party("IN", "HUB"), Party("IN", "ONE"), Party("IN", "TWO")
CLIENTS = "/2.2.1/hubclientinfo"
LATER = "2026-03-02T12:00:00Z"


def info(party_id: str, **fields: Any) -> dict[str, Any]:
    """Return what a hub tells of a CPO."""
    return {
        "country_code": "IN",
        "party_id": party_id,
        "role": "CPO",
        "status": "CONNECTED",
        "last_updated": "2026-03-01T12:00:00Z",
        **fields,
    }


class HubLists(Lists):
    """The lists of a hub: objects of many owners, and whom it reaches."""

    def __init__(self, fake: FakeCpo) -> None:
        super().__init__(fake)
        self.clients = [info("ONE"), info("TWO"), info("EMS", role="EMSP")]
        fake.on("GET", CLIENTS, self._serve(lambda: self.clients))


@pytest.fixture
async def hub(fake: FakeCpo, bridge: Bridge) -> HubLists:
    """Give the lists of a hub; the connection of the bridge is one to it."""
    whole = registered(fake, HUB)
    (role,) = whole.roles
    clients = Endpoint(
        identifier=ModuleID.HUB_CLIENT_INFO, role=InterfaceRole.SENDER, url=fake.url(CLIENTS)
    )
    await bridge.store.save(
        replace(
            whole,
            roles=(replace(role, role=Role.HUB),),
            endpoints=(*whole.endpoints, clients),
        )
    )
    return HubLists(fake)


async def stored(bridge: Bridge, party: Party) -> dict[str, Location]:
    """Return the Locations of a party."""
    found = await bridge.everything(Kind.LOCATION, party)
    return {key: decode(body, Location) for key, body in found.items()}


def asked_of(fake: FakeCpo, path: str = LOCATIONS) -> list[str]:
    """Return whom each request for a list was for."""
    sides = [headers.read_routing(each.headers) for each in fake.asked if path in each.target]
    return [str(each.to) for each in sides]


@pytest.mark.endpoint("calls GET {hubclientinfo}")
@pytest.mark.requirement("O142")
@pytest.mark.requirement("O14")
async def test_the_parties_of_a_hub_are_pulled_without_routing_headers(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    report = await bridge.puller.pull_once("cpo1", [ModuleID.HUB_CLIENT_INFO])

    assert (outcome(report, "hubclientinfo").full, outcome(report, "hubclientinfo").seen) == (
        True,
        3,
    )
    connection = await bridge.store.get("cpo1")
    assert connection.parties() == (ONE, TWO)
    assert len(connection.clients) == 3
    assert len(fake.asked) == 2, "pages"
    for asked in fake.asked:
        assert not [name for name in asked.headers if name.lower().startswith("ocpi-")]
    assert bridge.told("hub.party_changed") == [], "at first nothing of it is news"


@pytest.mark.requirement("O143")
async def test_a_list_of_a_hub_is_read_once_for_all_owners(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    hub.locations = [location("L1", party_id=each) for each in ("ONE", "TWO")]
    hub.tariffs = [tariff("T1", party_id=each) for each in ("ONE", "TWO")]
    await bridge.puller.pull_once("cpo1")
    fake.asked.clear()

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert set(asked_of(fake)) == {"IN*HUB"}
    assert len(queries(fake)) == 1
    assert (outcome(report).seen, outcome(report).foreign, outcome(report).removed) == (2, 0, 0)
    assert list(await stored(bridge, ONE)) == list(await stored(bridge, TWO)) == ["l1"]


@pytest.mark.requirement("O33")
async def test_what_is_of_nobody_the_hub_knows_is_left_out(bridge: Bridge, hub: HubLists) -> None:
    await bridge.puller.pull_once("cpo1", [ModuleID.HUB_CLIENT_INFO])
    hub.locations = [location("L1", party_id=each) for each in ("ONE", "EMS", "XYZ")]

    report = await bridge.puller.pull_once("cpo1", [ModuleID.LOCATIONS])

    assert (outcome(report).written, outcome(report).foreign) == (1, 2)
    assert await stored(bridge, Party("IN", "XYZ")) == {}


async def test_whoever_comes_first_of_list_and_parties_nothing_is_lost(
    bridge: Bridge, hub: HubLists
) -> None:
    hub.locations = [location("L1", party_id="TWO")]
    await bridge.puller.pull_once("cpo1", [ModuleID.LOCATIONS])
    await bridge.puller.pull_once("cpo1", [ModuleID.HUB_CLIENT_INFO])
    assert list(await stored(bridge, TWO)) == ["l1"]
    assert TWO in (await bridge.store.get("cpo1")).parties()


async def test_only_a_full_list_of_parties_removes_one(bridge: Bridge, hub: HubLists) -> None:
    await bridge.puller.pull_once("cpo1")
    hub.clients = [info("ONE", status="SUSPENDED", last_updated=LATER)]

    await bridge.puller.pull_once("cpo1")
    connection = await bridge.store.get("cpo1")
    assert connection.parties() == (ONE, TWO)
    assert connection.status_of(ONE) is ConnectionStatus.SUSPENDED

    report = await bridge.puller.pull_once("cpo1", full=True)
    assert outcome(report, "hubclientinfo").removed == 2
    assert (await bridge.store.get("cpo1")).parties() == (ONE,)


async def test_what_is_of_a_party_that_is_away_is_not_removed(
    bridge: Bridge, hub: HubLists
) -> None:
    hub.locations = [location("L1", party_id=each) for each in ("ONE", "TWO")]
    await bridge.puller.pull_once("cpo1")
    hub.clients = [info("ONE"), info("TWO", status="OFFLINE", last_updated=LATER)]
    await bridge.puller.pull_once("cpo1", [ModuleID.HUB_CLIENT_INFO])
    hub.locations = []

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert outcome(report).removed == 1
    assert (list(await stored(bridge, ONE)), list(await stored(bridge, TWO))) == ([], ["l1"])


async def test_a_list_with_an_unreadable_party_removes_nobody(
    bridge: Bridge, hub: HubLists
) -> None:
    await bridge.puller.pull_once("cpo1")
    hub.clients = [info("ONE"), info("PTP", role="PTP")]

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report, "hubclientinfo").bad, outcome(report, "hubclientinfo").removed) == (
        1,
        0,
    )
    assert (await bridge.store.get("cpo1")).parties() == (ONE, TWO)


async def test_a_push_during_a_pull_is_not_lost(bridge: Bridge, hub: HubLists) -> None:
    await bridge.puller.pull_once("cpo1")
    newest = ClientInfo(
        party_id="ONE",
        country_code="IN",
        role=Role.CPO,
        status=ConnectionStatus.OFFLINE,
        last_updated=NOW,
    )
    new = replace(newest, party_id="NEW")

    async def pushed() -> None:
        hub.meanwhile.clear()
        for each in (newest, new):
            await bridge.store.change("cpo1", lambda old, each=each: old.with_client(each))  # type: ignore[misc]

    hub.meanwhile[CLIENTS] = pushed
    await bridge.puller.pull_once("cpo1", full=True)

    connection = await bridge.store.get("cpo1")
    assert connection.status_of(ONE) is ConnectionStatus.OFFLINE
    assert set(connection.parties()) == {ONE, TWO, Party("IN", "NEW")}


async def test_who_is_no_hub_is_not_asked_whom_it_reaches(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    whole = registered(fake)
    clients = Endpoint(
        identifier=ModuleID.HUB_CLIENT_INFO, role=InterfaceRole.SENDER, url=fake.url(CLIENTS)
    )
    await bridge.store.save(replace(whole, endpoints=(*whole.endpoints, clients)))

    report = await bridge.puller.pull_once("cpo1")
    async with running(bridge):
        await until(lambda: pulled(bridge) == 2)

    assert [each.module for each in report.outcomes] == [
        *("tariffs", "locations", "sessions", "cdrs")
    ]
    assert queries(fake, CLIENTS) == []


@pytest.mark.requirement("O142")
async def test_a_party_that_is_back_is_asked_for_all_it_has(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    hub.locations = [location("L1", party_id="TWO"), location("L2", party_id="TWO")]
    async with running(bridge):
        await until(lambda: pulled(bridge) == pulled(bridge, "cdrs") == 1)
        await look(bridge)
        fake.asked.clear()
        # While it was away: what it changed then is older than what others brought since.
        hub.locations = [location("L1", party_id="TWO", name="Renamed")]
        bridge.asked.sync_soon("cpo1", TWO)
        await until(lambda: pulled(bridge, "cdrs") == 2)

    names = {key: each.name for key, each in (await stored(bridge, TWO)).items()}
    assert names == {"l1": "Renamed"}, "what it has no more is gone"
    assert set(asked_of(fake, "/2.2.1/")) == {"IN*TWO"}
    assert ["date_from" in query for query in queries(fake)] == [False]


async def test_a_party_that_comes_and_goes_is_not_pulled_each_time(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge, "cdrs") == 1)
        for _ in range(3):
            bridge.asked.sync_soon("cpo1", TWO)
            await look(bridge)
        assert pulled(bridge, "cdrs") == 2
        await bridge.passes(ASKED_GAP_S)
        assert pulled(bridge, "cdrs") == 3
        await bridge.passes(ASKED_GAP_S)
        assert pulled(bridge, "cdrs") == 3


async def test_a_party_that_is_back_and_fails_is_tried_again(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == pulled(bridge, "cdrs") == 1)
        fake.on("GET", LOCATIONS, always(None, http=200, code=4003))
        bridge.asked.sync_soon("cpo1", TWO)
        await look(bridge)
        assert [each["module"] for each in bridge.told("pull.failed")] == ["locations"]
        HubLists(fake)
        await bridge.passes(SYNC_AGAIN_S)
        assert pulled(bridge, "cdrs") == 3
        assert len(bridge.told("pull.failed")) == 1


@pytest.mark.requirement("O142")
async def test_a_party_that_is_gone_again_is_not_asked(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    hub.clients = [info("ONE"), info("TWO", status="OFFLINE")]
    async with running(bridge):
        await until(lambda: pulled(bridge, "hubclientinfo") == 1)
        await look(bridge)
        bridge.asked.sync_soon("cpo1", TWO)
        await look(bridge)
        assert "IN*TWO" not in asked_of(fake, "/2.2.1/")
        hub.clients = [info("TWO", last_updated=LATER)]
        await bridge.passes(600)
        await until(lambda: "IN*TWO" in asked_of(fake, "/2.2.1/"))


async def test_what_the_list_of_parties_brings_as_news_is_told_and_pulled(
    bridge: Bridge, hub: HubLists, fake: FakeCpo
) -> None:
    await bridge.puller.pull_once("cpo1")
    hub.clients = [
        info("ONE", status="OFFLINE", last_updated=LATER),
        info("NEW", last_updated=LATER),
    ]
    await bridge.puller.pull_once("cpo1")

    told = {(each["party"], each["status"]) for each in bridge.told("hub.party_changed")}
    assert told == {("IN*ONE", "OFFLINE"), ("IN*NEW", "CONNECTED")}
    assert bridge.asked.back("cpo1") == (Party("IN", "NEW"),)
