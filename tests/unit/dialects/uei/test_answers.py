"""The catalogue, and answers that are not about an order's substance."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bridge.catalog.fragments import ProviderPart, Window
from bridge.dialects.dialect import Dialect
from bridge.ocpi.locations import PowerType, Status
from bridge.orders.item import ChargingItem
from tests.unit.dialects.deg.given import LATER, NOW, ZONE, connector, evse, item, location, order
from tests.unit.dialects.uei.given import AGREED, dialect

URL = "https://bridge.example/session/x"


def told(sold: ChargingItem) -> dict[str, Any]:
    """Return an item as the catalogue has it."""
    found: dict[str, Any] = json.loads(dialect().item_fragment(sold, AGREED.surcharges))
    return found


def groups(sold: ChargingItem) -> dict[str, dict[str, str]]:
    """Return the values of an item's tags, by group."""
    return {
        group["descriptor"]["code"]: {
            entry["descriptor"]["code"]: entry["value"] for entry in group["list"]
        }
        for group in told(sold)["tags"]
    }


def test_the_specification_of_a_connector() -> None:
    found = groups(item())

    assert found["CONNECTOR-SPECIFICATIONS"] == {
        "CONNECTOR-ID": "1",
        "CHARGER-TYPE": "DC",
        "CONNECTOR-TYPE": "CCS2",
        "POWER-RATING": "30kW",
        "AVAILABILITY": "Available",
    }
    assert found["connector-extra"] == {
        "power-type": "DC",
        "connector-format": "CABLE",
        "charging-speed": "FAST",
    }
    assert found["surcharge-details"]["surcharge-percentage"] == "20%"


@pytest.mark.parametrize("kind", PowerType)
def test_the_kind_of_power_is_ac_or_dc(kind: PowerType) -> None:
    found = groups(item(evse=evse(connectors=(connector(power_type=kind),))))

    assert found["CONNECTOR-SPECIFICATIONS"]["CHARGER-TYPE"] == kind[:2]


@pytest.mark.parametrize(
    ("status", "word"),
    [("AVAILABLE", "Available"), ("CHARGING", "Charging"), ("OUTOFORDER", "Faulted")],
)
def test_availability(status: str, word: str) -> None:
    found = groups(item(evse=evse(status=Status(status))))

    assert found["CONNECTOR-SPECIFICATIONS"]["AVAILABILITY"] == word


@pytest.mark.parametrize(("kwh", "value"), [("18", "18.00"), ("18.125", "18.13"), (None, "0.00")])
def test_a_price_has_two_decimals_and_is_always_there(kwh: str | None, value: str) -> None:
    found = told(item(price_kwh=None if kwh is None else Decimal(kwh)))

    assert found["price"] == {"value": value, "currency": "INR/kWh"}
    assert found["descriptor"]["code"] == "ENERGY"


def test_each_window_has_a_start_and_an_end() -> None:
    window = Window(NOW.astimezone(ZONE), LATER.astimezone(ZONE))
    found = json.loads(dialect().fulfillment_fragment(location(), [window, window]))

    said = [(stop["type"], stop["time"]["timestamp"]) for stop in found["stops"]]
    one = [("START", "2026-03-04T12:00:00+05:30"), ("END", "2026-03-04T12:02:00+05:30")]
    assert said == [*one, *one]
    assert all(stop["location"]["address"] for stop in found["stops"])


def test_a_place_that_never_closes_has_both_stops_too() -> None:
    found = json.loads(dialect().fulfillment_fragment(location(), []))

    assert [(stop["type"], "time" in stop) for stop in found["stops"]] == [
        ("START", False),
        ("END", False),
    ]


def test_the_catalogue_has_a_name() -> None:
    part = ProviderPart(item().provider, [b"{}"], [b"{}"], [b"{}"])
    found = json.loads(dialect().catalog_message([part]))["catalog"]

    assert found["descriptor"] == {"name": "Example Bridge"}
    assert len(found["providers"]) == 1


def test_nothing_found_is_not_told() -> None:
    fits: Dialect = dialect()

    assert fits.render_nothing_found() is None


@pytest.mark.parametrize(
    ("profile", "words"), [("3.1", {"ACTIVE", "INACTIVE"}), ("3.0", {"active", "inactive"})]
)
def test_tracking(profile: str, words: set[str]) -> None:
    found = [
        json.loads(dialect(profile=profile).render_tracking(order(state), URL))["tracking"]
        for state in ("CONFIRMED", "CHARGING")
    ]

    assert {each["status"] for each in found} == words
    assert {each["url"] for each in found} == {URL}


@pytest.mark.parametrize(
    ("phone", "said"),
    [("+91 80-1234 5678", "+918012345678"), ("1800 1080", "18001080"), ("0800 1", None)],
)
def test_the_phone_of_a_help_desk_has_no_spaces(phone: str, said: str | None) -> None:
    found = json.loads(dialect().render_support("ref", phone, "a@b.example", None))["support"]

    assert found.get("phone") == said
