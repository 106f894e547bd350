"""Looks for deadlines that have passed and queues them as events of their orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.errors import StoreUnavailable
from bridge.observability import Metrics, get_logger
from bridge.store.inbox import Inbox
from bridge.workers.stopping import stop_if_cancelled

log = get_logger()

TICK_S = 0.2
"""How late a deadline may be noticed."""


async def watch_deadlines(inbox: Inbox, wake: Callable[[], None], metrics: Metrics) -> None:
    """Run until cancelled."""
    while True:
        try:
            if fired := await inbox.queue_due():
                wake()
            for each in fired:
                metrics.deadline_lag.labels(each.name).observe(each.lag_s)
        except StoreUnavailable as error:
            log.warning("store.unavailable", worker="deadlines", error=str(error))
        stop_if_cancelled()
        await asyncio.sleep(TICK_S)
