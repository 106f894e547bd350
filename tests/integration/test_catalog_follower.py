"""A replica's catalogue in step with Redis: the parties of connections, and whom a hub reaches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.catalog.index import CatalogIndex
from bridge.errors import ItemUnavailable
from bridge.flows.ports import Kind
from bridge.ocpi.codec import encode
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.types import BusinessDetails, Role
from bridge.orders.intents import Search
from bridge.orders.item import Provider
from bridge.orders.order import Order, OrderState, Quote
from bridge.orders.slot import slot_of
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore
from bridge.store.slots import SlotStore
from bridge.workers.catalog_follower import CatalogFollower
from bridge.workers.spare import Rush
from tests import factories
from tests.unit.catalog.world import EPOCH, NOW, PlainJson, items, location, providers, tariff
from tests.waiting import until

HUB, ONE, TWO = Party("IN", "HUB"), Party("IN", "ONE"), Party("IN", "TWO")
S = ConnectionStatus
DAY = timedelta(days=1)


def connection(cpo_id: str, role: Role, party: Party) -> Connection:
    """Make a registered connection."""
    own = CredentialsRole(
        role=role,
        business_details=BusinessDetails(name=f"{cpo_id} Power"),
        party_id=party.party_id,
        country_code=party.country_code,
    )
    return Connection(cpo_id=cpo_id, token=f"out-{cpo_id}", roles=(own,), registered_at=EPOCH)


def info(party: Party, status: ConnectionStatus = S.CONNECTED) -> ClientInfo:
    """Make a word of the hub on a CPO."""
    return ClientInfo(
        party_id=party.party_id,
        country_code=party.country_code,
        role=Role.CPO,
        status=status,
        last_updated=datetime.now(UTC),
    )


@dataclass
class Replica:
    """A catalogue that is kept in step."""

    dialect: PlainJson
    index: CatalogIndex
    follower: CatalogFollower
    woken: list[str]

    def shown(self) -> set[str]:
        """Return the parties whose items a search finds."""
        found = items(self.index.messages("plain", Search(), NOW))
        return {"*".join(item["id"].split("*")[:2]) for item in found}


@pytest.fixture
def store(redis: Redis) -> ConnectionStore:
    return ConnectionStore(Database(redis), {})


class Waited(Rush):
    """A rush that counts who waits for its end."""

    waits = 0

    async def over(self) -> None:
        self.waits += 1
        await super().over()


@asynccontextmanager
async def following(
    redis: Redis, *cpo_ids: str, rush: Rush | None = None
) -> AsyncIterator[Replica]:
    """Run a follower; it has loaded everything."""
    database = Database(redis)
    connections = ConnectionStore(database, {})
    dialect = PlainJson()
    index = CatalogIndex(
        [dialect], max_reply_bytes=180_000, default_radius_m=5000, clock=lambda: NOW
    )
    woken: list[str] = []
    follower = CatalogFollower(
        database=database,
        objects=ObjectStore(database, Lanes(database, "inbox"), retention_s=3600),
        slots=SlotStore(database),
        connections=connections,
        cpo_ids=cpo_ids,
        index=index,
        provider_of=lambda connection, party: Provider(
            id=f"{connection.cpo_id}.{party}", name=str(party)
        ),
        status_ttl_s=60,
        connected=woken.append,
        rush=rush,
    )
    running = asyncio.create_task(follower.run())
    try:
        await until(lambda: follower.loaded)
        yield Replica(dialect, index, follower, woken)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def put_objects(redis: Redis, *parties: Party) -> None:
    """Store a Location and a tariff of each party, all under the same ids."""
    database = Database(redis)
    objects = ObjectStore(database, Lanes(database, "inbox"), retention_s=3600)
    for party in parties:
        await objects.write(Kind.TARIFF, party, "T1", encode(tariff(party=party)), None)
        await objects.write(Kind.LOCATION, party, "L1", encode(location(party=party)), None)


async def test_what_nobody_searches_for_is_encoded_when_there_is_time(
    redis: Redis, store: ConnectionStore
) -> None:
    await put_objects(redis, ONE)
    await store.save(connection("cpo1", Role.CPO, ONE))

    async with following(redis, "cpo1") as replica:
        await until(lambda: "item IN*ONE*L1*E1*1" in replica.dialect.encoded)
        await put_objects(redis, TWO)
        await store.save(connection("cpo1", Role.CPO, TWO))
        await until(lambda: "item IN*TWO*L1*E1*1" in replica.dialect.encoded)


async def test_changes_wait_for_the_end_of_a_pull(redis: Redis, store: ConnectionStore) -> None:
    await store.save(connection("cpo1", Role.CPO, ONE))
    rush = Waited(longest_s=60)

    async with following(redis, "cpo1", rush=rush) as replica:
        with rush.on():
            await put_objects(redis, ONE)
            await until(lambda: rush.waits == 1)
            assert replica.shown() == set()
        await until(lambda: replica.shown() == {"IN*ONE"})


async def test_changes_do_not_wait_for_a_pull_without_end(
    redis: Redis, store: ConnectionStore
) -> None:
    await store.save(connection("cpo1", Role.CPO, ONE))
    rush = Waited(longest_s=0.05)

    async with following(redis, "cpo1", rush=rush) as replica:
        with rush.on():
            await put_objects(redis, ONE)
            await until(lambda: replica.shown() == {"IN*ONE"})


async def test_a_new_connection_waits_for_no_pull(redis: Redis, store: ConnectionStore) -> None:
    await put_objects(redis, ONE)
    rush = Waited(longest_s=60)

    async with following(redis, "cpo1", rush=rush) as replica:
        with rush.on():
            await store.save(connection("cpo1", Role.CPO, ONE))
            await until(lambda: replica.shown() == {"IN*ONE"})
        assert replica.woken == ["cpo1"]


@pytest.mark.requirement("O142")
async def test_a_party_is_on_offer_while_its_hub_reaches_it(
    redis: Redis, store: ConnectionStore
) -> None:
    await put_objects(redis, ONE, TWO)
    hub = connection("hub1", Role.HUB, HUB)
    await store.save(hub.with_client(info(ONE)).with_client(info(TWO, S.SUSPENDED)))

    async with following(redis, "hub1") as replica:
        assert replica.shown() == {"IN*ONE"}
        assert replica.index.counts().shown_connectors == 1
        with pytest.raises(ItemUnavailable, match="SUSPENDED at its hub"):
            replica.index.find("", "IN*TWO*L1*E1*1")

        await store.change("hub1", lambda old: old.with_client(info(TWO)))
        await until(lambda: replica.shown() == {"IN*ONE", "IN*TWO"})

        await store.change("hub1", lambda old: old.with_client(info(ONE, S.OFFLINE)))
        await until(lambda: replica.shown() == {"IN*TWO"})
        assert replica.woken == []


@pytest.mark.requirement("O142")
async def test_a_party_that_the_hub_did_not_name_before_joins_with_what_is_stored(
    redis: Redis, store: ConnectionStore
) -> None:
    await put_objects(redis, ONE, TWO)
    await store.save(connection("hub1", Role.HUB, HUB))

    async with following(redis, "hub1") as replica:
        assert replica.shown() == set()
        await store.change("hub1", lambda old: old.with_client(info(ONE)))
        await until(lambda: replica.shown() == {"IN*ONE"})
        await store.change("hub1", lambda old: replace(old, clients=(info(TWO),)))
        await until(lambda: replica.shown() == {"IN*TWO"})


async def test_a_party_behind_two_connections_is_sold_over_the_first(
    redis: Redis, store: ConnectionStore
) -> None:
    await put_objects(redis, ONE)
    await store.save(connection("direct", Role.CPO, ONE))
    hub = connection("hub1", Role.HUB, HUB).with_client(info(ONE, S.OFFLINE))
    await store.save(hub)

    async with following(redis, "direct", "hub1") as replica:
        assert replica.index.find("", "IN*ONE*L1*E1*1").cpo_id == "direct"
        # Another way to it, and no other party: what the hub says of it changes nothing here.
        await store.change("hub1", lambda old: old.with_client(info(TWO)))
        await put_objects(redis, TWO)
        await until(lambda: replica.shown() == {"IN*ONE", "IN*TWO"})

        await store.save(Connection(cpo_id="direct"))
        await until(lambda: replica.shown() == {"IN*TWO"})
        with pytest.raises(ItemUnavailable):
            replica.index.find("", "IN*ONE*L1*E1*1")


@pytest.mark.requirement("O66")
async def test_the_role_of_a_party_says_who_operates_its_locations(
    redis: Redis, store: ConnectionStore
) -> None:
    await put_objects(redis, ONE, TWO)
    await store.save(connection("cpo1", Role.CPO, ONE))
    await store.save(connection("cpo2", Role.CPO, TWO))

    async with following(redis, "cpo1", "cpo2") as replica:
        operator = replica.index.find("", "IN*ONE*L1*E1*1").location.operator
        assert operator == BusinessDetails(name="cpo1 Power")
        by_name = replica.index.messages("plain", Search(text="cpo2 power"), NOW)
        assert [each["id"] for each in providers(by_name)] == ["cpo2.IN*TWO"]


async def booked_out(redis: Redis) -> Order:
    """Save a placed order that has the only connector of ``L1`` for the day, and the next."""
    database = Database(redis)
    slots = SlotStore(database)
    now = datetime.now(UTC)
    quote = Quote(
        id="q", currency="INR", price=Decimal(1), lines=(), kwh=Decimal(1), expires_at=now + DAY
    )
    made = factories.order(
        OrderState.INITIALISED,
        item=factories.item(factories.location(party_id="ONE")),
        booked=True,
        start=NOW - DAY,
        end=now + 2 * DAY,
        quote=quote,
    )
    held = slot_of(made)
    assert held is not None
    assert await slots.hold(held, now)
    await database.commit(*slots.saved(made, None))
    firm = replace(made, state=OrderState.CONFIRMED, updated_at=now)
    await database.commit(*slots.saved(firm, made))
    return firm


async def test_bookings_reach_every_replica(redis: Redis, store: ConnectionStore) -> None:
    await store.save(connection("one", Role.CPO, ONE))
    objects = ObjectStore(Database(redis), Lanes(Database(redis), "inbox"), retention_s=3600)
    for kind, body in ((Kind.TARIFF, tariff(party=ONE)), (Kind.LOCATION, location(party=ONE))):
        await objects.write(kind, ONE, body.id, encode(body), None)
    within = Search(window_start=NOW, window_end=NOW + timedelta(hours=1))

    async with following(redis, "one") as there_before:
        assert items(there_before.index.messages("plain", within, NOW))
        firm = await booked_out(redis)
        await until(lambda: not items(there_before.index.messages("plain", within, NOW)))

        async with following(redis, "one") as there_after:
            assert not items(there_after.index.messages("plain", within, NOW))

        over = replace(firm, state=OrderState.CANCELLED)
        await Database(redis).commit(*SlotStore(Database(redis)).saved(over, firm))
        await until(lambda: bool(items(there_before.index.messages("plain", within, NOW))))
