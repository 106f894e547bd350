"""How a pull keeps what it reads: sessions and CDRs as events, Locations and tariffs as a list.

Whom a hub reaches is kept with its connection.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec

from bridge.clients.pages import Bad
from bridge.errors import BadInput, OcpiInvalid, StoreUnavailable
from bridge.flows.emsp.cdrs import keep_cdr
from bridge.flows.emsp.emsp import Emsp
from bridge.flows.emsp.hubclientinfo import told
from bridge.flows.emsp.keeping import Kept, is_older
from bridge.flows.emsp.locations import status_jobs
from bridge.flows.emsp.sessions import keep_session
from bridge.flows.jobs import Job
from bridge.flows.ports import Kind, Wanted
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import restored
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.types import ModuleID
from bridge.store.objects import Write
from bridge.workers.sources import Keeping, Listed, Listing, Owned, Source, Tools

WRITTEN_AT_ONCE: Final = 100
"""Objects that are compared and written in one transaction; pages may be larger."""

WRITERS: Final = 20
"""Pushes of the same object that may come between before its pull is given up."""


async def begin(
    tools: Tools,
    connection: Connection,
    source: Source,
    parties: Sequence[Party],
    *,
    full: bool,
) -> Keeping:
    """Return what keeps the objects of a pull that is about to begin.

    Args:
        parties: whose objects a full list has all of.
        full: the list is asked for without a date.
    """
    cpo_id = connection.cpo_id
    if source.kind is None:
        return Clients(tools.emsp, connection, full=full)
    if source.reach is not None:
        return Events(tools.emsp, cpo_id)
    found: dict[Party, dict[str, bytes]] = {}
    for party in parties if full else ():
        found[party] = {}
        async for some in tools.objects.scan(source.kind, party):
            found[party] |= {each: digest(body) for each, body in some.items()}
    return Catalogue(tools, cpo_id, source.kind, found, full=full)


def digest(body: bytes) -> bytes:
    """Return what stands for an object's content: thousands of them are to be remembered."""
    return blake2b(body, digest_size=16).digest()


class Events:
    """Keeps sessions and CDRs, each as if it had been pushed; they are never removed."""

    def __init__(self, emsp: Emsp, cpo_id: str) -> None:
        self._emsp = emsp
        self._cpo_id = cpo_id

    async def take(self, page: Sequence[Owned]) -> Counter[str]:
        """Keep objects one by one.

        A CDR that contradicts the one stored is told of there, and costs the others nothing.
        """
        count: Counter[str] = Counter()
        for party, each in page:
            try:
                kept = await self._keep(party, each)
            except OcpiInvalid:
                count["refused"] += 1
            else:
                count["unchanged" if kept is Kept.UNCHANGED else "written"] += 1
        return count

    async def _keep(self, party: Party, each: Listed) -> Kept:
        match each:
            case Session():
                return await keep_session(self._emsp, self._cpo_id, party, each)
            case CDR():
                return await keep_cdr(self._emsp, self._cpo_id, party, each)
            case _:
                raise TypeError(f"{type(each).__name__} is no event")

    def miss(self, bad: Bad) -> None:
        """Nothing depends on what such a list lacks."""

    async def settle(self, *, complete: bool) -> int:
        """Remove nothing."""
        return 0


class Clients:
    """Keeps whom a hub reaches: all at once, so that nobody takes half of it for the whole."""

    def __init__(self, emsp: Emsp, connection: Connection, *, full: bool) -> None:
        self._emsp = emsp
        self._connection = connection
        self._full = full
        self._listed: dict[str, ClientInfo] = {}
        self._nameless = False

    async def take(self, page: Sequence[Owned]) -> Counter[str]:
        """Remember what the hub tells."""
        count: Counter[str] = Counter()
        for _, each in page:
            if isinstance(each, ClientInfo):
                self._listed[each.id] = each
                known = self._connection.with_client(each) == self._connection
                count["unchanged" if known else "written"] += 1
        return count

    def miss(self, bad: Bad) -> None:
        """Remove nobody: nothing says who it is."""
        self._nameless = True

    async def settle(self, *, complete: bool) -> int:
        """Keep it, and forget those that a full list lacks."""
        gone: list[ClientInfo] = []
        if complete and self._full and not self._nameless:
            gone = [each for each in self._connection.clients if each.id not in self._listed]

        def told_of(connection: Connection) -> Connection:
            for each in self._listed.values():
                connection = connection.with_client(each)
            return connection.without_clients(gone)

        before, after = await self._emsp.connections.change(self._connection.cpo_id, told_of)
        # What a hub tells at first is no news: all is pulled anyway.
        if self._connection.clients:
            told(self._emsp, before, after)
        return len(gone)


