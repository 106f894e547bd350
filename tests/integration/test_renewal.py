"""The renewal worker against a CPO on loopback and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from redis.asyncio import Redis

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient, Timeouts
from bridge.errors import StoreUnavailable
from bridge.ocpi.connection import Connection, TokenUse
from bridge.ocpi.headers import Party
from bridge.ocpi.types import Role
from bridge.store.connections import ConnectionStore, Progress, RegistrationState
from bridge.store.database import Database, key
from bridge.store.pulls import Pulls
from bridge.store.sealed import OPEN, Seal
from bridge.workers.registration import LOCK
from bridge.workers.renewal import AGAIN_S, EARLY, Event, RenewalWorker, Rotation
from tests.clock import Clock
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, enveloped, raw, serving
from tests.integration.test_registration import OWN_ROLE, OWN_VERSIONS, THEIR_ROLE, offers
from tests.unit.flows.handshake import role_of
from tests.waiting import until

DAY_S = 86_400.0
OLD_B, OLD_C = "old-token-b", "old-token-c"


@dataclass
class Replica:
    """One process of the bridge, as far as renewals go."""

    worker: RenewalWorker
    store: Failing
    clock: Clock
    events: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)

    def names(self) -> list[str]:
        """Return the events without their fields."""
        return [name for name, _ in self.events]

    async def use_of(self, token: str) -> TokenUse | None:
        """Return what an inbound token is good for."""
        found = await self.store.present((token,))
        return None if found is None else found.use


class Failing(ConnectionStore):
    """Connections that fail as told, once for each fault."""

    faults: list[Exception]
    looks: int = 0

    async def state(self, cpo_id: str) -> RegistrationState:
        self.looks += 1
        if self.faults:
            raise self.faults.pop(0)
        return await super().state(cpo_id)


Started = Callable[..., Replica]


@pytest.fixture
async def fake() -> AsyncIterator[FakeCpo]:
    """Give a CPO that takes a PUT of credentials."""
    async with serving() as fake:
        offers(fake)
        fake.on_data("PUT", "/2.2.1/credentials", theirs(fake))
        yield fake


def theirs(fake: FakeCpo, token: str = "new-token-c") -> dict[str, object]:
    """Return what the CPO answers a PUT with."""
    return {"token": token, "url": fake.url("/versions"), "roles": [THEIR_ROLE]}


@pytest.fixture
async def start(fake: FakeCpo, redis: Redis) -> AsyncIterator[Started]:
    """Give a way to make replicas; their clock stands 30 days after the registration."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        def make(days: int | None = 30, configured: bool = True, seal: Seal = OPEN) -> Replica:
            database, clock = Database(redis), Clock()
            store = Failing(database, {"cpo1": "token-a"}, seal=seal, patience_s=())
            store.faults = []
            events: list[tuple[Event, dict[str, Any]]] = []

            def notice(event: Event, *, cpo_id: str, **fields: object) -> None:
                events.append((event, {"cpo_id": cpo_id, **fields}))

            rotation = Rotation(
                cpo=Cpo(id="cpo1", timeouts=Timeouts(connect_s=2, total_s=5)),
                versions_url=fake.url("/versions") if configured else None,
                own_versions_url=OWN_VERSIONS,
                own_roles=(OWN_ROLE,),
                every=None if days is None else timedelta(days=days),
            )
            worker = RenewalWorker(
                client=OcpiClient(http, Party("IN", "BRG"), observe=lambda exchange: None),
                connections=store,
                pulls=Pulls(database),
                rotations={"cpo1": rotation},
                notice=notice,
                now=clock.now,
                look_s=0.01,
                early=lambda: 1.0,
            )
            return Replica(worker, store, clock, events)

        yield make


async def registered(replica: Replica, fake: FakeCpo, days_ago: float = 30) -> Connection:
    """Let the CPO be registered so long ago."""
    connection = Connection(
        cpo_id="cpo1",
        token=OLD_C,
        versions_url=fake.url("/versions"),
        roles=(role_of(Role.CPO),),
        registered_at=replica.clock.now() - timedelta(days=days_ago),
    )
    assert await replica.store.complete(connection, OLD_B) is None
    return connection


def puts(fake: FakeCpo) -> list[Asked]:
    """Return the PUTs that arrived."""
    return [asked for asked in fake.asked if asked.method == "PUT"]


