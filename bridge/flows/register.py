"""The credentials handshake with the bridge as initiator (OCPI 2.2.1 mod_credentials)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

from bridge.errors import BridgeError, CpoUnavailable
from bridge.flows.peer import CallFailed
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


class RegistrationFailed(BridgeError):
    """No connection to the CPO came about; the message tells the operator what to do."""

    advice: ClassVar[str] = ""

    def __init__(self, cpo_id: str, reason: str) -> None:
        self.cpo_id = cpo_id
        self.reason = reason
        super().__init__(f"{cpo_id}: {reason}. {self.advice}")


class PlatformUnreachable(RegistrationFailed):
    """The CPO's platform gave no usable answer."""

    retryable = True
    advice = "Check versions_url and that the CPO's platform is up; the bridge tries again."


class TokenARefused(RegistrationFailed):
    """The CPO does not accept TOKEN_A."""

    advice = (
        "Compare token_a with what the CPO gave out. A TOKEN_A is good for one registration: "
        "if an earlier one was cut off, ask the CPO for a new TOKEN_A."
    )


class VersionNotOffered(RegistrationFailed):
    """The CPO does not speak OCPI 2.2.1."""

    advice = "Ask the CPO for the versions_url of a platform with 2.2.1."


class EndpointsNotOffered(RegistrationFailed):
    """The CPO's version details lack modules that the bridge needs."""

    advice = "If the CPO has them without saying so, set their URLs under endpoints."


class AlreadyRegistered(RegistrationFailed):
    """The CPO holds this platform for registered."""

    advice = "Ask the CPO to delete the old registration and to give out a new TOKEN_A."


class OurApiUnusable(RegistrationFailed):
    """The CPO could not read our versions or version details."""

    retryable = True
    advice = "Check public_url: the CPO must reach it while our POST is open."


class CredentialsRefused(RegistrationFailed):
    """The CPO refuses our credentials."""

    advice = "Ask the CPO what it expects; our party is under ocpi."


class OutcomeUnknown(RegistrationFailed):
    """The CPO may have registered us, but its answer did not arrive."""

    retryable = True
    advice = "The bridge tries again; if TOKEN_A is refused then, ask the CPO for a new one."


class Claim(NamedTuple):
    """A CPO party that another registered connection has: its objects cannot be told apart."""

    party: Party
    cpo_id: str


class Registrations(Protocol):
    """Where handshakes leave their marks; each method is one transaction."""

    async def offer(self, cpo_id: str, token: str) -> None:
        """Accept our TOKEN_B for as long as a POST may be open."""
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
        RegistrationFailed: TOKEN_B is dropped, TOKEN_A is kept.
        StoreUnavailable: as above, unless the CPO had answered the POST already.
    """
    endpoints = await _endpoints(api, platform)
    url = _credentials_url(platform, endpoints)
    await registrations.offer(platform.cpo_id, own.token)
    try:
        theirs = await api.post_credentials(url, platform.token_a, own)
    except CpoUnavailable as error:
        await registrations.withdraw(platform.cpo_id, own.token)
        raise _post_failed(platform.cpo_id, error) from error
    connection = Connection(
        cpo_id=platform.cpo_id,
        token=theirs.token,
        versions_url=theirs.url,
        roles=tuple(theirs.roles),
        endpoints=tuple(endpoints),
        registered_at=now,
    )
    await registrations.complete(connection, own.token)
    return connection


async def _endpoints(api: PeerApi, platform: Platform) -> Sequence[Endpoint]:
    """Return the endpoints under 2.2.1."""
    try:
        versions = await api.versions(platform.versions_url, platform.token_a)
        url = next((each.url for each in versions if each.version == VERSION), None)
        if url is None:
            offered = ", ".join(str(each.version) for each in versions) or "none"
            raise VersionNotOffered(
                platform.cpo_id, f"it offers no OCPI {VERSION}; its versions: {offered}"
            )
        return (await api.details(url, platform.token_a)).endpoints
    except CpoUnavailable as error:
        if _status(error)[0] in (401, 403):
            raise TokenARefused(platform.cpo_id, f"TOKEN_A is refused: {_told(error)}") from error
        raise PlatformUnreachable(platform.cpo_id, _told(error)) from error


def _credentials_url(platform: Platform, endpoints: Sequence[Endpoint]) -> str:
    """Return where to POST, if all we need is there."""
    usable = Connection(
        cpo_id=platform.cpo_id, endpoints=with_overrides(endpoints, platform.overrides)
    )
    missing = [
        f"{module} ({role})" for module, role in REQUIRED if usable.url(module, role) is None
    ]
    url = usable.url(ModuleID.CREDENTIALS, InterfaceRole.SENDER)
    if missing or url is None:
        raise EndpointsNotOffered(platform.cpo_id, f"its version details lack {', '.join(missing)}")
    return url


def _post_failed(cpo_id: str, error: CpoUnavailable) -> RegistrationFailed:
    """Say what a failed POST of our credentials means."""
    http, code = _status(error)
    told = _told(error)
    if http in (401, 403):
        return TokenARefused(cpo_id, f"TOKEN_A is refused: {told}")
    if http == 405:
        return AlreadyRegistered(cpo_id, f"it answered 405, we are registered there: {told}")
    if code == 3001:
        return OurApiUnusable(cpo_id, f"it could not use our API: {told}")
    if code == 3002:
        return VersionNotOffered(cpo_id, f"it finds no version in common: {told}")
    if code == 3003:
        return CredentialsRefused(cpo_id, f"it misses endpoints among ours: {told}")
    if code is not None and 2000 <= code < 3000:
        return CredentialsRefused(cpo_id, f"it refuses our credentials: {told}")
    if isinstance(error, CallFailed) and error.nothing_left:
        return PlatformUnreachable(cpo_id, told)
    return OutcomeUnknown(cpo_id, told)


def _status(error: CpoUnavailable) -> tuple[int | None, int | None]:
    """Return the HTTP and the OCPI status of the answer, if there was one."""
    return (error.http, error.code) if isinstance(error, CallFailed) else (None, None)


def _told(error: CpoUnavailable) -> str:
    """Return the failure with the peer's own words, for the operator only."""
    said = error.said if isinstance(error, CallFailed) else ""
    return f"{error.reason} ({said})" if said else error.reason
