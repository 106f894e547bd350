"""The lists of a CPO that are pulled, and what a pull works with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from bridge.clients.ocpi import OcpiClient
from bridge.clients.pages import Bad
from bridge.flows.emsp.emsp import Emsp
from bridge.flows.emsp.locations import tariff_ids
from bridge.flows.ports import Kind
from bridge.ocpi.cdrs import CDR
from bridge.ocpi.codec import stored
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo
from bridge.ocpi.locations import Location
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.types import ModuleID
from bridge.store.objects import ObjectStore
from bridge.store.pulls import Pulls
from bridge.workers.spare import Rush

SESSIONS_REACH: Final = timedelta(days=1)
"""How far the first pull of sessions reaches back: what still charges began not long ago."""

CDRS_REACH: Final = timedelta(days=28)
"""The same for CDRs, which may be made late."""


class Listing(msgspec.Struct, frozen=True):
    """What a pull keeps of a Location or tariff.

    Args:
        body: as it is stored.
        tariff_ids: those that a Location names, as CiStrings compare.
    """

    country_code: str
    party_id: str
    id: str
    last_updated: datetime
    body: bytes
    tariff_ids: frozenset[str]


Listed = Listing | Session | CDR | ClientInfo
"""An object of a list, as far as it is kept."""


def kept(read: Location | Tariff | Session | CDR | ClientInfo) -> Listed:
    """Return what is kept of an object of a list; of those that are events, everything."""
    if not isinstance(read, Location | Tariff):
        return read
    return Listing(
        country_code=read.country_code,
        party_id=read.party_id,
        id=read.id,
        last_updated=read.last_updated,
        body=stored(read),
        tariff_ids=tariff_ids(read) if isinstance(read, Location) else frozenset(),
    )


class Source(NamedTuple):
    """A list of a CPO.

    Args:
        kind: how its objects are kept; None: with the connection, which they are about.
        reach: of a list of events, which is always asked from a date on: how far the first pull
            reaches back. None: the list is the whole truth, what it lacks is gone.
    """

    module: ModuleID
    kind: Kind | None
    type: type[Location | Tariff | Session | CDR | ClientInfo]
    reach: timedelta | None = None

    @property
    def owned(self) -> bool:
        """Whether its objects are those of parties: such lists are asked of one."""
        return self.kind is not None


CLIENTS: Final = Source(ModuleID.HUB_CLIENT_INFO, None, ClientInfo)
TARIFFS: Final = Source(ModuleID.TARIFFS, Kind.TARIFF, Tariff)
LOCATIONS: Final = Source(ModuleID.LOCATIONS, Kind.LOCATION, Location)
SESSIONS: Final = Source(ModuleID.SESSIONS, Kind.SESSION, Session, SESSIONS_REACH)
CDRS: Final = Source(ModuleID.CDRS, Kind.CDR, CDR, CDRS_REACH)

GROUPS: Final = ((CLIENTS,), (TARIFFS, LOCATIONS), (SESSIONS,), (CDRS,))
"""Lists that are pulled one after the other; those of other groups do not wait for them.

Tariffs come first: a Location is shown only with them.
"""

SOURCES: Final = tuple(source for group in GROUPS for source in group)

Event = Literal[
    "pull.bad_object",
    "pull.crashed",
    "pull.done",
    "pull.failed",
    "pull.foreign_objects",
    "pull.wanted",
    "store.unavailable",
]
"""What is told of pulls."""


class Notice(Protocol):
    """Logs an event of a CPO and counts it."""

    def __call__(self, event: Event, *, cpo_id: str, **fields: object) -> None:
        """Take note; never a token among the fields."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a pull works with.

    Args:
        emsp: keeps sessions and CDRs as if they had been pushed.
        objects: keeps Locations and tariffs, many at a time.
        bad: counts an object of a CPO's list that could not be read.
        rush: is on while Locations are pulled.
    """

    client: OcpiClient
    emsp: Emsp
    objects: ObjectStore
    pulls: Pulls
    notice: Notice
    bad: Callable[[str, ModuleID], None] = lambda cpo_id, module: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    rush: Rush = field(default_factory=Rush)


class Owned(NamedTuple):
    """An object of a list, and which party of the connection owns it."""

    party: Party
    object: Listed


class Keeping(Protocol):
    """Keeps what one pull reads."""

    async def take(self, page: Sequence[Owned]) -> Counter[str]:
        """Keep objects; return how many became what, by the names of ``Outcome``."""
        ...

    def miss(self, bad: Bad) -> None:
        """Know of an object that the list has and nobody can read."""
        ...

    async def settle(self, *, complete: bool) -> int:
        """Be through with a list, read to its end or not; return how much of it was removed."""
        ...
