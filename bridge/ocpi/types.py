"""The types that several OCPI modules share (OCPI 2.2.1, types; mod_locations for Image).

Every OCPI object of the bridge is a frozen struct whose fields carry the names of the standard.
A length or pattern given here is checked on reading, by ``bridge.ocpi.codec``; rules between
fields are checked always and raise ValueError, which the codec turns into OcpiInvalid.
"""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

# CiString: printable ASCII, compared without regard to case. Case is kept as received.
ASCII = r"^[\x20-\x7e]*\Z"
CiString2: TypeAlias = Annotated[str, Meta(max_length=2, pattern=ASCII)]
CiString3: TypeAlias = Annotated[str, Meta(max_length=3, pattern=ASCII)]
CiString4: TypeAlias = Annotated[str, Meta(max_length=4, pattern=ASCII)]
CiString32: TypeAlias = Annotated[str, Meta(max_length=32, pattern=ASCII)]
CiString36: TypeAlias = Annotated[str, Meta(max_length=36, pattern=ASCII)]
CiString39: TypeAlias = Annotated[str, Meta(max_length=39, pattern=ASCII)]
CiString48: TypeAlias = Annotated[str, Meta(max_length=48, pattern=ASCII)]

# string: printable UTF-8, case-sensitive; the length counts characters.
PRINTABLE = r"^[^\x00-\x1f\x7f]*\Z"
String2: TypeAlias = Annotated[str, Meta(max_length=2, pattern=PRINTABLE)]
String3: TypeAlias = Annotated[str, Meta(max_length=3, pattern=PRINTABLE)]
String4: TypeAlias = Annotated[str, Meta(max_length=4, pattern=PRINTABLE)]
String10: TypeAlias = Annotated[str, Meta(max_length=10, pattern=PRINTABLE)]
String16: TypeAlias = Annotated[str, Meta(max_length=16, pattern=PRINTABLE)]
String20: TypeAlias = Annotated[str, Meta(max_length=20, pattern=PRINTABLE)]
String45: TypeAlias = Annotated[str, Meta(max_length=45, pattern=PRINTABLE)]
String64: TypeAlias = Annotated[str, Meta(max_length=64, pattern=PRINTABLE)]
String100: TypeAlias = Annotated[str, Meta(max_length=100, pattern=PRINTABLE)]
String255: TypeAlias = Annotated[str, Meta(max_length=255, pattern=PRINTABLE)]
String512: TypeAlias = Annotated[str, Meta(max_length=512, pattern=PRINTABLE)]
String5000: TypeAlias = Annotated[str, Meta(max_length=5000, pattern=PRINTABLE)]

# A URL is of no use when it is cut.
WHOLE = r"^[^\x00-\x20\x7f]*\Z"
URL: TypeAlias = Annotated[str, Meta(max_length=255, pattern=WHOLE)]

LOCAL_TIME = r"^([0-1][0-9]|2[0-3]):[0-5][0-9]\Z"
LocalTime: TypeAlias = Annotated[str, Meta(max_length=5, pattern=LOCAL_TIME)]
"""``HH:MM`` in the time zone of the Location."""

LocalDate: TypeAlias = Annotated[
    str,
    Meta(max_length=10, pattern=r"^([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z"),
]
"""``YYYY-MM-DD`` in the time zone of the Location."""

Int: TypeAlias = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A JSON integer of at most 64 bits: the standard sets no bound, what writes it again does."""


class Role(enum.StrEnum):
    """Role of a party in the EV charging landscape."""

    CPO = "CPO"
    EMSP = "EMSP"
    HUB = "HUB"
    NAP = "NAP"
    NSP = "NSP"
    OTHER = "OTHER"
    SCSP = "SCSP"


class InterfaceRole(enum.StrEnum):
    """SENDER is the interface of the data's owner, RECEIVER the one that gets pushes."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class ModuleID(enum.StrEnum):
    """Identifier of a module in version details."""

    CDRS = "cdrs"
    CHARGING_PROFILES = "chargingprofiles"
    COMMANDS = "commands"
    CREDENTIALS = "credentials"
    HUB_CLIENT_INFO = "hubclientinfo"
    LOCATIONS = "locations"
    SESSIONS = "sessions"
    TARIFFS = "tariffs"
    TOKENS = "tokens"


class VersionNumber(enum.StrEnum):
    """Version of the protocol."""

    V2_0 = "2.0"
    V2_1 = "2.1"
    V2_1_1 = "2.1.1"
    V2_2 = "2.2"
    V2_2_1 = "2.2.1"


class ImageCategory(enum.StrEnum):
    """What an image shows."""

    CHARGER = "CHARGER"
    ENTRANCE = "ENTRANCE"
    LOCATION = "LOCATION"
    NETWORK = "NETWORK"
    OPERATOR = "OPERATOR"
    OTHER = "OTHER"
    OWNER = "OWNER"


class ProfileType(enum.StrEnum):
    """Charging profile a driver may prefer (mod_sessions; tokens name a default one)."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


class DisplayText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Text for people, in the language of an ISO 639-1 code; no markup."""

    language: String2
    text: String512


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An amount in the currency of the object around it."""

    excl_vat: Decimal
    incl_vat: Decimal | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture by reference; ``type`` is gif, jpeg, png or svg, sizes are pixels."""

    url: URL
    thumbnail: URL | None = None
    category: ImageCategory
    type: CiString4
    width: Annotated[int, Meta(ge=0, le=99999)] | None = None
    height: Annotated[int, Meta(ge=0, le=99999)] | None = None


class BusinessDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Name, website and logo of a business."""

    name: String100
    website: URL | None = None
    logo: Image | None = None
