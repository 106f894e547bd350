"""The end of a connection, on the operator's wish (OCPI 2.2.1 credentials, DELETE)."""

from __future__ import annotations

from bridge.errors import CpoUnavailable
from bridge.flows.failures import NotUnregistered, words_of
from bridge.flows.peer import CallFailed
from bridge.flows.ports import PeerApi
from bridge.flows.register import Overrides, Registrations, with_overrides
from bridge.ocpi.connection import Connection
from bridge.ocpi.types import InterfaceRole, ModuleID

NOT_REGISTERED = 405
"""What a DELETE is answered with by a CPO that does not hold us for registered."""


async def unregister(
    api: PeerApi, registrations: Registrations, connection: Connection, overrides: Overrides
) -> None:
    """Tell the CPO to forget us, then forget it: nobody calls the other any more.

    Raises:
        NotUnregistered: the CPO did not say yes; nothing was changed here.
        StoreUnavailable: the CPO has forgotten us, we have not forgotten the CPO.
    """
    cpo_id, token = connection.cpo_id, connection.token
    known = Connection(cpo_id=cpo_id, endpoints=with_overrides(connection.endpoints, overrides))
    url = known.url(ModuleID.CREDENTIALS, InterfaceRole.SENDER)
    if token is None or url is None:
        lacks = "it is not registered" if token is None else "it has no credentials endpoint"
        raise NotUnregistered(cpo_id, lacks)
    try:
        await api.delete_credentials(url, token)
    except CpoUnavailable as error:
        if not isinstance(error, CallFailed) or error.http != NOT_REGISTERED:
            raise NotUnregistered(cpo_id, words_of(error)) from error
    await registrations.end(cpo_id)
