"""The story of an order: what happened on both protocols, in time order. No personal data."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from bridge.store.database import Command, Database, key

ENTRIES_KEPT = 1000
"""Entries kept for one order; an order that never ends must not fill Redis."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step.

    Args:
        hop: who spoke to whom, e.g. ``BAP > bridge``, ``bridge > CPO``.
        protocol: ``Beckn``, ``OCPI`` or ``bridge``.
        what: action, module or command.
        detail: facts worth reading: ids, state, kWh, money, error.
    """

    at: datetime
    hop: str
    protocol: str
    what: str
    detail: dict[str, str] = {}


class Journal:
    """Streams in Redis, one for each order."""

    def __init__(self, database: Database, *, retention_s: int) -> None:
        self._db = database
        self._retention_s = retention_s

    def note(
        self, order_key: str, hop: str, protocol: str, what: str, **detail: object
    ) -> list[Command]:
        """Return the commands that add a step; empty details are left out."""
        entry = Entry(
            at=datetime.now(UTC),
            hop=hop,
            protocol=protocol,
            what=what,
            detail={name: str(value) for name, value in detail.items() if value not in (None, "")},
        )
        where = key("journal", order_key)
        body = msgspec.json.encode(entry)
        return [
            ("XADD", where, "MAXLEN", "~", ENTRIES_KEPT, "*", "entry", body),
            ("EXPIRE", where, self._retention_s),
        ]

    async def read(self, order_key: str) -> list[Entry]:
        """Return the story of an order."""
        rows = await self._db.do("XRANGE", key("journal", order_key), "-", "+")
        return [msgspec.json.decode(fields[b"entry"], type=Entry) for _, fields in rows]
