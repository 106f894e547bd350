"""A CPO with lists, and a way to make replicas that pull them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.ocpi.types import ModuleID
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore
from bridge.store.pulls import Pulls
from bridge.workers.catalog_pull import CatalogPull, Pulled
from bridge.workers.pull import Event, Tools
from tests.contract.ocpi_client.fake import FakeCpo, serving
from tests.contract.ocpi_client.side import OWN, QUICK, connected
from tests.integration.catalog_pull.rig import NOW, Bridge, Counted, Lists, Made, Watching


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
        await Counted(database).save(replace(connected(fake), registered_at=NOW))

        def make(*others: str, every_s: float = 600, real_time: bool = False) -> Bridge:
            store = Counted(database)
            inbox = Lanes(database, "inbox")
            objects = ObjectStore(database, inbox, retention_s=3600)
            correlation = Watching(database)
            pulls = Pulls(database)
            clock = [NOW]
            events: list[tuple[Event, dict[str, Any]]] = []
            woken: list[bool] = []

            def notice(event: Event, *, cpo_id: str, **fields: object) -> None:
                events.append((event, {"cpo_id": cpo_id, **fields}))

            pull = CatalogPull(
                tools=Tools(
                    client=OcpiClient(http, OWN, observe=lambda exchange: None),
                    objects=objects,
                    correlation=correlation,
                    pulls=pulls,
                    notice=notice,
                    wake=lambda: woken.append(True),
                    now=(lambda: datetime.now(UTC)) if real_time else (lambda: clock[0]),
                ),
                connections=store,
                cpos={
                    cpo_id: Pulled(
                        cpo=Cpo(id=cpo_id, timeouts=QUICK),
                        every_s={ModuleID.LOCATIONS: every_s, ModuleID.TARIFFS: every_s},
                        everything_s=86_400,
                    )
                    for cpo_id in (*others, "cpo1")
                },
                splay=lambda: 1.0,
            )
            return Bridge(pull, store, objects, correlation, pulls, inbox, clock, events, woken)

        yield make


@pytest.fixture
def bridge(make: Made) -> Bridge:
    return make()
