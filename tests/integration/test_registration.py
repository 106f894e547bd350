"""The registration worker against a CPO on loopback and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from bridge.clients.ocpi import OcpiClient, Timeouts
from bridge.errors import StoreUnavailable
from bridge.flows.register import Overrides, Platform
from bridge.ocpi.connection import Connection, TokenUse
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party, authorization
from bridge.ocpi.types import BusinessDetails, Role
from bridge.store.connections import (
    ConnectionStore,
    Progress,
    RegistrationState,
    standing_of,
)
from bridge.store.database import Database
from bridge.store.pulls import Pulls
from bridge.workers.registration import Candidate, Event, RegistrationWorker
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, always, enveloped, raw, serving
from tests.unit.flows.handshake import role_of
from tests.waiting import until

TOKEN_A = "token-a"
OWN_VERSIONS = "http://bridge.test/ocpi/versions"
OWN_ROLE = CredentialsRole(
    role=Role.EMSP,
    business_details=BusinessDetails(name="Bridge"),
    party_id="BRG",
    country_code="IN",
)
THEIR_ROLE = {
    "role": "CPO",
    "business_details": {"name": "A CPO"},
    "party_id": "ABC",
    "country_code": "IN",
}


@dataclass
class Replica:
    """One process of the bridge, as far as registrations go."""

    worker: RegistrationWorker
    store: Failing
    events: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """Return the events without their fields."""
        return [name for name, _ in self.events]


class Failing(ConnectionStore):
    """Connections that fail as told, once for each fault."""

    def __init__(self, database: Database, tokens_a: Mapping[str, str]) -> None:
        super().__init__(database, tokens_a, patience_s=())
        self.faults: list[Exception] = []

    async def state(self, cpo_id: str) -> RegistrationState:
        if self.faults:
            raise self.faults.pop(0)
        return await super().state(cpo_id)


Started = Callable[..., Replica]


@pytest.fixture
async def fake() -> AsyncIterator[FakeCpo]:
    """Give a CPO that one can register with."""
    async with serving() as fake:
        offers(fake)
        yield fake


def offers(fake: FakeCpo, *modules: tuple[str, str]) -> None:
    """Let the CPO offer 2.2.1 with these modules, and take a POST of credentials once."""
    endpoints = [
        {"identifier": module, "role": role, "url": fake.url(f"/2.2.1/{module}")}
        for module, role in modules
        or (
            ("credentials", "RECEIVER"),
            ("locations", "SENDER"),
            ("tariffs", "SENDER"),
            ("commands", "RECEIVER"),
        )
    ]
    fake.on_data("GET", "/versions", [{"version": "2.2.1", "url": fake.url("/2.2.1")}])
    fake.on_data("GET", "/2.2.1", {"version": "2.2.1", "endpoints": endpoints})
    taken: list[Asked] = []

    async def post(asked: Asked) -> web.StreamResponse:
        taken.append(asked)
        if len(taken) > 1:
            return enveloped(None, http=405, code=2000, message="registered already")
        return enveloped({"token": "token-c", "url": fake.url("/versions"), "roles": [THEIR_ROLE]})

    fake.on("POST", "/2.2.1/credentials", post)


@pytest.fixture
async def start(fake: FakeCpo, redis: Redis) -> AsyncIterator[Started]:
    """Give a way to make replicas; pauses are as short as they can be."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        def make(
            *cpo_ids: str, overrides: Overrides | None = None, urls: dict[str, str] | None = None
        ) -> Replica:
            ids = cpo_ids or ("cpo1",)
            database = Database(redis)
            store = Failing(database, dict.fromkeys(ids, TOKEN_A))
            events: list[tuple[Event, dict[str, Any]]] = []
            registered: list[str] = []

            def notice(event: Event, *, cpo_id: str, **fields: object) -> None:
                events.append((event, {"cpo_id": cpo_id, **fields}))

            worker = RegistrationWorker(
                client=OcpiClient(http, Party("IN", "BRG"), observe=lambda exchange: None),
                connections=store,
                pulls=Pulls(database),
                candidates={
                    cpo_id: Candidate(
                        platform=Platform(
                            cpo_id=cpo_id,
                            versions_url=(urls or {}).get(cpo_id, fake.url("/versions")),
                            token_a=TOKEN_A,
                            overrides=overrides or {},
                        ),
                        own_versions_url=OWN_VERSIONS,
                        own_roles=(OWN_ROLE,),
                        timeouts=Timeouts(connect_s=2, total_s=5),
                    )
                    for cpo_id in ids
                },
                notice=notice,
                registered=registered.append,
                backoff_s=(0.01, 0.02, 0.03),
                jitter=lambda: 1.0,
            )
            return Replica(worker, store, events, registered)

        yield make


def posts(fake: FakeCpo) -> list[Asked]:
    """Return the credentials that arrived."""
    return [asked for asked in fake.asked if asked.method == "POST"]


