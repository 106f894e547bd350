"""OCPI 2.2.1 mod_cdrs: the bill of a session; the CPO owns it, and it never changes."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from bridge.ocpi.locations import ConnectorFormat, ConnectorType, GeoLocation, PowerType
from bridge.ocpi.tariffs import Tariff
from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import (
    CiString2,
    CiString3,
    CiString32,
    CiString36,
    CiString39,
    CiString48,
    Int,
    Price,
    String3,
    String10,
    String20,
    String45,
    String255,
    String512,
    String5000,
)

NOT_APPLICABLE: Final = "#NA"
"""Stands for the EVSE and Connector that a reservation does not have yet."""


class AuthMethod(enum.StrEnum):
    """How the driver was authorized."""

    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


class CdrDimensionType(enum.StrEnum):
    """What a volume measures: kWh, hours, A summed over phases, kW or percent."""

    CURRENT = "CURRENT"
    ENERGY = "ENERGY"
    ENERGY_EXPORT = "ENERGY_EXPORT"
    ENERGY_IMPORT = "ENERGY_IMPORT"
    MAX_CURRENT = "MAX_CURRENT"
    MIN_CURRENT = "MIN_CURRENT"
    MAX_POWER = "MAX_POWER"
    MIN_POWER = "MIN_POWER"
    PARKING_TIME = "PARKING_TIME"
    POWER = "POWER"
    RESERVATION_TIME = "RESERVATION_TIME"
    STATE_OF_CHARGE = "STATE_OF_CHARGE"
    TIME = "TIME"


SESSION_ONLY_DIMENSIONS = frozenset(
    {
        CdrDimensionType.CURRENT,
        CdrDimensionType.ENERGY_EXPORT,
        CdrDimensionType.ENERGY_IMPORT,
        CdrDimensionType.POWER,
        CdrDimensionType.STATE_OF_CHARGE,
    }
)
"""Momentary values: they stand in the periods of a Session, never in those of a CDR."""


class CdrToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The token a session ran under."""

    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36


class CdrDimension(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured volume of a period."""

    type: CdrDimensionType
    volume: Decimal


class ChargingPeriod(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of a session under one set of prices; it ends where the next one starts.

    The standard wants a dimension at least; one without any is a stretch of nothing.
    """

    start_date_time: datetime
    dimensions: tuple[CdrDimension, ...]
    tariff_id: CiString36 | None = None


class CdrLocation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it was, as it was at the session's start.

    ``evse_uid``, ``evse_id`` and ``connector_id`` are ``#NA`` for a reservation without EVSE.
    The standard wants coordinates and the three connector fields too; some CPOs leave them blank,
    and nothing is billed by them (Q42). Those that leave an id out get the ``#NA``.
    """

    id: CiString36
    name: String255 | None = None
    address: String45
    city: String45
    postal_code: String10 | None = None
    state: String20 | None = None
    country: String3
    coordinates: GeoLocation | None = None
    evse_uid: CiString36
    evse_id: CiString48
    connector_id: CiString36
    connector_standard: ConnectorType | None = None
    connector_format: ConnectorFormat | None = None
    connector_power_type: PowerType | None = None


class SignedValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A meter value, plain and signed; ``nature`` is Start, End, Intermediate and the like."""

    nature: CiString32
    plain_data: String5000
    signed_data: String5000


class SignedData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Signed meter values and what is needed to verify them."""

    encoding_method: CiString36
    encoding_method_version: Int | None = None
    public_key: String512 | None = None
    signed_values: Annotated[tuple[SignedValue, ...], Meta(min_length=1)]
    url: String512 | None = None


class CDR(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A charge detail record. Energy is kWh, times are hours, costs are in ``currency``.

    A credit CDR has ``credit``, the id of the CDR it takes back, and negative costs; only its
    own ``id`` may be longer than 36. The standard wants a period at least; some CPOs send none
    (Q42).
    """

    country_code: CiString2
    party_id: CiString3
    id: CiString39
    start_date_time: datetime
    end_date_time: datetime
    session_id: CiString36 | None = None
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: CiString36 | None = None
    cdr_location: CdrLocation
    meter_id: String255 | None = None
    currency: String3
    tariffs: tuple[Tariff, ...] = ()
    charging_periods: tuple[ChargingPeriod, ...]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Decimal
    total_energy_cost: Price | None = None
    total_time: Decimal
    total_time_cost: Price | None = None
    total_parking_time: Decimal | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: String255 | None = None
    invoice_reference_id: CiString39 | None = None
    credit: bool | None = None
    credit_reference_id: CiString39 | None = None
    home_charging_compensation: bool | None = None
    last_updated: datetime

    def __post_init__(self) -> None:
        if self.credit and not self.credit_reference_id:
            raise ValueError("credit_reference_id is required in a credit CDR")
        if not self.credit and len(self.id) > 36:
            raise ValueError("id is longer than 36 and this is no credit CDR")
        for index, period in enumerate(self.charging_periods):
            for dimension in period.dimensions:
                if dimension.type in SESSION_ONLY_DIMENSIONS:
                    raise ValueError(
                        f"charging_periods[{index}] has {dimension.type}, which is for Sessions"
                    )
