"""What is set for each OCPI connection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bridge.ocpi.locations import Capability
from bridge.settings.tls import Tls
from bridge.settings.values import (
    BaseUrl,
    CountryCode,
    Id,
    Name,
    Part,
    PartyId,
    Seconds,
    Token,
    Url,
)

Module = Literal[
    "credentials",
    "locations",
    "sessions",
    "cdrs",
    "tariffs",
    "tokens",
    "commands",
    "hubclientinfo",
]
Role = Literal["sender", "receiver"]


class Provider(Part):
    """A CPO as Beckn sees it."""

    id: Id
    name: Name


class Party(Part):
    """One more party behind the same OCPI connection, shown as a provider of its own."""

    country_code: CountryCode
    party_id: PartyId
    provider: Provider


class Support(Part):
    """Whom a driver asks for help."""

    phone: str | None = None
    email: str | None = None
    url: Url | None = None


class CpoTimeouts(Part):
    """How long a CPO may take."""

    connect_s: Seconds = 3
    total_s: Seconds = 10


class CpoPoll(Part):
    """How often a CPO is asked for what changed; pushes come besides."""

    locations_s: Seconds = 600
    tariffs_s: Seconds = 600
    sessions_s: Seconds = 600
    cdrs_s: Seconds = 600
    clients_s: Seconds = 3600
    everything_s: Seconds = 86_400


class CpoFlags(Part):
    """Deviations of one CPO from OCPI: the fields of ``bridge.ocpi.flags.Flags``."""

    raw_token: bool = False
    explicit_nulls: bool = False
    append_slash: bool = False
    endpoint_slash: bool = False
    token_visual_number: bool = False
    push_tokens: bool = True
    charging_preferences: bool = False
    patch_without_last_updated: bool = False
    own_token_inbound: bool = False
    cdr_put: bool = False
    receiver_alias: bool = False
    default_capabilities: tuple[Capability, ...] = ()


class Cpo(Part):
    """One OCPI connection. ``token_a`` is never absent: ``load`` brings it from where it stands.

    With ``versions_url`` the bridge registers at the CPO; without, the CPO registers at the bridge
    and presents ``token_a``.
    """

    id: Id
    versions_url: Url | None = None
    token_a: Token
    token_a_file: Path | None = None
    provider: Provider
    parties: tuple[Party, ...] = ()
    hub: bool = False
    endpoints: dict[Module, dict[Role, Url]] = Field(default_factory=dict)
    flags: CpoFlags = CpoFlags()
    public_url: BaseUrl | None = None
    tls: Tls | None = None
    timeouts: CpoTimeouts = CpoTimeouts()
    poll: CpoPoll = CpoPoll()
    rotate_days: Annotated[int, Field(ge=1)] | None = 30
    support: Support | None = None
