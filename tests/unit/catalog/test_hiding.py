"""What the catalogue shows and what it hides, and in which order it may be told."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from bridge.errors import ItemUnavailable
from bridge.ocpi.headers import Party
from bridge.ocpi.hubclientinfo import ConnectionStatus
from bridge.ocpi.locations import Capability, Location, Status
from bridge.ocpi.tariffs import Tariff, TariffType
from bridge.ocpi.types import BusinessDetails
from tests.unit.catalog.world import (
    NOW,
    OTHER_PARTY,
    PARTY,
    PROVIDER,
    World,
    connector,
    evse,
    location,
    providers,
    tariff,
)


def test_a_published_connector_with_a_tariff_is_shown() -> None:
    assert World().put(tariff(), location()).found() == ["L1/E1/1"]


def test_an_empty_catalogue_has_nothing_to_say() -> None:
    assert World().messages() == []


@pytest.mark.parametrize(
    "hidden",
    [
        location(publish=False),
        location("L1", evse(status=Status.REMOVED)),
        location("L1", evse(status=Status.PLANNED)),
        location("L1", evse(capabilities=(Capability.RFID_READER,))),
        location("L1", evse("E1", connector(tariffs=()))),
        location("L1", evse("E1", connector(tariffs=("UNKNOWN",)))),
    ],
    ids=["unpublished", "removed", "planned", "no-remote-start", "no-tariff", "unknown-tariff"],
)
def test_what_is_hidden_takes_its_location_with_it(hidden: Location) -> None:
    assert World().put(tariff(), hidden).messages() == []


def test_a_location_without_evses_is_not_shown() -> None:
    assert World().put(tariff(), replace(location(), evses=())).found() == []


def test_a_hidden_connector_leaves_the_others() -> None:
    place = location("L1", evse("E1", status=Status.REMOVED), evse("E2"))
    (item,) = World().put(tariff(), place).items()
    assert (item["id"], item["name"]) == ("IN*ABC*L1*E2*1", "#2")


def test_a_tariff_for_payment_at_the_charger_shows_nothing() -> None:
    assert World().put(tariff(type=TariffType.AD_HOC_PAYMENT), location()).found() == []


def test_a_tariff_shows_its_connectors_only_while_it_is_valid() -> None:
    world = World().put(
        tariff(start_date_time=NOW, end_date_time=NOW + timedelta(hours=1)), location()
    )
    world.now = NOW - timedelta(seconds=1)
    assert world.found() == []
    world.now = NOW
    assert world.found() == ["L1/E1/1"]
    world.now = NOW + timedelta(hours=1)
    assert world.found() == []


def test_the_order_of_arrival_does_not_matter() -> None:
    things: list[Location | Tariff] = [
        tariff(),
        location("L1"),
        location("L2", evse("E1", connector(tariffs=("t1",)))),
    ]
    for order in permutations(things):
        assert World().put(*order).found() == ["L1/E1/1", "L2/E1/1"]


def test_a_tariff_of_another_party_with_the_same_id_is_another_tariff() -> None:
    assert World().put(tariff(party=OTHER_PARTY), location()).found() == []


def test_a_tariff_that_is_removed_hides_what_has_no_other() -> None:
    both = location("L2", evse("E1", connector(tariffs=("T1", "T2"))))
    world = World().put(tariff("T1"), tariff("T2"), location("L1"), both)
    world.index.remove_tariff(PARTY, "t1")
    assert world.found() == ["L2/E1/1"]
    assert world.items()[0]["tariff"] == "T2"
    world.index.remove_tariff(PARTY, "never-there")
    assert world.found() == ["L2/E1/1"]


def test_a_location_that_is_put_again_is_replaced() -> None:
    world = World().put(tariff(), location("L1", evse("E1"), evse("E2")))
    world.put(location("l1", evse("E2", status=Status.CHARGING)))
    (item,) = world.items()
    assert (item["id"], item["status"]) == ("IN*ABC*l1*E2*1", "CHARGING")


def test_a_location_that_moves_is_found_where_it_is_now() -> None:
    world = World().put(tariff(), location(at=(12.97, 77.59)), location(at=(28.61, 77.21)))
    assert world.found(latitude=12.97, longitude=77.59) == []
    assert world.found(latitude=28.61, longitude=77.21) == ["L1/E1/1"]


def test_a_location_may_be_hidden_and_come_back() -> None:
    world = World().put(tariff(), location(), location(publish=False))
    assert world.found() == []
    assert world.put(location()).found() == ["L1/E1/1"]


def test_a_removed_location_is_gone() -> None:
    world = World().put(tariff(), location())
    world.index.remove_location(PARTY, "l1")
    world.index.remove_location(PARTY, "l1")
    assert world.found() == []
    assert world.found(latitude=12.97, longitude=77.59) == []


def test_parties_are_compared_without_case() -> None:
    world = World().put(tariff(party=Party("in", "abc")), location())
    assert world.found() == ["L1/E1/1"]
    world.index.remove_location(Party("In", "aBc"), "L1")
    assert world.found() == []


def test_a_location_of_a_party_nobody_knows_waits_for_it() -> None:
    stranger = Party("IN", "NEW")
    world = World().put(tariff(party=stranger), location(party=stranger))
    assert world.found() == []
    assert world.index.counts() == (2, 1, 1, 0, 0)
    world.index.set_party(stranger, "cpo3", PROVIDER)
    assert world.found() == ["L1/E1/1"]
    assert world.index.counts() == (3, 1, 1, 1, 1)


def test_a_party_that_is_renamed_renames_its_locations() -> None:
    world = World().put(tariff(), location())
    renamed = type(PROVIDER)(id="new.example", name="New Name")
    world.index.set_party(PARTY, "cpo1", renamed)
    (provider,) = providers(world.messages())
    assert (provider["id"], provider["name"]) == ("new.example", "New Name")
    assert world.found(text="abc charging") == ["L1/E1/1"], "the old name is noise now"


def test_a_dropped_party_takes_everything_with_it() -> None:
    world = World().put(
        tariff(), location(), tariff(party=OTHER_PARTY), location(party=OTHER_PARTY)
    )
    world.index.drop_party(PARTY)
    assert [item["id"] for item in world.items()] == ["IN*XYZ*L1*E1*1"]
    world.index.set_party(PARTY, "cpo1", PROVIDER)
    assert world.put(location()).found(provider_id="abc.example") == [], "its tariff is gone too"


def test_parties_of_one_provider_are_shown_as_one() -> None:
    world = World()
    world.index.set_party(OTHER_PARTY, "cpo1", PROVIDER)
    world.put(tariff(), location(), tariff(party=OTHER_PARTY), location("L2", party=OTHER_PARTY))
    (provider,) = providers(world.messages())
    assert [item["id"] for item in provider["items"]] == ["IN*ABC*L1*E1*1", "IN*XYZ*L2*E1*1"]


@pytest.mark.requirement("O142")
@pytest.mark.parametrize("status", [each for each in ConnectionStatus if each != "CONNECTED"])
def test_a_party_that_its_hub_cannot_reach_sells_nothing_until_it_is_back(
    status: ConnectionStatus,
) -> None:
    world = World().put(
        tariff(), location(), tariff(party=OTHER_PARTY), location(party=OTHER_PARTY)
    )
    world.index.set_status(PARTY, status)

    assert [item["id"] for item in world.items()] == ["IN*XYZ*L1*E1*1"]
    assert world.index.counts() == (2, 2, 2, 1, 1)
    with pytest.raises(ItemUnavailable, match=f"{status} at its hub"):
        world.index.find(PROVIDER.id, "IN*ABC*L1*E1*1")

    world.index.set_status(PARTY, ConnectionStatus.CONNECTED)
    assert world.found() == ["L1/E1/1", "L1/E1/1"]
    assert world.index.find(PROVIDER.id, "IN*ABC*L1*E1*1").number == 1


@pytest.mark.requirement("O66")
def test_a_location_without_an_operator_has_that_of_its_party() -> None:
    world = World().put(
        tariff(), location("L1"), location("L2", operator=BusinessDetails(name="Own Name"))
    )
    world.index.set_party(PARTY, "cpo1", PROVIDER, BusinessDetails(name="Role Name"))

    assert world.found(text="role name") == ["L1/E1/1"]
    assert world.found(text="own name") == ["L2/E1/1"]
    named = {each: world.index.find("", f"IN*ABC*{each}*E1*1") for each in ("L1", "L2")}
    assert {each: item.location.operator for each, item in named.items()} == {
        "L1": BusinessDetails(name="Role Name"),
        "L2": BusinessDetails(name="Own Name"),
    }
    # It is no part of the Location: another name of the party takes its place.
    world.index.set_party(PARTY, "cpo1", PROVIDER, BusinessDetails(name="New Name"))
    assert world.found(text="new name") == ["L1/E1/1"]


def test_counts_tell_what_is_held_and_what_is_shown() -> None:
    stranger = Party("IN", "NEW")
    world = World().put(
        tariff(),
        location("L1", evse("E1"), evse("E2")),
        location("L2", publish=False),
        location("L3", evse("E1", connector(tariffs=()))),
        location("L4", party=stranger),
    )
    assert world.index.counts() == (2, 1, 4, 1, 2)


def test_a_cleared_catalogue_is_empty() -> None:
    world = World().put(tariff(), location())
    world.index.clear()
    assert world.found() == []
    assert world.index.counts() == (0, 0, 0, 0, 0)
