"""Connections and inbound tokens, in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection, Presented, TokenUse
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint
from bridge.store.connections import (
    PENDING_S,
    ConnectionStore,
    Progress,
    RegistrationState,
)
from bridge.store.database import Command, Database, Guard, key
from bridge.store.objects import CHANGES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REGISTERED = Connection(
    cpo_id="cpo1",
    token="token-c",
    versions_url="https://cpo.test/versions",
    roles=(
        CredentialsRole(
            role=Role.CPO,
            business_details=BusinessDetails(name="A CPO", website="https://cpo.test"),
            party_id="ABC",
            country_code="IN",
        ),
    ),
    endpoints=(
        Endpoint(
            identifier=ModuleID.LOCATIONS, role=InterfaceRole.SENDER, url="https://cpo.test/l"
        ),
    ),
    registered_at=NOW,
)


OTHER = Connection(
    cpo_id="cpo2",
    token="token-c2",
    roles=(replace(REGISTERED.roles[0], party_id="XYZ"),),
    registered_at=NOW,
)


@pytest.fixture
def store(redis: Redis) -> ConnectionStore:
    return ConnectionStore(Database(redis), {"cpo1": "a-one", "cpo2": "a-two"})


async def use_of(store: ConnectionStore, *candidates: str) -> tuple[str, TokenUse] | None:
    """Return whose token it is and for what."""
    found = await store.present(candidates)
    return None if found is None else (found.cpo_id, found.use)


async def changes(redis: Redis) -> list[dict[bytes, bytes]]:
    """Return what was announced."""
    rows = await Database(redis).do("XRANGE", CHANGES, "-", "+")
    return [fields for _, fields in rows]


async def test_nothing_stored_is_an_unregistered_connection(store: ConnectionStore) -> None:
    assert await store.get("cpo1") == Connection(cpo_id="cpo1")


async def test_a_saved_connection_comes_back_whole_and_is_announced(
    store: ConnectionStore, redis: Redis
) -> None:
    await store.save(REGISTERED)

    assert await store.get("cpo1") == REGISTERED
    assert await store.get("cpo2") == Connection(cpo_id="cpo2")
    assert await changes(redis) == [{b"kind": b"connection", b"cpo": b"cpo1"}]


CLIENT = ClientInfo(
    party_id="ONE",
    country_code="IN",
    role=Role.CPO,
    status=ConnectionStatus.CONNECTED,
    last_updated=NOW,
)


async def test_what_a_hub_tells_of_its_parties_is_announced_by_itself(
    store: ConnectionStore, redis: Redis
) -> None:
    await store.save(REGISTERED)

    before, after = await store.change("cpo1", lambda old: old.with_client(CLIENT))
    assert (before, after.clients) == (REGISTERED, (CLIENT,))
    assert await store.get("cpo1") == after
    await store.change("cpo1", lambda old: old.with_client(CLIENT))
    await store.change("cpo1", lambda old: replace(old, token="token-d"))

    kinds = [each[b"kind"] for each in await changes(redis)]
    assert kinds == [b"connection", b"clients", b"connection"]


async def test_changes_at_the_same_time_do_not_lose_each_other(redis: Redis) -> None:
    stores = [ConnectionStore(Database(redis), {}) for _ in range(4)]
    await stores[0].save(REGISTERED)

    def told(number: int) -> Callable[[Connection], Connection]:
        return lambda old: old.with_client(replace(CLIENT, party_id=f"P{number}"))

    await asyncio.gather(*(stores[each % 4].change("cpo1", told(each)) for each in range(20)))

    stored = await stores[0].get("cpo1")
    assert {each.party_id for each in stored.clients} == {f"P{each}" for each in range(20)}


async def test_nothing_is_told_of_a_connection_that_is_not_there(store: ConnectionStore) -> None:
    before, after = await store.change("cpo1", lambda old: old.with_client(CLIENT))
    assert before == after == await store.get("cpo1") == Connection(cpo_id="cpo1")


async def test_token_a_registers_until_it_was_used(store: ConnectionStore) -> None:
    assert await use_of(store, "a-one") == ("cpo1", TokenUse.REGISTER)
    assert await use_of(store, "a-two") == ("cpo2", TokenUse.REGISTER)

    await store.save(REGISTERED)

    assert await use_of(store, "a-one") is None
    assert await use_of(store, "a-two") == ("cpo2", TokenUse.REGISTER)


@pytest.mark.requirement("O43")
async def test_a_used_token_a_stays_useless_when_the_connection_ends(
    store: ConnectionStore, redis: Redis
) -> None:
    await store.save(REGISTERED)
    await store.save(Connection(cpo_id="cpo1"))

    assert await use_of(store, "a-one") is None
    assert await store.spent("cpo1")
    renewed = ConnectionStore(Database(redis), {"cpo1": "a-new"})
    assert not await renewed.spent("cpo1")
    assert await use_of(renewed, "a-new") == ("cpo1", TokenUse.REGISTER)


@pytest.mark.parametrize("candidates", [(), ("",), ("unknown",), ("A-ONE",), ("\udcff\x00",)])
async def test_an_unknown_token_is_nobodys(
    store: ConnectionStore, candidates: Sequence[str]
) -> None:
    assert await store.present(candidates) is None


async def test_the_reading_that_is_known_is_the_one_presented(store: ConnectionStore) -> None:
    await store.complete(REGISTERED, "b")

    found = await store.present(("Yg==", "b"))

    assert found == Presented("cpo1", TokenUse.REGISTERED, "b")


async def test_a_completed_handshake_leaves_one_token_of_its_cpo(store: ConnectionStore) -> None:
    await store.complete(OTHER, "other")
    await store.complete(REGISTERED, "old")

    await store.complete(REGISTERED, "new")

    assert await use_of(store, "old") is None
    assert await use_of(store, "new") == ("cpo1", TokenUse.REGISTERED)
    assert await use_of(store, "other") == ("cpo2", TokenUse.REGISTERED)


@pytest.mark.requirement("O52")
async def test_an_ended_connection_is_forgotten_with_its_tokens(
    store: ConnectionStore, redis: Redis
) -> None:
    await store.complete(OTHER, "other")
    await store.complete(REGISTERED, "old")
    await store.hand_over(REGISTERED, "new", "old")
    await store.offer("cpo1", "offered")

    await store.end("cpo1")

    assert not (await store.get("cpo1")).registered
    for token in ("old", "new", "offered", "a-one"):
        assert await use_of(store, token) is None
    assert await store.spent("cpo1")
    assert await use_of(store, "other") == ("cpo2", TokenUse.REGISTERED)
    assert (await changes(redis))[-1] == {b"kind": b"connection", b"cpo": b"cpo1"}


async def test_what_was_never_registered_can_be_ended_too(store: ConnectionStore) -> None:
    await store.end("cpo1")

    assert await store.spent("cpo1")
    assert await use_of(store, "a-one") is None


@pytest.mark.requirement("O44")
async def test_an_offered_token_is_pending_and_ends_by_itself(
    store: ConnectionStore, redis: Redis
) -> None:
    await store.complete(REGISTERED, "old")

    await store.offer("cpo1", "token-b")

    assert await use_of(store, "token-b") == ("cpo1", TokenUse.PENDING)
    assert await use_of(store, "old") == ("cpo1", TokenUse.REGISTERED)
    lives = sorted(
        [await redis.ttl(name) async for name in redis.scan_iter(key("inbound-token", "*"))]
    )
    assert lives[0] == -1
    assert PENDING_S - 5 < lives[1] <= PENDING_S


async def test_a_withdrawn_token_leaves_the_others(store: ConnectionStore) -> None:
    await store.complete(REGISTERED, "old")
    await store.offer("cpo1", "token-b")

    await store.withdraw("cpo1", "token-b")

    assert await use_of(store, "token-b") is None
    assert await use_of(store, "old") == ("cpo1", TokenUse.REGISTERED)


@pytest.mark.requirement("O43")
async def test_completion_is_one_transaction(store: ConnectionStore, redis: Redis) -> None:
    await store.complete(REGISTERED, "old")
    await store.offer("cpo1", "token-b")

    await store.complete(REGISTERED, "token-b")

    assert await store.get("cpo1") == REGISTERED
    assert await use_of(store, "token-b") == ("cpo1", TokenUse.REGISTERED)
    assert await use_of(store, "old") is None
    assert await use_of(store, "a-one") is None
    assert (await changes(redis))[-1] == {b"kind": b"connection", b"cpo": b"cpo1"}
    lives = [await redis.ttl(name) async for name in redis.scan_iter(key("inbound-token", "*"))]
    assert lives == [-1], "a registered token does not end by itself"


async def test_replicas_that_offer_at_once_lose_no_token(redis: Redis) -> None:
    stores = [ConnectionStore(Database(redis), {}) for _ in range(8)]

    await asyncio.gather(
        *(store.offer("cpo1", f"token-{number}") for number, store in enumerate(stores))
    )

    for number in range(8):
        assert await use_of(stores[0], f"token-{number}") == ("cpo1", TokenUse.PENDING)
    await stores[0].end("cpo1")
    for number in range(8):
        assert await use_of(stores[0], f"token-{number}") is None


async def test_inbound_tokens_are_nowhere_in_redis(store: ConnectionStore, redis: Redis) -> None:
    await store.offer("cpo1", "the-token-b")
    await store.complete(REGISTERED, "the-token-b")

    async for name in redis.scan_iter("*"):
        kind = await redis.type(name)
        content = repr(await redis.xrange(name) if kind == b"stream" else await redis.get(name))
        assert "the-token-b" not in repr(name) + content
        assert "a-one" not in repr(name) + content


class Flaky(Database):
    """A Redis that fails the first transactions."""

    def __init__(self, redis: Redis, failures: int) -> None:
        super().__init__(redis)
        self.failures = failures

    async def commit(self, commands: Sequence[Command], guards: Sequence[Guard] = ()) -> bool:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        return await super().commit(commands, guards)


async def test_a_token_c_is_not_given_up_at_once(redis: Redis) -> None:
    patient = ConnectionStore(Flaky(redis, 3), {}, patience_s=(0, 0, 0))

    await patient.complete(REGISTERED, "token-b")

    assert await patient.get("cpo1") == REGISTERED
    with pytest.raises(StoreUnavailable):
        await ConnectionStore(Flaky(redis, 4), {}, patience_s=(0, 0, 0)).complete(REGISTERED, "b")


async def test_the_last_word_on_a_registration_is_kept(store: ConnectionStore) -> None:
    fields: dict[str, Any] = {"at": NOW, "tries": 3, "error": "TokenARefused", "reason": "why"}
    state = RegistrationState(progress=Progress.FAILED, retry_at=NOW, **fields)
    assert await store.state("cpo1") == RegistrationState()

    await store.note("cpo1", state)

    assert await store.state("cpo1") == state
    assert await store.state("cpo2") == RegistrationState()
