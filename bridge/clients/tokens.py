"""Our tokens at a CPO (OCPI 2.2.1 mod_tokens, Receiver interface)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.clients.cpo import Cpo, call_of, endpoint
from bridge.clients.ocpi import OcpiClient
from bridge.ocpi.codec import encode
from bridge.ocpi.connection import Connection
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import TokenPlan

PUSH_S: Final = 5.0
"""Time-out of a push: a command waits behind it, and goes ahead without it."""


async def push_token(
    client: OcpiClient,
    cpo: Cpo,
    connection: Connection,
    plan: TokenPlan,
    *,
    within_s: float = PUSH_S,
) -> bool:
    """PUT a token that is valid, PATCH one that is so no longer; it is never DELETEd.

    Args:
        within_s: its time-out, whatever is configured.

    Returns:
        False: the CPO has no place for tokens; nothing was sent.

    Raises:
        CallFailed: it did not take it.
    """
    module, role, token = ModuleID.TOKENS, InterfaceRole.RECEIVER, plan.token
    if endpoint(cpo, connection, module, role) is None:
        return False
    gone = {"valid": token.valid, "last_updated": token.last_updated}
    call = call_of(
        cpo,
        connection,
        module,
        role,
        *(token.country_code, token.party_id, token.uid),
        to=plan.party,
        method="PUT" if token.valid else "PATCH",
        query=f"type={token.type}",
        body=encode(token, nulls=cpo.flags.explicit_nulls) if token.valid else encode(gone),
        correlation_id=plan.correlation_id,
        # A command waits behind a token that is new.
        despite_pause=token.valid,
    )
    await client.call(replace(call, timeouts=call.timeouts._replace(total_s=within_s)))
    return True
