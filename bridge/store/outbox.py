"""Callbacks on their way out, and those that never made it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.lanes import Lanes

DEAD = key("dead-letters")
"""Sorted set: id -> when the dead letter is forgotten, s."""

KEPT_S = 90 * 86_400

ON_SEARCH_KEPT_S = 3600
"""How long an undelivered on_search is kept: it is large, there may be many, it soon is stale."""


class CallbackEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An on_* message to be posted.

    Args:
        url: where to; the action is already part of it.
        body: the whole Beckn message.
        solicited: it answers a request; then it is of no use after ``until``.
        lapses_at: when its ttl ends: then nobody waits for this answer any more.
        echo: the request's order, to stand beside an error where the receiver wants one.
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
    lapses_at: datetime | None = None
    echo: Raw | UnsetType = UNSET
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
    """Dead letters in Redis.

    Args:
        retention_s: how long they are kept; a message names the driver.
    """

    def __init__(self, database: Database, outbox: Lanes, *, retention_s: int = KEPT_S) -> None:
        self._db = database
        self._outbox = outbox
        self._retention_s = retention_s

    def buried(self, entry: CallbackEntry, error: str) -> list[Command]:
        """Return the commands that keep a callback as a dead letter."""
        letter = DeadLetter(id=secrets.token_hex(6), at=datetime.now(UTC), error=error, entry=entry)
        limit_s = ON_SEARCH_KEPT_S if entry.action == "on_search" else self._retention_s
        kept_s = min(limit_s, self._retention_s)
        died = letter.at.timestamp()
        return [
            ("SET", _place(letter.id), packed(letter), "EX", kept_s),
            ("ZADD", DEAD, died + kept_s, letter.id),
            ("ZREMRANGEBYSCORE", DEAD, "-inf", died),
        ]

    async def all(self) -> list[DeadLetter]:
        """Return every dead letter, oldest first."""
        ids = await self._db.do("ZRANGE", DEAD, 0, -1)
        if not ids:
            return []
        rows = await self._db.do("MGET", *(_place(bytes(each).decode()) for each in ids))
        letters = [msgspec.json.decode(row, type=DeadLetter) for row in rows if row is not None]
        return sorted(letters, key=lambda letter: letter.at)

    async def count(self) -> int:
        """Return how many there are."""
        return int(await self._db.do("ZCOUNT", DEAD, datetime.now(UTC).timestamp(), "+inf"))

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return one dead letter."""
        row = await self._db.do("GET", _place(letter_id))
        return None if row is None else msgspec.json.decode(row, type=DeadLetter)

    def rewritten(self, letter: DeadLetter) -> Command:
        """Return the command that changes a dead letter and not its end."""
        return ("SET", _place(letter.id), packed(letter), "XX", "KEEPTTL")

    async def replay(self, letter: DeadLetter) -> bool:
        """Put a dead letter back into its lane; False when somebody else did so before."""
        entry = msgspec.structs.replace(
            letter.entry, tries=0, next_at=None, until=None, lapses_at=None, solicited=False
        )
        return await self._db.commit(
            [
                ("DEL", _place(letter.id)),
                ("ZREM", DEAD, letter.id),
                *self._outbox.push(entry.order_key, packed(entry), wake=True),
            ],
            [Guard(("GET", _place(letter.id)), packed(letter))],
        )


def _place(letter_id: str) -> str:
    return key("dead-letter", letter_id)
