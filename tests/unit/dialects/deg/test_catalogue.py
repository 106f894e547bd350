"""The catalogue: fragments and their joining."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bridge.catalog.fragments import ProviderPart, Window
from bridge.ocpi.locations import ConnectorType, EnergyMix, PowerType, Status
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.orders.item import Provider
from bridge.orders.terms import Surcharge
from tests.unit.dialects.deg.given import (
    ZONE,
    connector,
    dialect,
    evse,
    item,
    location,
    tariff,
)


def tags(fragment: bytes) -> dict[str, str]:
    """Return the connector's specification of an item."""
    (group,) = json.loads(fragment)["tags"]
    assert group["descriptor"] == {
        "code": "connector-specifications",
        "name": "Connector Specifications",
    }
    return {entry["descriptor"]["code"]: entry["value"] for entry in group["list"]}


def shown(**changes: Any) -> dict[str, Any]:
    """Return the item fragment of a changed item."""
    found: dict[str, Any] = json.loads(dialect().item_fragment(item(**changes)))
    return found


def test_a_surcharge_is_explained_before_anybody_pays_it() -> None:
    evenings = TariffRestrictions(
        start_time="18:00",
        end_time="21:00",
        day_of_week=(DayOfWeek.MONDAY, DayOfWeek.FRIDAY),
    )
    congestion = Surcharge(id="c", title="Congestion fee", per_kwh=Decimal(1), when=evenings)
    airport = Surcharge(id="a", share=Decimal("0.2"))

    fragment = json.loads(dialect().item_fragment(item(), (congestion, airport)))

    _, first, second = fragment["tags"]
    assert first["descriptor"] == {"code": "surcharge-details", "name": "Surcharge Details"}
    assert {entry["descriptor"]["code"]: entry["value"] for entry in first["list"]} == {
        "surcharge-reason": "Congestion fee",
        "surcharge-per-kwh": "1.00 INR/kWh",
        "surcharge-days": "MONDAY,FRIDAY",
        "surcharge-hours": "18:00-21:00",
    }
    assert [(entry["descriptor"]["code"], entry["value"]) for entry in second["list"]] == [
        ("surcharge-percentage", "20%")
    ]


def test_a_location() -> None:
    assert json.loads(dialect().location_fragment(location())) == {
        "id": "PUNE-7",
        "descriptor": {"name": "Sun Charge Deccan"},
        "gps": "18.516726,73.841240",
        "address": "12 Deccan Road, Pune, 411004",
        "city": {"name": "Pune"},
        "state": {"name": "Maharashtra"},
        "country": {"code": "IND"},
        "area_code": "411004",
    }


def test_a_location_without_a_name_is_called_by_its_address() -> None:
    fragment = json.loads(dialect().location_fragment(location(name=None, state=None)))

    assert fragment["descriptor"] == {"name": "12 Deccan Road"}
    assert "state" not in fragment


def test_a_connector() -> None:
    fragment = dialect().item_fragment(item())

    assert tags(fragment) == {
        "connector-id": "1",
        "power-type": "DC",
        "connector-type": "CCS2",
        "connector-format": "CABLE",
        "charging-speed": "FAST",
        "power-rating": "30kW",
        "status": "Available",
    }
    rest = json.loads(fragment)
    del rest["tags"]
    assert rest == {
        "id": "IN*SUN*PUNE-7*E1*1",
        "descriptor": {"name": "EV Charger #4 (30 kW CCS2)", "code": "CHARGER"},
        "price": {"value": "18.00", "currency": "INR/kWh"},
        "fulfillment_ids": [dialect().fulfillment_id(location())],
        "location_ids": ["PUNE-7"],
    }


def test_a_slow_connector_in_use() -> None:
    plug = connector(standard=ConnectorType.IEC_62196_T2, power_type=PowerType.AC_3_PHASE)
    busy = evse(status=Status.CHARGING, connectors=(plug,), physical_reference="B7")
    fragment = dialect().item_fragment(item(evse=busy, power_kw=Decimal("7.36")))

    found = tags(fragment)
    assert found["connector-type"] == "Type 2"
    assert found["charging-speed"] == "SLOW"
    assert found["power-rating"] == "7.36kW"
    assert found["status"] == "In Use"
    assert json.loads(fragment)["descriptor"]["name"] == "B7 (7.36 kW Type 2)"


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_word(status: Status) -> None:
    assert tags(dialect().item_fragment(item(evse=evse(status=status))))["status"] in {
        "Available",
        "In Use",
        "Maintenance",
    }


