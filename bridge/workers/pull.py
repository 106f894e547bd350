"""One pull of one module of one CPO into the object store (OCPI 2.2.1, 1.6 and 1.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from bridge.clients.cpo import Cpo, call_of, endpoint
from bridge.clients.ocpi import OcpiClient
from bridge.clients.pages import Bad, Ending, Page, pages
from bridge.errors import BadInput, StoreUnavailable
from bridge.flows.emsp.keeping import is_older
from bridge.flows.emsp.locations import status_jobs
from bridge.flows.jobs import Job
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Correlation, Kind, ObjectStore
from bridge.ocpi.codec import decode, encode
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.urls import page_query
from bridge.store.pulls import Lease, Pulls, PullState
from bridge.workers.stopping import stop_if_cancelled

PAGE_SIZE: Final = 100
"""How many objects we ask for at once; CPOs give fewer if they like, some 10 if not asked."""

PAGE_S: Final = 30.0
"""Shortest time-out of a page: a CPO may assemble it from its database."""

OVERLAP: Final = timedelta(seconds=60)
"""How far a delta reaches back behind the cursor: what a CPO stored late is found too."""

LONGEST_DELTA: Final = timedelta(days=28)
"""How far a delta reaches back at most; some CPOs refuse ranges of more than a month."""

BAD_SHOWN: Final = 20
"""Unreadable objects of one pull that are told one by one."""

WRITERS: Final = 20
"""Pushes of the same object that may come between before its pull is given up."""

Event = Literal[
    "pull.bad_object",
    "pull.crashed",
    "pull.done",
    "pull.failed",
    "pull.foreign_objects",
    "store.unavailable",
]
"""What is told of pulls."""


class Notice(Protocol):
    """Logs an event of a CPO and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


class Source(NamedTuple):
    """A list of a CPO and where its objects are kept."""

    module: ModuleID
    kind: Kind
    type: type[Location] | type[Tariff]


TARIFFS: Final = Source(ModuleID.TARIFFS, Kind.TARIFF, Tariff)
LOCATIONS: Final = Source(ModuleID.LOCATIONS, Kind.LOCATION, Location)

SOURCES: Final = (TARIFFS, LOCATIONS)
"""In the order they are pulled: a Location is shown only with its tariffs."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the pull of a module.

    Args:
        full: without ``date_from``.
        ending: how the list ended; of several parties the worst. BUSY: another replica is at
            it; ABSENT: the CPO has no such endpoint; FAILED: ``error`` says why.
        seen: objects read, each counted as one of the next five.
        older: not written, a push was newer.
        foreign: of parties that are no role of the connection.
        removed: gone from a full list.
    """

    module: str
    full: bool
    ending: str
    seen: int = 0
    written: int = 0
    unchanged: int = 0
    older: int = 0
    foreign: int = 0
    bad: int = 0
    removed: int = 0
    error: str = ""


