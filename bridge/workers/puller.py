"""Pulls the lists of every CPO: all of them at first, then what changed; and what is asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import asdict

from bridge.clients.cpo import Cpo
from bridge.errors import CpoUnavailable, StoreUnavailable
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Connections, Wanted
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.types import ModuleID
from bridge.store.pulls import PullState
from bridge.workers.asked import Asked
from bridge.workers.pull import ABSENT, BUSY, FAILED, Outcome, pull, pull_party
from bridge.workers.sources import CLIENTS, GROUPS, SOURCES, TARIFFS, Source, Tools
from bridge.workers.stopping import stop_if_cancelled
from bridge.workers.wanted import fetch_location, missing_tariffs

BACKOFF_S: Final = (5.0, 15.0, 60.0, 300.0)
"""Pauses after failed pulls, the last one until the CPO is back."""

UNREGISTERED_S: Final = 30.0
"""How soon to look whether a CPO was registered by somebody else."""

ELSEWHERE_S: Final = 5.0
"""How soon to look again when another replica pulls."""

STORE_PAUSE_S: Final = 1.0
"""Pause while Redis does not answer."""

ASKED_GAP_S: Final = 15.0
"""Shortest pause between pulls of a list that are asked for."""


SYNC_AGAIN_S: Final = 60.0
"""Pause after a party could not be pulled that its hub says is back, or another replica pulled."""

WANTED_S: Final = 3600.0
"""How long nobody looks for single objects while none is asked for."""

Turn = Callable[[str, Connection], Awaitable[float]]
"""What is to be done about a registered CPO; returns after how many seconds it is due again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A CPO whose lists are pulled.

    Args:
        every_s: pause between deltas, by module.
        everything_s: how often a full pull takes the place of a delta.
    """

    cpo: Cpo
    every_s: Mapping[ModuleID, float]
    everything_s: float


class PullReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one round over a CPO's lists did, in the order of the lists."""

    cpo_id: str
    outcomes: tuple[Outcome, ...]


def spread() -> float:
    """Draw how much longer than configured a pause is."""
    return random.uniform(1.0, 1.1)


