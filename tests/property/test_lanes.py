"""Whatever two replicas do, and whenever they die: each lane's entries come once, in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.store.lanes import Claim, Lanes
from tests.clock import Clock

LEASE_MS = 1000
LANES = ("a", "b")

lane = st.sampled_from(LANES)
holder = st.integers(0, 1)
time_ms = st.sampled_from([1, 300, LEASE_MS, 3 * LEASE_MS])

STEPS = st.one_of(
    st.tuples(st.just("push"), lane, st.booleans()),
    st.tuples(st.just("claim"), holder, st.integers(1, 2)),
    st.tuples(st.just("finish"), holder, lane),
    st.tuples(st.just("postpone"), holder, lane, time_ms),
    st.tuples(st.just("renew"), holder),
    st.tuples(st.just("die"), holder),
    st.tuples(st.just("wait"), time_ms),
)


@dataclass
class Lane:
    """What must be true of a lane.

    Args:
        due: when it may be claimed, ms.
        token: of the holder that has it, or died with it.
    """

    pushed: list[bytes] = field(default_factory=list)
    finished: list[bytes] = field(default_factory=list)
    due: int = 0
    token: str | None = None
    woken: bool = False

    @property
    def waiting(self) -> int:
        """How many entries are left."""
        return len(self.pushed) - len(self.finished)


class Replicas:
    """Two replicas, each with the claims it believes to hold, beside a model of the lanes."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.db = database
        self.lanes = Lanes(database, "any", lease_s=LEASE_MS / 1000, clock=self.clock.ms)
        self.model = {name: Lane() for name in LANES}
        self.believed: defaultdict[int, dict[str, Claim]] = defaultdict(dict)

    async def push(self, name: str, wake: bool) -> None:
        now, lane = self.clock.ms(), self.model[name]
        entry = f"{name}{len(lane.pushed)}".encode()
        await self.db.commit(self.lanes.push(name, entry, wake=wake))
        if not lane.waiting:
            lane.due = now
        lane.pushed.append(entry)
        if wake and lane.token is None:
            lane.due = min(lane.due, now)
        lane.woken |= wake and lane.token is not None

    async def claim(self, who: int, how_many: int) -> None:
        now = self.clock.ms()
        due = {name for name, lane in self.model.items() if lane.waiting and lane.due <= now}
        claims = await self.lanes.claim(how_many)
        assert {claim.lane for claim in claims} <= due
        assert len(claims) == min(how_many, len(due))
        for claim in claims:
            lane = self.model[claim.lane]
            # The head, by number: postponed entries keep theirs.
            assert claim.entry == lane.pushed[len(lane.finished)]
            lane.due, lane.token, lane.woken = now + LEASE_MS, claim.token, False
            self.believed[who][claim.lane] = claim

    async def finish(self, who: int, name: str) -> None:
        claim = self.believed[who].pop(name, None)
        if claim is None:
            return
        done = await self.db.commit(self.lanes.finished(claim), [self.lanes.held(claim)])
        lane = self.model[name]
        assert done == (claim.token == lane.token)
        if done:
            lane.finished.append(claim.entry)
            self._leave(lane, 0)

    async def postpone(self, who: int, name: str, delay_ms: int) -> None:
        claim = self.believed[who].pop(name, None)
        if claim is None:
            return
        done = await self.lanes.postpone(claim, claim.entry, delay_ms / 1000)
        lane = self.model[name]
        assert done == (claim.token == lane.token)
        if done:
            self._leave(lane, delay_ms)

    def _leave(self, lane: Lane, delay_ms: int) -> None:
        lane.due = self.clock.ms() + (0 if lane.woken else delay_ms)
        lane.token, lane.woken = None, False

    async def renew(self, who: int) -> None:
        await self.lanes.renew(list(self.believed[who].values()))
        for name, claim in self.believed[who].items():
            if claim.token == self.model[name].token:
                self.model[name].due = self.clock.ms() + LEASE_MS

    async def die(self, who: int) -> None:
        self.believed[who].clear()

    async def wait(self, ms: int) -> None:
        self.clock.forward(ms / 1000)

    async def drain(self) -> None:
        """Let a third replica do all that is left."""
        await self.wait(LEASE_MS * 10)
        while any(lane.waiting for lane in self.model.values()):
            await self.claim(2, 2)
            for name in list(self.believed[2]):
                await self.finish(2, name)


async def run(url: str, steps: list[tuple[object, ...]]) -> None:
    """Play the steps on an empty Redis, then let everything be finished."""
    async with connect(url) as redis:
        replicas = Replicas(Database(redis))
        try:
            for name, *how in steps:
                await getattr(replicas, str(name))(*how)
            await replicas.drain()
            for lane in replicas.model.values():
                assert lane.finished == lane.pushed
            assert await redis.keys("*") == []
        finally:
            await redis.flushdb()


@settings(max_examples=120, deadline=None)
@given(steps=st.lists(STEPS, max_size=10) | st.lists(STEPS, min_size=30, max_size=80))
def test_each_lane_is_delivered_in_order_and_once(
    redis_server: str, steps: list[tuple[object, ...]]
) -> None:
    asyncio.run(run(redis_server, steps))
