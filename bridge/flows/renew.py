"""New tokens for a registered CPO, with the bridge as initiator (OCPI 2.2.1 credentials, PUT)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from bridge.errors import CpoUnavailable
from bridge.flows.failures import PUT, RegistrationFailed, failure_of
from bridge.flows.ports import PeerApi
from bridge.flows.register import Overrides, Registrations, credentials_url, offered, stored
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials


class Renewed(NamedTuple):
    """A connection with new tokens.

    Args:
        problem: why the roles are still the old ones, though the CPO named others.
    """

    connection: Connection
    problem: RegistrationFailed | None


async def renew(
    api: PeerApi,
    registrations: Registrations,
    connection: Connection,
    own: Credentials,
    *,
    versions_url: str,
    overrides: Overrides,
    now: datetime,
) -> Renewed:
    """Change the tokens of both sides, and read the CPO's endpoints anew.

    The new inbound token is valid before the PUT leaves, the old one until the answer is in: a
    CPO may call us with either meanwhile. The CPO's new token is stored in the same transaction
    that drops our old one. Should we die on the way, everything is as after RenewalUnknown.

    Args:
        connection: a registered one.
        own: our credentials with a new token.

    Raises:
        RenewalUnknown: the PUT may have been obeyed; both inbound tokens stay valid, and what we
            present stays the old one.
        RegistrationFailed: any other; everything is as it was.
        StoreUnavailable: as above, unless the CPO had answered the PUT already.
    """
    cpo_id, token = connection.cpo_id, connection.token
    assert token is not None, "a registered connection has a token"
    endpoints = await offered(api, cpo_id, versions_url, token, PUT)
    url = credentials_url(cpo_id, endpoints, overrides)
    await registrations.accept(cpo_id, own.token)
    try:
        theirs = await api.put_credentials(url, token, own)
    except CpoUnavailable as error:
        failure = failure_of(cpo_id, error, PUT)
        if not isinstance(failure, PUT.unknown):
            await registrations.withdraw(cpo_id, own.token)
        raise failure from error
    told = Connection(
        cpo_id=cpo_id,
        token=theirs.token,
        versions_url=theirs.url,
        roles=theirs.roles,
        endpoints=endpoints,
        registered_at=now,
    )
    after = connection.renewed(told)
    problem = await stored(registrations, after, own.token)
    if problem is not None:
        # The CPO has changed the tokens all the same: they must not get lost.
        after = connection.renewed(replace(told, roles=connection.roles))
        await registrations.complete(after, own.token)
    return Renewed(after, problem)
