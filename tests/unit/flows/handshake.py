"""The two sides of an exchange of credentials: a CPO that answers as told, and what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge.errors import CpoUnavailable
from bridge.flows.register import Claim
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import Credentials, CredentialsRole
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role, VersionNumber
from bridge.ocpi.versions import Endpoint, Version, VersionDetails

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERSIONS_URL = "https://cpo.test/ocpi/versions"


def role_of(role: Role, party_id: str = "ABC") -> CredentialsRole:
    """Return a role."""
    return CredentialsRole(
        role=role,
        business_details=BusinessDetails(name="A business"),
        party_id=party_id,
        country_code="IN",
    )


def credentials(token: str, *roles: Role) -> Credentials:
    """Return credentials of one party, in these roles."""
    return Credentials(
        token=token, url="https://any.test/versions", roles=tuple(map(role_of, roles))
    )


def endpoint(module: ModuleID, role: InterfaceRole) -> Endpoint:
    """Return an endpoint of the CPO."""
    return Endpoint(identifier=module, role=role, url=f"https://cpo.test/2.2.1/{module}")


ENDPOINTS = (
    endpoint(ModuleID.CREDENTIALS, InterfaceRole.RECEIVER),
    endpoint(ModuleID.LOCATIONS, InterfaceRole.SENDER),
    endpoint(ModuleID.COMMANDS, InterfaceRole.RECEIVER),
)


class Peer:
    """A CPO that answers as told and writes every step into ``steps``."""

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps
        self.offered: Sequence[VersionNumber] = (VersionNumber.V2_1_1, VersionNumber.V2_2_1)
        self.endpoints: tuple[Endpoint, ...] = ENDPOINTS
        self.theirs = credentials("token-c", Role.CPO)
        self.fails: dict[str, CpoUnavailable] = {}

    async def versions(self, url: str, token: str) -> Sequence[Version]:
        self._step("versions", url, token)
        return [Version(version=each, url=f"https://cpo.test/{each}") for each in self.offered]

    async def details(self, url: str, token: str) -> VersionDetails:
        self._step("details", url, token)
        return VersionDetails(version=VersionNumber.V2_2_1, endpoints=self.endpoints)

    async def post_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        self._step("post", url, token, body.token)
        return self.theirs

    async def put_credentials(self, url: str, token: str, body: Credentials) -> Credentials:
        self._step("put", url, token, body.token)
        return self.theirs

    async def delete_credentials(self, url: str, token: str) -> None:
        self._step("delete", url, token)

    def _step(self, name: str, *what: str) -> None:
        self.steps.append(" ".join((name, *what)))
        if name in self.fails:
            raise self.fails[name]


class Marks:
    """Registrations as they would be stored.

    Args:
        inbound: what each token may be used for.
        claim: what the next connection with new roles runs into.
    """

    def __init__(self, steps: list[str]) -> None:
        self.steps = steps
        self.inbound: dict[str, str] = {}
        self.connection: Connection | None = None
        self.claim: Claim | None = None

    async def offer(self, cpo_id: str, token: str) -> None:
        self.steps.append(f"offer {token}")
        self.inbound[token] = "PENDING"

    async def accept(self, cpo_id: str, token: str) -> None:
        self.steps.append(f"accept {token}")
        self.inbound[token] = "REGISTERED"

    async def withdraw(self, cpo_id: str, token: str) -> None:
        self.steps.append(f"withdraw {token}")
        del self.inbound[token]

    async def complete(self, connection: Connection, token: str) -> Claim | None:
        self.steps.append(f"complete {token}")
        claim, self.claim = self.claim, None
        if claim is None:
            self.connection = connection
            self.inbound = {token: "REGISTERED"}
        return claim

    async def hand_over(self, connection: Connection, token: str, old: str) -> Claim | None:
        raise AssertionError("that is for the side that is called")

    async def end(self, cpo_id: str) -> None:
        self.steps.append("end")
        self.connection = None
        self.inbound = {}
