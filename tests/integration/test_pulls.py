"""Locks and cursors of pulls, in a real Redis."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from bridge.store.database import Database, key
from bridge.store.pulls import Pulls, PullState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def pulls(redis: Redis) -> Pulls:
    return Pulls(Database(redis))


async def test_one_of_many_takes_the_lock(pulls: Pulls) -> None:
    taken = await asyncio.gather(*(pulls.take("cpo1", "locations") for _ in range(20)))

    assert len([lease for lease in taken if lease is not None]) == 1


async def test_locks_of_other_modules_and_cpos_are_others(pulls: Pulls) -> None:
    assert await pulls.take("cpo1", "locations")
    assert await pulls.take("cpo1", "tariffs")
    assert await pulls.take("cpo2", "locations")


async def test_a_released_lock_can_be_taken(pulls: Pulls) -> None:
    lease = await pulls.take("cpo1", "locations")
    assert lease is not None

    await pulls.release(lease)

    assert await pulls.take("cpo1", "locations")


async def test_only_the_holder_releases_renews_and_keeps(pulls: Pulls, redis: Redis) -> None:
    lost = await pulls.take("cpo1", "locations")
    assert lost is not None
    await redis.delete(key("busy", "cpo1", "locations"))
    held = await pulls.take("cpo1", "locations")
    assert held is not None

    await pulls.release(lost)

    assert await pulls.take("cpo1", "locations") is None
    assert await pulls.renew(lost) is False
    assert await pulls.keep(lost, "cpo1", "locations", PullState(cursor=NOW)) is False
    assert await pulls.state("cpo1", "locations") == PullState()
    assert await pulls.renew(held) is True


async def test_a_lock_ends_by_itself_and_lives_on_when_renewed(pulls: Pulls, redis: Redis) -> None:
    lease = await pulls.take("cpo1", "locations", lease_s=30)
    assert lease is not None
    name = key("busy", "cpo1", "locations")
    assert 29_000 < await redis.pttl(name) <= 30_000
    await redis.pexpire(name, 5_000)

    await pulls.renew(lease)

    assert await redis.pttl(name) > 29_000


async def test_the_state_is_kept_whole_and_by_module(pulls: Pulls) -> None:
    lease = await pulls.take("cpo1", "locations")
    assert lease is not None
    state = PullState(
        cursor=NOW, pulled_at=NOW, full_at=NOW, tried_at=NOW, error="no answer", failures=2
    )

    assert await pulls.keep(lease, "cpo1", "locations", state)

    assert await pulls.state("cpo1", "locations") == state
    assert await pulls.state("cpo1", "tariffs") == PullState()
    assert await pulls.state("cpo2", "locations") == PullState()


async def test_what_is_forgotten_is_pulled_in_full(pulls: Pulls) -> None:
    lease = await pulls.take("cpo1", "locations")
    assert lease is not None
    await pulls.keep(lease, "cpo1", "locations", PullState(cursor=NOW))

    await pulls.forget("cpo1", "locations")

    assert await pulls.state("cpo1", "locations") == PullState()
