"""The runner of lanes: parallel, patient with Redis, proof against crashes, clean at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.store.database import Database, key
from bridge.store.lanes import FAILED, Claim, Lanes
from bridge.workers.lane_runner import LaneRunner
from tests.waiting import until

Handle = Callable[[Claim], Awaitable[None]]


class Work:
    """Lanes of one kind and what was seen of them."""

    def __init__(self, redis: Redis) -> None:
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "inbox")
        self.begun: list[bytes] = []
        self.seen: list[bytes] = []
        self.gate = asyncio.Event()

    async def push(self, lane: str, *entries: bytes) -> None:
        """Append entries."""
        for entry in entries:
            await self.db.commit(self.lanes.push(lane, entry))

    async def finish(self, claim: Claim) -> None:
        """Note an entry and finish it."""
        self.seen.append(claim.entry)
        await self.db.commit(self.lanes.finished(claim), [self.lanes.held(claim)])

    async def finish_later(self, claim: Claim) -> None:
        """Finish an entry once the gate is open."""
        self.begun.append(claim.entry)
        async with asyncio.timeout(15):
            await self.gate.wait()
        await self.finish(claim)

    async def idle(self) -> bool:
        """Whether nothing is left."""
        return await self.lanes.depth() == 0


@asynccontextmanager
async def running(runner: LaneRunner) -> AsyncIterator[asyncio.Task[None]]:
    """Run a runner; stop it at the end and wait for it."""
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        runner.stop()
        await task


@pytest.fixture
def work(redis: Redis) -> Work:
    return Work(redis)


async def test_everything_is_worked_off_in_order_of_each_lane(work: Work) -> None:
    for number in range(50):
        await work.push(f"lane {number % 10}", f"{number % 10} {number:02}".encode())

    async with running(LaneRunner(work.lanes, work.finish, parallel=4)):
        await until(work.idle)

    assert len(work.seen) == 50
    for lane in range(10):
        entries = [entry for entry in work.seen if entry.startswith(b"%d " % lane)]
        assert entries == sorted(entries)


async def test_nothing_is_claimed_before_it_can_be_worked_off(work: Work) -> None:
    open_now = asyncio.Event()
    await work.push("early", b"1")
    asked: list[bool] = []

    def ready() -> bool:
        asked.append(open_now.is_set())
        return asked[-1]

    async with running(LaneRunner(work.lanes, work.finish, ready=ready)):
        await until(lambda: len(asked) > 1)
        assert work.seen == []
        open_now.set()
        await until(work.idle)

    assert work.seen == [b"1"]


async def test_two_runners_share_the_work_and_double_none(work: Work) -> None:
    for number in range(100):
        await work.push(f"lane {number % 25}", b"%d" % number)

    async with (
        running(LaneRunner(work.lanes, work.finish)),
        running(LaneRunner(work.lanes, work.finish)),
    ):
        await until(work.idle)

    assert sorted(map(int, work.seen)) == list(range(100))


async def test_a_slow_lane_does_not_hold_up_another(work: Work) -> None:

    async def handle(claim: Claim) -> None:
        await (work.finish_later if claim.lane == "slow" else work.finish)(claim)

    await work.push("slow", b"slow")
    async with running(LaneRunner(work.lanes, handle)):
        await work.push("quick", b"1", b"2")
        await until(lambda: work.seen == [b"1", b"2"])
        work.gate.set()
        await until(work.idle)

    assert work.seen == [b"1", b"2", b"slow"]


async def test_no_more_lanes_are_held_than_allowed(work: Work) -> None:
    runner = LaneRunner(work.lanes, work.finish_later, parallel=3)

    for number in range(8):
        await work.push(f"lane {number}", b"x")
    async with running(runner):
        await until(lambda: len(work.begun) == 3)
        held = await work.db.do("KEYS", key("holder", "*"))
        assert len(held) == 3
        work.gate.set()
        await until(work.idle)


async def test_an_entry_that_crashes_its_handler_is_put_aside(work: Work) -> None:
    async def handle(claim: Claim) -> None:
        if claim.entry == b"bad":
            raise KeyError("no such thing")
        await work.finish(claim)

    await work.push("a", b"bad", b"good")
    async with running(LaneRunner(work.lanes, handle)):
        await until(work.idle)

    assert work.seen == [b"good"]
    [(_, kept)] = await work.db.do("XRANGE", FAILED, "-", "+")
    assert kept[b"entry"] == b"bad"
    assert kept[b"error"] == b"KeyError: 'no such thing'"


async def test_without_redis_a_lane_is_left_to_its_lease(redis: Redis) -> None:
    work = Work(redis)
    work.lanes = Lanes(work.db, "inbox", lease_s=0.3)
    tries = 0

    async def handle(claim: Claim) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StoreUnavailable("Redis: gone")
        await work.finish(claim)

    await work.push("a", b"1", b"2")
    async with running(LaneRunner(work.lanes, handle)):
        await until(work.idle)

    assert work.seen == [b"1", b"2"]
    assert await work.db.do("EXISTS", FAILED) == 0


async def test_a_lane_under_way_is_renewed_until_it_is_done(redis: Redis) -> None:
    work = Work(redis)
    work.lanes = Lanes(work.db, "inbox", lease_s=0.6)
    runner = LaneRunner(work.lanes, work.finish_later)

    async def due() -> float:
        return float(await work.db.do("ZSCORE", key("queue", "inbox"), "a") or 0)

    await work.push("a", b"1")
    async with running(runner):
        await until(lambda: len(work.begun) == 1)
        first = await due()

        async def renewed(times: int) -> bool:
            return await due() > first + 150 * times

        await until(lambda: renewed(1))
        runner.stop()
        # Stopped, and still at it: the lease goes on.
        await until(lambda: renewed(2))
        work.gate.set()

    assert (work.begun, work.seen) == ([b"1"], [b"1"])
    assert await work.idle()


async def test_a_stop_lets_what_is_under_way_finish_and_claims_no_more(work: Work) -> None:
    runner = LaneRunner(work.lanes, work.finish_later)

    await work.push("a", b"1", b"2")
    async with running(runner) as task:
        await until(lambda: len(work.begun) == 1)
        runner.stop()
        assert not task.done()
        work.gate.set()
        await task

    assert work.seen == [b"1"]
    assert await work.lanes.entries("a") == [b"2"]


async def test_a_cancelled_runner_finishes_what_is_under_way_too(work: Work) -> None:
    runner = LaneRunner(work.lanes, work.finish_later)

    await work.push("a", b"1")
    task = asyncio.create_task(runner.run())
    await until(lambda: len(work.begun) == 1)
    task.cancel()
    work.gate.set()
    await asyncio.wait([task])

    assert task.cancelled()
    assert work.seen == [b"1"]