@pytest.mark.requirement("O43")
@pytest.mark.endpoint("calls GET {versions_url}")
@pytest.mark.endpoint("calls GET {version_details_url}")
@pytest.mark.endpoint("calls POST {credentials}")
async def test_a_configured_cpo_is_registered(fake: FakeCpo, start: Started) -> None:
    replica = start()

    await replica.worker.run()

    connection = await replica.store.get("cpo1")
    assert connection.token == "token-c"
    assert connection.parties() == (Party("IN", "ABC"),)
    assert replica.names() == ["cpo.registering", "cpo.registered"]
    assert replica.registered == ["cpo1"]
    assert (await replica.store.state("cpo1")).progress is Progress.REGISTERED
    sent = posts(fake)[0].json()
    assert sent["url"] == OWN_VERSIONS
    found = await replica.store.present((sent["token"],))
    assert found is not None
    assert found.use is TokenUse.REGISTERED
    assert await replica.store.present((TOKEN_A,)) is None


@pytest.mark.requirement("O44")
async def test_token_b_is_known_to_every_replica_while_the_post_is_open(
    fake: FakeCpo, start: Started
) -> None:
    other = start()
    seen: list[TokenUse | None] = []

    async def post(asked: Asked) -> web.StreamResponse:
        found = await other.store.present((asked.json()["token"],))
        seen.append(found.use if found else None)
        return enveloped({"token": "token-c", "url": fake.url("/versions"), "roles": [THEIR_ROLE]})

    fake.on("POST", "/2.2.1/credentials", post)

    await start().worker.run()

    assert seen == [TokenUse.PENDING]


async def test_two_replicas_at_once_register_once(fake: FakeCpo, start: Started) -> None:
    replicas = [start(), start()]

    await asyncio.gather(*(replica.worker.run() for replica in replicas))

    assert len(posts(fake)) == 1
    assert [replica.registered for replica in replicas] == [["cpo1"], ["cpo1"]]
    assert sorted(len(replica.events) for replica in replicas) == [0, 2]


async def test_a_registered_cpo_is_left_alone(fake: FakeCpo, start: Started) -> None:
    await start().worker.run()
    asked = len(fake.asked)
    again = start()

    await again.worker.run()

    assert len(fake.asked) == asked
    assert again.registered == ["cpo1"]


@pytest.mark.requirement("O52")
async def test_an_ended_connection_is_not_made_again_by_itself(
    fake: FakeCpo, start: Started
) -> None:
    replica = start()
    await replica.worker.run()
    await replica.store.save(Connection(cpo_id="cpo1"))
    asked = len(fake.asked)

    again = start()
    await again.worker.run()

    assert len(fake.asked) == asked
    assert again.names() == ["cpo.token_spent"]
    assert (await again.worker.register_once("cpo1")).progress is Progress.SPENT


async def test_an_operator_can_register_again(fake: FakeCpo, start: Started) -> None:
    replica = start()
    await replica.worker.run()
    await replica.store.save(Connection(cpo_id="cpo1"))
    offers(fake)

    state = await replica.worker.register_once("cpo1", force=True)

    assert state.progress is Progress.REGISTERED
    assert (await replica.store.get("cpo1")).token == "token-c"


@pytest.mark.parametrize(
    ("path", "answer", "error"),
    [
        ("/versions", always(None, http=401, code=2001), "TokenARefused"),
        ("/versions", raw(b"down", http=503), "PlatformUnreachable"),
        ("/versions", always([{"version": "2.1.1", "url": "http://x"}]), "VersionNotOffered"),
        ("/2.2.1", always(None, http=404, code=2000), "PlatformUnreachable"),
        ("/2.2.1", always({"endpoints": []}), "EndpointsNotOffered"),
        ("/2.2.1/credentials", always(None, http=405, code=2000), "AlreadyRegistered"),
        ("/2.2.1/credentials", always(None, code=3001), "OurApiUnusable"),
        ("/2.2.1/credentials", always(None, code=3002), "VersionNotOffered"),
        ("/2.2.1/credentials", always(None, code=3003), "CredentialsRefused"),
        ("/2.2.1/credentials", always({"token": "c"}), "OutcomeUnknown"),
        ("/2.2.1/credentials", raw(b"gateway", http=502), "OutcomeUnknown"),
    ],
)
async def test_each_failure_has_a_name_and_leaves_token_a_valid(
    fake: FakeCpo, start: Started, path: str, answer: Answer, error: str
) -> None:
    replica = start()
    method = "POST" if path.endswith("credentials") else "GET"
    fake.on(method, path, answer)

    state = await replica.worker.register_once("cpo1")

    assert (state.progress, state.error, state.tries) == (Progress.FAILED, error, 1)
    assert state.reason.startswith("cpo1: ")
    assert state.retry_at is not None
    assert state.at is not None
    assert state.retry_at - state.at >= timedelta(seconds=0.01)
    assert await replica.store.state("cpo1") == state
    assert replica.names() == ["cpo.registering", "cpo.registration_failed"]
    found = await replica.store.present((TOKEN_A,))
    assert found is not None
    assert found.use is TokenUse.REGISTER
    assert not (await replica.store.get("cpo1")).registered
    for asked in posts(fake):
        assert await replica.store.present((asked.json()["token"],)) is None


