"""What `bridge status` shows: which replicas run, when CPOs pushed, orders by state."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.orders.order import OrderState
from bridge.store.connect import connect
from bridge.store.database import Database
from bridge.store.orders import OrderStore
from bridge.store.presence import Presence, Replica
from bridge.workers.presence import keep_presence, this_replica
from tests.factories import EMSP, NOW, order
from tests.waiting import until


def replica(name: str, **changes: object) -> Replica:
    """Return a replica that was just seen."""
    whole = Replica(id=name, host=name, version="1", started_at=NOW, seen_at=NOW)
    return replace(whole, **changes)


async def test_a_replica_is_shown_while_it_beats(redis: Redis) -> None:
    here, there = Presence(Database(redis)), Presence(Database(redis))
    older = replica("b", started_at=NOW - timedelta(hours=1))
    await here.beat(replica("a"))
    await there.beat(older)
    assert [each.id for each in await here.replicas(NOW)] == ["b", "a"]
    assert await here.replicas(NOW + timedelta(seconds=31)) == []

    back = replace(older, seen_at=NOW + timedelta(days=2))
    await there.beat(back)
    assert await redis.hlen("{bridge}:replicas") == 1
    assert await here.replicas(back.seen_at) == [back]
    await there.leave("b")
    assert await here.replicas(back.seen_at) == []


async def test_a_push_is_known_with_the_next_beat(redis: Redis) -> None:
    presence = Presence(Database(redis))
    presence.pushed("cpo1")
    assert await presence.pushed_at("cpo1") is None
    await presence.beat(replica("a"))
    at = await presence.pushed_at("cpo1")
    assert at is not None
    assert await presence.pushed_at("cpo2") is None
    # A push is written once: another replica may have seen a later one meanwhile.
    await redis.hdel("{bridge}:pushed", "cpo1")
    await presence.beat(replica("a"))
    assert await presence.pushed_at("cpo1") is None


async def test_without_redis_a_push_stays_noted(redis: Redis) -> None:
    async with connect("redis://127.0.0.1:1/0") as nowhere:
        presence = Presence(Database(nowhere))
        presence.pushed("cpo1")
        with pytest.raises(StoreUnavailable):
            await presence.beat(replica("a"))
    presence._db = Database(redis)
    await presence.beat(replica("a"))
    assert await presence.pushed_at("cpo1") is not None


async def test_a_replica_that_stops_says_so(redis: Redis) -> None:
    presence, me = Presence(Database(redis)), this_replica()
    keeping = asyncio.create_task(keep_presence(presence, me, beat_s=0.01))

    async def seen() -> bool:
        return [each.id for each in await presence.replicas(me.started_at)] == [me.id]

    await until(seen)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert await presence.replicas(me.started_at) == []


async def test_orders_are_counted_by_their_state(redis: Redis) -> None:
    database = Database(redis)
    orders = OrderStore(database, emsp=EMSP, issuer="Bridge", retention_s=1000)
    first = order(OrderState.SELECTED)
    await database.commit(orders.saved(first, None))
    later = replace(first, state=OrderState.INITIALISED)
    await database.commit(orders.saved(later, first))
    await database.commit(orders.saved(later, later))
    counts = await orders.counts(first.updated_at)
    assert {state for state, count in counts.items() if count} == {OrderState.INITIALISED}
    assert counts[OrderState.INITIALISED] == 1
    assert not any((await orders.counts(first.updated_at + timedelta(seconds=1001))).values())
