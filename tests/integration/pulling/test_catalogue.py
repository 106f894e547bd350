"""What one pull of a CPO's lists does to the store, in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import CpoUnavailable, StoreUnavailable
from bridge.flows.jobs import EvseJob, Job
from bridge.flows.ports import Kind
from bridge.ocpi.codec import convert, encode
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location, Status
from bridge.ocpi.types import ModuleID
from bridge.store.database import Database, key
from bridge.store.objects import CHANGES
from bridge.workers.keeping import WRITTEN_AT_ONCE
from bridge.workers.pull import Outcome
from tests.contract.ocpi_client.fake import FakeCpo, always
from tests.contract.ocpi_client.objects import evse, location, tariff
from tests.contract.ocpi_client.side import CPO_PARTY
from tests.integration.pulling.rig import (
    LOCATIONS,
    NOW,
    TARIFFS,
    Bridge,
    Lists,
    Made,
    outcome,
    queries,
    registered,
)


@pytest.mark.endpoint("calls GET {locations}")
@pytest.mark.endpoint("calls GET {tariffs}")
async def test_a_first_pull_takes_everything_tariffs_first(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location(f"L{number}") for number in range(5)]

    report = await bridge.puller.pull_once("cpo1")

    assert [each.module for each in report.outcomes] == ["tariffs", "locations", "sessions", "cdrs"]
    assert outcome(report) == Outcome(
        module="locations", full=True, ending="COMPLETE", seen=5, written=5
    )
    assert sorted(await bridge.locations()) == ["l0", "l1", "l2", "l3", "l4"]
    assert len(await bridge.everything(Kind.TARIFF)) == 1
    assert fake.asked[0].request.path == TARIFFS
    assert all("date_from" not in query for query in queries(fake))
    assert [fields["seen"] for fields in bridge.told("pull.done")] == [1, 5, 0, 0]
    assert bridge.told("pull.done")[1]["cpo_id"] == "cpo1"


@pytest.mark.requirement("O35")
async def test_the_next_pull_is_a_delta_from_the_cursor(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L0"), location("L1", "2026-03-05T08:00:00Z")]
    await bridge.puller.pull_once("cpo1")
    fake.asked.clear()
    lists.locations[0] = location("L0", "2026-03-09T08:00:00Z", name="new name")

    report = await bridge.puller.pull_once("cpo1")

    assert queries(fake)[0]["date_from"] == "2026-03-05T07:59:00Z"
    assert outcome(report) == Outcome(
        module="locations", full=False, ending="COMPLETE", seen=2, written=1, unchanged=1
    )
    assert (await bridge.locations())["l0"].name == "new name"
    state = await bridge.pulls.state("cpo1", "locations")
    assert state.cursor == datetime(2026, 3, 9, 8, tzinfo=UTC)


async def test_what_did_not_change_is_not_written(
    bridge: Bridge, lists: Lists, redis: Redis
) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    before = await Database(redis).do("DBSIZE"), await changes(redis)

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert outcome(report).unchanged == 2
    assert outcome(report).written == 0
    assert (await Database(redis).do("DBSIZE"), await changes(redis)) == before


async def changes(redis: Redis) -> int:
    """Return how many changes of the catalogue were announced."""
    return int(await Database(redis).do("XLEN", CHANGES))


@pytest.mark.requirement("O65")
async def test_only_a_full_pull_removes(bridge: Bridge, lists: Lists) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    del lists.locations[0]

    delta = await bridge.puller.pull_once("cpo1")
    assert outcome(delta).removed == 0
    assert sorted(await bridge.locations()) == ["l0", "l1"]

    full = await bridge.puller.pull_once("cpo1", full=True)
    assert outcome(full).removed == 1
    assert sorted(await bridge.locations()) == ["l1"]


async def test_a_tariff_that_is_gone_is_removed_too(bridge: Bridge, lists: Lists) -> None:
    lists.tariffs = [tariff("T1"), tariff("T2")]
    await bridge.puller.pull_once("cpo1")
    lists.tariffs = [tariff("T2")]

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert outcome(report, "tariffs").removed == 1
    assert list(await bridge.everything(Kind.TARIFF)) == ["t2"]


@pytest.mark.requirement("O20")
async def test_a_bad_object_is_told_kept_and_loses_no_other(bridge: Bridge, lists: Lists) -> None:
    lists.locations = [location(f"L{number}") for number in range(4)]
    await bridge.puller.pull_once("cpo1")
    lists.locations[1]["coordinates"] = {"latitude": "north", "longitude": "73.85674"}
    lists.locations[3]["name"] = "after the bad one"

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).bad, outcome(report).removed) == (1, 0)
    stored = await bridge.locations()
    assert sorted(stored) == ["l0", "l1", "l2", "l3"], "unreadable is not gone"
    assert stored["l3"].name == "after the bad one"
    (told,) = bridge.told("pull.bad_object")
    assert told["path"] == "/data/1/coordinates"
    assert told["object"] == "L1"
    assert told["module"] == "locations"


async def test_an_object_without_a_name_stops_all_removals(bridge: Bridge, lists: Lists) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = [location("L0"), {"address": "somewhere"}]

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).bad, outcome(report).removed) == (1, 0)
    assert sorted(await bridge.locations()) == ["l0", "l1"]


@pytest.mark.requirement("O33")
async def test_objects_of_a_foreign_party_are_ignored_and_counted(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0"), location("L1", party_id="XYZ"), location("L2")]

    report = await bridge.puller.pull_once("cpo1")

    assert (outcome(report).foreign, outcome(report).written) == (1, 2)
    assert await bridge.everything(Kind.LOCATION, Party("IN", "XYZ")) == {}
    assert bridge.told("pull.foreign_objects")[0]["count"] == 1


@pytest.mark.requirement("O25")
async def test_lower_cased_owners_and_ids_are_the_same_objects(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = [location("l0", country_code="in", party_id="abc")]

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).foreign, outcome(report).removed) == (0, 0)
    assert list(await bridge.locations()) == ["l0"]


async def test_every_party_of_the_connection_is_asked(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    two = registered(fake, CPO_PARTY, Party("IN", "DEF"))
    await bridge.store.save(two)
    lists.locations = [location("L0"), location("L0", party_id="DEF")]

    report = await bridge.puller.pull_once("cpo1")

    asked = [each.headers["OCPI-to-party-id"] for each in fake.asked if LOCATIONS in each.target]
    assert asked == ["ABC", "DEF"]
    assert (outcome(report).seen, outcome(report).written, outcome(report).removed) == (4, 2, 0)
    assert list(await bridge.everything(Kind.LOCATION, Party("IN", "DEF"))) == ["l0"]


async def test_a_push_during_a_pull_is_neither_overwritten_nor_removed(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = [location("L0", name="as listed")]
    pushed = {
        location_id: encode(
            convert(location(location_id, "2026-03-09T00:00:00Z", name="as pushed"), Location)
        )
        for location_id in ("L0", "L1", "L2")
    }

    async def push() -> None:
        for location_id, body in pushed.items():
            old = await bridge.objects.read(Kind.LOCATION, CPO_PARTY, location_id)
            await bridge.objects.write(Kind.LOCATION, CPO_PARTY, location_id, body, old)

    lists.meanwhile[LOCATIONS] = push

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).older, outcome(report).removed) == (1, 0)
    stored = await bridge.locations()
    assert {each.name for each in stored.values()} == {"as pushed"}
    assert sorted(stored) == ["l0", "l1", "l2"]


async def test_a_push_in_the_last_moment_costs_its_own_object_only(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0"), location("L1")]
    pushed = convert(location("L1", "2026-03-09T00:00:00Z", name="as pushed"), Location)

    async def push() -> None:
        assert await bridge.objects.write(Kind.LOCATION, CPO_PARTY, "L1", encode(pushed), None)

    lists.meanwhile[LOCATIONS] = bridge.comes_between(push)

    report = await bridge.puller.pull_once("cpo1")

    assert (outcome(report).written, outcome(report).older) == (1, 1)
    stored = await bridge.locations()
    assert stored["l1"] == pushed
    assert sorted(stored) == ["l0", "l1"]


async def test_what_is_pushed_in_the_last_moment_is_not_removed(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = []
    pushed = convert(location("L0", "2026-03-09T00:00:00Z"), Location)

    async def push() -> None:
        old = await bridge.objects.read(Kind.LOCATION, CPO_PARTY, "L0")
        assert await bridge.objects.write(Kind.LOCATION, CPO_PARTY, "L0", encode(pushed), old)

    lists.meanwhile[LOCATIONS] = bridge.comes_between(push)

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert outcome(report).removed == 0
    assert await bridge.locations() == {"l0": pushed}


async def test_what_is_pushed_while_a_known_one_changes_is_not_overwritten(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = [
        location(each, "2026-03-05T00:00:00Z", name="Listed") for each in ("L0", "L1")
    ]
    pushed = convert(location("L1", "2026-03-09T00:00:00Z", name="Pushed"), Location)

    async def push() -> None:
        old = await bridge.objects.read(Kind.LOCATION, CPO_PARTY, "L1")
        assert await bridge.objects.write(Kind.LOCATION, CPO_PARTY, "L1", encode(pushed), old)

    lists.meanwhile[LOCATIONS] = bridge.comes_between(push)

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).written, outcome(report).older) == (1, 1)
    assert [each.name for each in (await bridge.locations()).values()] == ["Listed", "Pushed"]


async def test_a_pull_of_locations_is_in_a_rush(bridge: Bridge, lists: Lists) -> None:
    seen: dict[str, int] = {}

    def look_at(path: str) -> Callable[[], Awaitable[None]]:
        async def look() -> None:
            seen[path] = bridge.rush.under_way

        return look

    lists.meanwhile = {path: look_at(path) for path in (TARIFFS, LOCATIONS)}

    await bridge.puller.pull_once("cpo1")

    assert seen == {TARIFFS: 0, LOCATIONS: 1}
    assert bridge.rush.under_way == 0


async def test_a_pull_ends_when_its_lock_is_lost(
    bridge: Bridge, lists: Lists, redis: Redis
) -> None:
    lists.locations = [location(f"L{number}") for number in range(5)]

    async def steal() -> None:
        await redis.set(key("busy", "cpo1", "locations"), "another replica")

    lists.meanwhile[LOCATIONS] = steal

    with pytest.raises(StoreUnavailable, match="another replica has taken over"):
        await bridge.puller.pull_once("cpo1", [ModuleID.LOCATIONS])
    assert (await bridge.pulls.state("cpo1", "locations")).pulled_at is None


async def test_a_page_may_be_larger_than_what_is_written_at_once(
    bridge: Bridge, lists: Lists
) -> None:
    lists.page_size = 3 * WRITTEN_AT_ONCE
    lists.locations = [location(f"L{number}") for number in range(2 * WRITTEN_AT_ONCE + 1)]

    report = await bridge.puller.pull_once("cpo1")
    assert outcome(report).written == len(lists.locations)
    lists.locations = lists.locations[:1]
    report = await bridge.puller.pull_once("cpo1", full=True)

    assert outcome(report).removed == 2 * WRITTEN_AT_ONCE
    assert list(await bridge.locations()) == ["l0"]


async def test_a_delta_does_not_undo_a_newer_push_but_a_full_pull_is_the_truth(
    bridge: Bridge, lists: Lists
) -> None:
    lists.locations = [location("L0", "2026-03-09T00:00:00Z", name="pushed")]
    await bridge.puller.pull_once("cpo1")
    lists.locations = [location("L0", "2026-03-08T23:59:30Z", name="listed")]

    delta = await bridge.puller.pull_once("cpo1")
    assert (outcome(delta).older, outcome(delta).written) == (1, 0)

    full = await bridge.puller.pull_once("cpo1", full=True)
    assert outcome(full).written == 1
    assert (await bridge.locations())["l0"].name == "listed"


async def test_a_new_status_reaches_the_orders_on_the_evse(bridge: Bridge, lists: Lists) -> None:
    lists.locations = [location("L0", evses=[evse("E1"), evse("E2")])]
    await bridge.puller.pull_once("cpo1")
    assert bridge.woken == []
    changed = [evse("E1", status="OUTOFORDER"), evse("E2")]
    lists.locations = [location("L0", "2026-03-09T00:00:00Z", evses=changed)]

    await bridge.puller.pull_once("cpo1")

    (entry,) = await bridge.inbox.entries("order of E1")
    assert msgspec.json.decode(entry, type=Job) == EvseJob(status=Status.OUTOFORDER, at=NOW)
    assert await bridge.inbox.entries("order of E2") == []
    assert bridge.woken == [True]


async def test_a_failed_pull_keeps_what_came_and_its_cursor(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    fake.on(
        "GET",
        LOCATIONS,
        always([location("L0")], headers={"Link": '</broken>; rel="next"'}),
    )
    fake.on("GET", "/broken", always(None, http=500, code=3000, message="we are down"))

    report = await bridge.puller.pull_once("cpo1")

    assert outcome(report).ending == "FAILED"
    assert outcome(report).error == "locations: HTTP 500, OCPI 3000"
    assert outcome(report, "tariffs").ending == "COMPLETE"
    assert list(await bridge.locations()) == ["l0"]
    state = await bridge.pulls.state("cpo1", "locations")
    assert (state.cursor, state.full_at, state.failures) == (None, None, 1)
    assert state.error == "locations: HTTP 500, OCPI 3000"
    assert bridge.told("pull.failed")[0]["said"] == "we are down"

    lists_again = Lists(fake)
    lists_again.locations = [location("L1")]
    after = await bridge.puller.pull_once("cpo1")
    assert outcome(after).full
    assert (await bridge.pulls.state("cpo1", "locations")).failures == 0
    assert list(await bridge.locations()) == ["l1"]


@pytest.mark.requirement("O19")
@pytest.mark.parametrize(
    ("link", "ending", "known"),
    [
        ('<https://other.test/x>; rel="next"', "FOREIGN", False),
        ('<?offset=0&limit=100>; rel="next"', "LOOP", True),
    ],
)
async def test_a_list_without_a_proper_end_removes_nothing(
    bridge: Bridge, lists: Lists, fake: FakeCpo, link: str, ending: str, known: bool
) -> None:
    lists.locations = [location("L0"), location("L1")]
    await bridge.puller.pull_once("cpo1")
    before = await bridge.pulls.state("cpo1", "locations")
    bridge.clock[0] += timedelta(minutes=5)
    fake.on(
        "GET", LOCATIONS, always([location("L0", "2026-03-09T00:00:00Z")], headers={"Link": link})
    )

    report = await bridge.puller.pull_once("cpo1", full=True)

    assert (outcome(report).ending, outcome(report).removed) == (ending, 0)
    assert sorted(await bridge.locations()) == ["l0", "l1"]
    after = await bridge.pulls.state("cpo1", "locations")
    assert (after.cursor != before.cursor) is known
    assert after.tried_at == bridge.clock[0]


async def test_a_clock_of_the_cpo_that_is_ahead_does_not_blind_us(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L0", "2099-01-01T00:00:00Z")]
    await bridge.puller.pull_once("cpo1")

    await bridge.puller.pull_once("cpo1")

    assert queries(fake)[-1]["date_from"] == "2026-03-10T11:59:00Z"


@pytest.mark.parametrize(("days", "date_from"), [(20, "2026-03-02T12:00:00Z"), (40, None)])
async def test_a_delta_never_spans_more_than_a_month(
    bridge: Bridge, lists: Lists, fake: FakeCpo, days: int, date_from: str | None
) -> None:
    lists.locations = [location("L0", "2026-01-01T00:00:00Z")]
    await bridge.puller.pull_once("cpo1")
    bridge.clock[0] += timedelta(days=days)

    await bridge.puller.pull_once("cpo1")

    assert queries(fake)[-1].get("date_from") == date_from


async def test_a_new_connection_is_pulled_in_full(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L0")]
    await bridge.puller.pull_once("cpo1")
    again = replace(registered(fake), registered_at=NOW + timedelta(hours=1))
    await bridge.store.save(again)

    report = await bridge.puller.pull_once("cpo1")

    assert outcome(report).full


async def test_one_replica_pulls_at_a_time(make: Made, lists: Lists, fake: FakeCpo) -> None:
    lists.locations = [location("L0")]
    serving = asyncio.Event()
    released = asyncio.Event()

    async def hold() -> None:
        serving.set()
        await released.wait()

    lists.meanwhile[TARIFFS] = hold
    first, second = make(), make()
    pulling = asyncio.create_task(first.puller.pull_once("cpo1"))
    await serving.wait()

    lists.meanwhile.clear()

    report = await second.puller.pull_once("cpo1")

    assert outcome(report, "tariffs").ending == "BUSY"
    assert outcome(report).ending == "COMPLETE", "the other module is nobody's"
    done = [fields["module"] for fields in second.told("pull.done")]
    assert done == ["locations", "sessions", "cdrs"]
    released.set()
    assert outcome(await pulling, "tariffs").ending == "COMPLETE"


async def test_a_module_that_the_cpo_does_not_have_is_passed(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    whole = registered(fake)
    only = tuple(each for each in whole.endpoints if each.identifier != ModuleID.TARIFFS)
    await bridge.store.save(replace(whole, endpoints=only))

    report = await bridge.puller.pull_once("cpo1")

    assert outcome(report, "tariffs").ending == "ABSENT"
    assert outcome(report).ending == "COMPLETE"


async def test_an_unregistered_cpo_is_not_pulled(bridge: Bridge, fake: FakeCpo) -> None:
    await bridge.store.save(Connection(cpo_id="cpo1"))

    with pytest.raises(CpoUnavailable, match="cpo1 is not registered"):
        await bridge.puller.pull_once("cpo1")

    assert fake.asked == []
