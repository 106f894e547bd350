"""A CPO with lists, and one replica of the bridge as far as pulls go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from msgspec.structs import replace

from bridge.flows.emsp.emsp import Emsp
from bridge.flows.jobs import Job
from bridge.flows.ports import Kind
from bridge.ocpi.codec import decode
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.versions import Endpoint
from bridge.orders.order import Order
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore, Write
from bridge.store.orders import OrderStore
from bridge.store.pulls import Pulls
from bridge.workers.asked import Asked as Wishes
from bridge.workers.pull import Outcome
from bridge.workers.puller import Puller, PullReport
from bridge.workers.sources import GROUPS
from bridge.workers.spare import Rush
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, enveloped
from tests.contract.ocpi_client.objects import tariff
from tests.contract.ocpi_client.side import CPO_PARTY, OWN, connected
from tests.waiting import until

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LOCATIONS, TARIFFS = "/2.2.1/locations", "/2.2.1/tariffs"
SESSIONS, CDRS = "/2.2.1/sessions", "/2.2.1/cdrs"


def registered(fake: FakeCpo, *parties: Party) -> Connection:
    """Return a connection, made at NOW, to a CPO that has all four lists."""
    whole = connected(fake, *parties)
    events = tuple(
        Endpoint(identifier=module, role=InterfaceRole.SENDER, url=fake.url(path))
        for module, path in ((ModuleID.SESSIONS, SESSIONS), (ModuleID.CDRS, CDRS))
    )
    return replace(whole, endpoints=(*whole.endpoints, *events), registered_at=NOW)


class Lists:
    """The CPO's own objects, served by page with filter and links as the standard has them."""

    def __init__(self, fake: FakeCpo, page_size: int = 2) -> None:
        self.fake = fake
        self.page_size = page_size
        self.locations: list[dict[str, Any]] = []
        self.tariffs: list[dict[str, Any]] = [tariff("T1")]
        self.sessions: list[dict[str, Any]] = []
        self.cdrs: list[dict[str, Any]] = []
        self.meanwhile: dict[str, Callable[[], Awaitable[None]]] = {}
        fake.on("GET", LOCATIONS, self._serve(lambda: self.locations))
        fake.on("GET", TARIFFS, self._serve(lambda: self.tariffs))
        fake.on("GET", SESSIONS, self._serve(lambda: self.sessions))
        fake.on("GET", CDRS, self._serve(lambda: self.cdrs))

    def _serve(self, objects: Callable[[], list[dict[str, Any]]]) -> Answer:
        async def answer(asked: Asked) -> web.StreamResponse:
            query = asked.request.query
            since, till = query.get("date_from", ""), query.get("date_to", "~")
            matching = [each for each in objects() if since <= each.get("last_updated", "9") < till]
            offset, end = int(query["offset"]), int(query["offset"]) + self.page_size
            headers = {"X-Total-Count": str(len(matching))}
            if end < len(matching):
                target = asked.request.rel_url.update_query(offset=str(end))
                headers["Link"] = f'<{self.fake.origin}{target}>; rel="next"'
            response = enveloped(matching[offset:end], headers=headers)
            if asked.request.path in self.meanwhile:
                await self.meanwhile[asked.request.path]()
            return response

        return answer

    def one(self, body: dict[str, Any]) -> Answer:
        """Return an answer of one object."""

        async def answer(asked: Asked) -> web.StreamResponse:
            if asked.request.path in self.meanwhile:
                await self.meanwhile[asked.request.path]()
            return enveloped(body)

        return answer


