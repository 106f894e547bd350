"""A CPO with lists, and a way to make replicas that pull them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.clients.traffic import Traffic
from bridge.flows.emsp.emsp import Emsp
from bridge.store.database import Database
from bridge.store.inbox import Inbox
from bridge.store.lanes import Lanes
from bridge.store.pulls import Pulls
from bridge.workers.asked import Asked
from bridge.workers.puller import Pulled, Puller
from bridge.workers.sources import SOURCES, Tools
from bridge.workers.spare import Rush
from tests.contract.ocpi_client.fake import FakeCpo, serving
from tests.contract.ocpi_client.side import OWN, QUICK
from tests.fakes import RecordedPeers
from tests.integration.pulling.rig import (
    NOW,
    Bridge,
    Contended,
    Counted,
    Lists,
    Made,
    Watching,
    registered,
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeCpo]:
    """Give a CPO that listens."""
    async with serving() as fake:
        yield fake


@pytest.fixture
def lists(fake: FakeCpo) -> Lists:
    return Lists(fake)


@pytest.fixture
async def make(fake: FakeCpo, redis: Redis) -> AsyncIterator[Made]:
    """Give a way to make replicas; the CPO is registered with them."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        database = Database(redis)
        await Counted(database).save(registered(fake))

        def make(
            *others: str, every_s: float = 600, splay: float = 1.0, real_time: bool = False
        ) -> Bridge:
            store = Counted(database)
            inbox = Lanes(database, "inbox")
            objects = Contended(database, inbox, retention_s=3600)
            correlation = Watching(database)
            pulls = Pulls(database)
            clock = [NOW]
            events: list[tuple[str, dict[str, Any]]] = []
            woken: list[bool] = []
            bad: list[tuple[str, str]] = []
            rush = Rush()

            def notice(event: str, *, cpo_id: str, **fields: object) -> None:
                events.append((event, {"cpo_id": cpo_id, **fields}))

            def now() -> datetime:
                return datetime.now(UTC) if real_time else clock[0]

            async def sleep(pause_s: float) -> None:
                clock[0] += timedelta(seconds=pause_s)

            asked = Asked(now)
            emsp = Emsp(
                objects=objects,
                orders=correlation,
                correlation=correlation,
                tokens=correlation,
                inbox=Inbox(database, inbox),
                connections=store,
                registrations=store,
                peers=lambda cpo_id: RecordedPeers(),
                party=OWN,
                business_name="Bridge",
                public_url=lambda cpo_id: "http://bridge.example",
                overrides=lambda cpo_id: {},
                now=now,
                wake=lambda: woken.append(True),
                pull_soon=asked.pull_soon,
                sync_soon=asked.sync_soon,
                notice=notice,
            )
            puller = Puller(
                tools=Tools(
                    client=OcpiClient(
                        http,
                        OWN,
                        observe=lambda exchange: None,
                        traffic=Traffic(clock=lambda: now().timestamp(), sleep=sleep),
                    ),
                    emsp=emsp,
                    objects=objects,
                    pulls=pulls,
                    notice=notice,
                    bad=lambda cpo_id, module: bad.append((cpo_id, module)),
                    now=now,
                    rush=rush,
                ),
                connections=store,
                cpos={
                    cpo_id: Pulled(
                        cpo=Cpo(id=cpo_id, timeouts=QUICK),
                        every_s={source.module: every_s for source in SOURCES},
                        everything_s=86_400,
                    )
                    for cpo_id in (*others, "cpo1")
                },
                asked=asked,
                splay=lambda: splay,
            )
            return Bridge(
                puller,
                asked,
                emsp,
                store,
                objects,
                correlation,
                pulls,
                inbox,
                clock,
                events,
                woken,
                bad,
                rush,
            )

        yield make


@pytest.fixture
def bridge(make: Made) -> Bridge:
    return make()
