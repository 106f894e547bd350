"""Live data for a track callback_url: a few tries, then the next state."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw
from redis.asyncio import Redis

from bridge.errors import CallbackFailed
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.workers.inbox import LiveEntry
from bridge.workers.live import RETRIES_S, LiveWorker
from tests.clock import Clock

URL = "https://bap.example/live"


class Side:
    """The live lanes on a clock of the test's own, and who takes the data."""

    def __init__(self, redis: Redis) -> None:
        self.clock = Clock()
        self.db = Database(redis)
        self.lanes = Lanes(self.db, "live", clock=self.clock.ms)
        self.worker = LiveWorker(database=self.db, lanes=self.lanes, patch=self._patch)
        self.failures = 0
        self.got: list[bytes] = []

    async def _patch(self, url: str, body: bytes) -> None:
        assert url == URL
        self.got.append(body)
        if self.failures:
            self.failures -= 1
            raise CallbackFailed("HTTP 500")

    async def queue(self, *bodies: bytes) -> None:
        """Queue states of one order."""
        for body in bodies:
            entry = msgspec.json.encode(LiveEntry(url=URL, body=Raw(body)))
            await self.db.commit(self.lanes.push("o1", entry))

    async def work(self) -> None:
        """Try what is due, until nothing is."""
        while claims := await self.lanes.claim(10):
            for claim in claims:
                await self.worker.handle(claim)


@pytest.fixture
def side(redis: Redis) -> Side:
    return Side(redis)


async def test_states_come_in_order(side: Side) -> None:
    await side.queue(b"1", b"2", b"3")

    await side.work()

    assert side.got == [b"1", b"2", b"3"]
    assert await side.lanes.depth() == 0


async def test_a_failure_is_retried_a_few_times_then_the_next_state_follows(side: Side) -> None:
    side.failures = 1 + len(RETRIES_S)
    await side.queue(b"1", b"2")

    await side.work()
    for pause_s in RETRIES_S:
        side.clock.forward(pause_s - 0.001)
        await side.work()
        tries = len(side.got)
        side.clock.forward(0.001)
        await side.work()
        assert len(side.got) > tries

    assert side.got == [b"1"] * 4 + [b"2"]
    assert await side.lanes.depth() == 0
