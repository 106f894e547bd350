"""Each forgiveness: what needs it, what becomes of it, and that it is told by name and place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import OcpiInvalid
from bridge.ocpi.cdrs import CDR, CdrToken
from bridge.ocpi.codec import convert, loads, merge_patch
from bridge.ocpi.commands import CommandResponse
from bridge.ocpi.credentials import Credentials
from bridge.ocpi.headers import Party
from bridge.ocpi.leniency import Leniency, Met, first_of_each
from bridge.ocpi.lenient import read, read_patch
from bridge.ocpi.locations import (
    EVSE,
    GeoLocation,
    Hours,
    Location,
    PublishTokenType,
    RegularHours,
)
from bridge.ocpi.sessions import Session
from bridge.ocpi.tariffs import PriceComponent, TariffRestrictions
from bridge.ocpi.types import DisplayText, Image, Price
from tests.unit.ocpi import objects
from tests.unit.ocpi.objects import LATE, Json

L = Leniency
OWN = Party("IN", "BRG")
AT = "2024-05-01T08:00:00Z"


def as_json(body: object) -> object:
    """Return a document as it comes from the wire."""
    return loads(json.dumps(body).encode())


def without(body: Json, *names: str) -> Json:
    return {name: item for name, item in body.items() if name not in names}


POINT = {"latitude": "12.97160", "longitude": "77.59460"}
PERIOD = {"start_date_time": AT, "dimensions": [{"type": "ENERGY", "volume": 120}]}
AT_CDR = objects.cdr()["cdr_location"]
REGULAR = [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}]

ROLE = {
    "role": "CPO",
    "business_details": {"name": "A CPO"},
    "party_id": "ABC",
    "country_code": "IN",
}

VALID: dict[type[Any], Json] = {
    CDR: objects.cdr(),
    CdrToken: objects.session()["cdr_token"] | {"country_code": "IN", "party_id": "BRG"},
    CommandResponse: {"result": "REJECTED", "timeout": 0},
    Credentials: {"token": "s3cret", "url": "https://cpo.test/versions", "roles": [ROLE]},
    DisplayText: {"language": "en", "text": "Left"},
    EVSE: objects.evse(),
    GeoLocation: POINT,
    Hours: {"twentyfourseven": True},
    Image: {"url": "https://x/a.png", "category": "CHARGER", "type": "png"},
    Location: objects.location(),
    Price: {"excl_vat": 1},
    PriceComponent: {"type": "ENERGY", "price": 18, "step_size": 1},
    PublishTokenType: {"group_id": "G"},
    RegularHours: REGULAR[0],
    Session: objects.session(),
    TariffRestrictions: {},
}

CASES: list[tuple[Leniency, str, type[Any], Json, Json]] = [
    # what is met and where; in which object, its fields as sent; the fields that come of them
    (L.NUMBER_AS_STRING, "excl_vat", Price, {"excl_vat": "1.50"}, {"excl_vat": 1.50}),
    (L.NUMBER_AS_STRING, "step_size", PriceComponent, {"step_size": "60"}, {"step_size": 60}),
    (L.DECIMAL_FOR_INT, "step_size", PriceComponent, {"step_size": 60.0}, {"step_size": 60}),
    (
        L.STRING_AS_NUMBER,
        "physical_reference",
        EVSE,
        {"physical_reference": 3},
        {"physical_reference": "3"},
    ),
    (L.STRING_AS_NUMBER, "floor_level", EVSE, {"floor_level": -1}, {"floor_level": "-1"}),
    (
        L.STRING_AS_NUMBER,
        "latitude",
        GeoLocation,
        {"latitude": 12.9716001},
        {"latitude": "12.9716001"},
    ),
    (L.BOOLEAN_SPELLING, "publish", Location, {"publish": "true"}, {"publish": True}),
    (L.BOOLEAN_SPELLING, "publish", Location, {"publish": 0}, {"publish": False}),
    (
        L.TIMESTAMP_OFFSET,
        "last_updated",
        EVSE,
        {"last_updated": "2025-03-05T11:37:42.13+01:00"},
        {"last_updated": "2025-03-05T10:37:42.130Z"},
    ),
    (
        L.TIMESTAMP_OFFSET,
        "last_updated",
        EVSE,
        {"last_updated": "2024-05-01T08:00:00+0000"},
        {"last_updated": AT},
    ),
    (
        L.TIMESTAMP_PRECISION,
        "last_updated",
        EVSE,
        {"last_updated": "2024-05-01T08:00:00.123456789Z"},
        {"last_updated": "2024-05-01T08:00:00.123Z"},
    ),
    (
        L.TIMESTAMP_SPELLING,
        "last_updated",
        EVSE,
        {"last_updated": "2024-05-01 08:00:00"},
        {"last_updated": AT},
    ),
    (
        L.TIMESTAMP_SPELLING,
        "last_updated",
        EVSE,
        {"last_updated": "2024-05-01t08:00:00z"},
        {"last_updated": AT},
    ),
    (
        L.TIMESTAMP_SPELLING,
        "last_updated",
        EVSE,
        {"last_updated": "1970-1-1T00:00:00Z"},
        {"last_updated": "1970-01-01T00:00:00Z"},
    ),
    (
        L.TIMESTAMP_SPELLING,
        "last_updated",
        EVSE,
        {"last_updated": "2024-05-01T08:00Z"},
        {"last_updated": AT},
    ),
    (
        L.TIME_SPELLING,
        "start_time",
        TariffRestrictions,
        {"start_time": "8:00"},
        {"start_time": "08:00"},
    ),
    (L.TIME_SPELLING, "end_time", TariffRestrictions, {"end_time": "24:00"}, {"end_time": "00:00"}),
    (
        L.TIME_SPELLING,
        "period_end",
        RegularHours,
        {"period_end": "20:30:00"},
        {"period_end": "20:30"},
    ),
    (L.STRING_TOO_LONG, "city", Location, {"city": "x" * 46}, {"city": "x" * 45}),
    (
        L.CONTROL_CHARACTER,
        "text",
        DisplayText,
        {"text": "Level 2,\r\nleft"},
        {"text": "Level 2, left"},
    ),
    (L.UNUSABLE_URL, "thumbnail", Image, {"thumbnail": "https://x/" + "y" * 300}, {}),
    (L.UNUSABLE_URL, "thumbnail", Image, {"thumbnail": "no url"}, {}),
    (L.UNKNOWN_FIELD, "parking_places", Location, {"parking_places": [{}]}, {}),
    (
        L.UNKNOWN_VALUE,
        "capabilities[1]",
        EVSE,
        {"capabilities": ["RESERVABLE", "FLYING"]},
        {"capabilities": ["RESERVABLE"]},
    ),
    (L.UNKNOWN_VALUE, "status", EVSE, {"status": "STOPPING"}, {"status": "UNKNOWN"}),
    (L.UNKNOWN_VALUE, "parking_type", Location, {"parking_type": "MOON"}, {}),
    (
        L.UNKNOWN_VALUE,
        "connectors[0].standard",
        EVSE,
        {"connectors": [objects.connector(standard="MCS"), objects.connector()]},
        {"connectors": [objects.connector()]},
    ),
    (L.UNKNOWN_VALUE, "category", Image, {"category": "DRONE"}, {"category": "OTHER"}),
    (L.UNKNOWN_VALUE, "status", Session, {"status": "RESERVED"}, {"status": "RESERVATION"}),
    (L.UNKNOWN_VALUE, "status", Session, {"status": "SUSPENDED_EV"}, {"status": "PENDING"}),
    (
        L.NULL_IN_LIST,
        "connectors[0].tariff_ids[0]",
        EVSE,
        {"connectors": [objects.connector(tariff_ids=[None, "T"])]},
        {"connectors": [objects.connector(tariff_ids=["T"])]},
    ),
    (L.OBJECT_IN_LIST, "coordinates", Location, {"coordinates": [POINT]}, {"coordinates": POINT}),
    (
        L.SINGLE_FOR_LIST,
        "status_schedule",
        EVSE,
        {"status_schedule": {"period_begin": AT, "status": "PLANNED"}},
        {"status_schedule": [{"period_begin": AT, "status": "PLANNED"}]},
    ),
    (
        L.SINGLE_FOR_LIST,
        "message",
        CommandResponse,
        {"message": {"language": "en", "text": "no"}},
        {"message": [{"language": "en", "text": "no"}]},
    ),
    (L.REQUIRED_MISSING, "connectors", EVSE, {"connectors": []}, {"connectors": []}),
    (L.REQUIRED_MISSING, "timeout", CommandResponse, {"timeout": None}, {"timeout": 0}),
    (L.NUMBER_AS_STRING, "timeout", CommandResponse, {"timeout": "30"}, {"timeout": 30}),
    (
        L.REQUIRED_MISSING,
        "charging_periods",
        CDR,
        {"charging_periods": []},
        {"charging_periods": []},
    ),
    (
        L.REQUIRED_MISSING,
        "cdr_location.evse_uid",
        CDR,
        {"cdr_location": without(AT_CDR, "evse_uid")},
        {"cdr_location": AT_CDR | {"evse_uid": "#NA"}},
    ),
    (
        L.LAST_UPDATED_MISSING,
        "connectors[0]",
        EVSE,
        {"connectors": [without(objects.connector(), "last_updated")]},
        {"connectors": [objects.connector(last_updated=objects.evse()["last_updated"])]},
    ),
    (
        L.PRICE_WITH_TAXES,
        "",
        Price,
        {"excl_vat": None, "before_taxes": 10.0, "taxes": [{"name": "VAT", "amount": 2.1}]},
        {"excl_vat": 10, "incl_vat": 12.1},
    ),
    (L.PRICE_WITH_TAXES, "", Price, {"excl_vat": None, "before_taxes": 10.0}, {"excl_vat": 10}),
    (L.PRICE_AS_NUMBER, "total_cost", Session, {"total_cost": 4}, {"total_cost": {"excl_vat": 4}}),
    (L.COORDINATE_SCALE, "latitude", GeoLocation, {"latitude": "12.9"}, {"latitude": "12.90000"}),
    (
        L.COORDINATE_SCALE,
        "longitude",
        GeoLocation,
        {"longitude": "-77.123456789"},
        {"longitude": "-77.1234568"},
    ),
    (
        L.COORDINATES_SWAPPED,
        "",
        GeoLocation,
        {"latitude": "151.20930", "longitude": "-33.86880"},
        {"latitude": "-33.86880", "longitude": "151.20930"},
    ),
    (L.UNUSABLE_PART, "coordinates", EVSE, {"coordinates": {"latitude": "", "longitude": ""}}, {}),
    (L.UNUSABLE_PART, "opening_times", Location, {"opening_times": []}, {}),
    (L.IMAGE_TYPE, "type", Image, {"type": "image/svg+xml"}, {"type": "svg"}),
    (
        L.OPENING_TIMES,
        "",
        Hours,
        {
            "twentyfourseven": True,
            "regular_hours": [{"weekday": 1, "period_begin": "08:00", "period_end": "20:00"}],
        },
        {"twentyfourseven": True},
    ),
    (L.OPENING_TIMES, "opening_times", Location, {"opening_times": {"twentyfourseven": False}}, {}),
    (
        L.PUBLISH_RULE,
        "publish_allowed_to",
        Location,
        {"publish_allowed_to": [{"group_id": "G"}]},
        {},
    ),
    (
        L.PUBLISH_RULE,
        "publish_allowed_to[0]",
        Location,
        {"publish": False, "publish_allowed_to": [{"type": "RFID"}, {"group_id": "G"}]},
        {"publish": False, "publish_allowed_to": [{"group_id": "G"}]},
    ),
    (
        L.TOKEN_WITHOUT_PARTY,
        "",
        CdrToken,
        {"country_code": None, "party_id": None},
        {"country_code": "IN", "party_id": "BRG"},
    ),
    (
        L.REPEATED_ROLE,
        "roles",
        Credentials,
        {"roles": [ROLE, ROLE | {"role": "EMSP"}, ROLE | {"party_id": "abc"}]},
        {"roles": [ROLE, ROLE | {"role": "EMSP"}]},
    ),
    (
        L.UNKNOWN_VALUE,
        "roles[1].role",
        Credentials,
        {"roles": [ROLE, ROLE | {"role": "PTP"}]},
        {"roles": [ROLE]},
    ),
    (
        L.ENERGY_IN_WH,
        "charging_periods",
        Session,
        {"kwh": 0.12, "charging_periods": [PERIOD]},
        {
            "kwh": 0.12,
            "charging_periods": [
                {"start_date_time": AT, "dimensions": [{"type": "ENERGY", "volume": 0.12}]}
            ],
        },
    ),
    (
        L.SESSION_DIMENSION,
        "charging_periods",
        CDR,
        {
            "charging_periods": [
                {
                    "start_date_time": AT,
                    "dimensions": [{"type": "POWER", "volume": 7}, {"type": "ENERGY", "volume": 5}],
                }
            ]
        },
        {
            "charging_periods": [
                {"start_date_time": AT, "dimensions": [{"type": "ENERGY", "volume": 5}]}
            ]
        },
    ),
]


@pytest.mark.requirement("O36")
@pytest.mark.parametrize(
    ("leniency", "place", "type_", "sent", "kept"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_it_is_forgiven_and_told(
    leniency: Leniency, place: str, type_: type[Any], sent: Json, kept: Json
) -> None:
    body = VALID[type_] | sent
    in_order = without(VALID[type_], *sent) | kept
    met: list[Met] = []
    assert read(as_json(body), type_, met, OWN) == convert(as_json(in_order), type_)
    assert first_of_each(met) == [Met(leniency, place)]


@pytest.mark.parametrize("type_", VALID)
def test_what_is_in_order_needs_no_forgiveness(type_: type[Any]) -> None:
    met: list[Met] = []
    assert read(as_json(VALID[type_]), type_, met) == convert(as_json(VALID[type_]), type_)
    assert met == []


@pytest.mark.parametrize(
    ("type_", "wrong", "path"),
    [
        (EVSE, {"last_updated": "29-06-2015"}, "last_updated"),
        (EVSE, {"last_updated": ""}, "last_updated"),
        (EVSE, {"last_updated": 1714550400}, "last_updated"),
        (EVSE, {"last_updated": "9999-12-31T23:59:59-23:59"}, "last_updated"),
        (EVSE, {"uid": "x" * 37}, "uid"),
        (EVSE, {"uid": "E\n1"}, "uid"),
        (Price, {"excl_vat": "a lot"}, "excl_vat"),
        (Price, {"excl_vat": "1e400"}, "excl_vat"),
        (Price, {"excl_vat": True}, "excl_vat"),
        (Location, {"coordinates": {"latitude": "north", "longitude": "0"}}, "coordinates"),
        (Location, {"coordinates": {"latitude": "91.00000", "longitude": "99.0"}}, "coordinates"),
        (Location, {"evses": [{"status": "AVAILABLE"}]}, "evses[0].uid"),
        (PriceComponent, {"type": "MINUTES"}, "type"),
        (TariffRestrictions, {"day_of_week": ["FUNDAY"]}, "day_of_week[0]"),
        (TariffRestrictions, {"reservation": "MAYBE"}, "reservation"),
        (Image, {"url": "no url"}, "url"),
        (Credentials, {"token": "x" * 65}, "token"),
        (Credentials, {"token": "line\nend"}, "token"),
        (Credentials, {"roles": [{"role": "PTP"}]}, "roles"),
        (PublishTokenType, {"group_id": None}, ""),
    ],
)
def test_what_cannot_be_forgiven_is_named(type_: type[Any], wrong: Json, path: str) -> None:
    with pytest.raises(OcpiInvalid) as refused:
        read(as_json(VALID[type_] | wrong), type_, [])
    assert refused.value.path == path


@pytest.mark.parametrize("document", [None, 1, "x", [], [1], [{}, {}], True])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(OcpiInvalid):
        read(document, Location, [])


def test_a_null_is_absent_and_no_deviation() -> None:
    met: list[Met] = []
    body = objects.location(name=None, evses=None, facilities=None)
    assert read(as_json(body), Location, met).name is None
    assert met == []


@pytest.mark.requirement("O28")
def test_in_a_patch_a_null_and_an_unknown_word_change_nothing() -> None:
    stored = convert(as_json(objects.session(authorization_reference="R")), Session)
    met: list[Met] = []
    sent = {"authorization_reference": None, "status": "PAUSED", "kwh": "2", "last_updated": LATE}
    patch = read_patch(as_json(sent), Session, met)
    after = merge_patch(stored, patch, Session)
    assert (after.authorization_reference, after.status) == ("R", stored.status)
    assert after.kwh == 2
    assert {each.leniency for each in met} == {L.UNKNOWN_VALUE, L.NUMBER_AS_STRING}


def test_parts_in_a_patch_are_read_forgivingly_too() -> None:
    stored = convert(as_json(objects.location(objects.evse())), Location)
    sent = {"evses": {"uid": "e1", "status": "AVAILABLE", "floor_level": 2}, "last_updated": LATE}
    met: list[Met] = []
    after = merge_patch(stored, read_patch(as_json(sent), Location, met), Location)
    assert after.evses[0].floor_level == "2"
    assert [each.place for each in met] == ["evses", "evses[0].floor_level"]


def test_a_patch_is_an_object() -> None:
    with pytest.raises(OcpiInvalid, match="expected an object"):
        read_patch([], Session, [])


def test_one_object_counts_once_for_each_deviation() -> None:
    met = [Met(L.UNKNOWN_FIELD, "a"), Met(L.UNKNOWN_VALUE, "b"), Met(L.UNKNOWN_FIELD, "c")]
    assert first_of_each(met) == met[:2]
