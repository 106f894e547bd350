"""OCPI 2.2.1 mod_hub_client_info, Receiver: which parties a hub reaches.

Only hubs find it (``Emsp.is_hub``); for others there is nothing at its address. A party that comes
back is asked for what it has changed meanwhile: nobody has kept messages for it.
"""

from __future__ import annotations

from bridge.errors import ObjectUnknown
from bridge.flows.emsp.emsp import Call, Emsp, Reply, read
from bridge.flows.emsp.keeping import agree_on_owner
from bridge.ocpi.connection import Connection
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus


async def get_client_info(emsp: Emsp, call: Call) -> Reply:
    """Return what the hub told of a party.

    Raises:
        ObjectUnknown: nothing.
    """
    party = Party(*call.ids)
    info = (await emsp.connections.get(call.cpo_id)).client(party)
    if info is None:
        raise ObjectUnknown(f"{party} is not known")
    return Reply(data=info)


async def put_client_info(emsp: Emsp, call: Call) -> Reply:
    """Take what the hub tells of a party; what is older than we know is acknowledged only."""
    info = read(emsp, call, ClientInfo)
    agree_on_owner(Party(*call.ids), info.country_code, info.party_id)
    before, after = await emsp.connections.change(
        call.cpo_id, lambda connection: connection.with_client(info)
    )
    told(emsp, before, after)
    return Reply(created=before.client(info.party, info.role) is None)


def told(emsp: Emsp, before: Connection, after: Connection) -> None:
    """Note which CPO parties have come or gone, and have those pulled that came."""
    known = {party: before.status_of(party) for party in before.parties()}
    for party in after.parties():
        status = after.status_of(party)
        if status is known.get(party):
            continue
        emsp.notice("hub.party_changed", cpo_id=after.cpo_id, party=str(party), status=str(status))
        if status is ConnectionStatus.CONNECTED:
            emsp.sync_soon(after.cpo_id, party)
