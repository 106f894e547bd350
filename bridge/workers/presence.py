"""Says now and then that this replica is there."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version

from msgspec.structs import replace

from bridge.errors import StoreUnavailable
from bridge.store.presence import BEAT_S, Presence, Replica
from bridge.workers.stopping import stop_if_cancelled


def this_replica() -> Replica:
    """Return what is told of this process."""
    now = datetime.now(UTC)
    return Replica(
        id=secrets.token_hex(4),
        host=socket.gethostname(),
        version=version("beckn-ocpi-bridge"),
        started_at=now,
        seen_at=now,
    )


async def keep_presence(presence: Presence, replica: Replica, *, beat_s: float = BEAT_S) -> None:
    """Run until cancelled; then say that it is gone. While Redis is away nothing is told."""
    try:
        while True:
            with suppress(StoreUnavailable):
                await presence.beat(replace(replica, seen_at=datetime.now(UTC)))
            stop_if_cancelled()
            await asyncio.sleep(beat_s)
    finally:
        with suppress(StoreUnavailable):
            await presence.leave(replica.id)
