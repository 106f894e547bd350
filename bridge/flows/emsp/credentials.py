"""OCPI 2.2.1 credentials, with the bridge as the side that is called (Receiver).

The token a call came with says where the caller stands: only a registered one may change or end
the connection, only a TOKEN_A may make it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import (
    ClientApiUnusable,
    CpoUnavailable,
    EndpointsMissing,
    MethodNotAllowed,
    OcpiInvalid,
    VersionUnsupported,
)
from bridge.flows.emsp.emsp import DONE, VERSION, Call, Emsp, Reply, read
from bridge.flows.ports import PeerApi
from bridge.flows.register import REQUIRED, SERVING, Claim, new_token, with_overrides
from bridge.ocpi import urls
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
    token = new_token()
    _refuse(await emsp.registrations.complete(connection, token))
    emsp.notice("connection.registered", cpo_id=call.cpo_id)
    return Reply(data=_own(emsp, call.cpo_id, token))


async def put_credentials(emsp: Emsp, call: Call) -> Reply:
    """Take over changed credentials, read the caller's endpoints anew, hand out a new token.

    The standard leaves open how long the old token lives (issue 568 of OCPI). Here the first use
    of the new one ends it, or the grace time: a lost answer locks nobody out who tries again.

    Raises:
        MethodNotAllowed: the caller is not registered.
        OcpiInvalid, ClientApiUnusable, VersionUnsupported, EndpointsMissing
    """
    _only_registered(call)
    now = await _read(emsp, call)
    connection = (await emsp.connections.get(call.cpo_id)).renewed(now)
    token = new_token()
    _refuse(await emsp.registrations.hand_over(connection, token, call.caller.token))
    emsp.notice("connection.renewed", cpo_id=call.cpo_id)
    return Reply(data=_own(emsp, call.cpo_id, token))


async def delete_credentials(emsp: Emsp, call: Call) -> Reply:
    """End the connection: neither side calls the other any more.

    Raises:
        MethodNotAllowed: the caller is not registered.
    """
    _only_registered(call)
    await emsp.registrations.end(call.cpo_id)
    emsp.notice("connection.ended", cpo_id=call.cpo_id)
    return DONE


def _only_registered(call: Call) -> None:
    if call.caller.use is not TokenUse.REGISTERED:
        raise MethodNotAllowed("this platform is not registered")


def _refuse(claim: Claim | None) -> None:
    """Refuse a party that is somebody else's: pushes say whose an object is by the party alone."""
    if claim is not None:
        raise OcpiInvalid("roles", f"{claim.party} is a party of another connection already")


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
    theirs = read(emsp, call, Credentials)
    if not any(role.role in SERVING for role in theirs.roles):
        raise OcpiInvalid("roles", "no role is CPO or HUB")
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
            raise VersionUnsupported(f"your versions endpoint offers no OCPI {VERSION}")
        return (await api.details(url, theirs.token)).endpoints
    except CpoUnavailable as error:
        raise ClientApiUnusable(f"your API could not be used: {error.reason}") from error


def _check(connection: Connection, usable: tuple[Endpoint, ...]) -> None:
    """See that all we cannot do without is there."""
    reachable = Connection(cpo_id=connection.cpo_id, endpoints=usable)
    missing = [f"{module} ({role})" for module, role in REQUIRED if not reachable.url(module, role)]
    if missing:
        raise EndpointsMissing(f"the version details lack {', '.join(missing)}")
