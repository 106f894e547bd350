"""Locations and tariffs of a large CPO, as its platform writes them: about 2.5 kB each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

COUNTRY_CODE, PARTY_ID = "IN", "BEN"
TARIFFS = 8

BUILT = datetime(2026, 1, 15, 6, 0, tzinfo=UTC)

CITIES = (
    ("Bengaluru", "Karnataka", "560001", 12.97, 77.59),
    ("Mumbai", "Maharashtra", "400001", 19.07, 72.87),
    ("Delhi", "Delhi", "110001", 28.61, 77.20),
    ("Chennai", "Tamil Nadu", "600001", 13.08, 80.27),
    ("Hyderabad", "Telangana", "500001", 17.38, 78.48),
    ("Pune", "Maharashtra", "411001", 18.52, 73.85),
    ("Kolkata", "West Bengal", "700001", 22.57, 88.36),
    ("Jaipur", "Rajasthan", "302001", 26.91, 75.78),
)
"""Name, state, postal code, and where its stations begin."""

STATUSES = ("AVAILABLE", "CHARGING")
"""What an EVSE turns to and fro between."""

FAST: Json = {
    "standard": "IEC_62196_T2_COMBO",
    "format": "CABLE",
    "power_type": "DC",
    "max_voltage": 500,
    "max_amperage": 120,
    "max_electric_power": 60_000,
}
SLOW: Json = {
    "standard": "IEC_62196_T2",
    "format": "SOCKET",
    "power_type": "AC_3_PHASE",
    "max_voltage": 230,
    "max_amperage": 32,
    "max_electric_power": 22_000,
}


def location(number: int, changes: int = 0) -> Json:
    """Make Location ``number``, two EVSEs with three connectors, after so many changes."""
    city, state, postal_code, latitude, longitude = CITIES[number % len(CITIES)]
    row, column = divmod(number // len(CITIES), 40)
    last_updated = built(number) + timedelta(days=30 * changes)
    return {
        "country_code": COUNTRY_CODE,
        "party_id": PARTY_ID,
        "id": f"LOC-{number:06}",
        "publish": True,
        "name": f"{city} Charging Hub {number}",
        "address": f"{number % 400 + 1} Mahatma Gandhi Road, Sector {number % 90}",
        "city": city,
        "postal_code": postal_code,
        "state": state,
        "country": "IND",
        "coordinates": {
            "latitude": f"{latitude + row * 0.008:.6f}",
            "longitude": f"{longitude + column * 0.008:.6f}",
        },
        "parking_type": "PARKING_LOT" if number % 2 else "ON_STREET",
        "evses": [
            evse(number, 1, STATUSES[changes % 2], [FAST, SLOW], last_updated),
            evse(number, 2, "AVAILABLE", [FAST], built(number)),
        ],
        "directions": [
            {"language": "en", "text": "Behind the main entrance, turn left at the second gate."}
        ],
        "operator": {
            "name": "Benchmark Charging India",
            "website": "https://charging.example/in",
            "logo": image("logo", "OPERATOR"),
        },
        "facilities": ["CAFE", "WIFI", "PARKING_LOT"],
        "time_zone": "Asia/Kolkata",
        "opening_times": opening_times(number),
        "charging_when_closed": False,
        "images": [image(f"station-{number}", "LOCATION")],
        "energy_mix": {
            "is_green_energy": number % 3 == 0,
            "energy_sources": [
                {"source": "SOLAR", "percentage": 62.5},
                {"source": "GENERAL_FOSSIL", "percentage": 37.5},
            ],
            "supplier_name": "State Grid Supply",
        },
        "last_updated": text(last_updated),
    }


def evse(number: int, which: int, status: str, plugs: list[Json], last_updated: datetime) -> Json:
    """Make an EVSE of Location ``number``."""
    name = f"{COUNTRY_CODE}*{PARTY_ID}*E{number:06}*{which}"
    return {
        "uid": f"LOC-{number:06}-{which}",
        "evse_id": name,
        "status": status,
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER", "UNLOCK_CAPABLE"],
        "connectors": [
            {
                "id": str(place),
                **plug,
                "tariff_ids": [f"TARIFF-{(number + place) % TARIFFS}"],
                "last_updated": text(built(number)),
            }
            for place, plug in enumerate(plugs, start=1)
        ],
        "floor_level": "-1",
        "physical_reference": f"Bay {which}",
        "images": [image(f"charger-{number}-{which}", "CHARGER")],
        "last_updated": text(last_updated),
    }


def opening_times(number: int) -> Json:
    """Open around the clock at two of three places, else at hours of their own."""
    if number % 3:
        return {"twentyfourseven": True}
    return {
        "twentyfourseven": False,
        "regular_hours": [
            {"weekday": day, "period_begin": "06:00", "period_end": "23:00"} for day in range(1, 8)
        ],
    }


def image(name: str, category: str) -> Json:
    """Make an Image."""
    return {
        "url": f"https://images.charging.example/in/{name}.jpeg",
        "thumbnail": f"https://images.charging.example/in/{name}-small.jpeg",
        "category": category,
        "type": "jpeg",
        "width": 1600,
        "height": 900,
    }


def tariff(number: int) -> Json:
    """Make tariff ``number``: energy and a start fee."""
    components = [
        {"type": "ENERGY", "price": 14 + number, "vat": 18, "step_size": 1},
        {"type": "FLAT", "price": 10, "vat": 18, "step_size": 1},
    ]
    return {
        "country_code": COUNTRY_CODE,
        "party_id": PARTY_ID,
        "id": f"TARIFF-{number}",
        "currency": "INR",
        "elements": [{"price_components": components}],
        "last_updated": text(BUILT),
    }


def built(number: int) -> datetime:
    """Return when a Location was last changed; no two in a row at the same time."""
    return BUILT + timedelta(minutes=number)


def text(moment: datetime) -> str:
    """Write a DateTime."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
