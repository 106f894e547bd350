"""The filters of a search, each alone and some together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest

from bridge.ocpi.locations import (
    ConnectorType,
    EnergyMix,
    Hours,
    Location,
    PowerType,
    RegularHours,
)
from bridge.ocpi.types import BusinessDetails
from tests.unit.catalog.world import (
    NOW,
    OTHER_PARTY,
    World,
    connector,
    evse,
    location,
    providers,
    tariff,
)

HOUR = timedelta(hours=1)
GREEN = EnergyMix(is_green_energy=True)
GREY = EnergyMix(is_green_energy=False)


@pytest.fixture
def world() -> World:
    """Three stations north of each other: 0, 2.2 and 11 km from (12.97, 77.59)."""
    return World().put(
        tariff("T1"),
        tariff("T1", party=OTHER_PARTY),
        location(
            "NEAR",
            evse("E1", connector("1"), evse_id="IN*ABC*E0001"),
            evse(
                "E2",
                connector(
                    "1",
                    standard=ConnectorType.IEC_62196_T2,
                    power_type=PowerType.AC_3_PHASE,
                    max_electric_power=22_000,
                ),
            ),
            name="Blue Station",
            operator=BusinessDetails(name="Operating Company"),
        ),
        location("MIDDLE", name="Green Station", party=OTHER_PARTY, at=(12.99, 77.59)),
        location("FAR", name="Red Station", at=(13.07, 77.59)),
    )


ALL = ["FAR/E1/1", "NEAR/E1/1", "NEAR/E2/1", "MIDDLE/E1/1"]


def test_without_a_filter_everything_is_found_in_the_order_of_the_ids(world: World) -> None:
    assert world.found() == ALL


@pytest.mark.parametrize(
    ("radius_m", "expected"),
    [
        (1_000, ["NEAR/E1/1", "NEAR/E2/1"]),
        (3_000, ["NEAR/E1/1", "NEAR/E2/1", "MIDDLE/E1/1"]),
        (None, ["NEAR/E1/1", "NEAR/E2/1", "MIDDLE/E1/1"]),
        (20_000, ["NEAR/E1/1", "NEAR/E2/1", "FAR/E1/1", "MIDDLE/E1/1"]),
        (inf, ["NEAR/E1/1", "NEAR/E2/1", "FAR/E1/1", "MIDDLE/E1/1"]),
        (-1, []),
    ],
)
def test_a_circle_finds_the_nearest_first(
    world: World, radius_m: float | None, expected: list[str]
) -> None:
    # MIDDLE is of another provider: a message names each provider once, the nearest first.
    assert world.found(latitude=12.97, longitude=77.59, radius_m=radius_m) == expected


def test_nearest_first_holds_whichever_station_is_nearest(world: World) -> None:
    circle = {"latitude": 13.07, "longitude": 77.59, "radius_m": 20_000}
    assert world.found(**circle) == ["FAR/E1/1", "NEAR/E1/1", "NEAR/E2/1", "MIDDLE/E1/1"]
    assert world.found(**circle | {"latitude": 12.99}) == [
        "MIDDLE/E1/1",
        "NEAR/E1/1",
        "NEAR/E2/1",
        "FAR/E1/1",
    ]


@pytest.mark.parametrize(("latitude", "longitude"), [(91.0, 0.0), (nan, 77.59), (12.97, inf)])
def test_a_circle_that_is_nowhere_finds_nothing(
    world: World, latitude: float, longitude: float
) -> None:
    assert world.found(latitude=latitude, longitude=longitude, radius_m=inf) == []


def test_half_a_centre_is_no_circle(world: World) -> None:
    assert world.found(latitude=91.0, radius_m=1) == ALL


def test_a_location_without_a_place_on_earth_is_found_only_without_a_circle(world: World) -> None:
    world.put(location("NOWHERE"), location("NOWHERE", at=(99.0, 77.59)))
    assert "NOWHERE/E1/1" in world.found()
    circle = {"latitude": 12.97, "longitude": 77.59, "radius_m": inf}
    assert "NOWHERE/E1/1" not in world.found(**circle)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"connectors": (ConnectorType.IEC_62196_T2,)}, ["NEAR/E2/1"]),
        ({"connectors": (ConnectorType.IEC_62196_T2, ConnectorType.IEC_62196_T2_COMBO)}, ALL),
        ({"connectors": (ConnectorType.CHADEMO,)}, []),
        ({"connectors": ()}, []),
        ({"power_types": (PowerType.AC_1_PHASE, PowerType.AC_3_PHASE)}, ["NEAR/E2/1"]),
        ({"power_types": ()}, []),
        ({"min_power_kw": Decimal("22")}, ALL),
        ({"min_power_kw": Decimal("22.001")}, [one for one in ALL if one != "NEAR/E2/1"]),
        ({"min_power_kw": Decimal("50.001")}, []),
        ({"provider_id": "XYZ.example"}, ["MIDDLE/E1/1"]),
        ({"provider_id": "xyz"}, []),
        ({"provider_name": "xyz  power"}, ["MIDDLE/E1/1"]),
        ({"provider_name": "Power"}, ["MIDDLE/E1/1"]),
        ({"provider_name": "Nobody"}, []),
        ({"location_id": "far"}, ["FAR/E1/1"]),
        ({"location_id": "FA"}, []),
        ({"item_id": "in*abc*near*E2*1"}, ["NEAR/E2/1"]),
        ({"item_id": "IN*ABC*E0001"}, ["NEAR/E1/1"]),
        ({"item_id": "E2"}, ["NEAR/E2/1"]),
        ({"item_id": "IN*ABC*NEAR*E2*2"}, []),
        ({"charging": False}, []),
        ({"category": "green-tariff"}, []),
        ({"category": ""}, ALL),
        ({"category": "groceries"}, []),
    ],
)
def test_a_filter_alone(world: World, filters: dict[str, Any], expected: list[str]) -> None:
    assert world.found(**filters) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blue station", ["NEAR/E1/1", "NEAR/E2/1"]),
        ("  BLUE  ", ["NEAR/E1/1", "NEAR/E2/1"]),
        ("operating comp", ["NEAR/E1/1", "NEAR/E2/1"]),
        ("Xyz", ["MIDDLE/E1/1"]),
        ("station", ALL),
        ("EV charger", ALL),
        ("", ALL),
        ("   ", ALL),
    ],
)
def test_free_text_filters_when_it_is_part_of_a_name_and_is_noise_otherwise(
    world: World, text: str, expected: list[str]
) -> None:
    assert world.found(text=text) == expected


def test_a_name_of_a_station_elsewhere_still_filters(world: World) -> None:
    assert world.found(text="red", latitude=12.97, longitude=77.59, radius_m=1_000) == []


def test_a_name_that_is_hidden_is_noise(world: World) -> None:
    world.put(location("SECRET", name="Depot", publish=False))
    assert world.found(text="depot") == ALL


def test_filters_hold_together(world: World) -> None:
    circle = {"latitude": 12.97, "longitude": 77.59, "radius_m": 3_000}
    assert world.found(**circle, connectors=(ConnectorType.IEC_62196_T2_COMBO,)) == [
        "NEAR/E1/1",
        "MIDDLE/E1/1",
    ]
    assert world.found(**circle, item_id="E1", provider_id="abc.example") == ["NEAR/E1/1"]
    assert world.found(**circle, location_id="far") == []
    assert world.found(item_id="E1", location_id="middle") == ["MIDDLE/E1/1"]


def test_what_does_not_fit_of_a_location_is_left_out_with_its_number_kept(world: World) -> None:
    messages = world.messages(connectors=(ConnectorType.IEC_62196_T2,))
    (provider,) = providers(messages)
    assert [one["id"] for one in provider["locations"]] == ["NEAR"]
    assert [one["id"] for one in provider["fulfillments"]] == ["f-NEAR"]
    assert [one["name"] for one in provider["items"]] == ["#2"]


@pytest.mark.parametrize(
    ("of_location", "of_tariff", "found"),
    [
        (GREEN, None, True),
        (None, GREEN, True),
        (GREY, GREEN, True),
        (GREEN, GREY, True),
        (GREY, GREY, False),
        (None, None, False),
    ],
)
@pytest.mark.parametrize("category", ["green-tariff", "Green-Tariff"])
def test_a_green_tariff_is_green_by_location_or_tariff(
    of_location: EnergyMix | None, of_tariff: EnergyMix | None, found: bool, category: str
) -> None:
    world = World().put(tariff(energy_mix=of_tariff), location(energy_mix=of_location))
    assert world.found(category=category) == (["L1/E1/1"] if found else [])


@pytest.mark.parametrize(
    "filters",
    [{"category": "loyalty-program"}, {"text": "loyalty programs"}, {"text": "Loyalty"}],
)
def test_loyalty_passes_are_none_of_ocpis(world: World, filters: dict[str, Any]) -> None:
    assert world.messages(**filters) == []


def test_a_station_may_be_called_loyalty(world: World) -> None:
    world.put(location("L9", name="Loyalty Square"))
    assert world.found(text="loyalty") == ["L9/E1/1"]


# Opening times. NOW is Wednesday noon in India.


def open_at(begin: str, end: str, *weekdays: int) -> Location:
    hours = Hours(
        twentyfourseven=False,
        regular_hours=tuple(
            RegularHours(weekday=weekday, period_begin=begin, period_end=end)
            for weekday in weekdays or range(1, 8)
        ),
    )
    return location(opening_times=hours)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (None, None, True),
        (NOW + 1 * HOUR, NOW + 2 * HOUR, False),
        (NOW + 1 * HOUR, NOW + 9 * HOUR, True),
        (NOW + 8 * HOUR, NOW + 9 * HOUR, True),
        (NOW + 8 * HOUR, None, True),
        (NOW + 10 * HOUR, None, False),
        (None, NOW + 7 * HOUR, False),
        (None, NOW + 9 * HOUR, True),
        (NOW - 48 * HOUR, NOW + 9 * HOUR, True),
        (NOW + 8 * HOUR, NOW + 1 * HOUR, True),
    ],
)
def test_a_window_meets_opening_times(
    start: datetime | None, end: datetime | None, found: bool
) -> None:
    world = World().put(tariff(), open_at("20:00", "22:00"))  # 8 to 10 hours from now
    assert world.found(window_start=start, window_end=end) == (["L1/E1/1"] if found else [])


@pytest.mark.parametrize(("begin", "found"), [("11:00", True), ("12:01", False)])
def test_a_window_in_the_past_means_now(begin: str, found: bool) -> None:
    world = World().put(tariff(), open_at(begin, "13:00"))
    yesterday = {"window_start": NOW - 24 * HOUR, "window_end": NOW - 20 * HOUR}
    assert world.found(**yesterday) == (["L1/E1/1"] if found else [])


def test_a_window_at_the_end_of_time_is_no_trouble() -> None:
    world = World().put(tariff(), open_at("08:00", "09:00"))
    never = datetime.max.replace(tzinfo=UTC)
    assert world.found(window_start=NOW, window_end=never) == ["L1/E1/1"]
    assert world.found(window_start=never, window_end=never) == ["L1/E1/1"]
