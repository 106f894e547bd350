"""Keeps this replica's catalogue in step with Redis: loads it, then follows the stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from bridge.catalog.index import CatalogIndex
from bridge.errors import BadInput, StoreUnavailable
from bridge.flows.ports import Connections, Kind
from bridge.observability import get_logger
from bridge.ocpi.codec import restored
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from bridge.orders.item import ChargingItem, Provider
from bridge.store.connections import CLIENTS, CONNECTION
from bridge.store.database import Database
from bridge.store.objects import CHANGES, SEPARATOR, ObjectStore
from bridge.store.slots import SLOTS, SlotStore
from bridge.workers.spare import Rush, SpareTime
from bridge.workers.stopping import stop_if_cancelled

log = get_logger()

BLOCK_MS = 2000
"""How long one read of the stream waits; below the socket's read time-out."""

CHANGES_READ = 100
"""Entries that one read of the stream brings at most."""

BODIES_READ = 100
"""Objects that are read at once."""

PREPARED = 20
"""Locations that are encoded ahead of searches before the stream is looked at again."""

PAUSE_S = 1.0
"""Pause after Redis failed."""


class CatalogFollower:
    """Owns the index of this replica; fits flows.ports.Freshness.

    Args:
        provider_of: the Beckn provider of a CPO party, from configuration and credentials.
        connected: told of every CPO whose connection changed, whoever changed it.
        rush: what changes of objects wait for, once until all of them are followed.
    """

    def __init__(
        self,
        *,
        database: Database,
        objects: ObjectStore,
        slots: SlotStore,
        connections: Connections,
        cpo_ids: tuple[str, ...],
        index: CatalogIndex,
        provider_of: Callable[[Connection, Party], Provider],
        status_ttl_s: float,
        connected: Callable[[str], None] = lambda cpo_id: None,
        rush: Rush | None = None,
    ) -> None:
        self.index = index
        self.loaded = False
        self._db = database
        self._objects = objects
        self._slots = slots
        self._connections = connections
        self._cpo_ids = cpo_ids
        self._provider_of = provider_of
        self._connected = connected
        self._status_ttl = timedelta(seconds=status_ttl_s)
        self._spare = SpareTime()
        self._rush = rush or Rush()
        self._waited = False
        self._heard: dict[tuple[Party, str], datetime] = {}
        self._cpo_of: dict[Party, str] = {}
        self._twice: set[tuple[Party, str]] = set()

    def fresh(self, item: ChargingItem) -> bool:
        """Return whether the Location was heard of within the limit, by push or pull."""
        party = Party(item.location.country_code, item.location.party_id)
        heard = self._heard.get((party, item.location.id.casefold()))
        return heard is not None and datetime.now(UTC) - heard < self._status_ttl

    async def run(self) -> None:
        """Load, then follow, until cancelled; starts over when Redis was away or ran ahead."""
        while True:
            try:
                self.loaded = False
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
        self._cpo_of.clear()
        for cpo_id in self._cpo_ids:
            connection = await self._connections.get(cpo_id)
            for party in connection.parties():
                await self._put_party(connection, party)
        for party, location_id in await self._slots.places(datetime.now(UTC)):
            await self._read_slots(party, [location_id])
        log.info("catalogue.loaded", connectors=self.index.counts().shown_connectors)
        return position

    async def _put_party(self, connection: Connection, party: Party) -> None:
        """Put a party into the index, with all that is stored of it when it is new there.

        A party behind two connections is sold over the one that is configured first.
        """
        known = self._cpo_of.get(party)
        if known is None:
            self._cpo_of[party] = connection.cpo_id
            provider = self._provider_of(connection, party)
            self.index.set_party(party, connection.cpo_id, provider, connection.operator(party))
            for kind in (Kind.TARIFF, Kind.LOCATION):
                async for some in self._objects.scan(kind, party):
                    for body in some.values():
                        self._put(kind, body)
                        await self._spare.give_way()
        elif known != connection.cpo_id:
            self._tell_twice(party, connection.cpo_id, known)
            return
        self.index.set_status(party, connection.status_of(party))

    def _tell_twice(self, party: Party, cpo_id: str, sold_by: str) -> None:
        if (party, cpo_id) not in self._twice:
            self._twice.add((party, cpo_id))
            log.warning("catalogue.party_twice", party=str(party), cpo=cpo_id, sold_by=sold_by)

    async def _end_of_stream(self) -> str:
        rows = await self._db.do("XREVRANGE", CHANGES, "+", "-", "COUNT", 1)
        return bytes(rows[0][0]).decode() if rows else "0-0"

    async def _follow(self, position: str) -> None:
        """Apply changes; returns when the stream no longer reaches back to our position.

        While there are none, Locations are encoded ahead of searches.
        """
        preparing = True
        while True:
            stop_if_cancelled()
            waiting = () if preparing else ("BLOCK", BLOCK_MS)
            reply = await self._db.do(
                "XREAD", "COUNT", CHANGES_READ, *waiting, "STREAMS", CHANGES, position
            )
            changes = _changes(reply)
            if changes:
                position, preparing = changes[-1].position, True
                if await self._apply(changes):
                    return
                continue
            self._waited = False
            if preparing:
                preparing = await self._prepare()
            elif await self._lost(position):
                log.warning("catalogue.behind", position=position)
                return

    async def _prepare(self) -> bool:
        """Encode some of what no search has asked for yet; False when all of it is ready."""
        for _ in range(PREPARED):
            if not self.index.prepare():
                return False
            await self._spare.give_way()
        return True

    async def _lost(self, position: str) -> bool:
        """Whether the stream was emptied or restored to before our position."""
        end = await self._end_of_stream()
        return _order_of(end) < _order_of(position)

    async def _apply(self, changes: Sequence[_Change]) -> bool:
        """Apply changes in their order; True when everything must be loaded anew."""
        for (kind, cpo_id, party), some in groupby(changes, key=_Change.source):
            if kind == CONNECTION:
                self._connected(cpo_id)
                return True
            if kind == SLOTS:
                await self._read_slots(party, {name for each in some for name in each.ids})
            elif kind != CLIENTS:
                ids = dict.fromkeys(object_id for each in some for object_id in each.ids)
                await self._wait_once()
                await self._read_anew(Kind(kind), party, list(ids))
            elif await self._told_of_parties(cpo_id):
                return True
        return False

    async def _wait_once(self) -> None:
        """Let a pull of Locations come to its end first: side by side neither is done sooner.

        Only once until all changes are followed: whatever the pulls do, none is late for long.
        """
        if not self._waited:
            self._waited = True
            await self._rush.over()

    async def _read_anew(self, kind: Kind, party: Party, ids: Sequence[str]) -> None:
        """Bring Locations or tariffs of a party to what is stored now, some at a time."""
        for start in range(0, len(ids), BODIES_READ):
            some = ids[start : start + BODIES_READ]
            bodies = await self._objects.read_many(kind, party, some)
            for object_id, body in zip(some, bodies, strict=True):
                self._take(kind, party, object_id, body)
                await self._spare.give_way()

    async def _read_slots(self, party: Party, location_ids: Iterable[str]) -> None:
        """Bring what is booked of Locations to what is stored now."""
        for location_id in location_ids:
            slots = await self._slots.booked(party, location_id, datetime.now(UTC))
            self.index.set_booked(party, location_id, slots)

    def _take(self, kind: Kind, party: Party, object_id: str, body: bytes | None) -> None:
        if body is not None:
            self._put(kind, body)
            self._heard[party, object_id.casefold()] = datetime.now(UTC)
        elif kind is Kind.LOCATION:
            self.index.remove_location(party, object_id)
        else:
            self.index.remove_tariff(party, object_id)

    async def _told_of_parties(self, cpo_id: str) -> bool:
        """Follow what a hub tells of its parties; True when some are gone."""
        connection = await self._connections.get(cpo_id)
        parties = connection.parties()
        if {each for each, sold_by in self._cpo_of.items() if sold_by == cpo_id} - set(parties):
            return True
        for party in parties:
            await self._put_party(connection, party)
        return False

    def _put(self, kind: Kind, body: bytes) -> None:
        try:
            if kind is Kind.LOCATION:
                self.index.put_location(restored(body, Location))
            else:
                self.index.put_tariff(restored(body, Tariff))
        except BadInput as error:
            log.error("catalogue.unreadable", kind=str(kind), error=str(error))


class _Change(NamedTuple):
    """An entry of the stream: of objects of a party, or of a whole CPO."""

    position: str
    kind: str
    cpo_id: str
    party: Party
    ids: Sequence[str]

    def source(self) -> tuple[str, str, Party]:
        """Return what changes that are read together have in common."""
        return self.kind, self.cpo_id, self.party


def _changes(reply: object) -> list[_Change]:
    """Return the entries of an XREAD reply, in either protocol's shape."""
    if not reply:
        return []
    if isinstance(reply, dict):
        rows = [row for pages in reply.values() for page in pages for row in page]
    else:
        assert isinstance(reply, list)
        rows = [row for _, some in reply for row in some]
    return [_change(entry_id.decode(), fields) for entry_id, fields in rows]


def _change(position: str, fields: Mapping[bytes, bytes]) -> _Change:
    told = {name.decode(): value.decode() for name, value in fields.items()}
    party = Party(told.get("country_code", ""), told.get("party_id", ""))
    return _Change(
        position, told["kind"], told.get("cpo", ""), party, told.get("ids", "").split(SEPARATOR)
    )


def _order_of(entry_id: str) -> tuple[int, int]:
    """Return a stream id as something that compares."""
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number)
