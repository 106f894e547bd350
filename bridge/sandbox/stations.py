"""The sandbox CPO's Locations and Tariff: 18 INR/kWh and a start fee of 10 INR, no VAT."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from bridge.ocpi.headers import Party
from bridge.ocpi.locations import (
    EVSE,
    Capability,
    Connector,
    ConnectorFormat,
    ConnectorType,
    GeoLocation,
    Hours,
    Location,
    PowerType,
    Status,
)
from bridge.ocpi.tariffs import PriceComponent, Tariff, TariffDimensionType, TariffElement

TARIFF_ID = "STANDARD-18"
BUILT = datetime(2026, 1, 15, 6, 0, tzinfo=UTC)


def tariff(party: Party, kwh_price: Decimal = Decimal(18), fee: Decimal = Decimal(10)) -> Tariff:
    """Return the tariff of all connectors; one without a fee has no component for it."""
    prices = {TariffDimensionType.ENERGY: kwh_price, TariffDimensionType.FLAT: fee}
    components = tuple(
        PriceComponent(type=kind, price=price, step_size=1)
        for kind, price in prices.items()
        if price
    )
    return Tariff(
        country_code=party.country_code,
        party_id=party.party_id,
        id=TARIFF_ID,
        currency="INR",
        elements=(TariffElement(price_components=components),),
        last_updated=BUILT,
    )


DEPOT = 10
"""EVSEs of a depot, at most."""


def locations(party: Party, *, more_evses: int = 0) -> tuple[Location, ...]:
    """Return three stations in Bengaluru: fast DC, slow AC, and one further away; then depots."""
    depots = (
        _location(party, f"DEPOT{number}", f"Depot {number}", "12.97900", "77.64100", evses)
        for number, evses in enumerate(_depots(more_evses), 1)
    )
    return (
        _location(party, "INDIRANAGAR", "Indiranagar Metro Charging", "12.97838", "77.64087", 2),
        _location(party, "KORAMANGALA", "Koramangala 5th Block", "12.93458", "77.61662", 1),
        _location(party, "WHITEFIELD", "Whitefield Tech Park", "12.98455", "77.73640", 1),
        *depots,
    )


def _depots(evses: int) -> list[int]:
    """Return how many EVSEs each depot has."""
    full, rest = divmod(evses, DEPOT)
    return [DEPOT] * full + [rest] * bool(rest)


def _location(
    party: Party, location_id: str, name: str, latitude: str, longitude: str, evses: int
) -> Location:
    return Location(
        country_code=party.country_code,
        party_id=party.party_id,
        id=location_id,
        publish=True,
        name=name,
        address=f"{name}, gate 2",
        city="Bengaluru",
        postal_code="560038",
        state="Karnataka",
        country="IND",
        coordinates=GeoLocation(latitude=latitude, longitude=longitude),
        evses=tuple(_evse(party, location_id, number) for number in range(1, evses + 1)),
        time_zone="Asia/Kolkata",
        opening_times=Hours(twentyfourseven=True),
        last_updated=BUILT,
    )


def _evse(party: Party, location_id: str, number: int) -> EVSE:
    fast = Connector(
        id="1",
        standard=ConnectorType.IEC_62196_T2_COMBO,
        format=ConnectorFormat.CABLE,
        power_type=PowerType.DC,
        max_voltage=400,
        max_amperage=75,
        max_electric_power=30_000,
        tariff_ids=(TARIFF_ID,),
        last_updated=BUILT,
    )
    slow = Connector(
        id="2",
        standard=ConnectorType.IEC_62196_T2,
        format=ConnectorFormat.SOCKET,
        power_type=PowerType.AC_3_PHASE,
        max_voltage=230,
        max_amperage=32,
        max_electric_power=22_000,
        tariff_ids=(TARIFF_ID,),
        last_updated=BUILT,
    )
    return EVSE(
        uid=f"{location_id}-{number}",
        evse_id=f"{party.country_code}*{party.party_id}*E{location_id}*{number}",
        status=Status.AVAILABLE,
        capabilities=(
            Capability.REMOTE_START_STOP_CAPABLE,
            Capability.RESERVABLE,
            Capability.CHARGING_PREFERENCES_CAPABLE,
        ),
        connectors=(fast, slow) if number == 1 else (fast,),
        physical_reference=f"Pillar {number}",
        last_updated=BUILT,
    )
