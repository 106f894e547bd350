"""One inbound token follows another, and no party has two connections; in a real Redis."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.flows.register import Claim
from bridge.ocpi.connection import TokenUse
from bridge.ocpi.headers import Party
from bridge.store.connections import GRACE_S, PENDING_S, ConnectionStore
from bridge.store.database import Argument, Command, Database, Guard, key
from tests.clock import Clock
from tests.integration.test_connections import NOW, OTHER, REGISTERED, use_of


@pytest.fixture
def store(redis: Redis) -> ConnectionStore:
    return ConnectionStore(Database(redis), {"cpo1": "a-one", "cpo2": "a-two"})


@pytest.mark.requirement("O51")
async def test_the_first_use_of_a_new_token_ends_the_old_one(store: ConnectionStore) -> None:
    await store.complete(REGISTERED, "old")
    await store.hand_over(REGISTERED, "new", "old")
    await store.offer("cpo1", "offered")
    assert await use_of(store, "old") == ("cpo1", TokenUse.REGISTERED)

    assert await use_of(store, "new") == ("cpo1", TokenUse.REGISTERED)

    assert await use_of(store, "old") is None
    assert await use_of(store, "new") == ("cpo1", TokenUse.REGISTERED)
    assert await use_of(store, "offered") == ("cpo1", TokenUse.PENDING)


@pytest.mark.requirement("O51")
async def test_an_old_token_ends_by_itself(redis: Redis) -> None:
    clock = Clock(NOW)
    store = ConnectionStore(Database(redis), {}, now=clock.now)
    await store.complete(REGISTERED, "old")
    await store.hand_over(REGISTERED, "new", "old")
    lives = sorted(
        [await redis.ttl(name) async for name in redis.scan_iter(key("inbound-token", "*"))]
    )
    assert lives[0] == -1
    assert GRACE_S - 5 < lives[1] <= GRACE_S

    clock.forward(GRACE_S)

    assert await use_of(store, "old") is None
    await store.hand_over(REGISTERED, "newer", "new")
    assert await use_of(store, "new") == ("cpo1", TokenUse.REGISTERED)


async def test_replicas_that_use_a_new_token_at_once_all_hear_it(redis: Redis) -> None:
    stores = [ConnectionStore(Database(redis), {}) for _ in range(8)]
    await stores[0].complete(REGISTERED, "old")
    await stores[0].hand_over(REGISTERED, "new", "old")

    uses = await asyncio.gather(*(use_of(store, "new") for store in stores))

    assert uses == [("cpo1", TokenUse.REGISTERED)] * 8
    assert await use_of(stores[0], "old") is None


class Counting(Database):
    """Counts its round trips."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.trips = 0

    async def do(self, *command: Argument) -> Any:
        self.trips += 1
        return await super().do(*command)

    async def commit(self, commands: Sequence[Command], guards: Sequence[Guard] = ()) -> bool:
        self.trips += 1
        return await super().commit(commands, guards)


async def test_a_known_token_costs_one_round_trip(redis: Redis) -> None:
    database = Counting(redis)
    store = ConnectionStore(database, {"cpo1": "a-one", "cpo2": "a-two"})
    await store.complete(REGISTERED, "old")
    await store.hand_over(REGISTERED, "new", "old")

    async def trips(token: str) -> int:
        before = database.trips
        assert await use_of(store, "bmV3", token) == ("cpo1", TokenUse.REGISTERED)
        return database.trips - before

    assert [await trips("old"), await trips("new"), await trips("new")] == [1, 3, 1]


@pytest.mark.parametrize("how", ["complete", "hand_over"])
async def test_a_party_belongs_to_one_connection(store: ConnectionStore, how: str) -> None:
    await store.complete(OTHER, "other")
    await store.complete(REGISTERED, "old")
    greedy = replace(REGISTERED, token="out-2", roles=(*REGISTERED.roles, *OTHER.roles))

    claim = (
        await store.complete(greedy, "new")
        if how == "complete"
        else await store.hand_over(greedy, "new", "old")
    )

    assert claim == Claim(Party("IN", "XYZ"), "cpo2")
    assert await store.get("cpo1") == REGISTERED
    assert await use_of(store, "new") is None
    assert await use_of(store, "old") == ("cpo1", TokenUse.REGISTERED)
    await store.end("cpo2")
    assert await store.complete(greedy, "new") is None


async def test_of_two_that_claim_a_party_at_once_one_gets_it(redis: Redis) -> None:
    ids = [f"cpo{number}" for number in range(6)]
    tokens_a = {cpo_id: f"a-{cpo_id}" for cpo_id in ids}
    stores = {cpo_id: ConnectionStore(Database(redis), tokens_a) for cpo_id in ids}

    claims = await asyncio.gather(
        *(store.complete(replace(REGISTERED, cpo_id=each), each) for each, store in stores.items())
    )

    assert claims.count(None) == 1


async def test_token_a_is_good_again_while_our_post_is_open(redis: Redis) -> None:
    clock = Clock(NOW)
    store = ConnectionStore(Database(redis), {"cpo1": "a-one"}, now=clock.now)
    await store.complete(REGISTERED, "old")
    assert await use_of(store, "a-one") is None

    await store.offer("cpo1", "token-b")
    assert await use_of(store, "a-one") == ("cpo1", TokenUse.REGISTER)
    clock.forward(PENDING_S)
    assert await use_of(store, "a-one") is None

    await store.offer("cpo1", "token-b")
    await store.complete(REGISTERED, "token-b")
    assert await use_of(store, "a-one") is None


async def test_tokens_of_an_older_bridge_are_known(store: ConnectionStore, redis: Redis) -> None:
    hashed = hashlib.sha256(b"old").hexdigest()
    await redis.set(key("inbound-token", hashed), b'["cpo1","REGISTERED"]')
    await redis.set(key("inbound-tokens", "cpo1"), b'{"%s":"REGISTERED"}' % hashed.encode())

    assert await use_of(store, "old") == ("cpo1", TokenUse.REGISTERED)
    await store.complete(REGISTERED, "new")
    assert await use_of(store, "old") is None
