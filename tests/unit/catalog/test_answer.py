"""Answers in several messages, none of them too large."""

from __future__ import annotations

import json

import pytest

from bridge.catalog.index import CONTEXT_RESERVE, CatalogIndex
from tests.unit.catalog.world import (
    NOW,
    OTHER_PARTY,
    PlainJson,
    World,
    connector,
    evse,
    items,
    location,
    providers,
    tariff,
)

HERE = {"latitude": 12.97, "longitude": 77.59, "radius_m": 100_000}


def filled(count: int, max_message_bytes: int) -> World:
    world = World(max_message_bytes=max_message_bytes).put(tariff())
    for number in reversed(range(count)):
        world.put(location(f"L{number:03}", at=(12.97 + number / 1000, 77.59)))
    return world


def test_what_fits_into_one_message_is_one_message() -> None:
    world = filled(20, 180_000)
    (message,) = world.messages(**HERE)
    assert len(items([message])) == 20


def test_more_is_spread_over_messages_in_order_with_nothing_lost() -> None:
    world = filled(20, 2_000)
    messages = world.messages(**HERE)
    assert 1 < len(messages) <= 5
    assert all(len(message) <= 2_000 for message in messages)
    assert [item["location"] for item in items(messages)] == [f"L{n:03}" for n in range(20)]


def test_every_message_names_the_locations_of_its_items_and_no_others() -> None:
    for message in filled(20, 2_000).messages(**HERE):
        for provider in json.loads(message)["providers"]:
            named = [one["id"] for one in provider["locations"]]
            assert named == [item["location"] for item in provider["items"]]
            assert [f"f-{one}" for one in named] == [one["id"] for one in provider["fulfillments"]]


def test_the_farthest_are_left_out_when_five_messages_are_full() -> None:
    world = filled(60, 1_000)
    messages = world.messages(**HERE)
    assert len(messages) == 5
    found = [item["location"] for item in items(messages)]
    assert found == [f"L{n:03}" for n in range(len(found))]
    assert len(found) < 60


def test_a_search_encodes_no_more_than_it_tells() -> None:
    world = filled(60, 1_000)
    world.put(tariff())  # everything has to be encoded anew
    world.dialect.encoded.clear()
    told = len(items(world.messages(**HERE)))
    encoded = [what for what in world.dialect.encoded if what.startswith("item")]
    assert told <= len(encoded) <= told + 1


def test_the_number_of_messages_can_be_set() -> None:
    world = World(max_message_bytes=1_000, max_messages=2).put(tariff())
    for number in range(60):
        world.put(location(f"L{number:03}"))
    assert len(world.messages()) == 2


def test_a_location_larger_than_a_message_is_spread_over_several() -> None:
    many = [connector(str(number)) for number in range(20)]
    world = World(max_message_bytes=900).put(tariff(), location("L1", evse("E1", *many)))
    messages = world.messages()
    assert 1 < len(messages) <= 5
    assert all(len(message) <= 900 for message in messages)
    assert len(items(messages)) == 20
    assert {one["locations"][0]["id"] for one in providers(messages)} == {"L1"}


def test_a_location_that_is_larger_than_all_messages_is_cut() -> None:
    many = [connector(f"{number:03}") for number in range(100)]
    world = World(max_message_bytes=900).put(tariff(), location("L1", evse("E1", *many)))
    messages = world.messages()
    assert len(messages) == 5
    assert all(len(message) <= 900 for message in messages)
    found = [item["name"] for item in items(messages)]
    assert found == [f"#{number}" for number in range(1, len(found) + 1)]


def test_what_is_larger_than_a_message_alone_is_left_out() -> None:
    world = World(max_message_bytes=700).put(
        tariff(),
        location("L1", name="x" * 700),
        location("L2", evse("E1", connector("1")), evse("y" * 700, connector("1"))),
        location("L3"),
    )
    assert world.found() == ["L2/E1/1", "L3/E1/1"]
    assert len(world.messages()) == 1


def test_two_providers_share_a_message_and_each_is_named_once_in_it() -> None:
    world = World().put(tariff(), tariff(party=OTHER_PARTY))
    for number in range(4):
        party = {"party": OTHER_PARTY} if number % 2 else {}
        world.put(location(f"L{number}", at=(12.97 + number / 100, 77.59), **party))
    told = providers(world.messages(**HERE))
    assert [provider["id"] for provider in told] == ["abc.example", "xyz.example"]
    assert [[one["id"] for one in provider["locations"]] for provider in told] == [
        ["L0", "L2"],
        ["L1", "L3"],
    ]


def test_a_limit_without_room_for_the_context_is_refused() -> None:
    with pytest.raises(ValueError, match="max_reply_bytes"):
        CatalogIndex(
            [PlainJson()],
            max_reply_bytes=CONTEXT_RESERVE,
            default_radius_m=5000,
            clock=lambda: NOW,
        )
