"""Surcharges stand in the items they are for, also after the terms have changed."""

from __future__ import annotations

from decimal import Decimal

from bridge.orders.terms import Surcharge, Where
from tests.unit.catalog.world import World, location, tariff

SURGE = Surcharge(id="surge", share=Decimal("0.2"))
PLACE = Surcharge(id="place", per_kwh=Decimal(2), where=Where(locations=("L2",)))


def shown(world: World) -> dict[str, list[str]]:
    """Return the surcharges of the items that have any, by Location."""
    found = world.items()
    assert {item["location"] for item in found} == {"L1", "L2"}
    return {item["location"]: item["surcharges"] for item in found if "surcharges" in item}


def test_they_stand_where_they_are_for() -> None:
    world = World().put(tariff(), location("L1"), location("L2"))
    world.surcharges = (SURGE, PLACE)
    assert shown(world) == {"L1": ["surge"], "L2": ["surge", "place"]}


def test_new_terms_are_shown_by_the_next_search_and_encoded_once() -> None:
    world = World().put(tariff(), location("L1"), location("L2")).prepared()
    assert shown(world) == {}
    world.surcharges = (PLACE,)
    world.dialect.encoded.clear()
    assert shown(world) == {"L2": ["place"]}
    assert shown(world) == {"L2": ["place"]}
    assert len(world.dialect.encoded) == 2
    world.surcharges = ()
    assert shown(world) == {}
