"""Works off lanes: claims what is due, some in parallel, renews what it holds, stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from bridge.errors import StoreUnavailable
from bridge.observability import Metrics, episode, get_logger
from bridge.observability.tracing import HEADER, OFF, Tracing
from bridge.orders.order import transaction_of
from bridge.store.lanes import Claim, Lanes
from bridge.workers.stopping import stop_if_cancelled

log = get_logger()

POLL_S = 0.25
"""How soon retries, and work left by another replica, are noticed."""

STORE_PAUSE_S = 1.0
"""Pause while Redis does not answer."""


async def no_trace(lane: str) -> str | None:
    """Know no span of a lane."""
    return None


def always() -> bool:
    """Be ready from the start."""
    return True


class LaneRunner:
    """One kind of lanes and the handler of their entries.

    The handler finishes or postpones the claim. Without Redis the lane is left to its lease, and
    the entry is tried again, by this replica or another; an entry that crashes its handler is
    put aside, so that it holds nothing up.

    Args:
        trace_of: gives the traceparent that entries of a lane join which carry none.
        ready: nothing is claimed before this is so; what is queued meanwhile waits.
    """

    def __init__(
        self,
        lanes: Lanes,
        handle: Callable[[Claim], Awaitable[None]],
        *,
        parallel: int = 32,
        metrics: Metrics | None = None,
        tracing: Tracing = OFF,
        trace_of: Callable[[str], Awaitable[str | None]] = no_trace,
        ready: Callable[[], bool] = always,
    ) -> None:
        self._lanes = lanes
        self._ready = ready
        self._handle = handle
        self._parallel = parallel
        self._tracing = tracing
        self._trace_of = trace_of
        metrics = metrics or Metrics()
        self._seconds = metrics.lane_seconds.labels(lanes.kind)
        self._crashes = metrics.lane_crashes.labels(lanes.kind)
        metrics.workers.labels(lanes.kind).set(parallel)
        metrics.workers_busy.labels(lanes.kind).set_function(lambda: len(self._active))
        self._work = asyncio.Event()
        self._stopping = False
        self._active: dict[asyncio.Task[None], Claim] = {}

    @property
    def kind(self) -> str:
        """The kind of its lanes."""
        return self._lanes.kind

    def wake(self) -> None:
        """Say that something was queued."""
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is under way is done."""
        self._stopping = True
        self._work.set()

    async def run(self) -> None:
        """Work until stopped or cancelled; what is under way then is finished first."""
        renewer = asyncio.create_task(self._renew())
        try:
            while not self._stopping:
                if not await self._round():
                    # Not wait_for: before Python 3.12 it may swallow the cancellation.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await self._work.wait()
                    self._work.clear()
        finally:
            try:
                if self._active:
                    await asyncio.wait(self._active)
            finally:
                # Last: what is finished now must not lose its lane on the way.
                renewer.cancel()

    async def _round(self) -> bool:
        """Claim what is due; False when there is nothing to do now."""
        if not self._ready():
            return False
        free = self._parallel - len(self._active)
        if free <= 0:
            await asyncio.wait(self._active, return_when=asyncio.FIRST_COMPLETED)
            return True
        try:
            claims = await self._lanes.claim(free)
        except StoreUnavailable as error:
            log.warning("store.unavailable", lanes=self._lanes.kind, error=str(error))
            await asyncio.sleep(STORE_PAUSE_S)
            return False
        for claim in claims:
            task = asyncio.create_task(self._one(claim))
            self._active[task] = claim
            task.add_done_callback(self._done)
        return bool(claims)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._active[task]
        self._work.set()

    async def _one(self, claim: Claim) -> None:
        facts = dict(claim.facts)
        traceparent = facts.pop(HEADER, None)
        with episode(transaction_id=transaction_of(claim.lane), **facts):
            if not self._tracing.on:
                await self._handled(claim)
                return
            with contextlib.suppress(StoreUnavailable):
                traceparent = traceparent or await self._trace_of(claim.lane)
            with self._tracing.span(self._lanes.kind, "consumer", parent=traceparent):
                await self._handled(claim)

    async def _handled(self, claim: Claim) -> None:
        try:
            with self._seconds.time():
                await self._handle(claim)
        except StoreUnavailable as error:
            log.warning("store.unavailable", lanes=self._lanes.kind, error=str(error))
        except Exception as error:
            # The worker loop must outlive any fault of a flow.
            self._crashes.inc()
            log.exception("lane.crashed", lanes=self._lanes.kind, lane=claim.lane)
            with contextlib.suppress(StoreUnavailable):
                await self._lanes.bury(claim, f"{type(error).__name__}: {error}")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lanes.lease_s / 3)
            with contextlib.suppress(StoreUnavailable):
                await self._lanes.renew(list(self._active.values()))
            stop_if_cancelled()


class Ring(Protocol):
    """Wakes the runners of kinds of lanes."""

    def __call__(self, *kinds: str) -> None:
        """Say that these kinds have got something."""
        ...


class Bell:
    """Wakes runners of this process: whoever has queued something rings for its kind of lanes.

    A runner that is not rung for finds it all the same, ``POLL_S`` later.
    """

    def __init__(self) -> None:
        self._runners: dict[str, LaneRunner] = {}

    def add(self, runner: LaneRunner) -> LaneRunner:
        """Let a runner hear the bell."""
        self._runners[runner.kind] = runner
        return runner

    def ring(self, *kinds: str) -> None:
        """Wake the runners of these kinds; none = of ``inbox``, where every event comes in."""
        for kind in kinds or ("inbox",):
            self._runners[kind].wake()
