"""What is booked is not on offer: neither in the windows shown nor in those asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bridge.orders.item import ItemKey
from bridge.orders.slot import Slot
from tests.unit.catalog.world import NOW, PARTY, World, connector, evse, location, providers, tariff

HOUR = timedelta(hours=1)
MIDNIGHT = NOW - 12 * HOUR
BEFORE_MIDNIGHT = "23:59:59"


def slot(start: datetime, end: datetime, evse_uid: str = "E1", connector_id: str = "1") -> Slot:
    """Make a firm slot at Location ``L1``."""
    item = ItemKey(PARTY.country_code, PARTY.party_id, "L1", evse_uid, connector_id)
    return Slot(order_key="bap|t", item=item.folded(), start=start, end=end, until=end, firm=True)


def book(world: World, *slots: Slot) -> World:
    world.index.set_booked(PARTY, "L1", slots)
    return world


def shown(world: World, **filters: Any) -> list[str]:
    """Return the windows that a search shows of the only Location, by the clock on the wall."""
    (fulfillment,) = _fulfillments(world, **filters)
    return [f"{start[11:19]}-{end[11:19]}" for start, end in fulfillment["slots"]]


def _fulfillments(world: World, **filters: Any) -> list[dict[str, Any]]:
    found = providers(world.messages(**filters))
    return [each for provider in found for each in provider["fulfillments"]]


def test_a_booked_hour_is_left_out() -> None:
    world = book(World().put(tariff(), location()), slot(NOW + 2 * HOUR, NOW + 3 * HOUR))
    assert shown(world) == ["00:00:00-14:00:00", f"15:00:00-{BEFORE_MIDNIGHT}"]


def test_as_long_as_one_evse_is_free_the_location_is() -> None:
    place = location("L1", evse("E1", connector("1"), connector("2")), evse("E2"))
    world = World().put(tariff(), place)
    afternoon = (NOW + 2 * HOUR, NOW + 4 * HOUR)
    book(world, slot(*afternoon, "E1", "2"))
    assert shown(world) == [f"00:00:00-{BEFORE_MIDNIGHT}"]
    book(
        world,
        slot(*afternoon, "E1", "2"),
        slot(NOW + 3 * HOUR, NOW + 5 * HOUR, "e2"),
    )
    assert shown(world) == ["00:00:00-15:00:00", f"16:00:00-{BEFORE_MIDNIGHT}"]


def test_what_is_let_go_is_free_again() -> None:
    world = book(World().put(tariff(), location()), slot(NOW + 2 * HOUR, NOW + 3 * HOUR))
    assert len(shown(world)) == 2
    assert shown(book(world)) == [f"00:00:00-{BEFORE_MIDNIGHT}"]


def test_a_location_that_comes_again_is_as_booked_as_before() -> None:
    world = book(World().put(tariff()), slot(NOW + 2 * HOUR, NOW + 3 * HOUR))
    world.put(location())
    assert len(shown(world)) == 2
    world.put(location())
    assert len(shown(world)) == 2


def test_bookings_are_encoded_ahead_of_searches() -> None:
    world = World().put(tariff(), location()).prepared()
    book(world, slot(NOW + 2 * HOUR, NOW + 3 * HOUR)).prepared()
    world.dialect.encoded.clear()
    assert len(shown(world)) == 2
    assert world.dialect.encoded == []


def test_a_day_that_is_booked_out_makes_room_for_the_next() -> None:
    world = book(World().put(tariff(), location()), slot(MIDNIGHT, MIDNIGHT + 26 * HOUR))
    assert shown(world) == [f"02:00:00-{BEFORE_MIDNIGHT}"]


def test_a_search_for_a_time_that_is_booked_does_not_find_it() -> None:
    world = book(World().put(tariff(), location()), slot(NOW + 2 * HOUR, NOW + 4 * HOUR))
    booked = {"window_start": NOW + 2 * HOUR, "window_end": NOW + 4 * HOUR}
    assert world.found(**booked) == []
    assert world.found(**booked | {"window_end": NOW + 5 * HOUR}) == ["L1/E1/1"]
    assert world.found(**booked | {"window_start": NOW + HOUR}) == ["L1/E1/1"]
    assert world.found() == ["L1/E1/1"]


def test_a_search_for_another_day_is_shown_that_day() -> None:
    world = World().put(tariff(), location())
    book(world, slot(NOW + 2 * HOUR, NOW + 3 * HOUR), slot(NOW + 26 * HOUR, NOW + 28 * HOUR))
    tomorrow = {"window_start": NOW + 20 * HOUR, "window_end": NOW + 30 * HOUR}
    assert shown(world, **tomorrow) == ["00:00:00-14:00:00", f"16:00:00-{BEFORE_MIDNIGHT}"]
    world.dialect.encoded.clear()
    assert len(shown(world, **tomorrow | {"window_start": NOW + 21 * HOUR})) == 2
    assert world.dialect.encoded == [], "it was encoded for the search before"
    today = {"window_start": NOW + HOUR, "window_end": NOW + 3 * HOUR}
    assert shown(world, **today) == ["00:00:00-14:00:00", f"15:00:00-{BEFORE_MIDNIGHT}"]
