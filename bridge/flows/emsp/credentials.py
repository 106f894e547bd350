"""OCPI 2.2.1 credentials, with the bridge as the side that is called (Receiver).

The token a call came with says where the caller stands: only a registered one may change or end
the connection, only a TOKEN_A may make it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from bridge.errors import (
    ClientApiUnusable,
    CpoUnavailable,
    EndpointsMissing,
    MethodNotAllowed,
    OcpiInvalid,
    VersionUnsupported,
)
from bridge.flows.emsp.emsp import DONE, VERSION, Call, Emsp, Reply
from bridge.flows.ports import PeerApi
from bridge.flows.register import REQUIRED, with_overrides
from bridge.ocpi import codec, urls
from bridge.ocpi.connection import Connection, TokenUse
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.types import BusinessDetails, Role
from bridge.ocpi.versions import Endpoint


async def get_credentials(emsp: Emsp, call: Call) -> Reply:
    """Repeat what the caller must use: its own token, our address, our party."""
    return Reply(data=_own(emsp, call.cpo_id, call.caller.token))


async def post_credentials(emsp: Emsp, call: Call) -> Reply:
    """Register the caller; its versions and details are read before it gets an answer.

    Nothing is stored, and TOKEN_A stays valid, unless all of it works.

    Raises:
        MethodNotAllowed: registered already, or our own registration is under way.
        OcpiInvalid, ClientApiUnusable, VersionUnsupported, EndpointsMissing
    """
    if call.caller.use is not TokenUse.REGISTER:
        raise MethodNotAllowed("this platform is registered already")
    connection = await _read(emsp, call)
    token = _new_token()
    await emsp.registrations.complete(connection, token)
    emsp.notice("connection.registered", cpo_id=call.cpo_id)
    return Reply(data=_own(emsp, call.cpo_id, token))


async def put_credentials(emsp: Emsp, call: Call) -> Reply:
    """Take over changed credentials, read the caller's endpoints anew, hand out a new token.

    The standard leaves open how long the old token lives (issue 568 of OCPI). Here it stays
    valid beside the new one until the next PUT or DELETE, so a lost answer locks nobody out.

    Raises:
        MethodNotAllowed: the caller is not registered.
        OcpiInvalid, ClientApiUnusable, VersionUnsupported, EndpointsMissing
    """
    _only_registered(call)
    connection = await _read(emsp, call)
    token = _new_token()
    # The token first: should the second step fail, the caller's old view of us still holds.
    await emsp.connections.replace_tokens(
        call.cpo_id, {token: TokenUse.REGISTERED, call.caller.token: TokenUse.REGISTERED}
    )
    await emsp.connections.save(connection)
    emsp.notice("connection.renewed", cpo_id=call.cpo_id)
    return Reply(data=_own(emsp, call.cpo_id, token))


async def delete_credentials(emsp: Emsp, call: Call) -> Reply:
    """End the connection: neither side calls the other any more.

    Raises:
        MethodNotAllowed: the caller is not registered.
    """
    _only_registered(call)
    # The token last: should it fail, the caller can still repeat its DELETE.
    await emsp.connections.save(Connection(cpo_id=call.cpo_id))
    await emsp.connections.replace_tokens(call.cpo_id, {})
    emsp.notice("connection.ended", cpo_id=call.cpo_id)
    return DONE


def _only_registered(call: Call) -> None:
    if call.caller.use is not TokenUse.REGISTERED:
        raise MethodNotAllowed("this platform is not registered")


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _own(emsp: Emsp, cpo_id: str, token: str) -> Credentials:
    role = CredentialsRole(
        role=Role.EMSP,
        business_details=BusinessDetails(name=emsp.business_name),
        party_id=emsp.party.party_id,
        country_code=emsp.party.country_code,
    )
    versions_url = urls.join(emsp.public_url(cpo_id), "ocpi", "versions")
    return Credentials(token=token, url=versions_url, roles=(role,))


async def _read(emsp: Emsp, call: Call) -> Connection:
    """Return the connection that the caller's credentials describe, its endpoints read from it."""
    theirs = codec.convert(call.body, Credentials)
    if not any(role.role is Role.CPO for role in theirs.roles):
        raise OcpiInvalid("roles", "no role is CPO")
    endpoints = await _endpoints(emsp.peers(call.cpo_id), theirs)
    connection = Connection(
        cpo_id=call.cpo_id,
        token=theirs.token,
        versions_url=theirs.url,
        roles=theirs.roles,
        endpoints=tuple(endpoints),
        registered_at=emsp.now(),
    )
    _check(connection, with_overrides(endpoints, emsp.overrides(call.cpo_id)))
    return connection


async def _endpoints(api: PeerApi, theirs: Credentials) -> Sequence[Endpoint]:
    """Read the caller's version details under 2.2.1."""
    try:
        versions = await api.versions(theirs.url, theirs.token)
        url = next((each.url for each in versions if each.version == VERSION), None)
        if url is None:
            raise VersionUnsupported(f"{theirs.url} offers no OCPI {VERSION}")
        return (await api.details(url, theirs.token)).endpoints
    except CpoUnavailable as error:
        raise ClientApiUnusable(f"your API could not be used: {error.reason}") from error


def _check(connection: Connection, usable: tuple[Endpoint, ...]) -> None:
    """See that all we cannot do without is there."""
    reachable = Connection(cpo_id=connection.cpo_id, endpoints=usable)
    missing = [f"{module} ({role})" for module, role in REQUIRED if not reachable.url(module, role)]
    if missing:
        raise EndpointsMissing(f"the version details lack {', '.join(missing)}")
