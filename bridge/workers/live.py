"""Delivers live data to track callback_urls: best effort, a few tries, then the next state."""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec.structs import replace

from bridge.errors import CallbackFailed
from bridge.observability import get_logger
from bridge.observability.tracing import called
from bridge.store.database import Database, packed
from bridge.store.lanes import Claim, Lanes
from bridge.workers.inbox import LiveEntry

log = get_logger()

RETRIES_S = (1.0, 5.0, 25.0)
"""Pauses before further tries; later states follow anyway."""


class Patch(Protocol):
    """Sends one PATCH; raises CallbackFailed."""

    async def __call__(self, url: str, body: bytes) -> None:
        """Deliver the body."""
        ...


class LiveWorker:
    """Handler of live lanes."""

    def __init__(self, *, database: Database, lanes: Lanes, patch: Patch) -> None:
        self._db = database
        self._lanes = lanes
        self._patch = patch

    async def handle(self, claim: Claim) -> None:
        """Try once; put it off, or drop it after the last try."""
        entry = msgspec.json.decode(claim.entry, type=LiveEntry)
        called("deliver live data")
        try:
            await self._patch(entry.url, bytes(entry.body))
        except CallbackFailed as error:
            if entry.tries < len(RETRIES_S):
                later = packed(replace(entry, tries=entry.tries + 1))
                await self._lanes.postpone(claim, later, RETRIES_S[entry.tries])
                return
            log.warning("live.dropped", order=claim.lane, error=str(error))
        await self._db.commit(self._lanes.finished(claim), [self._lanes.held(claim)])
