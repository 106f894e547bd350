"""How objects are kept, one by one: read, decide, compare and set, until nobody came between."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bridge.errors import OcpiInvalid, StoreUnavailable
from bridge.flows.emsp.emsp import Emsp
from bridge.flows.jobs import Job
from bridge.flows.ports import Kind
from bridge.ocpi.headers import Party

TRIES = 20
"""Writers of one object that may come first, one after the other, before we give up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written.

    Args:
        new: the encoded object; None removes it.
        created: the caller is told that its object is new.
        jobs: order key -> job, queued in the same transaction.
    """

    new: bytes | None
    created: bool = False
    jobs: Mapping[str, Job] = field(default_factory=dict)


class Kept(enum.Enum):
    """What became of an object that came in."""

    NEW = "NEW"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    """It is known already, or something newer is."""


Decide = Callable[[bytes | None], Awaitable[Change | None]]
"""From what is stored to what shall be; None leaves it as it is. Called again after a conflict."""


async def keep(emsp: Emsp, kind: Kind, party: Party, object_id: str, decide: Decide) -> Kept:
    """Bring a stored object to what ``decide`` makes of it.

    Raises:
        StoreUnavailable: others kept changing the object.
    """
    for _ in range(TRIES):
        old = await emsp.objects.read(kind, party, object_id)
        change = await decide(old)
        if change is None:
            return Kept.UNCHANGED
        if await emsp.objects.write(kind, party, object_id, change.new, old, change.jobs):
            if change.jobs:
                emsp.wake()
            return Kept.NEW if change.created else Kept.CHANGED
    raise StoreUnavailable(f"the {kind} kept changing")


def is_older(new: datetime, stored: datetime) -> bool:
    """Tell whether an update was overtaken: then it is acknowledged and not applied (O39).

    Some CPOs date one push in milliseconds and the next in whole seconds: what is of the same
    second is not older, or the end of a session could be missed.
    """
    return new < (stored if new.microsecond else stored.replace(microsecond=0))


def agree(name: str, in_url: str, in_body: str) -> None:
    """Check that URL and body name the same; CiStrings compare without case.

    Raises:
        OcpiInvalid: they differ.
    """
    if in_url.casefold() != in_body.casefold():
        raise OcpiInvalid(name, f"{in_body!r}, but the URL says {in_url!r}")


def agree_on_owner(party: Party, country_code: str, party_id: str) -> None:
    """Check that the body belongs to the party of the URL.

    Raises:
        OcpiInvalid: it names another one.
    """
    agree("country_code", party.country_code, country_code)
    agree("party_id", party.party_id, party_id)
