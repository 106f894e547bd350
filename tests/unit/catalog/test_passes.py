"""Loyalty passes in the catalogue: alone when they are sought, else with what else is sold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.catalog.answer import Shelf, pass_messages
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.orders.item import Provider
from bridge.orders.terms import Pass
from tests.factories import loyalty_pass
from tests.unit.catalog.world import (
    OTHER_PARTY,
    PARTY,
    PROVIDER,
    PlainJson,
    World,
    location,
    providers,
    tariff,
)

SILVER = loyalty_pass(provider="abc.example")
GOLD = loyalty_pass(id="gold", name="Xyz Gold Pass", provider="xyz.example")


class Shop(World):
    """A catalogue whose terms can be changed."""

    def __init__(self, *passes: Pass, **options: Any) -> None:
        self.passes: Sequence[Pass] = passes or (SILVER, GOLD)
        super().__init__(passes=lambda: self.passes, **options)
        self.put(tariff(), location(name="Main Station"))
        self.put(tariff(party=OTHER_PARTY), location(party=OTHER_PARTY))

    def ids(self, **filters: Any) -> list[str]:
        """Return what a search finds, by provider and item."""
        found = providers(self.messages(**filters))
        return [f"{part['id']} {item['id']}" for part in found for item in part["items"]]


@pytest.mark.parametrize(
    "filters",
    [
        {"category": "loyalty-program"},
        {"category": "loyalty-program", "charging": False},
        {"text": "loyalty programs"},
        {"text": "Pass"},
    ],
)
def test_passes_alone(filters: dict[str, Any]) -> None:
    assert Shop().ids(**filters) == ["abc.example silver", "xyz.example gold"]


@pytest.mark.parametrize(
    "filters",
    [
        {"text": "silver PASS"},
        {"item_id": "silver"},
        {"category": "loyalty-program", "provider_id": "ABC.example"},
        {"text": "loyalty", "provider_id": "abc.example"},
        {"category": "loyalty-program", "text": "City Silver"},
    ],
)
def test_one_pass(filters: dict[str, Any]) -> None:
    assert Shop().ids(**filters) == ["abc.example silver"]


def test_passes_alone_have_no_locations() -> None:
    (part, _) = providers(Shop().messages(category="loyalty-program"))
    assert part["locations"] == []
    assert [each["id"] for each in part["fulfillments"]] == ["p-abc.example"]


def test_passes_go_with_what_their_provider_sells() -> None:
    ids = Shop().ids(provider_id="abc.example")
    assert ids == ["abc.example IN*ABC*L1*E1*1", "abc.example silver"]
    (part,) = providers(Shop().messages(provider_id="abc.example"))
    assert [each["id"] for each in part["fulfillments"]] == ["f-L1", "p-abc.example"]


@pytest.mark.parametrize("filters", [{"item_id": "IN*ABC*L1*E1*1"}, {"category": "green-tariff"}])
def test_passes_do_not_go_with_what_is_particular(filters: dict[str, Any]) -> None:
    assert not any(name.endswith((" silver", " gold")) for name in Shop().ids(**filters))


def test_a_name_in_the_catalogue_is_no_name_of_a_pass() -> None:
    shop = Shop(loyalty_pass(name="Main Street Pass", provider="abc.example"))
    assert "abc.example IN*ABC*L1*E1*1" in shop.ids(text="main")


def test_nothing_found_shows_no_passes() -> None:
    assert Shop().ids(latitude=0.0, longitude=0.0) == []
    assert Shop().ids(charging=False) == []


def test_passes_follow_the_terms() -> None:
    shop = Shop(SILVER)
    assert shop.ids(text="loyalty") == ["abc.example silver"]
    encoded = shop.dialect.encoded.count("pass silver")
    shop.ids(text="loyalty")
    assert shop.dialect.encoded.count("pass silver") == encoded == 1
    shop.passes = (loyalty_pass(name="New Pass", provider="abc.example"),)
    (part,) = providers(shop.messages(text="loyalty"))
    assert part["items"][0]["name"] == "New Pass"
    shop.passes = ()
    assert shop.ids(text="loyalty") == []


def test_passes_of_a_provider_that_sells_nothing_here_are_not_shown() -> None:
    shop = Shop(loyalty_pass(provider="nobody.example"))
    assert shop.ids(text="loyalty") == []
    away = Shop()
    away.index.set_status(PARTY, ConnectionStatus.OFFLINE)
    assert away.ids(text="loyalty") == ["xyz.example gold"]


def test_passes_that_would_fill_a_message_are_shown_by_their_own_search_only() -> None:
    large = loyalty_pass(name="n" * 300, provider="abc.example")
    shop = Shop(large, max_message_bytes=1000)
    assert "abc.example silver" not in shop.ids()
    assert shop.ids(text="loyalty") == ["abc.example silver"]


def test_passes_are_spread_over_messages() -> None:
    items = [json.dumps({"id": str(number), "x": "x" * 100}).encode() for number in range(7)]
    huge = json.dumps({"id": "huge", "x": "x" * 1000}).encode()
    other = Provider(id="o", name="Other")
    shelves = [Shelf(PROVIDER, b'{"id":"p"}', [huge, *items[:4]]), Shelf(other, b"{}", items[4:])]

    found = pass_messages(shelves, PlainJson(), 500, 9)

    assert all(len(message) <= 500 for message in found)
    told = [item["id"] for part in providers(found) for item in part["items"]]
    assert told == [str(number) for number in range(7)]
    assert len(pass_messages(shelves, PlainJson(), 500, 2)) == 2
    assert pass_messages([], PlainJson(), 500, 2) == []


def test_a_provider_is_known_by_its_id() -> None:
    shop = Shop()
    assert shop.index.provider("ABC.example") == ("cpo1", PROVIDER)
