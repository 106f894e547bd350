"""What is pushed to a CPO besides commands: our tokens, and what drivers wish of their sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.clients.cpo import Cpo, call_of, endpoint
from bridge.clients.ocpi import OcpiClient, unusable
from bridge.ocpi.codec import encode
from bridge.ocpi.connection import Connection
from bridge.ocpi.leniency import Leniency, Met
from bridge.ocpi.sessions import ChargingPreferencesResponse
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.orders.plans import PreferencesPlan, TokenPlan

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

    OCPI 2.2.1 mod_tokens, Receiver interface.

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


async def push_preferences(
    client: OcpiClient,
    cpo: Cpo,
    connection: Connection,
    plan: PreferencesPlan,
    *,
    within_s: float = PUSH_S,
) -> ChargingPreferencesResponse:
    """PUT the charging preferences of a session; return the CPO's word on them.

    OCPI 2.2.1 mod_sessions, Sender interface.

    Args:
        within_s: its time-out, whatever is configured.

    Raises:
        CallFailed: there was no such word.
    """
    call = call_of(
        cpo,
        connection,
        ModuleID.SESSIONS,
        InterfaceRole.SENDER,
        *(plan.session_id, "charging_preferences"),
        to=plan.party,
        method="PUT",
        body=encode(plan.preferences, nulls=cpo.flags.explicit_nulls),
        correlation_id=plan.correlation_id,
    )
    answer = await client.call(replace(call, timeouts=call.timeouts._replace(total_s=within_s)))
    word = _bare(answer.data)
    if not isinstance(word, str) or word not in ChargingPreferencesResponse.__members__:
        raise unusable(ModuleID.SESSIONS, answer, "expected a ChargingPreferencesResponse")
    if answer.data != word:
        client.tolerated(cpo.id, Met(Leniency.WRAPPED_WORD, "data"))
    return ChargingPreferencesResponse(word)


def _bare(data: object) -> object:
    """Return a word without the list or object around it, if it is the only thing in there."""
    match data:
        case [only]:
            return _bare(only)
        case dict() if len(data) == 1:
            return next(iter(data.values()))
        case _:
            return data
