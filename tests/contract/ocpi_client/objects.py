"""Small valid OCPI objects as a CPO writes them."""

from __future__ import annotations

from typing import Any

STAMP = "2026-03-01T12:00:00Z"


def location(location_id: str, last_updated: str = STAMP, **changes: Any) -> dict[str, Any]:
    """Return a Location with one EVSE."""
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": location_id,
        "publish": True,
        "address": "1 Ring Road",
        "city": "Pune",
        "country": "IND",
        "coordinates": {"latitude": "18.52043", "longitude": "73.85674"},
        "time_zone": "Asia/Kolkata",
        "evses": [evse(f"{location_id}-1", last_updated=last_updated)],
        "last_updated": last_updated,
        **changes,
    }


def evse(uid: str, status: str = "AVAILABLE", last_updated: str = STAMP) -> dict[str, Any]:
    """Return an EVSE with one connector."""
    connector = {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "tariff_ids": ["T1"],
        "last_updated": last_updated,
    }
    return {
        "uid": uid,
        "status": status,
        "connectors": [connector],
        "last_updated": last_updated,
    }


def tariff(tariff_id: str, last_updated: str = STAMP, **changes: Any) -> dict[str, Any]:
    """Return a Tariff of one energy price."""
    price = {"type": "ENERGY", "price": 18.5, "step_size": 1}
    return {
        "country_code": "IN",
        "party_id": "ABC",
        "id": tariff_id,
        "currency": "INR",
        "elements": [{"price_components": [price]}],
        "last_updated": last_updated,
        **changes,
    }
