"""What we present to CPOs, encrypted in a real Redis."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.flows.register import Claim
from bridge.ocpi.connection import Connection, TokenUse
from bridge.ocpi.headers import Party
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database, key
from bridge.store.objects import CHANGES
from bridge.store.sealed import Seal
from tests.integration.test_connections import OTHER, REGISTERED

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


def store(redis: Redis, *keys: str) -> ConnectionStore:
    """Return the connections as a bridge with these keys sees them."""
    tokens_a = {"cpo1": "a-one", "cpo2": "a-two"}
    return ConnectionStore(Database(redis), tokens_a, seal=Seal(keys))


async def everything(redis: Redis) -> str:
    """Return all names and values there are."""
    found: list[object] = []
    async for name in redis.scan_iter("*"):
        stream = await redis.type(name) == b"stream"
        found += [name, await redis.xrange(name) if stream else await redis.get(name)]
    return repr(found)


async def record(redis: Redis) -> bytes:
    """Return what is stored of the connection."""
    found = await redis.get(key("connection", "cpo1"))
    assert isinstance(found, bytes)
    return found


async def test_a_token_comes_back_from_what_does_not_show_it(redis: Redis) -> None:
    bridge = store(redis, NEW)

    await bridge.complete(REGISTERED, "the-inbound-token")
    await bridge.complete(OTHER, "another-inbound-token")

    assert await bridge.get("cpo1") == REGISTERED
    content = await everything(redis)
    for secret in ("token-c", "token-c2", "the-inbound-token", "another-inbound-token", "a-one"):
        assert secret not in content
    assert "cpo.test/versions" in content


async def test_the_rest_of_the_store_works_as_without(redis: Redis) -> None:
    bridge = store(redis, NEW)
    await bridge.complete(REGISTERED, "old")
    await bridge.complete(OTHER, "other")

    renewed = replace(REGISTERED, token="token-c3")
    assert await bridge.hand_over(renewed, "new", "old") is None
    greedy = replace(REGISTERED, roles=OTHER.roles)
    assert await bridge.complete(greedy, "new") == Claim(Party("IN", "XYZ"), "cpo2")
    url = "https://cpo.test/v"
    _, after = await bridge.change("cpo1", lambda old: replace(old, versions_url=url))

    assert after == replace(renewed, versions_url=url) == await bridge.get("cpo1")
    found = await bridge.present(("old",))
    assert found is not None
    assert found.use is TokenUse.REGISTERED
    await bridge.end("cpo1")
    assert await bridge.get("cpo1") == Connection(cpo_id="cpo1")
    await bridge.reseal("cpo1")
    await bridge.reseal("cpo3")


@pytest.mark.parametrize("keys", [(OLD,), (OLD, NEW), (NEW, OLD)])
async def test_any_of_the_keys_reads(redis: Redis, keys: Sequence[str]) -> None:
    await store(redis, OLD).complete(REGISTERED, "b")

    assert await store(redis, *keys).get("cpo1") == REGISTERED


async def test_what_was_written_in_clear_is_read_and_encrypted_when_its_time_comes(
    redis: Redis,
) -> None:
    await store(redis).complete(REGISTERED, "b")
    bridge = store(redis, NEW)
    assert await bridge.get("cpo1") == REGISTERED
    announced = await redis.xlen(CHANGES)

    await bridge.reseal("cpo1")

    assert b"token-c" not in await record(redis)
    assert await bridge.get("cpo1") == REGISTERED
    assert await redis.xlen(CHANGES) == announced, "nothing about the connection has changed"


async def test_a_new_key_takes_over(redis: Redis) -> None:
    await store(redis, OLD).complete(REGISTERED, "b")
    await store(redis, OLD, NEW).reseal("cpo1")
    with pytest.raises(StoreUnavailable):
        await store(redis, NEW).get("cpo1")

    await store(redis, NEW, OLD).reseal("cpo1")
    once = await record(redis)
    await store(redis, NEW, OLD).reseal("cpo1")

    assert await record(redis) == once
    assert await store(redis, NEW).get("cpo1") == REGISTERED


@pytest.mark.parametrize("keys", [(), (LOST,)])
async def test_without_its_key_nobody_takes_it_for_unregistered(
    redis: Redis, keys: Sequence[str]
) -> None:
    await store(redis, OLD).complete(REGISTERED, "b")
    bridge = store(redis, *keys)

    with pytest.raises(StoreUnavailable, match="secrets_key") as raised:
        await bridge.get("cpo1")
    with pytest.raises(StoreUnavailable, match="secrets_key"):
        await bridge.complete(OTHER, "other")
    with pytest.raises(StoreUnavailable, match="secrets_key"):
        await bridge.change("cpo1", lambda old: old)
    for secret in (OLD, LOST, "token-c"):
        assert secret not in str(raised.value)

    await bridge.end("cpo1")
    assert not (await bridge.get("cpo1")).registered


def test_a_seal_shows_no_key() -> None:
    assert OLD not in repr(Seal([OLD])) + repr(vars(Seal([OLD])))
