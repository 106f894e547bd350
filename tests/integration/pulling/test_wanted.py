"""Single objects that a push spoke of: fetched by themselves, looked for in lists, or forgotten."""

from __future__ import annotations

import pytest

from bridge.flows.ports import Kind, Wanted
from bridge.ocpi.codec import convert, encode
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.types import ModuleID
from bridge.workers.asked import WANTED_KEPT, Asked
from bridge.workers.puller import ASKED_GAP_S
from tests.contract.ocpi_client.fake import Answer, FakeCpo, always
from tests.contract.ocpi_client.objects import evse, location, tariff
from tests.contract.ocpi_client.side import CPO_PARTY
from tests.integration.pulling.rig import (
    LOCATIONS,
    NOW,
    TARIFFS,
    Bridge,
    Lists,
    look,
    pulled,
    queries,
    running,
)
from tests.waiting import until

ONE = f"{LOCATIONS}/L1"
OLD = "2020-01-01T00:00:00Z"


def want(bridge: Bridge, location_id: str = "L1", party: Party = CPO_PARTY) -> None:
    """Say that a Location is missing."""
    bridge.asked.pull_soon("cpo1", ModuleID.LOCATIONS, Wanted(party, location_id))


@pytest.mark.requirement("O62")
@pytest.mark.endpoint("calls GET {locations}/{location_id}")
async def test_the_very_location_is_fetched_however_old_it_is(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        fake.on_data("GET", ONE, location("L1", OLD))
        want(bridge)
        await until(lambda: bool(bridge.told("pull.wanted")))

    assert list(await bridge.locations()) == ["l1"]
    assert fake.targets().count(f"GET {ONE}") == 1
    assert len(queries(fake)) == 1, "the list was not asked for it"
    told = {"cpo_id": "cpo1", "module": "locations", "object": "L1", "became": "stored"}
    assert bridge.told("pull.wanted") == [told]


@pytest.mark.requirement("O62")
async def test_a_missing_evse_comes_even_if_its_location_has_no_newer_date(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L1", "2026-03-09T00:00:00Z", evses=[evse("E1")])]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        fake.on_data("GET", ONE, location("L1", OLD, evses=[evse("E1"), evse("E2")]))
        want(bridge)
        await until(lambda: bool(bridge.told("pull.wanted")))

    assert [each.uid for each in (await bridge.locations())["l1"].evses] == ["E1", "E2"]


async def test_a_push_that_comes_meanwhile_is_not_undone(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    pushed = convert(location("L1", "2026-03-09T00:00:00Z", name="as pushed"), Location)

    async def push() -> None:
        await bridge.objects.write(Kind.LOCATION, CPO_PARTY, "L1", encode(pushed), None)

    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        lists.meanwhile[ONE] = push
        fake.on("GET", ONE, lists.one(location("L1", OLD)))
        want(bridge)
        await until(lambda: bool(bridge.told("pull.wanted")))

    assert (await bridge.locations())["l1"] == pushed


async def test_a_location_that_the_cpo_does_not_know_is_forgotten(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        fake.on("GET", ONE, always(None, http=404, code=2003))
        want(bridge)
        await until(lambda: bool(bridge.told("pull.wanted")))
        await look(bridge)

    assert bridge.told("pull.wanted")[0]["became"] == "unknown"
    assert fake.targets().count(f"GET {ONE}") == 1
    assert pulled(bridge) == 1


@pytest.mark.parametrize(
    "answer",
    [
        always(None, http=500, code=3000),
        always("nonsense"),
        always(location("L2")),
        always(location("L1", party_id="XYZ")),
    ],
)
async def test_when_that_fails_the_list_is_asked_for_what_changed(
    bridge: Bridge, lists: Lists, fake: FakeCpo, answer: Answer
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        fake.on("GET", ONE, answer)
        want(bridge)
        await until(lambda: bool(bridge.told("pull.wanted")))
        await bridge.passes(ASKED_GAP_S)
        await until(lambda: pulled(bridge) == 2)

    assert bridge.told("pull.wanted")[0]["became"].startswith("locations: ")
    assert await bridge.locations() == {}


async def test_an_unknown_tariff_is_looked_for_in_what_changed_and_then_in_all(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.tariffs = [tariff("T1", "2026-03-09T00:00:00Z")]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        lists.tariffs += [tariff("T2", "2026-03-10T00:00:00Z"), tariff("T3", OLD)]
        for tariff_id in ("t2", "t3"):
            bridge.asked.pull_soon("cpo1", ModuleID.TARIFFS, Wanted(CPO_PARTY, tariff_id))
        await look(bridge)
        assert len(queries(fake, TARIFFS)) == 1, "not one right after the other"
        await bridge.passes(ASKED_GAP_S)
        await until(lambda: pulled(bridge, "tariffs") == 3)
        await look(bridge)

    asked = ["date_from" in query for query in queries(fake, TARIFFS) if query["offset"] == "0"]
    assert asked == [False, True, False]
    assert sorted(await bridge.everything(Kind.TARIFF)) == ["t1", "t2", "t3"]
    assert bridge.told("pull.wanted") == []


async def test_a_tariff_that_a_delta_brings_needs_no_full_pull(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.tariffs = [tariff("T1", "2026-03-09T00:00:00Z")]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        lists.tariffs.append(tariff("T2", "2026-03-10T00:00:00Z"))
        bridge.asked.pull_soon("cpo1", ModuleID.TARIFFS, Wanted(CPO_PARTY, "T2"))
        await bridge.passes(ASKED_GAP_S)
        await until(lambda: pulled(bridge, "tariffs") == 2)
        await look(bridge)

    assert pulled(bridge, "tariffs") == 2


async def test_a_tariff_that_nobody_has_is_looked_for_once(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L1")]
    lists.locations[0]["evses"][0]["connectors"][0]["tariff_ids"] = ["T1", "GHOST"]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        await bridge.passes(ASKED_GAP_S)
        await until(lambda: bool(bridge.told("pull.wanted")))
        seen = pulled(bridge, "tariffs")
        bridge.asked.pull_soon("cpo1", ModuleID.TARIFFS, Wanted(CPO_PARTY, "ghost"))
        await bridge.passes(ASKED_GAP_S)

    assert seen == pulled(bridge, "tariffs") == 3
    assert [(each["object"], each["became"]) for each in bridge.told("pull.wanted")] == [
        ("ghost", "unknown")
    ]


async def test_too_many_single_objects_become_a_pull() -> None:
    asked = Asked(lambda: NOW)
    for number in range(WANTED_KEPT):
        asked.pull_soon("cpo1", ModuleID.LOCATIONS, Wanted(CPO_PARTY, f"L{number}"))
    asked.pull_soon("cpo1", ModuleID.LOCATIONS, Wanted(CPO_PARTY, "L0"))
    assert asked.since("cpo1", ModuleID.LOCATIONS) is None

    asked.pull_soon("cpo1", ModuleID.LOCATIONS, Wanted(CPO_PARTY, "one more"))

    assert asked.since("cpo1", ModuleID.LOCATIONS) == NOW
    assert len(asked.wanted("cpo1", ModuleID.LOCATIONS)) == WANTED_KEPT
