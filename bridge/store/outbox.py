"""Callbacks on their way out, and those that never made it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import msgspec
from msgspec import Raw

from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.lanes import Lanes

DEAD = key("dead-letters")
DEAD_BY_AGE = key("dead-letters", "by-age")


class CallbackEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An on_* message to be posted.

    Args:
        url: where to; the action is already part of it.
        body: the whole Beckn message.
        solicited: it answers a request; then it is of no use after ``until``.
        tries: attempts made so far, by schedule.
        next_at: when the schedule has the next one; an attempt before that (the BAP was heard of
            meanwhile) does not count.
    """

    order_key: str
    url: str
    action: str
    transaction_id: str
    message_id: str
    body: Raw
    solicited: bool
    until: datetime | None = None
    tries: int = 0
    next_at: datetime | None = None
    created_at: datetime


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A callback that was given up, and why."""

    id: str
    at: datetime
    error: str
    entry: CallbackEntry


class DeadLetters:
    """Dead letters in Redis: a hash by id, sorted by age."""

    def __init__(self, database: Database, outbox: Lanes) -> None:
        self._db = database
        self._outbox = outbox

    def buried(self, entry: CallbackEntry, error: str) -> list[Command]:
        """Return the commands that keep a callback as a dead letter."""
        letter = DeadLetter(id=secrets.token_hex(6), at=datetime.now(UTC), error=error, entry=entry)
        return [
            ("HSET", DEAD, letter.id, packed(letter)),
            ("ZADD", DEAD_BY_AGE, letter.at.timestamp(), letter.id),
        ]

    async def all(self) -> list[DeadLetter]:
        """Return every dead letter, oldest first."""
        ids = await self._db.do("ZRANGE", DEAD_BY_AGE, 0, -1)
        rows = await self._db.do("HMGET", DEAD, *ids) if ids else []
        return [msgspec.json.decode(row, type=DeadLetter) for row in rows if row is not None]

    async def count(self) -> int:
        """Return how many there are."""
        return int(await self._db.do("HLEN", DEAD))

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return one dead letter."""
        row = await self._db.do("HGET", DEAD, letter_id)
        return None if row is None else msgspec.json.decode(row, type=DeadLetter)

    async def replay(self, letter: DeadLetter) -> bool:
        """Put a dead letter back into its lane; False when somebody else did so before."""
        entry = msgspec.structs.replace(
            letter.entry, tries=0, next_at=None, until=None, solicited=False
        )
        return await self._db.commit(
            [
                ("HDEL", DEAD, letter.id),
                ("ZREM", DEAD_BY_AGE, letter.id),
                *self._outbox.push(entry.order_key, packed(entry)),
            ],
            [Guard(("HGET", DEAD, letter.id), packed(letter))],
        )
