"""Single objects that a push or another object spoke of and that we do not have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from bridge.clients.cpo import Cpo, call_of
from bridge.clients.ocpi import unusable
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Kind, Wanted
from bridge.ocpi.answers import object_of
from bridge.ocpi.connection import Connection
from bridge.ocpi.envelope import UNKNOWN_LOCATION
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import Location
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.workers.keeping import Catalogue, digest
from bridge.workers.sources import Owned, Tools, kept

NOT_FOUND: Final = 404


async def fetch_location(tools: Tools, cpo: Cpo, connection: Connection, wanted: Wanted) -> bool:
    """GET a Location from its CPO and store it; False: the CPO does not know it.

    A delta might not bring it, if it was not changed for long. So it takes the place of what was
    stored whatever its date, unless that is pushed meanwhile.

    Raises:
        CallFailed: no usable answer.
        StoreUnavailable
    """
    stored = await tools.objects.read(Kind.LOCATION, wanted.party, wanted.id)
    call = call_of(
        cpo,
        connection,
        ModuleID.LOCATIONS,
        InterfaceRole.SENDER,
        wanted.id,
        to=wanted.party,
        due=object_of(Location),
    )
    try:
        answer = await tools.client.call(call)
    except CallFailed as error:
        if error.http == NOT_FOUND or error.code == UNKNOWN_LOCATION:
            return False
        raise
    location = tools.client.read(cpo.id, ModuleID.LOCATIONS, answer, Location)
    owner = Party(location.country_code, location.party_id)
    if owner != wanted.party or location.id.casefold() != wanted.id.casefold():
        raise unusable(ModuleID.LOCATIONS, answer, f"it is {owner} {location.id!r}")
    found = {} if stored is None else {wanted.id.casefold(): digest(stored)}
    keeping = Catalogue(tools, cpo.id, Kind.LOCATION, {wanted.party: found}, full=False)
    await keeping.take([Owned(wanted.party, kept(location))])
    return True


async def missing_tariffs(tools: Tools, wanted: Collection[Wanted]) -> tuple[Wanted, ...]:
    """Return which of these tariffs are not stored.

    Raises:
        StoreUnavailable
    """
    parties = {each.party for each in wanted}
    stored = {party: await tools.objects.ids(Kind.TARIFF, party) for party in parties}
    return tuple(each for each in wanted if each.id.casefold() not in stored[each.party])
