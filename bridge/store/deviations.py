"""How CPOs deviate from OCPI, as the bridges of an installation met it: for `bridge cpo doctor`."""

from __future__ import annotations

import enum
from collections import Counter
from typing import NamedTuple

from bridge.store.database import Command, Database, key


class Kind(enum.StrEnum):
    """What is known of a deviation."""

    FORGIVEN = "forgiven"
    """The name is that of a Leniency."""
    REFUSED = "refused"
    """The name is that of the flag that would have it forgiven."""


class Deviation(NamedTuple):
    """A deviation of one CPO: how often it was met, and where it was met first."""

    kind: Kind
    name: str
    times: int
    place: str


class Deviations:
    """Counts by CPO, gathered in memory and written to Redis now and then.

    What was gathered since the last ``flush`` is lost with the process: it is for eyes only.
    """

    def __init__(self, database: Database, *, retention_s: int) -> None:
        self._db = database
        self._retention_s = retention_s
        self._counts: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], str] = {}

    def note(self, cpo_id: str, kind: Kind, name: str, place: str) -> None:
        """Count a deviation."""
        met = (cpo_id, f"{kind}:{name}")
        self._counts[met] += 1
        self._places.setdefault(met, place)

    async def flush(self) -> None:
        """Write what was gathered.

        Raises:
            StoreUnavailable: it stays gathered, and may be written twice.
        """
        counts, places = self._counts.copy(), dict(self._places)
        commands: list[Command] = []
        for (cpo_id, field), count in counts.items():
            commands.append(("HINCRBY", key("deviations", cpo_id), field, count))
            commands.append(("EXPIRE", key("deviations", cpo_id), self._retention_s))
            place = places[cpo_id, field]
            commands.append(("HSETNX", key("deviation-places", cpo_id), field, place))
            commands.append(("EXPIRE", key("deviation-places", cpo_id), self._retention_s))
        if commands:
            await self._db.commit(commands)
        self._counts -= counts
        for met in places:
            if not self._counts[met]:
                self._places.pop(met, None)

    async def of(self, cpo_id: str) -> list[Deviation]:
        """Return the deviations of a CPO, by name."""
        counts = await self._db.do("HGETALL", key("deviations", cpo_id))
        places = await self._db.do("HGETALL", key("deviation-places", cpo_id))
        found = []
        for field, count in counts.items():
            kind, _, name = field.decode().partition(":")
            place = places.get(field, b"").decode()
            found.append(Deviation(Kind(kind), name, int(count), place))
        return sorted(found)

    async def forget(self, cpo_id: str) -> None:
        """Begin anew with a CPO, after it was mended."""
        await self._db.do("DEL", key("deviations", cpo_id), key("deviation-places", cpo_id))
