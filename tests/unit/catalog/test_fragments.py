"""Encoded once for each change, not for each search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bridge.catalog.index import CatalogIndex
from bridge.ocpi.locations import Hours, RegularHours
from bridge.orders.intents import Search
from tests.unit.catalog.world import (
    NOW,
    PARTY,
    PROVIDER,
    PlainJson,
    World,
    connector,
    energy,
    evse,
    location,
    providers,
    tariff,
)

ONE_LOCATION = ["item IN*ABC*L1*E1*1", "location L1", "fulfillment L1"]
HOUR = timedelta(hours=1)


def slots(world: World) -> list[Any]:
    (provider,) = providers(world.messages())
    return list(provider["fulfillments"][0]["slots"])


def test_a_location_is_encoded_once_for_each_change() -> None:
    world = World().put(tariff(), location()).prepared()
    assert world.dialect.encoded == ONE_LOCATION
    for _ in range(3):
        assert world.found() == ["L1/E1/1"]
    assert world.dialect.encoded == ONE_LOCATION
    world.put(location("L1", evse("E1"))).prepared()
    assert world.dialect.encoded == ONE_LOCATION * 2


def test_a_search_that_comes_first_encodes_what_it_finds() -> None:
    world = World().put(tariff(), location("L1"), location("L2", at=(28.6, 77.2)))
    assert world.dialect.encoded == []
    assert world.found(latitude=12.97, longitude=77.59) == ["L1/E1/1"]
    assert sorted(world.dialect.encoded) == sorted(ONE_LOCATION)
    world.prepared()
    assert len(world.dialect.encoded) == 2 * len(ONE_LOCATION)


def test_everything_is_prepared_at_some_time() -> None:
    world = World().put(tariff(), location("L1"), location("L2"), location("L3"))
    steps = 0
    while world.index.prepare():
        steps += 1
        assert len(world.dialect.encoded) == steps * len(ONE_LOCATION)
    assert steps == 3
    assert not world.index.prepare()


def test_what_is_gone_is_not_prepared() -> None:
    world = World().put(tariff(), location())
    world.index.remove_location(PARTY, "L1")
    assert not world.index.prepare()
    assert world.dialect.encoded == []


def test_a_party_that_is_told_again_changes_nothing() -> None:
    world = World().put(tariff(), location()).prepared()
    world.index.set_party(PARTY, "cpo1", PROVIDER)
    world.prepared()
    assert world.dialect.encoded == ONE_LOCATION


def test_what_is_not_shown_is_not_encoded() -> None:
    world = World().put(location(), location("L2", publish=False))
    assert world.found() == []
    assert world.dialect.encoded == []


def test_a_tariff_that_comes_later_encodes_once_when_it_is_first_found() -> None:
    world = World().put(location(), tariff())
    assert world.dialect.encoded == []
    assert world.found() == world.found() == ["L1/E1/1"]
    assert sorted(world.dialect.encoded) == sorted(ONE_LOCATION)


def test_a_tariff_change_encodes_the_connectors_that_refer_to_it_and_no_others() -> None:
    world = (
        World()
        .put(
            tariff("T1"),
            tariff("T2"),
            location("L1"),
            location("L2", evse("E1", connector(tariffs=("T2",)))),
        )
        .prepared()
    )
    world.dialect.encoded.clear()
    world.put(tariff("T2", energy("21"))).prepared()
    assert world.dialect.encoded == ["item IN*ABC*L2*E1*1"]
    assert [item["price"] for item in world.items()] == ["18", "21"]
    assert world.dialect.encoded == ["item IN*ABC*L2*E1*1"]


def test_a_price_by_the_clock_changes_when_the_clock_says_so() -> None:
    daily = tariff("T1", energy("25", start_time="18:00", end_time="22:00"), energy("18"))
    world = World().put(daily, location())  # it is noon
    prices = []
    for hours in (0, 5.99, 6, 9.99, 10, 13):
        world.now = NOW + hours * HOUR
        prices.append(world.items()[0]["price"])
    assert prices == ["18", "18", "25", "25", "18", "18"]
    items = [what for what in world.dialect.encoded if what.startswith("item")]
    assert len(items) == 4, "at first, at 18:00, at 22:00 and after midnight"


def test_a_clock_that_is_behind_gets_the_price_of_its_own_time() -> None:
    daily = tariff("T1", energy("25", start_time="12:00"), energy("18"))
    world = World().put(daily, location())
    assert world.items()[0]["price"] == "25"
    world.now = NOW - timedelta(seconds=1)
    assert world.items()[0]["price"] == "18"


def test_the_day_that_is_shown_is_today() -> None:
    world = World().put(tariff(), location())
    world.now = NOW - 24 * HOUR
    assert slots(world) == [["2026-03-03T00:00:00+05:30", "2026-03-03T23:59:59+05:30"]]
    world.now = NOW
    assert slots(world) == [["2026-03-04T00:00:00+05:30", "2026-03-04T23:59:59+05:30"]]
    world.dialect.encoded.clear()
    world.now = NOW + 12 * HOUR
    assert slots(world) == [["2026-03-05T00:00:00+05:30", "2026-03-05T23:59:59+05:30"]]
    assert world.dialect.encoded == ["fulfillment L1"], "the item has not changed"


def test_a_window_that_is_over_makes_room_for_the_next() -> None:
    hours = Hours(
        twentyfourseven=False,
        regular_hours=(
            RegularHours(weekday=3, period_begin="08:00", period_end="13:00"),
            RegularHours(weekday=3, period_begin="15:00", period_end="18:00"),
        ),
    )
    world = World().put(tariff(), location(opening_times=hours))
    assert len(slots(world)) == 2
    world.now = NOW + 1 * HOUR
    assert slots(world) == [["2026-03-04T15:00:00+05:30", "2026-03-04T18:00:00+05:30"]]


def test_every_dialect_has_fragments_of_its_own() -> None:
    plain, other = PlainJson("plain"), PlainJson("other")
    index = CatalogIndex(
        [plain, other], max_reply_bytes=180_000, default_radius_m=5000, clock=lambda: NOW
    )
    index.set_party(PARTY, "cpo1", PROVIDER)
    index.put_tariff(tariff())
    index.put_location(location())
    assert index.prepare()
    assert plain.encoded == other.encoded == ONE_LOCATION
    assert index.messages("other", Search(), NOW) == index.messages("plain", Search(), NOW)
    assert plain.encoded == other.encoded == ONE_LOCATION
