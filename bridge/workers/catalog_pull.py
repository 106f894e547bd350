"""Pulls tariffs and locations of every CPO: all of them first, then what changed."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import asdict

from bridge.clients.cpo import Cpo
from bridge.errors import CpoUnavailable, StoreUnavailable
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Connections
from bridge.ocpi.connection import Connection
from bridge.ocpi.types import ModuleID
from bridge.store.pulls import PullState
from bridge.workers.pull import ABSENT, BUSY, FAILED, SOURCES, Outcome, Source, Tools, pull
from bridge.workers.stopping import stop_if_cancelled

BACKOFF_S: Final = (5.0, 15.0, 60.0, 300.0)
"""Pauses after failed pulls, the last one until the CPO is back."""

UNREGISTERED_S: Final = 30.0
"""How soon to look whether a CPO was registered by somebody else."""

ELSEWHERE_S: Final = 5.0
"""How soon to look again when another replica pulls."""

STORE_PAUSE_S: Final = 1.0
"""Pause while Redis does not answer."""

ASKED_GAP_S: Final = 10.0
"""Shortest pause between pulls that pushes of a CPO ask for."""


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


class CatalogPull:
    """Keeps the stored tariffs and locations of all CPOs in line with theirs.

    Every replica runs it; state in Redis decides which of them pulls, and when.

    Args:
        splay: factor on every pause, so that many bridges do not ask one CPO at once.
    """

    def __init__(
        self,
        *,
        tools: Tools,
        connections: Connections,
        cpos: Mapping[str, Pulled],
        splay: Callable[[], float] = lambda: random.uniform(1.0, 1.1),
    ) -> None:
        self._tools = tools
        self._connections = connections
        self._cpos = cpos
        self._splay = splay
        self._begun: set[tuple[str, ModuleID]] = set()
        self._asked: defaultdict[str, set[ModuleID]] = defaultdict(set)
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def run(self) -> None:
        """Pull what is due, each CPO by itself, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cpo_id in self._cpos:
                group.create_task(self._keep_pulling(cpo_id), name=f"pull {cpo_id}")

    def wake(self, cpo_id: str) -> None:
        """Look at once what is due: the CPO has just been registered."""
        self._news[cpo_id].set()

    def pull_soon(self, cpo_id: str, module: ModuleID) -> None:
        """Pull a delta before its time: a push showed that we lack something."""
        self._asked[cpo_id].add(module)
        self._news[cpo_id].set()

    async def pull_once(self, cpo_id: str, *, full: bool = False) -> PullReport:
        """Pull a CPO's lists now; one that fails does not keep the next from being tried.

        Raises:
            CpoUnavailable: the CPO is not registered.
            StoreUnavailable
        """
        connection = await self._connections.get(cpo_id)
        if not connection.registered:
            raise CpoUnavailable(f"{cpo_id} is not registered")
        outcomes = [await self._pull(cpo_id, connection, source, full) for source in SOURCES]
        return PullReport(cpo_id=cpo_id, outcomes=tuple(outcomes))

    async def _pull(
        self, cpo_id: str, connection: Connection, source: Source, full: bool
    ) -> Outcome:
        """Pull one list and tell what became of it."""
        try:
            outcome = await pull(self._tools, self._cpos[cpo_id].cpo, connection, source, full=full)
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

    async def _keep_pulling(self, cpo_id: str) -> None:
        news = self._news[cpo_id]
        while True:
            pause_s = await self._turn(cpo_id)
            stop_if_cancelled()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await news.wait()
            news.clear()

    async def _turn(self, cpo_id: str) -> float:
        """Pull what is due; return how long to wait for the next."""
        try:
            connection = await self._connections.get(cpo_id)
            if not connection.registered:
                return UNREGISTERED_S
            waits_s = []
            for source in SOURCES:
                stop_if_cancelled()
                waits_s.append(await self._turn_of(cpo_id, connection, source))
            return min(waits_s)
        except StoreUnavailable as error:
            self._tools.notice("store.unavailable", cpo_id=cpo_id, error=str(error))
            return STORE_PAUSE_S
        except Exception:
            # The worker loop must outlive any fault; the pulls of other CPOs go on.
            self._tools.notice("pull.crashed", cpo_id=cpo_id, exc_info=True)
            return BACKOFF_S[-1]

    async def _turn_of(self, cpo_id: str, connection: Connection, source: Source) -> float:
        """Pull one list if it is due; return how long to wait for the next time."""
        state = await self._tools.pulls.state(cpo_id, source.module)
        wait_s = self._wait_s(cpo_id, connection, source, state)
        if wait_s > 0:
            return wait_s
        self._begun.add((cpo_id, source.module))
        self._asked[cpo_id].discard(source.module)
        outcome = await self._pull(cpo_id, connection, source, self._stale(cpo_id, state))
        if outcome.ending == BUSY:
            return ELSEWHERE_S
        if outcome.ending == ABSENT:
            return self._cpos[cpo_id].every_s[source.module]
        state = await self._tools.pulls.state(cpo_id, source.module)
        return max(0.0, self._wait_s(cpo_id, connection, source, state))

    def _wait_s(
        self, cpo_id: str, connection: Connection, source: Source, state: PullState
    ) -> float:
        """Return how long until a list is due; not positive when it is."""
        if (cpo_id, source.module) not in self._begun:
            # Pushes may have been missed while we were away (1.8 Delivery).
            return 0.0
        if state.tried_at is None or state.connected_at != connection.registered_at:
            return 0.0
        if state.failures:
            pause_s = BACKOFF_S[min(state.failures, len(BACKOFF_S)) - 1]
        elif source.module in self._asked[cpo_id]:
            pause_s = ASKED_GAP_S
        else:
            pause_s = self._cpos[cpo_id].every_s[source.module] * self._splay()
        due = state.tried_at + timedelta(seconds=pause_s)
        return (due - self._tools.now()).total_seconds()

    def _stale(self, cpo_id: str, state: PullState) -> bool:
        """Whether the last full pull is so long ago that a delta is not enough."""
        everything = timedelta(seconds=self._cpos[cpo_id].everything_s)
        return state.full_at is not None and self._tools.now() - state.full_at >= everything
