"""OCPI 2.2.1 mod_tokens: who may charge; the eMSP owns these objects."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from bridge.ocpi.types import (
    CiString2,
    CiString3,
    CiString36,
    DisplayText,
    ProfileType,
    String2,
    String64,
)


class TokenType(enum.StrEnum):
    """AD_HOC_USER binds one session to a driver, APP_USER serves all sessions of a driver."""

    AD_HOC_USER = "AD_HOC_USER"
    APP_USER = "APP_USER"
    OTHER = "OTHER"
    RFID = "RFID"


class WhitelistType(enum.StrEnum):
    """When a CPO may authorize without asking: always, at choice, when offline, never."""

    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class AllowedType(enum.StrEnum):
    """Answer of a real-time authorization."""

    ALLOWED = "ALLOWED"
    BLOCKED = "BLOCKED"
    EXPIRED = "EXPIRED"
    NO_CREDIT = "NO_CREDIT"
    NOT_ALLOWED = "NOT_ALLOWED"


class EnergyContract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The driver's own energy contract."""

    supplier_name: String64
    contract_id: String64 | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token; ``uid`` is unique together with ``type``."""

    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36
    visual_number: String64 | None = None
    issuer: String64
    group_id: CiString36 | None = None
    valid: bool
    whitelist: WhitelistType
    language: String2 | None = None
    default_profile_type: ProfileType | None = None
    energy_contract: EnergyContract | None = None
    last_updated: datetime


class LocationReferences(msgspec.Struct, frozen=True, kw_only=True):
    """A Location and, when given, the EVSEs in it.

    An empty ``evse_uids`` is written: some CPOs do not read the object without it.
    """

    location_id: CiString36
    evse_uids: tuple[CiString36, ...] = ()


class AuthorizationInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a token may charge; ``location`` lists only what is allowed of what was asked."""

    allowed: AllowedType
    token: Token
    location: LocationReferences | None = None
    authorization_reference: CiString36 | None = None
    info: DisplayText | None = None