def test_a_unit_price_is_not_rounded() -> None:
    assert shown(price_kwh=Decimal("18.125"))["price"]["value"] == "18.125"


def test_an_item_without_energy_price_shows_none() -> None:
    assert "price" not in shown(price_kwh=None)
    assert "price" not in shown(tariff=None)


def test_green_items_are_in_their_category() -> None:
    green = EnergyMix(is_green_energy=True)
    gray = EnergyMix(is_green_energy=False)

    assert "category_ids" not in shown(location=location(energy_mix=gray))
    assert shown(location=location(energy_mix=green))["category_ids"] == ["green-tariff"]
    priced = tariff()
    assert "category_ids" not in shown(tariff=priced)


def test_a_fulfillment_has_a_stop_for_each_window() -> None:
    windows = [
        Window(datetime(2026, 3, 4, 12, tzinfo=ZONE), datetime(2026, 3, 4, 22, tzinfo=ZONE)),
        Window(datetime(2026, 3, 5, 8, tzinfo=ZONE), datetime(2026, 3, 5, 22, tzinfo=ZONE)),
    ]
    fragment = json.loads(dialect().fulfillment_fragment(location(), windows))

    assert fragment["type"] == "CHARGING"
    assert [stop["time"]["range"] for stop in fragment["stops"]] == [
        {"start": "2026-03-04T12:00:00+05:30", "end": "2026-03-04T22:00:00+05:30"},
        {"start": "2026-03-05T08:00:00+05:30", "end": "2026-03-05T22:00:00+05:30"},
    ]
    assert {stop["location"]["gps"] for stop in fragment["stops"]} == {"18.516726,73.841240"}


def test_a_fulfillment_without_windows_still_names_the_place() -> None:
    (stop,) = json.loads(dialect().fulfillment_fragment(location(), []))["stops"]

    assert stop == {
        "location": {"gps": "18.516726,73.841240", "address": "12 Deccan Road, Pune, 411004"}
    }


def test_fulfillment_ids_are_stable_and_different() -> None:
    one = dialect().fulfillment_id(location())

    assert uuid.UUID(one)
    assert dialect().fulfillment_id(location(id="pune-7")) == one
    assert dialect().fulfillment_id(location(id="PUNE-8")) != one
    assert dialect().fulfillment_id(location(party_id="XYZ")) != one


def test_a_message_joins_fragments_as_they_are() -> None:
    parts = [
        ProviderPart(
            Provider(id="a.example", name="A", short_desc="a", image_url="no url"),
            [b'{"l": 1}'],
            [b'{"f": 1}'],
            [b'{"i": 1}', b'{"i":2}'],
        ),
        ProviderPart(Provider(id="b.example", name="B"), [], [], []),
    ]

    message = dialect().catalog_message(parts)

    assert b'"items":[{"i": 1},{"i":2}]' in message
    first, second = json.loads(message)["catalog"]["providers"]
    assert (first["id"], first["descriptor"]) == ("a.example", {"name": "A", "short_desc": "a"})
    assert (first["locations"], first["fulfillments"]) == ([{"l": 1}], [{"f": 1}])
    assert second["items"] == []


def test_nothing_found_is_an_empty_list() -> None:
    assert json.loads(dialect().catalog_message([])) == {"catalog": {"providers": []}}


def test_the_size_of_a_provider_does_not_depend_on_its_items() -> None:
    provider = Provider(id="a.example", name="A")
    green = dialect().item_fragment(
        item(location=location(energy_mix=EnergyMix(is_green_energy=True)))
    )

    bare = len(dialect().catalog_message([ProviderPart(provider, [], [], [b""])]))
    full = len(dialect().catalog_message([ProviderPart(provider, [], [], [green])]))

    assert full == bare + len(green)
