"""OCPI 2.2.1 mod_locations, Receiver: Locations, their EVSEs and Connectors.

Stored is the whole Location; a push of a part changes that part inside it. ``ids`` of a call are
country_code, party_id, location_id, and then evse_uid and connector_id as far as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from bridge.errors import LocationNotKnown
from bridge.flows.emsp.emsp import Call, Emsp, Reply, owner, read, read_patch
from bridge.flows.emsp.keeping import Change, Kept, agree, agree_on_owner, is_older, keep
from bridge.flows.jobs import EvseJob, Job
from bridge.flows.ports import Correlation, Kind, Wanted
from bridge.ocpi import codec
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import EVSE, Connector, Location
from bridge.ocpi.types import ModuleID

Part = Location | EVSE | Connector
P = TypeVar("P", EVSE, Connector)


async def get_part(emsp: Emsp, call: Call) -> Reply:
    """Return the Location, EVSE or Connector as it is stored.

    Raises:
        LocationNotKnown: it is not.
    """
    party = await owner(emsp, call)
    stored = await emsp.objects.read(Kind.LOCATION, party, call.ids[2])
    if stored is None:
        raise _unknown("Location", call.ids[2])
    return Reply(data=_part(codec.restored(stored, Location), call.ids[3:]))


async def put_location(emsp: Emsp, call: Call) -> Reply:
    """Create or replace a Location with all its EVSEs."""
    party = await owner(emsp, call)
    location = read(emsp, call, Location)
    agree("id", call.ids[2], location.id)
    agree_on_owner(party, location.country_code, location.party_id)
    kept = await keep_location(emsp, call.cpo_id, party, location)
    return Reply(created=kept is Kept.NEW)


async def put_evse(emsp: Emsp, call: Call) -> Reply:
    """Create or replace an EVSE of a known Location.

    Raises:
        LocationNotKnown: the Location is not known; it is fetched soon.
    """
    evse = read(emsp, call, EVSE)
    agree("uid", call.ids[3], evse.uid)
    return await _change_part(emsp, call, lambda location: with_evse(location, evse))


async def put_connector(emsp: Emsp, call: Call) -> Reply:
    """Create or replace a Connector of a known EVSE.

    Raises:
        LocationNotKnown: the Location or EVSE is not known; the Location is fetched soon.
    """
    connector = read(emsp, call, Connector)
    agree("id", call.ids[4], connector.id)
    evse_uid = call.ids[3]
    return await _change_part(
        emsp, call, lambda location: with_connector(location, evse_uid, connector)
    )


async def patch_part(emsp: Emsp, call: Call) -> Reply:
    """Change fields of a known Location, EVSE or Connector.

    Raises:
        LocationNotKnown: it is not known; the Location is fetched soon.
        OcpiInvalid: ``last_updated`` is missing, or what comes out is no valid object.
    """

    def patched(location: Location) -> tuple[Location, bool]:
        part = _part(location, call.ids[3:])
        # Only now: a PATCH of what is not known is that, whatever else may be wrong with it.
        return _patched(location, call.ids[2:], part, read_patch(emsp, call, type(part)))

    return await _change_part(emsp, call, patched)


async def keep_location(emsp: Emsp, cpo_id: str, party: Party, location: Location) -> Kept:
    """Store a Location unless a newer one is there."""

    async def put(old: bytes | None) -> Change | None:
        stored = None if old is None else codec.restored(old, Location)
        if stored is not None and is_older(location.last_updated, stored.last_updated):
            return None
        return await _change(emsp, cpo_id, party, stored, location, created=stored is None)

    return await keep(emsp, Kind.LOCATION, party, location.id, put)


async def _change_part(
    emsp: Emsp, call: Call, change: Callable[[Location], tuple[Location, bool]]
) -> Reply:
    """Change a stored Location; ``change`` returns it, and whether a part of it is new."""
    party = await owner(emsp, call)

    async def put(old: bytes | None) -> Change | None:
        if old is None:
            raise _unknown("Location", call.ids[2])
        stored = codec.restored(old, Location)
        location, created = change(stored)
        return await _change(emsp, call.cpo_id, party, stored, location, created=created)

    try:
        kept = await keep(emsp, Kind.LOCATION, party, call.ids[2], put)
    except LocationNotKnown:
        emsp.pull_soon(call.cpo_id, ModuleID.LOCATIONS, Wanted(party, call.ids[2]))
        raise
    return Reply(created=kept is Kept.NEW)


async def _change(
    emsp: Emsp,
    cpo_id: str,
    party: Party,
    stored: Location | None,
    location: Location,
    *,
    created: bool,
) -> Change | None:
    """Return what to write, with a job for every order that a change of status concerns."""
    if location == stored:
        return None
    await _ask_for_tariffs(emsp, cpo_id, party, stored, location)
    jobs = await status_jobs(emsp.correlation, party, stored, location, emsp.now())
    return Change(new=codec.stored(location), created=created, jobs=jobs)


async def _ask_for_tariffs(
    emsp: Emsp, cpo_id: str, party: Party, stored: Location | None, location: Location
) -> None:
    """Have the tariffs fetched that are named and not known: no price is not free (4.1, 13)."""
    for tariff_id in tariff_ids(location) - (tariff_ids(stored) if stored else frozenset()):
        if await emsp.objects.read(Kind.TARIFF, party, tariff_id) is None:
            emsp.pull_soon(cpo_id, ModuleID.TARIFFS, Wanted(party, tariff_id))


def tariff_ids(location: Location) -> frozenset[str]:
    """Return the tariffs that a Location names, as CiStrings compare."""
    return frozenset(
        tariff_id.casefold()
        for evse in location.evses
        for connector in evse.connectors
        for tariff_id in connector.tariff_ids
    )


async def status_jobs(
    correlation: Correlation,
    party: Party,
    stored: Location | None,
    location: Location,
    now: datetime,
) -> dict[str, Job]:
    """Return an EvseJob for each order on an EVSE whose status is another one now."""
    if stored is None:
        return {}
    known = {evse.uid.casefold(): evse.status for evse in stored.evses}
    jobs: dict[str, Job] = {}
    for evse in location.evses:
        if known.get(evse.uid.casefold()) != evse.status:
            for order_key in await correlation.running_on(party, location.id, evse.uid):
                jobs[order_key] = EvseJob(status=evse.status, at=now)
    return jobs


def with_evse(location: Location, evse: EVSE) -> tuple[Location, bool]:
    """Return the Location with an EVSE in it, and whether that is new there.

    An EVSE older than the stored one changes nothing. ``last_updated`` of the Location follows,
    but never goes back.
    """
    stored = _named(location.evses, "uid", evse.uid)
    if stored is not None and is_older(evse.last_updated, stored.last_updated):
        return location, False
    changed = replace(
        location,
        evses=_placed(location.evses, stored, evse),
        last_updated=max(location.last_updated, evse.last_updated),
    )
    return changed, stored is None


def with_connector(
    location: Location, evse_uid: str, connector: Connector
) -> tuple[Location, bool]:
    """Return the Location with a Connector in one of its EVSEs, as ``with_evse`` does.

    Raises:
        LocationNotKnown: there is no such EVSE.
    """
    evse = _evse(location, evse_uid)
    stored = _named(evse.connectors, "id", connector.id)
    if stored is not None and is_older(connector.last_updated, stored.last_updated):
        return location, False
    changed = replace(
        evse,
        connectors=_placed(evse.connectors, stored, connector),
        last_updated=max(evse.last_updated, connector.last_updated),
    )
    return with_evse(location, changed)[0], stored is None


def _patched(
    location: Location, ids: Sequence[str], part: Part, patch: object
) -> tuple[Location, bool]:
    """Return the Location with a PATCH applied to the part that ``ids`` name; nothing is new.

    One without a date got this far because its CPO may leave it out.
    """
    match part:
        case Location():
            changed = codec.merge_patch(part, patch, Location, undated=True)
            agree("id", part.id, changed.id)
            agree_on_owner(
                Party(part.country_code, part.party_id), changed.country_code, changed.party_id
            )
            older = is_older(changed.last_updated, part.last_updated)
            return (location if older else changed), False
        case EVSE():
            evse = codec.merge_patch(part, patch, EVSE, undated=True)
            agree("uid", part.uid, evse.uid)
            return with_evse(location, evse)
        case Connector():
            connector = codec.merge_patch(part, patch, Connector, undated=True)
            agree("id", part.id, connector.id)
            return with_connector(location, ids[1], connector)


def _part(location: Location, ids: Sequence[str]) -> Part:
    """Return the Location, or the EVSE or Connector that one or two ids name."""
    if not ids:
        return location
    evse = _evse(location, ids[0])
    if len(ids) == 1:
        return evse
    connector = _named(evse.connectors, "id", ids[1])
    if connector is None:
        raise _unknown("Connector", ids[1])
    return connector


def _evse(location: Location, uid: str) -> EVSE:
    evse = _named(location.evses, "uid", uid)
    if evse is None:
        raise _unknown("EVSE", uid)
    return evse


def _named(parts: Sequence[P], key: str, object_id: str) -> P | None:
    folded = object_id.casefold()
    return next((each for each in parts if getattr(each, key).casefold() == folded), None)


def _placed(parts: tuple[P, ...], stored: P | None, new: P) -> tuple[P, ...]:
    """Return the parts with ``new`` in the place of ``stored``, else at the end."""
    if stored is None:
        return parts + (new,)  # noqa: RUF005 - the type checker follows only the sum
    return tuple(new if each is stored else each for each in parts)


def _unknown(what: str, object_id: str) -> LocationNotKnown:
    return LocationNotKnown(f"{what} {object_id!r} is not known")
