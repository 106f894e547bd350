"""Items by name, and items as they are now."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from bridge.errors import ItemUnknown, ProviderUnknown
from bridge.ocpi.locations import Location, Status
from bridge.orders.item import ChargingItem
from tests.unit.catalog.world import (
    NOW,
    OTHER_PARTY,
    PARTY,
    PROVIDER,
    World,
    connector,
    energy,
    evse,
    location,
    tariff,
)


@pytest.fixture
def world() -> World:
    return World().put(
        tariff("T1", energy("25", start_time="18:00"), energy("18")),
        tariff("T1", party=OTHER_PARTY),
        location(
            "L1",
            evse("E1", connector("1"), evse_id="IN*ABC*E0001"),
            evse("E2", connector("1"), connector("2"), evse_id="IN*ABC*E0002"),
        ),
        location("L1", evse("E1"), party=OTHER_PARTY),
    )


def test_an_item_is_found_by_its_id_with_all_that_is_known_of_it(world: World) -> None:
    item = world.index.find("abc.example", "IN*ABC*L1*E2*2")
    assert (item.id, item.cpo_id, item.provider) == ("IN*ABC*L1*E2*2", "cpo1", PROVIDER)
    assert (item.number, item.power_kw, item.price_kwh) == (3, Decimal(50), Decimal(18))
    assert (item.location.id, item.evse.uid, item.connector.id) == ("L1", "E2", "2")
    assert item.tariff is not None
    assert item.tariff.id == "T1"
    assert (item.location.evses, item.evse.connectors) == ((), (item.connector,))
    assert msgspec.json.decode(msgspec.json.encode(item), type=ChargingItem) == item


def test_the_price_is_that_of_now(world: World) -> None:
    world.now = NOW + timedelta(hours=6)
    assert world.index.find("abc.example", "IN*ABC*L1*E1*1").price_kwh == Decimal(25)


def test_the_tariff_is_the_one_in_force_when_charging_starts(world: World) -> None:
    world.put(
        tariff("T1", energy("18"), end_date_time=NOW + timedelta(days=1)),
        tariff("T2", energy("20"), start_date_time=NOW + timedelta(days=1)),
        location("L2", evse("E1", connector("1", tariffs=("T1", "T2")))),
    )

    def tariff_id(at: datetime | None) -> str | None:
        found = world.index.find("abc.example", "IN*ABC*L2*E1*1", at).tariff
        return None if found is None else found.id

    assert [tariff_id(at) for at in (None, NOW + timedelta(hours=23), NOW)] == ["T1"] * 3
    assert tariff_id(NOW + timedelta(days=1)) == "T2"


def test_no_tariff_when_none_is_in_force_then(world: World) -> None:
    world.put(
        tariff("T1", energy("18"), end_date_time=NOW + timedelta(days=1)),
        location("L2", evse("E1", connector("1"))),
    )
    item = world.index.find("abc.example", "IN*ABC*L2*E1*1", NOW + timedelta(days=1))
    assert (item.tariff, item.price_kwh) == (None, None)


def test_the_price_is_that_of_the_power_of_the_connector(world: World) -> None:
    world.put(
        tariff("T1", energy("18", max_power=Decimal(50)), energy("30")),
        location("L2", evse("E1", connector("1"))),
    )
    item = world.index.find("abc.example", "IN*ABC*L2*E1*1")
    assert (item.power_kw, item.price_kwh) == (Decimal(50), Decimal(30))


def test_ids_are_compared_without_case(world: World) -> None:
    assert world.index.find("ABC.Example", "in*Abc*l1*e1*1").id == "IN*ABC*L1*E1*1"


@pytest.mark.parametrize("alias", ["IN*ABC*E0001", "in*abc*e0001", "E1", "e1"])
def test_an_alias_names_the_only_connector_of_its_evse(world: World, alias: str) -> None:
    assert world.index.find("abc.example", alias).id == "IN*ABC*L1*E1*1"


def test_an_alias_is_the_providers_own(world: World) -> None:
    assert world.index.find("xyz.example", "E1").id == "IN*XYZ*L1*E1*1"
    with pytest.raises(ItemUnknown):
        world.index.find("xyz.example", "IN*ABC*E0001")


@pytest.mark.parametrize("alias", ["IN*ABC*E0002", "E2"])
def test_an_alias_of_two_connectors_names_none(world: World, alias: str) -> None:
    with pytest.raises(ItemUnknown, match="several"):
        world.index.find("abc.example", alias)


def test_an_alias_in_two_locations_names_none(world: World) -> None:
    world.put(location("L2", evse("E1")))
    with pytest.raises(ItemUnknown, match="several"):
        world.index.find("abc.example", "E1")


def test_an_alias_names_the_only_connector_that_is_sold(world: World) -> None:
    world.put(location("L3", evse("E3", connector("1"), connector("2", tariffs=()))))
    assert world.index.find("abc.example", "E3").id == "IN*ABC*L3*E3*1"


def test_an_id_goes_before_an_alias_that_looks_like_it(world: World) -> None:
    twin = evse("E1", connector("1"), connector("2"), evse_id="IN*ABC*L4*E1*1")
    world.put(location("L4", twin))
    assert world.index.find("abc.example", "IN*ABC*L4*E1*1").connector.id == "1"


def test_a_star_inside_an_id_is_encoded(world: World) -> None:
    world.put(location("L5", evse("IN*1", connector("a%b"))))
    item = world.index.find("abc.example", "IN*ABC*L5*IN%2A1*a%25b")
    assert (item.id, item.evse.uid) == ("IN*ABC*L5*IN%2A1*a%25b", "IN*1")
    assert world.index.find("abc.example", "in*1").id == item.id


def test_every_id_that_a_search_tells_is_found(world: World) -> None:
    found = world.items(provider_id="abc.example")
    assert len(found) == 3
    for item in found:
        assert world.index.find("abc.example", item["id"]).id == item["id"]


def test_an_unknown_provider(world: World) -> None:
    with pytest.raises(ProviderUnknown):
        world.index.find("nobody.example", "IN*ABC*L1*E1*1")


@pytest.mark.parametrize(
    "item_id", ["IN*ABC*L1*E1*9", "IN*XYZ*L1*E1*1", "IN*ABC*L1", "****", "", "Spot Booking"]
)
def test_an_unknown_item(world: World, item_id: str) -> None:
    with pytest.raises(ItemUnknown):
        world.index.find("abc.example", item_id)


@pytest.mark.parametrize(
    "hidden",
    [
        location(publish=False),
        location("L1", evse(status=Status.REMOVED)),
        location("L1", evse("E1", connector(tariffs=("T9",)))),
    ],
)
def test_what_is_hidden_is_not_found(world: World, hidden: Location) -> None:
    world.index.put_location(hidden)
    for name in ("IN*ABC*L1*E1*1", "E1"):
        with pytest.raises(ItemUnknown):
            world.index.find("abc.example", name)


def test_an_ordered_item_is_looked_at_as_it_is_now(world: World) -> None:
    item = world.index.find("abc.example", "IN*ABC*L1*E1*1")
    assert world.index.current(item) == item
    world.put(location("l1", evse("e1", status=Status.CHARGING)), tariff("T1", energy("20")))
    current = world.index.current(item)
    assert current is not None
    assert (current.status, current.price_kwh) == (Status.CHARGING, Decimal(20))


def test_an_ordered_item_stays_when_it_is_not_sold_any_more(world: World) -> None:
    item = world.index.find("abc.example", "IN*ABC*L1*E1*1")
    world.index.remove_tariff(PARTY, "T1")
    world.put(location(publish=False))
    current = world.index.current(item)
    assert current is not None
    assert (current.id, current.tariff, current.price_kwh) == (item.id, None, None)


@pytest.mark.parametrize(
    "later",
    [
        location("L1", evse("E9")),
        location("L1", evse("E1", connector("9"))),
        location("L1", evse("E1", status=Status.REMOVED)),
        location("L1", evse("E1", status=Status.PLANNED)),
    ],
)
def test_an_ordered_item_that_the_cpo_took_away_is_gone(world: World, later: Location) -> None:
    item = world.index.find("abc.example", "IN*ABC*L1*E1*1")
    world.index.put_location(later)
    assert world.index.current(item) is None


def test_an_ordered_item_goes_with_its_location(world: World) -> None:
    item = world.index.find("abc.example", "IN*ABC*L1*E1*1")
    world.index.remove_location(PARTY, "L1")
    assert world.index.current(item) is None
    with pytest.raises(ItemUnknown):
        world.index.find("abc.example", item.id)
