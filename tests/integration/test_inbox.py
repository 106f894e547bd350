"""Events on their way into the lanes of their orders, in a real Redis."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from bridge.flows.jobs import BecknJob, CommandResultJob, DeadlineJob, Job
from bridge.observability import Metrics
from bridge.ocpi.commands import CommandResultType
from bridge.orders.intents import Search, Status
from bridge.orders.order import Order, OrderState
from bridge.store.database import Database, key
from bridge.store.inbox import REPEATS_KEPT_S, Inbox
from bridge.store.lanes import Lanes
from bridge.store.orders import DEADLINES, OrderStore
from bridge.workers.deadlines import watch_deadlines
from tests.factories import EMSP, NOW, order, request
from tests.waiting import until

S = OrderState


class Side:
    """The inbox, with the lanes under it."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "inbox")
        self.inbox = Inbox(self.db, self.lanes)
        self.orders = OrderStore(self.db, emsp=EMSP, issuer="Bridge", retention_s=1000)

    async def jobs(self, order_key: str) -> list[Job]:
        """Return the jobs of an order."""
        entries = await self.lanes.entries(order_key)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]

    async def names(self, order_key: str) -> list[str]:
        """Return the names of the deadlines that were queued for an order."""
        return [job.name for job in await self.jobs(order_key) if isinstance(job, DeadlineJob)]

    async def save(self, after: Order) -> Order:
        """Store an order over what is stored."""
        before = await self.orders.load(after.key)
        await self.db.commit(self.orders.saved(after, before))
        return after


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


def asked(message_id: str = "m1") -> BecknJob:
    """Make a status request."""
    return BecknJob(
        request=request(action="status", message_id=message_id), intent=Status(order_id="order-1")
    )


def result(command_id: str) -> CommandResultJob:
    """Make the result of a command."""
    return CommandResultJob(command_id=command_id, result=CommandResultType.ACCEPTED, at=NOW)


def ago(seconds: float) -> datetime:
    """Return a time in the past."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


async def test_jobs_keep_their_order_and_their_content(side: Side) -> None:
    jobs: list[Job] = [result("c1"), asked(), result("c2")]
    for job in jobs:
        await side.inbox.queue("o1", job)

    assert await side.jobs("o1") == jobs
    assert await side.jobs("o2") == []


async def test_a_repeated_request_is_queued_once(side: Side) -> None:
    assert await side.inbox.queue_once("o1", asked(), "same")
    assert not await side.inbox.queue_once("o1", asked(), "same")
    assert await side.inbox.queue_once("o1", asked("m2"), "other")

    assert await side.jobs("o1") == [asked(), asked("m2")]


async def test_of_replicas_that_get_one_request_at_once_one_queues_it(side: Side) -> None:
    tries = [side.inbox.queue_once("o1", asked(), "same") for _ in range(20)]

    assert sum(await asyncio.gather(*tries)) == 1
    assert await side.jobs("o1") == [asked()]


async def test_repeats_are_remembered_for_a_day_searches_for_less(side: Side) -> None:
    search = BecknJob(request=request(action="search"), intent=Search())
    await side.inbox.queue_once("o1", asked(), "status")
    await side.inbox.queue_once("o2", search, "search")

    kept_s = await side.db.do("TTL", key("seen", "status"))
    assert REPEATS_KEPT_S - 60 < kept_s <= REPEATS_KEPT_S
    assert 0 < await side.db.do("TTL", key("seen", "search")) < kept_s


async def test_deadlines_that_passed_become_jobs(side: Side) -> None:
    due = await side.save(order(deadlines={"start": ago(1), "bill": ago(-3600)}))

    [fired] = await side.inbox.queue_due()
    assert fired.name == "start"
    assert 1 <= fired.lag_s < 30
    assert await side.inbox.queue_due() == []

    assert await side.names(due.key) == ["start"]
    assert await side.db.do("ZCARD", DEADLINES) == 1


async def test_each_deadline_is_queued_by_one_replica(side: Side) -> None:
    deadlines = {f"d{number}": ago(number + 1) for number in range(30)}
    due = await side.save(order(deadlines=deadlines))

    counts = await asyncio.gather(*(side.inbox.queue_due() for _ in range(5)))

    assert sum(map(len, counts)) == 30
    assert sorted(await side.names(due.key)) == sorted(deadlines)


async def test_the_oldest_come_first_and_no_more_than_asked_for(side: Side) -> None:
    due = await side.save(order(deadlines={f"d{n}": ago(10 - n) for n in range(5)}))

    assert await side.inbox.overdue() == 5
    assert len(await side.inbox.queue_due(how_many=2)) == 2
    assert await side.inbox.overdue() == 3
    assert await side.names(due.key) == ["d0", "d1"]
    assert len(await side.inbox.queue_due(how_many=10)) == 3
    assert await side.names(due.key) == ["d0", "d1", "d2", "d3", "d4"]


async def test_a_deadline_that_was_moved_or_cleared_does_not_come(side: Side) -> None:
    first = await side.save(order(deadlines={"start": ago(5), "bill": ago(5)}))
    await side.save(msgspec.structs.replace(first, deadlines={"start": ago(-3600)}))

    assert await side.inbox.queue_due() == []
    assert await side.jobs(first.key) == []


async def test_an_order_key_may_hold_any_character(side: Side) -> None:
    odd = request(bap_id="bap\x1f.example", transaction_id="t\x1f|:{1}")
    due = await side.save(order(request=odd, deadlines={"start": ago(1)}))

    await side.inbox.queue_due()

    assert await side.names(due.key) == ["start"]


async def test_the_watcher_queues_and_wakes_until_it_is_cancelled(side: Side) -> None:
    woken: list[str] = []
    metrics = Metrics()
    watcher = watch_deadlines(side.inbox, lambda: woken.append("woken"), metrics)
    task = asyncio.create_task(watcher)
    due = await side.save(order(deadlines={"start": ago(1)}))

    await until(lambda: woken == ["woken"])
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await side.names(due.key) == ["start"]
    counted = metrics.registry.get_sample_value
    assert counted("bridge_deadline_lag_seconds_count", {"deadline": "start"}) == 1
