"""What was pulled from which CPO until when, and who is at it: one replica at a time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from bridge.store.database import Database, Guard, key, packed

LEASE_S = 60.0
"""How long a replica that died keeps the others waiting."""


class Lease(NamedTuple):
    """A lock that is held until it is released, or for ``ms`` after it was last renewed."""

    name: str
    token: str
    ms: int


class PullState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the pull of one module of one CPO has come.

    Args:
        cursor: largest ``last_updated`` seen, never later than the pull that saw it.
        pulled_at: start of the last pull that read every page.
        full_at: the same for pulls without ``date_from``.
        tried_at: time of the last pull, whatever became of it.
        connected_at: when the connection was made that all this is about.
        error: why that one failed; empty when it did not.
        failures: how many failed since the last good one.
    """

    cursor: datetime | None = None
    pulled_at: datetime | None = None
    full_at: datetime | None = None
    tried_at: datetime | None = None
    connected_at: datetime | None = None
    error: str = ""
    failures: int = 0


class Pulls:
    """Locks and cursors, by CPO and module."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def take(self, cpo_id: str, module: str, lease_s: float = LEASE_S) -> Lease | None:
        """Take the lock; None: another replica is at it.

        Args:
            lease_s: more than the holder needs between two renewals.
        """
        lease = Lease(key("busy", cpo_id, module), secrets.token_hex(16), int(lease_s * 1000))
        taken = await self._db.do("SET", lease.name, lease.token, "NX", "PX", lease.ms)
        return None if taken is None else lease

    async def renew(self, lease: Lease) -> bool:
        """Hold the lock for as long again; False: it was lost, and may be held by another."""
        return await self._db.commit([("PEXPIRE", lease.name, lease.ms)], [_held(lease)])

    async def release(self, lease: Lease) -> None:
        """Let the lock go; one that was lost to another replica stays."""
        await self._db.commit([("DEL", lease.name)], [_held(lease)])

    async def state(self, cpo_id: str, module: str) -> PullState:
        """Return how far the pull has come; all empty before the first."""
        found = await self._db.do("GET", key("pull", cpo_id, module))
        return PullState() if found is None else msgspec.json.decode(found, type=PullState)

    async def states(self, lists: Sequence[tuple[str, str]]) -> list[PullState]:
        """Return the same of several lists, each a CPO and a module, in their order."""
        if not lists:
            return []
        rows = await self._db.do("MGET", *(key("pull", cpo_id, module) for cpo_id, module in lists))
        return [
            PullState() if row is None else msgspec.json.decode(row, type=PullState) for row in rows
        ]

    async def keep(self, lease: Lease, cpo_id: str, module: str, state: PullState) -> bool:
        """Store how far the pull has come; False: the lock was lost, nothing was written."""
        return await self._db.commit(
            [("SET", key("pull", cpo_id, module), packed(state))], [_held(lease)]
        )

    async def forget(self, cpo_id: str, module: str) -> None:
        """Make the next pull a full one."""
        await self._db.do("DEL", key("pull", cpo_id, module))


def _held(lease: Lease) -> Guard:
    return Guard(("GET", lease.name), lease.token)
