"""Offers in the catalogue: shown for what they are for, while they hold, encoded once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.ocpi.locations import PowerType
from bridge.ocpi.tariffs import DayOfWeek, TariffRestrictions
from bridge.orders.terms import Offer, Where
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

FIFTH = Offer(id="fifth", title="A fifth off", share=Decimal("0.2"))
AC = connector("ac", power_type=PowerType.AC_3_PHASE, max_electric_power=11_000)


def world(*offers: Offer, **options: Any) -> World:
    """Two Locations of one party, the first with a DC and an AC connector; one of another."""
    made = World(**options).put(
        tariff(),
        tariff(party=OTHER_PARTY),
        location("L1", evse("E1", connector("dc"), AC)),
        location("L2"),
        location("L3", party=OTHER_PARTY),
    )
    made.promoted = offers
    return made


def shown(of: World, **filters: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the offers of each provider that has any."""
    found = providers(of.messages(**filters))
    return {each["id"]: each["offers"] for each in found if "offers" in each}


def test_an_offer_for_all_is_with_every_provider() -> None:
    assert shown(world(FIFTH)) == {
        "abc.example": [{"id": "fifth", "locations": ["L1", "L2"]}],
        "xyz.example": [{"id": "fifth", "locations": ["L3"]}],
    }


def test_without_offers_nothing_is_said_of_them() -> None:
    assert all("offers" not in each for each in providers(world().messages()))


FIRST = "IN*ABC*L1*E1*"


@pytest.mark.parametrize(
    ("where", "offers"),
    [
        (Where(providers=("xyz.example",)), {"xyz.example": [["L3"], None]}),
        (Where(locations=("l2",)), {"abc.example": [["L2"], None]}),
        (Where(items=(f"{FIRST}ac",)), {"abc.example": [["L1"], [f"{FIRST}ac"]]}),
        (Where(power_types=(PowerType.AC_3_PHASE,)), {"abc.example": [["L1"], [f"{FIRST}ac"]]}),
        (
            Where(min_power_kw=Decimal(50), providers=("abc.example",)),
            {"abc.example": [["L1", "L2"], [f"{FIRST}dc", "IN*ABC*L2*E1*1"]]},
        ),
        (Where(locations=("L4",)), {}),
    ],
)
def test_it_names_what_of_the_answer_it_is_for(
    where: Where, offers: dict[str, list[list[str] | None]]
) -> None:
    found = shown(world(replace(FIFTH, where=where)))
    assert {
        provider: [offer["locations"], offer.get("items")] for provider, (offer,) in found.items()
    } == offers


def test_only_what_is_shown_is_named() -> None:
    ac_only = world(replace(FIFTH, where=Where(power_types=(PowerType.AC_3_PHASE,))))
    assert shown(ac_only, power_types=(PowerType.DC,)) == {}
    assert shown(world(FIFTH), location_id="L2") == {
        "abc.example": [{"id": "fifth", "locations": ["L2"]}]
    }


HOUR = timedelta(hours=1)
EVENINGS = TariffRestrictions(start_time="18:00", end_time="20:00")
SUNDAYS = TariffRestrictions(day_of_week=(DayOfWeek.SUNDAY,))


@pytest.mark.parametrize(
    ("changes", "window", "is_shown"),
    [
        ({}, None, True),
        ({"valid_from": NOW, "valid_until": NOW + HOUR}, None, True),
        ({"valid_until": NOW}, None, False),
        ({"valid_from": NOW + 6 * 24 * HOUR}, None, True),
        ({"valid_from": NOW + 8 * 24 * HOUR}, None, False),
        ({"valid_from": NOW + 8 * 24 * HOUR}, (NOW, NOW + 9 * 24 * HOUR), True),
        ({"valid_from": NOW + 2 * HOUR}, (NOW, NOW + HOUR), False),
        ({"valid_until": NOW + HOUR}, (NOW + HOUR, NOW + 2 * HOUR), False),
        ({"when": EVENINGS}, None, True),
        ({"when": EVENINGS}, (NOW, NOW + 5 * HOUR), False),
        ({"when": EVENINGS}, (NOW, NOW + 6 * HOUR), True),
        ({"when": EVENINGS}, (NOW + 8 * HOUR, NOW + 9 * HOUR), False),
        ({"when": SUNDAYS}, None, True),
        ({"when": SUNDAYS}, (NOW, NOW + 24 * HOUR), False),
        ({"when": SUNDAYS, "valid_until": NOW + 48 * HOUR}, None, False),
    ],
)
def test_it_is_shown_while_charging_may_start_in_its_time(
    changes: dict[str, Any], window: tuple[Any, Any] | None, is_shown: bool
) -> None:
    """It is Wednesday, noon in India; without a time a search is about the week ahead."""
    start, end = window or (None, None)
    found = shown(world(replace(FIFTH, **changes)), window_start=start, window_end=end)
    assert bool(found) is is_shown


def test_a_location_whose_clock_nobody_knows_has_no_offers() -> None:
    lost = World().put(tariff(), location(time_zone="Moon/Tycho"))
    lost.promoted = (FIFTH,)
    assert shown(lost) == {}


def test_an_offer_is_encoded_once_and_again_when_it_changes() -> None:
    made = world(FIFTH).prepared()
    made.dialect.encoded.clear()
    shown(made)
    shown(made)
    assert made.dialect.encoded == ["offer fifth"]

    made.promoted = (replace(FIFTH, id="other"), FIFTH)
    assert [offer["id"] for offer in shown(made)["abc.example"]] == ["other", "fifth"]
    shown(made)
    assert made.dialect.encoded == ["offer fifth", "offer other", "offer fifth"], "offers only"

    made.promoted = ()
    assert shown(made) == {}


def test_a_new_connector_has_the_offers_too() -> None:
    made = world(replace(FIFTH, where=Where(min_power_kw=Decimal(1))))
    shown(made)
    made.put(location("L2", evse("E1", connector("1"), connector("2"))))
    (offer,) = shown(made, location_id="L2")["abc.example"]
    assert offer["items"] == ["IN*ABC*L2*E1*1", "IN*ABC*L2*E1*2"]


def test_the_category_of_offers_is_of_connectors_with_one() -> None:
    made = world(replace(FIFTH, where=Where(power_types=(PowerType.AC_3_PHASE,))))
    assert made.found(category="promotional-offer") == ["L1/E1/ac"]
    assert world().found(category="promotional-offer") == []


def test_a_message_with_offers_keeps_its_limit() -> None:
    many = tuple(replace(FIFTH, id=f"offer-{number}") for number in range(8))
    made = world(*many, max_message_bytes=900)
    messages = made.messages()
    assert all(len(message) <= 900 for message in messages)
    assert sorted(made.found()) == ["L1/E1/ac", "L1/E1/dc", "L2/E1/1", "L3/E1/1"]
    assert len(messages) > 1


def test_offers_make_way_for_what_is_sold() -> None:
    large = replace(FIFTH, id="x" * 900)
    made = world(large, max_message_bytes=900)
    assert len(made.found()) == 4
    assert shown(made) == {}