class Puller:
    """Keeps what is stored of all CPOs in line with what they have.

    Every replica runs it; state in Redis decides which of them pulls, and when.

    Args:
        asked: what is wanted before its time.
        splay: factor on a pause, so that many bridges do not ask one CPO at once.
    """

    def __init__(
        self,
        *,
        tools: Tools,
        connections: Connections,
        cpos: Mapping[str, Pulled],
        asked: Asked,
        splay: Callable[[], float] = spread,
    ) -> None:
        self._tools = tools
        self._connections = connections
        self._cpos = cpos
        self._asked = asked
        self._splay = splay
        self._begun: set[tuple[str, ModuleID]] = set()
        self._spread: dict[tuple[str, ModuleID], float] = {}
        self._synced: dict[tuple[str, Party], datetime] = {}

    async def run(self) -> None:
        """Pull what is due, each CPO and each group of lists by itself, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cpo_id in self._cpos:
                for sources in GROUPS:
                    work = self._keep_at_it(cpo_id, partial(self._pull_due, sources))
                    group.create_task(work, name=f"pull {cpo_id} {sources[-1].module}")
                for turn, name in ((self._fetch_wanted, "fetch"), (self._sync_parties, "sync")):
                    work = self._keep_at_it(cpo_id, turn)
                    group.create_task(work, name=f"{name} {cpo_id}")

    async def pull_once(
        self, cpo_id: str, modules: Collection[ModuleID] = (), *, full: bool = False
    ) -> PullReport:
        """Pull a CPO's lists now; one that fails does not keep the next from being tried.

        Args:
            modules: only these; none = all.

        Raises:
            CpoUnavailable: the CPO is not registered.
            StoreUnavailable
        """
        connection = await self._connections.get(cpo_id)
        if not connection.registered:
            raise CpoUnavailable(f"{cpo_id} is not registered")
        outcomes = [
            await self._pull(cpo_id, connection, source, full)
            for source in SOURCES
            if self._lists(connection, source) and (not modules or source.module in modules)
        ]
        return PullReport(cpo_id=cpo_id, outcomes=tuple(outcomes))

    async def _pull(
        self, cpo_id: str, connection: Connection, source: Source, full: bool
    ) -> Outcome:
        """Pull one list and tell what became of it."""
        cpo = self._cpos[cpo_id].cpo
        pulling = pull(self._tools, cpo, connection, source, full=full)
        return await self._told(cpo_id, source, pulling, full)

    async def _told(
        self, cpo_id: str, source: Source, pulling: Awaitable[Outcome], full: bool
    ) -> Outcome:
        """Tell what became of a pull."""
        try:
            outcome = await pulling
        except CallFailed as error:
            self._tools.notice(
                "pull.failed",
                cpo_id=cpo_id,
                module=source.module,
                reason=error.reason,
                said=error.said,
            )
            return Outcome(module=source.module, full=full, ending=FAILED, error=error.reason)
        if outcome.ending != BUSY:
            self._tools.notice("pull.done", cpo_id=cpo_id, **asdict(outcome))
        return outcome

    async def _keep_at_it(self, cpo_id: str, turn: Turn) -> None:
        """Take turns: when one is due by its own word, and when there is news of the CPO."""
        news = self._asked.listen(cpo_id)
        while True:
            pause_s = await self._take(cpo_id, turn)
            stop_if_cancelled()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await news.wait()
            news.clear()

    async def _take(self, cpo_id: str, turn: Turn) -> float:
        """Take a turn, unless the CPO is left alone; return how long to wait for the next."""
        try:
            connection = await self._connections.get(cpo_id)
            if not connection.registered:
                return UNREGISTERED_S
            pause_s = self._tools.client.traffic.paused_s(cpo_id)
            return pause_s if pause_s > 0 else await turn(cpo_id, connection)
        except StoreUnavailable as error:
            self._tools.notice("store.unavailable", cpo_id=cpo_id, error=str(error))
            return STORE_PAUSE_S
        except Exception:
            # The worker loop must outlive any fault; the pulls of other CPOs go on.
            self._tools.notice("pull.crashed", cpo_id=cpo_id, exc_info=True)
            return BACKOFF_S[-1]

    async def _pull_due(
        self, sources: Sequence[Source], cpo_id: str, connection: Connection
    ) -> float:
        """Pull the lists of a group that are due, one after the other."""
        waits_s = []
        for source in sources:
            stop_if_cancelled()
            waits_s.append(await self._pull_if_due(cpo_id, connection, source))
        return min(waits_s)

    async def _pull_if_due(self, cpo_id: str, connection: Connection, source: Source) -> float:
        """Pull one list if it is due; return how long to wait for the next time."""
        if not self._lists(connection, source):
            return self._cpos[cpo_id].every_s[source.module]
        state = await self._tools.pulls.state(cpo_id, source.module)
        wait_s = self._wait_s(cpo_id, connection, source, state)
        if wait_s > 0:
            return wait_s
        asked = self._asked.since(cpo_id, source.module)
        outcome = await self._pull(cpo_id, connection, source, self._stale(cpo_id, state))
        if outcome.ending == BUSY:
            # What the other one reads may be older than the wish for it: that stays.
            return ELSEWHERE_S
        self._begun.add((cpo_id, source.module))
        self._spread[cpo_id, source.module] = self._splay()
        self._asked.done(cpo_id, source.module, asked)
        if outcome.ending == ABSENT:
            return self._cpos[cpo_id].every_s[source.module]
        state = await self._tools.pulls.state(cpo_id, source.module)
        return max(0.0, self._wait_s(cpo_id, connection, source, state))

    def _lists(self, connection: Connection, source: Source) -> bool:
        """Whether such a list is asked for at all: only a hub is asked whom it reaches."""
        is_hub = connection.hub is not None or self._tools.emsp.hubs(connection.cpo_id)
        return source is not CLIENTS or is_hub

    def _wait_s(
        self, cpo_id: str, connection: Connection, source: Source, state: PullState
    ) -> float:
        """Return how long until a list is due; not positive when it is."""
        place = cpo_id, source.module
        if place not in self._begun:
            # Pushes may have been missed while we were away (1.8 Delivery).
            return 0.0
        if state.tried_at is None or state.connected_at != connection.registered_at:
            return 0.0
        asked = self._asked.since(*place)
        if not state.failures and self._asked.at_once(*place):
            return 0.0
        if state.failures or (asked is not None and asked >= state.tried_at):
            return self._again_s(state)
        pause_s = self._cpos[cpo_id].every_s[source.module] * self._spread.get(place, 1.0)
        return self._left_s(state, pause_s)

    def _again_s(self, state: PullState) -> float:
        """Return how long until a list may be pulled before its time."""
        if not state.failures:
            return self._left_s(state, ASKED_GAP_S)
        return self._left_s(state, BACKOFF_S[min(state.failures, len(BACKOFF_S)) - 1])

    def _left_s(self, state: PullState, pause_s: float) -> float:
        """Return what is left of a pause that began with the last pull."""
        if state.tried_at is None:
            return 0.0
        due = state.tried_at + timedelta(seconds=pause_s)
        return (due - self._tools.now()).total_seconds()

    def _stale(self, cpo_id: str, state: PullState) -> bool:
        """Whether the last full pull is so long ago that a delta is not enough."""
        everything = timedelta(seconds=self._cpos[cpo_id].everything_s)
        return state.full_at is not None and self._tools.now() - state.full_at >= everything

    async def _fetch_wanted(self, cpo_id: str, connection: Connection) -> float:
        """Fetch the single objects that are asked for."""
        for wanted in self._asked.wanted(cpo_id, ModuleID.LOCATIONS):
            stop_if_cancelled()
            await self._fetch_location(cpo_id, connection, wanted)
            self._asked.fetched(cpo_id, ModuleID.LOCATIONS, wanted)
        return await self._fetch_tariffs(cpo_id, connection)

    async def _fetch_location(self, cpo_id: str, connection: Connection, wanted: Wanted) -> None:
        """Fetch a Location; when that fails the list may have it."""
        try:
            found = await fetch_location(self._tools, self._cpos[cpo_id].cpo, connection, wanted)
        except CallFailed as error:
            self._tell(cpo_id, ModuleID.LOCATIONS, wanted, error.reason)
            self._asked.pull_soon(cpo_id, ModuleID.LOCATIONS)
        else:
            self._tell(cpo_id, ModuleID.LOCATIONS, wanted, "stored" if found else "unknown")

    async def _fetch_tariffs(self, cpo_id: str, connection: Connection) -> float:
        """Look for tariffs: they have no address of their own, so in what changed, then in all."""
        wanted = self._asked.wanted(cpo_id, ModuleID.TARIFFS)
        missing = await missing_tariffs(self._tools, wanted)
        if missing:
            state = await self._tools.pulls.state(cpo_id, ModuleID.TARIFFS)
            if (wait_s := self._again_s(state)) > 0:
                return wait_s
        for full in (False, True):
            if not missing:
                break
            outcome = await self._pull(cpo_id, connection, TARIFFS, full)
            if outcome.ending in (BUSY, FAILED):
                return ELSEWHERE_S
            missing = await missing_tariffs(self._tools, missing)
        for each in missing:
            self._tell(cpo_id, ModuleID.TARIFFS, each, "unknown")
        self._asked.fetched(cpo_id, ModuleID.TARIFFS, *wanted)
        self._asked.give_up(cpo_id, ModuleID.TARIFFS, *missing)
        return WANTED_S

    async def _sync_parties(self, cpo_id: str, connection: Connection) -> float:
        """Pull all lists of parties that a hub reaches again; return when to look again."""
        pauses_s = [WANTED_S]
        for party in self._asked.back(cpo_id):
            stop_if_cancelled()
            if connection.status_of(party) is not ConnectionStatus.CONNECTED:
                continue  # It is gone once more: the wish waits until it is back.
            last = self._synced.get((cpo_id, party))
            age_s = ASKED_GAP_S if last is None else (self._tools.now() - last).total_seconds()
            if age_s < ASKED_GAP_S:
                pauses_s.append(ASKED_GAP_S - age_s)
            elif not await self._sync(cpo_id, connection, party):
                pauses_s.append(SYNC_AGAIN_S)
        return min(pauses_s)

    async def _sync(self, cpo_id: str, connection: Connection, party: Party) -> bool:
        """Pull all lists of a party; False: something went wrong, and it is to be done again."""
        # First of all: that it is back once more, while this goes on, is another wish.
        self._asked.synced(cpo_id, party)
        self._synced[cpo_id, party] = self._tools.now()
        cpo, endings = self._cpos[cpo_id].cpo, set[str]()
        done = False
        try:
            for source in (each for each in SOURCES if each.owned):
                stop_if_cancelled()
                pulling = pull_party(self._tools, cpo, connection, source, party)
                endings.add((await self._told(cpo_id, source, pulling, True)).ending)
            done = not endings & {BUSY, FAILED}
        finally:
            if not done:
                self._asked.sync_again(cpo_id, party)
        return done

    def _tell(self, cpo_id: str, module: ModuleID, wanted: Wanted, became: str) -> None:
        self._tools.notice(
            "pull.wanted", cpo_id=cpo_id, module=module, object=wanted.id, became=became
        )
