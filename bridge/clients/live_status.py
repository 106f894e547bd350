"""The status of an EVSE, fetched from its CPO at the moment of need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.clients.cpo import Cpo, call_of
from bridge.clients.ocpi import Call, OcpiClient
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Connections
from bridge.ocpi.connection import Connection
from bridge.ocpi.envelope import SUCCESS, UNKNOWN_LOCATION
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.locations import EVSE, Location
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.item import ChargingItem, ItemKey

NOT_FOUND: Final = 404
NOT_THERE: Final = (405, 501)


class LiveEvses:
    """Fits flows.ports.LiveStatus (OCPI 2.2.1 mod_locations, Sender interface, GET of an EVSE)."""

    def __init__(
        self, client: OcpiClient, connections: Connections, cpos: Mapping[str, Cpo]
    ) -> None:
        self._client = client
        self._connections = connections
        self._cpos = cpos

    async def evse(self, cpo_id: str, item: ChargingItem) -> EVSE | None:
        """GET the EVSE, or its Location where EVSEs have no address. None: the CPO has no such one.

        Raises:
            CallFailed: no usable answer within the time-out; a CpoUnavailable.
        """
        cpo = self._cpos.get(cpo_id)
        if cpo is None:
            raise CallFailed(f"{ModuleID.LOCATIONS}: {cpo_id} is not configured", nothing_left=True)
        connection, key = await self._connections.get(cpo_id), item.key
        try:
            call = _call(cpo, connection, key, key.location_id, key.evse_uid)
            return await self._client.fetch(call, EVSE)
        except CallFailed as error:
            failed = error
        if _without_address(failed):
            call = _call(cpo, connection, key, key.location_id)
            if (found := await self._within(call, key.evse_uid)) is not None:
                return found
        if _unknown(failed):
            return None
        raise failed

    async def _within(self, call: Call, uid: str) -> EVSE | None:
        """GET a Location; return an EVSE of it, None: it has none such, or did not come."""
        try:
            location = await self._client.fetch(call, Location)
        except CallFailed:
            return None
        found = (each for each in location.evses if each.uid.casefold() == uid.casefold())
        if (evse := next(found, None)) is not None:
            self._client.tolerated(call.cpo_id, Met(Leniency.EVSE_ADDRESS, "url"))
        return evse


def _call(cpo: Cpo, connection: Connection, key: ItemKey, *segments: str) -> Call:
    return call_of(
        cpo,
        connection,
        ModuleID.LOCATIONS,
        InterfaceRole.SENDER,
        *segments,
        to=Party(key.country_code, key.party_id),
    )


def _unknown(error: CallFailed) -> bool:
    return error.http == NOT_FOUND or error.code == UNKNOWN_LOCATION


def _without_address(error: CallFailed) -> bool:
    """Whether a CPO seems to know nothing below a Location: no route, or no EVSE is there."""
    if error.http in (NOT_FOUND, *NOT_THERE):
        return error.code is None
    return error.http is not None and error.http < 300 and error.code in (None, SUCCESS)
