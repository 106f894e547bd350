"""OCPI 2.2.1 mod_tariffs: what charging costs; the CPO owns these objects."""

from __future__ import annotations

import enum
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from bridge.ocpi.locations import EnergyMix
from bridge.ocpi.types import (
    URL,
    CiString2,
    CiString3,
    CiString36,
    DisplayText,
    Int,
    LocalDate,
    LocalTime,
    Price,
    String3,
)


class TariffType(enum.StrEnum):
    """Which sessions a tariff is for; AD_HOC_PAYMENT is for payment at the charger."""

    AD_HOC_PAYMENT = "AD_HOC_PAYMENT"
    PROFILE_CHEAP = "PROFILE_CHEAP"
    PROFILE_FAST = "PROFILE_FAST"
    PROFILE_GREEN = "PROFILE_GREEN"
    REGULAR = "REGULAR"


class TariffDimensionType(enum.StrEnum):
    """What is priced: per kWh, once, or per hour."""

    ENERGY = "ENERGY"
    FLAT = "FLAT"
    PARKING_TIME = "PARKING_TIME"
    TIME = "TIME"


class DayOfWeek(enum.StrEnum):
    """A weekday in the time zone of the Location."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class ReservationRestrictionType(enum.StrEnum):
    """The element prices a reservation that was used, or one that expired."""

    RESERVATION = "RESERVATION"
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"


class PriceComponent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A price without VAT per kWh, per hour or once.

    ``vat`` is percent, absent when VAT does not apply. ``step_size`` is Wh or seconds.
    """

    type: TariffDimensionType
    price: Decimal
    vat: Decimal | None = None
    step_size: Int


class TariffRestrictions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When an element applies; all that is given must hold.

    ``min_*`` and starts are inclusive, ``max_*`` and ends exclusive. Times are local to the
    Location. Units: kWh, A (sum of the phases), kW, seconds since the session's start.
    """

    start_time: LocalTime | None = None
    end_time: LocalTime | None = None
    start_date: LocalDate | None = None
    end_date: LocalDate | None = None
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_current: Decimal | None = None
    max_current: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: Int | None = None
    max_duration: Int | None = None
    day_of_week: tuple[DayOfWeek, ...] = ()
    reservation: ReservationRestrictionType | None = None


class TariffElement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices and when they apply."""

    price_components: Annotated[tuple[PriceComponent, ...], Meta(min_length=1)]
    restrictions: TariffRestrictions | None = None


class Tariff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tariff; the order of ``elements`` matters. A session costs from min_price to max_price."""

    country_code: CiString2
    party_id: CiString3
    id: CiString36
    currency: String3
    type: TariffType | None = None
    tariff_alt_text: tuple[DisplayText, ...] = ()
    tariff_alt_url: URL | None = None
    min_price: Price | None = None
    max_price: Price | None = None
    elements: Annotated[tuple[TariffElement, ...], Meta(min_length=1)]
    start_date_time: datetime | None = None
    end_date_time: datetime | None = None
    energy_mix: EnergyMix | None = None
    last_updated: datetime
