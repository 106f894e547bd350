"""Keeps this replica's catalogue in step with Redis: loads it, then follows the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from bridge.catalog.index import CatalogIndex
from bridge.errors import BadInput, StoreUnavailable
from bridge.flows.ports import Connections, Kind, ObjectStore
from bridge.observability import get_logger
from bridge.ocpi.codec import decode
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from bridge.orders.item import ChargingItem, Provider
from bridge.store.connections import CLIENTS, CONNECTION
from bridge.store.database import Database
from bridge.store.objects import CHANGES

log = get_logger()

BLOCK_MS = 2000
"""How long one read of the stream waits; below the socket's read time-out."""

PAUSE_S = 1.0
"""Pause after Redis failed."""


class CatalogFollower:
    """Owns the index of this replica; fits flows.ports.Freshness.

    Args:
        provider_of: the Beckn provider of a CPO party, from configuration and credentials.
        connected: told of every CPO whose connection changed, whoever changed it.
    """

    def __init__(
        self,
        *,
        database: Database,
        objects: ObjectStore,
        connections: Connections,
        cpo_ids: tuple[str, ...],
        index: CatalogIndex,
        provider_of: Callable[[Connection, Party], Provider],
        status_ttl_s: float,
        connected: Callable[[str], None] = lambda cpo_id: None,
    ) -> None:
        self.index = index
        self.loaded = False
        self._db = database
        self._objects = objects
        self._connections = connections
        self._cpo_ids = cpo_ids
        self._provider_of = provider_of
        self._connected = connected
        self._status_ttl = timedelta(seconds=status_ttl_s)
        self._heard: dict[tuple[Party, str], datetime] = {}

    def fresh(self, item: ChargingItem) -> bool:
        """Return whether the Location was heard of within the limit, by push or pull."""
        party = Party(item.location.country_code, item.location.party_id)
        heard = self._heard.get((party, item.location.id.casefold()))
        return heard is not None and datetime.now(UTC) - heard < self._status_ttl

    async def run(self) -> None:
        """Load, then follow, until cancelled; starts over when Redis was away or ran ahead."""
        while True:
            try:
                position = await self._load()
                self.loaded = True
                await self._follow(position)
            except StoreUnavailable as error:
                log.warning("store.unavailable", worker="catalogue", error=str(error))
                await asyncio.sleep(PAUSE_S)

    async def _load(self) -> str:
        """Fill the index from Redis; return the stream position that it is at least as new as."""
        position = await self._end_of_stream()
        self._heard.clear()
        self.index.clear()
        for cpo_id in self._cpo_ids:
            connection = await self._connections.get(cpo_id)
            for party in connection.parties():
                self.index.set_party(party, cpo_id, self._provider_of(connection, party))
                for body in (await self._objects.all(Kind.TARIFF, party)).values():
                    self._put(Kind.TARIFF, body)
                for body in (await self._objects.all(Kind.LOCATION, party)).values():
                    self._put(Kind.LOCATION, body)
                await asyncio.sleep(0)
        log.info("catalogue.loaded", connectors=self.index.counts().shown_connectors)
        return position

    async def _end_of_stream(self) -> str:
        rows = await self._db.do("XREVRANGE", CHANGES, "+", "-", "COUNT", 1)
        return bytes(rows[0][0]).decode() if rows else "0-0"

    async def _follow(self, position: str) -> None:
        """Apply changes; returns when the stream no longer reaches back to our position."""
        while True:
            reply = await self._db.do(
                "XREAD", "COUNT", 500, "BLOCK", BLOCK_MS, "STREAMS", CHANGES, position
            )
            rows = _rows(reply)
            if not rows and await self._lost(position):
                log.warning("catalogue.behind", position=position)
                return
            for entry_id, fields in rows:
                position = entry_id.decode()
                if await self._apply({k.decode(): v.decode() for k, v in fields.items()}):
                    return

    async def _lost(self, position: str) -> bool:
        """Whether the stream was emptied or restored to before our position."""
        end = await self._end_of_stream()
        return _order_of(end) < _order_of(position)

    async def _apply(self, change: Mapping[str, str]) -> bool:
        """Apply one change; True when everything must be loaded anew."""
        if change["kind"] in (CONNECTION, CLIENTS):
            self._connected(change["cpo"])
            return True
        kind = Kind(change["kind"])
        party = Party(change["country_code"], change["party_id"])
        body = await self._objects.read(kind, party, change["id"])
        if body is not None:
            self._put(kind, body)
            self._heard[party, change["id"].casefold()] = datetime.now(UTC)
        elif kind is Kind.LOCATION:
            self.index.remove_location(party, change["id"])
        else:
            self.index.remove_tariff(party, change["id"])
        return False

    def _put(self, kind: Kind, body: bytes) -> None:
        try:
            if kind is Kind.LOCATION:
                self.index.put_location(decode(body, Location))
            else:
                self.index.put_tariff(decode(body, Tariff))
        except BadInput as error:
            log.error("catalogue.unreadable", kind=str(kind), error=str(error))


def _rows(reply: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries of an XREAD reply, in either protocol's shape."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [row for pages in reply.values() for page in pages for row in page]
    assert isinstance(reply, list)
    return [row for _, rows in reply for row in rows]


def _order_of(entry_id: str) -> tuple[int, int]:
    """Return a stream id as something that compares."""
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number)