@pytest.mark.requirement("O45")
async def test_missing_endpoints_stop_before_the_post(fake: FakeCpo, start: Started) -> None:
    offers(fake, ("credentials", "SENDER"), ("locations", "SENDER"))
    replica = start()

    state = await replica.worker.register_once("cpo1")

    assert "commands (RECEIVER)" in state.reason
    assert posts(fake) == []


@pytest.mark.parametrize(
    ("role", "named"), [("EMSP", "neither CPO nor HUB, but EMSP"), ("CPO", "is one of cpo2")]
)
async def test_a_platform_that_cannot_be_used_is_told_so_and_not_asked_again(
    fake: FakeCpo, start: Started, role: str, named: str
) -> None:
    replica = start("cpo1", "cpo2", urls={"cpo2": fake.url("/nowhere")})
    taken = Connection(cpo_id="cpo2", token="c2", roles=(role_of(Role.CPO),))
    assert await replica.store.complete(taken, "b2") is None
    theirs = {
        "token": "token-c",
        "url": fake.url("/versions"),
        "roles": [{**THEIR_ROLE, "role": role}],
    }
    fake.on_data("POST", "/2.2.1/credentials", theirs)
    fake.on_data("DELETE", "/2.2.1/credentials", None)

    await asyncio.wait_for(replica.worker.run(), 10)

    assert fake.targets()[-2:] == ["POST /2.2.1/credentials", "DELETE /2.2.1/credentials"]
    assert fake.asked[-1].headers["Authorization"] == authorization("token-c")
    names = ["cpo.registering", "cpo.registration_failed", "cpo.token_spent"]
    assert replica.names() == names
    state, spent = await replica.store.state("cpo1"), await replica.store.spent("cpo1")
    shown = standing_of(await replica.store.get("cpo1"), state, spent=spent)
    assert shown.progress is Progress.SPENT
    assert named in shown.reason
    for token in (TOKEN_A, posts(fake)[0].json()["token"]):
        assert await replica.store.present((token,)) is None


async def test_a_failure_is_tried_again_until_it_works(fake: FakeCpo, start: Started) -> None:
    replica = start()
    fake.on("GET", "/versions", always(None, http=503, code=3000))
    running = asyncio.create_task(replica.worker.run())
    await until(lambda: replica.names().count("cpo.registration_failed") >= 2)

    offers(fake)
    await asyncio.wait_for(running, 10)

    assert replica.registered == ["cpo1"]
    tries = [fields["tries"] for name, fields in replica.events if name == "cpo.registering"]
    assert tries[:3] == [1, 2, 3]
    assert (await replica.store.state("cpo1")).error == ""


async def test_one_dead_cpo_holds_up_no_other(fake: FakeCpo, start: Started) -> None:
    released = asyncio.Event()

    async def hang(asked: Asked) -> web.StreamResponse:
        await released.wait()
        return enveloped([])

    fake.on("GET", "/dead", hang)
    replica = start("dead", "cpo1", urls={"dead": fake.url("/dead")})
    running = asyncio.create_task(replica.worker.run())

    await until(lambda: replica.registered == ["cpo1"])

    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    released.set()


async def test_after_a_cancellation_another_replica_goes_on_at_once(
    fake: FakeCpo, start: Started
) -> None:
    opened = asyncio.Event()
    released = asyncio.Event()

    async def hang(asked: Asked) -> web.StreamResponse:
        opened.set()
        await released.wait()
        return enveloped([])

    fake.on("GET", "/versions", hang)
    stopped = asyncio.create_task(start().worker.run())
    await opened.wait()
    stopped.cancel()
    await asyncio.wait([stopped])
    released.set()

    offers(fake)
    state = await start().worker.register_once("cpo1")

    assert state.progress is Progress.REGISTERED


async def test_a_failure_of_another_replica_postpones_ours_but_not_one_from_before(
    fake: FakeCpo, start: Started
) -> None:
    fake.on("GET", "/versions", always(None, http=503, code=3000))
    first, second = start(), start()
    await first.worker.register_once("cpo1")
    asked = len(fake.asked)
    far = datetime(2999, 1, 1, tzinfo=UTC)
    state = await first.store.state("cpo1")
    await first.store.note(
        "cpo1",
        RegistrationState(
            progress=state.progress, at=state.at, tries=1, error=state.error, retry_at=far
        ),
    )

    waiting = asyncio.create_task(second.worker.run())
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert done == set()
    assert len(fake.asked) == asked, "it waits with the replica that failed"
    waiting.cancel()
    await asyncio.wait([waiting])

    offers(fake)
    await asyncio.wait_for(start().worker.run(), 10)


async def test_neither_redis_nor_a_fault_of_ours_ends_the_worker(
    fake: FakeCpo, start: Started
) -> None:
    replica = start()
    replica.store.faults += [ZeroDivisionError("a fault of ours"), StoreUnavailable("away")]

    await asyncio.wait_for(replica.worker.run(), 10)

    assert replica.names() == [
        "cpo.registration_crashed",
        "store.unavailable",
        "cpo.registering",
        "cpo.registered",
    ]
