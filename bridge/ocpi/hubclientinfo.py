"""OCPI 2.2.1 mod_hub_client_info: which parties a hub reaches."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from bridge.ocpi.headers import Party
from bridge.ocpi.types import CiString2, CiString3, Role


class ConnectionStatus(enum.StrEnum):
    """Only a CONNECTED party is sent anything."""

    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


class ClientInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A party behind the hub and its connection."""

    party_id: CiString3
    country_code: CiString2
    role: Role
    status: ConnectionStatus
    last_updated: datetime

    @property
    def party(self) -> Party:
        """Whom it is about."""
        return Party(self.country_code, self.party_id)

    @property
    def id(self) -> str:
        """What tells it from others in a list: a party may have several roles."""
        return f"{self.party}*{self.role}"
