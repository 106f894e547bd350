"""OCPI objects of the CPOs, as encoded JSON, compared and set."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.flows.jobs import Job
from bridge.flows.ports import Kind
from bridge.ocpi.headers import Party
from bridge.orders.order import SessionKey
from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.lanes import Lanes

CHANGES = key("catalog", "changes")
"""Stream of what changed in the catalogue; every replica follows it."""

CHANGES_KEPT = 100_000
"""Changes kept for replicas that fall behind; one that falls further loads anew."""

CATALOGUE = frozenset({Kind.LOCATION, Kind.TARIFF})


def party_key(party: Party) -> str:
    """Return a party as part of a key; ids are CiStrings."""
    return str(party).casefold()


class ObjectStore:
    """Fits flows.ports.ObjectStore. Locations and tariffs are hashes, one for each party."""

    def __init__(self, database: Database, inbox: Lanes, *, retention_s: int) -> None:
        self._db = database
        self._inbox = inbox
        self._retention_s = retention_s

    def _place(self, kind: Kind, party: Party, object_id: str) -> tuple[str, str | None]:
        """Return the key, and the field when the kind lives in a hash."""
        if kind in CATALOGUE:
            return key("ocpi", kind, party_key(party)), object_id.casefold()
        return key("ocpi", kind, party_key(party), object_id.casefold()), None

    async def read(self, kind: Kind, party: Party, object_id: str) -> bytes | None:
        """Return the stored object."""
        where, field = self._place(kind, party, object_id)
        found = await (
            self._db.do("GET", where) if field is None else self._db.do("HGET", where, field)
        )
        return None if found is None else bytes(found)

    async def write(
        self,
        kind: Kind,
        party: Party,
        object_id: str,
        new: bytes | None,
        old: bytes | None,
        jobs: Mapping[str, Job] | None = None,
    ) -> bool:
        """Compare and set an object, and queue the jobs it causes, in one transaction."""
        where, field = self._place(kind, party, object_id)
        read: Command = ("GET", where) if field is None else ("HGET", where, field)
        commands: list[Command] = []
        if field is not None:
            commands.append(("HDEL", where, field) if new is None else ("HSET", where, field, new))
            commands.append(
                (
                    *("XADD", CHANGES, "MAXLEN", "~", CHANGES_KEPT, "*", "kind", kind),
                    *("country_code", party.country_code, "party_id", party.party_id),
                    *("id", object_id),
                )
            )
        elif new is None:
            commands.append(("DEL", where))
        else:
            commands.append(("SET", where, new, "EX", self._retention_s))
        for order_key, job in (jobs or {}).items():
            commands += self._inbox.push(order_key, packed(job))
            if kind is Kind.SESSION:
                session = SessionKey(party.country_code, party.party_id, object_id)
                commands.append(
                    ("SET", key("session", str(session)), order_key, "EX", self._retention_s)
                )
        return await self._db.commit(commands, [Guard(read, old)])

    async def all(self, kind: Kind, party: Party) -> dict[str, bytes]:
        """Return all Locations or Tariffs of a party, by folded id."""
        if kind not in CATALOGUE:
            raise ValueError(f"{kind} is not kept by party")
        where, _ = self._place(kind, party, "")
        flat = await self._db.do("HGETALL", where)
        pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
        return {bytes(field).decode(): bytes(value) for field, value in pairs}
