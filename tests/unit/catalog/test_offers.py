"""Which connectors can be sold, their numbers and their power."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.catalog.offers import (
    Offer,
    connectors,
    offers,
    power_kw,
    remotely_startable,
    startable_by,
)
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.locations import EVSE, Capability, Location, PowerType, Status
from tests.unit.catalog.world import connector, evse, location


def sold(place: Location) -> list[str]:
    return [_name(offer) for offer in offers(place, "cpo1", remotely_startable)]


def _name(offer: Offer) -> str:
    return f"{offer.evse.uid}/{offer.connector.id}"


def test_every_connector_of_a_published_location_is_an_offer() -> None:
    place = location("L1", evse("E1", connector("1"), connector("2")), evse("E2"))
    assert sold(place) == ["E1/1", "E1/2", "E2/1"]


def test_a_location_that_is_not_published_offers_nothing() -> None:
    assert sold(location(publish=False)) == []


@pytest.mark.parametrize("status", Status)
def test_an_evse_that_is_not_there_is_not_sold(status: Status) -> None:
    place = location("L1", evse("E1", status=status))
    expected = [] if status in (Status.REMOVED, Status.PLANNED) else ["E1/1"]
    assert sold(place) == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ((), ["E1/1"]),
        ((Capability.REMOTE_START_STOP_CAPABLE, Capability.RFID_READER), ["E1/1"]),
        ((Capability.RFID_READER,), []),
    ],
)
def test_an_evse_that_says_it_takes_no_commands_is_not_sold(
    capabilities: tuple[Capability, ...], expected: list[str]
) -> None:
    assert sold(location("L1", evse("E1", capabilities=capabilities))) == expected


def test_what_can_be_started_may_differ_by_cpo() -> None:
    place = location("L1", evse("E1", capabilities=(Capability.RFID_READER,)))

    def trusting(cpo_id: str, evse: EVSE) -> bool:
        return cpo_id == "cpo1"

    assert len(offers(place, "cpo1", trusting)) == 1
    assert len(offers(place, "cpo2", trusting)) == 0


def test_numbers_follow_the_ids_and_count_what_is_not_sold() -> None:
    place = location(
        "L1",
        evse("E2", connector("2"), connector("1")),
        evse("e1", connector("1"), status=Status.REMOVED),
    )
    numbers = {_name(offer): offer.number for offer in connectors(place)}
    assert numbers == {"e1/1": 1, "E2/1": 2, "E2/2": 3}
    assert [offer.number for offer in offers(place, "cpo1", remotely_startable)] == [2, 3]


def test_of_two_connectors_with_the_same_ids_the_last_counts() -> None:
    place = location("L1", evse("E1", status=Status.CHARGING), evse("e1", status=Status.AVAILABLE))
    (offer,) = connectors(place)
    assert offer.evse.status is Status.AVAILABLE


@pytest.mark.parametrize(
    ("power_type", "stated", "expected"),
    [
        (PowerType.AC_1_PHASE, None, "7.36"),
        (PowerType.AC_2_PHASE, None, "14.72"),
        (PowerType.AC_2_PHASE_SPLIT, None, "14.72"),
        (PowerType.AC_3_PHASE, None, "22.08"),
        (PowerType.DC, None, "7.36"),
        (PowerType.AC_3_PHASE, 11_000, "11"),
    ],
)
def test_power_is_what_is_stated_or_follows_from_voltage_current_and_phases(
    power_type: PowerType, stated: int | None, expected: str
) -> None:
    plug = connector(
        power_type=power_type, max_voltage=230, max_amperage=32, max_electric_power=stated
    )
    assert power_kw(plug) == Decimal(expected)


@pytest.mark.requirement("O132")
@pytest.mark.parametrize(
    ("named", "default", "offered"),
    [
        ((), (), True),
        ((), (Capability.REMOTE_START_STOP_CAPABLE,), True),
        ((), (Capability.RFID_READER,), False),
        ((Capability.RFID_READER,), (Capability.REMOTE_START_STOP_CAPABLE,), False),
        ((Capability.REMOTE_START_STOP_CAPABLE,), (Capability.RFID_READER,), True),
    ],
)
def test_of_an_evse_that_names_no_capabilities_the_operator_may_name_them(
    named: tuple[Capability, ...], default: tuple[Capability, ...], offered: bool
) -> None:
    place = location("L1", evse("E1", capabilities=named))
    flags = {"cpo1": Flags(default_capabilities=default)}
    startable = startable_by(lambda cpo_id: flags.get(cpo_id, NO_FLAGS))

    assert bool(offers(place, "cpo1", startable)) is offered
    silent = location("L1", evse("E1", capabilities=()))
    assert offers(silent, "cpo2", startable), "of another CPO nothing was said"
