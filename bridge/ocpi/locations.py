"""OCPI 2.2.1 mod_locations: where one can charge; the CPO owns these objects."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import (
    URL,
    BusinessDetails,
    CiString2,
    CiString3,
    CiString36,
    CiString48,
    DisplayText,
    Image,
    Int,
    LocalTime,
    String3,
    String4,
    String10,
    String16,
    String45,
    String64,
    String255,
)

Latitude: TypeAlias = Annotated[str, Meta(max_length=10, pattern=r"^-?[0-9]{1,2}\.[0-9]{5,7}\Z")]
Longitude: TypeAlias = Annotated[str, Meta(max_length=11, pattern=r"^-?[0-9]{1,3}\.[0-9]{5,7}\Z")]


class Status(enum.StrEnum):
    """State of an EVSE; charging may be started only where it is AVAILABLE."""

    AVAILABLE = "AVAILABLE"
    BLOCKED = "BLOCKED"
    CHARGING = "CHARGING"
    INOPERATIVE = "INOPERATIVE"
    OUTOFORDER = "OUTOFORDER"
    PLANNED = "PLANNED"
    REMOVED = "REMOVED"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


class Capability(enum.StrEnum):
    """What an EVSE can do."""

    CHARGING_PROFILE_CAPABLE = "CHARGING_PROFILE_CAPABLE"
    CHARGING_PREFERENCES_CAPABLE = "CHARGING_PREFERENCES_CAPABLE"
    CHIP_CARD_SUPPORT = "CHIP_CARD_SUPPORT"
    CONTACTLESS_CARD_SUPPORT = "CONTACTLESS_CARD_SUPPORT"
    CREDIT_CARD_PAYABLE = "CREDIT_CARD_PAYABLE"
    DEBIT_CARD_PAYABLE = "DEBIT_CARD_PAYABLE"
    PED_TERMINAL = "PED_TERMINAL"
    REMOTE_START_STOP_CAPABLE = "REMOTE_START_STOP_CAPABLE"
    RESERVABLE = "RESERVABLE"
    RFID_READER = "RFID_READER"
    START_SESSION_CONNECTOR_REQUIRED = "START_SESSION_CONNECTOR_REQUIRED"
    TOKEN_GROUP_CAPABLE = "TOKEN_GROUP_CAPABLE"
    UNLOCK_CAPABLE = "UNLOCK_CAPABLE"


class ConnectorType(enum.StrEnum):
    """The socket or plug of a connector."""

    CHADEMO = "CHADEMO"
    CHAOJI = "CHAOJI"
    DOMESTIC_A = "DOMESTIC_A"
    DOMESTIC_B = "DOMESTIC_B"
    DOMESTIC_C = "DOMESTIC_C"
    DOMESTIC_D = "DOMESTIC_D"
    DOMESTIC_E = "DOMESTIC_E"
    DOMESTIC_F = "DOMESTIC_F"
    DOMESTIC_G = "DOMESTIC_G"
    DOMESTIC_H = "DOMESTIC_H"
    DOMESTIC_I = "DOMESTIC_I"
    DOMESTIC_J = "DOMESTIC_J"
    DOMESTIC_K = "DOMESTIC_K"
    DOMESTIC_L = "DOMESTIC_L"
    DOMESTIC_M = "DOMESTIC_M"
    DOMESTIC_N = "DOMESTIC_N"
    DOMESTIC_O = "DOMESTIC_O"
    GBT_AC = "GBT_AC"
    GBT_DC = "GBT_DC"
    IEC_60309_2_single_16 = "IEC_60309_2_single_16"
    IEC_60309_2_three_16 = "IEC_60309_2_three_16"
    IEC_60309_2_three_32 = "IEC_60309_2_three_32"
    IEC_60309_2_three_64 = "IEC_60309_2_three_64"
    IEC_62196_T1 = "IEC_62196_T1"
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO"
    IEC_62196_T2 = "IEC_62196_T2"
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO"
    IEC_62196_T3A = "IEC_62196_T3A"
    IEC_62196_T3C = "IEC_62196_T3C"
    NEMA_5_20 = "NEMA_5_20"
    NEMA_6_30 = "NEMA_6_30"
    NEMA_6_50 = "NEMA_6_50"
    NEMA_10_30 = "NEMA_10_30"
    NEMA_10_50 = "NEMA_10_50"
    NEMA_14_30 = "NEMA_14_30"
    NEMA_14_50 = "NEMA_14_50"
    PANTOGRAPH_BOTTOM_UP = "PANTOGRAPH_BOTTOM_UP"
    PANTOGRAPH_TOP_DOWN = "PANTOGRAPH_TOP_DOWN"
    TESLA_R = "TESLA_R"
    TESLA_S = "TESLA_S"


class ConnectorFormat(enum.StrEnum):
    """Whether the driver brings the cable."""

    SOCKET = "SOCKET"
    CABLE = "CABLE"


class PowerType(enum.StrEnum):
    """Kind of current and number of phases."""

    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_2_PHASE_SPLIT = "AC_2_PHASE_SPLIT"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


class ParkingType(enum.StrEnum):
    """Kind of place."""

    ALONG_MOTORWAY = "ALONG_MOTORWAY"
    PARKING_GARAGE = "PARKING_GARAGE"
    PARKING_LOT = "PARKING_LOT"
    ON_DRIVEWAY = "ON_DRIVEWAY"
    ON_STREET = "ON_STREET"
    UNDERGROUND_GARAGE = "UNDERGROUND_GARAGE"


class ParkingRestriction(enum.StrEnum):
    """Who may park at an EVSE."""

    EV_ONLY = "EV_ONLY"
    PLUGGED = "PLUGGED"
    DISABLED = "DISABLED"
    CUSTOMERS = "CUSTOMERS"
    MOTORCYCLES = "MOTORCYCLES"


class Facility(enum.StrEnum):
    """What else is at a Location."""

    HOTEL = "HOTEL"
    RESTAURANT = "RESTAURANT"
    CAFE = "CAFE"
    MALL = "MALL"
    SUPERMARKET = "SUPERMARKET"
    SPORT = "SPORT"
    RECREATION_AREA = "RECREATION_AREA"
    NATURE = "NATURE"
    MUSEUM = "MUSEUM"
    BIKE_SHARING = "BIKE_SHARING"
    BUS_STOP = "BUS_STOP"
    TAXI_STAND = "TAXI_STAND"
    TRAM_STOP = "TRAM_STOP"
    METRO_STATION = "METRO_STATION"
    TRAIN_STATION = "TRAIN_STATION"
    AIRPORT = "AIRPORT"
    PARKING_LOT = "PARKING_LOT"
    CARPOOL_PARKING = "CARPOOL_PARKING"
    FUEL_STATION = "FUEL_STATION"
    WIFI = "WIFI"


class EnergySourceCategory(enum.StrEnum):
    """Where electricity comes from."""

    NUCLEAR = "NUCLEAR"
    GENERAL_FOSSIL = "GENERAL_FOSSIL"
    COAL = "COAL"
    GAS = "GAS"
    GENERAL_GREEN = "GENERAL_GREEN"
    SOLAR = "SOLAR"
    WIND = "WIND"
    WATER = "WATER"


class EnvironmentalImpactCategory(enum.StrEnum):
    """What making electricity leaves behind."""

    NUCLEAR_WASTE = "NUCLEAR_WASTE"
    CARBON_DIOXIDE = "CARBON_DIOXIDE"


class GeoLocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point in WGS 84: decimal degrees, as strings with 5 to 7 decimals."""

    latitude: Latitude
    longitude: Longitude


class AdditionalGeoLocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another point that belongs to a Location, an entrance for example."""

    latitude: Latitude
    longitude: Longitude
    name: DisplayText | None = None


class EnergySource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Share of a source in percent."""

    source: EnergySourceCategory
    percentage: Decimal


class EnvironmentalImpact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Impact in g/kWh."""

    category: EnvironmentalImpactCategory
    amount: Decimal


class EnergyMix(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Origin of the electricity."""

    is_green_energy: bool
    energy_sources: tuple[EnergySource, ...] = ()
    environ_impact: tuple[EnvironmentalImpact, ...] = ()
    supplier_name: String64 | None = None
    energy_product_name: String64 | None = None


class RegularHours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Open on a weekday, 1 = Monday to 7 = Sunday, in local time."""

    weekday: Annotated[int, Meta(ge=1, le=7)]
    period_begin: LocalTime
    period_end: LocalTime


class ExceptionalPeriod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of time in UTC that departs from the regular hours."""

    period_begin: datetime
    period_end: datetime


class Hours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Opening hours: always, or at the regular hours. Closings win over openings."""

    twentyfourseven: bool
    regular_hours: tuple[RegularHours, ...] = ()
    exceptional_openings: tuple[ExceptionalPeriod, ...] = ()
    exceptional_closings: tuple[ExceptionalPeriod, ...] = ()

    def __post_init__(self) -> None:
        if self.twentyfourseven == bool(self.regular_hours):
            raise ValueError("regular_hours are given exactly when twentyfourseven is false")


class StatusSchedule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A planned status; for information only."""

    period_begin: datetime
    period_end: datetime | None = None
    status: Status