class Catalogue:
    """Keeps Locations and tariffs: writes what is news, removes what a full list lacks.

    Args:
        found: digests of what was stored when the pull began, by folded id. It yields to the
            list; what was pushed since then is compared by its date.
    """

    def __init__(
        self,
        tools: Tools,
        cpo_id: str,
        kind: Kind,
        found: Mapping[Party, Mapping[str, bytes]],
        *,
        full: bool,
    ) -> None:
        self._tools = tools
        self._cpo_id = cpo_id
        self._kind = kind
        self._found = found
        self._full = full
        self._listed: defaultdict[Party, set[str]] = defaultdict(set)
        self._nameless = False
        self._tariffs: dict[Party, frozenset[str]] = {}

    async def take(self, page: Sequence[Owned]) -> Counter[str]:
        """Keep objects, many in one transaction."""
        count: Counter[str] = Counter()
        for party, some in _batches(page):
            self._listed[party].update(some)
            count += await self._take(party, some)
            await self._ask_for_tariffs(party, some)
        return count

    def miss(self, bad: Bad) -> None:
        """Leave what is stored of it, and everything if it does not even say which it is."""
        if bad.party is None or bad.id is None:
            self._nameless = True
        else:
            self._listed[bad.party].add(bad.id.casefold())

    async def settle(self, *, complete: bool) -> int:
        """Remove what a full list lacks, unless it was pushed meanwhile."""
        if not complete or not self._full or self._nameless:
            return 0
        removed = 0
        for party, found in self._found.items():
            for some in _cut(sorted(found.keys() - self._listed[party])):
                bodies = await self._tools.objects.read_many(self._kind, party, some)
                for object_id, body in zip(some, bodies, strict=True):
                    if body is not None and self._was_found(party, object_id, body):
                        removed += await self._write(party, object_id, None, body)
        return removed

    async def _take(self, party: Party, some: dict[str, Listing]) -> Counter[str]:
        """Write what is news of some objects of a party at once, else one by one."""
        if self._full and some.keys().isdisjoint(self._found.get(party, ())):
            # What was not there at the beginning is hardly there now: it need not be read first.
            writes = [Write(each.id, each.body, None) for each in some.values()]
            if await self._tools.objects.write_many(self._kind, party, writes):
                return Counter(written=len(writes))
        count: Counter[str] = Counter()
        writes = []
        bodies = await self._tools.objects.read_many(self._kind, party, list(some))
        for each, old in zip(some.values(), bodies, strict=True):
            became, write = await self._judged(party, each, old)
            count[became] += 1
            writes += [] if write is None else [write]
        if not writes or await self._tools.objects.write_many(self._kind, party, writes):
            self._wake(writes)
            return count
        # Somebody pushed one of them in this moment.
        return Counter([await self._take_one(party, each) for each in some.values()])

    async def _take_one(self, party: Party, each: Listing) -> str:
        for _ in range(WRITERS):
            old = await self._tools.objects.read(self._kind, party, each.id)
            became, write = await self._judged(party, each, old)
            if write is None or await self._tools.objects.write_many(self._kind, party, [write]):
                self._wake([] if write is None else [write])
                return became
        raise StoreUnavailable(f"the {self._kind} {each.id!r} kept changing")

    async def _judged(
        self, party: Party, each: Listing, old: bytes | None
    ) -> tuple[str, Write | None]:
        """Return what becomes of an object, and what to write."""
        if old == each.body:
            return "unchanged", None
        if old is None:
            return "written", Write(each.id, each.body, None)
        if not self._was_found(party, each.id, old) and _overtaken(each, old):
            return "older", None
        return "written", Write(each.id, each.body, old, await self._jobs(party, old, each))

    def _was_found(self, party: Party, object_id: str, body: bytes) -> bool:
        """Whether this is what was stored when the pull began."""
        found = self._found.get(party, {}).get(object_id.casefold())
        return found is not None and found == digest(body)

    async def _jobs(self, party: Party, old: bytes, each: Listing) -> dict[str, Job]:
        """Return what the orders on an EVSE must know of its new status."""
        if self._kind is not Kind.LOCATION:
            return {}
        try:
            before, after = restored(old, Location), restored(each.body, Location)
        except BadInput:
            return {}
        emsp = self._tools.emsp
        return await status_jobs(emsp.correlation, party, before, after, self._tools.now())

    async def _write(self, party: Party, object_id: str, new: bytes | None, old: bytes) -> bool:
        return await self._tools.objects.write(self._kind, party, object_id, new, old)

    def _wake(self, writes: Sequence[Write]) -> None:
        if any(each.jobs for each in writes):
            self._tools.emsp.wake()

    async def _ask_for_tariffs(self, party: Party, some: dict[str, Listing]) -> None:
        """Have the tariffs fetched that Locations name and nobody listed (4.1, 13)."""
        named = frozenset().union(*(each.tariff_ids for each in some.values()))
        if not named:
            return
        if party not in self._tariffs:
            self._tariffs[party] = await self._tools.objects.ids(Kind.TARIFF, party)
        for tariff_id in named - self._tariffs[party]:
            self._tools.emsp.pull_soon(self._cpo_id, ModuleID.TARIFFS, Wanted(party, tariff_id))


def _batches(page: Sequence[Owned]) -> Iterator[tuple[Party, dict[str, Listing]]]:
    """Yield objects by party and folded id, not too many at once, the same one never twice."""
    some: dict[str, Listing] = {}
    owner: Party | None = None
    for party, each in page:
        assert isinstance(each, Listing), "sessions and CDRs are events"
        folded = each.id.casefold()
        if owner is not None and (party != owner or folded in some or len(some) == WRITTEN_AT_ONCE):
            yield owner, some
            some = {}
        owner, some[folded] = party, each
    if owner is not None:
        yield owner, some


def _cut(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), WRITTEN_AT_ONCE):
        yield ids[start : start + WRITTEN_AT_ONCE]


class _Dated(msgspec.Struct):
    last_updated: datetime


def _overtaken(each: Listing, old: bytes) -> bool:
    """Whether what is stored is newer; what cannot be read is not."""
    try:
        return is_older(each.last_updated, restored(old, _Dated).last_updated)
    except BadInput:
        return False
