"""A connection to a CPO's platform: what credentials and version details said about it."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.headers import Party
from bridge.ocpi.types import InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint


class TokenUse(enum.StrEnum):
    """What an inbound credentials token may be used for."""

    REGISTER = "REGISTER"
    """A TOKEN_A: versions and credentials only."""
    PENDING = "PENDING"
    """Our TOKEN_B while the POST is open: versions only matter, all is allowed to read."""
    REGISTERED = "REGISTERED"
    """The token of a registered platform."""


class Presented(msgspec.Struct, frozen=True):
    """An inbound token that was recognised: whose it is, and for what."""

    cpo_id: str
    use: TokenUse
    token: str


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One CPO platform, registered or not.

    Args:
        token: the credentials token we present (TOKEN_C, or what a PUT returned); None when not
            registered.
        roles, versions_url: as its Credentials object said.
        endpoints: as its version details said, before overrides of the configuration.
    """

    cpo_id: str
    token: str | None = None
    versions_url: str | None = None
    roles: tuple[CredentialsRole, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    registered_at: datetime | None = None

    @property
    def registered(self) -> bool:
        """Whether the credentials handshake is done."""
        return self.token is not None

    def url(self, module: ModuleID, role: InterfaceRole) -> str | None:
        """Return the endpoint of a module; the role of ``credentials`` is ignored."""
        for endpoint in self.endpoints:
            if endpoint.identifier == module and (
                endpoint.role == role or module == ModuleID.CREDENTIALS
            ):
                return endpoint.url
        return None

    def parties(self) -> tuple[Party, ...]:
        """Return the CPO parties behind the connection."""
        return tuple(
            Party(role.country_code, role.party_id) for role in self.roles if role.role == Role.CPO
        )
