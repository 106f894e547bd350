"""OCPI 2.2.1 mod_sessions: a charging session while it runs; the CPO owns it."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal

import msgspec

from bridge.ocpi.cdrs import AuthMethod, CdrToken, ChargingPeriod
from bridge.ocpi.types import CiString2, CiString3, CiString36, Price, String3, String255
from bridge.ocpi.types import ProfileType as ProfileType


class SessionStatus(enum.StrEnum):
    """RESERVATION or PENDING, then ACTIVE, then COMPLETED; INVALID is void and not billed."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"
    PENDING = "PENDING"
    RESERVATION = "RESERVATION"


class ChargingPreferencesResponse(enum.StrEnum):
    """Answer to ChargingPreferences; it stands in ``data`` as a bare string."""

    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session.

    ``kwh`` is the total so far. ``evse_uid`` and ``connector_id`` are ``#NA`` for a reservation
    without EVSE. ``total_cost`` is what the eMSP owes; its absence does not mean free of charge.
    """

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    start_date_time: datetime
    end_date_time: datetime | None = None
    kwh: Decimal
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: CiString36 | None = None
    location_id: CiString36
    evse_uid: CiString36
    connector_id: CiString36
    meter_id: String255 | None = None
    currency: String3
    charging_periods: tuple[ChargingPeriod, ...] = ()
    total_cost: Price | None = None
    status: SessionStatus
    last_updated: datetime


class ChargingPreferences(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the driver wishes; ``energy_need`` is kWh."""

    profile_type: ProfileType
    departure_time: datetime | None = None
    energy_need: Decimal | None = None
    discharge_allowed: bool | None = None

    @property
    def may_discharge(self) -> bool:
        """Whether energy may be taken from the vehicle: no, unless it is said."""
        return self.discharge_allowed is True
