"""A CPO with lists, and one replica of the bridge as far as pulls go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.flows.ports import Kind
from bridge.ocpi.codec import decode
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.store.connections import ConnectionStore
from bridge.store.database import Database
from bridge.store.lanes import Lanes
from bridge.store.objects import ObjectStore
from bridge.store.orders import OrderStore
from bridge.store.pulls import Pulls
from bridge.workers.catalog_pull import CatalogPull, PullReport
from bridge.workers.pull import Event, Outcome
from tests.contract.ocpi_client.fake import Answer, Asked, FakeCpo, enveloped
from tests.contract.ocpi_client.objects import tariff
from tests.contract.ocpi_client.side import CPO_PARTY, OWN

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LOCATIONS, TARIFFS = "/2.2.1/locations", "/2.2.1/tariffs"


class Lists:
    """The CPO's own objects, served by page with filter and links as the standard has them."""

    def __init__(self, fake: FakeCpo, page_size: int = 2) -> None:
        self.fake = fake
        self.page_size = page_size
        self.locations: list[dict[str, Any]] = []
        self.tariffs: list[dict[str, Any]] = [tariff("T1")]
        self.meanwhile: dict[str, Callable[[], Awaitable[None]]] = {}
        fake.on("GET", LOCATIONS, self._serve(lambda: self.locations))
        fake.on("GET", TARIFFS, self._serve(lambda: self.tariffs))

    def _serve(self, objects: Callable[[], list[dict[str, Any]]]) -> Answer:
        async def answer(asked: Asked) -> web.StreamResponse:
            query = asked.request.query
            since = query.get("date_from", "")
            matching = [each for each in objects() if each.get("last_updated", "9") >= since]
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


class Watching(OrderStore):
    """Correlation in which an order watches every EVSE; it fails as told."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, emsp=OWN, issuer="Bridge", retention_s=3600)
        self.faults: list[Exception] = []

    async def running_on(self, party: Party, location_id: str, evse_uid: str) -> Sequence[str]:
        if self.faults:
            raise self.faults.pop()
        return [f"order of {evse_uid}"]


class Counted(ConnectionStore):
    """Connections that count how often the worker has looked, and fail as told."""

    looks = 0

    def __init__(self, database: Database) -> None:
        super().__init__(database, {})
        self.faults: list[Exception] = []

    async def get(self, cpo_id: str) -> Connection:
        self.looks += 1
        if self.faults:
            raise self.faults.pop()
        return await super().get(cpo_id)


@dataclass
class Bridge:
    """One replica, as far as pulls go."""

    pull: CatalogPull
    store: Counted
    objects: ObjectStore
    correlation: Watching
    pulls: Pulls
    inbox: Lanes
    clock: list[datetime]
    events: list[tuple[Event, dict[str, Any]]] = field(default_factory=list)
    woken: list[bool] = field(default_factory=list)

    async def locations(self) -> dict[str, Location]:
        """Return what is stored of the CPO."""
        found = await self.objects.all(Kind.LOCATION, CPO_PARTY)
        return {key: decode(body, Location) for key, body in found.items()}

    def told(self, event: Event) -> list[dict[str, Any]]:
        """Return the fields of each such event."""
        return [fields for name, fields in self.events if name == event]


Made = Callable[..., Bridge]


def outcome(report: PullReport, module: str = "locations") -> Outcome:
    """Return what became of one list."""
    return next(each for each in report.outcomes if each.module == module)


def queries(fake: FakeCpo, path: str = LOCATIONS) -> list[dict[str, str]]:
    """Return the query of each request for a list."""
    return [dict(each.request.query) for each in fake.asked if each.request.path == path]