@pytest.mark.endpoint("calls PUT {credentials}")
@pytest.mark.requirement("O53")
@pytest.mark.parametrize("configured", [True, False])
async def test_old_tokens_are_renewed(fake: FakeCpo, start: Started, configured: bool) -> None:
    replica = start(configured=configured)
    await registered(replica, fake)

    state = await replica.worker.renew_once("cpo1")

    assert (state.progress, state.error) == (Progress.REGISTERED, "")
    connection = await replica.store.get("cpo1")
    assert connection.token == "new-token-c"
    assert connection.renewed_at == replica.clock.now()
    (put,) = puts(fake)
    sent = put.json()
    assert (sent["url"], sent["roles"][0]["role"]) == (OWN_VERSIONS, "EMSP")
    assert await replica.use_of(sent["token"]) is TokenUse.REGISTERED
    assert await replica.use_of(OLD_B) is None
    assert replica.names() == ["cpo.renewed"]
    assert await replica.store.state("cpo1") == state


@pytest.mark.requirement("O53")
async def test_the_worker_renews_when_the_time_has_come(fake: FakeCpo, start: Started) -> None:
    replica = start()
    await registered(replica, fake, days_ago=29)
    running = asyncio.create_task(replica.worker.run())
    await until(lambda: replica.store.looks > 2)
    assert fake.asked == []

    replica.clock.forward(DAY_S)
    await until(lambda: replica.names() == ["cpo.renewed"])
    looks = replica.store.looks
    await until(lambda: replica.store.looks > looks + 2)

    assert len(puts(fake)) == 1
    running.cancel()
    await asyncio.wait([running])


def test_tokens_are_renewed_before_the_month_is_over() -> None:
    low, high = EARLY
    assert 0.8 < low < high <= 1


@pytest.mark.parametrize(("days", "age"), [(30, 29.9), (7, 6.9), (None, 1000)])
async def test_young_tokens_are_left_alone(
    fake: FakeCpo, start: Started, days: int | None, age: float
) -> None:
    replica = start(days)
    await registered(replica, fake, age)

    await replica.worker.renew_once("cpo1")

    assert fake.asked == []


@pytest.mark.requirement("O53")
@pytest.mark.parametrize("days", [30, None])
async def test_an_operator_renews_at_once(fake: FakeCpo, start: Started, days: int | None) -> None:
    replica = start(days)
    await registered(replica, fake, days_ago=0)

    await replica.worker.renew_once("cpo1", force=True)

    assert len(puts(fake)) == 1


async def test_who_is_not_registered_is_not_asked(fake: FakeCpo, start: Started) -> None:
    replica = start()

    state = await replica.worker.renew_once("cpo1", force=True)

    assert state == RegistrationState()
    assert fake.asked == []


async def test_two_replicas_at_once_renew_once(fake: FakeCpo, start: Started) -> None:
    replicas = [start(), start()]
    await registered(replicas[0], fake)

    await asyncio.gather(*(replica.worker.renew_once("cpo1") for replica in replicas))
    await asyncio.gather(*(replica.worker.renew_once("cpo1") for replica in replicas))

    assert len(puts(fake)) == 1


async def test_while_another_is_at_it_nothing_is_done(
    fake: FakeCpo, start: Started, redis: Redis
) -> None:
    replica = start()
    await registered(replica, fake)
    assert await Pulls(Database(redis)).take("cpo1", LOCK) is not None

    state = await replica.worker.renew_once("cpo1", force=True)

    assert state.progress is Progress.RUNNING
    assert fake.asked == []


async def test_both_tokens_are_known_to_every_replica_while_the_put_is_open(
    fake: FakeCpo, start: Started
) -> None:
    replica, other = start(), start()
    await registered(replica, fake)
    seen: list[TokenUse | None] = []

    async def put(asked: Asked) -> web.StreamResponse:
        seen.extend([await other.use_of(OLD_B), await other.use_of(asked.json()["token"])])
        return enveloped(theirs(fake))

    fake.on("PUT", "/2.2.1/credentials", put)

    await replica.worker.renew_once("cpo1")

    assert seen == [TokenUse.REGISTERED, TokenUse.REGISTERED]


