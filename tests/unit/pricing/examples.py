"""Tariffs, periods, sessions and CDRs in few words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bridge.ocpi.cdrs import (
    CDR,
    AuthMethod,
    CdrDimension,
    CdrDimensionType,
    CdrLocation,
    CdrToken,
    ChargingPeriod,
)
from bridge.ocpi.locations import ConnectorFormat, ConnectorType, GeoLocation, PowerType
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.tariffs import (
    PriceComponent,
    Tariff,
    TariffDimensionType,
    TariffElement,
    TariffRestrictions,
    TariffType,
)
from bridge.ocpi.tokens import TokenType
from bridge.ocpi.types import Price
from bridge.pricing.periods import Usage

INDIA = "Asia/Kolkata"
START = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
"""A Wednesday, noon in India."""


def component(
    type_: str, price: str, *, vat: str | None = None, step_size: int = 1
) -> PriceComponent:
    """Return a price, e.g. ``component("ENERGY", "18")``."""
    return PriceComponent(
        type=TariffDimensionType(type_),
        price=Decimal(price),
        vat=None if vat is None else Decimal(vat),
        step_size=step_size,
    )


def element(*components: PriceComponent, when: TariffRestrictions | None = None) -> TariffElement:
    """Return prices and when they apply."""
    return TariffElement(price_components=components, restrictions=when)


def tariff(
    *elements: TariffElement,
    currency: str = "INR",
    min_price: Price | None = None,
    max_price: Price | None = None,
    type_: TariffType | None = None,
    id_: str = "T1",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    last_updated: datetime = START,
) -> Tariff:
    """Return a tariff of a CPO in India."""
    return Tariff(
        country_code="IN",
        party_id="ABC",
        id=id_,
        currency=currency,
        type=type_,
        min_price=min_price,
        max_price=max_price,
        elements=elements,
        start_date_time=valid_from,
        end_date_time=valid_to,
        last_updated=last_updated,
    )


EIGHTEEN_AND_TEN = tariff(element(component("ENERGY", "18"), component("FLAT", "10")))
"""18 INR per kWh and 10 INR per session, no VAT."""


def limit(excl_vat: str, incl_vat: str | None = None) -> Price:
    """Return a min_price or max_price."""
    return Price(
        excl_vat=Decimal(excl_vat), incl_vat=None if incl_vat is None else Decimal(incl_vat)
    )


def charging(kwh: str, *, minutes: int = 60, after_min: int = 0, parked: int = 0) -> Usage:
    """Return a period ``after_min`` minutes from START, first charging and then parked."""
    start = START + timedelta(minutes=after_min)
    return Usage(
        start=start,
        end=start + timedelta(minutes=minutes + parked),
        energy_kwh=Decimal(kwh),
        charging_s=minutes * 60,
        parking_s=parked * 60,
    )


def reserved(*, minutes: int) -> Usage:
    """Return a reservation that ends at START."""
    return Usage(start=START - timedelta(minutes=minutes), end=START, reservation_s=minutes * 60)


def period(after_min: int = 0, /, **volumes: str) -> ChargingPeriod:
    """Return a ChargingPeriod, e.g. ``period(ENERGY="3.7", TIME="0.5")``."""
    return ChargingPeriod(
        start_date_time=START + timedelta(minutes=after_min),
        dimensions=tuple(
            CdrDimension(type=CdrDimensionType(name), volume=Decimal(volume))
            for name, volume in volumes.items()
        ),
    )


_TOKEN = CdrToken(
    country_code="IN", party_id="BRG", uid="U1", type=TokenType.AD_HOC_USER, contract_id="C1"
)


def cdr(
    *periods: ChargingPeriod,
    total_cost: str,
    incl_vat: str | None = None,
    total_energy: str = "0",
    total_time: str = "1",
    total_parking_time: str | None = None,
    currency: str = "INR",
) -> CDR:
    """Return a CDR of an hour."""
    return CDR(
        country_code="IN",
        party_id="ABC",
        id="CDR1",
        start_date_time=START,
        end_date_time=START + timedelta(hours=1),
        cdr_token=_TOKEN,
        auth_method=AuthMethod.COMMAND,
        cdr_location=CdrLocation(
            id="LOC1",
            address="1 Test Road",
            city="Pune",
            country="IND",
            coordinates=GeoLocation(latitude="18.52043", longitude="73.85674"),
            evse_uid="EVSE1",
            evse_id="IN*ABC*E1",
            connector_id="1",
            connector_standard=ConnectorType.IEC_62196_T2_COMBO,
            connector_format=ConnectorFormat.CABLE,
            connector_power_type=PowerType.DC,
        ),
        currency=currency,
        charging_periods=periods,
        total_cost=limit(total_cost, incl_vat),
        total_energy=Decimal(total_energy),
        total_time=Decimal(total_time),
        total_parking_time=None if total_parking_time is None else Decimal(total_parking_time),
        last_updated=START + timedelta(hours=1),
    )


def session(kwh: str, periods: Sequence[ChargingPeriod] = (), *, minutes: int = 60) -> Session:
    """Return a session that was last heard of ``minutes`` after START."""
    return Session(
        country_code="IN",
        party_id="ABC",
        id="S1",
        start_date_time=START,
        kwh=Decimal(kwh),
        cdr_token=_TOKEN,
        auth_method=AuthMethod.COMMAND,
        location_id="LOC1",
        evse_uid="EVSE1",
        connector_id="1",
        currency="INR",
        charging_periods=tuple(periods),
        status=SessionStatus.ACTIVE,
        last_updated=START + timedelta(minutes=minutes),
    )
