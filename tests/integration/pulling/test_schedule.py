"""When lists are pulled: at the start, after a registration, on schedule, when asked to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection
from bridge.ocpi.locations import Status
from bridge.ocpi.types import ModuleID
from bridge.store.database import key
from bridge.workers.puller import ASKED_GAP_S, BACKOFF_S, spread
from tests.contract.ocpi_client.fake import Asked, FakeCpo, always, enveloped
from tests.contract.ocpi_client.objects import evse, location
from tests.integration.pulling.rig import (
    CDRS,
    LOCATIONS,
    LOOPS,
    SESSIONS,
    TARIFFS,
    Bridge,
    Lists,
    Made,
    look,
    pulled,
    queries,
    registered,
    running,
)
from tests.waiting import until


@pytest.mark.requirement("O35")
async def test_it_pulls_at_the_start_and_then_deltas_on_schedule(
    make: Made, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L0")]
    bridge = make(every_s=0.02, real_time=True)

    async with running(bridge):
        await until(lambda: pulled(bridge) >= 3)

    assert "date_from" not in queries(fake)[0]
    assert all("date_from" in query for query in queries(fake)[1:])
    assert "date_from" not in queries(fake, TARIFFS)[0]
    assert "date_from" in queries(fake, TARIFFS)[1]


@pytest.mark.requirement("O21")
async def test_before_its_time_nothing_is_pulled(bridge: Bridge, lists: Lists) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        bridge.clock[0] += timedelta(seconds=400)
        await look(bridge)
        assert pulled(bridge) == 1
        bridge.clock[0] += timedelta(seconds=200)
        await look(bridge)
        assert pulled(bridge) == 2


@pytest.mark.requirement("O21")
async def test_bridges_do_not_all_come_at_once(make: Made, lists: Lists) -> None:
    spread = make(splay=1.1)
    async with running(spread):
        await until(lambda: pulled(spread) == 1)
        await spread.passes(600)
        assert pulled(spread) == 1, "another bridge would pull now"
        await spread.passes(60)
        assert pulled(spread) == 2


@pytest.mark.requirement("O21")
def test_how_much_later_a_bridge_comes_is_drawn_by_lot() -> None:
    drawn = {spread() for _ in range(100)}

    assert len(drawn) > 1
    assert all(1 <= each <= 1.1 for each in drawn)


@pytest.mark.requirement("O35")
async def test_a_restart_asks_for_a_delta_at_once(make: Made, lists: Lists, fake: FakeCpo) -> None:
    lists.locations = [location("L0")]
    await make().puller.pull_once("cpo1")
    restarted = make()

    async with running(restarted):
        await until(lambda: pulled(restarted) == 1)

    assert "date_from" in queries(fake)[-1]


async def test_everything_is_pulled_again_after_a_day(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    lists.locations = [location("L0")]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        bridge.clock[0] += timedelta(hours=23)
        await look(bridge)
        bridge.clock[0] += timedelta(hours=1)
        await look(bridge)

    assert ["date_from" in query for query in queries(fake)] == [False, True, False]


async def test_a_cpo_is_pulled_as_soon_as_it_is_registered(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    await bridge.store.save(Connection(cpo_id="cpo1"))
    async with running(bridge):
        await look(bridge)
        assert fake.asked == []
        await bridge.store.save(registered(fake))
        bridge.asked.wake("cpo1")
        await until(lambda: all(pulled(bridge, module) == 1 for module in MODULES))


MODULES = ("tariffs", "locations", "sessions", "cdrs")


@pytest.mark.requirement("O62")
async def test_a_push_can_ask_for_a_pull_but_not_for_one_after_the_other(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        for _ in range(5):
            bridge.asked.pull_soon("cpo1", ModuleID.LOCATIONS)
            await look(bridge)
        assert pulled(bridge) == 1
        bridge.clock[0] += timedelta(seconds=ASKED_GAP_S)
        await look(bridge)
        await look(bridge)

    assert pulled(bridge) == 2
    assert len(queries(fake, TARIFFS)) == 1, "nobody asked for tariffs"


@pytest.mark.requirement("O83")
async def test_sessions_that_are_asked_for_are_pulled_alone(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge, "sessions") == 1)
        bridge.clock[0] += timedelta(seconds=ASKED_GAP_S)
        bridge.asked.pull_soon("cpo1", ModuleID.SESSIONS)
        await until(lambda: pulled(bridge, "sessions") == 2)
        await look(bridge)

    assert [len(queries(fake, path)) for path in (TARIFFS, LOCATIONS, SESSIONS, CDRS)] == [
        *(1, 1, 2, 1)
    ]


async def test_what_somebody_waits_for_is_pulled_at_once(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    async with running(bridge):
        await until(lambda: pulled(bridge, "sessions") == 1)
        bridge.asked.pull_soon("cpo1", ModuleID.SESSIONS, at_once=True)
        await until(lambda: pulled(bridge, "sessions") == 2)
        await look(bridge)
        assert pulled(bridge, "sessions") == 2
        bridge.asked.pull_soon("cpo1", ModuleID.SESSIONS)
        await look(bridge)

    assert pulled(bridge, "sessions") == 2, "others have time"


async def test_a_wish_that_meets_another_replica_at_work_is_not_lost(
    make: Made, lists: Lists, fake: FakeCpo
) -> None:
    first, second = make(), make()
    async with running(first):
        await until(lambda: pulled(first, "sessions") == 1)
        serving, released = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            serving.set()
            await released.wait()

        lists.meanwhile[SESSIONS] = hold
        for each in (first, second):
            each.clock[0] += timedelta(seconds=600)
        async with running(second):
            first.asked.wake("cpo1")
            await serving.wait()
            second.clock[0] += timedelta(seconds=1)
            second.asked.pull_soon("cpo1", ModuleID.SESSIONS)
            await look(second)
            assert second.asked.since("cpo1", ModuleID.SESSIONS) is not None
            lists.meanwhile.clear()
            released.set()
            await until(lambda: pulled(first, "sessions") + pulled(second, "sessions") == 2)
            await second.passes(ASKED_GAP_S)
            await until(lambda: second.asked.since("cpo1", ModuleID.SESSIONS) is None)

    began = [query["date_from"] for query in queries(fake, SESSIONS)]
    assert len(began) >= 3, "what the first read may have been older than the wish"


async def test_a_slow_catalogue_delays_no_session(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    released = asyncio.Event()

    async def hold() -> None:
        await released.wait()

    lists.meanwhile[TARIFFS] = hold
    async with running(bridge):
        await until(lambda: pulled(bridge, "sessions") == pulled(bridge, "cdrs") == 1)
        assert pulled(bridge, "tariffs") == 0
        released.set()
        await until(lambda: pulled(bridge) == 1)


async def test_after_failures_the_pauses_grow(bridge: Bridge, lists: Lists, fake: FakeCpo) -> None:
    fake.on("GET", LOCATIONS, always(None, http=503, code=3000))
    async with running(bridge):
        await until(lambda: len(bridge.told("pull.failed")) == 1)
        for failures, pause_s in enumerate((*BACKOFF_S, BACKOFF_S[-1]), start=1):
            bridge.clock[0] += timedelta(seconds=pause_s - 1)
            await look(bridge)
            assert len(bridge.told("pull.failed")) == failures
            bridge.clock[0] += timedelta(seconds=1)
            await look(bridge)
            assert len(bridge.told("pull.failed")) == failures + 1
        Lists(fake)
        bridge.clock[0] += timedelta(seconds=BACKOFF_S[-1])
        await look(bridge)

    assert pulled(bridge) == 1


async def test_a_cpo_that_wants_a_pause_is_asked_for_nothing_until_it_is_over(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    limited = always(None, http=429, code=3000, headers={"Retry-After": "60"})
    for path in (LOCATIONS, TARIFFS, SESSIONS, CDRS):
        fake.on("GET", path, limited)
    async with running(bridge):
        await until(lambda: len(bridge.told("pull.failed")) > 0)
        await look(bridge)
        asked = len(fake.asked)
        Lists(fake)
        bridge.clock[0] += timedelta(seconds=59)
        bridge.asked.pull_soon("cpo1", ModuleID.LOCATIONS)
        await look(bridge)
        assert len(fake.asked) == asked
        assert pulled(bridge) == 0
        bridge.clock[0] += timedelta(seconds=1)
        await look(bridge)

    assert pulled(bridge) == 1


async def test_one_dead_cpo_slows_nobody_else(make: Made, lists: Lists, fake: FakeCpo) -> None:
    bridge = make("dead")
    released = asyncio.Event()

    async def hang(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return enveloped([])

    whole = registered(fake)
    dead = tuple(replace(each, url=fake.url("/dead")) for each in whole.endpoints)
    fake.on("GET", "/dead", hang)
    await bridge.store.save(replace(whole, cpo_id="dead", endpoints=dead))

    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        assert {fields["cpo_id"] for fields in bridge.told("pull.done")} == {"cpo1"}
    released.set()


async def test_replicas_share_the_work(make: Made, lists: Lists, fake: FakeCpo) -> None:
    lists.locations = [location(f"L{number}") for number in range(4)]
    both = make(), make()

    async with running(*both):
        await until(lambda: sum(map(pulled, both)) >= 1)

    full = [query for query in queries(fake) if "date_from" not in query]
    assert [query["offset"] for query in full] == ["0", "2"], "everything was pulled once"


async def test_a_module_that_is_not_offered_is_not_asked_for_again_and_again(
    bridge: Bridge, lists: Lists, fake: FakeCpo
) -> None:
    whole = registered(fake)
    only = tuple(each for each in whole.endpoints if each.identifier != ModuleID.TARIFFS)
    await bridge.store.save(replace(whole, endpoints=only))

    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        before = bridge.store.looks.copy()
        await asyncio.wait_for(asyncio.shield(look(bridge)), 10)

    assert all(bridge.store.looks[loop] <= before[loop] + 3 for loop in LOOPS)
    assert queries(fake, TARIFFS) == []


async def test_a_stop_in_the_middle_of_a_pull_lets_the_lock_go(
    make: Made, lists: Lists, redis: Redis
) -> None:
    serving, released = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        serving.set()
        await released.wait()

    lists.meanwhile[TARIFFS] = hold
    async with running(make()):
        await serving.wait()
        assert await redis.exists(key("busy", "cpo1", "tariffs"))

    assert not await redis.exists(key("busy", "cpo1", "tariffs"))
    released.set()


async def test_no_fault_ends_the_worker(bridge: Bridge, lists: Lists) -> None:
    lists.locations = [location("L0", evses=[evse("E1")])]
    async with running(bridge):
        await until(lambda: pulled(bridge) == 1)
        changed = [evse("E1", status="UNKNOWN")]
        lists.locations = [location("L0", "2026-03-09T00:00:00Z", evses=changed)]
        bridge.correlation.faults.append(ZeroDivisionError("a fault of ours"))
        bridge.clock[0] += timedelta(seconds=600)
        await look(bridge)
        assert bridge.told("pull.crashed") == [{"cpo_id": "cpo1", "exc_info": True}]
        await until(lambda: pulled(bridge) == 2)
        bridge.store.faults.append(StoreUnavailable("Redis is away"))
        await look(bridge)

    assert bridge.told("store.unavailable") == [{"cpo_id": "cpo1", "error": "Redis is away"}]
    assert (await bridge.locations())["l0"].evses[0].status is Status.UNKNOWN