@pytest.mark.parametrize(
    ("path", "answer", "error", "progress"),
    [
        ("/versions", always(None, http=401, code=2001), "TokenRefused", Progress.REFUSED),
        ("/versions", raw(b"down", http=503), "PlatformUnreachable", Progress.REGISTERED),
        ("/2.2.1", always({"endpoints": []}), "EndpointsNotOffered", Progress.REGISTERED),
        (
            "/2.2.1/credentials",
            always(None, http=405, code=2000),
            "NotRegisteredThere",
            Progress.REGISTERED,
        ),
        ("/2.2.1/credentials", always(None, code=3001), "OurApiUnusable", Progress.REGISTERED),
        ("/2.2.1/credentials", always(None, code=2001), "CredentialsRefused", Progress.REGISTERED),
    ],
)
async def test_a_no_leaves_the_old_state_and_its_reason(
    fake: FakeCpo, start: Started, path: str, answer: Answer, error: str, progress: Progress
) -> None:
    replica = start()
    before = await registered(replica, fake)
    fake.on("PUT" if path.endswith("credentials") else "GET", path, answer)

    state = await replica.worker.renew_once("cpo1")

    assert (state.progress, state.error, state.tries) == (progress, error, 1)
    assert state.reason.startswith("cpo1: ")
    assert replica.names() == ["cpo.renewal_failed"]
    assert await replica.store.get("cpo1") == before
    assert await replica.use_of(OLD_B) is TokenUse.REGISTERED
    for put in puts(fake):
        assert await replica.use_of(put.json()["token"]) is None


async def test_a_lost_answer_costs_nobody_anything(fake: FakeCpo, start: Started) -> None:
    replica = start()
    before = await registered(replica, fake)

    async def cut(asked: Asked) -> web.StreamResponse:
        assert asked.request.transport is not None
        asked.request.transport.abort()
        return web.Response()

    fake.on("PUT", "/2.2.1/credentials", cut)

    state = await replica.worker.renew_once("cpo1")

    assert (state.progress, state.error) == (Progress.REGISTERED, "RenewalUnknown")
    assert "bridge cpo rotate" in state.reason
    assert await replica.store.get("cpo1") == before
    assert await replica.use_of(OLD_B) is TokenUse.REGISTERED
    assert await replica.use_of(puts(fake)[0].json()["token"]) is TokenUse.REGISTERED

    fake.on_data("PUT", "/2.2.1/credentials", theirs(fake))
    await replica.worker.renew_once("cpo1", force=True)

    assert (await replica.store.state("cpo1")).error == ""
    assert [await replica.use_of(each.json()["token"]) for each in puts(fake)] == [
        None,
        TokenUse.REGISTERED,
    ]
    assert await replica.use_of(OLD_B) is None


async def test_what_failed_is_tried_again_a_day_later(fake: FakeCpo, start: Started) -> None:
    replica = start()
    await registered(replica, fake)
    fake.on("PUT", "/2.2.1/credentials", always(None, code=3001))
    await replica.worker.renew_once("cpo1")

    replica.clock.forward(AGAIN_S - 1)
    await replica.worker.renew_once("cpo1")
    assert len(puts(fake)) == 1
    replica.clock.forward(1)
    assert (await replica.worker.renew_once("cpo1")).tries == 2

    assert len(puts(fake)) == 2


async def test_roles_that_cannot_be_used_are_told_and_the_tokens_kept(
    fake: FakeCpo, start: Started
) -> None:
    replica = start()
    before = await registered(replica, fake)
    roles = [{**THEIR_ROLE, "role": "EMSP"}]
    fake.on_data("PUT", "/2.2.1/credentials", {**theirs(fake), "roles": roles})

    state = await replica.worker.renew_once("cpo1")

    assert (state.progress, state.error) == (Progress.REGISTERED, "NoCpoRole")
    after = await replica.store.get("cpo1")
    assert (after.token, after.roles) == ("new-token-c", before.roles)


async def test_neither_redis_nor_a_fault_of_ours_ends_the_worker(
    fake: FakeCpo, start: Started
) -> None:
    replica = start()
    await registered(replica, fake)
    replica.store.faults += [ZeroDivisionError("a fault of ours"), StoreUnavailable("away")]

    running = asyncio.create_task(replica.worker.run())
    await until(lambda: "cpo.renewed" in replica.names())

    assert replica.names() == ["cpo.renewal_crashed", "store.unavailable", "cpo.renewed"]
    running.cancel()
    await asyncio.wait([running])


async def test_the_worker_encrypts_what_stands_there_in_clear(
    fake: FakeCpo, start: Started, redis: Redis
) -> None:
    before = await registered(start(), fake, days_ago=0)
    replica = start(None, seal=Seal([Fernet.generate_key().decode()]))

    async def sealed() -> bool:
        found = await redis.get(key("connection", "cpo1"))
        return isinstance(found, bytes) and OLD_C.encode() not in found

    running = asyncio.create_task(replica.worker.run())
    await until(sealed)

    assert await replica.store.get("cpo1") == before
    running.cancel()
    await asyncio.wait([running])
