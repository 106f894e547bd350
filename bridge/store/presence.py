"""Which replicas run, and when each CPO pushed last: for `bridge status`, decides nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from bridge.store.database import Command, Database, key, packed

REPLICAS = key("replicas")
"""Hash: replica id -> Replica; one that was not seen for a while is no longer shown."""

PUSHED = key("pushed")
"""Hash: CPO id -> time of its last push, ISO 8601."""

BEAT_S = 10.0
"""How often a replica says that it is there."""

MISSED_BEATS = 3
"""So many beats later a replica that says nothing counts as gone."""

FORGOTTEN = timedelta(days=1)
"""A replica that went without a word is forgotten after this."""


class Replica(msgspec.Struct, frozen=True, kw_only=True):
    """One running bridge."""

    id: str
    host: str
    version: str
    started_at: datetime
    seen_at: datetime


class Presence:
    """What this replica knows of itself and of pushes, written now and then; fits no port."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._pushed: dict[str, datetime] = {}

    def pushed(self, cpo_id: str) -> None:
        """Take note that a CPO has just pushed something that was taken."""
        self._pushed[cpo_id] = datetime.now(UTC)

    async def beat(self, replica: Replica) -> None:
        """Write that a replica is there, and what was pushed to it since.

        Raises:
            StoreUnavailable: pushes stay noted.
        """
        pushed = dict(self._pushed)
        commands: list[Command] = [
            ("HDEL", REPLICAS, each.id)
            for each in await self._known()
            if replica.seen_at - each.seen_at > FORGOTTEN
        ]
        commands.append(("HSET", REPLICAS, replica.id, packed(replica)))
        commands += [
            ("HSET", PUSHED, cpo_id, at.isoformat(timespec="seconds"))
            for cpo_id, at in pushed.items()
        ]
        await self._db.commit(commands)
        for cpo_id, at in pushed.items():
            if self._pushed[cpo_id] == at:
                del self._pushed[cpo_id]

    async def leave(self, replica_id: str) -> None:
        """Write that a replica is gone. Raises StoreUnavailable."""
        await self._db.do("HDEL", REPLICAS, replica_id)

    async def replicas(self, now: datetime) -> list[Replica]:
        """Return the replicas that are there, the oldest first. Raises StoreUnavailable."""
        longest = timedelta(seconds=BEAT_S * MISSED_BEATS)
        return [each for each in await self._known() if now - each.seen_at <= longest]

    async def pushed_at(self, cpo_id: str) -> datetime | None:
        """Return when a CPO pushed last, a beat late; None = never. Raises StoreUnavailable."""
        found = await self._db.do("HGET", PUSHED, cpo_id)
        return None if found is None else datetime.fromisoformat(bytes(found).decode())

    async def _known(self) -> list[Replica]:
        rows = await self._db.do("HVALS", REPLICAS)
        known = [msgspec.json.decode(row, type=Replica) for row in rows]
        return sorted(known, key=lambda each: (each.started_at, each.id))
