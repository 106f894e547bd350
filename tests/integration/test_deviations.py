"""Deviations of CPOs: gathered by every replica, counted together."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.store.deviations import Deviation, Deviations, Kind


@pytest.fixture
def deviations(redis: Redis) -> Deviations:
    return Deviations(Database(redis), retention_s=60)


async def test_replicas_count_together_and_the_first_place_stays(
    redis: Redis, deviations: Deviations
) -> None:
    other = Deviations(Database(redis), retention_s=60)
    deviations.note("cpo1", Kind.FORGIVEN, "raw_token", "Authorization")
    deviations.note("cpo1", Kind.FORGIVEN, "raw_token", "later")
    await deviations.flush()
    other.note("cpo1", Kind.FORGIVEN, "raw_token", "elsewhere")
    other.note("cpo1", Kind.REFUSED, "cdr_put", "PUT")
    await other.flush()
    assert await deviations.of("cpo1") == [
        Deviation(Kind.FORGIVEN, "raw_token", 3, "Authorization"),
        Deviation(Kind.REFUSED, "cdr_put", 1, "PUT"),
    ]
    assert await deviations.of("cpo2") == []


async def test_what_is_written_is_written_once(deviations: Deviations) -> None:
    deviations.note("cpo1", Kind.FORGIVEN, "raw_token", "")
    await deviations.flush()
    await deviations.flush()
    assert [each.times for each in await deviations.of("cpo1")] == [1]


async def test_without_redis_it_stays_gathered(redis_url: str) -> None:
    async with connect("redis://127.0.0.1:1/0") as nowhere:
        away = Deviations(Database(nowhere), retention_s=60)
        away.note("cpo1", Kind.FORGIVEN, "raw_token", "Authorization")
        with pytest.raises(StoreUnavailable):
            await away.flush()
    async with connect(redis_url) as back:
        away._db = Database(back)
        await away.flush()
        assert [each.times for each in await away.of("cpo1")] == [1]


async def test_a_cpo_that_was_mended_begins_anew(deviations: Deviations) -> None:
    deviations.note("cpo1", Kind.FORGIVEN, "raw_token", "")
    await deviations.flush()
    await deviations.forget("cpo1")
    assert await deviations.of("cpo1") == []
