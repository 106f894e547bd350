"""What is measured when somebody asks for the metrics: queues, deadlines, pulls, the catalogue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import msgspec

from bridge.catalog.index import Counts
from bridge.errors import StoreUnavailable
from bridge.observability import Metrics
from bridge.store.database import Observe
from bridge.store.lanes import FAILED
from bridge.wiring import Stores
from bridge.workers.sources import CDRS, LOCATIONS, SESSIONS, TARIFFS


def redis_observer(metrics: Metrics) -> Observe:
    """Return what counts and times round trips to Redis."""
    operations = ("command", "commit", "claim", "script", "wait")
    seconds = {each: metrics.redis_seconds.labels(each) for each in operations}
    errors = {each: metrics.redis_errors.labels(each) for each in operations}

    def observe(operation: str, duration_s: float, failed: bool) -> None:
        seconds[operation].observe(duration_s)
        if failed:
            errors[operation].inc()

    return observe


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """Fits Ops.measure.

    Args:
        cpo_ids: the CPOs there are.
        counts: how much the catalogue holds now.
    """

    metrics: Metrics
    stores: Stores
    cpo_ids: Sequence[str]
    counts: Callable[[], Counts]

    async def __call__(self) -> None:
        """Bring the gauges up to date; those of Redis keep their last value while it is away."""
        counts = self.counts()
        self.metrics.catalogue_items.set(counts.shown_connectors)
        self.metrics.catalogue_locations.set(counts.locations)
        with contextlib.suppress(StoreUnavailable):
            await self._queues()
            await self._cpos()

    async def _queues(self) -> None:
        metrics, stores = self.metrics, self.stores
        for lanes in stores.lanes:
            metrics.lane_depth.labels(lanes.kind).set(await lanes.depth())
            metrics.lane_oldest.labels(lanes.kind).set(await lanes.oldest_s())
        metrics.deadlines_overdue.set(await stores.inbox.overdue())
        metrics.dead_letters.set(await stores.dead.count())
        metrics.failed_entries.set(await stores.database.do("XLEN", FAILED))

    async def _cpos(self) -> None:
        modules = [source.module for source in (TARIFFS, LOCATIONS, SESSIONS, CDRS)]
        lists = [(cpo_id, str(module)) for cpo_id in self.cpo_ids for module in modules]
        states = await self.stores.pulls.states(lists)
        for (cpo_id, module), state in zip(lists, states, strict=True):
            pulled_at = 0.0 if state.pulled_at is None else state.pulled_at.timestamp()
            self.metrics.last_pull.labels(cpo_id, module).set(pulled_at)
        for cpo_id in self.cpo_ids:
            connection = await self.stores.connections.get(cpo_id)
            self.metrics.cpo_registered.labels(cpo_id).set(int(connection.registered))
