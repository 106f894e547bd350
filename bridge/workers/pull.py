"""One pull of one list of one CPO, page by page (OCPI 2.2.1, 1.6 and 1.8)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from bridge.clients.cpo import Cpo, call_of, endpoint
from bridge.clients.pages import Bad, Ending, Page, pages
from bridge.errors import StoreUnavailable
from bridge.flows.peer import CallFailed
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.types import InterfaceRole
from bridge.ocpi.urls import page_query
from bridge.store.pulls import Lease, PullState
from bridge.workers.keeping import begin
from bridge.workers.sources import LOCATIONS, Keeping, Listed, Owned, Source, Tools, kept
from bridge.workers.stopping import stop_if_cancelled

PAGE_SIZE: Final = 100
"""How many objects we ask for at once; CPOs give fewer if they like, some 10 if not asked."""

PAGE_S: Final = 30.0
"""Shortest time-out of a page: a CPO may assemble it from its database."""

OVERLAP: Final = timedelta(seconds=60)
"""How far a delta reaches back behind the cursor: what a CPO stored late is found too."""

LONGEST_RANGE: Final = timedelta(days=28)
"""What is asked for at once at most; some CPOs refuse ranges of more than a month."""

RENEWED_S: Final = 1.0
"""The lock of a list is renewed after a page, but no more often than this."""

BAD_SHOWN: Final = 20
"""Unreadable objects of one pull that are told one by one."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the pull of a module.

    Args:
        full: of everything, or as far back as the first pull of such a list goes.
        ending: how the list ended; of several parties the worst. BUSY: another replica is at
            it; ABSENT: the CPO has no such endpoint; FAILED: ``error`` says why.
        seen: objects read, each counted as one of the next six.
        older: not written, a push was newer.
        refused: it contradicts what is stored and never changes.
        foreign: of parties that are none of the connection's.
        removed: gone from a full list.
    """

    module: str
    full: bool
    ending: str
    seen: int = 0
    written: int = 0
    unchanged: int = 0
    older: int = 0
    refused: int = 0
    foreign: int = 0
    bad: int = 0
    removed: int = 0
    error: str = ""


BUSY: Final = "BUSY"
ABSENT: Final = "ABSENT"
FAILED: Final = "FAILED"


async def pull(
    tools: Tools, cpo: Cpo, connection: Connection, source: Source, *, full: bool
) -> Outcome:
    """Bring what is stored of a module in line with the CPO's list.

    A delta needs the cursor of an earlier pull over this connection: without one it becomes a
    full pull.

    Raises:
        CallFailed: a page did not come. What came before is stored, the cursor stays.
        StoreUnavailable
    """
    if endpoint(cpo, connection, source.module, InterfaceRole.SENDER) is None:
        return Outcome(module=source.module, full=full, ending=ABSENT)
    lease = await _lease(tools, cpo, source)
    if lease is None:
        return Outcome(module=source.module, full=full, ending=BUSY)
    try:
        state = await tools.pulls.state(cpo.id, source.module)
        if state.connected_at != connection.registered_at:
            state = PullState(connected_at=connection.registered_at)
        try:
            return await _pull(tools, cpo, connection, source, lease, state, full=full)
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


async def pull_party(
    tools: Tools, cpo: Cpo, connection: Connection, source: Source, party: Party
) -> Outcome:
    """Bring what is stored of one party behind a hub in line with its list.

    It was away: what it changed meanwhile may be older than what the others brought since then. So
    its whole list is asked for, of itself; pulls of the hub's list go on where they were.

    Raises:
        CallFailed: a page did not come.
        StoreUnavailable
    """
    if endpoint(cpo, connection, source.module, InterfaceRole.SENDER) is None:
        return Outcome(module=source.module, full=True, ending=ABSENT)
    lease = await _lease(tools, cpo, source)
    if lease is None:
        return Outcome(module=source.module, full=True, ending=BUSY)
    try:
        now = tools.now()
        since = None if source.reach is None else now - source.reach
        keeping = await begin(tools, connection, source, (party,), full=True)
        crawl = _Crawl(tools, cpo, connection, source, lease, keeping)
        return await crawl.read_all((party,), list(ranges(since, now)), full=True)
    finally:
        with suppress(StoreUnavailable):
            await tools.pulls.release(lease)


async def _lease(tools: Tools, cpo: Cpo, source: Source) -> Lease | None:
    """Take the lock of a list, for as long as a page may take and its objects to be stored."""
    page_s = max(cpo.timeouts.total_s, PAGE_S)
    return await tools.pulls.take(cpo.id, source.module, 2 * page_s)


async def _pull(
    tools: Tools,
    cpo: Cpo,
    connection: Connection,
    source: Source,
    lease: Lease,
    state: PullState,
    *,
    full: bool,
) -> Outcome:
    """Read the list of every party, then settle what a full list no longer has."""
    started = tools.now()
    since = None if full else since_of(state, source, started)
    full = since is None
    if since is None and source.reach is not None:
        since = started - source.reach
    # What a hub does not reach its list may lack all the same.
    keeping = await begin(tools, connection, source, connection.reachable(), full=full)
    crawl = _Crawl(tools, cpo, connection, source, lease, keeping)
    asked = connection.askable() if source.owned else (None,)
    outcome = await crawl.read_all(asked, list(ranges(since, started)), full=full)
    after = replace(state, tried_at=started, error="", failures=0)
    if outcome.ending in (Ending.COMPLETE.value, Ending.LOOP.value):
        newest = max(filter(None, (crawl.newest, since)), default=None)
        after = replace(
            after,
            # A clock of the CPO that is ahead must not make us blind until ours is there too.
            cursor=min(newest, started) if newest else None,
            pulled_at=started,
            full_at=started if full else state.full_at,
        )
    await tools.pulls.keep(lease, cpo.id, source.module, after)
    return outcome


class Range(NamedTuple):
    """A part of a list by ``last_updated``, its end not included; None is without limit."""

    date_from: datetime | None
    date_to: datetime | None = None


def since_of(state: PullState, source: Source, now: datetime) -> datetime | None:
    """Return where a delta begins; None: only a full pull tells what changed."""
    if state.cursor is None or state.full_at is None or state.pulled_at is None:
        return None
    earliest = now - LONGEST_RANGE
    last = state.pulled_at - OVERLAP
    if last >= earliest:
        return max(state.cursor - OVERLAP, earliest)
    return None if source.reach is None else max(state.cursor - OVERLAP, last)


def ranges(since: datetime | None, now: datetime) -> Iterator[Range]:
    """Yield what is asked for, one after the other: never a longer range than CPOs take."""
    while since is not None and now - since > LONGEST_RANGE:
        yield Range(since, since + LONGEST_RANGE)
        since += LONGEST_RANGE
    yield Range(since)


@dataclass(slots=True)
class _Crawl:
    """A list being read."""

    tools: Tools
    cpo: Cpo
    connection: Connection
    source: Source
    lease: Lease
    keeping: Keeping
    newest: datetime | None = None
    renewed_at: float = 0.0
    count: Counter[str] = field(default_factory=Counter)
    owners: dict[tuple[str, str], Party | None] = field(default_factory=dict)

    async def read_all(
        self, asked: Sequence[Party | None], parts: Sequence[Range], *, full: bool
    ) -> Outcome:
        """Read the lists of all that are asked, settle, and tell what became of it."""
        rush = self.tools.rush.on() if self.source is LOCATIONS else nullcontext()
        with rush:
            endings = [await self.read(each, part) for each in asked for part in parts]
            not_complete = (each for each in endings if each is not Ending.COMPLETE)
            ending = next(not_complete, Ending.COMPLETE)
            removed = await self.keeping.settle(complete=ending is Ending.COMPLETE)
        self.tell_foreign()
        return Outcome(
            module=self.source.module,
            full=full,
            ending=ending.value,
            seen=self.count["seen"],
            written=self.count["written"],
            unchanged=self.count["unchanged"],
            older=self.count["older"],
            refused=self.count["refused"],
            foreign=self.count["foreign"],
            bad=self.count["bad"],
            removed=removed,
        )

    async def read(self, party: Party | None, part: Range) -> Ending:
        """Read the list as it is for one party, to its end, for as long as the lock is ours."""
        first = call_of(
            self.cpo,
            self.connection,
            self.source.module,
            InterfaceRole.SENDER,
            to=party,
            query=page_query(
                date_from=part.date_from, date_to=part.date_to, offset=0, limit=PAGE_SIZE
            ),
            at_least_s=PAGE_S,
        )
        ending: Ending | None = None
        async with aclosing(pages(self.tools.client, first, self.source.type, kept)) as read:
            async for page in read:
                await self._take(page)
                stop_if_cancelled()
                ending = page.ending
                await self._hold()
        assert ending is not None, "the last page has an ending"
        return ending

    async def _hold(self) -> None:
        """Renew the lock. Raises StoreUnavailable: it was lost."""
        if time.monotonic() - self.renewed_at < RENEWED_S:
            return
        self.renewed_at = time.monotonic()
        if not await self.tools.pulls.renew(self.lease):
            raise StoreUnavailable("another replica has taken over the pull")

    async def _take(self, page: Page[Listed]) -> None:
        for bad in page.bad:
            self._take_bad(bad)
        ours: list[Owned] = []
        for each in page.objects:
            owner = self._owner(Party(each.country_code, each.party_id))
            if owner is not None:
                ours.append(Owned(owner, each))
                self.newest = max(self.newest or each.last_updated, each.last_updated)
        self.count["seen"] += len(page.objects)
        self.count["foreign"] += len(page.objects) - len(ours)
        self.count += await self.keeping.take(ours)

    def _owner(self, named: Party) -> Party | None:
        """Return whose an object is, as the connection spells it; None: nobody's behind it."""
        if not self.source.owned:
            return named
        spelling = named.country_code, named.party_id
        if spelling not in self.owners:
            self.owners[spelling] = self.connection.owner(named)
        return self.owners[spelling]

    def _take_bad(self, bad: Bad) -> None:
        self.count["seen"] += 1
        self.count["bad"] += 1
        self.keeping.miss(bad)
        self.tools.bad(self.cpo.id, self.source.module)
        if self.count["bad"] <= BAD_SHOWN:
            self.tools.notice(
                "pull.bad_object",
                cpo_id=self.cpo.id,
                module=self.source.module,
                object=bad.id,
                path=bad.path,
                reason=bad.reason,
            )

    def tell_foreign(self) -> None:
        """Tell of objects that are none of this CPO's."""
        if foreign := self.count["foreign"]:
            self.tools.notice(
                "pull.foreign_objects",
                cpo_id=self.cpo.id,
                module=self.source.module,
                count=foreign,
            )
