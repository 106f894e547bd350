"""OCPI objects of the CPOs, as encoded JSON, compared and set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple

from bridge.flows.jobs import Job
from bridge.flows.ports import Kind
from bridge.ocpi.headers import Party
from bridge.orders.order import SessionKey
from bridge.store.database import Command, Database, Guard, key, packed
from bridge.store.lanes import Lanes

CHANGES = key("catalog", "changes")
"""Stream of what changed in the catalogue; every replica follows it."""

SEPARATOR = "\n"
"""Between the ids of one entry of the stream; no id has a line end."""

CHANGES_KEPT = 100_000
"""Entries kept for replicas that fall behind; one that falls further loads anew."""

CATALOGUE = frozenset({Kind.LOCATION, Kind.TARIFF})


def party_key(party: Party) -> str:
    """Return a party as part of a key; ids are CiStrings."""
    return str(party).casefold()


SCANNED = 200
"""About how many objects one step of a scan reads."""


class Write(NamedTuple):
    """A change of one object: from ``old`` to ``new``, None = absent, and the jobs it causes."""

    id: str
    new: bytes | None
    old: bytes | None
    jobs: Mapping[str, Job] = {}


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

    async def read_many(
        self, kind: Kind, party: Party, object_ids: Sequence[str]
    ) -> list[bytes | None]:
        """Return stored Locations or tariffs of a party, in the order of their ids."""
        if not object_ids:
            return []
        where = self._hash(kind, party)
        found = await self._db.do("HMGET", where, *(each.casefold() for each in object_ids))
        return [None if each is None else bytes(each) for each in found]

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
        return await self.write_many(kind, party, [Write(object_id, new, old, jobs or {})])

    async def write_many(self, kind: Kind, party: Party, writes: Sequence[Write]) -> bool:
        """Compare and set objects and queue their jobs, all in one transaction or none.

        Args:
            writes: each of another object.
        """
        if kind in CATALOGUE:
            guards, commands = self._listed(kind, party, writes)
        else:
            guards, commands = self._single(kind, party, writes)
        commands += [each for write in writes for each in self._caused(kind, party, write)]
        return await self._db.commit(commands, guards)

    def _listed(
        self, kind: Kind, party: Party, writes: Sequence[Write]
    ) -> tuple[list[Guard], list[Command]]:
        """Return how Locations or tariffs are compared and set, all of them in few words."""
        if not writes:
            return [], []
        where = self._hash(kind, party)
        after = {write.id.casefold(): write.new for write in writes}
        guard = Guard(("HMGET", where, *after), tuple(write.old for write in writes))
        new = [part for field, body in after.items() if body is not None for part in (field, body)]
        gone = [field for field, body in after.items() if body is None]
        commands: list[Command] = [("HSET", where, *new)] if new else []
        commands += [("HDEL", where, *gone)] if gone else []
        announced = SEPARATOR.join(write.id for write in writes)
        commands.append(
            (
                *("XADD", CHANGES, "MAXLEN", "~", CHANGES_KEPT, "*", "kind", kind),
                *("country_code", party.country_code, "party_id", party.party_id),
                *("ids", announced),
            )
        )
        return [guard], commands

    def _single(
        self, kind: Kind, party: Party, writes: Sequence[Write]
    ) -> tuple[list[Guard], list[Command]]:
        """Return how sessions or CDRs are compared and set, each under its own key."""
        guards: list[Guard] = []
        commands: list[Command] = []
        for write in writes:
            where, _ = self._place(kind, party, write.id)
            guards.append(Guard(("GET", where), write.old))
            commands.append(
                ("DEL", where)
                if write.new is None
                else ("SET", where, write.new, "EX", self._retention_s)
            )
        return guards, commands

    def _caused(self, kind: Kind, party: Party, write: Write) -> list[Command]:
        """Return the commands that queue the jobs of a change."""
        commands: list[Command] = []
        for order_key, job in write.jobs.items():
            commands += self._inbox.push(order_key, packed(job))
            if kind is Kind.SESSION:
                session = SessionKey(party.country_code, party.party_id, write.id)
                commands.append(
                    ("SET", key("session", str(session)), order_key, "EX", self._retention_s)
                )
        return commands

    async def scan(self, kind: Kind, party: Party) -> AsyncIterator[dict[str, bytes]]:
        """Yield all Locations or tariffs of a party by folded id, some at a time.

        What is written meanwhile may be among them, and may come twice.
        """
        where, cursor = self._hash(kind, party), 0
        while True:
            reply = await self._db.do("HSCAN", where, cursor, "COUNT", SCANNED)
            cursor, found = int(reply[0]), _pairs(reply[1])
            yield {bytes(field).decode(): bytes(value) for field, value in found}
            if cursor == 0:
                return

    async def ids(self, kind: Kind, party: Party) -> frozenset[str]:
        """Return the folded ids of all Locations or tariffs of a party."""
        found = await self._db.do("HKEYS", self._hash(kind, party))
        return frozenset(bytes(each).decode() for each in found)

    def _hash(self, kind: Kind, party: Party) -> str:
        if kind not in CATALOGUE:
            raise ValueError(f"{kind} is not kept by party")
        return self._place(kind, party, "")[0]


def _pairs(reply: object) -> Iterable[tuple[bytes, bytes]]:
    """Return fields and values, in either protocol's shape."""
    if isinstance(reply, dict):
        return reply.items()
    assert isinstance(reply, list)
    return zip(reply[::2], reply[1::2], strict=True)