class PublishTokenType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom an unpublished Location is shown to: owners of tokens that match all given fields."""

    uid: CiString36 | None = None
    type: TokenType | None = None
    visual_number: String64 | None = None
    issuer: String64 | None = None
    group_id: CiString36 | None = None

    def __post_init__(self) -> None:
        if not (self.uid or self.visual_number or self.group_id):
            raise ValueError("one of uid, visual_number and group_id is required")
        if self.uid and not self.type:
            raise ValueError("type is required with uid")
        if self.visual_number and not self.issuer:
            raise ValueError("issuer is required with visual_number")


class Connector(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A socket or cable; ``id`` is unique in its EVSE only. Units: V, A, W.

    ``max_voltage`` of AC_3_PHASE is line to neutral.
    """

    id: CiString36
    standard: ConnectorType
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: Int
    max_amperage: Int
    max_electric_power: Int | None = None
    tariff_ids: tuple[CiString36, ...] = ()
    terms_and_conditions: URL | None = None
    last_updated: datetime


class EVSE(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What charges one vehicle at a time. ``uid`` is the key, ``evse_id`` is for people.

    The standard wants a Connector at least; one without any is kept, and never offered (Q33).
    """

    uid: CiString36
    evse_id: CiString48 | None = None
    status: Status
    status_schedule: tuple[StatusSchedule, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    connectors: tuple[Connector, ...]
    floor_level: String4 | None = None
    coordinates: GeoLocation | None = None
    physical_reference: String16 | None = None
    directions: tuple[DisplayText, ...] = ()
    parking_restrictions: tuple[ParkingRestriction, ...] = ()
    images: tuple[Image, ...] = ()
    last_updated: datetime


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place with EVSEs. ``country`` is alpha-3, ``country_code`` alpha-2 of the owning CPO."""

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    publish: bool
    publish_allowed_to: tuple[PublishTokenType, ...] = ()
    name: String255 | None = None
    address: String255
    city: String45
    postal_code: String10 | None = None
    state: String45 | None = None
    country: String3
    coordinates: GeoLocation
    related_locations: tuple[AdditionalGeoLocation, ...] = ()
    parking_type: ParkingType | None = None
    evses: tuple[EVSE, ...] = ()
    directions: tuple[DisplayText, ...] = ()
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: tuple[Facility, ...] = ()
    time_zone: String255
    opening_times: Hours | None = None
    charging_when_closed: bool | None = None
    images: tuple[Image, ...] = ()
    energy_mix: EnergyMix | None = None
    last_updated: datetime

    def __post_init__(self) -> None:
        if self.publish and self.publish_allowed_to:
            raise ValueError("publish_allowed_to is for publish false only")

    @property
    def charges_when_closed(self) -> bool:
        """Whether one may charge outside the opening hours: yes, unless it is denied."""
        return self.charging_when_closed is not False
