"""Locations, EVSEs and Connectors as a CPO pushes them (OCPI 2.2.1 mod_locations, Receiver)."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.flows.emsp.keeping import TRIES
from bridge.flows.jobs import EvseJob
from bridge.flows.ports import Kind
from bridge.ocpi import codec
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Status
from bridge.orders.order import OrderState
from tests.contract.emsp.rig import Rig
from tests.contract.emsp.samples import (
    LOC,
    NOW,
    OTHER_CPO,
    OTHER_PARTY,
    PARTY,
    Json,
    at,
    connector,
    evse,
    location,
    order,
    tariff,
)
from tests.fakes import MemoryObjects

A_LOCATION = "{locations}/{country_code}/{party_id}/{location_id}"
AN_EVSE = A_LOCATION + "/{evse_uid}"
A_CONNECTOR = AN_EVSE + "/{connector_id}"


async def stored(rig: Rig) -> Any:
    """Return the Location as a CPO reads it."""
    return (await rig.get(f"locations/{LOC}")).data


@pytest.fixture
async def known(rig: Rig) -> Rig:
    """Give a rig that knows LOC1 with EVSE E1 and its Connector 1."""
    assert (await rig.put(f"locations/{LOC}", location())).status == (201, 1000)
    return rig


@pytest.mark.requirement("O67")
@pytest.mark.endpoint(f"serves GET {A_LOCATION}")
@pytest.mark.endpoint(f"serves GET {AN_EVSE}")
@pytest.mark.endpoint(f"serves GET {A_CONNECTOR}")
async def test_get_returns_what_is_stored_at_each_level(known: Rig) -> None:
    assert (await known.get(f"locations/{LOC}")).data == location()
    assert (await known.get(f"locations/{LOC}/E1")).data == evse()
    assert (await known.get(f"locations/{LOC}/E1/1")).data == connector()
    assert (await known.get("locations/in/abc/loc1/e1/1")).data == connector()


@pytest.mark.requirement("O11")
@pytest.mark.parametrize("path", ["IN/ABC/LOC2", f"{LOC}/E2", f"{LOC}/E1/2", f"{LOC}/E2/1"])
async def test_what_is_not_known_is_2003(known: Rig, path: str) -> None:
    assert (await known.get(f"locations/{path}")).status == (404, 2003)


@pytest.mark.requirement("O26")
@pytest.mark.endpoint(f"serves PUT {A_LOCATION}")
async def test_put_replaces_the_whole_location(known: Rig) -> None:
    smaller = location(last_updated=at(1), name=None, evses=[])
    assert (await known.put(f"locations/{LOC}", smaller)).status == (200, 1000)
    assert "name" not in await stored(known)
    assert "evses" not in await stored(known)


@pytest.mark.requirement("O26", "O28")
async def test_put_replaces_the_whole_evse_or_connector(known: Rig) -> None:
    floor = {"floor_level": "2", "physical_reference": "A", "last_updated": at(1)}
    limits = {"max_electric_power": 50_000, "terms_and_conditions": "http://x"}
    await known.patch(f"locations/{LOC}/E1", floor)
    await known.patch(f"locations/{LOC}/E1/1", {**limits, "last_updated": at(2)})
    plain = connector(last_updated=at(3)) | {"terms_and_conditions": None}
    assert (await known.put(f"locations/{LOC}/E1/1", plain)).status == (200, 1000)
    assert (await known.get(f"locations/{LOC}/E1/1")).data == connector(last_updated=at(3))
    plain = evse(last_updated=at(4)) | {"floor_level": None}
    assert (await known.put(f"locations/{LOC}/E1", plain)).status == (200, 1000)
    assert (await known.get(f"locations/{LOC}/E1")).data == evse(last_updated=at(4))


@pytest.mark.requirement("O60")
@pytest.mark.requirement("O61")
@pytest.mark.endpoint(f"serves PUT {AN_EVSE}")
async def test_put_of_a_new_evse_adds_it_and_dates_the_location(known: Rig) -> None:
    path = f"locations/{LOC}/E2"
    assert (await known.put(path, evse("E2", last_updated=at(5)))).status == (201, 1000)
    after = await stored(known)
    assert [each["uid"] for each in after["evses"]] == ["E1", "E2"]
    assert after["last_updated"] == at(5)
    assert after["evses"][0]["last_updated"] == at()
    assert (await known.put(path, evse("E2", last_updated=at(6)))).status == (200, 1000)
    assert (await stored(known))["last_updated"] == at(6)


@pytest.mark.requirement("O60")
@pytest.mark.endpoint(f"serves PUT {A_CONNECTOR}")
async def test_put_of_a_connector_dates_evse_and_location(known: Rig) -> None:
    changed = connector(max_amperage=60, last_updated=at(3))
    assert (await known.put(f"locations/{LOC}/E1/1", changed)).status == (200, 1000)
    added = connector("2", last_updated=at(4))
    assert (await known.put(f"locations/{LOC}/E1/2", added)).status == (201, 1000)
    after = await stored(known)
    assert after["evses"][0]["connectors"] == [changed, added]
    assert after["evses"][0]["last_updated"] == at(4)
    assert after["last_updated"] == at(4)


@pytest.mark.requirement("O27")
@pytest.mark.requirement("O60")
@pytest.mark.endpoint(f"serves PATCH {A_LOCATION}")
@pytest.mark.endpoint(f"serves PATCH {AN_EVSE}")
@pytest.mark.endpoint(f"serves PATCH {A_CONNECTOR}")
@pytest.mark.parametrize(
    ("path", "patch", "expected"),
    [
        (LOC, {"name": "New"}, location(name="New", last_updated=at(2))),
        (
            f"{LOC}/E1",
            {"status": "CHARGING"},
            location(last_updated=at(2), evses=[evse(status="CHARGING", last_updated=at(2))]),
        ),
        (
            f"{LOC}/E1/1",
            {"tariff_ids": ["T2", "T3"]},
            location(
                last_updated=at(2),
                evses=[
                    evse(
                        last_updated=at(2),
                        connectors=[connector(tariff_ids=["T2", "T3"], last_updated=at(2))],
                    )
                ],
            ),
        ),
    ],
)
async def test_patch_changes_only_what_it_names(
    known: Rig, path: str, patch: Json, expected: Json
) -> None:
    answer = await known.patch(f"locations/{path}", {**patch, "last_updated": at(2)})
    assert answer.status == (200, 1000)
    assert answer.is_bare
    assert await stored(known) == expected


@pytest.mark.requirement("O28")
@pytest.mark.parametrize("path", [LOC, f"{LOC}/E1", f"{LOC}/E1/1"])
async def test_null_in_a_patch_changes_nothing(known: Rig, path: str) -> None:
    before = (await known.get(f"locations/{path}")).data
    nulls = dict.fromkeys(before.keys() - {"last_updated"})
    answer = await known.patch(f"locations/{path}", {**nulls, "last_updated": at(1)})
    assert answer.status == (200, 1000)
    assert (await known.get(f"locations/{path}")).data == {**before, "last_updated": at(1)}


@pytest.mark.requirement("O29")
@pytest.mark.parametrize("path", [LOC, f"{LOC}/E1", f"{LOC}/E1/1"])
async def test_a_patch_needs_last_updated(known: Rig, path: str) -> None:
    answer = await known.patch(f"locations/{path}", {"status": "CHARGING", "name": "x"})
    assert answer.status == (200, 2001)
    assert "last_updated" in answer.envelope["status_message"]
    assert await stored(known) == location()


async def test_evses_in_a_patch_of_the_location_are_merged_by_uid(known: Rig) -> None:
    patch = {"evses": [{"uid": "e1", "status": "BLOCKED"}, evse("E2")], "last_updated": at(1)}
    assert (await known.patch(f"locations/{LOC}", patch)).status == (200, 1000)
    assert [(each["uid"], each["status"]) for each in (await stored(known))["evses"]] == [
        ("E1", "BLOCKED"),
        ("E2", "AVAILABLE"),
    ]


@pytest.mark.requirement("O61")
@pytest.mark.parametrize("missing", ["status", "uid", "last_updated"])
async def test_an_incomplete_evse_is_2001(known: Rig, missing: str) -> None:
    body = {name: value for name, value in evse("E2").items() if name != missing}
    assert (await known.put(f"locations/{LOC}/E2", body)).status == (200, 2001)
    assert await stored(known) == location()


@pytest.mark.requirement("O30", "O31")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"{LOC}/E2", evse("E3")),
        ("PUT", f"{LOC}/E1/2", connector("3")),
        ("PATCH", LOC, {"id": "LOC2", "last_updated": at(1)}),
        ("PATCH", LOC, {"party_id": "XYZ", "last_updated": at(1)}),
        ("PATCH", LOC, {"country_code": "NL", "last_updated": at(1)}),
        ("PATCH", f"{LOC}/E1", {"uid": "E2", "last_updated": at(1)}),
        ("PATCH", f"{LOC}/E1/1", {"id": "2", "last_updated": at(1)}),
    ],
)
async def test_an_id_other_than_that_of_the_url_is_2001(
    known: Rig, method: str, path: str, body: Json
) -> None:
    assert (await known.call(method, f"locations/{path}", body)).status == (200, 2001)
    assert await stored(known) == location()


@pytest.mark.requirement("O62")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "IN/ABC/LOC9", {"name": "x", "last_updated": at(1)}),
        ("PUT", "IN/ABC/LOC9/E1", evse()),
        ("PATCH", "IN/ABC/LOC9/E1", {"status": "BLOCKED", "last_updated": at(1)}),
        ("PUT", "IN/ABC/LOC9/E1/1", connector()),
        ("PATCH", f"{LOC}/E9", {"status": "BLOCKED", "last_updated": at(1)}),
        ("PUT", f"{LOC}/E9/1", connector()),
        ("PATCH", f"{LOC}/E1/9", {"max_amperage": 1, "last_updated": at(1)}),
    ],
)
async def test_a_part_of_something_unknown_is_404_and_its_location_is_asked_for(
    known: Rig, method: str, path: str, body: Json
) -> None:
    known.pulls.clear()
    assert (await known.call(method, f"locations/{path}", body)).status == (404, 2003)
    assert known.pulls == [("cpo1", "locations", path.split("/")[2])]
    assert await stored(known) == location()


async def test_a_tariff_that_is_named_and_not_known_is_asked_for_once(rig: Rig) -> None:
    await rig.put("tariffs/IN/ABC/T1", tariff())
    await rig.put(f"locations/{LOC}", location())
    assert rig.pulls == []
    two = connector("2", tariff_ids=["T1", "T2", "t2"])
    await rig.put(f"locations/{LOC}/E1/2", two)
    assert rig.pulls == [("cpo1", "tariffs", "t2")]
    await rig.patch(f"locations/{LOC}/E1", {"status": "BLOCKED", "last_updated": at(1)})
    assert len(rig.pulls) == 1, "nothing new is named"


@pytest.mark.requirement("O39")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"{LOC}/E1", evse(status="CHARGING", last_updated=at(-1))),
        ("PATCH", f"{LOC}/E1", {"status": "CHARGING", "last_updated": at(-1)}),
        ("PUT", f"{LOC}/E1/1", connector(max_amperage=1, last_updated=at(-1))),
        ("PATCH", f"{LOC}/E1/1", {"max_amperage": 1, "last_updated": at(-1)}),
        ("PATCH", LOC, {"name": "Old", "last_updated": at(-1)}),
    ],
)
async def test_an_overtaken_part_is_acknowledged_and_ignored(
    known: Rig, method: str, path: str, body: Json
) -> None:
    assert (await known.call(method, f"locations/{path}", body)).status == (200, 1000)
    assert await stored(known) == location()


@pytest.mark.requirement("O60")
async def test_a_late_new_part_is_added_and_sets_no_date_back(known: Rig) -> None:
    late_evse = evse("E2", last_updated=at(-5))
    late_connector = connector("2", last_updated=at(-5))
    assert (await known.put(f"locations/{LOC}/E2", late_evse)).status == (201, 1000)
    assert (await known.put(f"locations/{LOC}/E1/2", late_connector)).status == (201, 1000)
    after = await stored(known)
    assert after["evses"] == [evse(connectors=[connector(), late_connector]), late_evse]
    assert after["last_updated"] == at()


@pytest.mark.requirement("O68")
async def test_removal_is_a_status(known: Rig) -> None:
    assert (await known.delete(f"locations/{LOC}/E1")).status == (405, 2000)
    await known.patch(f"locations/{LOC}/E1", {"status": "REMOVED", "last_updated": at(1)})
    assert (await known.get(f"locations/{LOC}/E1")).data["status"] == "REMOVED"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", LOC, location(last_updated=at(1), evses=[evse(status="OUTOFORDER")])),
        (
            "PATCH",
            LOC,
            {"evses": [{"uid": "E1", "status": "OUTOFORDER"}], "last_updated": at(1)},
        ),
        ("PUT", f"{LOC}/E1", evse(status="OUTOFORDER", last_updated=at(1))),
        ("PATCH", f"{LOC}/E1", {"status": "OUTOFORDER", "last_updated": at(1)}),
    ],
)
async def test_a_change_of_status_reaches_the_orders_on_the_evse(
    known: Rig, method: str, path: str, body: Json
) -> None:
    concerned = order("1", OrderState.CHARGING)
    elsewhere = order("2", OrderState.CHARGING, evse_uid="E2")
    foreign = order("3", OrderState.CHARGING, party=OTHER_PARTY, cpo_id=OTHER_CPO)
    over = order("4", OrderState.SETTLED)
    for each in (concerned, elsewhere, foreign, over):
        await known.backend.put_order(each)
    assert (await known.call(method, f"locations/{path}", body)).status == (200, 1000)
    assert (await known.call(method, f"locations/{path}", body)).status == (200, 1000)

    assert await known.backend.jobs(concerned.key) == [EvseJob(status=Status.OUTOFORDER, at=NOW)]
    for each in (elsewhere, foreign, over):
        assert await known.backend.jobs(each.key) == []
    assert len(known.wakes) == 1


async def test_other_changes_of_an_evse_concern_no_order(known: Rig) -> None:
    concerned = order("1", OrderState.CHARGING)
    await known.backend.put_order(concerned)
    await known.patch(f"locations/{LOC}/E1", {"floor_level": "2", "last_updated": at(1)})
    assert await known.backend.jobs(concerned.key) == []
    assert known.wakes == []


class Contended(MemoryObjects):
    """A store in which somebody else always changes the object just before we do."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    async def read(self, kind: Kind, party: Party, object_id: str) -> bytes | None:
        """Return the object, and let the other one write a newer one."""
        found = await super().read(kind, party, object_id)
        if self.times:
            self.times -= 1
            name = f"Version {self.times}"
            body = location(name=name, evses=[evse("E1"), evse(f"N{self.times}")])
            self.stored[kind, party, object_id.casefold()] = codec.encode(body)
        return found


@pytest.mark.parametrize(("times", "status"), [(3, (200, 1000)), (TRIES, (200, 3000))])
async def test_nobody_elses_change_is_lost(
    times: int, status: tuple[int, int], memory_rig: Rig
) -> None:
    objects = Contended(times)
    await objects.write(Kind.LOCATION, PARTY, "LOC1", codec.encode(location()), None)
    rig = await memory_rig.on(objects=objects)
    answer = await rig.patch(f"locations/{LOC}/E1", {"status": "BLOCKED", "last_updated": at(1)})
    assert answer.status == status
    if status == (200, 1000):
        after = await stored(rig)
        assert (after["name"], after["evses"][0]["status"]) == ("Version 0", "BLOCKED")
        assert [each["uid"] for each in after["evses"]] == ["E1", "N0"]
