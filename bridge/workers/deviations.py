"""Writes down, now and then, how CPOs deviated from OCPI."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bridge.errors import StoreUnavailable
from bridge.store.deviations import Deviations
from bridge.workers.stopping import stop_if_cancelled

FLUSH_S = 5.0
"""How long a deviation may wait to be seen by `bridge cpo doctor`."""


async def keep_deviations(deviations: Deviations) -> None:
    """Run until cancelled; while Redis is away they are gathered on."""
    while True:
        # Whoever needs Redis for more than this tells that it is away.
        with suppress(StoreUnavailable):
            await deviations.flush()
        stop_if_cancelled()
        await asyncio.sleep(FLUSH_S)