BUSY: Final = "BUSY"
ABSENT: Final = "ABSENT"
FAILED: Final = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a pull works with.

    Args:
        wake: called when jobs were queued for orders.
    """

    client: OcpiClient
    objects: ObjectStore
    correlation: Correlation
    pulls: Pulls
    notice: Notice
    wake: Callable[[], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


async def pull(
    tools: Tools, cpo: Cpo, connection: Connection, source: Source, *, full: bool
) -> Outcome:
    """Bring the stored objects of a module in line with the CPO's list.

    A delta needs the cursor of an earlier pull over this connection: without a recent one it
    becomes a full pull.

    Raises:
        CallFailed: a page did not come. What came before is stored, the cursor stays.
        StoreUnavailable
    """
    if endpoint(cpo, connection, source.module, InterfaceRole.SENDER) is None:
        return Outcome(module=source.module, full=full, ending=ABSENT)
    page_s = max(cpo.timeouts.total_s, PAGE_S)
    lease = await tools.pulls.take(cpo.id, source.module, 2 * page_s)
    if lease is None:
        return Outcome(module=source.module, full=full, ending=BUSY)
    try:
        state = await tools.pulls.state(cpo.id, source.module)
        if state.connected_at != connection.registered_at:
            state = PullState(connected_at=connection.registered_at)
        try:
            return await _Pull(tools, cpo, connection, source, lease).run(state, full=full)
        except CallFailed as error:
            failed = replace(
                state, tried_at=tools.now(), error=error.reason, failures=state.failures + 1
            )
            await tools.pulls.keep(lease, cpo.id, source.module, failed)
            raise
    finally:
        # A lock that cannot be released ends by itself.
        with suppress(StoreUnavailable):
            await tools.pulls.release(lease)


@dataclass(slots=True)
class _Pull:
    """A pull under way.

    Args:
        before: what a full pull found in the store when it began, by party and folded id.
        listed: what the CPO's list has, readable or not.
        nameless: an unreadable object did not even say which it is.
    """

    tools: Tools
    cpo: Cpo
    connection: Connection
    source: Source
    lease: Lease
    before: dict[Party, dict[str, bytes]] | None = None
    listed: set[tuple[Party, str]] = field(default_factory=set)
    nameless: bool = False
    newest: datetime | None = None
    count: Counter[str] = field(default_factory=Counter)

    async def run(self, state: PullState, *, full: bool) -> Outcome:
        """Read the list of every party, then settle what a full list no longer has."""
        started = self.tools.now()
        date_from = None if full else _date_from(state, started)
        parties = self.connection.parties()
        if date_from is None:
            self.before = {
                party: await self.tools.objects.all(self.source.kind, party) for party in parties
            }
        else:
            self.newest = state.cursor
        endings = [await self._crawl(party, date_from) for party in parties]
        ending = next((each for each in endings if each is not Ending.COMPLETE), Ending.COMPLETE)
        if self.before is not None and ending is Ending.COMPLETE and not self.nameless:
            await self._remove(self.before)
        self._tell_foreign()
        after = self._after(state, started, ending)
        await self.tools.pulls.keep(self.lease, self.cpo.id, self.source.module, after)
        return Outcome(
            module=self.source.module,
            full=self.before is not None,
            ending=ending.value,
            seen=self.count["seen"],
            written=self.count["written"],
            unchanged=self.count["unchanged"],
            older=self.count["older"],
            foreign=self.count["foreign"],
            bad=self.count["bad"],
            removed=self.count["removed"],
        )

    def _after(self, state: PullState, started: datetime, ending: Ending) -> PullState:
        """Return how far the pull has come; pages that were not read are asked for again."""
        if ending not in (Ending.COMPLETE, Ending.LOOP):
            return replace(state, tried_at=started, error="", failures=0)
        return PullState(
            # A clock of the CPO that is ahead must not make us blind until ours is there too.
            cursor=min(self.newest, started) if self.newest else None,
            pulled_at=started,
            full_at=started if self.before is not None else state.full_at,
            tried_at=started,
            connected_at=state.connected_at,
        )

    async def _crawl(self, party: Party, date_from: datetime | None) -> Ending:
        """Read the list as it is for one party, to its end, for as long as the lock is ours."""
        first = call_of(
            self.cpo,
            self.connection,
            self.source.module,
            InterfaceRole.SENDER,
            to=party,
            query=page_query(date_from=date_from, offset=0, limit=PAGE_SIZE),
            at_least_s=PAGE_S,
        )
        ending: Ending | None = None
        async with aclosing(pages(self.tools.client, first, self.source.type)) as read:
            async for page in read:
                await self._take(page)
                stop_if_cancelled()
                ending = page.ending
                if not await self.tools.pulls.renew(self.lease):
                    raise StoreUnavailable("another replica has taken over the pull")
        assert ending is not None, "the last page has an ending"
        return ending

    async def _take(self, page: Page[Location | Tariff]) -> None:
        for bad in page.bad:
            self._take_bad(bad)
        for each in page.objects:
            self.count["seen"] += 1
            owner = self._owner(Party(each.country_code, each.party_id))
            if owner is None:
                self.count["foreign"] += 1
                continue
            self.listed.add((owner, each.id.casefold()))
            self.newest = max(self.newest or each.last_updated, each.last_updated)
            self.count[await self._keep(owner, each)] += 1

    def _take_bad(self, bad: Bad) -> None:
        self.count["seen"] += 1
        self.count["bad"] += 1
        if bad.party is None or bad.id is None:
            self.nameless = True
        else:
            self.listed.add((bad.party, bad.id.casefold()))
        if self.count["bad"] <= BAD_SHOWN:
            self.tools.notice(
                "pull.bad_object",
                cpo_id=self.cpo.id,
                module=self.source.module,
                object=bad.id,
                path=bad.path,
                reason=bad.reason,
            )

    async def _keep(self, party: Party, each: Location | Tariff) -> str:
        """Store an object if it is news; return under what it is counted."""
        objects, kind = self.tools.objects, self.source.kind
        new = encode(each)
        known = self.before is not None
        old = (
            self.before.get(party, {}).get(each.id.casefold())
            if self.before is not None
            else await objects.read(kind, party, each.id)
        )
        for _ in range(WRITERS):
            if old == new:
                return "unchanged"
            # What a full pull found when it began yields to the list; a push since then does not.
            if not known and old is not None and _overtaken(each, old):
                return "older"
            jobs = await self._jobs(party, old, each)
            if await objects.write(kind, party, each.id, new, old, jobs):
                if jobs:
                    self.tools.wake()
                return "written"
            old, known = await objects.read(kind, party, each.id), False
        raise StoreUnavailable(f"the {kind} {each.id!r} kept changing")

    async def _jobs(
        self, party: Party, old: bytes | None, each: Location | Tariff
    ) -> dict[str, Job]:
        """Return what the orders on an EVSE must know of its new status."""
        if old is None or not isinstance(each, Location):
            return {}
        try:
            stored = decode(old, Location)
        except BadInput:
            return {}
        return await status_jobs(self.tools.correlation, party, stored, each, self.tools.now())

    async def _remove(self, before: dict[Party, dict[str, bytes]]) -> None:
        """Remove what a full list no longer has, unless it was pushed meanwhile."""
        for party, stored in before.items():
            for object_id, body in stored.items():
                if (party, object_id) not in self.listed and await self.tools.objects.write(
                    self.source.kind, party, object_id, None, body
                ):
                    self.count["removed"] += 1

    def _owner(self, party: Party) -> Party | None:
        return next((each for each in self.connection.parties() if each == party), None)

    def _tell_foreign(self) -> None:
        if foreign := self.count["foreign"]:
            self.tools.notice(
                "pull.foreign_objects",
                cpo_id=self.cpo.id,
                module=self.source.module,
                count=foreign,
            )


class _Dated(msgspec.Struct):
    last_updated: datetime


def _overtaken(each: Location | Tariff, old: bytes) -> bool:
    """Whether what is stored is newer; what cannot be read is not."""
    try:
        return is_older(each.last_updated, decode(old, _Dated).last_updated)
    except BadInput:
        return False


def _date_from(state: PullState, now: datetime) -> datetime | None:
    """Return where a delta begins; None: only a full pull tells what changed."""
    if state.cursor is None or state.full_at is None or state.pulled_at is None:
        return None
    earliest = now - LONGEST_DELTA
    if state.pulled_at - OVERLAP < earliest:
        return None
    return max(state.cursor - OVERLAP, earliest)
