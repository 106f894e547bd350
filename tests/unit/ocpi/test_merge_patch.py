from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from bridge.errors import OcpiInvalid
from bridge.ocpi.codec import convert, loads, merge_patch
from bridge.ocpi.locations import EVSE, Connector, Location, Status
from bridge.ocpi.sessions import Session, SessionStatus
from bridge.ocpi.times import parse_datetime
from bridge.ocpi.tokens import Token
from tests.unit.ocpi.objects import EARLY, LATE, connector, evse, location, period, session, token


def read(obj: object, type_: Any) -> Any:
    return convert(plain(obj), type_)


def plain(obj: object) -> Any:
    return loads(json.dumps(obj).encode())


def patched(stored: object, patch: Mapping[str, object], type_: Any) -> Any:
    return merge_patch(read(stored, type_), plain({"last_updated": LATE, **patch}), type_)


@pytest.mark.requirement("O27")
def test_what_is_omitted_stays() -> None:
    after = patched(token(visual_number="V"), {"valid": False}, Token)
    assert after == read(token(visual_number="V", valid=False, last_updated=LATE), Token)


@pytest.mark.requirement("O28")
def test_null_changes_nothing() -> None:
    after = patched(
        session(authorization_reference="R"), {"authorization_reference": None}, Session
    )
    assert after.authorization_reference == "R"


@pytest.mark.requirement("O29")
@pytest.mark.parametrize("patch", [{}, {"last_updated": None}])
@pytest.mark.parametrize(
    ("stored", "type_"),
    [(location(), Location), (evse(), EVSE), (connector(), Connector), (session(), Session)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_last_updated_is_required(patch: dict[str, object], stored: object, type_: Any) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        merge_patch(read(stored, type_), patch, type_)
    assert refused.value.path == "last_updated"


@pytest.mark.parametrize("patch", [[], "text", None, 1])
def test_a_patch_is_an_object(patch: object) -> None:
    with pytest.raises(OcpiInvalid, match="object"):
        merge_patch(read(token(), Token), patch, Token)


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"last_updated": "now"}, "last_updated"),
        ({"status": "BROKEN"}, "status"),
        ({"connectors": {}}, "connectors"),
        ({"connectors": ["1"]}, "connectors[0]"),
        ({"connectors": [{"max_voltage": 1}]}, "connectors[0].id"),
        ({"connectors": [{"id": 7}]}, "connectors[0].id"),
        ({"connectors": [{"id": "new"}]}, "connectors[1].standard"),
        ({"connectors": [{"id": "1", "max_voltage": "1"}]}, "connectors[0].max_voltage"),
    ],
)
def test_a_fault_in_a_patch_is_named(patch: dict[str, object], path: str) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        patched(evse(), patch, EVSE)
    assert refused.value.path == path


def test_a_fault_deep_in_a_patch_is_named() -> None:
    with pytest.raises(OcpiInvalid) as refused:
        patched(
            location(evse("A"), evse("B")), {"evses": [{"uid": "b", "connectors": [{}]}]}, Location
        )
    assert refused.value.path == "evses[1].connectors[0].id"


def test_a_nested_object_is_replaced_as_a_whole() -> None:
    stored = location(operator={"name": "Old", "website": "https://old.example"})
    after = patched(stored, {"operator": {"name": "New"}}, Location)
    assert after.operator.name == "New"
    assert after.operator.website is None


def test_a_list_is_replaced_as_a_whole() -> None:
    after = patched(evse(capabilities=["RESERVABLE", "RFID_READER"]), {"capabilities": []}, EVSE)
    assert after.capabilities == ()


@pytest.mark.requirement("O25")
def test_evses_are_merged_by_uid_whatever_its_case() -> None:
    stored = location(evse("E1", floor_level="1"), evse("E2"))
    after = patched(
        stored,
        {"evses": [{"uid": "e2", "status": "CHARGING"}, evse("E3", status="BLOCKED")]},
        Location,
    )
    assert [(each.uid, each.status) for each in after.evses] == [
        ("E1", Status.AVAILABLE),
        ("E2", Status.CHARGING),
        ("E3", Status.BLOCKED),
    ]
    assert after.evses[0] == read(evse("E1", floor_level="1"), EVSE)


def test_connectors_are_merged_by_id_within_their_evse() -> None:
    stored = location(evse("E1", connector("1"), connector("2")), evse("E2", connector("1")))
    change = {"uid": "E1", "connectors": [{"id": "1", "max_amperage": 16}, connector("3")]}
    after = patched(stored, {"evses": [change]}, Location)
    first, second = after.evses
    assert [(each.id, each.max_amperage) for each in first.connectors] == [
        ("1", 16),
        ("2", 32),
        ("3", 32),
    ]
    assert second == read(evse("E2", connector("1")), EVSE)


def test_one_evse_patched_twice_takes_both() -> None:
    patch = {"evses": [evse("N", status="BLOCKED"), {"uid": "n", "status": "REMOVED"}]}
    after = patched(location(), patch, Location)
    assert [(each.uid, each.status) for each in after.evses] == [("N", Status.REMOVED)]


@pytest.mark.parametrize("absent", [None, []])
def test_no_evses_in_a_patch_change_none(absent: object) -> None:
    assert len(patched(location(evse()), {"evses": absent}, Location).evses) == 1


@pytest.mark.requirement("O81")
def test_charging_periods_are_appended() -> None:
    after = patched(
        session(period(EARLY, ENERGY=1)),
        {"charging_periods": [period(LATE, ENERGY=2)], "status": "COMPLETED"},
        Session,
    )
    assert after.status is SessionStatus.COMPLETED
    assert [each.start_date_time for each in after.charging_periods] == [
        parse_datetime(EARLY),
        parse_datetime(LATE),
    ]


@pytest.mark.requirement("O81")
@pytest.mark.parametrize("patch", [{}, {"charging_periods": None}, {"charging_periods": []}])
def test_no_charging_periods_in_a_patch_change_none(patch: dict[str, object]) -> None:
    stored = session(period(EARLY, ENERGY=1))
    assert patched(stored, patch, Session) == read(stored | {"last_updated": LATE}, Session)


@pytest.mark.requirement("O82")
def test_a_charging_period_sent_again_is_merged() -> None:
    again = period(EARLY.replace("Z", ".000"), ENERGY=1.5, TIME=0.5)
    stored = session(
        period(EARLY, ENERGY=1, MAX_POWER=7) | {"tariff_id": "T-1"}, period(LATE, ENERGY=1)
    )
    after = patched(stored, {"charging_periods": [again]}, Session)
    first, second = after.charging_periods
    assert {each.type.value: each.volume for each in first.dimensions} == {
        "ENERGY": Decimal("1.5"),
        "MAX_POWER": Decimal(7),
        "TIME": Decimal("0.5"),
    }
    assert first.tariff_id == "T-1"
    assert second == read(stored, Session).charging_periods[1]


@pytest.mark.parametrize("value", [{}, "text", [1], [{}]])
def test_broken_charging_periods_are_refused(value: object) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        patched(session(), {"charging_periods": value}, Session)
    assert refused.value.path.startswith("charging_periods")


@pytest.mark.requirement("O26")
@pytest.mark.requirement("O80")
def test_a_whole_object_replaces_all() -> None:
    put = session()
    del put["charging_periods"]
    assert read(put, Session).charging_periods == ()
    assert read(put, Session).authorization_reference is None
