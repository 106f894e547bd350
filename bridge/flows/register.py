"""The credentials handshake with the bridge as initiator (OCPI 2.2.1 mod_credentials)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from bridge.errors import CpoUnavailable
from bridge.flows.failures import (
    POST,
    Case,
    EndpointsNotOffered,
    NoCpoRole,
    PartyClaimed,
    PlatformUnreachable,
    RegistrationFailed,
    VersionNotOffered,
    failure_of,
    status_of,
    words_of,
)
from bridge.flows.ports import PeerApi
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import Party
from bridge.ocpi.types import InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint

VERSION = "2.2.1"

REQUIRED = (
    (ModuleID.LOCATIONS, InterfaceRole.SENDER),
    (ModuleID.COMMANDS, InterfaceRole.RECEIVER),
    (ModuleID.CREDENTIALS, InterfaceRole.SENDER),
)
"""Without these of a CPO there is nothing to offer, or no way to start (2.3, step 4)."""

SERVING = frozenset({Role.CPO, Role.HUB})
"""Roles that we can be an eMSP to: without any of them a connection serves nothing."""

Overrides = Mapping[tuple[ModuleID, InterfaceRole], str]
"""Endpoints of the configuration; they win over what the version details say."""


class Claim(NamedTuple):
    """A CPO party that another registered connection has: its objects cannot be told apart."""

    party: Party
    cpo_id: str


class Registrations(Protocol):
    """Where handshakes leave their marks; each method is one transaction."""

    async def offer(self, cpo_id: str, token: str) -> None:
        """Accept our TOKEN_B for as long as a POST may be open, for reading."""
        ...

    async def accept(self, cpo_id: str, token: str) -> None:
        """Accept one more token of a registered CPO, without an end."""
        ...

    async def withdraw(self, cpo_id: str, token: str) -> None:
        """Accept it no longer; other tokens of the CPO stay as they are."""
        ...

    async def complete(self, connection: Connection, token: str) -> Claim | None:
        """Store the connection, make this its only inbound token, discard TOKEN_A.

        A Claim: one of its parties is taken, nothing was stored.
        """
        ...

    async def hand_over(self, connection: Connection, token: str, old: str) -> Claim | None:
        """Store the connection; the inbound token ``old`` ends with the first use of ``token``.

        Without such a use it ends by itself, after the grace time. A Claim: as above.
        """
        ...

    async def end(self, cpo_id: str) -> None:
        """Forget the connection and all inbound tokens, TOKEN_A too."""
        ...


def new_token() -> str:
    """Return a credentials token that nobody can guess."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A CPO's platform as the operator named it."""

    cpo_id: str
    versions_url: str
    token_a: str = field(repr=False)
    overrides: Overrides = field(default_factory=dict)


def with_overrides(endpoints: Sequence[Endpoint], overrides: Overrides) -> tuple[Endpoint, ...]:
    """Return the endpoints with those of the configuration in place of the CPO's own.

    The role of ``credentials`` means nothing: an override replaces whatever the CPO says there.
    """
    replaced = {
        (module, role)
        for module, given in overrides
        for role in (InterfaceRole if module == ModuleID.CREDENTIALS else (given,))
    }
    return (
        *(
            Endpoint(identifier=module, role=role, url=url)
            for (module, role), url in overrides.items()
        ),
        *(each for each in endpoints if (each.identifier, each.role) not in replaced),
    )


async def register(
    api: PeerApi,
    registrations: Registrations,
    platform: Platform,
    own: Credentials,
    *,
    now: datetime,
) -> Connection:
    """Run the handshake and return the stored connection.

    TOKEN_B is valid before the POST: the CPO reads our versions while it is open.

    Args:
        own: our credentials with a new TOKEN_B.

    Raises:
        PartyClaimed, NoCpoRole: the CPO was told by DELETE to forget us; TOKEN_A is used up.
        RegistrationFailed: any other; TOKEN_B is dropped, TOKEN_A is kept.
        StoreUnavailable: as above, unless the CPO had answered the POST already.
    """
    cpo_id, token_a = platform.cpo_id, platform.token_a
    endpoints = await offered(api, cpo_id, platform.versions_url, token_a, POST)
    url = credentials_url(cpo_id, endpoints, platform.overrides)
    await registrations.offer(cpo_id, own.token)
    try:
        theirs = await api.post_credentials(url, token_a, own)
    except CpoUnavailable as error:
        await registrations.withdraw(cpo_id, own.token)
        raise failure_of(cpo_id, error, POST) from error
    connection = Connection(
        cpo_id=cpo_id,
        token=theirs.token,
        versions_url=theirs.url,
        roles=theirs.roles,
        endpoints=endpoints,
        registered_at=now,
    )
    useless = await stored(registrations, connection, own.token)
    if useless is not None:
        await registrations.end(cpo_id)
        told = await _told_to_forget_us(api, url, theirs.token)
        raise type(useless)(cpo_id, f"{useless.reason}; {told}")
    return connection


async def stored(
    registrations: Registrations, connection: Connection, token: str
) -> RegistrationFailed | None:
    """Store what the CPO's credentials say, if it can serve us; return why it cannot."""
    cpo_id = connection.cpo_id
    if not any(role.role in SERVING for role in connection.roles):
        roles = ", ".join(dict.fromkeys(role.role for role in connection.roles))
        return NoCpoRole(cpo_id, f"it is neither CPO nor HUB, but {roles}")
    claim = await registrations.complete(connection, token)
    if claim is not None:
        return PartyClaimed(cpo_id, f"its party {claim.party} is one of {claim.cpo_id}")
    return None


async def _told_to_forget_us(api: PeerApi, url: str, token: str) -> str:
    """Take a registration back; return how that went."""
    try:
        await api.delete_credentials(url, token)
    except CpoUnavailable as error:
        return f"our DELETE failed, so it still holds us for registered: {words_of(error)}"
    return "it was told by DELETE to forget us"


async def offered(
    api: PeerApi, cpo_id: str, versions_url: str, token: str, case: Case
) -> tuple[Endpoint, ...]:
    """Return the endpoints under 2.2.1.

    Raises:
        RegistrationFailed: case.refused, VersionNotOffered or PlatformUnreachable.
    """
    try:
        versions = await api.versions(versions_url, token)
        url = next((each.url for each in versions if each.version == VERSION), None)
        if url is None:
            names = ", ".join(str(each.version) for each in versions) or "none"
            raise VersionNotOffered(cpo_id, f"it offers no OCPI {VERSION}; its versions: {names}")
        return tuple((await api.details(url, token)).endpoints)
    except CpoUnavailable as error:
        if status_of(error)[0] in (401, 403):
            raise case.refused(cpo_id, f"it refuses our token: {words_of(error)}") from error
        raise PlatformUnreachable(cpo_id, words_of(error)) from error


def credentials_url(cpo_id: str, endpoints: Sequence[Endpoint], overrides: Overrides) -> str:
    """Return where credentials go, if all we need is there. Raises EndpointsNotOffered."""
    usable = Connection(cpo_id=cpo_id, endpoints=with_overrides(endpoints, overrides))
    missing = [
        f"{module} ({role})" for module, role in REQUIRED if usable.url(module, role) is None
    ]
    url = usable.url(ModuleID.CREDENTIALS, InterfaceRole.SENDER)
    if missing or url is None:
        raise EndpointsNotOffered(cpo_id, f"its version details lack {', '.join(missing)}")
    return url
