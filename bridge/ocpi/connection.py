"""A connection to a CPO's platform: what credentials and version details said about it."""

from __future__ import annotations

import enum
from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec.structs import replace

from bridge.ocpi.credentials import CredentialsRole, without_token
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ClientInfo, ConnectionStatus
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role
from bridge.ocpi.versions import Endpoint

_UNTOLD = ConnectionStatus.CONNECTED
"""Status of a party nobody has told of: that of every party when there is no hub."""


class TokenUse(enum.StrEnum):
    """What an inbound credentials token may be used for."""

    REGISTER = "REGISTER"
    """A TOKEN_A: versions and credentials only."""
    PENDING = "PENDING"
    """Our TOKEN_B while the POST is open: versions only matter, all is allowed to read."""
    REGISTERED = "REGISTERED"
    """The token of a registered platform."""
    FRESH = "FRESH"
    """What a PUT gave out, as good as REGISTERED; its first use ends the one that is RETIRING."""
    RETIRING = "RETIRING"
    """What a PUT replaced: as good as REGISTERED until the new one is used, or its time is up."""


class Presented(msgspec.Struct, frozen=True):
    """An inbound token that was recognised: whose it is, and for what.

    Args:
        use: REGISTER, PENDING or REGISTERED.
    """

    cpo_id: str
    use: TokenUse
    token: str

    __repr__ = without_token


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One CPO platform, registered or not.

    Args:
        token: the credentials token we present (TOKEN_C, or what a PUT returned); None when not
            registered.
        roles, versions_url: as its Credentials object said.
        endpoints: as its version details said, before overrides of the configuration.
        clients: the parties behind it, if it is a hub, each in each of its roles.
        registered_at: since when it is what it is; other parties or endpoints begin anew.
        renewed_at: when a PUT of either side last changed the tokens; None = never.
    """

    cpo_id: str
    token: str | None = None
    versions_url: str | None = None
    roles: tuple[CredentialsRole, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    registered_at: datetime | None = None
    renewed_at: datetime | None = None
    clients: tuple[ClientInfo, ...] = ()

    __repr__ = without_token

    @property
    def registered(self) -> bool:
        """Whether the credentials handshake is done."""
        return self.token is not None

    @property
    def tokens_since(self) -> datetime | None:
        """When the tokens in use were given out."""
        return self.renewed_at or self.registered_at

    def renewed(self, now: Connection) -> Connection:
        """Return what a PUT makes of this connection; ``now`` was read in its course.

        Pulls go on where they were, unless there are other parties or endpoints; whom a hub
        reaches is its own affair.
        """
        now = replace(now, clients=self.clients if now.hub == self.hub else ())
        same = set(self.parties()) == set(now.parties()) and self.endpoints == now.endpoints
        return replace(
            now,
            registered_at=self.registered_at if same else now.registered_at,
            renewed_at=now.registered_at,
        )

    def url(self, module: ModuleID, role: InterfaceRole) -> str | None:
        """Return the endpoint of a module; the role of ``credentials`` is ignored."""
        for endpoint in self.endpoints:
            if endpoint.identifier == module and (
                endpoint.role == role or module == ModuleID.CREDENTIALS
            ):
                return endpoint.url
        return None

    @property
    def hub(self) -> Party | None:
        """The hub's own party, when the platform is one: it passes messages on to others."""
        hubs = (role for role in self.roles if role.role is Role.HUB)
        return next((Party(role.country_code, role.party_id) for role in hubs), None)

    def parties(self) -> tuple[Party, ...]:
        """Return the CPO parties behind the connection: its own, and those that it is a hub for."""
        members: list[CredentialsRole | ClientInfo] = [*self.roles, *self.clients]
        cpos = (each for each in members if each.role is Role.CPO)
        return tuple(dict.fromkeys(Party(each.country_code, each.party_id) for each in cpos))

    def own_parties(self) -> set[Party]:
        """Return the CPO parties of its own credentials: no other connection may have them."""
        cpos = (role for role in self.roles if role.role is Role.CPO)
        return {Party(role.country_code, role.party_id) for role in cpos}

    def owner(self, named: Party) -> Party | None:
        """Return whose a pushed object is; None: nobody's behind this connection.

        A hub may bring the objects of any party for as long as it has not told of its parties.
        """
        if self.hub is not None and not self.clients:
            return named
        return next((each for each in self.parties() if each == named), None)

    def operator(self, party: Party) -> BusinessDetails | None:
        """Return who a CPO party says it is; a hub tells no more than ids of its parties."""
        cpos = (each for each in self.roles if each.role is Role.CPO)
        owns = (each for each in cpos if Party(each.country_code, each.party_id) == party)
        return next((each.business_details for each in owns), None)

    def askable(self) -> tuple[Party, ...]:
        """Return whom a list is asked of: a hub alone, which answers with objects of many owners.

        OCPI 2.2.1 transport_and_format, GET All via Hubs.
        """
        return self.reachable() if self.hub is None else (self.hub,)

    def reachable(self) -> tuple[Party, ...]:
        """Return the CPO parties that are CONNECTED: nothing is sent to the others."""
        parties = self.parties()
        return tuple(each for each in parties if self.status_of(each) is ConnectionStatus.CONNECTED)

    def status_of(self, party: Party) -> ConnectionStatus:
        """Return whether a CPO party can be reached, as far as its hub has told."""
        cpos = (each for each in self.clients if each.role is Role.CPO)
        return next((each.status for each in cpos if each.party == party), _UNTOLD)

    def client(self, party: Party, role: Role | None = None) -> ClientInfo | None:
        """Return what the hub told of a party, in this role, else as CPO, else in any."""
        of_party = [each for each in self.clients if each.party == party]
        wanted = (role,) if role is not None else (Role.CPO, *Role)
        found = (each for one in wanted for each in of_party if each.role is one)
        return next(found, None)

    def with_client(self, info: ClientInfo) -> Connection:
        """Return the connection with the newest word on a party.

        An older word changes nothing, nor does any on a connection that has ended.
        """
        known = self.client(info.party, info.role)
        if not self.registered or known == info:
            return self
        if known is None:
            return replace(self, clients=(*self.clients, info))
        if info.last_updated < known.last_updated:
            return self
        clients = tuple(info if each is known else each for each in self.clients)
        return replace(self, clients=clients)

    def without_clients(self, gone: Collection[ClientInfo]) -> Connection:
        """Return the connection without what was told of parties, unless that has changed."""
        return replace(self, clients=tuple(each for each in self.clients if each not in gone))
