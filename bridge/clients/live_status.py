"""The status of an EVSE, fetched from its CPO at the moment of need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.clients.cpo import Cpo, call_of
from bridge.clients.ocpi import OcpiClient
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Connections
from bridge.ocpi.envelope import UNKNOWN_LOCATION
from bridge.ocpi.headers import Party
from bridge.ocpi.locations import EVSE
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.item import ChargingItem

NOT_FOUND: Final = 404


class LiveEvses:
    """Fits flows.ports.LiveStatus (OCPI 2.2.1 mod_locations, Sender interface, GET of an EVSE)."""

    def __init__(
        self, client: OcpiClient, connections: Connections, cpos: Mapping[str, Cpo]
    ) -> None:
        self._client = client
        self._connections = connections
        self._cpos = cpos

    async def evse(self, cpo_id: str, item: ChargingItem) -> EVSE | None:
        """GET the EVSE. None: the CPO does not know it.

        Raises:
            CallFailed: no usable answer within the time-out; a CpoUnavailable.
        """
        cpo = self._cpos.get(cpo_id)
        if cpo is None:
            raise CallFailed(f"{ModuleID.LOCATIONS}: {cpo_id} is not configured", nothing_left=True)
        key = item.key
        call = call_of(
            cpo,
            await self._connections.get(cpo_id),
            ModuleID.LOCATIONS,
            InterfaceRole.SENDER,
            key.location_id,
            key.evse_uid,
            to=Party(key.country_code, key.party_id),
        )
        try:
            return await self._client.fetch(call, EVSE)
        except CallFailed as error:
            if error.http == NOT_FOUND or error.code == UNKNOWN_LOCATION:
                return None
            raise