class Watching(OrderStore):
    """Correlation in which an order watches every EVSE; it fails as told."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, emsp=OWN, issuer="Bridge", retention_s=3600)
        self.faults: list[Exception] = []

    async def put(self, order: Order) -> None:
        """Store an order."""
        await self._db.commit(self.saved(order, await self.load(order.key)))

    async def running_on(self, party: Party, location_id: str, evse_uid: str) -> Sequence[str]:
        if self.faults:
            raise self.faults.pop()
        return [f"order of {evse_uid}"]


class Contended(ObjectStore):
    """A store in which somebody else comes, once, right before we write."""

    first: Callable[[], Awaitable[None]] | None = None

    async def write_many(self, kind: Kind, party: Party, writes: Sequence[Write]) -> bool:
        """Let the other one write, then write."""
        if self.first is not None:
            first, self.first = self.first, None
            await first()
        return await super().write_many(kind, party, writes)


LOOPS = [f"pull cpo1 {group[-1].module}" for group in GROUPS] + ["fetch cpo1", "sync cpo1"]
"""What runs side by side for a CPO."""


class Counted(ConnectionStore):
    """Connections that count how often each loop of the worker has looked, and fail as told."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, {})
        self.faults: list[Exception] = []
        self.looks: Counter[str] = Counter()

    async def get(self, cpo_id: str) -> Connection:
        task = asyncio.current_task()
        assert task is not None
        self.looks[task.get_name()] += 1
        if self.faults:
            raise self.faults.pop()
        return await super().get(cpo_id)


@dataclass
class Bridge:
    """One replica, as far as pulls go."""

    puller: Puller
    asked: Wishes
    emsp: Emsp
    store: Counted
    objects: Contended
    correlation: Watching
    pulls: Pulls
    inbox: Lanes
    clock: list[datetime]
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    woken: list[bool] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    rush: Rush = field(default_factory=Rush)

    def comes_between(self, push: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Return what lets a push come right before the next objects are written."""

        async def arm() -> None:
            self.objects.first = push

        return arm

    async def locations(self) -> dict[str, Location]:
        """Return what is stored of the CPO."""
        found = await self.everything(Kind.LOCATION)
        return {key: decode(body, Location) for key, body in found.items()}

    async def everything(self, kind: Kind, party: Party = CPO_PARTY) -> dict[str, bytes]:
        """Return all that is stored of a kind, by folded id."""
        found: dict[str, bytes] = {}
        async for some in self.objects.scan(kind, party):
            found |= some
        return found

    async def jobs(self, order_key: str) -> list[Job]:
        """Return what is queued for an order, oldest first."""
        entries = await self.inbox.entries(order_key)
        return [msgspec.json.decode(entry, type=Job) for entry in entries]

    async def passes(self, seconds: float) -> None:
        """Let time pass, and every loop look at what is due then."""
        self.clock[0] += timedelta(seconds=seconds)
        await look(self)

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return the fields of each such event."""
        return [fields for name, fields in self.events if name == event]


Made = Callable[..., Bridge]


def outcome(report: PullReport, module: str = "locations") -> Outcome:
    """Return what became of one list."""
    return next(each for each in report.outcomes if each.module == module)


def queries(fake: FakeCpo, path: str = LOCATIONS) -> list[dict[str, str]]:
    """Return the query of each request for a list."""
    return [dict(each.request.query) for each in fake.asked if each.request.path == path]


@asynccontextmanager
async def running(*bridges: Bridge) -> AsyncIterator[None]:
    """Run the workers of these replicas, and see that they end when cancelled."""
    tasks = [asyncio.create_task(bridge.puller.run()) for bridge in bridges]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=10)
    assert all(task.cancelled() for task in tasks)


def pulled(bridge: Bridge, module: str = "locations") -> int:
    """Return how many pulls of a list ended well."""
    return [fields["module"] for fields in bridge.told("pull.done")].count(module)


async def look(bridge: Bridge) -> None:
    """Let every loop look at what is due, and finish what it finds."""
    # That it looks a second time shows that it is through with what it saw first.
    for _ in range(2):
        before = bridge.store.looks.copy()
        bridge.asked.wake("cpo1")
        await until(partial(_have_looked, bridge, before))


def _have_looked(bridge: Bridge, before: Counter[str]) -> bool:
    return all(bridge.store.looks[loop] > before[loop] for loop in LOOPS)
