"""Small OCPI objects as JSON, for tests to change."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

EARLY = "2024-05-01T08:00:00Z"
LATE = "2024-05-01T09:00:00Z"


def connector(id_: str = "1", **changes: Any) -> Json:
    return {
        "id": id_,
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 230,
        "max_amperage": 32,
        "tariff_ids": ["T-1"],
        "last_updated": EARLY,
        **changes,
    }


def evse(uid: str = "E1", *connectors: Json, **changes: Any) -> Json:
    return {
        "uid": uid,
        "status": "AVAILABLE",
        "connectors": list(connectors) or [connector()],
        "last_updated": EARLY,
        **changes,
    }


def location(*evses: Json, **changes: Any) -> Json:
    return {
        "country_code": "IN",
        "party_id": "CPO",
        "id": "LOC-1",
        "publish": True,
        "name": "Station Road",
        "address": "1 Station Road",
        "city": "Pune",
        "country": "IND",
        "coordinates": {"latitude": "18.52043", "longitude": "73.85674"},
        "time_zone": "Asia/Kolkata",
        "evses": list(evses),
        "last_updated": EARLY,
        **changes,
    }


def period(start: str, **volumes: Any) -> Json:
    return {
        "start_date_time": start,
        "dimensions": [{"type": name, "volume": volume} for name, volume in volumes.items()],
    }


def session(*periods: Json, **changes: Any) -> Json:
    return {
        "country_code": "IN",
        "party_id": "CPO",
        "id": "S-1",
        "start_date_time": EARLY,
        "kwh": 1.5,
        "cdr_token": {
            "country_code": "IN",
            "party_id": "BRG",
            "uid": "T1",
            "type": "AD_HOC_USER",
            "contract_id": "IN-BRG-C1",
        },
        "auth_method": "COMMAND",
        "location_id": "LOC-1",
        "evse_uid": "E1",
        "connector_id": "1",
        "currency": "INR",
        "charging_periods": list(periods),
        "status": "ACTIVE",
        "last_updated": EARLY,
        **changes,
    }


def cdr(**changes: Any) -> Json:
    started = session()
    return {
        "country_code": "IN",
        "party_id": "CPO",
        "id": "C-1",
        "start_date_time": EARLY,
        "end_date_time": LATE,
        "cdr_token": started["cdr_token"],
        "auth_method": "COMMAND",
        "cdr_location": {
            "id": "LOC-1",
            "address": "1 Station Road",
            "city": "Pune",
            "country": "IND",
            "coordinates": {"latitude": "18.52043", "longitude": "73.85674"},
            "evse_uid": "E1",
            "evse_id": "IN*CPO*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "INR",
        "charging_periods": [period(EARLY, ENERGY=1.5)],
        "total_cost": {"excl_vat": 27.0},
        "total_energy": 1.5,
        "total_time": 1,
        "last_updated": LATE,
        **changes,
    }


def token(**changes: Any) -> Json:
    return {
        "country_code": "IN",
        "party_id": "BRG",
        "uid": "T1",
        "type": "AD_HOC_USER",
        "contract_id": "IN-BRG-C1",
        "issuer": "Example Bridge",
        "valid": True,
        "whitelist": "NEVER",
        "last_updated": EARLY,
        **changes,
    }
